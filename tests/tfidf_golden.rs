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
    rows: Vec<Vec<(usize, f64)>>,
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
                max_skip: 0,
                min_df: bound(&case.min_df),
                max_df: bound(&case.max_df),
                max_terms: case.max_features,
            },
            term_frequency: if case.sublinear_tf {
                TermFrequency::Sublinear
            } else {
                TermFrequency::Raw
            },
            idf_power: 1.0,
        };
        let documents = golden.documents.iter().map(|words| words.iter().map(String::as_str));
        let vectorizer = TfidfVectorizer::fit(NgramUnit::Word, &settings, documents).unwrap();
        // scikit-learn orders terms by their characters, postloan by how common they are.
        let vocabulary = vectorizer.vocabulary();
        let mut terms: Vec<&str> = vocabulary.terms().map(|(term, _)| term).collect();
        terms.sort_unstable();
        assert_eq!(terms, case.vocabulary);

        let mut scratch = VectorizerScratch::default();
        let mut row = SparseRow::default();
        for (query, expected) in golden.queries.iter().zip(&case.rows) {
            vectorizer.transform(query.iter().map(String::as_str), &mut scratch, &mut row);
            assert_eq!(row.len(), expected.len(), "{query:?}");
            let mut values: Vec<(&str, f64)> =
                row.iter().map(|(id, value)| (vocabulary.term(id), value)).collect();
            values.sort_unstable_by_key(|&(term, _)| term);
            for ((term, value), &(place, expected_value)) in values.into_iter().zip(expected) {
                assert_eq!(term, case.vocabulary[place], "{query:?}");
                assert!((value - expected_value).abs() < 1e-6, "{query:?}: {value}");
            }
        }
    }
}
