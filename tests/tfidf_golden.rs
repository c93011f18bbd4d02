//! TF-IDF against scikit-learn's, from a golden file that `tests/golden/make_tfidf.py` made.

use postloan::features::{
    DocumentFrequencyBound, NgramUnit, SparseRow, TermFrequency, TfidfVectorizer,
    VectorizerScratch, ViewSettings, VocabularyLimits,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    documents: Vec<Vec<String>>,
    queries: Vec<Vec<String>>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    max_ngram: usize,
    min_df: serde_json::Number,
    max_df: serde_json::Number,
    max_features: Option<usize>,
    sublinear_tf: bool,
    vocabulary: Vec<String>,
    rows: Vec<Vec<(u32, f64)>>,
}

fn bound(number: &serde_json::Number) -> DocumentFrequencyBound {
    match number.as_u64() {
        Some(documents) => DocumentFrequencyBound::Documents(documents as u32),
        None => DocumentFrequencyBound::Share(number.as_f64().unwrap()),
    }
}

#[test]
fn vocabulary_and_vectors_equal_those_of_scikit_learn() {
    let golden: Golden = serde_json::from_str(include_str!("golden/tfidf.json")).unwrap();
    for case in &golden.cases {
        let settings = ViewSettings {
            vocabulary: VocabularyLimits {
                max_ngram: case.max_ngram,
                min_df: bound(&case.min_df),
                max_df: bound(&case.max_df),
                max_terms: case.max_features,
            },
            term_frequency: if case.sublinear_tf {
                TermFrequency::Sublinear
            } else {
                TermFrequency::Raw
            },
        };
        let documents = golden.documents.iter().map(|words| words.iter().map(String::as_str));
        let vectorizer = TfidfVectorizer::fit(NgramUnit::Word, &settings, documents).unwrap();
        let terms: Vec<&str> = vectorizer.vocabulary().terms().map(|(term, _)| term).collect();
        assert_eq!(terms, case.vocabulary);

        let mut scratch = VectorizerScratch::default();
        let mut row = SparseRow::default();
        for (query, expected) in golden.queries.iter().zip(&case.rows) {
            vectorizer.transform(query.iter().map(String::as_str), &mut scratch, &mut row);
            assert_eq!(row.len(), expected.len(), "{query:?}");
            for ((id, value), &(expected_id, expected_value)) in row.iter().zip(expected) {
                assert_eq!(id, expected_id, "{query:?}");
                assert!((value - expected_value).abs() < 1e-6, "{query:?}: {value}");
            }
        }
    }
}
