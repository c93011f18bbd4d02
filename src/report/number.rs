//! Numbers as people read them.

/// How a number is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberFormat {
    /// A whole number, thousands apart: 14,660.
    Count,
    /// A share as a percentage with so many decimals: 0.921 is 92.1%.
    Percent(usize),
    /// A number with so many decimals.
    Decimal(usize),
}

impl NumberFormat {
    /// Writes `value`; a dash where it is not a number.
    #[must_use]
    pub fn write(self, value: f64) -> String {
        if !value.is_finite() {
            return "–".to_owned();
        }
        // Never −0.
        let value = value + 0.0;
        match self {
            Self::Count => thousands(value),
            Self::Percent(decimals) => format!("{:.decimals$}%", value * 100.0),
            Self::Decimal(decimals) => format!("{value:.decimals$}"),
        }
    }
}

fn thousands(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut written = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if value < 0.0 && digits != "0" {
        written.push('-');
    }
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            written.push(',');
        }
        written.push(digit);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_people_read_them() {
        for (format, value, expected) in [
            (NumberFormat::Count, 0.0, "0"),
            (NumberFormat::Count, 999.0, "999"),
            (NumberFormat::Count, 14660.0, "14,660"),
            (NumberFormat::Count, -1_234_567.0, "-1,234,567"),
            (NumberFormat::Percent(1), 0.9215, "92.2%"),
            (NumberFormat::Decimal(2), -0.0, "0.00"),
            (NumberFormat::Decimal(2), f64::NAN, "–"),
        ] {
            assert_eq!(format.write(value), expected);
        }
    }
}
