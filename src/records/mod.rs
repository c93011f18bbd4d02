//! Reading reviews and writing predictions: CSV and JSON lines. This room knows no model.

mod collection;
mod decoding;
mod framing;
mod input;
mod output;
mod reader;
mod refusal;

pub use collection::{CollectionError, InputDigest, ReviewCollection};
pub use input::{InputError, RecordFormat, ReviewInput, open_input};
pub use output::{OutputFile, PredictionColumns, PredictionRow, PredictionWriter, RefusalWriter};
pub use reader::{FieldNames, Review, ReviewReader};
pub use refusal::{Refusal, RefusalReason};
