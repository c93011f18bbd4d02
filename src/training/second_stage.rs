//! Fitting the second stage on scores that are out of fold.
//!
//! The scores that a first stage gives to comments it was trained on are far surer than those it
//! gives to others. So the rows are dealt to inner folds, each row is scored by a first stage
//! that has not seen its fold, and the second stage learns from these scores alone (stacking:
//! Wolpert, 1992). The same scores tell which strength of the penalty is best. The second stage
//! is fitted again without each inner fold: that gives the scores that calibrators learn from.

use linfa::dataset::DatasetBase;
use ndarray::{Array1, Array2, Axis, concatenate};
use rayon::prelude::*;

use super::calibration::{HeldOutScores, lowest_mean};
use super::folds::{FoldPlan, Folds};
use super::objective::mean_log_loss;
use super::selection::fit_vectorizer;
use super::solver::{
    FittedModel, SolverError, SolverKind, SolverSettings, make_solver, with_weights,
};
use super::stages::{PenaltyChoice, TriedPenalty, fit_path, idf_powers};
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
    /// How the strength of the penalty and the power of the inverse document frequency were come
    /// by.
    pub(super) penalty: PenaltyChoice,
    /// The second stage, if one was asked for.
    pub(super) second_stage: Option<SecondStage>,
    /// The scores of the last stage, out of fold for both: the second stage that scores a fold
    /// has learned from the others. (The first stages whose scores it learned from have seen the
    /// fold; what can come through so few weights is little.)
    pub(super) held_out: HeldOutScores,
    /// How many terms the first stage of each fold has.
    pub(super) terms: Vec<usize>,
}

/// Deals `rows` to inner folds and learns from them, or gives nothing if they cannot be dealt: a
/// label has too few rows, or stands in one group alone.
///
/// What is given is that of the power of the inverse document frequency whose last stage has the
/// lowest log loss out of fold; for each power, the strength of the penalty is that with which the
/// first stage has the lowest. (First stages of different powers differ in how sure they are, and
/// the second sets that right.)
pub(super) fn inner_folds(
    labelled: &LabelledComments,
    rows: &[usize],
    settings: &TrainingSettings,
) -> Result<Option<InnerFolds>, TrainingError> {
    let Some(folds) = deal(labelled, rows) else { return Ok(None) };
    let folds: Vec<InnerFold> = (0..folds.count())
        .into_par_iter()
        .map(|fold| {
            let at = |positions: Vec<usize>| -> Vec<usize> {
                positions.into_iter().map(|position| rows[position]).collect()
            };
            let (train, held_out) = folds.split(fold);
            let (train, held_out) = (at(train), at(held_out));
            let vectorizer =
                fit_vectorizer(labelled, &train, &settings.features, settings.min_chi2)?;
            Ok(InnerFold { train, held_out, vectorizer })
        })
        .collect::<Result<_, TrainingError>>()?;
    let powers = idf_powers(settings);
    let mut of_powers = Vec::with_capacity(powers.len());
    for idf_power in powers {
        of_powers.push(inner_folds_of_one(labelled, rows.len(), &folds, settings, idf_power)?);
    }
    let losses: Vec<Vec<f64>> =
        of_powers.iter().map(|inner| inner.held_out.log_loss_by_fold()).collect();
    let tried = of_powers.iter().flat_map(|inner| inner.penalty.tried.clone()).collect();
    let mut best = of_powers.swap_remove(lowest_mean(&losses));
    best.penalty.tried = tried;
    Ok(Some(best))
}

/// Rows to learn from, rows held out, and what vectorises them, learned from the former.
struct InnerFold {
    train: Vec<usize>,
    held_out: Vec<usize>,
    vectorizer: FeatureUnion,
}

/// [`inner_folds`] of `rows` rows with one power of the inverse document frequency.
fn inner_folds_of_one(
    labelled: &LabelledComments,
    rows: usize,
    folds: &[InnerFold],
    settings: &TrainingSettings,
    idf_power: f64,
) -> Result<InnerFolds, TrainingError> {
    let classes = labelled.labels().len();
    let first_stages: Vec<(&[usize], FeatureUnion, Vec<FittedModel>)> = folds
        .par_iter()
        .map(|InnerFold { train, held_out, vectorizer }| {
            let comments: Vec<&AnalyzedText> =
                train.iter().map(|&row| &labelled.comments()[row]).collect();
            let vectorizer = vectorizer.with_idf_power(idf_power);
            let matrix = vectorizer.matrix(&comments);
            let fitted = fit_path(labelled, train, matrix, settings, &settings.c)?;
            Ok((&held_out[..], vectorizer, fitted))
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
            let share = held_out.len() as f64 / rows as f64;
            *sum += share * mean_log_loss(&matrix, &targets, &fitted.model);
        }
    }
    let mut best = 0;
    for (candidate, loss) in log_losses.iter().enumerate() {
        if *loss < log_losses[best] {
            best = candidate;
        }
    }
    let weights_of = |rows: &[usize]| labelled.row_weights(rows, settings.class_weights.as_ref());
    let mut held_out = HeldOutScores::default();
    let mut terms = Vec::with_capacity(folds.len());
    let mut pooled: Vec<(&[usize], Array2<f64>)> = Vec::with_capacity(folds.len());
    for (fold, (rows, vectorizer, mut fitted)) in first_stages.into_iter().enumerate() {
        terms.push(vectorizer.len());
        let linear = fitted.swap_remove(best).model.to_single_precision();
        let scorer = Scorer::new(vectorizer, &linear, None);
        let of_rows: Vec<Vec<f64>> = rows
            .par_iter()
            .map_init(ScorerBuffers::default, |buffers, &row| {
                let comment = &labelled.comments()[row];
                if settings.second_stage {
                    scorer.pool(comment, buffers);
                    buffers.features().to_vec()
                } else {
                    scorer.score(comment, buffers);
                    buffers.scores().to_vec()
                }
            })
            .collect();
        held_out.classes.extend(rows.iter().map(|&row| labelled.classes()[row]));
        held_out.folds.extend(std::iter::repeat_n(fold, rows.len()));
        if let Some(weights) = labelled.row_weights(rows, None) {
            held_out.weights.extend(weights.iter().map(|&weight| f64::from(weight)));
        }
        if settings.second_stage {
            pooled.push((rows, dense(&of_rows, SecondStage::features_of(classes))?));
        } else {
            held_out.scores.extend(of_rows);
        }
    }
    let second_stage = match settings.second_stage {
        false => None,
        true => {
            let fit = |without: Option<usize>| {
                let kept = || (0..pooled.len()).filter(move |fold| Some(*fold) != without);
                let rows: Vec<usize> = kept().flat_map(|fold| pooled[fold].0).copied().collect();
                let blocks: Vec<_> = kept().map(|fold| pooled[fold].1.view()).collect();
                let features = concatenate(Axis(0), &blocks)
                    .map_err(|error| SolverError::Optimizer(error.to_string()))?;
                let targets = rows.iter().map(|&row| labelled.classes()[row]).collect();
                let linear = fit_dense(features, targets, weights_of(&rows), classes)?;
                SecondStage::new(linear).ok_or(SolverError::Classes { classes, found: 0 })
            };
            let without_each: Vec<SecondStage> = (0..pooled.len())
                .into_par_iter()
                .map(|fold| fit(Some(fold)))
                .collect::<Result<_, SolverError>>()?;
            for (second_stage, (_, features)) in without_each.iter().zip(&pooled) {
                held_out.scores.extend(features.rows().into_iter().map(|features| {
                    let mut scores = Vec::with_capacity(classes);
                    second_stage.scores(&features.to_vec(), &mut scores);
                    scores
                }));
            }
            Some(fit(None)?)
        }
    };
    let losses = settings.c.iter().zip(log_losses);
    let tried = losses.map(|(&c, log_loss)| TriedPenalty { c, idf_power, log_loss }).collect();
    let penalty = PenaltyChoice { c: settings.c[best], idf_power, tried };
    Ok(InnerFolds { penalty, second_stage, held_out, terms })
}

/// Rows of `width` numbers as a matrix.
fn dense(rows: &[Vec<f64>], width: usize) -> Result<Array2<f64>, SolverError> {
    Array2::from_shape_vec((rows.len(), width), rows.concat())
        .map_err(|error| SolverError::Optimizer(error.to_string()))
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

/// Fits a small logistic regression on features scaled to mean 0 and deviation 1, and writes the
/// scaling into the weights: by `linfa_logistic`, or where rows have weights, which it does not
/// know, by our own solver.
pub(super) fn fit_dense(
    mut features: Array2<f64>,
    targets: Array1<ClassIndex>,
    weights: Option<Array1<f32>>,
    classes: usize,
) -> Result<LinearModel, SolverError> {
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
        .ok_or(SolverError::Classes { classes, found: fitted.classes() })
}
