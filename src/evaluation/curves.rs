//! How one class is told from the rest at every threshold of its probability.

use super::metrics::Scored;
use crate::model::ClassIndex;

/// What comes of calling everything whose probability is `threshold` or more positive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OperatingPoint {
    /// The threshold.
    pub threshold: f64,
    /// How many are called positive and are.
    pub hits: u64,
    /// How many are called positive and are not.
    pub false_alarms: u64,
}

/// One class against the rest, at every threshold.
#[derive(Debug, Clone, PartialEq)]
pub struct ThresholdCurve {
    /// How many are positive.
    pub positives: u64,
    /// How many are not.
    pub negatives: u64,
    /// From calling nothing positive to calling everything so; a point for each probability that
    /// occurs.
    pub points: Vec<OperatingPoint>,
}

impl ThresholdCurve {
    /// `class` against the rest.
    pub fn of<'a>(class: ClassIndex, scored: impl IntoIterator<Item = &'a Scored>) -> Self {
        let mut rows: Vec<(f64, bool)> =
            scored.into_iter().map(|one| (one.probabilities[class], one.truth == class)).collect();
        rows.sort_by(|a, b| b.0.total_cmp(&a.0));
        let nothing = OperatingPoint { threshold: f64::INFINITY, hits: 0, false_alarms: 0 };
        let mut points = vec![nothing];
        let mut now = nothing;
        for tied in rows.chunk_by(|a, b| a.0 == b.0) {
            let hits = tied.iter().filter(|(_, positive)| *positive).count() as u64;
            now.threshold = tied[0].0;
            now.hits += hits;
            now.false_alarms += tied.len() as u64 - hits;
            points.push(now);
        }
        Self { positives: now.hits, negatives: now.false_alarms, points }
    }

    /// The share of the positives that a point finds.
    #[must_use]
    pub fn recall(&self, point: &OperatingPoint) -> f64 {
        point.hits as f64 / (self.positives as f64).max(1.0)
    }

    /// Recall and precision at every threshold that calls anything positive.
    #[must_use]
    pub fn precision_recall(&self) -> Vec<(f64, f64)> {
        let called = |point: &OperatingPoint| (point.hits + point.false_alarms) as f64;
        self.points[1..]
            .iter()
            .map(|point| (self.recall(point), point.hits as f64 / called(point)))
            .collect()
    }

    /// The area under precision over recall, as scikit-learn's `average_precision_score`: the sum
    /// of the precision at each threshold, weighted by the recall it adds.
    #[must_use]
    pub fn average_precision(&self) -> f64 {
        let mut area = 0.0;
        let mut before = 0.0;
        for (recall, precision) in self.precision_recall() {
            area += (recall - before) * precision;
            before = recall;
        }
        area
    }

    /// The lowest normalised expected cost that any threshold gives at a probability cost `x`
    /// (Drummond and Holte, "Cost curves", 2006): missing a positive costs `x`, a false alarm
    /// 1 − `x`, each times its rate.
    #[must_use]
    pub fn lowest_cost(&self, x: f64) -> f64 {
        let costs = self.points.iter().map(|point| {
            let missed = 1.0 - self.recall(point);
            let false_alarms = point.false_alarms as f64 / (self.negatives as f64).max(1.0);
            x * missed + (1.0 - x) * false_alarms
        });
        costs.fold(f64::INFINITY, f64::min)
    }

    /// The threshold at which misses, each as dear as `ratio` false alarms, and false alarms
    /// together cost least; of equal ones the highest.
    #[must_use]
    pub fn cheapest(&self, ratio: f64) -> OperatingPoint {
        let cost = |point: &OperatingPoint| {
            ratio * (self.positives - point.hits) as f64 + point.false_alarms as f64
        };
        let mut best = self.points[0];
        for point in &self.points {
            if cost(point) < cost(&best) {
                best = *point;
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(rows: &[(f64, bool)]) -> ThresholdCurve {
        let scored: Vec<Scored> = rows
            .iter()
            .map(|&(probability, positive)| Scored {
                truth: usize::from(positive),
                predicted: 0,
                probabilities: vec![1.0 - probability, probability],
            })
            .collect();
        ThresholdCurve::of(1, &scored)
    }

    #[test]
    fn average_precision_is_that_of_scikit_learn() {
        // The example of average_precision_score.
        let curve = curve(&[(0.1, false), (0.4, false), (0.35, true), (0.8, true)]);
        assert!((curve.average_precision() - 5.0 / 6.0).abs() < 1e-12);
        assert_eq!(curve.precision_recall()[0], (0.5, 1.0));
    }

    #[test]
    fn equal_probabilities_are_one_point() {
        let curve = curve(&[(0.5, true), (0.5, false), (0.5, false)]);
        assert_eq!(curve.points.len(), 2);
        assert_eq!(curve.precision_recall(), [(1.0, 1.0 / 3.0)]);
    }

    #[test]
    fn the_dearer_a_miss_the_lower_the_threshold() {
        let curve = curve(&[(0.9, true), (0.6, false), (0.5, false), (0.4, true), (0.1, false)]);
        assert_eq!(curve.cheapest(1.0).threshold, 0.9);
        assert_eq!(curve.cheapest(5.0).threshold, 0.4);
        assert_eq!(curve.cheapest(0.0).threshold, f64::INFINITY);
    }

    #[test]
    fn the_lowest_cost_is_never_above_that_of_calling_everything_or_nothing_positive() {
        let curve = curve(&[(0.9, true), (0.6, false), (0.5, true), (0.4, false)]);
        assert_eq!((curve.lowest_cost(0.0), curve.lowest_cost(1.0)), (0.0, 0.0));
        // Finding one of two without a false alarm costs 0.25 at even costs.
        assert_eq!(curve.lowest_cost(0.5), 0.25);
        for step in 0..=10 {
            let x = f64::from(step) / 10.0;
            assert!(curve.lowest_cost(x) <= x.min(1.0 - x) + 1e-12);
        }
    }
}
