//! Counting the terms of a document in the order of their ids.

use super::vocabulary::TermId;

const BITS: usize = u64::BITS as usize;

/// The ids of a document's terms as a set of bits, which costs a fraction of sorting them. Empty
/// between documents; its memory is reused.
#[derive(Debug, Default, Clone)]
pub(super) struct TermCounts {
    /// A bit for each term.
    terms: Vec<u64>,
    /// A bit for each of `terms` that is not 0.
    filled: Vec<u64>,
    /// Terms that came once more.
    repeated: Vec<TermId>,
}

impl TermCounts {
    /// Calls `each` with each of `terms`, which are below `limit`, and how often it is among them,
    /// in the order of their ids.
    pub(super) fn for_each_in_order(
        &mut self,
        limit: usize,
        terms: impl Iterator<Item = TermId>,
        mut each: impl FnMut(TermId, u32),
    ) {
        self.reach(limit);
        for term in terms {
            let (place, bit) = split(self.insert(term));
            self.filled[place] |= bit;
        }
        self.repeated.sort_unstable();
        let mut repeated = self.repeated.iter().copied().peekable();
        for (first, filled) in self.filled.iter_mut().enumerate() {
            for place in take_bits(filled) {
                let place = first * BITS + place;
                for bit in take_bits(&mut self.terms[place]) {
                    let term = (place * BITS + bit) as TermId;
                    let mut count = 1;
                    while repeated.next_if_eq(&term).is_some() {
                        count += 1;
                    }
                    each(term, count);
                }
            }
        }
        self.repeated.clear();
    }

    /// Calls `each` with each of `terms`, which are below `limit`, that is among them more than
    /// once and how often, in the order of their ids. Takes a fraction of the time that it takes
    /// to tell of all.
    pub(super) fn for_each_repeated(
        &mut self,
        limit: usize,
        terms: impl Iterator<Item = TermId> + Clone,
        mut each: impl FnMut(TermId, u32),
    ) {
        self.reach(limit);
        for term in terms.clone() {
            self.insert(term);
        }
        for term in terms {
            self.terms[term as usize / BITS] = 0;
        }
        self.repeated.sort_unstable();
        for same in self.repeated.chunk_by(|a, b| a == b) {
            each(same[0], same.len() as u32 + 1);
        }
        self.repeated.clear();
    }

    /// Makes room for terms below `limit`.
    fn reach(&mut self, limit: usize) {
        let places = limit.div_ceil(BITS);
        if places > self.terms.len() {
            self.terms.resize(places, 0);
            self.filled.resize(places.div_ceil(BITS), 0);
        }
    }

    /// Adds a term and returns its place among `terms`.
    #[inline]
    fn insert(&mut self, term: TermId) -> usize {
        let (place, bit) = split(term as usize);
        let bits = &mut self.terms[place];
        if *bits & bit != 0 {
            self.repeated.push(term);
        }
        *bits |= bit;
        place
    }
}

/// The place of a bit and its mask there.
fn split(bit: usize) -> (usize, u64) {
    (bit / BITS, 1 << (bit % BITS))
}

/// The positions of the bits that are set, from the lowest; leaves none.
fn take_bits(bits: &mut u64) -> impl Iterator<Item = usize> {
    let mut bits = std::mem::take(bits);
    std::iter::from_fn(move || {
        let lowest = (bits != 0).then(|| bits.trailing_zeros() as usize);
        bits &= bits.wrapping_sub(1);
        lowest
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn limit(document: &[TermId]) -> usize {
        document.iter().max().map_or(0, |highest| *highest as usize + 1)
    }

    proptest! {
        #[test]
        fn terms_come_in_order_with_their_number_whatever_was_counted_before(
            documents in prop::collection::vec(prop::collection::vec(0_u32..20_000, 0..60), 1..5),
            few in prop::collection::vec(0_u32..5, 0..60),
        ) {
            let mut counts = TermCounts::default();
            for document in documents.iter().chain([&few]) {
                let mut expected = BTreeMap::new();
                document.iter().for_each(|&term| *expected.entry(term).or_insert(0) += 1);
                let mut found = Vec::new();
                counts.for_each_in_order(limit(document), document.iter().copied(), |term, count| {
                    found.push((term, count));
                });
                prop_assert_eq!(&found, &expected.into_iter().collect::<Vec<_>>());
                let mut repeated = Vec::new();
                counts.for_each_repeated(limit(document), document.iter().copied(), |term, count| {
                    repeated.push((term, count));
                });
                found.retain(|(_, count)| *count > 1);
                prop_assert_eq!(repeated, found);
            }
        }
    }
}
