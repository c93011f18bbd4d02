//! What the linear model says of each sentence by itself.

use super::term_values::TermValues;
use crate::features::{FeatureUnion, RepeatedTerm, UnionScratch};
use crate::text::AnalyzedText;

/// The score of each class for each sentence of a comment.
///
/// The vector of a sentence is the sum over the occurrences of its terms of their inverse
/// document frequencies, divided by the root of the sum of their squares, for words and for
/// characters each by itself. Its score is that of the linear model.
#[derive(Debug, Default, Clone)]
pub struct SentenceScores {
    classes: usize,
    /// Sentence-major, of shape (sentences, classes).
    scores: Vec<f64>,
    /// The sums of the values of terms, of shape (views, sentences, classes + 1).
    sums: Vec<f64>,
    /// What these sums are multiplied by, of shape (views, sentences).
    scales: Vec<f64>,
    /// The sums of one kind of n-gram over all sentences.
    of_view: Vec<f64>,
    /// What the sums of each kind of n-gram over the whole comment are multiplied by.
    whole_scales: [f64; FeatureUnion::VIEWS],
}

/// 1 / √x; 0 where there is nothing to scale.
fn reciprocal_root(x: f64) -> f64 {
    if x > 0.0 { x.sqrt().recip() } else { 0.0 }
}

impl SentenceScores {
    /// Replaces the scores by those of the sentences of `comment`, whose terms were just found
    /// with `scratch`, and `whole` by those of the whole comment.
    ///
    /// The vector of the whole is the sum of the vectors of its sentences before they are scaled,
    /// but for the terms that occur more than once: of these, the term frequency takes the place
    /// of the count.
    pub(super) fn assign(
        &mut self,
        values: &TermValues,
        intercept: &[f64],
        vectorizer: &FeatureUnion,
        comment: &AnalyzedText,
        scratch: &mut UnionScratch,
        whole: &mut Vec<f64>,
    ) {
        let (classes, width) = (intercept.len(), values.width());
        let sentences = comment.sentences().len();
        self.classes = classes;
        let Self { sums, scales, scores, of_view, whole_scales, .. } = self;
        sums.clear();
        sums.resize(FeatureUnion::VIEWS * sentences * width, 0.0);
        vectorizer.for_each_sentence(comment, scratch, |terms| {
            let place = terms.view * sentences + terms.sentence;
            values.add(terms.columns(), &mut sums[place * width..][..width]);
        });
        whole.clear();
        whole.extend_from_slice(intercept);
        for (view, whole_scale) in whole_scales.iter_mut().enumerate() {
            of_view.clear();
            of_view.resize(width, 0.0);
            for of_sentence in sums.chunks_exact(width).skip(view * sentences).take(sentences) {
                of_view.iter_mut().zip(of_sentence).for_each(|(sum, value)| *sum += value);
            }
            for RepeatedTerm { term, count, frequency } in vectorizer.repeated(view, scratch) {
                let (of_classes, square) = values.of(term);
                for (sum, &value) in of_view.iter_mut().zip(of_classes) {
                    *sum += (frequency - count) * f64::from(value);
                }
                of_view[classes] += (frequency * frequency - count) * f64::from(square);
            }
            *whole_scale = reciprocal_root(of_view[classes]);
            for (score, sum) in whole.iter_mut().zip(of_view.iter()) {
                *score += *whole_scale * sum;
            }
        }
        scales.clear();
        scales.extend(sums.chunks_exact(width).map(|sums| reciprocal_root(sums[classes])));
        scores.clear();
        for sentence in 0..sentences {
            for (class, intercept) in intercept.iter().enumerate() {
                let views = (0..FeatureUnion::VIEWS).map(|view| {
                    let place = view * sentences + sentence;
                    scales[place] * sums[place * width + class]
                });
                scores.push(intercept + views.sum::<f64>());
            }
        }
    }

    /// How many sentences there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.scores.len() / self.classes.max(1)
    }

    /// Whether there is no sentence; never so once it was assigned.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.scores.is_empty()
    }

    /// The scores of each sentence, in order.
    #[must_use]
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &[f64]> + ExactSizeIterator {
        self.scores.chunks_exact(self.classes.max(1))
    }

    /// What the values of a term are multiplied by where it occurs in `sentence`.
    pub(super) fn scale(&self, view: usize, sentence: usize) -> f64 {
        self.scales[view * self.len() + sentence]
    }

    /// What the values of a term are multiplied by in the whole comment.
    pub(super) fn whole_scale(&self, view: usize) -> f64 {
        self.whole_scales[view]
    }

    /// Scores as given, a row a sentence.
    #[cfg(test)]
    pub(super) fn of(rows: &[Vec<f64>]) -> Self {
        let classes = rows.first().map_or(0, Vec::len);
        Self { classes, scores: rows.concat(), ..Self::default() }
    }
}
