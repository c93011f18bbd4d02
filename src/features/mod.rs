//! From terms to a sparse TF-IDF vector: vocabulary, document frequencies, weighting.
//!
//! The definition is scikit-learn's `TfidfVectorizer`, to within rounding. This room knows no
//! labels.

mod sparse;
mod tfidf;
mod vocabulary;
mod words;

pub use sparse::{SparseMatrix, SparseRow};
pub use tfidf::{FeatureSettings, TermFrequency, TfidfVectorizer, VectorizerScratch};
pub use vocabulary::{
    DocumentFrequencyBound, TermId, Vocabulary, VocabularyBuilder, VocabularyError,
    VocabularyLimits,
};
