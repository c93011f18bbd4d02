//! TF-IDF as scikit-learn defines it.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::sparse::SparseRow;
use super::vocabulary::{NgramUnit, TermId, Vocabulary, VocabularyError, VocabularyLimits};
use super::vocabulary_builder::VocabularyBuilder;

/// How often a term stands in a document, as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TermFrequency {
    /// The count itself.
    Raw,
    /// 1 + ln(count): scikit-learn's `sublinear_tf=True`.
    Sublinear,
}

/// How documents become vectors of one kind of n-gram.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ViewSettings {
    /// Which n-grams are terms.
    #[serde(flatten)]
    pub vocabulary: VocabularyLimits,
    /// How a count becomes a term frequency.
    pub term_frequency: TermFrequency,
}

/// Turns words into TF-IDF vectors, as scikit-learn's `TfidfVectorizer` does with
/// `smooth_idf=True, norm="l2"`.
///
/// With *n* training documents, *df* of which hold the term, the inverse document frequency is
/// ln((1 + n) / (1 + df)) + 1. A row is term frequency × inverse document frequency, divided by
/// its Euclidean norm. Words that are not in the vocabulary are passed over.
#[derive(Debug, Clone)]
pub struct TfidfVectorizer {
    vocabulary: Vocabulary,
    term_frequency: TermFrequency,
    documents: u32,
    /// The inverse document frequency of each term.
    idf: Vec<f64>,
}

/// The buffers of one vectorisation, reused from document to document.
#[derive(Debug, Default, Clone)]
pub struct VectorizerScratch {
    word_ids: Vec<u32>,
    /// Each occurrence of a term with the position of its first word, in order of these.
    occurrences: Vec<(TermId, u32)>,
    term_ids: Vec<TermId>,
}

impl TfidfVectorizer {
    /// A vectorizer whose vocabulary was counted on `documents` documents.
    #[must_use]
    pub fn new(vocabulary: Vocabulary, term_frequency: TermFrequency, documents: u32) -> Self {
        let idf = vocabulary
            .terms()
            .map(|(_, df)| ((1.0 + f64::from(documents)) / (1.0 + f64::from(df))).ln() + 1.0)
            .collect();
        Self { vocabulary, term_frequency, documents, idf }
    }

    /// Learns vocabulary and document frequencies from documents, each an iterator of words.
    ///
    /// # Errors
    ///
    /// No term is within the limits, or the limits are out of range.
    pub fn fit<'a, D>(
        unit: NgramUnit,
        settings: &ViewSettings,
        documents: impl IntoIterator<Item = D>,
    ) -> Result<Self, VocabularyError>
    where
        D: Iterator<Item = &'a str>,
    {
        let mut builder = VocabularyBuilder::new(unit, settings.vocabulary)?;
        documents.into_iter().for_each(|document| builder.add_document(document));
        let documents = builder.documents();
        Ok(Self::new(builder.build()?, settings.term_frequency, documents))
    }

    /// The vocabulary.
    #[must_use]
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// The number of documents the document frequencies were counted on.
    #[must_use]
    pub fn documents(&self) -> u32 {
        self.documents
    }

    /// How a count becomes a term frequency.
    #[must_use]
    pub fn term_frequency(&self) -> TermFrequency {
        self.term_frequency
    }

    /// Replaces `row` by the vector of `words`.
    pub fn transform<'a>(
        &self,
        words: impl Iterator<Item = &'a str>,
        scratch: &mut VectorizerScratch,
        row: &mut SparseRow,
    ) {
        row.clear();
        self.append(words, 0, scratch, row);
    }

    /// Appends the vector of `words` to `row`, with `first_id` added to its ids.
    pub(super) fn append<'a>(
        &self,
        words: impl Iterator<Item = &'a str>,
        first_id: TermId,
        scratch: &mut VectorizerScratch,
        row: &mut SparseRow,
    ) {
        let VectorizerScratch { word_ids, occurrences, term_ids } = scratch;
        self.vocabulary.look_up(words, word_ids);
        occurrences.clear();
        self.vocabulary.for_each_ngram(word_ids, |term, start, _| {
            occurrences.push((term, start as u32));
        });
        term_ids.clear();
        term_ids.extend(occurrences.iter().map(|&(term, _)| term));
        term_ids.sort_unstable();
        let start = row.len();
        for run in term_ids.chunk_by(|a, b| a == b) {
            let count = run.len() as f64;
            let term_frequency = match self.term_frequency {
                TermFrequency::Raw => count,
                TermFrequency::Sublinear => 1.0 + count.ln(),
            };
            row.push(first_id + run[0], term_frequency * self.idf[run[0] as usize]);
        }
        row.normalize_from(start);
    }

    /// Each occurrence of a term in the document that was last [transformed](Self::transform)
    /// with `scratch`: the term, its inverse document frequency, and the position of its first
    /// word, in order of these.
    pub fn occurrences(
        &self,
        scratch: &VectorizerScratch,
    ) -> impl Iterator<Item = (TermId, f64, usize)> {
        let occurrences = scratch.occurrences.iter();
        occurrences.map(|&(term, start)| (term, self.idf[term as usize], start as usize))
    }

    /// The positions of the words of each term in the document that was last
    /// [transformed](Self::transform) with `scratch`, in order of their first words.
    pub fn for_each_occurrence(
        &self,
        scratch: &VectorizerScratch,
        mut found: impl FnMut(TermId, Range<usize>),
    ) {
        self.vocabulary.for_each_ngram(&scratch.word_ids, |term, start, words| {
            found(term, start..start + words);
        });
    }
}
