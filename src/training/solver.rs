//! One trait for the solvers, and what it gives.

use clap::ValueEnum;
use linfa::dataset::DatasetBase;
use ndarray::Array1;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::linfa_solver::LinfaSolver;
use super::objective::ObjectiveValue;
use super::sparse_solver::SparseSolver;
use crate::features::SparseMatrix;
use crate::model::{ClassIndex, LinearModel};

/// Vectors with their classes: linfa's dataset, with our sparse matrix as its records.
pub type SparseDataset = DatasetBase<SparseMatrix, Array1<ClassIndex>>;

/// Which solver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum SolverKind {
    /// L-BFGS over sparse rows: fast, and of any vocabulary.
    Sparse,
    /// `linfa_logistic` on a dense matrix: the reference.
    Linfa,
}

/// How a model is fitted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SolverSettings {
    /// Which solver.
    pub solver: SolverKind,
    /// The inverse strength of the L2 penalty, scikit-learn's *C*; linfa's `alpha` is 1/*C*.
    pub c: f64,
    /// Fitting ends when the gradient's norm, divided by the number of comments, is below this.
    pub tolerance: f64,
    /// … or after so many iterations.
    pub max_iterations: u64,
    /// The most memory that a dense matrix may take, in bytes.
    #[serde(skip, default = "SolverSettings::default_memory_budget")]
    pub memory_budget: u64,
}

impl SolverSettings {
    /// 4 GiB.
    #[must_use]
    pub fn default_memory_budget() -> u64 {
        4 << 30
    }

    /// The strength of the penalty, α = 1/*C*.
    #[must_use]
    pub fn alpha(&self) -> f64 {
        1.0 / self.c
    }
}

impl Default for SolverSettings {
    fn default() -> Self {
        Self {
            solver: SolverKind::Sparse,
            c: 10.0,
            tolerance: 1e-4,
            max_iterations: 1000,
            memory_budget: Self::default_memory_budget(),
        }
    }
}

/// Why a model cannot be fitted.
#[derive(Debug, Error)]
pub enum SolverError {
    /// A setting is out of range.
    #[error("{name} must be {expected}, not {found}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// What it may be.
        expected: &'static str,
        /// What it is.
        found: f64,
    },
    /// A class is not among the rows, or a row's class is out of range.
    #[error("expected rows of all {classes} labels, found rows of {found}")]
    Classes {
        /// How many labels there are.
        classes: usize,
        /// How many of them have rows.
        found: usize,
    },
    /// The dense matrix would be over the memory budget.
    #[error(
        "the dense matrix of {rows} comments × {columns} terms would take {} MiB, over the budget \
         of {} MiB: use the sparse solver, or raise the budget", needed >> 20, budget >> 20
    )]
    OverBudget {
        /// Rows of the matrix.
        rows: usize,
        /// Columns of the matrix.
        columns: usize,
        /// Bytes it would take.
        needed: u64,
        /// Bytes it may take.
        budget: u64,
    },
    /// Rows have weights, and the solver knows none.
    #[error("linfa-logistic knows no weights of rows: use the sparse solver")]
    Weights,
    /// The optimiser gave up.
    #[error("the optimiser gave up: {0}")]
    Optimizer(String),
    /// linfa refused the data.
    #[error(transparent)]
    Linfa(#[from] linfa::Error),
    /// linfa-logistic refused the data or the settings.
    #[error(transparent)]
    LinfaLogistic(#[from] linfa_logistic::error::Error),
}

/// A model and how it was come by.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedModel {
    /// The model.
    pub model: LinearModel,
    /// Iterations taken, where the solver tells.
    pub iterations: Option<u64>,
    /// The objective at the model.
    pub objective: ObjectiveValue,
    /// Whether the tolerance was reached.
    pub converged: bool,
}

/// Fits a linear model to sparse data.
pub trait Solver: Sync {
    /// Fits a model that tells the classes 0 … `classes` − 1 apart.
    ///
    /// # Errors
    ///
    /// Data or settings it cannot work with: see [`SolverError`].
    fn fit(&self, dataset: &SparseDataset, classes: usize) -> Result<FittedModel, SolverError>;

    /// Fits a model for each inverse strength of the penalty in `cs`, in place of that of the
    /// settings.
    ///
    /// # Errors
    ///
    /// As [`fit`](Self::fit).
    fn fit_path(
        &self,
        dataset: &SparseDataset,
        classes: usize,
        cs: &[f64],
    ) -> Result<Vec<FittedModel>, SolverError>;
}

/// The solver that `settings` name.
///
/// # Errors
///
/// A setting out of range.
pub fn make_solver(settings: SolverSettings) -> Result<Box<dyn Solver>, SolverError> {
    let setting = |name, expected, found| Err(SolverError::Setting { name, expected, found });
    if !(settings.c.is_finite() && settings.c > 0.0) {
        return setting("C", "a positive number", settings.c);
    }
    if !(settings.tolerance.is_finite() && settings.tolerance > 0.0) {
        return setting("the tolerance", "a positive number", settings.tolerance);
    }
    if settings.max_iterations == 0 {
        return setting("the number of iterations", "at least 1", 0.0);
    }
    Ok(match settings.solver {
        SolverKind::Sparse => Box::new(SparseSolver::new(settings)),
        SolverKind::Linfa => Box::new(LinfaSolver::new(settings)),
    })
}

/// Refuses data in which a class has no row.
pub(super) fn check_classes(targets: &[ClassIndex], classes: usize) -> Result<(), SolverError> {
    let mut rows = vec![0_usize; classes];
    for &class in targets {
        match rows.get_mut(class) {
            Some(count) => *count += 1,
            None => {
                return Err(SolverError::Classes { classes, found: class + 1 });
            }
        }
    }
    let found = rows.iter().filter(|&&count| count > 0).count();
    if found == classes { Ok(()) } else { Err(SolverError::Classes { classes, found }) }
}

/// The weights of the rows, if they have any: a weight of 2 counts a row twice, one of 0 leaves
/// it out.
pub(super) fn row_weights<R, T>(dataset: &DatasetBase<R, T>) -> Result<Vec<f64>, SolverError>
where
    R: linfa::dataset::Records,
{
    let weights: Vec<f64> =
        dataset.weights().unwrap_or_default().iter().map(|&weight| f64::from(weight)).collect();
    match weights.iter().find(|weight| !(weight.is_finite() && **weight >= 0.0)) {
        Some(&found) => {
            let (name, expected) = ("the weight of a row", "a number, 0 or more");
            Err(SolverError::Setting { name, expected, found })
        }
        None => Ok(weights),
    }
}

/// `dataset` with weights of its rows, if there are any.
pub(super) fn with_weights(dataset: SparseDataset, weights: Option<Array1<f32>>) -> SparseDataset {
    match weights {
        Some(weights) => dataset.with_weights(weights),
        None => dataset,
    }
}
