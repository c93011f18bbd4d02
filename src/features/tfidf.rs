//! TF-IDF as scikit-learn defines it.

use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::counts::TermCounts;
use super::occurrences::Occurrences;
use super::sparse::SparseRow;
use super::vocabulary::{NgramUnit, TermId, Vocabulary, VocabularyError, VocabularyLimits, Walks};
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
    /// The power to which the inverse document frequency is raised: 1 is scikit-learn's, and what
    /// models of before there was this setting have. A higher one lets rare terms weigh more.
    #[serde(default = "one")]
    pub idf_power: f64,
}

fn one() -> f64 {
    1.0
}

/// Turns words into TF-IDF vectors, as scikit-learn's `TfidfVectorizer` does with
/// `smooth_idf=True, norm="l2"`.
///
/// With *n* training documents, *df* of which hold the term, the inverse document frequency is
/// ln((1 + n) / (1 + df)) + 1, raised to a power that is 1 for scikit-learn. A row is term
/// frequency × inverse document frequency, divided by its Euclidean norm. Words that are not in the
/// vocabulary are passed over.
#[derive(Debug, Clone)]
pub struct TfidfVectorizer {
    vocabulary: Arc<Vocabulary>,
    term_frequency: TermFrequency,
    idf_power: f64,
    documents: u32,
    /// The inverse document frequency of each term, raised to the power.
    idf: Vec<f64>,
}

/// The buffers of one vectorisation, reused from document to document.
#[derive(Debug, Default, Clone)]
pub struct VectorizerScratch {
    /// The numbers of the words.
    units: Vec<u32>,
    occurrences: Occurrences,
    counts: TermCounts,
    walks: Walks,
    /// The terms that were found more than once, with how often.
    repeated: Vec<(TermId, u32)>,
}

/// A term that occurs more than once in a document.
#[derive(Debug, Clone, Copy)]
pub struct RepeatedTerm {
    /// Its column.
    pub term: TermId,
    /// How often it occurs.
    pub count: f64,
    /// Its term frequency, which that count becomes.
    pub frequency: f64,
}

impl VectorizerScratch {
    /// The occurrences of terms in the document that was last looked at.
    pub(super) fn occurrences(&self) -> &Occurrences {
        &self.occurrences
    }
}

impl TfidfVectorizer {
    /// A vectorizer whose vocabulary was counted on `documents` documents.
    #[must_use]
    pub fn new(
        vocabulary: Vocabulary,
        term_frequency: TermFrequency,
        idf_power: f64,
        documents: u32,
    ) -> Self {
        Self::of_shared(Arc::new(vocabulary), term_frequency, idf_power, documents)
    }

    fn of_shared(
        vocabulary: Arc<Vocabulary>,
        term_frequency: TermFrequency,
        idf_power: f64,
        documents: u32,
    ) -> Self {
        let idf = vocabulary
            .terms()
            .map(|(_, df)| {
                let share = (1.0 + f64::from(documents)) / (1.0 + f64::from(df));
                (share.ln() + 1.0).powf(idf_power)
            })
            .collect();
        Self { vocabulary, term_frequency, idf_power, documents, idf }
    }

    /// The same of the terms that `keep` says, one a term; of all if it would keep none.
    pub(super) fn retain(&self, keep: &[bool]) -> Result<Self, VocabularyError> {
        if !keep.contains(&true) {
            return Ok(self.clone());
        }
        let vocabulary = self.vocabulary.retain(keep)?;
        Ok(Self::new(vocabulary, self.term_frequency, self.idf_power, self.documents))
    }

    /// The same with another power of the inverse document frequency.
    pub(super) fn with_idf_power(&self, idf_power: f64) -> Self {
        let vocabulary = Arc::clone(&self.vocabulary);
        Self::of_shared(vocabulary, self.term_frequency, idf_power, self.documents)
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
        Ok(Self::new(builder.build()?, settings.term_frequency, settings.idf_power, documents))
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
        self.find(words, scratch);
        self.append(0, scratch, row);
    }

    /// Leaves the occurrences of terms in `words` in `scratch`.
    pub(super) fn find<'a>(
        &self,
        words: impl Iterator<Item = &'a str>,
        scratch: &mut VectorizerScratch,
    ) {
        let VectorizerScratch { units, occurrences, walks, .. } = scratch;
        self.vocabulary.look_up(words, units);
        self.vocabulary.find(units, walks, occurrences);
    }

    /// The same for characters; `None` is a break.
    pub(super) fn find_in_characters(
        &self,
        characters: impl Iterator<Item = Option<char>>,
        scratch: &mut VectorizerScratch,
    ) {
        let VectorizerScratch { units, occurrences, walks, .. } = scratch;
        self.vocabulary.look_up_characters(characters, units);
        self.vocabulary.find(units, walks, occurrences);
    }

    /// Appends the vector of the document that was last looked at with `scratch` to `row`, with
    /// `first_id` added to its ids.
    pub(super) fn append(
        &self,
        first_id: TermId,
        scratch: &mut VectorizerScratch,
        row: &mut SparseRow,
    ) {
        let VectorizerScratch { occurrences, counts, .. } = scratch;
        let start = row.len();
        counts.for_each_in_order(self.vocabulary.len(), occurrences.terms(), |term, count| {
            row.push(first_id + term, self.frequency(count));
        });
        // In a second pass, in which no look-up waits for what came of the one before.
        row.scale_from(start, |id| self.idf[(id - first_id) as usize]);
        row.normalize_from(start);
    }

    /// Each term that was found more than once in the document that was last looked at with
    /// `scratch`.
    pub(super) fn repeated<'a>(
        &'a self,
        scratch: &'a mut VectorizerScratch,
    ) -> impl Iterator<Item = RepeatedTerm> + 'a {
        let VectorizerScratch { occurrences, counts, repeated, .. } = scratch;
        repeated.clear();
        counts.for_each_repeated(self.vocabulary.len(), occurrences.terms(), |term, count| {
            repeated.push((term, count));
        });
        repeated.iter().map(|&(term, count)| RepeatedTerm {
            term,
            count: f64::from(count),
            frequency: self.frequency(count),
        })
    }

    /// The term frequency of a term that occurs `count` times.
    fn frequency(&self, count: u32) -> f64 {
        match (self.term_frequency, count) {
            // The logarithm of 1 is 0.
            (_, 1) => 1.0,
            (TermFrequency::Raw, _) => f64::from(count),
            (TermFrequency::Sublinear, _) => 1.0 + f64::from(count).ln(),
        }
    }

    /// The inverse document frequency of each term, raised to the power.
    #[must_use]
    pub fn idf(&self) -> &[f64] {
        &self.idf
    }

    /// The positions of the words of each term in the document that was last
    /// [transformed](Self::transform) with `scratch`: those of one word, in order, then those of
    /// two, and so on, and pairs that skip some.
    pub fn for_each_occurrence(
        &self,
        scratch: &VectorizerScratch,
        mut found: impl FnMut(TermId, Range<usize>),
    ) {
        for (words, run) in scratch.occurrences.runs() {
            for occurrence in run {
                let start = occurrence.start as usize;
                found(occurrence.term, start..start + words);
            }
        }
    }
}
