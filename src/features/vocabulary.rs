//! The n-grams a model knows, and how they are found in a comment's terms.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::ngrams::{NONE, NgramIndex, NgramTrie, Probe, SKIP, Walk};
use super::occurrences::Occurrences;
use super::words::BREAK;

/// The index of a term (a word n-gram) in a vocabulary, and of its column in a matrix.
pub type TermId = u32;

/// A bound on the number of documents a term stands in.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentFrequencyBound {
    /// A number of documents.
    Documents(u32),
    /// A share of all documents, from 0 to 1.
    Share(f64),
}

impl DocumentFrequencyBound {
    /// The bound in documents; a share of a whole number of documents need not be one.
    pub(super) fn in_documents(self, documents: u32) -> f64 {
        match self {
            Self::Documents(number) => f64::from(number),
            Self::Share(share) => share * f64::from(documents),
        }
    }
}

/// What an n-gram is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NgramUnit {
    /// Words; in a term they are joined by one space.
    Word,
    /// Characters; in a term they stand side by side.
    Character,
}

/// Which n-grams of the training documents a vocabulary takes up.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct VocabularyLimits {
    /// The longest n-gram, in units; from 1 to [`Vocabulary::MAX_NGRAM`].
    pub max_ngram: usize,
    /// How many units a pair may skip: with 2, 客户 … 进店 is a term wherever one or two words
    /// stand between the two. 0 for none, which is what models of before there were pairs have.
    #[serde(default)]
    pub max_skip: usize,
    /// A term of fewer documents is left out.
    pub min_df: DocumentFrequencyBound,
    /// A term of more documents is left out.
    pub max_df: DocumentFrequencyBound,
    /// If there are more terms than this, those that occur most often are kept; among equals, the
    /// first in order of their characters.
    pub max_terms: Option<usize>,
}

/// Why a vocabulary cannot be made.
#[derive(Debug, Error, PartialEq)]
pub enum VocabularyError {
    /// No term is left.
    #[error(
        "no term is left of {distinct} distinct n-grams in {documents} documents: \
         loosen the document frequencies, or look at the texts"
    )]
    Empty {
        /// How many distinct n-grams there were.
        distinct: usize,
        /// How many documents there were.
        documents: u32,
    },
    /// The n-gram length is out of range.
    #[error("n-grams of 1 to {max} words can be had, not of {found}", max = Vocabulary::MAX_NGRAM)]
    NgramLength {
        /// The length asked for.
        found: usize,
    },
    /// A term has an empty word in it, or more words than the longest n-gram.
    #[error("term {position} has {words} words; expected 1 to {max_ngram}, none of them empty")]
    Term {
        /// The term's position, from 1.
        position: usize,
        /// How many words it has.
        words: usize,
        /// The longest n-gram.
        max_ngram: usize,
    },
    /// A term stands twice.
    #[error("term {position} stands at an earlier position, too")]
    Repeated {
        /// The term's position, from 1.
        position: usize,
    },
}

/// The terms (word n-grams) that have a column, with their document frequencies.
///
/// An empty unit is a break: no n-gram reaches across it.
#[derive(Debug, Clone)]
pub struct Vocabulary {
    /// All terms one after the other, and where each ends.
    text: String,
    ends: Vec<usize>,
    document_frequencies: Vec<u32>,
    unit: NgramUnit,
    max_ngram: usize,
    max_skip: usize,
    index: NgramIndex,
}

impl Vocabulary {
    /// The longest n-gram that can be asked for, in words.
    pub const MAX_NGRAM: usize = 8;

    /// What stands between the words of a pair that skips some. It is in no normalised text.
    pub(super) const GAP: &str = "…";

    /// A vocabulary of the given terms with their document frequencies; a term's id is its
    /// position. Pairs such as `客户 … 进店` skip up to `max_skip` units.
    ///
    /// # Errors
    ///
    /// No term, a term that stands twice, is empty or longer than `max_ngram` words, or a
    /// `max_ngram` out of range.
    pub fn from_terms<'a>(
        terms: impl IntoIterator<Item = (&'a str, u32)>,
        unit: NgramUnit,
        max_ngram: usize,
        max_skip: usize,
    ) -> Result<Self, VocabularyError> {
        if !(1..=Self::MAX_NGRAM).contains(&max_ngram) {
            return Err(VocabularyError::NgramLength { found: max_ngram });
        }
        let (mut text, mut ends, mut document_frequencies) = (String::new(), vec![], vec![]);
        let mut trie = NgramTrie::default();
        // The term that ends at each node of the trie.
        let mut term_at = vec![NONE];
        for (term, document_frequency) in terms {
            let position = ends.len() + 1;
            let node = add_path(&mut trie, term, unit, max_ngram, max_skip);
            let node =
                node.map_err(|words| VocabularyError::Term { position, words, max_ngram })?;
            term_at.resize(trie.len() + 1, NONE);
            let place = &mut term_at[node as usize];
            if *place != NONE {
                return Err(VocabularyError::Repeated { position });
            }
            *place = ends.len() as TermId;
            text.push_str(term);
            ends.push(text.len());
            document_frequencies.push(document_frequency);
        }
        if ends.is_empty() {
            return Err(VocabularyError::Empty { distinct: 0, documents: 0 });
        }
        let index = trie.into_index(&term_at);
        Ok(Self { text, ends, document_frequencies, unit, max_ngram, max_skip, index })
    }

    /// The same of the terms that `keep` says, one a term, in the same order.
    ///
    /// # Errors
    ///
    /// It keeps none.
    pub(super) fn retain(&self, keep: &[bool]) -> Result<Self, VocabularyError> {
        let kept = self.terms().zip(keep).filter(|(_, keep)| **keep).map(|(term, _)| term);
        Self::from_terms(kept, self.unit, self.max_ngram, self.max_skip)
    }

    /// What its n-grams are made of.
    #[must_use]
    pub fn unit(&self) -> NgramUnit {
        self.unit
    }

    /// The number of terms.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no term; never so for a vocabulary that was made.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The longest n-gram, in words.
    #[must_use]
    pub fn max_ngram(&self) -> usize {
        self.max_ngram
    }

    /// The term of column `id`.
    ///
    /// # Panics
    ///
    /// If there is no such column.
    #[must_use]
    pub fn term(&self, id: TermId) -> &str {
        let start = (id as usize).checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start..self.ends[id as usize]]
    }

    /// The terms with the number of training documents each stands in, in order of their ids.
    pub fn terms(&self) -> impl ExactSizeIterator<Item = (&str, u32)> {
        let terms = (0..self.len()).map(|id| self.term(id as TermId));
        terms.zip(self.document_frequencies.iter().copied())
    }

    /// Replaces `units` by what [`find`](Self::find) wants for `words`.
    pub(super) fn look_up<'a>(&self, words: impl Iterator<Item = &'a str>, units: &mut Vec<u32>) {
        units.clear();
        let number = |word: &str| if word.is_empty() { BREAK } else { self.index.word(word) };
        units.extend(words.map(number));
    }

    /// The same for characters; `None` is a break.
    pub(super) fn look_up_characters(
        &self,
        characters: impl Iterator<Item = Option<char>>,
        units: &mut Vec<u32>,
    ) {
        units.clear();
        units.extend(characters.map(|c| c.map_or(BREAK, |c| self.index.character(c))));
    }

    /// Replaces `found` by the occurrences of terms in `units`, which come from
    /// [`look_up`](Self::look_up).
    ///
    /// The walks from all units go on side by side, a step at a time.
    pub(super) fn find(&self, units: &[u32], walks: &mut Walks, found: &mut Occurrences) {
        let index = &self.index;
        let Walks { under_way, probes, pairs } = walks;
        let unit = |position: usize| units.get(position).copied().unwrap_or(BREAK);
        found.clear();
        under_way.clear();
        under_way.extend(index.first_steps(units));
        pairs.clone_from(under_way);
        found.add_run(1, under_way.iter().map(|walk| index.occurrence(walk)));
        for length in 1..self.max_ngram {
            index.advance(under_way, probes, |start| unit(start + length));
            found.add_run(length + 1, under_way.iter().map(|walk| index.occurrence(walk)));
        }
        for skipped in 1..=self.max_skip {
            // Those over a break, or over the end, skip none more.
            pairs.retain(|walk| unit(walk.start as usize + skipped) != BREAK);
            under_way.clone_from(pairs);
            index.advance(under_way, probes, |start| unit(start + skipped + 1) | SKIP);
            found.add_run(skipped + 2, under_way.iter().map(|walk| index.occurrence(walk)));
        }
    }
}

/// The buffers of a search for terms.
#[derive(Debug, Default, Clone)]
pub(super) struct Walks {
    under_way: Vec<Walk>,
    probes: Vec<Probe>,
    /// The first steps of pairs that skip some words.
    pairs: Vec<Walk>,
}

/// Adds the path of `term` to `trie` and returns its node, or how many words `term` has if these
/// are too many or one is empty.
fn add_path(
    trie: &mut NgramTrie,
    term: &str,
    unit: NgramUnit,
    max_ngram: usize,
    max_skip: usize,
) -> Result<u32, usize> {
    if unit == NgramUnit::Word
        && max_skip > 0
        && let Some((first, rest)) = term.split_once(' ')
        && let Some((Vocabulary::GAP, last)) = rest.split_once(' ')
        && !first.is_empty()
        && !last.is_empty()
        && !last.contains(' ')
    {
        let (first, last) = (trie.intern(first), trie.intern(last));
        let node = trie.child_or_new(0, first);
        return Ok(trie.child_or_new(node, last | SKIP));
    }
    let (mut node, mut words, mut empty_word) = (0, 0, false);
    let mut add = |word: &str| {
        words += 1;
        empty_word |= word.is_empty();
        let word = trie.intern(word);
        node = trie.child_or_new(node, word);
    };
    match unit {
        NgramUnit::Word => term.split(' ').for_each(&mut add),
        NgramUnit::Character => {
            let ends = term.char_indices().map(|(start, c)| start..start + c.len_utf8());
            ends.for_each(|range| add(&term[range]));
        }
    }
    let fits = (1..=max_ngram).contains(&words) && !empty_word;
    if fits { Ok(node) } else { Err(words) }
}

#[cfg(test)]
mod tests {
    use super::super::occurrences::Occurrence;
    use super::*;

    /// Each term, where it starts and how many words it spans, in order of the starts. Among
    /// characters, | is a break.
    fn found(vocabulary: &Vocabulary, words: &str) -> Vec<(TermId, u32, usize)> {
        let (mut units, mut occurrences) = (Vec::new(), Occurrences::default());
        match vocabulary.unit() {
            NgramUnit::Word => vocabulary.look_up(words.split(' '), &mut units),
            NgramUnit::Character => {
                let characters = words.chars().map(|c| (c != '|').then_some(c));
                vocabulary.look_up_characters(characters, &mut units);
            }
        }
        vocabulary.find(&units, &mut Walks::default(), &mut occurrences);
        let of_run = |(words, run): (usize, &[Occurrence])| {
            run.iter().map(|found| (found.term, found.start, words)).collect::<Vec<_>>()
        };
        let mut found: Vec<_> = occurrences.runs().flat_map(of_run).collect();
        found.sort_by_key(|(_, start, words)| (*start, *words));
        found
    }

    #[test]
    fn an_ngram_is_found_although_its_words_are_no_terms() {
        let vocabulary =
            Vocabulary::from_terms([("a b", 1), ("c", 1)], NgramUnit::Word, 2, 0).unwrap();
        assert_eq!(found(&vocabulary, "x a b c"), [(0, 1, 2), (1, 3, 1)]);
    }

    #[test]
    fn character_ngrams_are_found_and_none_reaches_across_a_break() {
        let unit = NgramUnit::Character;
        let vocabulary = Vocabulary::from_terms([("停产", 1), ("产", 1)], unit, 4, 0).unwrap();
        assert_eq!(found(&vocabulary, "已停产"), [(0, 1, 2), (1, 2, 1)]);
        assert_eq!(found(&vocabulary, "停|产"), [(1, 2, 1)]);
    }

    #[test]
    fn a_pair_is_found_over_one_or_two_words_and_not_across_a_break() {
        let terms = [("a", 2), ("a … b", 1), ("b", 2)];
        let vocabulary = Vocabulary::from_terms(terms, NgramUnit::Word, 2, 2).unwrap();
        let pairs = |words: &str| {
            let mut found = found(&vocabulary, words);
            found.retain(|(id, ..)| *id == 1);
            found
        };
        assert_eq!(pairs("a x b y"), [(1, 0, 3)]);
        assert_eq!(pairs("y a x x b"), [(1, 1, 4)]);
        for far in ["a b", "a x x x b", "a  b", "a x  b", "a  x b", "b x a", "a x", "a"] {
            assert_eq!(pairs(far), [], "{far}");
        }
        let one = Vocabulary::from_terms([("a … b", 1)], NgramUnit::Word, 2, 0).unwrap_err();
        assert_eq!(one, VocabularyError::Term { position: 1, words: 3, max_ngram: 2 });
    }

    #[test]
    fn terms_that_cannot_be_are_refused_by_position() {
        let error = |terms: &[(&str, u32)]| {
            Vocabulary::from_terms(terms.iter().copied(), NgramUnit::Word, 2, 0).unwrap_err()
        };
        assert_eq!(error(&[("a", 1), ("a", 1)]), VocabularyError::Repeated { position: 2 });
        assert_eq!(
            error(&[("a  b", 1)]),
            VocabularyError::Term { position: 1, words: 3, max_ngram: 2 }
        );
        assert_eq!(
            error(&[("", 1)]),
            VocabularyError::Term { position: 1, words: 1, max_ngram: 2 }
        );
        assert_eq!(error(&[]), VocabularyError::Empty { distinct: 0, documents: 0 });
        assert_eq!(
            Vocabulary::from_terms([("a", 1)], NgramUnit::Word, 9, 0).unwrap_err(),
            VocabularyError::NgramLength { found: 9 }
        );
    }
}
