//! Probable wrong labels, by confident learning.
//!
//! Northcutt, Jiang and Chuang, "Confident learning: estimating uncertainty in dataset labels",
//! Journal of Artificial Intelligence Research 70 (2021), in the form of cleanlab's
//! `find_label_issues(filter_by="prune_by_noise_rate")`, to which `benches/audit` holds it.

use crate::evaluation::Scored;
use crate::model::ClassIndex;

/// A label that is probably wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LabelIssue {
    /// The position of the comment.
    pub row: usize,
    /// The label it has.
    pub given: ClassIndex,
    /// The label it probably should have: the most likely one.
    pub suggested: ClassIndex,
    /// The out-of-fold probability of the label it has, its self-confidence. The lower, the more
    /// surely it is wrong.
    pub self_confidence: f64,
    /// The out-of-fold probability of the suggested label.
    pub suggested_probability: f64,
}

/// What confident learning says of a set of labels.
#[derive(Debug, Clone, PartialEq)]
pub struct ConfidentLearning {
    /// The estimated number of comments of each given label (rows) whose true label is each of
    /// the labels (columns): the calibrated confident joint.
    pub joint: Vec<Vec<u64>>,
    /// The labels that are probably wrong, the surest first.
    pub issues: Vec<LabelIssue>,
}

impl ConfidentLearning {
    /// Finds probable wrong labels by out-of-fold probabilities of `classes` labels. `truth` of
    /// each is the label it was given.
    #[must_use]
    pub fn of(classes: usize, scored: &[Scored]) -> Self {
        let joint = calibrated(&confident_joint(classes, scored), scored);
        let mut flagged = vec![false; scored.len()];
        for (given, counts) in joint.iter().enumerate() {
            let rows: Vec<usize> =
                (0..scored.len()).filter(|&row| scored[row].truth == given).collect();
            if rows.len() <= 1 {
                continue;
            }
            for (truth, &count) in counts.iter().enumerate().filter(|&(truth, _)| truth != given) {
                let margin = |row: usize| {
                    scored[row].probabilities[truth] - scored[row].probabilities[given]
                };
                let mut rows = rows.clone();
                rows.sort_by(|&a, &b| margin(b).total_cmp(&margin(a)));
                rows.into_iter().take(count as usize).for_each(|row| flagged[row] = true);
            }
        }
        let issue = |row: usize| {
            let one = &scored[row];
            let suggested = most_likely(&one.probabilities);
            let self_confidence = one.probabilities[one.truth];
            // Where the model thinks the same, there is nothing to ask.
            (one.probabilities[suggested] > self_confidence + 1e-8).then_some(LabelIssue {
                row,
                given: one.truth,
                suggested,
                self_confidence,
                suggested_probability: one.probabilities[suggested],
            })
        };
        let mut issues: Vec<LabelIssue> =
            (0..scored.len()).filter(|&row| flagged[row]).filter_map(issue).collect();
        issues.sort_by(|a, b| a.self_confidence.total_cmp(&b.self_confidence));
        Self { joint, issues }
    }
}

/// How many comments of each given label are confidently of each label: of those whose
/// probability reaches the label's threshold, its mean among comments given that label.
fn confident_joint(classes: usize, scored: &[Scored]) -> Vec<Vec<u64>> {
    let mut sums = vec![(0.0, 0_u64); classes];
    for one in scored {
        sums[one.truth].0 += one.probabilities[one.truth];
        sums[one.truth].1 += 1;
    }
    let threshold = |class: usize| match sums[class] {
        (_, 0) => f64::INFINITY,
        (sum, rows) => sum / rows as f64 - 1e-6,
    };
    let thresholds: Vec<f64> = (0..classes).map(threshold).collect();
    let mut joint = vec![vec![0; classes]; classes];
    for one in scored {
        let mut confident =
            (0..classes).filter(|&class| one.probabilities[class] >= thresholds[class]);
        match (confident.next(), confident.next()) {
            (Some(only), None) => joint[one.truth][only] += 1,
            (Some(_), Some(_)) => joint[one.truth][most_likely(&one.probabilities)] += 1,
            (None, _) => {}
        }
    }
    for (class, counts) in joint.iter_mut().enumerate() {
        counts[class] = counts[class].max(1);
    }
    joint
}

/// The joint, scaled so that each row sums to the number of comments given that label.
fn calibrated(joint: &[Vec<u64>], scored: &[Scored]) -> Vec<Vec<u64>> {
    let scale = |(given, counts): (usize, &Vec<u64>)| {
        let rows = scored.iter().filter(|one| one.truth == given).count();
        let sum: u64 = counts.iter().sum();
        let exact = counts.iter().map(|&count| count as f64 * rows as f64 / sum as f64);
        rounded_to_sum(&exact.collect::<Vec<f64>>(), rows as i64)
    };
    joint.iter().enumerate().map(scale).collect()
}

/// Whole numbers near `exact` that sum to `sum`: those that rounding moved furthest the wrong way
/// give or take one.
fn rounded_to_sum(exact: &[f64], sum: i64) -> Vec<u64> {
    let mut rounded: Vec<i64> =
        exact.iter().map(|number| number.round_ties_even() as i64).collect();
    let missing = sum - rounded.iter().sum::<i64>();
    let left = |position: usize, rounded: &[i64]| exact[position] - rounded[position] as f64;
    let mut order: Vec<usize> = (0..exact.len()).collect();
    order.sort_by(|&a, &b| {
        let by_rest = left(b, &rounded).total_cmp(&left(a, &rounded));
        if missing < 0 { by_rest.reverse() } else { by_rest }
    });
    for &position in order.iter().take(missing.unsigned_abs() as usize) {
        rounded[position] += missing.signum();
    }
    rounded.into_iter().map(|number| number.max(0) as u64).collect()
}

fn most_likely(probabilities: &[f64]) -> ClassIndex {
    let mut likely = 0;
    for (class, &probability) in probabilities.iter().enumerate() {
        if probability > probabilities[likely] {
            likely = class;
        }
    }
    likely
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scored(truth: usize, first: f64) -> Scored {
        Scored { truth, predicted: 0, probabilities: vec![first, 1.0 - first] }
    }

    #[test]
    fn a_label_that_the_model_is_sure_against_is_found() {
        let mut rows: Vec<Scored> = (0..20).map(|_| scored(0, 0.9)).collect();
        rows.extend((0..20).map(|_| scored(1, 0.1)));
        rows.push(scored(1, 0.95));
        rows.push(scored(0, 0.45));
        let found = ConfidentLearning::of(2, &rows);
        assert_eq!(found.issues.len(), 1, "{found:?}");
        let issue = found.issues[0];
        assert_eq!((issue.row, issue.given, issue.suggested), (40, 1, 0));
        assert!((issue.self_confidence - 0.05).abs() < 1e-12);
        assert_eq!(found.joint, [[21, 0], [1, 20]]);
    }

    #[test]
    fn labels_that_all_agree_have_no_issue() {
        let rows = [scored(0, 0.9), scored(0, 0.8), scored(1, 0.1), scored(1, 0.3)];
        assert!(ConfidentLearning::of(2, &rows).issues.is_empty());
        assert!(ConfidentLearning::of(3, &[]).issues.is_empty());
    }

    #[test]
    fn rounding_keeps_the_sum() {
        assert_eq!(rounded_to_sum(&[1.4, 1.3, 1.3], 4), [2, 1, 1]);
        assert_eq!(rounded_to_sum(&[1.6, 1.7, 0.7], 4), [1, 2, 1]);
    }
}
