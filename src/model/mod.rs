//! From a vector to a prediction, and a model as a folder on disk.
//!
//! [`RiskClassifier`] is the one road every door takes: it is opened from a folder, shared, and
//! gives each thread a [`Worker`] with buffers of its own.

mod bundle;
mod calibrator;
mod classifier;
mod decision;
mod label;
mod linear;
mod manifest;
mod out_of_fold;
mod phrases;
mod scorer;
mod second_stage;
mod sentences;
mod store;
mod term_files;
mod term_values;
mod trial;

pub use bundle::{ModelBundle, ModelError, read_manifest};
pub(crate) use calibrator::log_softmax_in_place;
pub use calibrator::{Calibrator, IsotonicCurve, MatrixScaling};
pub use classifier::{
    ClassifyError, Explanation, MAX_COMMENT_CHARS, Reason, RiskClassifier, Worker,
};
pub use decision::{DecisionError, DecisionPolicy, Prediction, default_costs};
pub use label::{ClassIndex, Label, LabelError, LabelSet};
pub use linear::{LinearModel, softmax_in_place};
pub use manifest::{
    FileDigest, Manifest, ModelId, PipelineSettings, TrainingData, TrainingFile, hexadecimal,
    sha256_hex,
};
pub use out_of_fold::OutOfFold;
pub use phrases::{Phrase, Phrases};
pub use scorer::{Scorer, ScorerBuffers};
pub use second_stage::SecondStage;
pub use sentences::SentenceScores;
pub use store::{ModelStore, Promotion, PromotionKind, StoredVersion, resolve_version};
pub use trial::load_and_try;
