//! A model that is trained for a moment and kept nowhere: to explain comments by a model that has
//! not seen them.

use super::failure::Failure;
use crate::model::{ModelStore, RiskClassifier, TrainingData};
use crate::text::{Analyzer, StopWords, UserDictionary};
use crate::training::{LabelledComments, TrainingSettings, train};

/// A model of all of `labelled`, without a cross-validation.
pub(super) fn scratch_model(
    labelled: &LabelledComments,
    settings: &TrainingSettings,
    words: (&Analyzer, UserDictionary, StopWords),
) -> Result<RiskClassifier, Failure> {
    let settings = TrainingSettings { folds: None, ..settings.clone() };
    let about = TrainingData {
        rows: labelled.classes().len(),
        rows_by_label: labelled.rows_by_label(),
        files: Vec::new(),
    };
    let trained = train(labelled, &settings, about, words, || {})?;
    let folder = tempfile::tempdir().map_err(|error| {
        Failure::output(error).context("cannot keep a model in the folder of temporary files")
    })?;
    let store = ModelStore::new(folder.path().join("scratch"));
    let saved = store.save(&trained.bundle, |_| String::new())?;
    Ok(RiskClassifier::open(saved.path)?)
}
