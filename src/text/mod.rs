//! From a comment to its terms: normalise, put quantities into buckets, segment, mark what is
//! denied, drop what carries no meaning.
//!
//! This room knows no weights and imports nothing of ours. An [`Analyzer`] is immutable and
//! shared; an [`AnalyzedText`] owns the buffers of one analysis and is reused.

mod alignment;
mod analyzer;
mod dictionary;
mod negation;
mod normalization;
mod quantities;
mod segmenter;
mod sentences;
mod settings;
mod symbols;

pub use analyzer::{AnalyzedText, Analyzer, CharacterPlaces, Units};
pub use dictionary::{DictionaryError, StopWords, UserDictionary};
pub use normalization::NormalizedText;
pub use segmenter::Segmenter;
pub use sentences::SentenceEnd;
pub use settings::TextSettings;
pub use symbols::{parse_symbols, readable};
