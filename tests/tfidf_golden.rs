//! TF-IDF against scikit-learn's, from a golden file that `tests/golden/make_tfidf.py` made.

use postloan::features::{
    DocumentFrequencyBound, FeatureSettings, SparseRow, TermFrequency, TfidfVectorizer,
    VectorizerScratch, VocabularyLimits,
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
        let settings = FeatureSettings {
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
        let vectorizer = TfidfVectorizer::fit(&settings, documents).unwrap();
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

#[test]
fn a_matrix_holds_the_rows_of_its_documents_in_order() {
    let golden: Golden = serde_json::from_str(include_str!("golden/tfidf.json")).unwrap();
    let settings = FeatureSettings {
        vocabulary: VocabularyLimits {
            max_ngram: 2,
            min_df: DocumentFrequencyBound::Documents(1),
            max_df: DocumentFrequencyBound::Share(1.0),
            max_terms: None,
        },
        term_frequency: TermFrequency::Sublinear,
    };
    #[expect(clippy::ptr_arg, reason = "it is called with the items of a slice of documents")]
    fn words(document: &Vec<String>) -> impl Iterator<Item = &str> {
        document.iter().map(String::as_str)
    }
    let vectorizer = TfidfVectorizer::fit(&settings, golden.documents.iter().map(words)).unwrap();
    let matrix = vectorizer.matrix(&golden.queries, words);
    assert_eq!(matrix.rows(), golden.queries.len());
    let mut scratch = VectorizerScratch::default();
    let mut row = SparseRow::default();
    for (number, query) in golden.queries.iter().enumerate() {
        vectorizer.transform(words(query), &mut scratch, &mut row);
        let (ids, values) = matrix.row(number);
        assert!(row.iter().eq(ids.iter().copied().zip(values.iter().copied())));
    }
}
