//! A text in which some words stand out.

use std::ops::Range;

use maud::{Markup, Render, html};

use super::chart::Tone;

/// Words of a text that stand out.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// Where they stand, in bytes of the text.
    pub range: Range<usize>,
    /// In what colour.
    pub tone: Tone,
    /// How strongly, from 0 to 1.
    pub strength: f64,
    /// What is said of them when they are pointed at; may be empty.
    pub note: String,
}

/// A text in which some words stand out.
#[derive(Debug, Clone, PartialEq)]
pub struct HighlightedText<'t> {
    /// The text.
    pub text: &'t str,
    /// What stands out in it, in any order. Of two spans that overlap, the later one starts where
    /// the earlier one ends; one that does not lie between characters is left out.
    pub spans: Vec<Span>,
}

impl Render for HighlightedText<'_> {
    fn render(&self) -> Markup {
        let mut spans: Vec<&Span> = self.spans.iter().collect();
        spans.sort_by_key(|span| (span.range.start, span.range.end));
        let mut pieces: Vec<(&str, Option<&Span>)> = Vec::new();
        let mut end = 0;
        for span in spans {
            let start = span.range.start.max(end);
            let words = self.text.get(start..span.range.end).filter(|words| !words.is_empty());
            if let (Some(words), Some(before)) = (words, self.text.get(end..start)) {
                pieces.push((before, None));
                pieces.push((words, Some(span)));
                end = span.range.end;
            }
        }
        pieces.push((&self.text[end..], None));
        html! {
            @for (words, span) in pieces {
                @match span {
                    None => (words),
                    Some(span) => {
                        @let strength = format!("--strength:{:.2}", span.strength.clamp(0.0, 1.0));
                        @let note = (!span.note.is_empty()).then_some(&span.note);
                        mark class=(span.tone.class()) style=(strength) title=[note] { (words) }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(range: Range<usize>) -> Span {
        Span { range, tone: Tone::Bad, strength: 0.5, note: String::new() }
    }

    fn shown(text: &str, spans: Vec<Span>) -> String {
        let open = "<mark class=\"tone-bad\" style=\"--strength:0.50\">";
        let html = HighlightedText { text, spans }.render().into_string();
        html.replace(open, "[").replace("</mark>", "]")
    }

    #[test]
    fn words_stand_out_and_everything_else_stays() {
        assert_eq!(shown("已逾期30天", vec![span(9..14), span(3..9)]), "已[逾期][30天]");
        assert_eq!(shown("已逾期", vec![]), "已逾期");
    }

    #[test]
    fn spans_that_overlap_are_cut_and_impossible_ones_left_out() {
        assert_eq!(shown("已逾期", vec![span(0..6), span(3..9)]), "[已逾][期]");
        assert_eq!(shown("已逾期", vec![span(1..4), span(6..99), span(3..3)]), "已逾期");
    }

    #[test]
    fn markup_in_a_text_stays_text() {
        assert_eq!(shown("<b>&\"", vec![span(0..3)]), "[&lt;b&gt;]&amp;&quot;");
    }
}
