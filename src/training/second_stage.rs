//! Fitting the second stage on scores that are out of fold.
//!
//! The scores that a first stage gives to comments it was trained on are far surer than those it
//! gives to others. So the rows are dealt to inner folds, each row is scored by a first stage
//! that has not seen its fold, and the second stage learns from these scores alone (stacking:
//! Wolpert, 1992). The same scores tell which strength of the penalty is best.

use linfa::dataset::DatasetBase;
use ndarray::{Array1, Array2, Axis};
use rayon::prelude::*;

use super::folds::{FoldPlan, Folds};
use super::objective::mean_log_loss;
use super::solver::{
    FittedModel, SolverError, SolverKind, SolverSettings, make_solver, with_weights,
};
use super::stages::fit_path;
use super::trainer::{LabelledComments, TrainingError, TrainingSettings};
use crate::features::{FeatureUnion, SparseMatrix, SparseRow, TermId};
use crate::model::{ClassIndex, LinearModel, Scorer, ScorerBuffers, SecondStage};
use crate::text::AnalyzedText;

/// How many inner folds there are, where there are groups or rows enough.
const INNER_FOLDS: usize = 4;

/// The inverse strength of the second stage's penalty, on features scaled to a deviation of 1,
/// and the tolerance of its fit.
const C: f64 = 1.0;
const TOLERANCE: f64 = 1e-6;

/// What the inner folds tell.
#[derive(Debug, Clone)]
pub(super) struct InnerFolds {
    /// The mean log loss of the first stage, out of fold, for each strength of the penalty.
    pub(super) log_losses: Vec<f64>,
    /// The position of the best of these.
    pub(super) best: usize,
    /// The second stage, if one was asked for.
    pub(super) second_stage: Option<SecondStage>,
}

/// Deals `rows` to inner folds and learns from them, or gives nothing if they cannot be dealt: a
/// label has too few rows, or stands in one group alone.
pub(super) fn inner_folds(
    labelled: &LabelledComments,
    rows: &[usize],
    settings: &TrainingSettings,
) -> Result<Option<InnerFolds>, TrainingError> {
    let Some(folds) = deal(labelled, rows) else { return Ok(None) };
    let classes = labelled.labels().len();
    let first_stages: Vec<(Vec<usize>, FeatureUnion, Vec<FittedModel>)> = (0..folds.count())
        .into_par_iter()
        .map(|fold| {
            let at = |positions: Vec<usize>| -> Vec<usize> {
                positions.into_iter().map(|position| rows[position]).collect()
            };
            let (train_rows, held_out) = folds.split(fold);
            let (vectorizer, fitted, _) = fit_path(labelled, &at(train_rows), settings)?;
            Ok((at(held_out), vectorizer, fitted))
        })
        .collect::<Result<_, TrainingError>>()?;

    let mut log_losses = vec![0.0; settings.c.len()];
    for (held_out, vectorizer, fitted) in &first_stages {
        let comments: Vec<&AnalyzedText> =
            held_out.iter().map(|&row| &labelled.comments()[row]).collect();
        let matrix = vectorizer.matrix(&comments);
        let targets: Vec<ClassIndex> =
            held_out.iter().map(|&row| labelled.classes()[row]).collect();
        for (sum, fitted) in log_losses.iter_mut().zip(fitted) {
            let share = held_out.len() as f64 / rows.len() as f64;
            *sum += share * mean_log_loss(&matrix, &targets, &fitted.model);
        }
    }
    let mut best = 0;
    for (candidate, loss) in log_losses.iter().enumerate() {
        if *loss < log_losses[best] {
            best = candidate;
        }
    }
    if !settings.second_stage {
        return Ok(Some(InnerFolds { log_losses, best, second_stage: None }));
    }

    let width = SecondStage::features_of(classes);
    let mut features = Vec::with_capacity(rows.len() * width);
    let mut dealt_rows = Vec::with_capacity(rows.len());
    for (held_out, vectorizer, mut fitted) in first_stages {
        let scorer = Scorer::new(vectorizer, fitted.swap_remove(best).model, None);
        let pooled: Vec<Vec<f64>> = held_out
            .par_iter()
            .map_init(ScorerBuffers::default, |buffers, &row| {
                scorer.pool(&labelled.comments()[row], buffers);
                buffers.features().to_vec()
            })
            .collect();
        pooled.iter().for_each(|pooled| features.extend_from_slice(pooled));
        dealt_rows.extend(held_out);
    }
    let features = Array2::from_shape_vec((dealt_rows.len(), width), features)
        .map_err(|error| SolverError::Optimizer(error.to_string()))?;
    let targets = dealt_rows.iter().map(|&row| labelled.classes()[row]).collect();
    let weights = labelled.row_weights(&dealt_rows, settings.class_weights.as_ref());
    let second_stage = fit_second_stage(features, targets, weights, classes)?;
    Ok(Some(InnerFolds { log_losses, best, second_stage: Some(second_stage) }))
}

fn deal(labelled: &LabelledComments, rows: &[usize]) -> Option<Folds> {
    let classes: Vec<ClassIndex> = rows.iter().map(|&row| labelled.classes()[row]).collect();
    let groups: Vec<String> = match labelled.groups() {
        [] => Vec::new(),
        groups => rows.iter().map(|&row| groups[row].clone()).collect(),
    };
    let plan = if groups.is_empty() {
        FoldPlan::Stratified { folds: INNER_FOLDS, seed: 0 }
    } else {
        let distinct = groups.iter().collect::<std::collections::BTreeSet<_>>().len();
        FoldPlan::Grouped { folds: distinct.min(INNER_FOLDS), field: String::new() }
    };
    Folds::deal(&plan, labelled.labels(), &classes, &groups).ok()
}

/// Fits on features scaled to mean 0 and deviation 1, and writes the scaling into the weights:
/// by `linfa_logistic`, or where rows have weights, which it does not know, by our own solver.
fn fit_second_stage(
    mut features: Array2<f64>,
    targets: Array1<ClassIndex>,
    weights: Option<Array1<f32>>,
    classes: usize,
) -> Result<SecondStage, SolverError> {
    let rows = targets.len() as f64;
    let means = features.sum_axis(Axis(0)) / rows;
    features -= &means;
    let deviations = features.map_axis(Axis(0), |column| {
        let deviation = (column.dot(&column) / rows).sqrt();
        if deviation > 0.0 { deviation } else { 1.0 }
    });
    features /= &deviations;

    let mut matrix = SparseMatrix::with_columns(features.ncols());
    let mut row = SparseRow::default();
    for values in features.rows() {
        row.clear();
        values.iter().enumerate().for_each(|(id, &value)| row.push(id as TermId, value));
        matrix.push_row(&row);
    }
    let solver = if weights.is_some() { SolverKind::Sparse } else { SolverKind::Linfa };
    let settings =
        SolverSettings { solver, c: C, tolerance: TOLERANCE, ..SolverSettings::default() };
    let dataset = with_weights(DatasetBase::new(matrix, targets), weights);
    let fitted = make_solver(settings)?.fit(&dataset, classes)?.model;

    let mut weights = fitted.weights().to_vec();
    for (row, deviation) in weights.chunks_exact_mut(classes).zip(&deviations) {
        row.iter_mut().for_each(|weight| *weight /= deviation);
    }
    let mut intercept = fitted.intercept().to_vec();
    for (row, mean) in weights.chunks_exact(classes).zip(&means) {
        intercept.iter_mut().zip(row).for_each(|(intercept, weight)| *intercept -= mean * weight);
    }
    LinearModel::new(weights, intercept)
        .and_then(SecondStage::new)
        .ok_or(SolverError::Classes { classes, found: fitted.classes() })
}
