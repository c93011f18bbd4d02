//! How good a model would be with less data.

use std::collections::BTreeSet;

use rayon::prelude::*;

use super::cross_validation::{CrossValidation, FoldScore, score};
use super::folds::{FoldPlan, Folds, split_mix};
use super::stages::fit_stages;
use super::trainer::{LabelledComments, TrainingError, TrainingSettings};
use crate::evaluation::{LearningPoint, Spread};

/// The shares of the data that are trained on, beside all of it.
const SHARES: [f64; 4] = [0.1, 0.25, 0.5, 0.75];

/// What the order of groups and rows depends on, in which they are added.
const SEED: u64 = 42;

/// Trains on growing shares of the data of each fold, each share within the next, and scores each
/// model on the fold left out. Shares are of groups, where `plan` deals by group: more data then
/// means more writers. The last point is `validation`, which trained on all of it.
///
/// A share that leaves a fold without a label is left out.
///
/// # Errors
///
/// The rows cannot be dealt to folds, or no model can be fitted on some of them.
pub fn learning_curve(
    labelled: &LabelledComments,
    settings: &TrainingSettings,
    plan: &FoldPlan,
    validation: &CrossValidation,
) -> Result<Vec<LearningPoint>, TrainingError> {
    let folds = Folds::deal(plan, labelled.labels(), labelled.classes(), labelled.groups())?;
    let by_group = plan.group_field().is_some();
    let mut points = Vec::new();
    for share in SHARES {
        let parts: Vec<(Vec<usize>, Vec<usize>)> = (0..folds.count())
            .map(|fold| {
                let (train_rows, test_rows) = folds.split(fold);
                (part(labelled, &train_rows, share, by_group), test_rows)
            })
            .collect();
        if !parts.iter().all(|(rows, _)| has_all_labels(labelled, rows)) {
            continue;
        }
        let scores: Vec<FoldScore> = parts
            .par_iter()
            .map(|(train_rows, test_rows)| {
                let stages = fit_stages(labelled, train_rows, settings)?;
                Ok(score(labelled, &stages, test_rows).0)
            })
            .collect::<Result<_, TrainingError>>()?;
        let rows = parts.iter().map(|(rows, _)| rows.len());
        points.push(point(share, rows.sum::<usize>(), &scores));
    }
    let rows = labelled.classes().len() * (folds.count() - 1);
    points.push(point(1.0, rows, &validation.folds));
    Ok(points)
}

/// The point of the scores of all folds, which were trained on `rows` rows together.
fn point(share: f64, rows: usize, scores: &[FoldScore]) -> LearningPoint {
    let spread = |figure: fn(&FoldScore) -> f64| {
        Spread::of(&scores.iter().map(figure).collect::<Vec<f64>>())
    };
    LearningPoint {
        share,
        rows: rows as f64 / scores.len() as f64,
        accuracy: spread(|fold| fold.accuracy),
        macro_f1: spread(|fold| fold.macro_f1),
    }
}

/// A share of the groups of `rows`, or of the rows of each label.
fn part(labelled: &LabelledComments, rows: &[usize], share: f64, by_group: bool) -> Vec<usize> {
    let some = |count: usize| ((share * count as f64).round() as usize).max(1);
    if by_group {
        let groups: BTreeSet<&String> = rows.iter().map(|&row| &labelled.groups()[row]).collect();
        let mut shuffled: Vec<(u64, &String)> =
            (0..).zip(groups).map(|(place, group)| (split_mix(SEED, place), group)).collect();
        shuffled.sort_unstable();
        shuffled.truncate(some(shuffled.len()));
        let kept: BTreeSet<&String> = shuffled.into_iter().map(|(_, group)| group).collect();
        return rows
            .iter()
            .copied()
            .filter(|&row| kept.contains(&labelled.groups()[row]))
            .collect();
    }
    let mut kept = Vec::new();
    for class in 0..labelled.labels().len() {
        let mut of_class: Vec<usize> =
            rows.iter().copied().filter(|&row| labelled.classes()[row] == class).collect();
        of_class.sort_by_key(|&row| split_mix(SEED, row as u64));
        of_class.truncate(some(of_class.len()));
        kept.extend(of_class);
    }
    kept.sort_unstable();
    kept
}

fn has_all_labels(labelled: &LabelledComments, rows: &[usize]) -> bool {
    let present: BTreeSet<usize> = rows.iter().map(|&row| labelled.classes()[row]).collect();
    present.len() == labelled.labels().len()
}
