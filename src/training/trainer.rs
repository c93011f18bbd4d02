//! The whole of training: vocabulary, vectors, weights, and the bundle they make.

use std::time::Duration;

use ndarray::Array1;
use rayon::prelude::*;
use serde::Serialize;
use thiserror::Error;

use super::calibration::{CalibrationChoice, CalibrationMethod};
use super::cross_validation::{CrossValidation, cross_validate};
use super::folds::{FoldError, FoldPlan};
use super::search::SettingTrial;
use super::solver::{FittedModel, SolverError, SolverSettings};
use super::stages::{FittedStages, PenaltyChoice, fit_stages};
use crate::features::{FeatureSettings, VocabularyError};
use crate::model::{
    ClassIndex, DecisionPolicy, LabelSet, ModelBundle, OutOfFold, TrainingData, hexadecimal,
};
use crate::text::{AnalyzedText, Analyzer, StopWords, UserDictionary};

/// All that decides what comes out of training, but the data and the words.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TrainingSettings {
    /// How comments become vectors.
    pub features: FeatureSettings,
    /// How weights are fitted; its *C* gives way to the next.
    pub solver: SolverSettings,
    /// The inverse strengths of the L2 penalty to choose from, in ascending order. There is at
    /// least one.
    pub c: Vec<f64>,
    /// The powers of the inverse document frequency to choose from; that of `features` gives way
    /// to the one taken. If there are none, that of `features` stays.
    pub idf_powers: Vec<f64>,
    /// The least chi-squared of a term and the labels, a degree of freedom, with which it is
    /// kept; 0 keeps all. Chance alone gives 1 on average.
    pub min_chi2: f64,
    /// Whether there is a second stage over the scores of sentences.
    pub second_stage: bool,
    /// How scores become probabilities.
    pub calibration: CalibrationMethod,
    /// What rows of each label weigh; 1 if nothing is said.
    pub class_weights: Option<ClassWeights>,
    /// How the model is cross-validated; not at all if there is no plan.
    pub folds: Option<FoldPlan>,
}

/// What rows of each label weigh in training.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClassWeights {
    /// All labels together the same: rows / (labels × rows of the label), as scikit-learn's
    /// `class_weight="balanced"`.
    Balanced,
    /// One weight for each label, in the order of the labels.
    Given(Vec<f64>),
}

/// Why no model can be trained.
#[derive(Debug, Error)]
pub enum TrainingError {
    /// There is nothing to learn from.
    #[error("there are no labelled comments")]
    NoRows,
    /// A label of the label file is in no row.
    #[error("label `{0}` has no rows")]
    AbsentLabel(String),
    /// The rows cannot be dealt to folds.
    #[error(transparent)]
    Folds(#[from] FoldError),
    /// There is nothing to compare settings on.
    #[error(
        "settings cannot be searched: a label has too few comments, or stands in one group alone"
    )]
    NoInnerFolds,
    /// There is no vocabulary.
    #[error(transparent)]
    Vocabulary(#[from] VocabularyError),
    /// The weights cannot be fitted.
    #[error(transparent)]
    Solver(#[from] SolverError),
}

/// Labelled comments, cut into terms.
#[derive(Debug, Clone)]
pub struct LabelledComments {
    labels: LabelSet,
    comments: Vec<AnalyzedText>,
    classes: Vec<ClassIndex>,
    groups: Vec<String>,
    weights: Vec<f64>,
}

impl LabelledComments {
    /// Cuts comments into terms, on all threads of the current `rayon` pool. `rows` holds each
    /// comment with its class; `groups` each comment's group, or nothing.
    ///
    /// # Errors
    ///
    /// No rows, or a label without any.
    pub fn analyze(
        analyzer: &Analyzer,
        labels: LabelSet,
        rows: &[(&str, ClassIndex)],
        groups: Vec<String>,
    ) -> Result<Self, TrainingError> {
        if rows.is_empty() {
            return Err(TrainingError::NoRows);
        }
        let comments = rows.par_iter().map(|(text, _)| analyzer.analyzed(text)).collect();
        let classes: Vec<ClassIndex> = rows.iter().map(|&(_, class)| class).collect();
        let labelled = Self { labels, comments, classes, groups, weights: Vec::new() };
        match labelled.rows_by_label().iter().position(|&rows| rows == 0) {
            Some(class) => Err(TrainingError::AbsentLabel(labelled.labels.get(class).id.clone())),
            None => Ok(labelled),
        }
    }

    /// The same with a weight for each row: one of 2 counts it twice, one of 0 leaves it out.
    #[must_use]
    pub fn with_weights(self, weights: Vec<f64>) -> Self {
        Self { weights, ..self }
    }

    /// What the given rows weigh, or nothing if all weigh 1.
    pub(super) fn row_weights(
        &self,
        rows: &[usize],
        class_weights: Option<&ClassWeights>,
    ) -> Option<Array1<f32>> {
        if class_weights.is_none() && self.weights.is_empty() {
            return None;
        }
        let of_classes = match class_weights {
            None => vec![1.0; self.labels.len()],
            Some(ClassWeights::Given(weights)) => weights.clone(),
            Some(ClassWeights::Balanced) => {
                let mut counts = vec![0_usize; self.labels.len()];
                rows.iter().for_each(|&row| counts[self.classes[row]] += 1);
                let share = rows.len() as f64 / self.labels.len() as f64;
                counts.iter().map(|&count| share / count.max(1) as f64).collect()
            }
        };
        let weight = |&row: &usize| {
            let of_row = self.weights.get(row).copied().unwrap_or(1.0);
            (of_row * of_classes[self.classes[row]]) as f32
        };
        Some(rows.iter().map(weight).collect())
    }

    /// The labels.
    #[must_use]
    pub fn labels(&self) -> &LabelSet {
        &self.labels
    }

    /// The class of each row.
    #[must_use]
    pub fn classes(&self) -> &[ClassIndex] {
        &self.classes
    }

    /// The group of each row; empty if there are no groups.
    #[must_use]
    pub fn groups(&self) -> &[String] {
        &self.groups
    }

    /// The comments, cut into terms.
    #[must_use]
    pub fn comments(&self) -> &[AnalyzedText] {
        &self.comments
    }

    /// How many rows each label has.
    #[must_use]
    pub fn rows_by_label(&self) -> Vec<usize> {
        let mut counts = vec![0; self.labels.len()];
        self.classes.iter().for_each(|&class| counts[class] += 1);
        counts
    }
}

/// A trained model that has yet to be given a place.
#[derive(Debug, Clone)]
pub struct Trained {
    /// All that goes into its folder.
    pub bundle: ModelBundle,
    /// How fitting on all rows ended.
    pub fitted: FittedModel,
    /// How long the solver took for that. Kept for people, and in no file.
    pub solver_time: Duration,
    /// How the strength of the penalty was come by.
    pub penalty: PenaltyChoice,
    /// How the calibrator was come by.
    pub calibration: CalibrationChoice,
    /// What a search of the settings tried; empty if there was none.
    pub search: Vec<SettingTrial>,
    /// How it scored, if that was asked for.
    pub cross_validation: Option<CrossValidation>,
}

/// Cross-validates, where asked, and fits a model on all rows.
///
/// `fold_done` is called as each fold is done.
///
/// # Errors
///
/// The rows cannot be dealt to folds, or no model can be fitted on them.
pub fn train(
    labelled: &LabelledComments,
    settings: &TrainingSettings,
    data: TrainingData,
    (analyzer, user_dictionary, stop_words): (&Analyzer, UserDictionary, StopWords),
    fold_done: impl Fn() + Sync,
) -> Result<Trained, TrainingError> {
    let cross_validation = match &settings.folds {
        Some(plan) => Some(cross_validate(labelled, settings, plan, fold_done)?),
        None => None,
    };
    let words = (analyzer, user_dictionary, stop_words);
    train_on_all(labelled, settings, data, words, (cross_validation, Vec::new()))
}

/// Fits a model on all rows. What it scored and how its settings were chosen is known already.
///
/// # Errors
///
/// No model can be fitted.
pub fn train_on_all(
    labelled: &LabelledComments,
    settings: &TrainingSettings,
    data: TrainingData,
    (analyzer, user_dictionary, stop_words): (&Analyzer, UserDictionary, StopWords),
    (cross_validation, search): (Option<CrossValidation>, Vec<SettingTrial>),
) -> Result<Trained, TrainingError> {
    let all_rows: Vec<usize> = (0..labelled.classes.len()).collect();
    let FittedStages { scorer, calibrator, calibration, fitted, solver_time, penalty } =
        fit_stages(labelled, &all_rows, settings)?;
    let features = settings.features.with_idf_power(penalty.idf_power);
    // Numbers and strings are always JSON values.
    let json = |value: serde_json::Result<serde_json::Value>| value.unwrap_or_default();
    let mut training = serde_json::json!({
        "text": json(serde_json::to_value(analyzer.settings())),
        "features": json(serde_json::to_value(features)),
        "solver": json(serde_json::to_value(SolverSettings { c: penalty.c, ..settings.solver })),
        "penalty": json(serde_json::to_value(&penalty)),
        "min_chi2": settings.min_chi2,
        "second_stage": scorer.second_stage().is_some(),
        "calibration": json(serde_json::to_value(&calibration)),
        "class_weights": json(serde_json::to_value(&settings.class_weights)),
        "weighted_rows": !labelled.weights.is_empty(),
        "folds": json(serde_json::to_value(&settings.folds)),
        "iterations": fitted.iterations,
        "converged": fitted.converged,
        "objective": fitted.objective.value,
        "gradient_norm": fitted.objective.gradient_norm,
    });
    if !search.is_empty() {
        training["search"] = json(serde_json::to_value(&search));
    }
    let metrics = json(serde_json::to_value(&cross_validation));
    let decisions =
        DecisionPolicy { calibrator, training_shares: data.shares(), ..DecisionPolicy::default() };
    let out_of_fold = cross_validation.as_ref().map(|validation| OutOfFold {
        classes: validation.scored.iter().map(|scored| scored.truth).collect(),
        probabilities: validation.uncalibrated.clone(),
    });
    let bundle = ModelBundle {
        manifest: ModelBundle::unnamed_manifest(labelled.labels.clone(), data, training, metrics),
        segmenter_fingerprint: hexadecimal(&analyzer.segmenter().fingerprint()),
        text: analyzer.settings(),
        vectorizer: scorer.vectorizer().clone(),
        features,
        linear: fitted.model.to_single_precision(),
        second_stage: scorer.second_stage().cloned(),
        decisions,
        out_of_fold,
        user_dictionary,
        stop_words,
    };
    Ok(Trained { bundle, fitted, solver_time, penalty, calibration, search, cross_validation })
}
