//! What a way to decide comes to, on comments whose labels are known.

use serde::Serialize;

use super::metrics::{Metrics, Scored};
use crate::model::{ClassIndex, DecisionPolicy, LabelSet};

/// What a policy comes to. Where it has a prior, comments are weighed so that each label has its
/// share.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DecisionSummary {
    /// The share decided right.
    pub accuracy: f64,
    /// Of the comments of each label the share decided to have it, in the order of the labels.
    pub recall: Vec<f64>,
    /// Of 1,000 comments, how many of the least severe label are decided to be more severe:
    /// needless looks.
    pub needless_per_thousand: f64,
    /// The mean cost of a decision, where there are costs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean_cost: Option<f64>,
    /// The share left to a human.
    pub to_human: f64,
    /// The share decided right of those not left to a human.
    pub automatic_accuracy: f64,
}

impl DecisionSummary {
    /// What `policy` comes to on rows of a class and scores. Zeros if there are none.
    #[must_use]
    pub fn of(
        policy: &DecisionPolicy,
        labels: &LabelSet,
        rows: impl IntoIterator<Item = (ClassIndex, Vec<f64>)>,
    ) -> Self {
        let least = (0..labels.len()).min_by_key(|&class| (labels.get(class).severity, class));
        let mut by_class = vec![(0.0, 0.0); labels.len()];
        let (mut needless, mut cost, mut human, mut automatic_hits) = (0.0, 0.0, 0.0, 0.0);
        for (truth, scores) in rows {
            let prediction = policy.decide(&scores);
            let weight = weight(policy, truth);
            let hit = if prediction.class == truth { weight } else { 0.0 };
            by_class[truth].0 += hit;
            by_class[truth].1 += weight;
            if Some(truth) == least && hit == 0.0 {
                needless += weight;
            }
            if let Some(costs) = &policy.costs {
                cost += weight * costs[truth][prediction.class];
            }
            if prediction.needs_human {
                human += weight;
            } else {
                automatic_hits += hit;
            }
        }
        let total: f64 = by_class.iter().map(|(_, total)| total).sum();
        let share = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
        Self {
            accuracy: share(by_class.iter().map(|(hits, _)| hits).sum(), total),
            recall: by_class.iter().map(|&(hits, total)| share(hits, total)).collect(),
            needless_per_thousand: 1000.0 * share(needless, total),
            mean_cost: policy.costs.as_ref().map(|_| share(cost, total)),
            to_human: share(human, total),
            automatic_accuracy: share(automatic_hits, total - human),
        }
    }
}

/// The lowest confidence at which the decisions of `policy` at or above it are right as often as
/// `precision`, on rows of a class and scores. `None` if there is none.
#[must_use]
pub fn confidence_for_precision(
    policy: &DecisionPolicy,
    rows: impl IntoIterator<Item = (ClassIndex, Vec<f64>)>,
    precision: f64,
) -> Option<f64> {
    let mut decided: Vec<(f64, f64, f64)> = rows
        .into_iter()
        .map(|(truth, scores)| {
            let prediction = policy.decide(&scores);
            let confidence = prediction.probabilities.iter().copied().fold(0.0, f64::max);
            let weight = weight(policy, truth);
            (confidence, weight, if prediction.class == truth { weight } else { 0.0 })
        })
        .collect();
    decided.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut total, mut hits, mut lowest) = (0.0, 0.0, None);
    for (position, &(confidence, weight, hit)) in decided.iter().enumerate() {
        total += weight;
        hits += hit;
        let last_of_its_like = decided.get(position + 1).is_none_or(|next| next.0 < confidence);
        if last_of_its_like && hits >= precision * total {
            lowest = Some(confidence);
        }
    }
    lowest
}

/// What a row of class `truth` weighs so that its label has its share.
fn weight(policy: &DecisionPolicy, truth: ClassIndex) -> f64 {
    match &policy.prior {
        Some(prior) => prior[truth] / policy.training_shares[truth],
        None => 1.0,
    }
}

/// The metrics of what `policy` decides on rows of a class and scores.
#[must_use]
pub fn decided_metrics(
    policy: &DecisionPolicy,
    labels: &LabelSet,
    rows: impl IntoIterator<Item = (ClassIndex, Vec<f64>)>,
) -> Metrics {
    let scored: Vec<Scored> = rows
        .into_iter()
        .map(|(truth, scores)| {
            let prediction = policy.decide(&scores);
            Scored { truth, predicted: prediction.class, probabilities: prediction.probabilities }
        })
        .collect();
    Metrics::of(labels, &scored)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::default_costs;

    fn rows() -> Vec<(ClassIndex, Vec<f64>)> {
        let scores = |p: [f64; 3]| p.iter().map(|p: &f64| p.ln()).collect::<Vec<f64>>();
        vec![
            (0, scores([0.9, 0.06, 0.04])),
            (0, scores([0.6, 0.1, 0.3])),
            (1, scores([0.5, 0.4, 0.1])),
            (2, scores([0.7, 0.1, 0.2])),
        ]
    }

    #[test]
    fn costs_trade_needless_looks_for_missed_risks() {
        let labels = LabelSet::post_loan();
        let plain = DecisionSummary::of(&DecisionPolicy::default(), &labels, rows());
        assert_eq!((plain.accuracy, plain.recall[2]), (0.5, 0.0));
        assert_eq!((plain.needless_per_thousand, plain.mean_cost), (0.0, None));
        let costs = default_costs(&labels);
        let careful = DecisionPolicy { costs, ..DecisionPolicy::default() };
        let careful = DecisionSummary::of(&careful, &labels, rows());
        assert_eq!(careful.recall[2], 1.0);
        assert!(careful.needless_per_thousand > 0.0);
    }

    #[test]
    fn with_a_prior_each_label_weighs_its_share() {
        let policy = DecisionPolicy {
            training_shares: vec![0.5, 0.25, 0.25],
            prior: Some(vec![0.8, 0.1, 0.1]),
            ..DecisionPolicy::default()
        };
        let summary = DecisionSummary::of(&policy, &LabelSet::post_loan(), rows());
        // Both normal comments are right, and they are 8 of 10 now.
        assert!((summary.accuracy - 0.8).abs() < 1e-12, "{summary:?}");
    }

    #[test]
    fn the_threshold_for_a_precision_leaves_the_rest_to_a_human() {
        let policy = DecisionPolicy::default();
        let threshold = confidence_for_precision(&policy, rows(), 1.0).unwrap();
        assert!((threshold - 0.9).abs() < 1e-12);
        // Of the three surest, two are right.
        let threshold = confidence_for_precision(&policy, rows(), 0.6).unwrap();
        assert!((threshold - 0.6).abs() < 1e-12);
        let policy = DecisionPolicy { human_below: Some(threshold), ..policy };
        let summary = DecisionSummary::of(&policy, &LabelSet::post_loan(), rows());
        assert_eq!(summary.to_human, 0.25);
        assert!((summary.automatic_accuracy - 2.0 / 3.0).abs() < 1e-12);
        assert_eq!(confidence_for_precision(&policy, [(1, vec![0.0, -1.0, -1.0])], 0.5), None);
    }
}
