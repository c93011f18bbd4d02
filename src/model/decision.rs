//! From scores to a decision: calibration, the prior in force, costs, and when to ask a human.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::calibrator::Calibrator;
use super::label::{ClassIndex, LabelSet};

/// What a model says of a comment.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// The decided class: that of the least expected cost where costs are set, the most probable
    /// one where a prior is, and otherwise the most likely one.
    pub class: ClassIndex,
    /// The class of the highest score, whatever prior and costs say; of equal ones the first.
    pub most_likely: ClassIndex,
    /// The probability of each class, in the order of the labels, calibrated and under the prior
    /// in force; they sum to 1.
    pub probabilities: Vec<f64>,
    /// Whether no class is probable enough for a decision without a human.
    pub needs_human: bool,
}

impl Prediction {
    /// What follows from the score of each class by itself.
    #[must_use]
    pub fn from_scores(scores: &[f64]) -> Self {
        DecisionPolicy::default().decide(scores)
    }

    /// The probability of the decided class.
    #[must_use]
    pub fn confidence(&self) -> f64 {
        self.probabilities[self.class]
    }
}

/// Why a decision policy makes no sense.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum DecisionError {
    /// A prior that is no distribution over the labels.
    #[error(
        "a prior is a share above 0 for each of the {labels} labels, and they sum to 1; found \
         {found:?}"
    )]
    Prior {
        /// How many labels there are.
        labels: usize,
        /// What was given.
        found: Vec<f64>,
    },
    /// Costs that are no square matrix of numbers of 0 or more with 0 on the diagonal.
    #[error(
        "costs are a number of 0 or more for each of the {labels} labels given another, and 0 for \
         the right one"
    )]
    Costs {
        /// How many labels there are.
        labels: usize,
    },
    /// A calibrator of other labels, or of numbers out of range.
    #[error("the calibrator is not one for {labels} labels with numbers in their range")]
    Calibrator {
        /// How many labels there are.
        labels: usize,
    },
    /// A threshold out of range.
    #[error("the confidence below which a human decides is from 0 to 1, not {0}")]
    Threshold(f64),
}

/// How scores become decisions. It is kept with a model as `decisions.json`; the default decides
/// by the highest score.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DecisionPolicy {
    /// How scores become probabilities.
    pub calibrator: Calibrator,
    /// The share of each label in the data that the probabilities were learned from. Empty if
    /// that is not known: then there is no prior.
    pub training_shares: Vec<f64>,
    /// The share of each label where the model is used, if it is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prior: Option<Vec<f64>>,
    /// What it costs to decide on a label (columns) where another is right (rows).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub costs: Option<Vec<Vec<f64>>>,
    /// Where no class is as probable as this, a human should decide.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub human_below: Option<f64>,
}

impl DecisionPolicy {
    /// Checks that it fits a model of `labels` labels.
    ///
    /// # Errors
    ///
    /// What does not fit.
    pub fn check(&self, labels: usize) -> Result<(), DecisionError> {
        if !self.calibrator.fits(labels) {
            return Err(DecisionError::Calibrator { labels });
        }
        let is_distribution = |shares: &[f64]| {
            shares.len() == labels
                && shares.iter().all(|share| share.is_finite() && *share > 0.0)
                && (shares.iter().sum::<f64>() - 1.0).abs() < 1e-6
        };
        let shares_known = !self.training_shares.is_empty();
        if shares_known && !is_distribution(&self.training_shares) {
            return Err(DecisionError::Prior { labels, found: self.training_shares.clone() });
        }
        if let Some(prior) = &self.prior
            && !(shares_known && is_distribution(prior))
        {
            return Err(DecisionError::Prior { labels, found: prior.clone() });
        }
        if let Some(costs) = &self.costs {
            let fits = |(right, row): (usize, &Vec<f64>)| {
                row.len() == labels
                    && row.iter().all(|cost| cost.is_finite() && *cost >= 0.0)
                    && row[right] == 0.0
            };
            if costs.len() != labels || !costs.iter().enumerate().all(fits) {
                return Err(DecisionError::Costs { labels });
            }
        }
        match self.human_below {
            Some(threshold) if !(0.0..=1.0).contains(&threshold) => {
                Err(DecisionError::Threshold(threshold))
            }
            _ => Ok(()),
        }
    }

    /// Whether anything but the highest score decides, or a human may be asked.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.prior.is_some() || self.costs.is_some() || self.human_below.is_some()
    }

    /// The decision that follows from the score of each class.
    #[must_use]
    pub fn decide(&self, scores: &[f64]) -> Prediction {
        let most_likely = highest(scores);
        let mut probabilities = scores.to_vec();
        self.calibrator.probabilities(&mut probabilities);
        if let Some(prior) = &self.prior {
            correct_for_prior(&mut probabilities, &self.training_shares, prior);
        }
        let class = match &self.costs {
            Some(costs) => least_costly(costs, &probabilities),
            None if self.prior.is_some() => highest(&probabilities),
            None => most_likely,
        };
        let confidence = probabilities.iter().copied().fold(0.0, f64::max);
        let needs_human = self.human_below.is_some_and(|threshold| confidence < threshold);
        Prediction { class, most_likely, probabilities, needs_human }
    }
}

/// The position of the highest number; of equal ones the first.
fn highest(numbers: &[f64]) -> usize {
    let mut highest = 0;
    for (position, number) in numbers.iter().enumerate() {
        if *number > numbers[highest] {
            highest = position;
        }
    }
    highest
}

/// Turns probabilities under the shares `from` into those under the shares `to`, by Bayes' rule:
/// each is multiplied by to/from, and all are divided by their sum.
pub(crate) fn correct_for_prior(probabilities: &mut [f64], from: &[f64], to: &[f64]) {
    for ((probability, from), to) in probabilities.iter_mut().zip(from).zip(to) {
        *probability *= to / from;
    }
    let sum: f64 = probabilities.iter().sum();
    if sum > 0.0 {
        probabilities.iter_mut().for_each(|probability| *probability /= sum);
    }
}

/// The class of the least expected cost; of equal ones the first.
fn least_costly(costs: &[Vec<f64>], probabilities: &[f64]) -> ClassIndex {
    let expected = |decided: usize| -> f64 {
        costs.iter().zip(probabilities).map(|(row, probability)| row[decided] * probability).sum()
    };
    let mut best = (0, f64::INFINITY);
    for decided in 0..probabilities.len() {
        let cost = expected(decided);
        if cost < best.1 {
            best = (decided, cost);
        }
    }
    best.0
}

/// The costs to start from: missing severity costs ten times the square of the ranks missed, and
/// a needless look one for each rank. With three labels: 10 or 40 for a risk called less than it
/// is, 1 or 2 for an alarm without cause.
///
/// `None` if a label has no severity.
#[must_use]
pub fn default_costs(labels: &LabelSet) -> Option<Vec<Vec<f64>>> {
    let severities: Option<Vec<i64>> =
        labels.iter().map(|label| label.severity.map(i64::from)).collect();
    let severities = severities?;
    let mut sorted = severities.clone();
    sorted.sort_unstable();
    sorted.dedup();
    let rank = |severity: &i64| sorted.partition_point(|other| other < severity) as f64;
    let cost = |right: &i64, decided: &i64| {
        let missed = rank(right) - rank(decided);
        if missed > 0.0 { 10.0 * missed * missed } else { -missed }
    };
    Some(
        severities
            .iter()
            .map(|right| severities.iter().map(|decided| cost(right, decided)).collect())
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> DecisionPolicy {
        DecisionPolicy { training_shares: vec![0.5, 0.3, 0.2], ..DecisionPolicy::default() }
    }

    fn scores(probabilities: [f64; 3]) -> Vec<f64> {
        probabilities.iter().map(|p| p.ln()).collect()
    }

    #[test]
    fn without_prior_and_costs_the_highest_score_decides() {
        let prediction = policy().decide(&scores([0.2, 0.5, 0.3]));
        assert_eq!(
            (prediction.class, prediction.most_likely, prediction.needs_human),
            (1, 1, false)
        );
        assert!((prediction.confidence() - 0.5).abs() < 1e-15);
        assert_eq!(Prediction::from_scores(&[1.0, 1.0]).class, 0);
    }

    #[test]
    fn a_prior_corrects_by_the_rule_of_bayes_and_keeps_the_most_likely_class() {
        let policy = DecisionPolicy { prior: Some(vec![0.8, 0.15, 0.05]), ..policy() };
        let prediction = policy.decide(&scores([0.3, 0.36, 0.34]));
        // 0.3 × 1.6 : 0.36 × 0.5 : 0.34 × 0.25
        assert!((prediction.probabilities[0] - 0.48 / (0.48 + 0.18 + 0.085)).abs() < 1e-12);
        assert_eq!((prediction.class, prediction.most_likely), (0, 1));
    }

    #[test]
    fn costs_decide_by_the_least_expected_cost() {
        let costs = default_costs(&LabelSet::post_loan());
        assert_eq!(costs.as_deref().unwrap()[2], [40.0, 10.0, 0.0]);
        assert_eq!(costs.as_deref().unwrap()[0], [0.0, 1.0, 2.0]);
        let policy = DecisionPolicy { costs, ..policy() };
        let prediction = policy.decide(&scores([0.8, 0.08, 0.12]));
        assert_eq!((prediction.class, prediction.most_likely), (2, 0));
        assert!((prediction.confidence() - 0.12).abs() < 1e-12);
    }

    #[test]
    fn a_human_is_asked_where_no_class_is_probable_enough() {
        let policy = DecisionPolicy { human_below: Some(0.6), ..policy() };
        assert!(policy.decide(&scores([0.3, 0.59, 0.11])).needs_human);
        assert!(!policy.decide(&scores([0.3, 0.61, 0.09])).needs_human);
    }

    #[test]
    fn a_policy_that_does_not_fit_is_refused() {
        let prior = |prior: &[f64]| {
            DecisionPolicy { prior: Some(prior.to_vec()), ..policy() }.check(3).is_ok()
        };
        assert!(prior(&[0.8, 0.1, 0.1]));
        assert!(!prior(&[0.8, 0.2]));
        assert!(!prior(&[0.9, 0.2, 0.1]));
        assert!(!prior(&[1.0, 0.0, 0.0]));
        let costs = |costs: &[&[f64]]| {
            let costs = Some(costs.iter().map(|row| row.to_vec()).collect());
            DecisionPolicy { costs, ..DecisionPolicy::default() }.check(2).is_ok()
        };
        assert!(costs(&[&[0.0, 1.0], &[5.0, 0.0]]));
        assert!(!costs(&[&[0.0, 1.0], &[5.0, 1.0]]));
        assert!(!costs(&[&[0.0, -1.0], &[5.0, 0.0]]));
        let calibrator = Calibrator::Temperature(f64::NAN);
        let policy = DecisionPolicy { calibrator, ..DecisionPolicy::default() };
        assert_eq!(policy.check(2), Err(DecisionError::Calibrator { labels: 2 }));
        let threshold = DecisionPolicy { human_below: Some(1.5), ..DecisionPolicy::default() };
        assert_eq!(threshold.check(2), Err(DecisionError::Threshold(1.5)));
    }
}
