//! The page around everything else.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::chart::Tone;
use super::language::Language;

const STYLE: &str = include_str!("style.css");

/// What a browser may do with the page: show it, and fetch nothing.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/// A number that the page starts with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFigure {
    /// What it is.
    pub name: String,
    /// The number, written out.
    pub value: String,
    /// What is to be known of it; may be empty.
    pub note: String,
    /// Its colour.
    pub tone: Tone,
}

impl KeyFigure {
    /// A figure without a note, in the colour of text.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into(), note: String::new(), tone: Tone::Neutral }
    }

    /// With a note below it.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    /// In another colour.
    #[must_use]
    pub fn tone(mut self, tone: Tone) -> Self {
        self.tone = tone;
        self
    }
}

/// A part of the page with a heading, to which its contents link.
#[derive(Debug, Clone)]
pub struct Section {
    /// The anchor, unique on the page.
    pub id: String,
    /// The heading.
    pub heading: String,
    /// One or two sentences that say how to read it; may be empty.
    pub lead: String,
    /// Everything else.
    pub body: Markup,
}

impl Section {
    /// A section without a lead.
    pub fn new(id: impl Into<String>, heading: impl Into<String>, body: Markup) -> Self {
        Self { id: id.into(), heading: heading.into(), lead: String::new(), body }
    }

    /// With a sentence or two on how to read it.
    #[must_use]
    pub fn lead(mut self, lead: impl Into<String>) -> Self {
        self.lead = lead.into();
        self
    }
}

/// A whole page.
#[derive(Debug, Clone)]
pub struct Page {
    /// The language of its words.
    pub language: Language,
    /// Its title and first heading.
    pub title: String,
    /// A line below the title; may be empty.
    pub subtitle: String,
    /// Warnings that must be read first.
    pub warnings: Vec<String>,
    /// The numbers it starts with.
    pub figures: Vec<KeyFigure>,
    /// Its sections.
    pub sections: Vec<Section>,
    /// Its last line; may be empty.
    pub footer: String,
}

impl Page {
    /// A page with nothing on it but its title.
    pub fn new(language: Language, title: impl Into<String>) -> Self {
        Self {
            language,
            title: title.into(),
            subtitle: String::new(),
            warnings: Vec::new(),
            figures: Vec::new(),
            sections: Vec::new(),
            footer: String::new(),
        }
    }

    /// The page as one HTML document.
    #[must_use]
    pub fn to_html(&self) -> String {
        let contents = self.language.pick("目录", "Contents");
        html! {
            (DOCTYPE)
            html lang=(self.language.tag()) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta http-equiv="Content-Security-Policy" content=(POLICY);
                    meta name="color-scheme" content="light dark";
                    // An empty icon: a browser would ask for one otherwise.
                    link rel="icon" href="data:,";
                    title { (self.title) }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    header {
                        h1 { (self.title) }
                        @if !self.subtitle.is_empty() { p.subtitle { (self.subtitle) } }
                        @for warning in &self.warnings { p.warning role="note" { (warning) } }
                        (key_figures(&self.figures))
                        @if self.sections.len() > 2 {
                            nav aria-label=(contents) {
                                @for section in &self.sections {
                                    a href=(format!("#{}", section.id)) { (section.heading) }
                                }
                            }
                        }
                    }
                    main {
                        @for section in &self.sections {
                            section id=(section.id) {
                                h2 { (section.heading) }
                                @if !section.lead.is_empty() { p.lead { (section.lead) } }
                                (section.body)
                            }
                        }
                    }
                    @if !self.footer.is_empty() { footer { p { (self.footer) } } }
                }
            }
        }
        .into_string()
    }
}

fn key_figures(figures: &[KeyFigure]) -> Markup {
    html! {
        @if !figures.is_empty() {
            dl.figures {
                @for figure in figures {
                    div class=(figure.tone.class()) {
                        dt { (figure.name) }
                        dd {
                            strong { (figure.value) }
                            @if !figure.note.is_empty() { span { (figure.note) } }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_needs_nothing_from_outside_and_escapes_what_it_is_given() {
        let page = Page {
            subtitle: "<script>alert(1)</script>".to_owned(),
            figures: vec![KeyFigure::new("准确率", "92.2%").note("a < b")],
            sections: vec![Section::new("a", "\"A\" & B", html! { p { "x" } })],
            ..Page::new(Language::Chinese, "报告")
        };
        let html = page.to_html();
        assert!(html.contains("<html lang=\"zh-CN\">"));
        assert!(html.contains("&lt;script&gt;") && !html.contains("<script"));
        assert!(html.contains("a &lt; b") && html.contains("&quot;A&quot; &amp; B"));
        for outside in ["http:", "https:", "//", "url(", "@import"] {
            assert!(!html.contains(outside), "{outside}");
        }
        assert_eq!(html, page.to_html());
    }
}
