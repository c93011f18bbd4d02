//! A path of penalties, and weights of rows.

use linfa::dataset::DatasetBase;
use ndarray::Array1;
use postloan::features::{SparseMatrix, SparseRow};
use postloan::training::{
    FittedModel, SolverError, SolverKind, SolverSettings, SparseDataset, make_solver,
};

const CLASSES: usize = 3;

/// Rows whose terms depend on their class, with some noise; row `i` stands `copies(i)` times.
fn dataset(copies: impl Fn(usize) -> usize) -> SparseDataset {
    let mut random = fastrand::Rng::with_seed(7);
    let mut matrix = SparseMatrix::with_columns(30);
    let mut targets = Vec::new();
    for number in 0..90 {
        let class = number % CLASSES;
        let mut row = SparseRow::default();
        for term in 0..30 {
            if random.f64() < if term % CLASSES == class { 0.4 } else { 0.2 } {
                row.push(term as u32, 0.5 + random.f64());
            }
        }
        row.normalize();
        for _ in 0..copies(number) {
            matrix.push_row(&row);
            targets.push(class);
        }
    }
    DatasetBase::new(matrix, Array1::from(targets))
}

fn settings(c: f64) -> SolverSettings {
    SolverSettings { c, tolerance: 1e-7, ..SolverSettings::default() }
}

fn fit(dataset: &SparseDataset, c: f64) -> FittedModel {
    make_solver(settings(c)).unwrap().fit(dataset, CLASSES).unwrap()
}

fn assert_close(a: &FittedModel, b: &FittedModel) {
    assert!(a.converged && b.converged);
    for (a, b) in a.model.weights().iter().zip(b.model.weights()) {
        assert!((a - b).abs() < 1e-4, "{a} and {b}");
    }
}

#[test]
fn a_path_ends_where_single_fits_end() {
    let dataset = dataset(|_| 1);
    let cs = [0.1, 1.0, 10.0];
    for solver in [SolverKind::Sparse, SolverKind::Linfa] {
        let solver = make_solver(SolverSettings { solver, ..settings(1.0) }).unwrap();
        let path = solver.fit_path(&dataset, CLASSES, &cs).unwrap();
        assert_eq!(path.len(), cs.len());
        for (fitted, c) in path.iter().zip(cs) {
            assert_close(fitted, &fit(&dataset, c));
        }
    }
}

#[test]
fn a_row_of_weight_two_counts_as_two_rows_and_one_of_zero_as_none() {
    let copies = |row: usize| [1, 2, 0, 1][row % 4];
    let weights: Array1<f32> = (0..90).map(|row| copies(row) as f32).collect();
    let weighted = fit(&dataset(|_| 1).with_weights(weights), 1.0);
    assert_close(&weighted, &fit(&dataset(copies), 1.0));
}

#[test]
fn weights_that_cannot_be_are_refused() {
    let weights = Array1::from_elem(90, -1.0);
    let negative = dataset(|_| 1).with_weights(weights);
    let refused = make_solver(settings(1.0)).unwrap().fit(&negative, CLASSES);
    assert!(matches!(refused, Err(SolverError::Setting { .. })));
    let weighted = dataset(|_| 1).with_weights(Array1::from_elem(90, 2.0));
    let linfa = SolverSettings { solver: SolverKind::Linfa, ..settings(1.0) };
    let refused = make_solver(linfa).unwrap().fit(&weighted, CLASSES);
    assert!(matches!(refused, Err(SolverError::Weights)));
}
