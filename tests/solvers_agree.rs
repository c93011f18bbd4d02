//! Both solvers give the same model, on the shipped corpus and on other numbers of labels.
//! `tests/python/test_scikit_learn.py` adds scikit-learn as the third.

mod common;

use std::path::PathBuf;

use linfa::dataset::DatasetBase;
use ndarray::Array1;
use postloan::features::{
    DocumentFrequencyBound, FeatureSettings, FeatureUnion, SparseMatrix, SparseRow, TermFrequency,
    ViewSettings, VocabularyLimits,
};
use postloan::model::{LabelSet, Prediction};
use postloan::records::{FieldNames, InputOptions, ReviewCollection};
use postloan::text::{AnalyzedText, Analyzer, Segmenter, StopWords, TextSettings, UserDictionary};
use postloan::training::{
    FittedModel, SolverError, SolverKind, SolverSettings, SparseDataset, make_solver,
};

/// The corpus as vectors of its 2,000 most frequent words.
fn corpus() -> SparseDataset {
    let fields = FieldNames {
        id: None,
        text: "text".to_owned(),
        required: vec!["label".to_owned()],
        optional: Vec::new(),
    };
    let reviews =
        ReviewCollection::read(&[PathBuf::from(common::CORPUS)], &InputOptions::default(), &fields)
            .unwrap();
    let segmenter = Segmenter::new(&UserDictionary::banking().unwrap());
    let analyzer = Analyzer::new(segmenter, StopWords::default(), TextSettings::PLAIN);
    let comments: Vec<AnalyzedText> =
        reviews.reviews.iter().map(|review| analyzer.analyzed(&review.text)).collect();
    let words = ViewSettings {
        vocabulary: VocabularyLimits {
            max_ngram: 1,
            max_skip: 0,
            min_df: DocumentFrequencyBound::Documents(1),
            max_df: DocumentFrequencyBound::Share(1.0),
            max_terms: Some(2000),
        },
        term_frequency: TermFrequency::Sublinear,
        idf_power: 1.0,
    };
    let comments: Vec<&AnalyzedText> = comments.iter().collect();
    let features = FeatureSettings { words, characters: None };
    let vectorizer = FeatureUnion::fit(&features, &comments).unwrap();
    let matrix = vectorizer.matrix(&comments);
    let labels = LabelSet::post_loan();
    let targets: Array1<usize> = reviews
        .reviews
        .iter()
        .map(|review| labels.class_of(&review.required[0]).unwrap())
        .collect();
    DatasetBase::new(matrix, targets)
}

fn fit(dataset: &SparseDataset, classes: usize, settings: SolverSettings) -> FittedModel {
    make_solver(settings).unwrap().fit(dataset, classes).unwrap()
}

fn assert_same(dataset: &SparseDataset, classes: usize, settings: SolverSettings) {
    let sparse = fit(dataset, classes, SolverSettings { solver: SolverKind::Sparse, ..settings });
    let linfa = fit(dataset, classes, SolverSettings { solver: SolverKind::Linfa, ..settings });
    assert!(sparse.converged && linfa.converged, "{sparse:?}");
    let difference = (sparse.objective.value - linfa.objective.value) / linfa.objective.value;
    assert!(difference.abs() < 1e-5, "objectives differ by {difference}");

    let mut row = SparseRow::default();
    let (mut one, mut other) = (Vec::new(), Vec::new());
    for number in 0..dataset.records().rows() {
        row.clear();
        let (ids, values) = dataset.records().row(number);
        ids.iter().zip(values).for_each(|(&id, &value)| row.push(id, value));
        sparse.model.scores(&row, &mut one);
        linfa.model.scores(&row, &mut other);
        let one = Prediction::from_scores(&one).probabilities;
        let other = Prediction::from_scores(&other).probabilities;
        for (a, b) in one.iter().zip(&other) {
            assert!((a - b).abs() < 1e-3, "row {number}: {one:?} and {other:?}");
        }
    }
    // At the minimum a term's weights sum to zero over the classes: a contribution tells what a
    // term does for one label against the mean of all.
    for term in 0..dataset.records().columns() {
        let sum: f64 = sparse.model.weights_of(term as u32).iter().sum();
        assert!(sum.abs() < 1e-6, "term {term}: {sum}");
    }
}

#[test]
fn on_the_corpus_with_2000_words_both_solvers_give_the_same_model() {
    let settings = SolverSettings { tolerance: 1e-6, ..SolverSettings::default() };
    assert_same(&corpus(), 3, settings);
}

/// A small problem of `classes` classes: each has a term of its own, and all share some.
fn small(classes: usize) -> SparseDataset {
    let mut matrix = SparseMatrix::with_columns(classes + 3);
    let mut targets = Vec::new();
    for number in 0..12 * classes {
        let class = number % classes;
        let mut row = SparseRow::default();
        let own = if number % 7 == 0 { (class + 1) % classes } else { class };
        row.push(own as u32, 1.0);
        row.push((classes + number % 3) as u32, 0.5 + (number % 5) as f64 / 10.0);
        row.normalize();
        matrix.push_row(&row);
        targets.push(class);
    }
    DatasetBase::new(matrix, Array1::from(targets))
}

#[test]
fn with_two_four_and_fifty_labels_both_solvers_give_the_same_model() {
    for (classes, c) in [(2, 1.0), (4, 100.0), (50, 0.1)] {
        let settings = SolverSettings { c, tolerance: 1e-7, ..SolverSettings::default() };
        assert_same(&small(classes), classes, settings);
    }
}

#[test]
fn the_linfa_solver_refuses_a_matrix_over_the_budget_and_names_the_alternative() {
    let settings = SolverSettings {
        solver: SolverKind::Linfa,
        memory_budget: 1000,
        ..SolverSettings::default()
    };
    let error = make_solver(settings).unwrap().fit(&small(3), 3).unwrap_err();
    assert!(matches!(
        error,
        SolverError::OverBudget { rows: 36, columns: 6, needed: 1728, budget: 1000 }
    ));
    let sentence = error.to_string();
    assert!(sentence.contains("36 comments × 6 terms") && sentence.contains("sparse solver"));
}

#[test]
fn settings_and_data_that_cannot_be_are_refused() {
    let defaults = SolverSettings::default();
    for settings in [
        SolverSettings { c: 0.0, ..defaults },
        SolverSettings { c: f64::NAN, ..defaults },
        SolverSettings { tolerance: -1.0, ..defaults },
        SolverSettings { max_iterations: 0, ..defaults },
    ] {
        assert!(matches!(make_solver(settings), Err(SolverError::Setting { .. })));
    }
    let solver = make_solver(defaults).unwrap();
    let error = solver.fit(&small(3), 4).unwrap_err();
    assert!(matches!(error, SolverError::Classes { classes: 4, found: 3 }), "{error}");
}
