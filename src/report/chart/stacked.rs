//! Upright bars of several parts, such as the labels of each night.

use maud::{Markup, Render, html};

use super::axis::Axis;
use super::lines::Frame;
use super::{FONT, HEIGHT, Tone, figure, legend, px, text_width};

/// One part of every bar.
#[derive(Debug, Clone, PartialEq)]
pub struct StackedSeries {
    /// Its name in the legend.
    pub name: String,
    /// Its colour.
    pub tone: Tone,
    /// Its size in each bar, in the order of the bars.
    pub values: Vec<f64>,
}

/// Upright bars, each of the same parts on top of each other.
#[derive(Debug, Clone, PartialEq)]
pub struct StackedBars {
    /// The heading.
    pub title: String,
    /// The name of each bar, from left to right.
    pub names: Vec<String>,
    /// The upright axis.
    pub y: Axis,
    /// The parts, from the bottom upwards.
    pub series: Vec<StackedSeries>,
}

impl Render for StackedBars {
    fn render(&self) -> Markup {
        let no_axis = Axis::of_names("", Vec::<String>::new());
        let frame = Frame::new(&no_axis, &self.y, HEIGHT);
        let slot = frame.width() / self.names.len().max(1) as f64;
        let widest = self.names.iter().map(|name| text_width(name)).fold(0.0, f64::max);
        let every = ((widest + FONT) / slot).ceil().max(1.0) as usize;
        let bars = (0..self.names.len()).map(|position| self.bar(&frame, slot, position));
        let picture = html! {
            (frame.upright(&self.y))
            @for bar in bars { (bar) }
            @for (position, name) in self.names.iter().enumerate().step_by(every) {
                @let middle = frame.place(0.0, 0.0).0 + (position as f64 + 0.5) * slot;
                text.tick x=(px(middle)) y=(px(frame.bottom + FONT * 1.2)) { (name) }
            }
        };
        let entries = self.series.iter().map(|series| (series.name.as_str(), series.tone));
        figure(&self.title, &self.description(), HEIGHT, &picture, &legend(entries))
    }
}

impl StackedBars {
    fn bar(&self, frame: &Frame, slot: f64, position: usize) -> Markup {
        let left = frame.place(0.0, 0.0).0 + (position as f64 + 0.15) * slot;
        let mut sum = 0.0;
        html! {
            @for series in &self.series {
                @let value = series.values.get(position).copied().unwrap_or(0.0).max(0.0);
                @let below = frame.place(0.0, self.y.position(sum)).1;
                @let top = frame.place(0.0, self.y.position(sum + value)).1;
                g class=(series.tone.class()) {
                    rect.mark x=(px(left)) y=(px(top)) width=(px(slot * 0.7))
                        height=(px(below - top))
                    {
                        title { (self.names[position]) " " (series.name) ": " (self.y.write(value)) }
                    }
                }
                @let () = sum += value;
            }
        }
    }

    fn description(&self) -> String {
        let words = self.names.iter().enumerate().map(|(position, name)| {
            let parts = self.series.iter().map(|series| {
                let value = series.values.get(position).copied().unwrap_or(0.0);
                format!("{} {}", series.name, self.y.write(value))
            });
            format!("{name}: {}", parts.collect::<Vec<_>>().join(", "))
        });
        words.collect::<Vec<_>>().join("; ")
    }
}
