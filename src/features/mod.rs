//! From terms to a sparse TF-IDF vector: vocabulary, document frequencies, weighting.
//!
//! The definition is scikit-learn's `TfidfVectorizer`, to within rounding. This room knows no
//! labels.

mod ngrams;
mod sparse;
mod tfidf;
mod vocabulary;
mod vocabulary_builder;
mod words;

pub use sparse::{SparseMatrix, SparseRow};
pub use tfidf::{FeatureSettings, TermFrequency, TfidfVectorizer, VectorizerScratch};
pub use vocabulary::{
    DocumentFrequencyBound, TermId, Vocabulary, VocabularyError, VocabularyLimits,
};
pub use vocabulary_builder::VocabularyBuilder;
