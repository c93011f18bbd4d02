//! The second stage: a small logistic regression over what the first says of the whole comment
//! and of its sentences.
//!
//! A bag of words cannot know which sentence decides. This stage sees, for each class, the score
//! of the whole comment and those of its sentences pooled in four ways: the highest, the sum, the
//! first and the last; and how many sentences there are. All of these are linear in the terms
//! once it is settled which sentence has the highest score, so that reasons stay exact.

use super::linear::LinearModel;
use super::sentences::SentenceScores;

/// The ways in which the scores of the whole comment and of its sentences are seen, each a block
/// of one feature a class.
const BLOCKS: usize = 5;

const WHOLE: usize = 0;
const HIGHEST: usize = 1;
const SUM: usize = 2;
const FIRST: usize = 3;
const LAST: usize = 4;

/// A logistic regression over pooled scores. Its features are, for *K* classes, five blocks of
/// *K* (whole, highest, sum, first, last), each score less the mean over the classes, and the
/// natural logarithm of the number of sentences.
#[derive(Debug, Clone, PartialEq)]
pub struct SecondStage {
    /// Weights of shape (features, classes).
    linear: LinearModel,
}

impl SecondStage {
    /// How many features there are for `classes` classes.
    #[must_use]
    pub fn features_of(classes: usize) -> usize {
        BLOCKS * classes + 1
    }

    /// A second stage of the given weights; `None` if they are not of shape (features, classes).
    #[must_use]
    pub fn new(linear: LinearModel) -> Option<Self> {
        (linear.terms() == Self::features_of(linear.classes())).then_some(Self { linear })
    }

    /// Its weights and intercept.
    #[must_use]
    pub fn linear(&self) -> &LinearModel {
        &self.linear
    }

    /// Replaces `features` by those of a comment.
    pub fn features(whole: &[f64], sentences: &SentenceScores, features: &mut Vec<f64>) {
        let classes = whole.len();
        features.clear();
        features.resize(Self::features_of(classes), 0.0);
        let block = |block: usize| block * classes..(block + 1) * classes;
        centered(whole, |class, score| features[class] = score);
        features[block(HIGHEST)].fill(f64::NEG_INFINITY);
        for sentence in sentences.iter() {
            centered(sentence, |class, score| {
                let highest = &mut features[HIGHEST * classes + class];
                *highest = highest.max(score);
                features[SUM * classes + class] += score;
            });
        }
        for (block, sentence) in [(FIRST, sentences.iter().next()), (LAST, sentences.iter().last())]
        {
            centered(sentence.unwrap_or_default(), |class, score| {
                features[block * classes + class] = score;
            });
        }
        if sentences.is_empty() {
            features[block(HIGHEST)].fill(0.0);
        }
        features[BLOCKS * classes] = (sentences.len().max(1) as f64).ln();
    }

    /// Replaces `scores` by the score of each class.
    pub fn scores(&self, features: &[f64], scores: &mut Vec<f64>) {
        scores.clear();
        scores.extend_from_slice(self.linear.intercept());
        let rows = self.linear.weights().chunks_exact(self.linear.classes());
        for (feature, weights) in features.iter().zip(rows) {
            for (score, weight) in scores.iter_mut().zip(weights) {
                *score += feature * weight;
            }
        }
    }

    /// How the score of `class` for a comment depends on the scores of the first stage.
    pub(super) fn sensitivity(&self, class: usize, sentences: &SentenceScores) -> Sensitivity {
        let classes = self.linear.classes();
        let weight =
            |block: usize, k: usize| self.linear.weights_of((block * classes + k) as u32)[class];
        let block = |block: usize| -> Vec<f64> { (0..classes).map(|k| weight(block, k)).collect() };
        let mut whole = block(WHOLE);
        subtract_mean(&mut whole);
        let count = sentences.len();
        let mut of_sentences = vec![block(SUM); count];
        let mut add = |sentence: usize, k: usize, weight: f64| {
            if let Some(slopes) = of_sentences.get_mut(sentence) {
                slopes[k] += weight;
            }
        };
        for k in 0..classes {
            add(0, k, weight(FIRST, k));
            add(count.saturating_sub(1), k, weight(LAST, k));
            let mut highest = (0, f64::NEG_INFINITY);
            for (sentence, scores) in sentences.iter().enumerate() {
                centered(scores, |class, score| {
                    if class == k && score > highest.1 {
                        highest = (sentence, score);
                    }
                });
            }
            add(highest.0, k, weight(HIGHEST, k));
        }
        of_sentences.iter_mut().for_each(|slopes| subtract_mean(slopes));
        let of_count = self.linear.weights_of((BLOCKS * classes) as u32)[class];
        let constant = self.linear.intercept()[class] + of_count * (count.max(1) as f64).ln();
        Sensitivity { whole, sentences: of_sentences, constant }
    }
}

/// A score as a linear function of those of the first stage: a constant, and the slope in each
/// class's score of the whole comment and of each sentence.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sensitivity {
    pub(super) whole: Vec<f64>,
    pub(super) sentences: Vec<Vec<f64>>,
    pub(super) constant: f64,
}

impl Sensitivity {
    /// Of a model without a second stage: the score of `class` is that of the whole comment.
    pub(super) fn whole_alone(class: usize, classes: usize, sentences: usize) -> Self {
        let whole = (0..classes).map(|k| if k == class { 1.0 } else { 0.0 }).collect();
        Self { whole, sentences: vec![vec![0.0; classes]; sentences], constant: 0.0 }
    }
}

/// Calls `each` with each class's score less the mean of all: what adds the same to all classes
/// says nothing.
fn centered(scores: &[f64], mut each: impl FnMut(usize, f64)) {
    let mean = scores.iter().sum::<f64>() / scores.len() as f64;
    for (class, score) in scores.iter().enumerate() {
        each(class, score - mean);
    }
}

fn subtract_mean(slopes: &mut [f64]) {
    let mean = slopes.iter().sum::<f64>() / slopes.len() as f64;
    slopes.iter_mut().for_each(|slope| *slope -= mean);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn features_are_centred_scores_whole_highest_sum_first_last_and_the_count() {
        let sentences = SentenceScores::of(&[vec![1.0, -1.0], vec![-2.0, 4.0], vec![0.0, 0.0]]);
        let mut features = Vec::new();
        SecondStage::features(&[3.0, 1.0], &sentences, &mut features);
        let expected = [1.0, -1.0, 1.0, 3.0, -2.0, 2.0, 1.0, -1.0, 0.0, 0.0, 3.0_f64.ln()];
        assert_eq!(features, expected);
    }

    #[test]
    fn weights_of_another_shape_are_no_second_stage() {
        let linear = LinearModel::new(vec![0.0; 20], vec![0.0; 2]).unwrap();
        assert_eq!(SecondStage::new(linear), None);
    }

    proptest! {
        #[test]
        fn the_score_is_the_constant_plus_slopes_times_first_stage_scores(
            weights in prop::collection::vec(-2.0..2.0, 16 * 3),
            whole in prop::collection::vec(-3.0..3.0, 3),
            rows in prop::collection::vec(prop::collection::vec(-3.0..3.0, 3), 1..6),
            class in 0_usize..3,
        ) {
            let linear = LinearModel::new(weights, vec![0.1, 0.2, 0.3]).unwrap();
            let stage = SecondStage::new(linear).unwrap();
            let sentences = SentenceScores::of(&rows);
            let (mut features, mut scores) = (Vec::new(), Vec::new());
            SecondStage::features(&whole, &sentences, &mut features);
            stage.scores(&features, &mut scores);
            let slopes = stage.sensitivity(class, &sentences);
            let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            let of_sentences: f64 = slopes.sentences.iter().zip(&rows).map(|(a, b)| dot(a, b)).sum();
            let sum = slopes.constant + dot(&slopes.whole, &whole) + of_sentences;
            prop_assert!((sum - scores[class]).abs() < 1e-9);
        }
    }
}
