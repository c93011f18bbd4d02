//! Both stages of a model, fitted to rows.

use std::time::{Duration, Instant};

use linfa::dataset::DatasetBase;
use ndarray::Array1;
use serde::Serialize;

use super::calibration::{CalibrationChoice, CalibrationMethod, calibrate};
use super::second_stage::{InnerFolds, inner_folds};
use super::selection::fit_vectorizer;
use super::solver::{FittedModel, make_solver, with_weights};
use super::trainer::{LabelledComments, TrainingError, TrainingSettings};
use crate::features::SparseMatrix;
use crate::model::{Calibrator, ClassIndex, Scorer};
use crate::text::AnalyzedText;

/// A model fitted to some rows.
#[derive(Debug, Clone)]
pub struct FittedStages {
    /// Vocabulary, weights, and the second stage if there is one.
    pub scorer: Scorer,
    /// How scores become probabilities.
    pub calibrator: Calibrator,
    /// How that was chosen.
    pub calibration: CalibrationChoice,
    /// How fitting the first stage ended.
    pub fitted: FittedModel,
    /// How long the solver took for that.
    pub solver_time: Duration,
    /// How the strength of the penalty was come by.
    pub penalty: PenaltyChoice,
}

/// The inverse strength of the L2 penalty of the first stage and the power of the inverse document
/// frequency, and how they were chosen. The two belong together: a higher power is a weaker
/// penalty on rare terms.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PenaltyChoice {
    /// The inverse strength taken.
    pub c: f64,
    /// The power taken.
    pub idf_power: f64,
    /// Each pair that was tried on inner folds. Empty if there were no inner folds: one pair
    /// alone needs none without a second stage, and too few rows or groups have none.
    pub tried: Vec<TriedPenalty>,
}

/// A penalty that was tried.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TriedPenalty {
    /// The inverse strength of the L2 penalty.
    pub c: f64,
    /// The power of the inverse document frequency.
    pub idf_power: f64,
    /// The mean log loss of the first stage on inner folds, in nats.
    pub log_loss: f64,
}

/// Learns vocabulary, document frequencies, weights, the second stage and the calibrator from the
/// given rows.
///
/// The strength of the penalty and the power of the inverse document frequency are those of
/// `settings` with the lowest log loss on inner folds; where the rows cannot be dealt to any, they
/// are the middle one and the first, and there is no second stage and no calibration.
///
/// # Errors
///
/// No vocabulary, or no weights, can be had of them.
pub fn fit_stages(
    labelled: &LabelledComments,
    rows: &[usize],
    settings: &TrainingSettings,
) -> Result<FittedStages, TrainingError> {
    let needed = settings.second_stage
        || settings.c.len() > 1
        || settings.idf_powers.len() > 1
        || settings.calibration != CalibrationMethod::None;
    let inner = if needed { inner_folds(labelled, rows, settings)? } else { None };
    let mut calibrated = (Calibrator::Softmax, CalibrationChoice::none());
    let (penalty, second_stage) = match inner {
        Some(InnerFolds { penalty, second_stage, held_out, .. }) => {
            calibrated = calibrate(settings.calibration, &held_out, labelled.labels().len())?;
            (penalty, second_stage)
        }
        None => {
            let c = settings.c.get(settings.c.len() / 2).copied().unwrap_or(settings.solver.c);
            let idf_power = idf_powers(settings)[0];
            (PenaltyChoice { c, idf_power, tried: Vec::new() }, None)
        }
    };
    let comments: Vec<&AnalyzedText> = rows.iter().map(|&row| &labelled.comments()[row]).collect();
    let features = settings.features.with_idf_power(penalty.idf_power);
    let vectorizer = fit_vectorizer(labelled, rows, &features, settings.min_chi2)?;
    let matrix = vectorizer.matrix(&comments);
    let start = Instant::now();
    let mut path = fit_path(labelled, rows, matrix, settings, &[penalty.c])?;
    let solver_time = start.elapsed();
    let fitted = path.swap_remove(0);
    let scorer = Scorer::new(vectorizer, &fitted.model.to_single_precision(), second_stage);
    let (calibrator, calibration) = calibrated;
    Ok(FittedStages { scorer, calibrator, calibration, fitted, solver_time, penalty })
}

/// The powers of the inverse document frequency to choose from: at least one.
pub(super) fn idf_powers(settings: &TrainingSettings) -> Vec<f64> {
    match &settings.idf_powers[..] {
        [] => vec![settings.features.words.idf_power],
        powers => powers.to_vec(),
    }
}

/// Learns weights from the vectors of rows, for each strength of the penalty.
pub(super) fn fit_path(
    labelled: &LabelledComments,
    rows: &[usize],
    matrix: SparseMatrix,
    settings: &TrainingSettings,
    c: &[f64],
) -> Result<Vec<FittedModel>, TrainingError> {
    let targets: Array1<ClassIndex> = rows.iter().map(|&row| labelled.classes()[row]).collect();
    let weights = labelled.row_weights(rows, settings.class_weights.as_ref());
    let dataset = with_weights(DatasetBase::new(matrix, targets), weights);
    let solver = make_solver(settings.solver)?;
    Ok(solver.fit_path(&dataset, labelled.labels().len(), c)?)
}
