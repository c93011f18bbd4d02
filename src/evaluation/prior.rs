//! How common each label is where nobody has labelled: Saerens, Latinne and Decaestecker,
//! "Adjusting the outputs of a classifier to new a priori probabilities" (Neural Computation
//! 14(1), 2002).

use serde::Serialize;

/// How many rounds there are at most.
const MAX_ROUNDS: u32 = 1000;
/// The change of every share at which the rounds end.
const TOLERANCE: f64 = 1e-6;

/// The estimated share of each label.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PriorEstimate {
    /// The shares, in the order of the labels; they sum to 1.
    pub shares: Vec<f64>,
    /// How many comments they were estimated from.
    pub comments: usize,
    /// How many rounds it took.
    pub rounds: u32,
    /// Whether the shares had settled.
    pub converged: bool,
}

impl PriorEstimate {
    /// Estimates the shares by expectation maximisation from the probabilities a model gives to
    /// unlabelled comments, which assume the shares `training_shares`.
    ///
    /// It takes the likelihoods to be right: that a risky comment reads as it did in training,
    /// and only how many there are has changed. `None` without comments.
    #[must_use]
    pub fn of(probabilities: &[Vec<f64>], training_shares: &[f64]) -> Option<Self> {
        if probabilities.is_empty() {
            return None;
        }
        let mut shares = training_shares.to_vec();
        for round in 1..=MAX_ROUNDS {
            let mut sums = vec![0.0; shares.len()];
            for row in probabilities {
                let weights = |class: usize| row[class] * shares[class] / training_shares[class];
                let total: f64 = (0..row.len()).map(weights).sum();
                if total > 0.0 {
                    for (class, sum) in sums.iter_mut().enumerate() {
                        *sum += weights(class) / total;
                    }
                }
            }
            let total: f64 = sums.iter().sum();
            let next: Vec<f64> = sums.iter().map(|sum| sum / total).collect();
            let settled = next.iter().zip(&shares).all(|(a, b)| (a - b).abs() < TOLERANCE);
            shares = next;
            if settled || round == MAX_ROUNDS {
                let comments = probabilities.len();
                return Some(Self { shares, comments, rounds: round, converged: settled });
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_of_another_mixture_are_found() {
        // Two signs, seen in 9 of 10 comments of their own label; trained on halves.
        let row = |sign: usize| if sign == 0 { vec![0.9, 0.1] } else { vec![0.1, 0.9] };
        // With a share of 0.2 for the first label, sign 0 is seen in 0.2 × 0.9 + 0.8 × 0.1.
        let rows: Vec<Vec<f64>> = (0..1000).map(|i| row(usize::from(i >= 260))).collect();
        let estimate = PriorEstimate::of(&rows, &[0.5, 0.5]).unwrap();
        assert!(estimate.converged);
        assert!((estimate.shares[0] - 0.2).abs() < 1e-3, "{estimate:?}");
    }

    #[test]
    fn no_comments_give_no_estimate() {
        assert_eq!(PriorEstimate::of(&[], &[0.5, 0.5]), None);
    }
}
