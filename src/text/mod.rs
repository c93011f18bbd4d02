//! From a comment to its terms: normalise, hide what points at a person, put quantities into buckets, segment, mark what is
//! denied, drop what carries no meaning.
//!
//! This room knows no weights and imports nothing of ours. An [`Analyzer`] is immutable and
//! shared; an [`AnalyzedText`] owns the buffers of one analysis and is reused.

mod alignment;
mod analyzer;
mod boundaries;
mod character_kinds;
mod dictionary;
mod first_characters;
mod hypotheticals;
mod identifiers;
mod marks;
mod name_words;
mod names;
mod negation;
mod normalization;
mod privacy;
mod quantities;
mod rewriting;
mod segmenter;
mod sentences;
mod settings;
mod symbols;
mod trends;

pub use analyzer::{AnalyzedText, Analyzer, CharacterPlaces, Units};
pub use dictionary::{DictionaryError, StopWords, UserDictionary};
pub use normalization::NormalizedText;
pub use segmenter::Segmenter;
pub use sentences::SentenceEnd;
pub use settings::TextSettings;
pub use symbols::{parse_symbols, readable};
