//! The n-grams a model knows, and how they are found in a comment's terms.
//!
//! An n-gram is a path in a trie whose edges are words, so that looking up all n-grams of a
//! comment hashes each word once and builds no string.

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::words::{NO_WORD, WordTable};

/// The index of a term (a word n-gram) in a vocabulary, and of its column in a matrix.
pub type TermId = u32;

/// No node or term.
const NONE: u32 = u32::MAX;

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
    fn in_documents(self, documents: u32) -> f64 {
        match self {
            Self::Documents(number) => f64::from(number),
            Self::Share(share) => share * f64::from(documents),
        }
    }
}

/// Which n-grams of the training documents a vocabulary takes up.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct VocabularyLimits {
    /// The longest n-gram, in words; from 1 to [`Vocabulary::MAX_NGRAM`].
    pub max_ngram: usize,
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

/// The trie of n-grams: node 0 is the root, an edge is a word.
#[derive(Debug, Clone, Default)]
struct NgramTrie {
    words: WordTable,
    /// The node that a word leads to from the root, or `NONE`.
    first: Vec<u32>,
    /// The node that a word leads to from another node: key `(node << 32) | word`.
    further: FxHashMap<u64, u32>,
    nodes: u32,
}

impl NgramTrie {
    fn intern(&mut self, word: &str) -> u32 {
        let id = self.words.number(word);
        if id as usize == self.first.len() {
            self.first.push(NONE);
        }
        id
    }

    /// The node that `word` leads to from `node`, or `NONE`.
    fn child(&self, node: u32, word: u32) -> u32 {
        if word == NO_WORD {
            NONE
        } else if node == 0 {
            self.first[word as usize]
        } else {
            self.further.get(&edge(node, word)).copied().unwrap_or(NONE)
        }
    }

    /// As [`child`](Self::child), making the node where there is none. Nodes count from 1.
    fn child_or_new(&mut self, node: u32, word: u32) -> u32 {
        let next = self.nodes + 1;
        let child = if node == 0 {
            &mut self.first[word as usize]
        } else {
            self.further.entry(edge(node, word)).or_insert(NONE)
        };
        if *child == NONE {
            *child = next;
            self.nodes = next;
        }
        *child
    }
}

fn edge(node: u32, word: u32) -> u64 {
    u64::from(node) << 32 | u64::from(word)
}

/// The terms (word n-grams) that have a column, with their document frequencies.
///
/// A term's words are joined by one space; no word of an analysed text has a space in it.
#[derive(Debug, Clone)]
pub struct Vocabulary {
    /// All terms one after the other, and where each ends.
    text: String,
    ends: Vec<usize>,
    document_frequencies: Vec<u32>,
    max_ngram: usize,
    trie: NgramTrie,
    /// The term that ends at a node of the trie, or `NONE`.
    term_at: Vec<TermId>,
}

impl Vocabulary {
    /// The longest n-gram that can be asked for, in words.
    pub const MAX_NGRAM: usize = 8;

    /// A vocabulary of the given terms with their document frequencies; a term's id is its
    /// position.
    ///
    /// # Errors
    ///
    /// No term, a term that stands twice, is empty or longer than `max_ngram` words, or a
    /// `max_ngram` out of range.
    pub fn from_terms<'a>(
        terms: impl IntoIterator<Item = (&'a str, u32)>,
        max_ngram: usize,
    ) -> Result<Self, VocabularyError> {
        if !(1..=Self::MAX_NGRAM).contains(&max_ngram) {
            return Err(VocabularyError::NgramLength { found: max_ngram });
        }
        let mut vocabulary = Self {
            text: String::new(),
            ends: Vec::new(),
            document_frequencies: Vec::new(),
            max_ngram,
            trie: NgramTrie::default(),
            term_at: vec![NONE],
        };
        for (term, document_frequency) in terms {
            vocabulary.push(term, document_frequency)?;
        }
        if vocabulary.is_empty() {
            return Err(VocabularyError::Empty {
                distinct: 0,
                documents: 0,
            });
        }
        Ok(vocabulary)
    }

    fn push(&mut self, term: &str, document_frequency: u32) -> Result<(), VocabularyError> {
        let (mut node, mut words, mut empty_word) = (0, 0, false);
        for word in term.split(' ') {
            words += 1;
            empty_word |= word.is_empty();
            let word = self.trie.intern(word);
            node = self.trie.child_or_new(node, word);
        }
        let position = self.len() + 1;
        if empty_word || words > self.max_ngram {
            return Err(VocabularyError::Term {
                position,
                words,
                max_ngram: self.max_ngram,
            });
        }
        self.term_at.resize(self.trie.nodes as usize + 1, NONE);
        let place = &mut self.term_at[node as usize];
        if *place != NONE {
            return Err(VocabularyError::Repeated { position });
        }
        *place = self.ends.len() as TermId;
        self.text.push_str(term);
        self.ends.push(self.text.len());
        self.document_frequencies.push(document_frequency);
        Ok(())
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
        let start = (id as usize)
            .checked_sub(1)
            .map_or(0, |before| self.ends[before]);
        &self.text[start..self.ends[id as usize]]
    }

    /// The terms with the number of training documents each stands in, in order of their ids.
    pub fn terms(&self) -> impl ExactSizeIterator<Item = (&str, u32)> {
        let terms = (0..self.len()).map(|id| self.term(id as TermId));
        terms.zip(self.document_frequencies.iter().copied())
    }

    /// Replaces `word_ids` by what [`for_each_ngram`](Self::for_each_ngram) wants for `words`.
    pub(super) fn look_up<'a>(
        &self,
        words: impl Iterator<Item = &'a str>,
        word_ids: &mut Vec<u32>,
    ) {
        word_ids.clear();
        word_ids.extend(words.map(|word| self.trie.words.get(word)));
    }

    /// Calls `found` with each occurrence of a term: its id, the position of its first word and
    /// its number of words. `word_ids` come from [`look_up`](Self::look_up).
    pub(super) fn for_each_ngram(
        &self,
        word_ids: &[u32],
        mut found: impl FnMut(TermId, usize, usize),
    ) {
        for start in 0..word_ids.len() {
            let mut node = 0;
            for (length, &word) in word_ids[start..].iter().take(self.max_ngram).enumerate() {
                node = self.trie.child(node, word);
                if node == NONE {
                    break;
                }
                let term = self.term_at[node as usize];
                if term != NONE {
                    found(term, start, length + 1);
                }
            }
        }
    }
}

/// Counts the n-grams of training documents.
#[derive(Debug)]
pub struct VocabularyBuilder {
    limits: VocabularyLimits,
    trie: NgramTrie,
    /// The words by their numbers.
    words: Vec<Box<str>>,
    /// What is known of each node; index 0 is the root.
    counts: Vec<NgramCount>,
    documents: u32,
    word_ids: Vec<u32>,
}

#[derive(Debug, Clone, Copy)]
struct NgramCount {
    parent: u32,
    word: u32,
    occurrences: u32,
    document_frequency: u32,
    /// The last document it was seen in, from 1.
    last_document: u32,
}

impl VocabularyBuilder {
    /// Begins to count n-grams for a vocabulary within `limits`.
    ///
    /// # Errors
    ///
    /// An n-gram length out of range.
    pub fn new(limits: VocabularyLimits) -> Result<Self, VocabularyError> {
        if !(1..=Vocabulary::MAX_NGRAM).contains(&limits.max_ngram) {
            return Err(VocabularyError::NgramLength {
                found: limits.max_ngram,
            });
        }
        let root = NgramCount {
            parent: NONE,
            word: NO_WORD,
            occurrences: 0,
            document_frequency: 0,
            last_document: 0,
        };
        Ok(Self {
            limits,
            trie: NgramTrie::default(),
            words: Vec::new(),
            counts: vec![root],
            documents: 0,
            word_ids: Vec::new(),
        })
    }

    /// Counts the n-grams of one document.
    pub fn add_document<'a>(&mut self, words: impl Iterator<Item = &'a str>) {
        self.documents += 1;
        let mut word_ids = std::mem::take(&mut self.word_ids);
        word_ids.clear();
        for word in words {
            let id = self.trie.intern(word);
            if id as usize == self.words.len() {
                self.words.push(word.into());
            }
            word_ids.push(id);
        }
        for start in 0..word_ids.len() {
            let mut node = 0;
            for &word in word_ids[start..].iter().take(self.limits.max_ngram) {
                let child = self.trie.child_or_new(node, word);
                if child as usize == self.counts.len() {
                    self.counts.push(NgramCount {
                        parent: node,
                        word,
                        occurrences: 0,
                        document_frequency: 0,
                        last_document: 0,
                    });
                }
                let count = &mut self.counts[child as usize];
                count.occurrences += 1;
                if count.last_document != self.documents {
                    count.last_document = self.documents;
                    count.document_frequency += 1;
                }
                node = child;
            }
        }
        self.word_ids = word_ids;
    }

    /// How many documents were counted.
    #[must_use]
    pub fn documents(&self) -> u32 {
        self.documents
    }

    /// The vocabulary of the terms within the limits, in order of their characters.
    ///
    /// # Errors
    ///
    /// No term is within the limits.
    pub fn build(self) -> Result<Vocabulary, VocabularyError> {
        let fewest = self.limits.min_df.in_documents(self.documents);
        let most = self.limits.max_df.in_documents(self.documents);
        let words: Vec<&str> = self.words.iter().map(|word| &**word).collect();
        let mut terms: Vec<(String, NgramCount)> = self.counts[1..]
            .iter()
            .filter(|count| (fewest..=most).contains(&f64::from(count.document_frequency)))
            .map(|count| (self.ngram(count, &words), *count))
            .collect();
        terms.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        if let Some(max_terms) = self.limits.max_terms
            && terms.len() > max_terms
        {
            terms.sort_by_key(|(_, count)| std::cmp::Reverse(count.occurrences));
            terms.truncate(max_terms);
            terms.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        }
        if terms.is_empty() {
            return Err(VocabularyError::Empty {
                distinct: self.counts.len() - 1,
                documents: self.documents,
            });
        }
        let terms = terms
            .iter()
            .map(|(term, count)| (term.as_str(), count.document_frequency));
        Vocabulary::from_terms(terms, self.limits.max_ngram)
    }

    /// The n-gram's words from the first to the last, joined by spaces.
    fn ngram(&self, count: &NgramCount, words: &[&str]) -> String {
        let mut path = vec![words[count.word as usize]];
        let mut node = count.parent;
        while node != 0 {
            let parent = &self.counts[node as usize];
            path.push(words[parent.word as usize]);
            node = parent.parent;
        }
        path.reverse();
        path.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: VocabularyLimits = VocabularyLimits {
        max_ngram: 2,
        min_df: DocumentFrequencyBound::Documents(1),
        max_df: DocumentFrequencyBound::Share(1.0),
        max_terms: None,
    };

    fn build(limits: VocabularyLimits, documents: &[&str]) -> Result<Vocabulary, VocabularyError> {
        let mut builder = VocabularyBuilder::new(limits)?;
        documents
            .iter()
            .for_each(|document| builder.add_document(document.split_whitespace()));
        builder.build()
    }

    fn terms(vocabulary: &Vocabulary) -> Vec<(&str, u32)> {
        vocabulary.terms().collect()
    }

    #[test]
    fn words_and_bigrams_are_counted_once_a_document() {
        let vocabulary = build(ALL, &["b a b a", "a"]).unwrap();
        assert_eq!(
            terms(&vocabulary),
            [("a", 2), ("a b", 1), ("b", 1), ("b a", 1)]
        );
    }

    #[test]
    fn document_frequency_bounds_are_inclusive_in_documents_and_in_shares() {
        let documents = ["a b", "a b", "a c", "a d"];
        let limits = VocabularyLimits {
            max_ngram: 1,
            min_df: DocumentFrequencyBound::Documents(2),
            max_df: DocumentFrequencyBound::Share(0.5),
            ..ALL
        };
        assert_eq!(terms(&build(limits, &documents).unwrap()), [("b", 2)]);
    }

    #[test]
    fn the_most_frequent_terms_are_kept_and_ties_fall_to_the_first_in_order() {
        let limits = VocabularyLimits {
            max_ngram: 1,
            max_terms: Some(2),
            ..ALL
        };
        assert_eq!(
            terms(&build(limits, &["z z b a"]).unwrap()),
            [("a", 1), ("z", 1)]
        );
    }

    #[test]
    fn nothing_left_is_an_error_that_counts_what_there_was() {
        let limits = VocabularyLimits {
            min_df: DocumentFrequencyBound::Documents(3),
            ..ALL
        };
        let error = build(limits, &["a b", "a"]).unwrap_err();
        assert_eq!(
            error,
            VocabularyError::Empty {
                distinct: 3,
                documents: 2
            }
        );
    }

    #[test]
    fn an_ngram_is_found_although_its_words_are_no_terms() {
        let vocabulary = Vocabulary::from_terms([("a b", 1), ("c", 1)], 2).unwrap();
        let mut word_ids = Vec::new();
        vocabulary.look_up("x a b c".split(' '), &mut word_ids);
        let mut found = Vec::new();
        vocabulary.for_each_ngram(&word_ids, |id, start, words| found.push((id, start, words)));
        assert_eq!(found, [(0, 1, 2), (1, 3, 1)]);
    }

    #[test]
    fn terms_that_cannot_be_are_refused_by_position() {
        let error =
            |terms: &[(&str, u32)]| Vocabulary::from_terms(terms.iter().copied(), 2).unwrap_err();
        assert_eq!(
            error(&[("a", 1), ("a", 1)]),
            VocabularyError::Repeated { position: 2 }
        );
        assert_eq!(
            error(&[("a  b", 1)]),
            VocabularyError::Term {
                position: 1,
                words: 3,
                max_ngram: 2
            }
        );
        assert_eq!(
            error(&[("", 1)]),
            VocabularyError::Term {
                position: 1,
                words: 1,
                max_ngram: 2
            }
        );
        assert_eq!(
            error(&[]),
            VocabularyError::Empty {
                distinct: 0,
                documents: 0
            }
        );
        assert_eq!(
            Vocabulary::from_terms([("a", 1)], 9).unwrap_err(),
            VocabularyError::NgramLength { found: 9 }
        );
    }
}
