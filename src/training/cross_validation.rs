//! How a model does on comments it was not trained on.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::calibration::CalibrationMethod;
use super::folds::{FoldPlan, Folds};
use super::stages::{FittedStages, fit_stages};
use super::trainer::{LabelledComments, TrainingError, TrainingSettings};
use crate::evaluation::{Calibration, Metrics, Scored, Spread};
use crate::model::{DecisionPolicy, LabelSet, Prediction, ScorerBuffers};

/// What a model scored out of fold: each comment by a model trained without its fold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CrossValidation {
    /// How rows were dealt to folds.
    pub plan: FoldPlan,
    /// How many groups there were, where rows were dealt by group.
    pub groups: Option<usize>,
    /// All out-of-fold predictions together.
    pub metrics: Metrics,
    /// Each fold by itself.
    pub folds: Vec<FoldScore>,
    /// The spread of the accuracy over the folds.
    pub accuracy: Spread,
    /// The spread of the macro F1 over the folds.
    pub macro_f1: Spread,
    /// The spread of the log loss over the folds.
    pub log_loss: Spread,
    /// What calibration did for the probabilities, in all folds together.
    #[serde(default)]
    pub calibration: Option<CalibrationGain>,
    /// Whether settings were searched, and on which comments.
    #[serde(default)]
    pub search: Option<SearchNote>,
    /// The out-of-fold probabilities of each row before calibration. Kept with a model, in a file
    /// of their own.
    #[serde(skip)]
    pub uncalibrated: Vec<Vec<f64>>,
    /// The out-of-fold prediction of each row, calibrated as its fold's model is. Not kept with a
    /// model.
    #[serde(skip)]
    pub scored: Vec<Scored>,
}

/// On which comments settings were searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SearchNote {
    /// On all of them, those held out included.
    OnAll,
    /// In each fold anew, on the comments of the others alone.
    InEachFold,
}

/// What one fold scored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FoldScore {
    /// How many rows were held out.
    pub rows: u64,
    /// The share predicted right.
    pub accuracy: f64,
    /// The mean F1 of the labels.
    pub macro_f1: f64,
    /// The mean of −ln(probability of the true class).
    pub log_loss: f64,
    /// How many terms the vocabulary of the other folds has.
    pub terms: usize,
    /// The inverse strength of the penalty that was chosen on the other folds.
    pub c: f64,
    /// The calibration that was chosen on the other folds.
    #[serde(default)]
    pub calibration: CalibrationMethod,
    /// Whether fitting reached its tolerance.
    pub converged: bool,
}

/// How probabilities do before calibration and after.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CalibrationGain {
    /// The softmax of the scores.
    pub before: ProbabilityScores,
    /// The calibrated probabilities.
    pub after: ProbabilityScores,
}

/// How good probabilities are; in each, 0 is best.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ProbabilityScores {
    /// The mean of −ln(probability of the true class), in nats.
    pub log_loss: f64,
    /// The expected calibration error in bins of equal width.
    pub expected_calibration_error: f64,
    /// The Brier score, summed over the labels.
    pub brier: f64,
}

impl ProbabilityScores {
    fn of(labels: &LabelSet, scored: &[Scored]) -> Self {
        let Calibration { expected_error, brier, .. } = Calibration::of(scored);
        let log_loss = Metrics::of(labels, scored).log_loss;
        Self { log_loss, expected_calibration_error: expected_error, brier }
    }
}

impl CrossValidation {
    /// In words, how rows were dealt and what that means for the figures.
    #[must_use]
    pub fn description(&self) -> String {
        let groups = self.groups.unwrap_or_default();
        let searched = match self.search {
            None => "",
            Some(SearchNote::OnAll) => {
                "; settings were chosen on the same comments, so these figures flatter"
            }
            Some(SearchNote::InEachFold) => {
                "; settings were chosen in each fold anew, without the comments held out"
            }
        };
        let dealt = match &self.plan {
            FoldPlan::Stratified { folds, seed } => format!(
                "{folds} stratified random folds (seed {seed}): comments by one writer stand on \
                 both sides, so these figures flatter"
            ),
            FoldPlan::Grouped { folds, field } => {
                format!("{folds} folds by {field} ({groups} groups, none in two folds)")
            }
            FoldPlan::LeaveOneGroupOut { field } => {
                format!("each {field} held out in turn ({groups} groups)")
            }
        };
        dealt + searched
    }
}

/// Trains on all folds but one and predicts that one, for each fold; folds run side by side on
/// the current `rayon` pool. `fold_done` is called as each is done.
///
/// # Errors
///
/// The rows cannot be dealt to folds, or no model can be fitted on some of them.
pub fn cross_validate(
    labelled: &LabelledComments,
    settings: &TrainingSettings,
    plan: &FoldPlan,
    fold_done: impl Fn() + Sync,
) -> Result<CrossValidation, TrainingError> {
    cross_validate_by(labelled, plan, |folds| {
        (0..folds.count())
            .into_par_iter()
            .map(|fold| {
                let (train_rows, test_rows) = folds.split(fold);
                let stages = fit_stages(labelled, &train_rows, settings)?;
                let result = score(labelled, &stages, &test_rows);
                fold_done();
                Ok(result)
            })
            .collect()
    })
}

/// Puts together what `run` scores for each fold.
pub(super) fn cross_validate_by(
    labelled: &LabelledComments,
    plan: &FoldPlan,
    run: impl FnOnce(&Folds) -> Result<Vec<ScoredFold>, TrainingError>,
) -> Result<CrossValidation, TrainingError> {
    let (labels, classes) = (labelled.labels(), labelled.classes());
    let folds = Folds::deal(plan, labels, classes, labelled.groups())?;
    let results = run(&folds)?;

    let mut by_row: Vec<ScoredRow> = Vec::with_capacity(classes.len());
    let mut scores = Vec::with_capacity(folds.count());
    for (score, rows) in results {
        scores.push(score);
        by_row.extend(rows);
    }
    by_row.sort_by_key(|of_row| of_row.row);
    let (scored, uncalibrated): (Vec<Scored>, Vec<Vec<f64>>) =
        by_row.into_iter().map(|of_row| (of_row.scored, of_row.uncalibrated)).unzip();
    let before: Vec<Scored> = scored
        .iter()
        .zip(&uncalibrated)
        .map(|(scored, before)| Scored { probabilities: before.clone(), ..scored.clone() })
        .collect();
    let calibration = CalibrationGain {
        before: ProbabilityScores::of(labels, &before),
        after: ProbabilityScores::of(labels, &scored),
    };
    let spread = |figure: fn(&FoldScore) -> f64| {
        Spread::of(&scores.iter().map(figure).collect::<Vec<f64>>())
    };
    let groups = plan
        .group_field()
        .map(|_| labelled.groups().iter().collect::<std::collections::BTreeSet<_>>().len());
    Ok(CrossValidation {
        plan: plan.clone(),
        groups,
        metrics: Metrics::of(labels, &scored),
        accuracy: spread(|fold| fold.accuracy),
        macro_f1: spread(|fold| fold.macro_f1),
        log_loss: spread(|fold| fold.log_loss),
        folds: scores,
        calibration: Some(calibration),
        search: None,
        uncalibrated,
        scored,
    })
}

/// A fold's score, and the prediction of each of its rows.
pub(super) type ScoredFold = (FoldScore, Vec<ScoredRow>);

/// The out-of-fold prediction of one row.
pub(super) struct ScoredRow {
    row: usize,
    scored: Scored,
    uncalibrated: Vec<f64>,
}

/// Scores rows by a model that was fitted without them.
pub(super) fn score(
    labelled: &LabelledComments,
    stages: &FittedStages,
    test_rows: &[usize],
) -> ScoredFold {
    let policy =
        DecisionPolicy { calibrator: stages.calibrator.clone(), ..DecisionPolicy::default() };
    let mut buffers = ScorerBuffers::default();
    let scored: Vec<ScoredRow> = test_rows
        .iter()
        .map(|&row| {
            stages.scorer.score(&labelled.comments()[row], &mut buffers);
            let uncalibrated = Prediction::from_scores(buffers.scores()).probabilities;
            let prediction = policy.decide(buffers.scores());
            let scored = Scored {
                truth: labelled.classes()[row],
                predicted: prediction.class,
                probabilities: prediction.probabilities,
            };
            ScoredRow { row, scored, uncalibrated }
        })
        .collect();
    let metrics = Metrics::of(labelled.labels(), scored.iter().map(|of_row| &of_row.scored));
    let score = FoldScore {
        rows: metrics.rows,
        accuracy: metrics.accuracy,
        macro_f1: metrics.macro_f1,
        log_loss: metrics.log_loss,
        terms: stages.scorer.vectorizer().len(),
        c: stages.penalty.c,
        calibration: stages.calibration.method,
        converged: stages.fitted.converged,
    };
    (score, scored)
}
