//! What the linear model says of each sentence by itself.

use super::linear::LinearModel;
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
    /// Sums of weights × idf, of shape (views, sentences, classes).
    sums: Vec<f64>,
    /// For each kind of n-gram and sentence what its sum is multiplied by.
    scales: Vec<f64>,
    /// The sums of one kind of n-gram over all sentences.
    of_view: Vec<f64>,
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
    pub fn assign(
        &mut self,
        linear: &LinearModel<f32>,
        vectorizer: &FeatureUnion,
        comment: &AnalyzedText,
        scratch: &UnionScratch,
        whole: &mut Vec<f64>,
    ) {
        let (classes, sentences) = (linear.classes(), comment.sentences().len());
        self.classes = classes;
        self.sums.clear();
        self.sums.resize(FeatureUnion::VIEWS * sentences * classes, 0.0);
        self.scales.clear();
        self.scales.resize(FeatureUnion::VIEWS * sentences, 0.0);
        let Self { sums, scales, scores, of_view, .. } = self;
        vectorizer.for_each_sentence(comment, scratch, |terms| {
            let place = terms.view * sentences + terms.sentence;
            scales[place] = terms.iter().map(|(_, idf)| idf * idf).sum();
            linear.add(terms.iter(), &mut sums[place * classes..][..classes]);
        });
        whole.clear();
        whole.extend_from_slice(linear.intercept());
        for view in 0..FeatureUnion::VIEWS {
            let places = view * sentences..(view + 1) * sentences;
            let mut squares: f64 = scales[places.clone()].iter().sum();
            of_view.clear();
            of_view.resize(classes, 0.0);
            for of_sentence in sums[places.start * classes..places.end * classes].chunks(classes) {
                of_view.iter_mut().zip(of_sentence).for_each(|(sum, value)| *sum += value);
            }
            for RepeatedTerm { term, count, frequency, idf } in vectorizer.repeated(view, scratch) {
                squares += (frequency * frequency - count) * idf * idf;
                linear.add(std::iter::once((term, (frequency - count) * idf)), of_view);
            }
            let scale = reciprocal_root(squares);
            whole.iter_mut().zip(of_view.iter()).for_each(|(score, sum)| *score += scale * sum);
        }
        scales.iter_mut().for_each(|scale| *scale = reciprocal_root(*scale));
        scores.clear();
        for sentence in 0..sentences {
            for (class, intercept) in linear.intercept().iter().enumerate() {
                let views = (0..FeatureUnion::VIEWS).map(|view| {
                    let place = view * sentences + sentence;
                    scales[place] * sums[place * classes + class]
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

    /// What the idf of an occurrence in `sentence` is multiplied by to give its value in the
    /// sentence's vector.
    pub(super) fn scale(&self, view: usize, sentence: usize) -> f64 {
        self.scales[view * self.len() + sentence]
    }

    /// Scores as given, a row a sentence.
    #[cfg(test)]
    pub(super) fn of(rows: &[Vec<f64>]) -> Self {
        let classes = rows.first().map_or(0, Vec::len);
        Self { classes, scores: rows.concat(), ..Self::default() }
    }
}
