//! Choosing terms by what they have to do with the labels.

use super::trainer::{LabelledComments, TrainingError};
use crate::features::{FeatureSettings, FeatureUnion};
use crate::text::AnalyzedText;

/// Learns vocabularies and document frequencies from `rows`, and keeps the terms whose
/// [`chi_squared`] with the labels, a degree of freedom, is `min_chi2` at least. Where no term of
/// a kind of n-gram reaches that, all of them stay.
pub(super) fn fit_vectorizer(
    labelled: &LabelledComments,
    rows: &[usize],
    features: &FeatureSettings,
    min_chi2: f64,
) -> Result<FeatureUnion, TrainingError> {
    let comments: Vec<&AnalyzedText> = rows.iter().map(|&row| &labelled.comments()[row]).collect();
    let vectorizer = FeatureUnion::fit(features, &comments)?;
    if min_chi2 <= 0.0 {
        return Ok(vectorizer);
    }
    let classes = labelled.labels().len();
    let mut of_class = vec![0_u32; classes];
    // Term-major, of shape (terms, classes).
    let mut of_terms = vec![0_u32; vectorizer.len() * classes];
    let matrix = vectorizer.matrix(&comments);
    for (position, &row) in rows.iter().enumerate() {
        let class = labelled.classes()[row];
        of_class[class] += 1;
        for &term in matrix.row(position).0 {
            of_terms[term as usize * classes + class] += 1;
        }
    }
    let freedom = of_class.iter().filter(|&&count| count > 0).count().saturating_sub(1).max(1);
    let least = min_chi2 * freedom as f64;
    let keep: Vec<bool> = of_terms
        .chunks_exact(classes)
        .map(|of_term| chi_squared(of_term, &of_class) >= least)
        .collect();
    Ok(vectorizer.retain(&keep)?)
}

/// Pearson's chi-squared of the table of two rows, comments with the term and those without, and
/// a column a class: 0 if the term stands as often in each class as chance would have it. Of
/// `of_class` comments of each class, `of_term` hold the term.
///
/// Yang and Pedersen, *A comparative study on feature selection in text categorization*, 1997.
fn chi_squared(of_term: &[u32], of_class: &[u32]) -> f64 {
    let (with_term, all): (u32, u32) = (of_term.iter().sum(), of_class.iter().sum());
    if with_term == 0 || with_term == all {
        return 0.0;
    }
    let (with_term, all) = (f64::from(with_term), f64::from(all));
    let squares = of_term.iter().zip(of_class).filter(|(_, count)| **count > 0);
    let with: f64 = squares
        .map(|(&found, &count)| {
            let expected = with_term * f64::from(count) / all;
            (f64::from(found) - expected).powi(2) / expected
        })
        .sum();
    // Those without the term miss by as much the other way, of what is expected of them.
    with * all / (all - with_term)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chi_squared_is_that_of_the_table_of_presence_and_class() {
        // scipy.stats.chi2_contingency([[8, 2, 0], [12, 18, 10]], correction=False)
        let found = chi_squared(&[8, 2, 0], &[20, 20, 10]);
        assert!((found - 8.75).abs() < 1e-12, "{found}");
        // By hand, of two classes: 100 (30·40 − 10·20)² / (40·60·50·50).
        let found = chi_squared(&[30, 10], &[50, 50]);
        assert!((found - 50.0 / 3.0).abs() < 1e-12, "{found}");
    }

    #[test]
    fn a_term_of_each_class_alike_or_of_all_comments_tells_nothing() {
        assert!(chi_squared(&[4, 2, 0], &[20, 10, 0]).abs() < 1e-12);
        assert_eq!(chi_squared(&[20, 10], &[20, 10]), 0.0);
        assert_eq!(chi_squared(&[0, 0], &[20, 10]), 0.0);
    }
}
