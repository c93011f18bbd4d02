//! Counting n-grams, and choosing those that become terms.

use super::ngrams::{NgramTrie, SKIP};
use super::vocabulary::{NgramUnit, Vocabulary, VocabularyError, VocabularyLimits};
use super::words::BREAK;

/// Counts the n-grams of training documents.
#[derive(Debug)]
pub struct VocabularyBuilder {
    unit: NgramUnit,
    limits: VocabularyLimits,
    trie: NgramTrie,
    /// The words by their numbers.
    words: Vec<Box<str>>,
    /// What is known of each node; index 0 is the root.
    counts: Vec<NgramCount>,
    documents: u32,
    word_ids: Vec<u32>,
}

#[derive(Debug, Clone, Copy, Default)]
struct NgramCount {
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
    pub fn new(unit: NgramUnit, limits: VocabularyLimits) -> Result<Self, VocabularyError> {
        if !(1..=Vocabulary::MAX_NGRAM).contains(&limits.max_ngram) {
            return Err(VocabularyError::NgramLength { found: limits.max_ngram });
        }
        Ok(Self {
            unit,
            limits,
            trie: NgramTrie::default(),
            words: Vec::new(),
            counts: vec![NgramCount::default()],
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
            word_ids.push(if word.is_empty() { BREAK } else { self.intern(word) });
        }
        for start in 0..word_ids.len() {
            let mut node = 0;
            let rest = word_ids[start..].iter().take(self.limits.max_ngram);
            for &word in rest.take_while(|&&word| word != BREAK) {
                node = self.child(node, word);
                self.count(node);
            }
        }
        if self.limits.max_skip > 0 {
            self.count_pairs(&word_ids);
        }
        self.word_ids = word_ids;
    }

    /// Counts the pairs of words with some between them. The node of their first word is there
    /// already.
    fn count_pairs(&mut self, word_ids: &[u32]) {
        for (start, &first) in word_ids.iter().enumerate().filter(|(_, word)| **word != BREAK) {
            let reach = word_ids[start + 1..].iter().take(self.limits.max_skip + 1);
            for &last in reach.take_while(|&&word| word != BREAK).skip(1) {
                let node = self.child(0, first);
                let node = self.child(node, last | SKIP);
                self.count(node);
            }
        }
    }

    fn intern(&mut self, word: &str) -> u32 {
        let id = self.trie.intern(word);
        if id as usize == self.words.len() {
            self.words.push(word.into());
        }
        id
    }

    /// The node that `word` leads to from `node`.
    fn child(&mut self, node: u32, word: u32) -> u32 {
        let child = self.trie.child_or_new(node, word);
        if child as usize == self.counts.len() {
            self.counts.push(NgramCount::default());
        }
        child
    }

    /// One more occurrence of the n-gram that ends at `node`.
    fn count(&mut self, node: u32) {
        let count = &mut self.counts[node as usize];
        count.occurrences += 1;
        if count.last_document != self.documents {
            count.last_document = self.documents;
            count.document_frequency += 1;
        }
    }

    /// How many documents were counted.
    #[must_use]
    pub fn documents(&self) -> u32 {
        self.documents
    }

    /// The vocabulary of the terms within the limits: those of more documents first, and those of
    /// as many in order of their characters.
    ///
    /// # Errors
    ///
    /// No term is within the limits.
    pub fn build(self) -> Result<Vocabulary, VocabularyError> {
        let fewest = self.limits.min_df.in_documents(self.documents);
        let most = self.limits.max_df.in_documents(self.documents);
        let nodes = (1..).zip(&self.counts[1..]);
        let mut terms: Vec<(String, NgramCount)> = nodes
            .filter(|(_, count)| (fewest..=most).contains(&f64::from(count.document_frequency)))
            .map(|(node, count)| (self.ngram(node), *count))
            .collect();
        if let Some(max_terms) = self.limits.max_terms
            && terms.len() > max_terms
        {
            terms.sort_unstable_by(|(a, a_count), (b, b_count)| {
                b_count.occurrences.cmp(&a_count.occurrences).then_with(|| a.cmp(b))
            });
            terms.truncate(max_terms);
        }
        // Common terms side by side: what a comment needs of the weights lies close together.
        terms.sort_unstable_by(|(a, a_count), (b, b_count)| {
            b_count.document_frequency.cmp(&a_count.document_frequency).then_with(|| a.cmp(b))
        });
        if terms.is_empty() {
            return Err(VocabularyError::Empty {
                distinct: self.counts.len() - 1,
                documents: self.documents,
            });
        }
        let terms = terms.iter().map(|(term, count)| (term.as_str(), count.document_frequency));
        Vocabulary::from_terms(terms, self.unit, self.limits.max_ngram, self.limits.max_skip)
    }

    /// The units of the n-gram that ends at `node`, as they stand in a term.
    fn ngram(&self, node: u32) -> String {
        let mut path = Vec::new();
        for word in self.trie.path(node) {
            path.push(&*self.words[(word & !SKIP) as usize]);
            if word & SKIP != 0 {
                path.push(Vocabulary::GAP);
            }
        }
        path.reverse();
        path.join(match self.unit {
            NgramUnit::Word => " ",
            NgramUnit::Character => "",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::vocabulary::DocumentFrequencyBound;
    use super::*;

    const ALL: VocabularyLimits = VocabularyLimits {
        max_ngram: 2,
        max_skip: 0,
        min_df: DocumentFrequencyBound::Documents(1),
        max_df: DocumentFrequencyBound::Share(1.0),
        max_terms: None,
    };

    fn build(limits: VocabularyLimits, documents: &[&str]) -> Result<Vocabulary, VocabularyError> {
        let mut builder = VocabularyBuilder::new(NgramUnit::Word, limits)?;
        documents.iter().for_each(|document| builder.add_document(document.split(' ')));
        builder.build()
    }

    fn terms(vocabulary: &Vocabulary) -> Vec<(&str, u32)> {
        vocabulary.terms().collect()
    }

    #[test]
    fn words_and_bigrams_are_counted_once_a_document() {
        let vocabulary = build(ALL, &["b a b a", "a"]).unwrap();
        assert_eq!(terms(&vocabulary), [("a", 2), ("a b", 1), ("b", 1), ("b a", 1)]);
    }

    #[test]
    fn pairs_that_skip_words_are_counted_beside_ngrams() {
        let limits = VocabularyLimits { max_ngram: 1, max_skip: 1, ..ALL };
        let vocabulary = build(limits, &["a x b", "a y b", "a b"]).unwrap();
        assert_eq!(terms(&vocabulary), [("a", 3), ("b", 3), ("a … b", 2), ("x", 1), ("y", 1)]);
    }

    #[test]
    fn no_ngram_reaches_across_a_break() {
        let vocabulary = build(ALL, &["a  b"]).unwrap();
        assert_eq!(terms(&vocabulary), [("a", 1), ("b", 1)]);
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
        let limits = VocabularyLimits { max_ngram: 1, max_terms: Some(2), ..ALL };
        assert_eq!(terms(&build(limits, &["z z b a"]).unwrap()), [("a", 1), ("z", 1)]);
    }

    #[test]
    fn nothing_left_is_an_error_that_counts_what_there_was() {
        let limits = VocabularyLimits { min_df: DocumentFrequencyBound::Documents(3), ..ALL };
        let error = build(limits, &["a b", "a"]).unwrap_err();
        assert_eq!(error, VocabularyError::Empty { distinct: 3, documents: 2 });
    }
}
