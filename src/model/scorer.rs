//! From an analysed comment to the score of each class, and back to what each term gave.

use std::ops::Range;

use super::label::ClassIndex;
use super::linear::LinearModel;
use super::second_stage::{SecondStage, Sensitivity};
use super::sentences::SentenceScores;
use super::term_values::TermValues;
use crate::features::{FeatureUnion, RepeatedTerm, TermId, UnionScratch};
use crate::text::AnalyzedText;

/// All that turns terms into scores: vocabulary and weights, and the second stage if the model
/// has one.
#[derive(Debug, Clone)]
pub struct Scorer {
    vectorizer: FeatureUnion,
    values: TermValues,
    intercept: Vec<f64>,
    second_stage: Option<SecondStage>,
}

/// The buffers of one scoring, reused from comment to comment.
#[derive(Debug, Default, Clone)]
pub struct ScorerBuffers {
    scratch: UnionScratch,
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
        linear: &LinearModel<f32>,
        second_stage: Option<SecondStage>,
    ) -> Self {
        let values = TermValues::new(linear, vectorizer.idf());
        Self { vectorizer, values, intercept: linear.intercept().to_vec(), second_stage }
    }

    /// The vectorizer.
    #[must_use]
    pub fn vectorizer(&self) -> &FeatureUnion {
        &self.vectorizer
    }

    /// The second stage, if there is one.
    #[must_use]
    pub fn second_stage(&self) -> Option<&SecondStage> {
        self.second_stage.as_ref()
    }

    /// Leaves the features of a second stage in `buffers`, whether this has one or not.
    pub fn pool(&self, comment: &AnalyzedText, buffers: &mut ScorerBuffers) {
        let ScorerBuffers { scratch, whole, sentences, features, .. } = buffers;
        let Self { vectorizer, values, intercept, .. } = self;
        vectorizer.find(comment, scratch);
        sentences.assign(values, intercept, vectorizer, comment, scratch, whole);
        SecondStage::features(whole, sentences, features);
    }

    /// Leaves the score of each class in `buffers`.
    pub fn score(&self, comment: &AnalyzedText, buffers: &mut ScorerBuffers) {
        self.pool(comment, buffers);
        match &self.second_stage {
            Some(second_stage) => second_stage.scores(&buffers.features, &mut buffers.scores),
            None => buffers.scores.clone_from(&buffers.whole),
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
        let ScorerBuffers { scratch, sentences: scores, .. } = buffers;
        let Sensitivity { whole, sentences, constant } = match &self.second_stage {
            Some(second_stage) => second_stage.sensitivity(class, scores),
            None => Sensitivity::whole_alone(class, self.intercept.len(), scores.len()),
        };
        self.vectorizer.for_each_sentence(comment, scratch, |terms| {
            let in_whole = scores.whole_scale(terms.view);
            let in_sentence = scores.scale(terms.view, terms.sentence);
            let slopes = &sentences[terms.sentence];
            for term in terms.columns() {
                let (values, _) = self.values.of(term);
                found(term, in_whole * dot(&whole, values) + in_sentence * dot(slopes, values));
            }
        });
        for view in 0..FeatureUnion::VIEWS {
            let scale = scores.whole_scale(view);
            for RepeatedTerm { term, count, frequency } in self.vectorizer.repeated(view, scratch) {
                let (values, _) = self.values.of(term);
                found(term, (frequency - count) * scale * dot(&whole, values));
            }
        }
        let of_sentences = sentences.iter().map(|slopes| dot(slopes, &self.intercept));
        constant + dot(&whole, &self.intercept) + of_sentences.sum::<f64>()
    }
}

fn dot<W: Copy + Into<f64>>(slopes: &[f64], values: &[W]) -> f64 {
    slopes.iter().zip(values).map(|(slope, &value)| slope * value.into()).sum()
}
