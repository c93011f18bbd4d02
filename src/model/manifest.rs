//! What a model folder says of itself.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::label::LabelSet;
use crate::features::FeatureSettings;
use crate::text::TextSettings;

/// A model's name and version, written `name/version`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelId {
    /// The name of the model, which is the name of the folder of its versions.
    pub name: String,
    /// The version: 1, 2, 3 …
    pub version: u32,
}

impl fmt::Display for ModelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.name, self.version)
    }
}

/// How comments become vectors: everything but the words themselves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PipelineSettings {
    /// [`Segmenter::fingerprint`](crate::text::Segmenter::fingerprint) when the model was
    /// trained, in hexadecimal.
    pub segmenter_fingerprint: String,
    /// Which parts of text understanding are on.
    #[serde(default)]
    pub text: TextSettings,
    /// Which terms there are and how they are weighted.
    pub features: FeatureSettings,
    /// How many training documents the document frequencies were counted on.
    pub documents: u32,
    /// Whether there is a second stage over the scores of sentences.
    #[serde(default)]
    pub second_stage: bool,
}

/// Size and digest of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileDigest {
    /// The size in bytes.
    pub bytes: u64,
    /// SHA-256, in hexadecimal.
    pub sha256: String,
}

impl FileDigest {
    /// The digest of `contents`.
    #[must_use]
    pub fn of(contents: &[u8]) -> Self {
        Self { bytes: contents.len() as u64, sha256: sha256_hex(contents) }
    }
}

/// The data a model was trained on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrainingData {
    /// How many labelled comments.
    pub rows: usize,
    /// How many of each label, in the order of the labels.
    pub rows_by_label: Vec<usize>,
    /// The files in the order they were read, each with its name (without folders) and digest.
    pub files: Vec<TrainingFile>,
}

impl TrainingData {
    /// The share of each label.
    #[must_use]
    pub fn shares(&self) -> Vec<f64> {
        let rows: usize = self.rows_by_label.iter().sum();
        self.rows_by_label.iter().map(|&count| count as f64 / rows.max(1) as f64).collect()
    }
}

/// One file of [`TrainingData`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrainingFile {
    /// The file's name, without its folders.
    pub name: String,
    /// Its size and digest.
    #[serde(flatten)]
    pub digest: FileDigest,
}

/// The contents of `manifest.json`.
///
/// There is no time in it: the same data, settings and seed give the same bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of the folder's format; see [`Manifest::FORMAT_VERSION`].
    pub format_version: u32,
    /// The program that wrote the folder, such as `postloan 0.1.0`.
    pub software: String,
    /// The model's name and version.
    pub model: ModelId,
    /// The labels, in the order of the model's outputs.
    pub labels: LabelSet,
    /// How it was trained. Kept for people: nothing is computed from it.
    pub training: serde_json::Value,
    /// What it was trained on.
    pub data: TrainingData,
    /// What it scored in cross-validation, as the trainer wrote it; null if that was not done.
    pub metrics: serde_json::Value,
    /// Size and digest of every other file of the folder.
    pub files: BTreeMap<String, FileDigest>,
}

impl Manifest {
    /// The format this program writes, and the newest it reads.
    ///
    /// 1: words alone. 2: settings of text understanding, and a second vocabulary of characters.
    /// 3: a second stage over the scores of sentences, decisions, out-of-fold predictions.
    /// 4: weights of terms in single precision.
    pub const FORMAT_VERSION: u32 = 4;
    /// The name of the file.
    pub const FILE: &str = "manifest.json";
}

/// SHA-256 of `bytes`, in hexadecimal.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// `bytes` in hexadecimal, two lower-case digits a byte.
#[must_use]
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
