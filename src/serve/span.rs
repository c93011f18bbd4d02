//! Lengths of time, as settings and options write them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// A length of time, written `30s`, `5m` or `500ms`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span(pub Duration);

impl Span {
    /// `seconds` seconds.
    #[must_use]
    pub const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // jiff reads a bare 0 as no duration at all.
        if text == "0" {
            return Ok(Self(Duration::ZERO));
        }
        let expected =
            || format!("expected a length of time such as 30s, 5m or 500ms, not `{text}`");
        let duration: SignedDuration = text.parse().map_err(|_| expected())?;
        Duration::try_from(duration).map(Self).map_err(|_| expected())
    }
}

impl TryFrom<String> for Span {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.to_string()
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let duration = SignedDuration::try_from(self.0).unwrap_or(SignedDuration::MAX);
        write!(f, "{duration:#}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_reads_as_it_is_written() {
        for (text, milliseconds) in [("30s", 30_000), ("5m", 300_000), ("500ms", 500), ("0", 0)] {
            let span: Span = text.parse().unwrap();
            assert_eq!(span, Span(Duration::from_millis(milliseconds)), "{text}");
            assert_eq!(span.to_string().parse(), Ok(span));
        }
        for wrong in ["30", "-5s", "", "soon"] {
            assert!(wrong.parse::<Span>().is_err(), "{wrong}");
        }
    }
}
