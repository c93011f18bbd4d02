//! Lines, steps and dots between two axes.

use maud::{Markup, Render, html};

use super::axis::Axis;
use super::{FONT, HEIGHT, Tone, WIDTH, figure, legend, px, text_width};

/// How the points of a series are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineShape {
    /// By straight lines.
    Straight,
    /// By straight lines, with a dot at each point.
    Dotted,
    /// By steps: a value holds from its point to the next.
    Steps,
    /// Not at all: a dot at each point.
    Dots,
}

/// Points that belong together.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// Its colour.
    pub tone: Tone,
    /// How its points are joined.
    pub shape: LineShape,
    /// Whether its line is broken: for what is no measurement but a standard to compare with.
    pub broken: bool,
    /// Its points, from left to right.
    pub points: Vec<(f64, f64)>,
    /// The lowest and highest value at each point; empty if there are none.
    pub spread: Vec<(f64, f64)>,
}

impl Series {
    /// A series of points joined in some way.
    pub fn new(
        name: impl Into<String>,
        tone: Tone,
        shape: LineShape,
        points: Vec<(f64, f64)>,
    ) -> Self {
        Self { name: name.into(), tone, shape, broken: false, points, spread: Vec::new() }
    }

    /// With a broken line.
    #[must_use]
    pub fn broken(mut self) -> Self {
        self.broken = true;
        self
    }

    /// With the lowest and the highest value at each point.
    #[must_use]
    pub fn spread(mut self, spread: Vec<(f64, f64)>) -> Self {
        self.spread = spread;
        self
    }
}

/// A chart of lines.
#[derive(Debug, Clone, PartialEq)]
pub struct LineChart {
    /// The heading.
    pub title: String,
    /// The axis from left to right.
    pub x: Axis,
    /// The axis from bottom to top.
    pub y: Axis,
    /// What is drawn, the first at the bottom.
    pub series: Vec<Series>,
}

impl Render for LineChart {
    fn render(&self) -> Markup {
        let frame = Frame::new(&self.x, &self.y, HEIGHT);
        let picture = html! {
            (frame.axes(&self.x, &self.y))
            @for series in &self.series { (self.series(&frame, series)) }
        };
        let entries = self.series.iter().map(|series| (series.name.as_str(), series.tone));
        let legend = html! { @if self.series.len() > 1 { (legend(entries)) } };
        figure(&self.title, &self.description(), HEIGHT, &picture, &legend)
    }
}

impl LineChart {
    fn series(&self, frame: &Frame, series: &Series) -> Markup {
        let place = |&(x, y): &(f64, f64)| frame.place(self.x.position(x), self.y.position(y));
        let places: Vec<(f64, f64)> = series.points.iter().map(place).collect();
        let dots = matches!(series.shape, LineShape::Dotted | LineShape::Dots);
        html! {
            g class=(series.tone.class()) {
                @if series.shape != LineShape::Dots {
                    path.line.broken[series.broken] d=(path(&places, series.shape)) {
                        title { (series.name) }
                    }
                }
                @for (&(x, _), &(low, high)) in series.points.iter().zip(&series.spread) {
                    @let (low, high) = (place(&(x, low)), place(&(x, high)));
                    line.spread x1=(px(low.0)) x2=(px(high.0)) y1=(px(low.1)) y2=(px(high.1)) {}
                }
                @if dots {
                    @for (&(x, y), &(left, top)) in series.points.iter().zip(&places) {
                        circle.mark cx=(px(left)) cy=(px(top)) r="3.5" {
                            title {
                                (series.name) ": " (self.x.write(x)) ", " (self.y.write(y))
                            }
                        }
                    }
                }
            }
        }
    }

    /// Where each series starts and ends.
    fn description(&self) -> String {
        let ends = |series: &Series| {
            let at = |&(x, y): &(f64, f64)| format!("({}, {})", self.x.write(x), self.y.write(y));
            match (series.points.first(), series.points.last()) {
                (Some(first), Some(last)) => {
                    format!("{} {} – {}", series.name, at(first), at(last))
                }
                _ => series.name.clone(),
            }
        };
        self.series.iter().map(ends).collect::<Vec<_>>().join("; ")
    }
}

fn path(places: &[(f64, f64)], shape: LineShape) -> String {
    let mut path = String::new();
    for (position, &(left, top)) in places.iter().enumerate() {
        let (left, top) = (px(left), px(top));
        path += &match (position, shape) {
            (0, _) => format!("M{left} {top}"),
            (_, LineShape::Steps) => format!("H{left}V{top}"),
            _ => format!("L{left} {top}"),
        };
    }
    path
}

/// Where the two axes leave room for what is drawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    left: f64,
    top: f64,
    right: f64,
    pub(super) bottom: f64,
}

impl Frame {
    pub(super) fn new(x: &Axis, y: &Axis, height: f64) -> Self {
        let names = y.ticks().iter().map(|(_, name)| text_width(name)).fold(0.0, f64::max);
        let last = x.ticks().last().map_or(0.0, |(_, name)| text_width(name));
        let label = if x.label.is_empty() { 0.0 } else { FONT * 1.6 };
        Self {
            left: names + 8.0,
            // The label of the upright axis stands above it.
            top: if y.label.is_empty() { FONT / 2.0 } else { FONT * 2.0 },
            right: WIDTH - (last / 2.0).max(4.0),
            bottom: height - FONT * 1.8 - label,
        }
    }

    /// The place of shares of the axes.
    pub(super) fn place(&self, x: f64, y: f64) -> (f64, f64) {
        (self.left + x * self.width(), self.bottom - y * (self.bottom - self.top))
    }

    pub(super) fn width(&self) -> f64 {
        self.right - self.left
    }

    /// The upright axis, with a rule for each tick.
    pub(super) fn upright(&self, y: &Axis) -> Markup {
        html! {
            @if !y.label.is_empty() {
                text.axis x="0" y=(px(FONT * 0.7)) { (y.label) }
            }
            @for (value, name) in y.ticks() {
                @let (left, top) = self.place(0.0, y.position(*value));
                line.rule x1=(px(left)) x2=(px(self.right)) y1=(px(top)) y2=(px(top)) {}
                text.name x=(px(left - 6.0)) y=(px(top)) { (name) }
            }
        }
    }

    /// The label of the level axis.
    pub(super) fn level_label(&self, x: &Axis) -> Markup {
        let middle = (self.left + self.right) / 2.0;
        html! {
            @if !x.label.is_empty() {
                text.tick x=(px(middle)) y=(px(self.bottom + FONT * 2.7)) { (x.label) }
            }
        }
    }

    pub(super) fn axes(&self, x: &Axis, y: &Axis) -> Markup {
        html! {
            (self.upright(y))
            @for (value, name) in x.ticks() {
                @let (left, _) = self.place(x.position(*value), 0.0);
                line.rule x1=(px(left)) x2=(px(left)) y1=(px(self.bottom))
                    y2=(px(self.bottom + 4.0)) {}
                text.tick x=(px(left)) y=(px(self.bottom + FONT * 1.2)) { (name) }
            }
            (self.level_label(x))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_hold_a_value_to_the_next_point() {
        let places = [(0.0, 10.0), (5.0, 8.0)];
        assert_eq!(path(&places, LineShape::Steps), "M0 10H5V8");
        assert_eq!(path(&places, LineShape::Straight), "M0 10L5 8");
        assert_eq!(path(&[], LineShape::Straight), "");
    }
}
