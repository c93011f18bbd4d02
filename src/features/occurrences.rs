//! Where the terms of a vocabulary stand in a document.

use super::ngrams::NONE;
use super::vocabulary::TermId;

/// A term in a document.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Occurrence {
    pub(super) term: TermId,
    /// The position of its first word.
    pub(super) start: u32,
}

/// All terms of a document, in runs: terms of one run span as many words, and stand in order of
/// their starts.
#[derive(Debug, Default, Clone)]
pub(super) struct Occurrences {
    all: Vec<Occurrence>,
    runs: Vec<Run>,
}

#[derive(Debug, Clone, Copy)]
struct Run {
    /// The position behind its last occurrence.
    end: usize,
    /// How many words each term spans.
    words: usize,
}

impl Occurrences {
    pub(super) fn clear(&mut self) {
        self.all.clear();
        self.runs.clear();
    }

    /// Adds a run of those of `found` that are terms, not `NONE`. All span `words` words.
    pub(super) fn add_run(
        &mut self,
        words: usize,
        found: impl ExactSizeIterator<Item = Occurrence>,
    ) {
        let mut end = self.all.len();
        // Room for all, so that none is asked, before it is written, whether it is one.
        self.all.resize(end + found.len(), Occurrence::default());
        for occurrence in found {
            self.all[end] = occurrence;
            end += usize::from(occurrence.term != NONE);
        }
        self.all.truncate(end);
        self.runs.push(Run { end, words });
    }

    /// The terms, each as often as it occurs.
    pub(super) fn terms(&self) -> impl Iterator<Item = TermId> + Clone {
        self.all.iter().map(|found| found.term)
    }

    /// The runs, each with how many words its terms span.
    pub(super) fn runs(&self) -> impl Iterator<Item = (usize, &[Occurrence])> {
        let mut start = 0;
        self.runs.iter().map(move |run| {
            let found = &self.all[start..run.end];
            start = run.end;
            (run.words, found)
        })
    }
}
