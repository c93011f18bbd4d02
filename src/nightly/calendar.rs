//! Business dates, and the time of day.

use std::fmt;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan, Zoned};
use thiserror::Error;

/// A text that is no date.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is no date: expected one like 2026-11-20")]
pub struct BusinessDateError(String);

/// The day whose comments are classified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct BusinessDate(Date);

impl BusinessDate {
    /// Reads a date as `YYYY-MM-DD`.
    ///
    /// # Errors
    ///
    /// Anything else.
    pub fn parse(text: &str) -> Result<Self, BusinessDateError> {
        let error = || BusinessDateError(text.to_owned());
        let date: Date = text.parse().map_err(|_| error())?;
        if date.to_string() == text { Ok(Self(date)) } else { Err(error()) }
    }

    /// Today, by the clock and the time zone of this machine.
    #[must_use]
    pub fn today() -> Self {
        Self(Zoned::now().date())
    }

    /// The date `days` later; earlier for a negative number.
    #[must_use]
    pub fn plus_days(self, days: i64) -> Self {
        Self(self.0.saturating_add(days.days()))
    }
}

impl fmt::Display for BusinessDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::str::FromStr for BusinessDate {
    type Err = BusinessDateError;

    fn from_str(text: &str) -> Result<Self, BusinessDateError> {
        Self::parse(text)
    }
}

/// Now, as UTC to the second: `2026-11-20T22:15:03Z`.
pub(super) fn now() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_dates_of_the_calendar_are_dates() {
        assert_eq!(BusinessDate::parse("2028-02-29").unwrap().to_string(), "2028-02-29");
        for wrong in ["2026-02-29", "2026-1-5", "20261120", "2026-11-20T00:00", "", "yesterday"] {
            assert!(BusinessDate::parse(wrong).is_err(), "{wrong}");
        }
        let date = BusinessDate::parse("2026-12-31").unwrap();
        assert_eq!(date.plus_days(1).to_string(), "2027-01-01");
    }
}
