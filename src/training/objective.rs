//! What training minimises, and the sparse products it needs.
//!
//! With *n* comments, weights *W* and intercept *b*, the objective is
//!
//! > *F*(*W*, *b*) = Σᵢ −ln softmax(*W*ᵀxᵢ + *b*)\[yᵢ\] + α/2 ‖*W*‖²
//!
//! which is that of `linfa_logistic::MultiLogisticRegression`, and scikit-learn's
//! `LogisticRegression` times *C* with α = 1/*C*. The intercept is not penalised.

use rayon::prelude::*;

use crate::features::SparseMatrix;
use crate::model::{ClassIndex, LinearModel};

/// Rows that one task computes; fixed, so that sums do not depend on the number of threads.
const ROWS_PER_TASK: usize = 512;

/// The objective at a model, and how far that is from its minimum.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ObjectiveValue {
    /// The objective *F*, in nats over all comments.
    pub value: f64,
    /// The Euclidean norm of its gradient in *W* and *b*.
    pub gradient_norm: f64,
}

/// The class of each row, and its weight.
#[derive(Debug, Clone, Copy)]
pub(super) struct Targets<'a> {
    pub(super) classes: &'a [ClassIndex],
    /// Empty if all rows weigh 1.
    pub(super) weights: &'a [f64],
}

impl<'a> Targets<'a> {
    /// Targets that all weigh 1.
    pub(super) fn unweighted(classes: &'a [ClassIndex]) -> Self {
        Self { classes, weights: &[] }
    }
}

impl ObjectiveValue {
    /// The objective of `model` on the rows of `matrix`, whose classes are `classes`.
    #[must_use]
    pub fn of(
        matrix: &SparseMatrix,
        classes: &[ClassIndex],
        model: &LinearModel,
        alpha: f64,
    ) -> Self {
        let targets = Targets::unweighted(classes);
        Self::with_transposed(matrix, &matrix.transposed(), targets, model, alpha)
    }

    /// As [`of`](Self::of), for those who have the transposed matrix already.
    pub(super) fn with_transposed(
        matrix: &SparseMatrix,
        transposed: &SparseMatrix,
        targets: Targets<'_>,
        model: &LinearModel,
        alpha: f64,
    ) -> Self {
        let width = model.classes();
        let mut residuals = vec![0.0; matrix.rows() * width];
        product(matrix, model.weights(), width, &mut residuals);
        let loss = loss_and_residuals(&mut residuals, model.intercept(), targets);
        let mut gradient = vec![0.0; model.weights().len()];
        product(transposed, &residuals, width, &mut gradient);
        for (slope, weight) in gradient.iter_mut().zip(model.weights()) {
            *slope += alpha * weight;
        }
        let intercept = column_sums(&residuals, width);
        Self {
            value: loss + alpha / 2.0 * dot(model.weights(), model.weights()),
            gradient_norm: (dot(&gradient, &gradient) + dot(&intercept, &intercept)).sqrt(),
        }
    }
}

/// The mean of −ln(probability of the true class) that `model` gives to the rows of `matrix`.
pub(super) fn mean_log_loss(
    matrix: &SparseMatrix,
    classes: &[ClassIndex],
    model: &LinearModel,
) -> f64 {
    let mut scores = vec![0.0; matrix.rows() * model.classes()];
    product(matrix, model.weights(), model.classes(), &mut scores);
    loss_and_residuals(&mut scores, model.intercept(), Targets::unweighted(classes))
        / (matrix.rows() as f64).max(1.0)
}

/// Replaces `product`, of shape (rows, width), by `matrix` × `factor`, where `factor` is of
/// shape (columns, width). Both are row-major.
pub(super) fn product(matrix: &SparseMatrix, factor: &[f64], width: usize, product: &mut [f64]) {
    product.par_chunks_mut(ROWS_PER_TASK * width).enumerate().for_each(|(task, rows)| {
        for (offset, sums) in rows.chunks_exact_mut(width).enumerate() {
            let (ids, values) = matrix.row(task * ROWS_PER_TASK + offset);
            // The usual numbers of labels get loops that the compiler unrolls.
            match width {
                2 => weighted_sum::<2>(ids, values, factor, sums),
                3 => weighted_sum::<3>(ids, values, factor, sums),
                4 => weighted_sum::<4>(ids, values, factor, sums),
                _ => {
                    sums.fill(0.0);
                    for (&id, value) in ids.iter().zip(values) {
                        let row = &factor[id as usize * width..][..width];
                        for (sum, entry) in sums.iter_mut().zip(row) {
                            *sum += value * entry;
                        }
                    }
                }
            }
        }
    });
}

fn weighted_sum<const WIDTH: usize>(ids: &[u32], values: &[f64], factor: &[f64], sums: &mut [f64]) {
    let (rows, _) = factor.as_chunks::<WIDTH>();
    let mut total = [0.0; WIDTH];
    for (&id, value) in ids.iter().zip(values) {
        let row = &rows[id as usize];
        for k in 0..WIDTH {
            total[k] += value * row[k];
        }
    }
    sums.copy_from_slice(&total);
}

/// Turns scores without intercept, of shape (rows, classes), into residuals: probability minus
/// one for the true class, and probability for the others, times the row's weight. Gives the
/// weighted sum of the losses.
pub(super) fn loss_and_residuals(
    scores: &mut [f64],
    intercept: &[f64],
    targets: Targets<'_>,
) -> f64 {
    let width = intercept.len();
    let losses: Vec<f64> = scores
        .par_chunks_mut(ROWS_PER_TASK * width)
        .enumerate()
        .map(|(task, rows)| {
            let first = task * ROWS_PER_TASK;
            let rows = rows.chunks_exact_mut(width).zip(&targets.classes[first..]);
            match targets.weights.get(first..) {
                Some(weights) if !weights.is_empty() => rows
                    .zip(weights)
                    .map(|((row, &class), weight)| {
                        let loss = row_loss_and_residuals(row, intercept, class);
                        row.iter_mut().for_each(|residual| *residual *= weight);
                        weight * loss
                    })
                    .sum(),
                _ => rows.map(|(row, &class)| row_loss_and_residuals(row, intercept, class)).sum(),
            }
        })
        .collect();
    losses.iter().sum()
}

fn row_loss_and_residuals(row: &mut [f64], intercept: &[f64], class: ClassIndex) -> f64 {
    let mut highest = f64::NEG_INFINITY;
    for (score, offset) in row.iter_mut().zip(intercept) {
        *score += offset;
        highest = highest.max(*score);
    }
    let true_score = row[class] - highest;
    let mut sum = 0.0;
    for score in row.iter_mut() {
        *score = (*score - highest).exp();
        sum += *score;
    }
    for probability in row.iter_mut() {
        *probability /= sum;
    }
    row[class] -= 1.0;
    sum.ln() - true_score
}

/// The sum of each column of a row-major matrix of `width` columns.
pub(super) fn column_sums(matrix: &[f64], width: usize) -> Vec<f64> {
    let mut sums = vec![0.0; width];
    for row in matrix.chunks_exact(width) {
        for (sum, entry) in sums.iter_mut().zip(row) {
            *sum += entry;
        }
    }
    sums
}

/// The inner product, summed in eight interleaved parts: a fixed order, and one that the
/// compiler can vectorise.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (a_chunks, a_rest) = a.as_chunks::<8>();
    let (b_chunks, b_rest) = b.as_chunks::<8>();
    let mut parts = [0.0; 8];
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        for lane in 0..8 {
            parts[lane] += a[lane] * b[lane];
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    parts.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::features::SparseRow;

    fn matrix(columns: usize, rows: &[Vec<(u32, f64)>]) -> SparseMatrix {
        let mut matrix = SparseMatrix::with_columns(columns);
        for entries in rows {
            let mut row = SparseRow::default();
            entries.iter().for_each(|&(id, value)| row.push(id, value));
            matrix.push_row(&row);
        }
        matrix
    }

    #[test]
    fn the_objective_of_no_weights_is_that_of_guessing() {
        let matrix = matrix(1, &[vec![(0, 1.0)], vec![]]);
        let model = LinearModel::new(vec![0.0; 2], vec![0.0; 2]).unwrap();
        let objective = ObjectiveValue::of(&matrix, &[0, 1], &model, 1.0);
        assert!((objective.value - 2.0 * 2.0_f64.ln()).abs() < 1e-15);
        // Row 0 pulls its term by ½ each way; the intercepts' slopes cancel.
        assert!((objective.gradient_norm - 0.5_f64.sqrt()).abs() < 1e-15);
    }

    proptest! {
        #[test]
        fn a_product_of_any_width_equals_the_dense_one(
            width in 1_usize..7,
            entries in prop::collection::vec(prop::collection::btree_map(0_u32..5, -2.0..2.0, 0..5), 1..9),
            numbers in prop::collection::vec(-2.0..2.0, 35),
        ) {
            let rows: Vec<Vec<(u32, f64)>> =
                entries.iter().map(|row| row.iter().map(|(&id, &value)| (id, value)).collect()).collect();
            let factor = &numbers[..5 * width];
            let mut found = vec![9.0; rows.len() * width];
            product(&matrix(5, &rows), factor, width, &mut found);
            for (row, sums) in rows.iter().zip(found.chunks(width)) {
                for (k, sum) in sums.iter().enumerate() {
                    let dense: f64 = row.iter().map(|&(id, value)| value * factor[id as usize * width + k]).sum();
                    prop_assert!((sum - dense).abs() < 1e-12);
                }
            }
        }

        #[test]
        fn the_inner_product_equals_the_plain_sum(numbers in prop::collection::vec(-1.0..1.0, 0..40)) {
            let plain: f64 = numbers.iter().map(|x: &f64| x * x).sum();
            prop_assert!((dot(&numbers, &numbers) - plain).abs() < 1e-12);
        }
    }
}
