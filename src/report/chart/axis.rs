//! An axis: where values stand on it, and its ticks.

use super::super::number::NumberFormat;

/// An axis of a chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// What it measures.
    pub label: String,
    /// The values at its two ends.
    range: (f64, f64),
    /// Where its ticks stand, and what is written there.
    ticks: Vec<(f64, String)>,
    /// How a value on it is written.
    format: NumberFormat,
    /// The names of the values 0, 1, 2 …, if it is an axis of names.
    names: Vec<String>,
}

impl Axis {
    /// An axis from `low` to `high`, widened to its outermost ticks.
    pub fn linear(label: impl Into<String>, low: f64, high: f64, format: NumberFormat) -> Self {
        let (low, high) = if low.is_finite() && high > low { (low, high) } else { (0.0, 1.0) };
        let step = tick_step((high - low) / 5.0);
        let (first, last) = ((low / step + 1e-9).floor(), (high / step - 1e-9).ceil());
        let ticks = (first as i64..=last as i64)
            .map(|number| number as f64 * step)
            .map(|value| (value, format.write(value)))
            .collect();
        Self {
            label: label.into(),
            range: (first * step, last * step),
            ticks,
            format,
            names: Vec::new(),
        }
    }

    /// An axis for shares, from 0 to 1.
    pub fn share(label: impl Into<String>) -> Self {
        Self::linear(label, 0.0, 1.0, NumberFormat::Percent(0))
    }

    /// An axis of things in order, such as days: the value 0 is the first of them. Where they are
    /// many, not all of them are named.
    pub fn of_names<N: Into<String>>(
        label: impl Into<String>,
        names: impl IntoIterator<Item = N>,
    ) -> Self {
        const MOST: usize = 6;
        let names: Vec<String> = names.into_iter().map(Into::into).collect();
        let every = names.len().div_ceil(MOST).max(1);
        let last = names.len().saturating_sub(1).max(1) as f64;
        let ticks = (0..).map(f64::from).zip(names.iter().cloned()).step_by(every).collect();
        Self { label: label.into(), range: (0.0, last), ticks, format: NumberFormat::Count, names }
    }

    /// How far along the axis `value` stands: 0 at its start, 1 at its end.
    pub(super) fn position(&self, value: f64) -> f64 {
        ((value - self.range.0) / (self.range.1 - self.range.0)).clamp(0.0, 1.0)
    }

    pub(super) fn ticks(&self) -> &[(f64, String)] {
        &self.ticks
    }

    /// `value` in words.
    pub(super) fn write(&self, value: f64) -> String {
        self.names.get(value as usize).cloned().unwrap_or_else(|| self.format.write(value))
    }

    /// With more decimals, or fewer, for values between the ticks.
    #[must_use]
    pub fn values_as(mut self, format: NumberFormat) -> Self {
        self.format = format;
        self
    }
}

/// The smallest of 1, 2, 5, 10 … times a power of ten that is not below `least`.
fn tick_step(least: f64) -> f64 {
    let power = 10_f64.powf(least.log10().floor());
    let step = [1.0, 2.0, 5.0].into_iter().find(|step| step * power >= least * (1.0 - 1e-9));
    step.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_numbers_around_the_values() {
        let ticks = |low, high| -> Vec<String> {
            let axis = Axis::linear("", low, high, NumberFormat::Decimal(2));
            axis.ticks().iter().map(|(_, name)| name.clone()).collect()
        };
        assert_eq!(ticks(0.0, 1.0), ["0.00", "0.20", "0.40", "0.60", "0.80", "1.00"]);
        assert_eq!(ticks(0.86, 0.93), ["0.86", "0.88", "0.90", "0.92", "0.94"]);
        assert_eq!(ticks(3.0, 3.0).len(), 6);
    }

    #[test]
    fn a_value_stands_between_the_ends() {
        let axis = Axis::linear("", 0.0, 10.0, NumberFormat::Count);
        assert_eq!(
            [axis.position(2.5), axis.position(-1.0), axis.position(99.0)],
            [0.25, 0.0, 1.0]
        );
    }

    #[test]
    fn of_many_names_some_are_written() {
        let days: Vec<String> = (1..=30).map(|day| format!("11-{day:02}")).collect();
        let axis = Axis::of_names("", days);
        assert_eq!(axis.ticks().len(), 6);
        assert_eq!(axis.write(5.0), "11-06");
        assert_eq!(axis.write(6.0), "11-07");
        assert_eq!(axis.position(29.0), 1.0);
    }
}
