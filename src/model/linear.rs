//! The linear model both solvers give: a weight for each term and class, and an intercept.

use super::label::ClassIndex;
use crate::features::{SparseRow, TermId};

/// Weights of shape (terms, classes) and an intercept of shape (classes).
///
/// The score of class *k* is its intercept plus the sum over terms of weight × value; the
/// probabilities are the softmax of the scores.
///
/// Solvers give weights in double precision. A model of many terms keeps them in single
/// precision (`W = f32`), which is precise to seven digits and takes half the memory: classifying
/// is waiting for memory more than anything else. Sums are in double precision either way.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearModel<W = f64> {
    classes: usize,
    /// Term-major, so that a term's weights for all classes lie side by side.
    weights: Vec<W>,
    intercept: Vec<f64>,
}

impl LinearModel {
    /// The same with each weight rounded to the nearest number of single precision.
    #[must_use]
    pub fn to_single_precision(&self) -> LinearModel<f32> {
        let weights = self.weights.iter().map(|&weight| weight as f32).collect();
        LinearModel { classes: self.classes, weights, intercept: self.intercept.clone() }
    }
}

impl<W: Copy + Into<f64>> LinearModel<W> {
    /// A model of `weights`, term-major of shape (terms, classes), and one `intercept` a class.
    ///
    /// `None` if the sizes do not agree or there is no class.
    #[must_use]
    pub fn new(weights: Vec<W>, intercept: Vec<f64>) -> Option<Self> {
        let classes = intercept.len();
        (classes > 0 && weights.len().is_multiple_of(classes)).then_some(Self {
            classes,
            weights,
            intercept,
        })
    }

    /// The number of classes.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The number of terms.
    #[must_use]
    pub fn terms(&self) -> usize {
        self.weights.len() / self.classes
    }

    /// The weights of a term, one a class.
    ///
    /// # Panics
    ///
    /// If there is no such term.
    #[must_use]
    pub fn weights_of(&self, term: TermId) -> &[W] {
        let start = term as usize * self.classes;
        &self.weights[start..start + self.classes]
    }

    /// All weights, term-major.
    #[must_use]
    pub fn weights(&self) -> &[W] {
        &self.weights
    }

    /// The intercept, one a class.
    #[must_use]
    pub fn intercept(&self) -> &[f64] {
        &self.intercept
    }

    /// The terms in descending order of their weight for `class`; of equal weights the lower id
    /// first.
    #[must_use]
    pub fn terms_by_weight(&self, class: ClassIndex) -> Vec<TermId> {
        let weight = |term: TermId| -> f64 { self.weights_of(term)[class].into() };
        let mut terms: Vec<TermId> = (0..self.terms() as TermId).collect();
        terms.sort_by(|&a, &b| weight(b).total_cmp(&weight(a)));
        terms
    }

    /// Replaces `scores` by the score of each class for `row`.
    ///
    /// # Panics
    ///
    /// If `row` reaches beyond the terms.
    pub fn scores(&self, row: &SparseRow, scores: &mut Vec<f64>) {
        scores.clear();
        scores.extend_from_slice(&self.intercept);
        for (term, value) in row.iter() {
            for (score, &weight) in scores.iter_mut().zip(self.weights_of(term)) {
                *score += weight.into() * value;
            }
        }
    }
}

/// Turns scores into probabilities: exp(score − max) divided by the sum of these.
pub fn softmax_in_place(scores: &mut [f64]) {
    let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        *score = (*score - highest).exp();
        sum += *score;
    }
    for score in scores {
        *score /= sum;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_intercept_plus_weighted_values() {
        let model = LinearModel::new(vec![1.0, 2.0, 3.0, 4.0], vec![0.5, -0.5]).unwrap();
        let mut row = SparseRow::default();
        row.push(1, 2.0);
        let mut scores = vec![9.0];
        model.scores(&row, &mut scores);
        assert_eq!(scores, [6.5, 7.5]);
    }

    #[test]
    fn sizes_that_do_not_agree_make_no_model() {
        assert_eq!(LinearModel::new(vec![1.0; 3], vec![0.0; 2]), None);
        assert_eq!(LinearModel::<f64>::new(vec![], vec![]), None);
    }

    #[test]
    fn probabilities_sum_to_one_however_large_the_scores() {
        let mut scores = [1000.0, 1001.0, -1000.0];
        softmax_in_place(&mut scores);
        assert!((scores.iter().sum::<f64>() - 1.0).abs() < 1e-15);
        assert!((scores[1] / scores[0] - 1.0_f64.exp()).abs() < 1e-12);
    }
}
