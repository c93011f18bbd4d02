//! The reference: `linfa_logistic` on a dense matrix.

use linfa::dataset::DatasetBase;
use linfa::traits::Fit;
use linfa_logistic::MultiLogisticRegression;
use ndarray::Array2;

use super::objective::ObjectiveValue;
use super::solver::{
    FittedModel, Solver, SolverError, SolverSettings, SparseDataset, check_classes, row_weights,
};
use crate::features::SparseMatrix;
use crate::model::LinearModel;

/// Fits by [`MultiLogisticRegression`]. Its matrix is dense: 8 bytes for each comment and term.
#[derive(Debug, Clone, Copy)]
pub struct LinfaSolver {
    settings: SolverSettings,
}

impl LinfaSolver {
    /// A solver with settings that [`make_solver`](super::make_solver) has checked.
    pub(super) fn new(settings: SolverSettings) -> Self {
        Self { settings }
    }

    fn dense(&self, matrix: &SparseMatrix) -> Result<Array2<f64>, SolverError> {
        let (rows, columns) = (matrix.rows(), matrix.columns());
        let needed = (rows as u64).saturating_mul(columns as u64).saturating_mul(8);
        let budget = self.settings.memory_budget;
        if needed > budget {
            return Err(SolverError::OverBudget { rows, columns, needed, budget });
        }
        let mut dense = Array2::zeros((rows, columns));
        for row in 0..rows {
            let (ids, values) = matrix.row(row);
            for (&id, &value) in ids.iter().zip(values) {
                dense[(row, id as usize)] = value;
            }
        }
        Ok(dense)
    }
}

impl Solver for LinfaSolver {
    fn fit(&self, dataset: &SparseDataset, classes: usize) -> Result<FittedModel, SolverError> {
        let (matrix, targets) = (dataset.records(), dataset.targets());
        let classes_of_rows = targets.to_vec();
        check_classes(&classes_of_rows, classes)?;
        if !row_weights(dataset)?.is_empty() {
            return Err(SolverError::Weights);
        }
        let rows = matrix.rows() as f64;
        let dense = DatasetBase::new(self.dense(matrix)?, targets.clone());
        let fitted = MultiLogisticRegression::default()
            .alpha(self.settings.alpha())
            .gradient_tolerance(self.settings.tolerance * rows)
            .max_iterations(self.settings.max_iterations)
            .fit(&dense)?;
        // All classes have rows, so linfa's sorted classes are 0 … classes − 1.
        let weights = fitted.params().iter().copied().collect();
        let model = LinearModel::new(weights, fitted.intercept().to_vec())
            .ok_or(SolverError::Classes { classes, found: fitted.classes().len() })?;
        let objective = ObjectiveValue::of(matrix, &classes_of_rows, &model, self.settings.alpha());
        Ok(FittedModel {
            model,
            iterations: None,
            objective,
            converged: objective.gradient_norm <= self.settings.tolerance * rows,
        })
    }

    fn fit_path(
        &self,
        dataset: &SparseDataset,
        classes: usize,
        cs: &[f64],
    ) -> Result<Vec<FittedModel>, SolverError> {
        let with_c = |&c| Self::new(SolverSettings { c, ..self.settings }).fit(dataset, classes);
        cs.iter().map(with_c).collect()
    }
}
