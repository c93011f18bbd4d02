//! From terms to a sparse TF-IDF vector: vocabularies of words and of characters, document
//! frequencies, weighting.
//!
//! The definition is scikit-learn's `TfidfVectorizer`, to within rounding. This room knows no
//! labels.

mod counts;
mod ngrams;
mod occurrences;
mod sparse;
mod tfidf;
mod union;
mod vocabulary;
mod vocabulary_builder;
mod words;

pub use sparse::{SparseMatrix, SparseRow};
pub use tfidf::{RepeatedTerm, TermFrequency, TfidfVectorizer, VectorizerScratch, ViewSettings};
pub use union::{FeatureSettings, FeatureUnion, SentenceTerms, UnionScratch};
pub use vocabulary::{
    DocumentFrequencyBound, NgramUnit, TermId, Vocabulary, VocabularyError, VocabularyLimits,
};
pub use vocabulary_builder::VocabularyBuilder;
