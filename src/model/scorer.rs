//! From an analysed comment to the score of each class, and back to what each term gave.

use std::ops::Range;

use super::label::ClassIndex;
use super::linear::LinearModel;
use super::second_stage::{SecondStage, Sensitivity};
use super::sentences::SentenceScores;
use crate::features::{FeatureUnion, SparseRow, TermId, UnionScratch};
use crate::text::AnalyzedText;

/// All that turns terms into scores: vocabulary and weights, and the second stage if the model
/// has one.
#[derive(Debug, Clone)]
pub struct Scorer {
    vectorizer: FeatureUnion,
    linear: LinearModel<f32>,
    second_stage: Option<SecondStage>,
}

/// The buffers of one scoring, reused from comment to comment.
#[derive(Debug, Default, Clone)]
pub struct ScorerBuffers {
    scratch: UnionScratch,
    row: SparseRow,
    whole: Vec<f64>,
    sentences: SentenceScores,
    features: Vec<f64>,
    scores: Vec<f64>,
}

impl ScorerBuffers {
    /// The features of the second stage of the comment last [pooled](Scorer::pool) with these
    /// buffers.
    #[must_use]
    pub fn features(&self) -> &[f64] {
        &self.features
    }

    /// The score of each class for the comment last [scored](Scorer::score) with these buffers.
    #[must_use]
    pub fn scores(&self) -> &[f64] {
        &self.scores
    }
}

impl Scorer {
    /// A scorer of parts made for each other: the linear model has a weight for each term.
    #[must_use]
    pub fn new(
        vectorizer: FeatureUnion,
        linear: LinearModel<f32>,
        second_stage: Option<SecondStage>,
    ) -> Self {
        Self { vectorizer, linear, second_stage }
    }

    /// The vectorizer.
    #[must_use]
    pub fn vectorizer(&self) -> &FeatureUnion {
        &self.vectorizer
    }

    /// The linear model of the first stage.
    #[must_use]
    pub fn linear(&self) -> &LinearModel<f32> {
        &self.linear
    }

    /// The second stage, if there is one.
    #[must_use]
    pub fn second_stage(&self) -> Option<&SecondStage> {
        self.second_stage.as_ref()
    }

    /// The same with another second stage.
    #[must_use]
    pub fn with_second_stage(self, second_stage: Option<SecondStage>) -> Self {
        Self { second_stage, ..self }
    }

    /// Leaves the features of a second stage in `buffers`, whether this has one or not.
    pub fn pool(&self, comment: &AnalyzedText, buffers: &mut ScorerBuffers) {
        let ScorerBuffers { scratch, whole, sentences, features, .. } = buffers;
        self.vectorizer.find(comment, scratch);
        sentences.assign(&self.linear, &self.vectorizer, comment, scratch, whole);
        SecondStage::features(whole, sentences, features);
    }

    /// Leaves the score of each class in `buffers`.
    pub fn score(&self, comment: &AnalyzedText, buffers: &mut ScorerBuffers) {
        match &self.second_stage {
            Some(second_stage) => {
                self.pool(comment, buffers);
                second_stage.scores(&buffers.features, &mut buffers.scores);
            }
            None => {
                let ScorerBuffers { scratch, row, scores, .. } = buffers;
                self.vectorizer.transform(comment, scratch, row);
                self.linear.scores(row, scores);
            }
        }
    }

    /// Where each term stands in the original of the comment last scored with `buffers`, in
    /// bytes.
    pub(super) fn for_each_occurrence(
        &self,
        comment: &AnalyzedText,
        buffers: &ScorerBuffers,
        found: impl FnMut(TermId, Range<usize>),
    ) {
        self.vectorizer.for_each_occurrence(comment, &buffers.scratch, found);
    }

    /// Takes the score of `class` for the comment last [scored](Self::score) with `buffers`
    /// apart: calls `found` with a term and what it gave, more than once for a term where it gave
    /// to several sentences, and returns what no term gave. Together these are the score.
    pub(super) fn attribute(
        &self,
        class: ClassIndex,
        comment: &AnalyzedText,
        buffers: &mut ScorerBuffers,
        mut found: impl FnMut(TermId, f64),
    ) -> f64 {
        let Some(second_stage) = &self.second_stage else {
            for (term, value) in buffers.row.iter() {
                found(term, f64::from(self.linear.weights_of(term)[class]) * value);
            }
            return self.linear.intercept()[class];
        };
        // Scoring made no vector of the whole comment.
        self.vectorizer.transform(comment, &mut buffers.scratch, &mut buffers.row);
        let Sensitivity { whole, sentences, constant } =
            second_stage.sensitivity(class, &buffers.sentences);
        for (term, value) in buffers.row.iter() {
            found(term, value * dot(&whole, self.linear.weights_of(term)));
        }
        self.vectorizer.for_each_sentence(comment, &buffers.scratch, |terms| {
            let scale = buffers.sentences.scale(terms.view, terms.sentence);
            let slopes = &sentences[terms.sentence];
            for (term, idf) in terms.iter() {
                found(term, idf * scale * dot(slopes, self.linear.weights_of(term)));
            }
        });
        let intercept = self.linear.intercept();
        let of_sentences = sentences.iter().map(|slopes| dot(slopes, intercept));
        constant + dot(&whole, intercept) + of_sentences.sum::<f64>()
    }
}

fn dot<W: Copy + Into<f64>>(slopes: &[f64], values: &[W]) -> f64 {
    slopes.iter().zip(values).map(|(slope, &value)| slope * value.into()).sum()
}
