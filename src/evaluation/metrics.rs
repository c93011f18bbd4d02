//! The metrics, by their usual definitions (scikit-learn's, to within rounding).

use serde::{Deserialize, Serialize};

use crate::model::{ClassIndex, LabelSet};

/// One comment's label and what was predicted for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    /// The class that people gave.
    pub truth: ClassIndex,
    /// The class that was predicted.
    pub predicted: ClassIndex,
    /// The probability of each class.
    pub probabilities: Vec<f64>,
}

/// How well one class is told from the others.
///
/// A ratio whose denominator is zero is 0, as in scikit-learn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassMetrics {
    /// The label's id.
    pub label: String,
    /// How many comments have the label.
    pub support: u64,
    /// How many comments are predicted to have it.
    pub predicted: u64,
    /// Of those predicted, the share that has the label.
    pub precision: f64,
    /// Of those that have the label, the share predicted.
    pub recall: f64,
    /// The harmonic mean of precision and recall.
    pub f1: f64,
}

/// How good a set of predictions is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// How many comments.
    pub rows: u64,
    /// The share predicted right.
    pub accuracy: f64,
    /// The mean of the F1 of all labels that stand in the data.
    pub macro_f1: f64,
    /// The mean of −ln(probability of the true class), in nats; 0 is best.
    pub log_loss: f64,
    /// Each label by itself, in the order of the model's labels.
    pub classes: Vec<ClassMetrics>,
    /// How many comments of each label (rows) are predicted to have each label (columns).
    pub confusion: Vec<Vec<u64>>,
}

impl Metrics {
    /// The metrics of some predictions.
    pub fn of<'a>(labels: &LabelSet, scored: impl IntoIterator<Item = &'a Scored>) -> Self {
        let mut confusion = vec![vec![0; labels.len()]; labels.len()];
        let mut loss = 0.0;
        for one in scored {
            confusion[one.truth][one.predicted] += 1;
            loss -= one.probabilities[one.truth].clamp(f64::EPSILON, 1.0).ln();
        }
        let classes: Vec<ClassMetrics> = labels
            .iter()
            .enumerate()
            .map(|(class, label)| class_metrics(&label.id, class, &confusion))
            .collect();
        let rows: u64 = classes.iter().map(|class| class.support).sum();
        let right: u64 = (0..labels.len()).map(|class| confusion[class][class]).sum();
        let present: Vec<f64> = classes
            .iter()
            .filter(|class| class.support > 0 || class.predicted > 0)
            .map(|class| class.f1)
            .collect();
        Self {
            rows,
            accuracy: ratio(right, rows),
            macro_f1: present.iter().sum::<f64>() / (present.len() as f64).max(1.0),
            log_loss: loss / (rows as f64).max(1.0),
            classes,
            confusion,
        }
    }
}

fn class_metrics(label: &str, class: ClassIndex, confusion: &[Vec<u64>]) -> ClassMetrics {
    let hits = confusion[class][class];
    let support = confusion[class].iter().sum();
    let predicted = confusion.iter().map(|row| row[class]).sum();
    ClassMetrics {
        label: label.to_owned(),
        support,
        predicted,
        precision: ratio(hits, predicted),
        recall: ratio(hits, support),
        f1: ratio(2 * hits, support + predicted),
    }
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// How a figure spreads over folds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The mean over the folds.
    pub mean: f64,
    /// The sample standard deviation over the folds; 0 for a single fold.
    pub deviation: f64,
    /// The lowest.
    pub lowest: f64,
    /// The highest.
    pub highest: f64,
}

impl Spread {
    /// The spread of `figures`, of which there is at least one.
    #[must_use]
    pub fn of(figures: &[f64]) -> Self {
        let count = figures.len() as f64;
        let mean = figures.iter().sum::<f64>() / count;
        let squares = figures.iter().map(|figure| (figure - mean).powi(2)).sum::<f64>();
        Self {
            mean,
            deviation: (squares / (count - 1.0).max(1.0)).sqrt(),
            lowest: figures.iter().copied().fold(f64::INFINITY, f64::min),
            highest: figures.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scored(truth: ClassIndex, predicted: ClassIndex, probability: f64) -> Scored {
        let mut probabilities = vec![(1.0 - probability) / 2.0; 3];
        probabilities[truth] = probability;
        Scored { truth, predicted, probabilities }
    }

    #[test]
    fn metrics_follow_their_definitions() {
        // sklearn.metrics gives the same for y = [0, 0, 1, 2], ŷ = [0, 1, 1, 1].
        let metrics = Metrics::of(
            &LabelSet::post_loan(),
            &[scored(0, 0, 0.5), scored(0, 1, 0.25), scored(1, 1, 1.0), scored(2, 1, 0.5)],
        );
        assert_eq!((metrics.rows, metrics.accuracy), (4, 0.5));
        assert_eq!(metrics.confusion, [[1, 1, 0], [0, 1, 0], [0, 1, 0]]);
        let [normal, watch, risky] = &metrics.classes[..] else { panic!("three classes") };
        assert_eq!((normal.precision, normal.recall), (1.0, 0.5));
        assert_eq!((watch.precision, watch.recall, watch.f1), (1.0 / 3.0, 1.0, 0.5));
        assert_eq!((risky.precision, risky.recall, risky.f1), (0.0, 0.0, 0.0));
        assert!((metrics.macro_f1 - (2.0 / 3.0 + 0.5) / 3.0).abs() < 1e-15);
        assert!((metrics.log_loss - 4.0 * 2.0_f64.ln() / 4.0).abs() < 1e-15);
    }

    #[test]
    fn a_probability_of_zero_costs_much_and_not_everything() {
        let metrics = Metrics::of(&LabelSet::post_loan(), &[scored(0, 1, 0.0)]);
        assert!((metrics.log_loss + f64::EPSILON.ln()).abs() < 1e-12);
    }

    #[test]
    fn no_rows_give_zeros() {
        let metrics = Metrics::of(&LabelSet::post_loan(), &[]);
        assert_eq!((metrics.rows, metrics.accuracy, metrics.macro_f1), (0, 0.0, 0.0));
    }

    #[test]
    fn a_spread_has_the_sample_deviation() {
        let spread = Spread::of(&[1.0, 3.0]);
        assert_eq!((spread.mean, spread.lowest, spread.highest), (2.0, 1.0, 3.0));
        assert!((spread.deviation - 2.0_f64.sqrt()).abs() < 1e-15);
        assert_eq!(Spread::of(&[5.0]).deviation, 0.0);
    }
}
