//! Charts, as inline SVG whose colours come from the page's style.
//!
//! Each is a `<figure>`: a heading, the picture with a description for who cannot see it, and a
//! legend in words. Widths of labels are estimated, since there is no font to measure with.

mod axis;
mod bars;
mod heat_map;
mod lines;
mod reliability;
mod stacked;

use maud::{Markup, html};

pub use axis::Axis;
pub use bars::{Bar, BarChart};
pub use heat_map::HeatMap;
pub use lines::{LineChart, LineShape, Series};
pub use reliability::{ReliabilityBin, ReliabilityDiagram};
pub use stacked::{StackedBars, StackedSeries};

/// The width of a chart in the units of its picture: about the pixels of a phone, so that words
/// in it can be read there.
const WIDTH: f64 = 440.0;
/// The height of a chart with two axes.
const HEIGHT: f64 = 280.0;
/// The size of the words in a chart.
const FONT: f64 = 12.0;

/// The colour of a mark: what it means, not which one it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// That of text.
    Neutral,
    /// Of what is in order.
    Good,
    /// Of what is to be watched.
    Caution,
    /// Of what is bad.
    Bad,
    /// Of one of several things that are neither good nor bad, from 0; there are eight.
    Series(usize),
}

impl Tone {
    /// The class of the style sheet that sets the colour.
    #[must_use]
    pub fn class(self) -> &'static str {
        const SERIES: [&str; 8] =
            ["tone-0", "tone-1", "tone-2", "tone-3", "tone-4", "tone-5", "tone-6", "tone-7"];
        match self {
            Self::Neutral => "tone-neutral",
            Self::Good => "tone-good",
            Self::Caution => "tone-caution",
            Self::Bad => "tone-bad",
            Self::Series(number) => SERIES[number % SERIES.len()],
        }
    }
}

/// A picture of the given height with what belongs around it.
fn figure(
    title: &str,
    description: &str,
    height: f64,
    picture: &Markup,
    legend: &Markup,
) -> Markup {
    html! {
        figure.chart {
            figcaption { (title) }
            svg viewBox=(format!("0 0 {WIDTH} {}", px(height))) role="img"
                aria-label=(format!("{title}: {description}"))
            { (picture) }
            (legend)
        }
    }
}

/// The names of what a chart shows, with their colours.
fn legend<'a>(entries: impl IntoIterator<Item = (&'a str, Tone)>) -> Markup {
    html! {
        ul.legend {
            @for (name, tone) in entries { li class=(tone.class()) { (name) } }
        }
    }
}

/// A coordinate: a tenth of a unit is finer than a screen.
fn px(value: f64) -> String {
    let written = format!("{:.1}", value + 0.0);
    match written.strip_suffix(".0") {
        Some("-0") => "0".to_owned(),
        Some(whole) => whole.to_owned(),
        None => written,
    }
}

/// About how wide `text` is.
fn text_width(text: &str) -> f64 {
    let units = |c: char| if c.is_ascii() { 0.64 } else { 1.0 };
    text.chars().map(units).sum::<f64>() * FONT
}

/// As much of the start of `text` as fits into `width`, with an ellipsis if that is not all.
fn fitted(text: &str, width: f64) -> String {
    if text_width(text) <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    for c in text.chars() {
        kept.push(c);
        if text_width(&kept) + FONT > width {
            kept.pop();
            break;
        }
    }
    kept + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_are_short_and_never_minus_zero() {
        for (value, expected) in [(1.0, "1"), (0.25, "0.2"), (-0.01, "0"), (12.36, "12.4")] {
            assert_eq!(px(value), expected);
        }
    }

    #[test]
    fn a_label_that_does_not_fit_is_cut() {
        assert_eq!(fitted("个人住房按揭", 100.0), "个人住房按揭");
        assert_eq!(fitted("个人住房按揭", 50.0), "个人住…");
    }
}
