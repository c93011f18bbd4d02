//! Fitting calibrators to scores that are out of fold, and choosing one.
//!
//! The choice is by log loss: each way is fitted on all inner folds but one and scored on that
//! one. The simplest way is taken whose loss is within one standard error of the best (Breiman et
//! al., 1984). The error is that of the difference to the best over the folds, not that of the
//! loss: folds differ in how hard they are, and that is the same for every way.

use clap::ValueEnum;
use ndarray::{Array1, Array2};
use serde::{Deserialize, Serialize};

use super::second_stage::fit_dense;
use super::solver::SolverError;
use crate::model::{
    Calibrator, ClassIndex, IsotonicCurve, LinearModel, MatrixScaling, log_softmax_in_place,
    softmax_in_place,
};

/// How scores are to become probabilities.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum CalibrationMethod {
    /// The simplest of the others that is within one standard error of the best.
    #[default]
    Auto,
    /// The softmax of the scores.
    None,
    /// One temperature.
    Temperature,
    /// A linear map of the logarithms of the softmax.
    Matrix,
    /// A non-decreasing curve for each class.
    Isotonic,
}

impl CalibrationMethod {
    /// All but [`Auto`](Self::Auto), from the simplest to that with the most parameters.
    const WAYS: [Self; 4] = [Self::None, Self::Temperature, Self::Matrix, Self::Isotonic];

    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::None => "none",
            Self::Temperature => "temperature",
            Self::Matrix => "matrix",
            Self::Isotonic => "isotonic",
        }
    }
}

/// How the way of calibration was chosen.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CalibrationChoice {
    /// The way taken.
    pub method: CalibrationMethod,
    /// Those that were tried on inner folds; none if there was no choice, or no inner folds.
    pub tried: Vec<CalibrationTrial>,
}

impl CalibrationChoice {
    /// No calibration, without a choice.
    pub(super) fn none() -> Self {
        Self { method: CalibrationMethod::None, tried: Vec::new() }
    }
}

/// What a way of calibration came to on inner folds it was not fitted on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CalibrationTrial {
    /// The way.
    pub method: CalibrationMethod,
    /// Its mean log loss, in nats.
    pub log_loss: f64,
    /// By how much that is above the lowest.
    pub above_best: f64,
    /// The standard error of that difference, over the folds.
    pub standard_error: f64,
}

/// Scores of rows by models that have seen neither the row nor its inner fold.
#[derive(Debug, Clone, Default)]
pub(super) struct HeldOutScores {
    /// The score of each class for each row.
    pub(super) scores: Vec<Vec<f64>>,
    /// The class of each row.
    pub(super) classes: Vec<ClassIndex>,
    /// What each row weighs; empty if all weigh 1.
    pub(super) weights: Vec<f64>,
    /// The inner fold of each row.
    pub(super) folds: Vec<usize>,
}

impl HeldOutScores {
    /// How many inner folds there are.
    pub(super) fn fold_count(&self) -> usize {
        self.folds.iter().max().map_or(0, |last| last + 1)
    }

    fn select(&self, keep: impl Fn(usize) -> bool) -> Self {
        let rows: Vec<usize> = (0..self.folds.len()).filter(|&row| keep(self.folds[row])).collect();
        Self {
            scores: rows.iter().map(|&row| self.scores[row].clone()).collect(),
            classes: rows.iter().map(|&row| self.classes[row]).collect(),
            weights: match self.weights.is_empty() {
                true => Vec::new(),
                false => rows.iter().map(|&row| self.weights[row]).collect(),
            },
            folds: rows.iter().map(|&row| self.folds[row]).collect(),
        }
    }

    fn weight(&self, row: usize) -> f64 {
        self.weights.get(row).copied().unwrap_or(1.0)
    }

    fn total_weight(&self) -> f64 {
        (0..self.classes.len()).map(|row| self.weight(row)).sum()
    }

    /// The mean log loss of `calibrator` on these rows; 0 without rows.
    pub(super) fn log_loss(&self, calibrator: &Calibrator) -> f64 {
        let mut sum = 0.0;
        for (row, (scores, &class)) in self.scores.iter().zip(&self.classes).enumerate() {
            let mut probabilities = scores.clone();
            calibrator.probabilities(&mut probabilities);
            sum -= self.weight(row) * probabilities[class].max(f64::EPSILON).ln();
        }
        let total = self.total_weight();
        if total > 0.0 { sum / total } else { 0.0 }
    }

    /// The mean log loss of the softmax on each inner fold.
    pub(super) fn log_loss_by_fold(&self) -> Vec<f64> {
        let loss = |fold| self.select(|other| other == fold).log_loss(&Calibrator::Softmax);
        (0..self.fold_count()).map(loss).collect()
    }
}

/// The mean of the differences `losses` − `best` over folds, and its standard error.
pub(super) fn difference(losses: &[f64], best: &[f64]) -> (f64, f64) {
    let differences: Vec<f64> = losses.iter().zip(best).map(|(a, b)| a - b).collect();
    let count = differences.len() as f64;
    let mean = differences.iter().sum::<f64>() / count.max(1.0);
    let squares: f64 = differences.iter().map(|difference| (difference - mean).powi(2)).sum();
    (mean, (squares / (count - 1.0).max(1.0) / count.max(1.0)).sqrt())
}

/// The position of the lowest mean; of equal ones the first.
pub(super) fn lowest_mean(losses: &[Vec<f64>]) -> usize {
    let mean = |losses: &[f64]| losses.iter().sum::<f64>() / (losses.len() as f64).max(1.0);
    let mut best = 0;
    for (position, of_folds) in losses.iter().enumerate() {
        if mean(of_folds) < mean(&losses[best]) {
            best = position;
        }
    }
    best
}

/// Chooses a way of calibration, where `method` leaves it open, and fits it on all `held_out`.
pub(super) fn calibrate(
    method: CalibrationMethod,
    held_out: &HeldOutScores,
    labels: usize,
) -> Result<(Calibrator, CalibrationChoice), SolverError> {
    if method != CalibrationMethod::Auto {
        let calibrator = fit(method, held_out, labels)?;
        return Ok((calibrator, CalibrationChoice { method, tried: Vec::new() }));
    }
    let folds = held_out.fold_count();
    let mut losses = vec![Vec::with_capacity(folds); CalibrationMethod::WAYS.len()];
    for fold in 0..folds {
        let (others, fold) = (held_out.select(|f| f != fold), held_out.select(|f| f == fold));
        for (losses, way) in losses.iter_mut().zip(CalibrationMethod::WAYS) {
            // A way that cannot be fitted is not taken; there are others.
            let fitted = fit(way, &others, labels);
            losses.push(fitted.map_or(f64::INFINITY, |calibrator| fold.log_loss(&calibrator)));
        }
    }
    let best = &losses[lowest_mean(&losses)];
    let tried: Vec<CalibrationTrial> = CalibrationMethod::WAYS
        .into_iter()
        .zip(&losses)
        .map(|(method, losses)| {
            let (above_best, standard_error) = difference(losses, best);
            let log_loss = losses.iter().sum::<f64>() / (folds as f64).max(1.0);
            CalibrationTrial { method, log_loss, above_best, standard_error }
        })
        .filter(|trial| trial.log_loss.is_finite())
        .collect();
    let within = tried.iter().find(|trial| trial.above_best <= trial.standard_error);
    let method = within.map_or(CalibrationMethod::None, |trial| trial.method);
    Ok((fit(method, held_out, labels)?, CalibrationChoice { method, tried }))
}

fn fit(
    method: CalibrationMethod,
    held_out: &HeldOutScores,
    labels: usize,
) -> Result<Calibrator, SolverError> {
    Ok(match method {
        CalibrationMethod::Auto | CalibrationMethod::None => Calibrator::Softmax,
        CalibrationMethod::Temperature => Calibrator::Temperature(temperature(held_out)),
        CalibrationMethod::Matrix => Calibrator::Matrix(matrix(held_out, labels)?),
        CalibrationMethod::Isotonic => {
            Calibrator::Isotonic((0..labels).map(|class| isotonic(held_out, class)).collect())
        }
    })
}

/// The temperature of the lowest log loss, from 1/20 to 20.
fn temperature(held_out: &HeldOutScores) -> f64 {
    // The loss is convex in the inverse temperature: where its slope changes sign is the minimum.
    let slope = |inverse: f64| -> f64 {
        let mut slope = 0.0;
        for (row, (scores, &class)) in held_out.scores.iter().zip(&held_out.classes).enumerate() {
            let mut probabilities: Vec<f64> = scores.iter().map(|score| score * inverse).collect();
            softmax_in_place(&mut probabilities);
            let expected: f64 = probabilities.iter().zip(scores).map(|(p, score)| p * score).sum();
            slope += held_out.weight(row) * (expected - scores[class]);
        }
        slope
    };
    let (mut low, mut high) = (20.0_f64.recip().ln(), 20.0_f64.ln());
    // Halved 40 times, the range is below 1e-11.
    for _ in 0..40 {
        let middle = 0.5 * (low + high);
        if slope(middle.exp()) < 0.0 { low = middle } else { high = middle }
    }
    (-0.5 * (low + high)).exp()
}

/// A logistic regression on the logarithms of the softmax.
fn matrix(held_out: &HeldOutScores, labels: usize) -> Result<MatrixScaling, SolverError> {
    let mut features = Array2::zeros((held_out.scores.len(), labels));
    for (mut row, scores) in features.rows_mut().into_iter().zip(&held_out.scores) {
        let mut scores = scores.clone();
        log_softmax_in_place(&mut scores);
        row.iter_mut().zip(scores).for_each(|(feature, score)| *feature = score);
    }
    let targets = Array1::from(held_out.classes.clone());
    let weights = (!held_out.weights.is_empty())
        .then(|| held_out.weights.iter().map(|&weight| weight as f32).collect());
    let linear: LinearModel = fit_dense(features, targets, weights, labels)?;
    Ok(MatrixScaling {
        weights: linear.weights().chunks_exact(labels).map(<[f64]>::to_vec).collect(),
        intercept: linear.intercept().to_vec(),
    })
}

/// Isotonic regression of whether a row is of `class` on its softmax for it, by pooling adjacent
/// violators (Ayer et al., 1955).
///
/// Two rows are added: one of the class at probability 0 and one of the others at probability 1.
/// Without them the ends would be at 0 and 1 exactly, which no finite number of comments can tell.
fn isotonic(held_out: &HeldOutScores, class: ClassIndex) -> IsotonicCurve {
    struct Block {
        first: f64,
        last: f64,
        hits: f64,
        weight: f64,
    }
    let mut rows: Vec<(f64, f64, f64)> = vec![(0.0, 1.0, 1.0), (1.0, 0.0, 1.0)];
    for (row, (scores, &truth)) in held_out.scores.iter().zip(&held_out.classes).enumerate() {
        let weight = held_out.weight(row);
        if weight > 0.0 {
            let mut probabilities = scores.clone();
            softmax_in_place(&mut probabilities);
            let hit = if truth == class { weight } else { 0.0 };
            rows.push((probabilities[class], hit, weight));
        }
    }
    rows.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)).then(a.2.total_cmp(&b.2)));
    let mut blocks: Vec<Block> = Vec::new();
    for (probability, hits, weight) in rows {
        match blocks.last_mut() {
            Some(last) if last.last == probability && last.first == probability => {
                last.hits += hits;
                last.weight += weight;
            }
            _ => blocks.push(Block { first: probability, last: probability, hits, weight }),
        }
    }
    let mut pooled: Vec<Block> = Vec::new();
    for block in blocks {
        pooled.push(block);
        while let [.., before, last] = &mut pooled[..] {
            if before.hits * last.weight < last.hits * before.weight {
                break;
            }
            before.last = last.last;
            before.hits += last.hits;
            before.weight += last.weight;
            pooled.pop();
        }
    }
    let mut curve = IsotonicCurve { inputs: Vec::new(), outputs: Vec::new() };
    for Block { first, last, hits, weight } in pooled {
        for input in [first, last] {
            if curve.inputs.last() != Some(&input) {
                curve.inputs.push(input);
                curve.outputs.push(hits / weight);
            }
        }
    }
    curve
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of two labels in four folds, whose scores are log odds; `said` turns the log odds
    /// that are true into the score of the second class.
    fn held_out(said: impl Fn(f64) -> f64) -> HeldOutScores {
        let mut held_out = HeldOutScores::default();
        let mut random = fastrand::Rng::with_seed(7);
        for row in 0..4000 {
            let log_odds = 8.0 * random.f64() - 4.0;
            let risky = random.f64() < 1.0 / (1.0 + (-log_odds).exp());
            held_out.scores.push(vec![0.0, said(log_odds)]);
            held_out.classes.push(usize::from(risky));
            held_out.folds.push(row % 4);
        }
        held_out
    }

    fn auto(held_out: &HeldOutScores) -> (Calibrator, CalibrationChoice) {
        calibrate(CalibrationMethod::Auto, held_out, 2).unwrap()
    }

    #[test]
    fn scores_that_mean_what_they_say_are_left_as_they_are() {
        let (calibrator, choice) = auto(&held_out(|log_odds| log_odds));
        assert_eq!((calibrator, choice.tried.len()), (Calibrator::Softmax, 4), "{choice:?}");
    }

    #[test]
    fn scores_that_are_too_sure_by_a_factor_get_that_temperature() {
        let (calibrator, choice) = auto(&held_out(|log_odds| 2.5 * log_odds));
        let Calibrator::Temperature(temperature) = calibrator else { panic!("{choice:?}") };
        assert!((temperature - 2.5).abs() < 0.2, "{temperature}");
    }

    #[test]
    fn scores_that_are_shifted_get_a_matrix() {
        let shifted = held_out(|log_odds| 2.0 * log_odds + 3.0);
        let (calibrator, choice) = auto(&shifted);
        assert_eq!(choice.method, CalibrationMethod::Matrix, "{choice:?}");
        // At log odds 0 the score says 3, and one half is right.
        let mut scores = vec![0.0, 3.0];
        calibrator.probabilities(&mut scores);
        assert!((scores[1] - 0.5).abs() < 0.05, "{scores:?}");
    }

    #[test]
    fn scores_that_are_bent_get_curves() {
        // Steps: no linear map straightens them.
        let bent = held_out(|log_odds| {
            let step = if log_odds.abs() > 2.0 { 3.0 } else { 2.9 };
            step * log_odds.signum()
        });
        let fitted = |method| bent.log_loss(&calibrate(method, &bent, 2).unwrap().0);
        assert!(fitted(CalibrationMethod::Isotonic) < fitted(CalibrationMethod::Matrix) - 0.01);
        assert_eq!(auto(&bent).1.method, CalibrationMethod::Isotonic);
    }

    #[test]
    fn adjacent_violators_are_pooled_and_no_end_is_certain() {
        let rows = [(-2.0, 0), (-1.0, 1), (1.0, 0), (2.0, 1)];
        let held_out = HeldOutScores {
            scores: rows.iter().map(|&(score, _)| vec![0.0, score]).collect(),
            classes: rows.iter().map(|&(_, class)| class).collect(),
            weights: Vec::new(),
            folds: vec![0; 4],
        };
        // With the two rows added: 1, 0, 1, 0, 1, 0 — all of it one block of 1/2.
        let curve = isotonic(&held_out, 1);
        assert_eq!((curve.inputs, curve.outputs), (vec![0.0, 1.0], vec![0.5, 0.5]));
    }

    #[test]
    fn rows_that_weigh_nothing_change_nothing() {
        let mut weighted = held_out(|log_odds| 2.5 * log_odds);
        let without = weighted.clone();
        weighted.weights = vec![1.0; weighted.classes.len()];
        for _ in 0..500 {
            weighted.scores.push(vec![0.0, 4.0]);
            weighted.classes.push(0);
            weighted.folds.push(0);
            weighted.weights.push(0.0);
        }
        for method in [CalibrationMethod::Temperature, CalibrationMethod::Isotonic] {
            let fitted = |rows| calibrate(method, rows, 2).unwrap().0;
            assert_eq!(fitted(&weighted), fitted(&without));
        }
    }
}
