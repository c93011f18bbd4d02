//! What L-BFGS works with, in place of weights: see [`sparse_solver`](super::sparse_solver).

use argmin_math::{
    ArgminAdd, ArgminDot, ArgminL1Norm, ArgminL2Norm, ArgminMinMax, ArgminMul, ArgminSignum,
    ArgminSub, ArgminZeroLike,
};

use super::objective::dot;

/// A point, step or gradient: the coefficients *A*, the image *X* *X*ᵀ*A*, and the scaled
/// intercept β, one after the other.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Point {
    pub(super) numbers: Vec<f64>,
    /// The length of the coefficients and of the image: rows × classes.
    pub(super) span: usize,
    /// The scale *s* of the intercept *b* = *s* β.
    pub(super) intercept_scale: f64,
}

impl Point {
    pub(super) fn coefficients(&self) -> &[f64] {
        &self.numbers[..self.span]
    }

    pub(super) fn image(&self) -> &[f64] {
        &self.numbers[self.span..2 * self.span]
    }

    /// β, or the slope in β.
    pub(super) fn scaled_intercept(&self) -> &[f64] {
        &self.numbers[2 * self.span..]
    }

    /// *b* = *s* β.
    pub(super) fn intercept(&self) -> Vec<f64> {
        self.scaled_intercept().iter().map(|beta| self.intercept_scale * beta).collect()
    }

    fn with_numbers(&self, numbers: Vec<f64>) -> Self {
        Self { numbers, ..*self }
    }

    fn map(&self, f: impl Fn(f64) -> f64) -> Self {
        self.with_numbers(self.numbers.iter().map(|&number| f(number)).collect())
    }

    fn zip(&self, other: &Self, f: impl Fn(f64, f64) -> f64) -> Self {
        let pairs = self.numbers.iter().zip(&other.numbers);
        self.with_numbers(pairs.map(|(&a, &b)| f(a, b)).collect())
    }
}

impl ArgminDot<Point, f64> for Point {
    fn dot(&self, other: &Point) -> f64 {
        dot(self.coefficients(), other.image())
            + dot(self.scaled_intercept(), other.scaled_intercept())
    }
}

/// argmin asks for the norm of gradients alone, to tell whether to stop: this is the norm of the
/// gradient in *W* and *b*, in which the tolerance is given.
impl ArgminL2Norm<f64> for Point {
    fn l2_norm(&self) -> f64 {
        let weights = dot(self.coefficients(), self.image());
        let intercept = dot(self.scaled_intercept(), self.scaled_intercept());
        // Rounding may leave the square of a vanishing vector below zero.
        (weights + intercept / self.intercept_scale.powi(2)).max(0.0).sqrt()
    }
}

impl ArgminAdd<Point, Point> for Point {
    fn add(&self, other: &Point) -> Point {
        self.zip(other, |a, b| a + b)
    }
}

impl ArgminSub<Point, Point> for Point {
    fn sub(&self, other: &Point) -> Point {
        self.zip(other, |a, b| a - b)
    }
}

impl ArgminMul<f64, Point> for Point {
    fn mul(&self, factor: &f64) -> Point {
        self.map(|a| a * factor)
    }
}

impl ArgminMul<Point, Point> for f64 {
    fn mul(&self, point: &Point) -> Point {
        point.map(|a| a * self)
    }
}

impl ArgminZeroLike for Point {
    fn zero_like(&self) -> Point {
        self.map(|_| 0.0)
    }
}

// argmin asks for the rest for L1 regularisation, which is not used here: it would act on the
// weights, and these are not the numbers of a point.

impl ArgminAdd<f64, Point> for Point {
    fn add(&self, other: &f64) -> Point {
        self.map(|a| a + other)
    }
}

impl ArgminSub<f64, Point> for Point {
    fn sub(&self, other: &f64) -> Point {
        self.map(|a| a - other)
    }
}

impl ArgminMul<Point, Point> for Point {
    fn mul(&self, other: &Point) -> Point {
        self.zip(other, |a, b| a * b)
    }
}

impl ArgminL1Norm<f64> for Point {
    fn l1_norm(&self) -> f64 {
        self.numbers.iter().map(|number| number.abs()).sum()
    }
}

impl ArgminSignum for Point {
    fn signum(self) -> Point {
        self.map(f64::signum)
    }
}

impl ArgminMinMax for Point {
    fn min(x: &Self, y: &Self) -> Self {
        x.zip(y, f64::min)
    }

    fn max(x: &Self, y: &Self) -> Self {
        x.zip(y, f64::max)
    }
}
