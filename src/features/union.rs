//! Words and characters side by side.

use std::ops::Range;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::occurrences::Occurrence;
use super::sparse::{SparseMatrix, SparseRow};
use super::tfidf::{RepeatedTerm, TfidfVectorizer, VectorizerScratch, ViewSettings};
use super::vocabulary::{NgramUnit, TermId, VocabularyError};
use crate::text::AnalyzedText;

/// How comments become vectors.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FeatureSettings {
    /// N-grams of words.
    #[serde(flatten)]
    pub words: ViewSettings,
    /// N-grams of characters, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub characters: Option<ViewSettings>,
}

impl FeatureSettings {
    /// The same with another power of the inverse document frequency.
    #[must_use]
    pub fn with_idf_power(mut self, idf_power: f64) -> Self {
        self.words.idf_power = idf_power;
        if let Some(characters) = &mut self.characters {
            characters.idf_power = idf_power;
        }
        self
    }
}

/// Turns analysed comments into vectors: the TF-IDF vector of their words, then that of their
/// characters, each of length one. Term ids of characters follow those of words.
#[derive(Debug, Clone)]
pub struct FeatureUnion {
    words: TfidfVectorizer,
    characters: Option<TfidfVectorizer>,
}

/// The buffers of one vectorisation, reused from comment to comment.
#[derive(Debug, Default, Clone)]
pub struct UnionScratch {
    words: VectorizerScratch,
    characters: VectorizerScratch,
}

/// Occurrences of terms of one kind of n-gram in a sentence.
#[derive(Debug, Clone, Copy)]
pub struct SentenceTerms<'a> {
    /// The sentence, from 0.
    pub sentence: usize,
    /// The kind of n-gram: 0 for words, 1 for characters.
    pub view: usize,
    first_id: TermId,
    occurrences: &'a [Occurrence],
}

impl SentenceTerms<'_> {
    /// The column of each occurrence.
    pub fn columns(&self) -> impl Iterator<Item = TermId> {
        self.occurrences.iter().map(|found| self.first_id + found.term)
    }
}

impl FeatureUnion {
    /// How many kinds of n-grams there are at most.
    pub const VIEWS: usize = 2;

    /// A union of a vectorizer of words and one of characters.
    #[must_use]
    pub fn new(words: TfidfVectorizer, characters: Option<TfidfVectorizer>) -> Self {
        Self { words, characters }
    }

    /// Learns vocabularies and document frequencies from comments.
    ///
    /// # Errors
    ///
    /// No term is within the limits, or the limits are out of range.
    pub fn fit(
        settings: &FeatureSettings,
        comments: &[&AnalyzedText],
    ) -> Result<Self, VocabularyError> {
        let fit_words = || {
            let words = comments.iter().map(|comment| comment.words());
            TfidfVectorizer::fit(NgramUnit::Word, &settings.words, words)
        };
        let fit_characters = || {
            settings.characters.map(|settings| {
                let characters = comments.iter().map(|comment| comment.characters());
                TfidfVectorizer::fit(NgramUnit::Character, &settings, characters)
            })
        };
        let (words, characters) = rayon::join(fit_words, fit_characters);
        Ok(Self::new(words?, characters.transpose()?))
    }

    /// The same of the terms that `keep` says, one a column; all of a kind if it would keep none
    /// of them.
    ///
    /// # Errors
    ///
    /// Never for a union that was made: its terms are within its own limits.
    ///
    /// # Panics
    ///
    /// If `keep` is shorter than there are columns.
    pub fn retain(&self, keep: &[bool]) -> Result<Self, VocabularyError> {
        let (of_words, of_characters) = keep.split_at(self.word_terms() as usize);
        let words = self.words.retain(of_words)?;
        let characters = self.characters.as_ref().map(|view| view.retain(of_characters));
        Ok(Self::new(words, characters.transpose()?))
    }

    /// The same with another power of the inverse document frequency. The vocabularies are shared.
    #[must_use]
    pub fn with_idf_power(&self, idf_power: f64) -> Self {
        let characters = self.characters.as_ref();
        Self::new(
            self.words.with_idf_power(idf_power),
            characters.map(|view| view.with_idf_power(idf_power)),
        )
    }

    /// The vectorizer of words.
    #[must_use]
    pub fn words(&self) -> &TfidfVectorizer {
        &self.words
    }

    /// The vectorizer of characters, if there is one.
    #[must_use]
    pub fn characters(&self) -> Option<&TfidfVectorizer> {
        self.characters.as_ref()
    }

    /// The number of terms, of words and characters together.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a vocabulary has at least one term")]
    pub fn len(&self) -> usize {
        self.word_terms() as usize
            + self.characters.as_ref().map_or(0, |characters| characters.vocabulary().len())
    }

    /// The term of column `id`: words joined by spaces, or characters side by side.
    ///
    /// # Panics
    ///
    /// If there is no such column.
    #[must_use]
    pub fn term(&self, id: TermId) -> &str {
        match &self.characters {
            Some(characters) if id >= self.word_terms() => {
                characters.vocabulary().term(id - self.word_terms())
            }
            _ => self.words.vocabulary().term(id),
        }
    }

    /// Replaces `row` by the vector of `comment`.
    pub fn transform(
        &self,
        comment: &AnalyzedText,
        scratch: &mut UnionScratch,
        row: &mut SparseRow,
    ) {
        row.clear();
        self.find(comment, scratch);
        self.words.append(0, &mut scratch.words, row);
        if let Some(characters) = &self.characters {
            characters.append(self.word_terms(), &mut scratch.characters, row);
        }
    }

    /// Finds the terms of `comment` without making a vector of them: all that
    /// [`for_each_sentence`](Self::for_each_sentence) and [`repeated`](Self::repeated) tell of.
    pub fn find(&self, comment: &AnalyzedText, scratch: &mut UnionScratch) {
        self.words.find(comment.words(), &mut scratch.words);
        if let Some(characters) = &self.characters {
            let of_comment = comment.characters_or_breaks();
            characters.find_in_characters(of_comment, &mut scratch.characters);
        }
    }

    /// The inverse document frequency of each column.
    pub fn idf(&self) -> impl Iterator<Item = f64> {
        let characters = self.characters.as_ref().map_or(&[][..], TfidfVectorizer::idf);
        self.words.idf().iter().chain(characters).copied()
    }

    /// Of one kind of n-grams, each term that occurs more than once in the comment whose terms
    /// were last [found](Self::find) with `scratch`.
    pub fn repeated<'a>(
        &'a self,
        view: usize,
        scratch: &'a mut UnionScratch,
    ) -> impl Iterator<Item = RepeatedTerm> + 'a {
        let found = match (view, &self.characters) {
            (0, _) => Some((&self.words, &mut scratch.words, 0)),
            (1, Some(view)) => Some((view, &mut scratch.characters, self.word_terms())),
            _ => None,
        };
        let repeated = found.map(|(vectorizer, scratch, first_id)| {
            let repeated = vectorizer.repeated(scratch);
            repeated.map(move |found| RepeatedTerm { term: first_id + found.term, ..found })
        });
        repeated.into_iter().flatten()
    }

    /// Calls `found` with the occurrences of terms in the sentences of the comment that was last
    /// [looked at](Self::find) with `scratch`, more than once for a sentence: those of words and
    /// those of characters, n-grams of one length after the other.
    pub fn for_each_sentence<'a>(
        &self,
        comment: &AnalyzedText,
        scratch: &'a UnionScratch,
        mut found: impl FnMut(SentenceTerms<'a>),
    ) {
        let words = Some((&scratch.words, 0));
        let characters = self.characters.as_ref();
        let characters = characters.map(|_| (&scratch.characters, self.word_terms()));
        let last = comment.sentences().len().saturating_sub(1);
        for (view, (scratch, first_id)) in [words, characters].into_iter().flatten().enumerate() {
            for (_, run) in scratch.occurrences().runs() {
                let mut rest = run;
                for (sentence, end) in comment.sentences().iter().enumerate() {
                    let end = if view == 0 { end.words } else { end.characters };
                    let is_inside = |found: &&Occurrence| (found.start as usize) < end;
                    let count = match sentence == last {
                        true => rest.len(),
                        false => rest.iter().take_while(is_inside).count(),
                    };
                    let (occurrences, behind) = rest.split_at(count);
                    rest = behind;
                    if count > 0 {
                        found(SentenceTerms { sentence, view, first_id, occurrences });
                    }
                }
            }
        }
    }

    /// Where each term stands in the original of the comment that was last
    /// [transformed](Self::transform) with `scratch`, in bytes.
    pub fn for_each_occurrence(
        &self,
        comment: &AnalyzedText,
        scratch: &UnionScratch,
        mut found: impl FnMut(TermId, Range<usize>),
    ) {
        self.words.for_each_occurrence(&scratch.words, |term, words| {
            found(term, comment.word_source(words));
        });
        if let Some(characters) = &self.characters {
            let places = comment.character_places();
            characters.for_each_occurrence(&scratch.characters, |term, characters| {
                found(self.word_terms() + term, places.source(characters));
            });
        }
    }

    /// The matrix of the vectors of `comments`, a row each, computed on all threads of the
    /// current `rayon` pool.
    #[must_use]
    pub fn matrix(&self, comments: &[&AnalyzedText]) -> SparseMatrix {
        let rows: Vec<SparseRow> = comments
            .par_iter()
            .map_init(UnionScratch::default, |scratch, comment| {
                let mut row = SparseRow::default();
                self.transform(comment, scratch, &mut row);
                row
            })
            .collect();
        let mut matrix = SparseMatrix::with_columns(self.len());
        rows.iter().for_each(|row| matrix.push_row(row));
        matrix
    }

    fn word_terms(&self) -> TermId {
        self.words.vocabulary().len() as TermId
    }
}
