//! The whole of training: vocabulary, vectors, weights, and the bundle they make.

use std::time::{Duration, Instant};

use rayon::prelude::*;
use serde::Serialize;
use thiserror::Error;

use linfa::dataset::DatasetBase;
use ndarray::Array1;

use super::cross_validation::{CrossValidation, cross_validate};
use super::folds::{FoldError, FoldPlan};
use super::solver::{FittedModel, SolverError, SolverSettings, make_solver};
use crate::features::{FeatureSettings, FeatureUnion, VocabularyError};
use crate::model::{ClassIndex, LabelSet, ModelBundle, TrainingData, hexadecimal};
use crate::text::{AnalyzedText, Analyzer, StopWords, UserDictionary};

/// All that decides what comes out of training, but the data and the words.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TrainingSettings {
    /// How comments become vectors.
    pub features: FeatureSettings,
    /// How weights are fitted.
    pub solver: SolverSettings,
    /// How the model is cross-validated; not at all if there is no plan.
    pub folds: Option<FoldPlan>,
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
        let labelled = Self { labels, comments, classes, groups };
        match labelled.rows_by_label().iter().position(|&rows| rows == 0) {
            Some(class) => Err(TrainingError::AbsentLabel(labelled.labels.get(class).id.clone())),
            None => Ok(labelled),
        }
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

/// Learns vocabulary, document frequencies and weights from the given rows, and gives the time
/// the solver took.
///
/// # Errors
///
/// No vocabulary, or no weights, can be had of them.
pub fn fit(
    labelled: &LabelledComments,
    rows: &[usize],
    settings: &TrainingSettings,
) -> Result<(FeatureUnion, FittedModel, Duration), TrainingError> {
    let comments: Vec<&AnalyzedText> = rows.iter().map(|&row| &labelled.comments[row]).collect();
    let vectorizer = FeatureUnion::fit(&settings.features, &comments)?;
    let matrix = vectorizer.matrix(&comments);
    let targets: Array1<ClassIndex> = rows.iter().map(|&row| labelled.classes[row]).collect();
    let solver = make_solver(settings.solver)?;
    let start = Instant::now();
    let fitted = solver.fit(&DatasetBase::new(matrix, targets), labelled.labels.len())?;
    Ok((vectorizer, fitted, start.elapsed()))
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
    let all_rows: Vec<usize> = (0..labelled.classes.len()).collect();
    let (vectorizer, fitted, solver_time) = fit(labelled, &all_rows, settings)?;
    // Numbers and strings are always JSON values.
    let json = |value: serde_json::Result<serde_json::Value>| value.unwrap_or_default();
    let training = serde_json::json!({
        "text": json(serde_json::to_value(analyzer.settings())),
        "features": json(serde_json::to_value(settings.features)),
        "solver": json(serde_json::to_value(settings.solver)),
        "folds": json(serde_json::to_value(&settings.folds)),
        "iterations": fitted.iterations,
        "converged": fitted.converged,
        "objective": fitted.objective.value,
        "gradient_norm": fitted.objective.gradient_norm,
    });
    let metrics = json(serde_json::to_value(&cross_validation));
    let bundle = ModelBundle {
        manifest: ModelBundle::unnamed_manifest(labelled.labels.clone(), data, training, metrics),
        segmenter_fingerprint: hexadecimal(&analyzer.segmenter().fingerprint()),
        text: analyzer.settings(),
        vectorizer,
        features: settings.features,
        linear: fitted.model.clone(),
        user_dictionary,
        stop_words,
    };
    Ok(Trained { bundle, fitted, solver_time, cross_validation })
}
