//! What each term of a model gives where it occurs.

use super::linear::LinearModel;
use crate::features::TermId;

/// For each term what one occurrence adds to the score of each class, weight × inverse document
/// frequency, and to the square of the vector's length, the square of that frequency; all before
/// the vector is brought to length one.
///
/// These lie side by side, so that a term that was found is looked up once. They are in single
/// precision, as the weights are; sums are in double precision.
#[derive(Debug, Clone)]
pub(super) struct TermValues {
    classes: usize,
    /// Term-major, of shape (terms, classes + 1).
    values: Vec<f32>,
}

impl TermValues {
    /// The values of the terms of `linear`, of which `idf` are the inverse document frequencies.
    pub(super) fn new(linear: &LinearModel<f32>, idf: impl Iterator<Item = f64>) -> Self {
        let classes = linear.classes();
        let mut values = Vec::with_capacity(linear.terms() * (classes + 1));
        for (weights, idf) in linear.weights().chunks_exact(classes).zip(idf) {
            values.extend(values_of(weights, idf));
        }
        Self { classes, values }
    }

    /// The first term with a value that single precision cannot hold, and its inverse document
    /// frequency.
    pub(super) fn out_of_range(
        linear: &LinearModel<f32>,
        idf: impl Iterator<Item = f64>,
    ) -> Option<(usize, f64)> {
        let rows = linear.weights().chunks_exact(linear.classes());
        let fits = |weights, idf| values_of(weights, idf).all(f32::is_finite);
        let mut terms = rows.zip(idf).enumerate();
        terms.find_map(|(row, (weights, idf))| (!fits(weights, idf)).then_some((row, idf)))
    }

    /// How many values a term has: one a class, and the last for the length.
    pub(super) fn width(&self) -> usize {
        self.classes + 1
    }

    /// What a term adds to the score of each class, and to the square of the length.
    ///
    /// # Panics
    ///
    /// If there is no such term.
    pub(super) fn of(&self, term: TermId) -> (&[f32], f32) {
        let (of_classes, square) =
            self.values[term as usize * self.width()..][..self.width()].split_at(self.classes);
        (of_classes, square[0])
    }

    /// Adds the values of each of `terms` to `sums`, in their order.
    ///
    /// # Panics
    ///
    /// If there is no such term.
    pub(super) fn add(&self, terms: impl Iterator<Item = TermId>, sums: &mut [f64]) {
        // Four sums stay in registers; any number of them do not.
        if let (4, Ok(sums)) = (self.width(), <&mut [f64; 4]>::try_from(&mut *sums)) {
            let (values, _) = self.values.as_chunks::<4>();
            let mut four = *sums;
            for term in terms {
                let values = values[term as usize];
                four = std::array::from_fn(|k| four[k] + f64::from(values[k]));
            }
            *sums = four;
            return;
        }
        for term in terms {
            let values = &self.values[term as usize * self.width()..];
            for (sum, &value) in sums.iter_mut().zip(values) {
                *sum += f64::from(value);
            }
        }
    }
}

/// The values of a term of such `weights`, one a class.
fn values_of(weights: &[f32], idf: f64) -> impl Iterator<Item = f32> {
    let of_classes = weights.iter().map(move |&weight| (f64::from(weight) * idf) as f32);
    of_classes.chain(std::iter::once((idf * idf) as f32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_is_the_sum_over_the_terms_whatever_the_number_of_classes() {
        for classes in 2..6 {
            let weights = (0..3 * classes).map(|place| place as f32 / 8.0).collect();
            let linear = LinearModel::new(weights, vec![0.0; classes]).unwrap();
            let values = TermValues::new(&linear, [1.0, 2.0, 4.0].into_iter());
            assert_eq!(values.of(1).1, 4.0);
            assert_eq!(values.of(2).0[1], 4.0 * linear.weights_of(2)[1]);

            let terms = [2, 0, 2];
            let mut sums = vec![1.0; values.width()];
            values.add(terms.into_iter(), &mut sums);
            for (class, sum) in sums[..classes].iter().enumerate() {
                let of_terms = terms.map(|term| f64::from(values.of(term).0[class]));
                assert_eq!(*sum, 1.0 + of_terms.iter().sum::<f64>());
            }
            assert_eq!(sums[classes], 1.0 + 16.0 + 1.0 + 16.0);
        }
    }
}
