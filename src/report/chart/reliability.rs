//! A reliability diagram: how often predictions of some confidence are right.

use maud::{Markup, Render, html};

use super::super::number::NumberFormat;
use super::axis::Axis;
use super::lines::Frame;
use super::{HEIGHT, Tone, WIDTH, figure, legend, px};

/// Predictions of about the same confidence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReliabilityBin {
    /// Their mean confidence.
    pub confidence: f64,
    /// The share of them that is right.
    pub accuracy: f64,
    /// How many they are.
    pub count: u64,
}

/// A reliability diagram: a dot for each bin, of an area that shows how many predictions are in
/// it. On the diagonal, confidence is what it says.
#[derive(Debug, Clone, PartialEq)]
pub struct ReliabilityDiagram {
    /// The heading.
    pub title: String,
    /// The axis of the confidence.
    pub confidence: String,
    /// The axis of the share that is right.
    pub accuracy: String,
    /// What the diagonal is called in the legend.
    pub diagonal: String,
    /// The bins.
    pub bins: Vec<ReliabilityBin>,
}

impl Render for ReliabilityDiagram {
    fn render(&self) -> Markup {
        let x = Axis::share(self.confidence.as_str());
        let y = Axis::share(self.accuracy.as_str());
        let frame = Frame::new(&x, &y, HEIGHT);
        let most = self.bins.iter().map(|bin| bin.count).max().unwrap_or(0).max(1) as f64;
        let share = NumberFormat::Percent(1);
        let bins: Vec<&ReliabilityBin> = self.bins.iter().filter(|bin| bin.count > 0).collect();
        let words: Vec<String> = bins
            .iter()
            .map(|bin| {
                let count = NumberFormat::Count.write(bin.count as f64);
                format!("{} → {} ({count})", share.write(bin.confidence), share.write(bin.accuracy))
            })
            .collect();
        let (start, end) = (frame.place(0.0, 0.0), frame.place(1.0, 1.0));
        let picture = html! {
            (frame.axes(&x, &y))
            line.reference x1=(px(start.0)) y1=(px(start.1)) x2=(px(end.0)) y2=(px(end.1)) {}
            g class=(Tone::Series(0).class()) {
                @for (bin, words) in bins.iter().zip(&words) {
                    @let (left, top) = frame.place(bin.confidence, bin.accuracy);
                    @let (_, exact) = frame.place(bin.confidence, bin.confidence);
                    @let radius = 2.5 + 9.0 * (bin.count as f64 / most).sqrt();
                    line.spread x1=(px(left)) x2=(px(left)) y1=(px(top)) y2=(px(exact)) {}
                    circle.mark.see-through cx=(px(left)) cy=(px(top)) r=(px(radius)) {
                        title { (words) }
                    }
                }
            }
        };
        debug_assert!(end.0 <= WIDTH);
        let entries = [(self.accuracy.as_str(), Tone::Series(0)), (&self.diagonal, Tone::Neutral)];
        figure(&self.title, &words.join("; "), HEIGHT, &picture, &legend(entries))
    }
}
