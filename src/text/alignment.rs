//! The way back from a text that was made to the text it was made from.

use std::ops::Range;

/// For every byte of a text that was made, the bytes of its source it came from.
#[derive(Debug, Default, Clone)]
pub(super) struct Alignment {
    runs: Vec<AlignedRun>,
}

/// A stretch of the made text and the stretch of the source it came from.
///
/// It reaches to the start of the next run, or to the end of the text.
#[derive(Debug, Clone, Copy)]
struct AlignedRun {
    start: u32,
    source_start: u32,
    source_end: u32,
    /// Whether byte `i` of the run is byte `i` of its source. Otherwise every part of the run
    /// stands for the whole of its source.
    bytewise: bool,
}

impl Alignment {
    pub(super) fn clear(&mut self) {
        self.runs.clear();
    }

    /// Says that the `length` bytes from `start` came from `source`. Pieces come in order; one
    /// as long as its source stands for it byte by byte.
    pub(super) fn push(&mut self, start: usize, length: usize, source: Range<usize>) {
        let bytewise = length == source.len();
        if let Some(last) = self.runs.last_mut() {
            let continues = last.bytewise && bytewise && last.source_end as usize == source.start;
            let repeats = !last.bytewise
                && last.source_start as usize == source.start
                && last.source_end as usize == source.end;
            if continues {
                last.source_end = source.end as u32;
                return;
            }
            if repeats {
                return;
            }
        }
        self.runs.push(AlignedRun {
            start: start as u32,
            source_start: source.start as u32,
            source_end: source.end as u32,
            bytewise,
        });
    }

    /// The bytes of the source that the bytes `range` came from; nothing for an empty range.
    pub(super) fn source_range(&self, range: Range<usize>) -> Range<usize> {
        if range.is_empty() || self.runs.is_empty() {
            return 0..0;
        }
        let run_at = |byte: usize| {
            let after = self.runs.partition_point(|run| run.start as usize <= byte);
            self.runs[after.saturating_sub(1)]
        };
        let first = run_at(range.start);
        let last = run_at(range.end - 1);
        let start = if first.bytewise {
            first.source_start as usize + (range.start - first.start as usize)
        } else {
            first.source_start as usize
        };
        let end = if last.bytewise {
            last.source_start as usize + (range.end - last.start as usize)
        } else {
            last.source_end as usize
        };
        start..end
    }
}
