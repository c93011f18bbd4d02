//! Ids that stand twice in a batch, found in bounded memory.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use rustc_hash::FxHashSet;
use serde::Serialize;

/// Beyond this many distinct ids none are remembered: 2^21 × 7/8, which fills a hash table of
/// 2^21 places (about 19 MB).
const MAX_REMEMBERED: usize = 1_835_008;

/// How many repetitions are reported one by one.
const MAX_REPORTED: usize = 20;

/// Ids that were classified more than once. Both records are in the output.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct DuplicateReport {
    /// How many records had the id of an earlier one.
    pub count: u64,
    /// The first of them.
    pub first: Vec<DuplicatedId>,
    /// Whether every id was looked at. Beyond 1,835,008 distinct ones no new ids are remembered.
    pub complete: bool,
}

/// A record with the id of an earlier one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DuplicatedId {
    /// The id.
    pub id: String,
    /// The input.
    pub input: String,
    /// The line of the later record, from 1.
    pub line: u64,
}

/// Remembers ids by a 64-bit hash: at a million ids, the chance of one false report is about
/// one in 37 million.
#[derive(Debug, Default)]
pub(super) struct DuplicateFinder {
    seen: FxHashSet<u64>,
    report: DuplicateReport,
    overflowed: bool,
}

impl DuplicateFinder {
    pub(super) fn see(&mut self, id: &str, input: &Arc<str>, line: u64) {
        let mut hasher = DefaultHasher::new();
        id.hash(&mut hasher);
        let hash = hasher.finish();
        if self.seen.contains(&hash) {
            self.report.count += 1;
            if self.report.first.len() < MAX_REPORTED {
                let (id, input) = (id.to_owned(), input.to_string());
                self.report.first.push(DuplicatedId { id, input, line });
            }
        } else if self.seen.len() < MAX_REMEMBERED {
            self.seen.insert(hash);
        } else {
            self.overflowed = true;
        }
    }

    pub(super) fn report(self) -> DuplicateReport {
        DuplicateReport { complete: !self.overflowed, ..self.report }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_repetition_is_counted_and_the_first_ones_are_named() {
        let mut finder = DuplicateFinder::default();
        let input: Arc<str> = "day.csv".into();
        for (line, id) in (2..).zip(["a", "b", "a", "a"]) {
            finder.see(id, &input, line);
        }
        let report = finder.report();
        assert_eq!((report.count, report.complete), (2, true));
        let lines: Vec<u64> = report.first.iter().map(|duplicate| duplicate.line).collect();
        assert_eq!(lines, [4, 5]);
    }
}
