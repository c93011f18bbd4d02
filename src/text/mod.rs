//! From a comment to its terms: normalise, segment, drop what carries no meaning.
//!
//! This room knows no numbers and imports nothing of ours. An [`Analyzer`] is immutable and
//! shared; an [`AnalyzedText`] owns the buffers of one analysis and is reused.

mod analyzer;
mod dictionary;
mod normalization;
mod segmenter;

pub use analyzer::{AnalyzedText, Analyzer, Terms};
pub use dictionary::{DictionaryError, StopWords, UserDictionary};
pub use normalization::NormalizedText;
pub use segmenter::Segmenter;
