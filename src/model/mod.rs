//! From a vector to a prediction, and a model as a folder on disk.
//!
//! [`RiskClassifier`] is the one road every door takes: it is opened from a folder, shared, and
//! gives each thread a [`Worker`] with buffers of its own.

mod bundle;
mod classifier;
mod label;
mod linear;
mod manifest;
mod scorer;
mod second_stage;
mod sentences;
mod store;

pub use bundle::{ModelBundle, ModelError, read_manifest};
pub use classifier::{
    ClassifyError, Explanation, MAX_COMMENT_CHARS, Prediction, Reason, RiskClassifier, Worker,
};
pub use label::{ClassIndex, Label, LabelError, LabelSet};
pub use linear::{LinearModel, softmax_in_place};
pub use manifest::{
    FileDigest, Manifest, ModelId, PipelineSettings, TrainingData, TrainingFile, hexadecimal,
    sha256_hex,
};
pub use scorer::{Scorer, ScorerBuffers};
pub use second_stage::SecondStage;
pub use sentences::SentenceScores;
pub use store::{ModelStore, StoredVersion, resolve_version};
