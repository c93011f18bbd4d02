//! A model as a set of files: what is written, and what is checked on reading.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::decision::DecisionPolicy;
use super::label::LabelSet;
use super::linear::LinearModel;
use super::manifest::{FileDigest, Manifest, ModelId, PipelineSettings, TrainingData};
use super::out_of_fold::OutOfFold;
use super::second_stage::SecondStage;
use super::term_files::{parse_vocabulary, parse_weights, vocabulary_file, weights_file};
use crate::features::{FeatureSettings, FeatureUnion, NgramUnit, TfidfVectorizer, ViewSettings};
use crate::text::{StopWords, TextSettings, UserDictionary};

const NEWEST_FORMAT: u64 = Manifest::FORMAT_VERSION as u64;

const PIPELINE: &str = "pipeline.json";
const VOCABULARY: &str = "vocabulary.tsv";
const CHARACTER_VOCABULARY: &str = "character-vocabulary.tsv";
const DECISIONS: &str = "decisions.json";
const OUT_OF_FOLD: &str = "out-of-fold.csv";
const WEIGHTS: &str = "weights.safetensors";
const USER_DICTIONARY: &str = "user-dictionary.txt";
const STOP_WORDS: &str = "stop-words.txt";

/// The first format version with a file of decisions.
const DECISIONS_SINCE: u32 = 3;

/// Why a model cannot be used.
#[derive(Debug, Error)]
pub enum ModelError {
    /// There is neither a version folder nor a folder of versions.
    #[error(
        "no model at `{path}`: expected a version folder (with a {manifest}) or a folder of \
         versions (1, 2, 3 …)",
        path = .0.display(), manifest = Manifest::FILE
    )]
    NotFound(PathBuf),
    /// A `production` file names something that is no version beside it.
    #[error(
        "`{path}` names version `{found}`, which is not a version folder beside it",
        path = path.display()
    )]
    Production {
        /// The `production` file.
        path: PathBuf,
        /// What it says.
        found: String,
    },
    /// A file that must be there is not.
    #[error("`{path}` is missing", path = .0.display())]
    Missing(PathBuf),
    /// A file cannot be read.
    #[error("cannot read `{path}`", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file or folder cannot be written.
    #[error("cannot write `{path}`", path = path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The folder was written by a later program, in a format this one does not know.
    #[error(
        "`{path}` has format version {found}; this program reads up to {newest}",
        path = path.display(), newest = Manifest::FORMAT_VERSION
    )]
    FormatVersion {
        /// The manifest.
        path: PathBuf,
        /// Its format version.
        found: u64,
    },
    /// A file is shorter or longer than the manifest says.
    #[error(
        "`{path}` has {found} bytes, and the manifest says {expected}: it was cut short or changed",
        path = path.display()
    )]
    Size {
        /// The file.
        path: PathBuf,
        /// The size the manifest gives.
        expected: u64,
        /// The size it has.
        found: u64,
    },
    /// A file's contents are not those the manifest was written for.
    #[error(
        "`{path}` has SHA-256 {found}, and the manifest says {expected}: it was changed",
        path = path.display()
    )]
    Digest {
        /// The file.
        path: PathBuf,
        /// The digest the manifest gives.
        expected: String,
        /// The digest it has.
        found: String,
    },
    /// A file's contents make no sense, or do not agree with another file.
    #[error("`{path}`: {reason}", path = path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What was expected and what was found.
        reason: String,
    },
    /// This program's segmenter does not cut as the one that the model was trained with.
    #[error(
        "`{path}` was trained with a segmenter of fingerprint {expected}, and this program's is \
         {found}: its dictionary is another one; train the model anew",
        path = path.display()
    )]
    Segmenter {
        /// The model's folder.
        path: PathBuf,
        /// The fingerprint in the model.
        expected: String,
        /// The fingerprint of this program's segmenter.
        found: String,
    },
}

/// Everything a model folder holds but its card, in memory.
#[derive(Debug, Clone)]
pub struct ModelBundle {
    /// What the folder says of itself. Its `model` and `files` are filled in on writing.
    pub manifest: Manifest,
    /// [`Segmenter::fingerprint`](crate::text::Segmenter::fingerprint) of the segmenter that the
    /// model was trained with, in hexadecimal.
    pub segmenter_fingerprint: String,
    /// Which parts of text understanding are on.
    pub text: TextSettings,
    /// Terms, document frequencies and weighting.
    pub vectorizer: FeatureUnion,
    /// The settings the vectorizer was made with.
    pub features: FeatureSettings,
    /// Weights and intercept of the first stage.
    pub linear: LinearModel<f32>,
    /// The second stage, if there is one.
    pub second_stage: Option<SecondStage>,
    /// How scores become decisions.
    pub decisions: DecisionPolicy,
    /// What the model's likes said of the training data out of fold, if it was cross-validated:
    /// decisions are tried on it.
    pub out_of_fold: Option<OutOfFold>,
    /// The words added to the segmenter.
    pub user_dictionary: UserDictionary,
    /// The words left out.
    pub stop_words: StopWords,
}

impl ModelBundle {
    /// The name of the model card's file.
    pub const CARD: &str = "MODEL_CARD.md";

    /// A manifest for a model that has yet to be given a name and a version.
    #[must_use]
    pub fn unnamed_manifest(
        labels: LabelSet,
        data: TrainingData,
        training: serde_json::Value,
        metrics: serde_json::Value,
    ) -> Manifest {
        Manifest {
            format_version: Manifest::FORMAT_VERSION,
            software: concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")).to_owned(),
            model: ModelId { name: String::new(), version: 0 },
            labels,
            training,
            data,
            metrics,
            files: BTreeMap::new(),
        }
    }

    /// The files of the folder of model `id` with their contents, the manifest among them.
    ///
    /// # Errors
    ///
    /// Settings or weights that cannot be written down, such as a number that is not finite.
    pub fn to_files(
        &self,
        id: &ModelId,
        card: &str,
    ) -> Result<BTreeMap<String, Vec<u8>>, ModelError> {
        let invalid =
            |file: &str, reason: String| ModelError::Invalid { path: file.into(), reason };
        let pipeline = PipelineSettings {
            segmenter_fingerprint: self.segmenter_fingerprint.clone(),
            text: self.text,
            features: self.features,
            documents: self.vectorizer.words().documents(),
            second_stage: self.second_stage.is_some(),
        };
        let mut files = BTreeMap::from([
            (PIPELINE.to_owned(), pretty_json(PIPELINE, &pipeline)?),
            (VOCABULARY.to_owned(), vocabulary_file(self.vectorizer.words().vocabulary())),
            (
                WEIGHTS.to_owned(),
                weights_file(&self.linear, self.second_stage.as_ref())
                    .map_err(|e| invalid(WEIGHTS, e.to_string()))?,
            ),
            (USER_DICTIONARY.to_owned(), self.user_dictionary.source().into()),
            (STOP_WORDS.to_owned(), self.stop_words.source().into()),
            (DECISIONS.to_owned(), pretty_json(DECISIONS, &self.decisions)?),
            (Self::CARD.to_owned(), card.into()),
        ]);
        if let Some(out_of_fold) = &self.out_of_fold {
            files.insert(OUT_OF_FOLD.to_owned(), out_of_fold.to_csv(&self.manifest.labels));
        }
        if let Some(characters) = self.vectorizer.characters() {
            let contents = vocabulary_file(characters.vocabulary());
            files.insert(CHARACTER_VOCABULARY.to_owned(), contents);
        }
        let manifest = Manifest {
            model: id.clone(),
            files: files
                .iter()
                .map(|(name, bytes)| (name.clone(), FileDigest::of(bytes)))
                .collect(),
            ..self.manifest.clone()
        };
        files.insert(Manifest::FILE.to_owned(), pretty_json(Manifest::FILE, &manifest)?);
        Ok(files)
    }

    /// Reads a version folder, verifying every digest, size and shape.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with the folder, by file.
    pub fn read(folder: &Path) -> Result<Self, ModelError> {
        let manifest = read_manifest(folder)?;
        let mut files = BTreeMap::new();
        for (name, expected) in &manifest.files {
            files.insert(name.as_str(), read_verified(folder, name, expected)?);
        }
        let mut take = |name: &str| {
            files.remove(name).ok_or_else(|| ModelError::Invalid {
                path: folder.join(Manifest::FILE),
                reason: format!("it lists no `{name}`"),
            })
        };
        let invalid =
            |name: &str, reason: String| ModelError::Invalid { path: folder.join(name), reason };
        let text = |name: &str, bytes: Vec<u8>| {
            String::from_utf8(bytes).map_err(|e| invalid(name, e.utf8_error().to_string()))
        };

        let pipeline: PipelineSettings = serde_json::from_slice(&take(PIPELINE)?)
            .map_err(|e| invalid(PIPELINE, e.to_string()))?;
        let mut vectorizer = |file: &str, unit, settings: &ViewSettings| {
            let contents = text(file, take(file)?)?;
            let vocabulary = parse_vocabulary(&contents, unit, &settings.vocabulary)
                .map_err(|reason| invalid(file, reason))?;
            let ViewSettings { term_frequency, idf_power, .. } = *settings;
            Ok(TfidfVectorizer::new(vocabulary, term_frequency, idf_power, pipeline.documents))
        };
        let words = vectorizer(VOCABULARY, NgramUnit::Word, &pipeline.features.words)?;
        let characters = (pipeline.features.characters.as_ref())
            .map(|settings| vectorizer(CHARACTER_VOCABULARY, NgramUnit::Character, settings))
            .transpose()?;
        let vectorizer = FeatureUnion::new(words, characters);
        let (linear, second_stage) =
            parse_weights(&take(WEIGHTS)?, manifest.labels.len(), &vectorizer, &pipeline)
                .map_err(|reason| invalid(WEIGHTS, reason))?;
        let user_dictionary =
            UserDictionary::parse(&text(USER_DICTIONARY, take(USER_DICTIONARY)?)?)
                .map_err(|e| invalid(USER_DICTIONARY, e.to_string()))?;
        let stop_words = StopWords::parse(&text(STOP_WORDS, take(STOP_WORDS)?)?)
            .map_err(|e| invalid(STOP_WORDS, e.to_string()))?;
        take(Self::CARD)?;
        let decisions: DecisionPolicy = if manifest.format_version >= DECISIONS_SINCE {
            serde_json::from_slice(&take(DECISIONS)?)
                .map_err(|e| invalid(DECISIONS, e.to_string()))?
        } else {
            DecisionPolicy { training_shares: manifest.data.shares(), ..DecisionPolicy::default() }
        };
        (decisions.check(manifest.labels.len())).map_err(|e| invalid(DECISIONS, e.to_string()))?;
        let out_of_fold = (manifest.files.contains_key(OUT_OF_FOLD))
            .then(|| {
                OutOfFold::parse(&text(OUT_OF_FOLD, take(OUT_OF_FOLD)?)?, &manifest.labels)
                    .map_err(|reason| invalid(OUT_OF_FOLD, reason))
            })
            .transpose()?;
        Ok(Self {
            manifest,
            segmenter_fingerprint: pipeline.segmenter_fingerprint,
            text: pipeline.text,
            vectorizer,
            features: pipeline.features,
            linear,
            second_stage,
            decisions,
            out_of_fold,
            user_dictionary,
            stop_words,
        })
    }
}

/// Reads the manifest of a version folder, and nothing else of it.
///
/// # Errors
///
/// There is none, it cannot be read, or its format version is not known.
pub fn read_manifest(folder: &Path) -> Result<Manifest, ModelError> {
    let path = folder.join(Manifest::FILE);
    let bytes = read_file(&path)?;
    let invalid =
        |e: serde_json::Error| ModelError::Invalid { path: path.clone(), reason: e.to_string() };
    let value: serde_json::Value = serde_json::from_slice(&bytes).map_err(invalid)?;
    match value.get("format_version").and_then(serde_json::Value::as_u64) {
        Some(1..=NEWEST_FORMAT) => {}
        Some(found) => return Err(ModelError::FormatVersion { path, found }),
        None => {
            return Err(ModelError::Invalid {
                path,
                reason: "expected a whole number `format_version`".to_owned(),
            });
        }
    }
    serde_json::from_value(value).map_err(invalid)
}

fn read_file(path: &Path) -> Result<Vec<u8>, ModelError> {
    fs::read(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => ModelError::Missing(path.to_owned()),
        _ => ModelError::Read { path: path.to_owned(), source },
    })
}

fn read_verified(folder: &Path, name: &str, expected: &FileDigest) -> Result<Vec<u8>, ModelError> {
    // A manifest names files of its own folder and nothing else.
    if Path::new(name).file_name().is_none_or(|plain| plain != name) {
        return Err(ModelError::Invalid {
            path: folder.join(Manifest::FILE),
            reason: format!("`{name}` is not a plain file name"),
        });
    }
    let path = folder.join(name);
    let bytes = read_file(&path)?;
    let found = FileDigest::of(&bytes);
    if found.bytes != expected.bytes {
        return Err(ModelError::Size { path, expected: expected.bytes, found: found.bytes });
    }
    if found.sha256 != expected.sha256 {
        return Err(ModelError::Digest {
            path,
            expected: expected.sha256.clone(),
            found: found.sha256,
        });
    }
    Ok(bytes)
}

fn pretty_json<T: serde::Serialize>(file: &str, value: &T) -> Result<Vec<u8>, ModelError> {
    let mut bytes = serde_json::to_vec_pretty(value)
        .map_err(|e| ModelError::Invalid { path: file.into(), reason: e.to_string() })?;
    bytes.push(b'\n');
    Ok(bytes)
}
