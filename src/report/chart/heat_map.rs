//! A matrix of counts, each row in the shades of its shares.

use maud::{Markup, Render, html};

use super::super::number::NumberFormat;
use super::{FONT, Tone, WIDTH, figure, fitted, px, text_width};

/// A matrix of counts; a cell is the darker, the greater its share of its row.
///
/// For a confusion matrix the labels given are the rows, the predicted ones the columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeatMap {
    /// The heading.
    pub title: String,
    /// What the rows are.
    pub row_axis: String,
    /// What the columns are.
    pub column_axis: String,
    /// The name of each row and column.
    pub names: Vec<String>,
    /// The count in each row and column.
    pub counts: Vec<Vec<u64>>,
}

impl Render for HeatMap {
    fn render(&self) -> Markup {
        const ROW: f64 = 46.0;
        let names = self.names.iter().map(|name| text_width(name)).fold(0.0, f64::max);
        let names = names.min(WIDTH * 0.3);
        let (left, top) = (names + 8.0, FONT * 3.6);
        let column = (WIDTH - left) / self.names.len().max(1) as f64;
        let middle = |position: usize| left + (position as f64 + 0.5) * column;
        // Where there are many labels there is no room for numbers in the cells.
        let numbers = column >= 40.0;
        let rows = html! {
            text.tick x=(px(left + (WIDTH - left) / 2.0)) y=(px(FONT * 0.8)) {
                (self.column_axis)
            }
            text.axis x="0" y=(px(FONT * 2.6)) { (fitted(&self.row_axis, left)) }
            @for (position, name) in self.names.iter().enumerate() {
                text.tick x=(px(middle(position))) y=(px(FONT * 2.6)) {
                    (fitted(name, column)) title { (name) }
                }
            }
            @for (row, (name, counts)) in self.names.iter().zip(&self.counts).enumerate() {
                @let y = top + row as f64 * ROW;
                text.name x=(px(names)) y=(px(y + ROW / 2.0)) {
                    (fitted(name, names + FONT / 2.0)) title { (name) }
                }
                @let total = counts.iter().sum::<u64>().max(1) as f64;
                @for (position, &count) in counts.iter().enumerate() {
                    @let share = count as f64 / total;
                    @let written = NumberFormat::Count.write(count as f64);
                    @let part = NumberFormat::Percent(1).write(share);
                    @let tone = if row == position { Tone::Good } else { Tone::Bad };
                    g class=(tone.class()) {
                        title { (name) " → " (self.names[position]) ": " (written) " (" (part) ")" }
                        rect.cell x=(px(left + position as f64 * column + 1.0)) y=(px(y + 1.0))
                            width=(px(column - 2.0)) height=(px(ROW - 2.0)) rx="3"
                            style=(format!("--share:{share:.3}")) {}
                        @if numbers {
                            text.tick.strong x=(px(middle(position))) y=(px(y + ROW * 0.36)) {
                                (written)
                            }
                            text.tick.small x=(px(middle(position))) y=(px(y + ROW * 0.72)) {
                                (part)
                            }
                        }
                    }
                }
            }
        };
        let height = top + self.names.len() as f64 * ROW;
        let description = format!("{} × {}", self.row_axis, self.column_axis);
        figure(&self.title, &description, height, &rows, &html! {})
    }
}
