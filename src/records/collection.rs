//! All reviews of some inputs at once, for training and evaluation.

use std::path::PathBuf;

use thiserror::Error;

use super::input::{InputError, InputMeter, InputOptions};
use super::reader::{FieldNames, Review, ReviewReader};
use super::refusal::Refusal;

/// Size and digest of an input that was read whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputDigest {
    /// The file's name without its folders, or `-`; of a database its kind and name.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its SHA-256 digest; of a database that of what the query gave, as JSON lines: an array of
    /// the columns' names, then one of each row's values as text.
    pub sha256: [u8; 32],
}

/// Why a collection cannot be read.
#[derive(Debug, Error)]
pub enum CollectionError {
    /// An input cannot be read.
    #[error(transparent)]
    Input(#[from] InputError),
    /// Some records are no reviews. Labelled data is to be mended, not guessed at.
    #[error("{count} of {read} records cannot be used; the first: {first}")]
    Refused {
        /// How many records were refused.
        count: usize,
        /// How many records were read.
        read: usize,
        /// The first of them.
        first: Refusal,
    },
}

/// The reviews of some inputs, in their order.
#[derive(Debug, Clone)]
pub struct ReviewCollection {
    /// The reviews.
    pub reviews: Vec<Review>,
    /// What was read.
    pub inputs: Vec<InputDigest>,
}

impl ReviewCollection {
    /// Reads all of `paths`, of which each may be the address of a database.
    ///
    /// # Errors
    ///
    /// An input that cannot be read, or a record that is no review.
    pub fn read(
        paths: &[PathBuf],
        options: &InputOptions,
        fields: &FieldNames,
    ) -> Result<Self, CollectionError> {
        let mut collection = Self { reviews: Vec::new(), inputs: Vec::new() };
        let mut refused = Vec::new();
        for path in paths {
            let meter = InputMeter::with_digest();
            let mut reader = ReviewReader::open(path, options, fields.clone(), &meter)?;
            for record in reader.by_ref() {
                match record? {
                    Ok(review) => collection.reviews.push(review),
                    Err(refusal) => refused.push(refusal),
                }
            }
            collection.inputs.push(InputDigest {
                name: reader.short_name().to_owned(),
                bytes: meter.bytes(),
                sha256: meter.sha256().unwrap_or_default(),
            });
        }
        let count = refused.len();
        match refused.into_iter().next() {
            None => Ok(collection),
            Some(first) => {
                let read = collection.reviews.len() + count;
                Err(CollectionError::Refused { count, read, first })
            }
        }
    }
}
