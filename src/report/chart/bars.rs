//! Bars from left to right, each with its name and number.

use maud::{Markup, Render, html};

use super::super::number::NumberFormat;
use super::{FONT, Tone, WIDTH, figure, fitted, px, text_width};

/// One bar.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    /// What it stands for.
    pub name: String,
    /// Its length; below 0 there is no bar.
    pub value: f64,
    /// What is written at its end, if it is not the value.
    pub text: Option<String>,
    /// Its colour.
    pub tone: Tone,
}

impl Bar {
    /// A bar in the first of the colours.
    pub fn new(name: impl Into<String>, value: f64) -> Self {
        Self { name: name.into(), value, text: None, tone: Tone::Series(0) }
    }

    /// In another colour.
    #[must_use]
    pub fn tone(mut self, tone: Tone) -> Self {
        self.tone = tone;
        self
    }

    /// With something else written at its end.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }
}

/// Bars from left to right, one below the other.
#[derive(Debug, Clone, PartialEq)]
pub struct BarChart {
    /// The heading.
    pub title: String,
    /// How values are written.
    pub format: NumberFormat,
    /// The value of a bar of full length [default: the highest of the values].
    pub highest: Option<f64>,
    /// The bars, from top to bottom.
    pub bars: Vec<Bar>,
}

impl Render for BarChart {
    fn render(&self) -> Markup {
        const ROW: f64 = 24.0;
        const GAP: f64 = 8.0;
        let texts: Vec<String> = self
            .bars
            .iter()
            .map(|bar| bar.text.clone().unwrap_or_else(|| self.format.write(bar.value)))
            .collect();
        let widest = |widths: &mut dyn Iterator<Item = f64>| widths.fold(0.0, f64::max);
        let names = widest(&mut self.bars.iter().map(|bar| text_width(&bar.name)));
        let names = names.min(WIDTH * 0.4);
        let numbers = widest(&mut texts.iter().map(|text| text_width(text)));
        let left = names + GAP;
        let room = (WIDTH - left - numbers - GAP).max(1.0);
        let highest = self.bars.iter().map(|bar| bar.value).fold(0.0, f64::max);
        let highest = self.highest.unwrap_or(highest).max(f64::MIN_POSITIVE);
        let description: Vec<String> = self
            .bars
            .iter()
            .zip(&texts)
            .map(|(bar, text)| format!("{} {text}", bar.name))
            .collect();
        let rows = html! {
            @for (position, (bar, text)) in self.bars.iter().zip(&texts).enumerate() {
                @let top = position as f64 * ROW;
                @let middle = px(top + ROW / 2.0);
                @let length = (bar.value / highest).clamp(0.0, 1.0) * room;
                g class=(bar.tone.class()) {
                    title { (bar.name) " " (text) }
                    text.name x=(px(names)) y=(middle) { (fitted(&bar.name, names + FONT / 2.0)) }
                    rect.mark x=(px(left)) y=(px(top + 4.0)) width=(px(length))
                        height=(px(ROW - 8.0)) rx="2" {}
                    text.value x=(px(left + length + GAP / 2.0)) y=(middle) { (text) }
                }
            }
        };
        let height = self.bars.len() as f64 * ROW;
        figure(&self.title, &description.join(", "), height, &rows, &html! {})
    }
}
