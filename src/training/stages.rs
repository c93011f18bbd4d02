//! Both stages of a model, fitted to rows.

use std::time::{Duration, Instant};

use linfa::dataset::DatasetBase;
use ndarray::Array1;
use serde::Serialize;

use super::calibration::{CalibrationChoice, CalibrationMethod, calibrate};
use super::second_stage::{InnerFolds, inner_folds};
use super::solver::{FittedModel, make_solver, with_weights};
use super::trainer::{LabelledComments, TrainingError, TrainingSettings};
use crate::features::FeatureUnion;
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

/// The inverse strength of the L2 penalty of the first stage, and how it was chosen.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PenaltyChoice {
    /// The one taken.
    pub c: f64,
    /// Each that was tried on inner folds with the mean log loss of the first stage there, in
    /// nats. Empty if there were no inner folds: one of one value needs none without a second
    /// stage, and too few rows or groups have none.
    pub tried: Vec<(f64, f64)>,
}

/// Learns vocabulary, document frequencies, weights, the second stage and the calibrator from the
/// given rows.
///
/// The strength of the penalty is the one of `settings.c` with the lowest log loss on inner
/// folds; where the rows cannot be dealt to any, it is the middle one, and there is no second
/// stage and no calibration.
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
        || settings.calibration != CalibrationMethod::None;
    let inner = if needed { inner_folds(labelled, rows, settings)? } else { None };
    let mut calibrated = (Calibrator::Softmax, CalibrationChoice::none());
    let (penalty, second_stage) = match inner {
        Some(InnerFolds { log_losses, best, second_stage, held_out, .. }) => {
            calibrated = calibrate(settings.calibration, &held_out, labelled.labels().len())?;
            let tried = settings.c.iter().copied().zip(log_losses).collect();
            (PenaltyChoice { c: settings.c[best], tried }, second_stage)
        }
        None => {
            let c = settings.c.get(settings.c.len() / 2).copied().unwrap_or(settings.solver.c);
            (PenaltyChoice { c, tried: Vec::new() }, None)
        }
    };
    let one = TrainingSettings { c: vec![penalty.c], ..settings.clone() };
    let (vectorizer, mut path, solver_time) = fit_path(labelled, rows, &one)?;
    let fitted = path.swap_remove(0);
    let scorer = Scorer::new(vectorizer, fitted.model.clone(), second_stage);
    let (calibrator, calibration) = calibrated;
    Ok(FittedStages { scorer, calibrator, calibration, fitted, solver_time, penalty })
}

/// Learns a vocabulary from rows, and weights for each strength of the penalty, and gives the
/// time the solver took.
pub(super) fn fit_path(
    labelled: &LabelledComments,
    rows: &[usize],
    settings: &TrainingSettings,
) -> Result<(FeatureUnion, Vec<FittedModel>, Duration), TrainingError> {
    let comments: Vec<&AnalyzedText> = rows.iter().map(|&row| &labelled.comments()[row]).collect();
    let vectorizer = FeatureUnion::fit(&settings.features, &comments)?;
    let matrix = vectorizer.matrix(&comments);
    let targets: Array1<ClassIndex> = rows.iter().map(|&row| labelled.classes()[row]).collect();
    let weights = labelled.row_weights(rows, settings.class_weights.as_ref());
    let dataset = with_weights(DatasetBase::new(matrix, targets), weights);
    let solver = make_solver(settings.solver)?;
    let start = Instant::now();
    let fitted = solver.fit_path(&dataset, labelled.labels().len(), &settings.c)?;
    Ok((vectorizer, fitted, start.elapsed()))
}
