//! How rows are dealt to the folds of a cross-validation.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::model::{ClassIndex, LabelSet};

/// How rows are dealt to folds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FoldPlan {
    /// At random, each label evenly. Rows by one writer, or about one loan, may stand on both
    /// sides: the figures flatter.
    Stratified {
        /// How many folds.
        folds: usize,
        /// What the dealing depends on.
        seed: u64,
    },
    /// Rows of one group never apart: with the groups sorted, group *i* is in fold *i* mod
    /// `folds`.
    Grouped {
        /// How many folds.
        folds: usize,
        /// The field that holds the group.
        field: String,
    },
    /// A fold for each group.
    LeaveOneGroupOut {
        /// The field that holds the group.
        field: String,
    },
}

impl FoldPlan {
    /// How many folds there are of comments of these groups.
    #[must_use]
    pub fn count(&self, groups: &[String]) -> usize {
        match self {
            Self::Stratified { folds, .. } | Self::Grouped { folds, .. } => *folds,
            Self::LeaveOneGroupOut { .. } => groups.iter().collect::<BTreeSet<_>>().len(),
        }
    }

    /// The field that holds the group, if rows are dealt by group.
    #[must_use]
    pub fn group_field(&self) -> Option<&str> {
        match self {
            Self::Stratified { .. } => None,
            Self::Grouped { field, .. } | Self::LeaveOneGroupOut { field } => Some(field),
        }
    }
}

/// Why rows cannot be dealt to folds.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum FoldError {
    /// One fold is no cross-validation.
    #[error("expected 2 folds or more, found {0} (0 leaves cross-validation out)")]
    TooFew(usize),
    /// A label has fewer rows than there are folds.
    #[error("label `{label}` has {rows} rows, fewer than the {folds} folds")]
    RareLabel {
        /// The label's id.
        label: String,
        /// How many rows have it.
        rows: usize,
        /// How many folds there are.
        folds: usize,
    },
    /// There are fewer groups than folds.
    #[error("field `{field}` holds {groups} groups, fewer than the {folds} folds")]
    FewGroups {
        /// The field.
        field: String,
        /// How many distinct values it holds.
        groups: usize,
        /// How many folds there are.
        folds: usize,
    },
    /// With one fold held out, no row of a label is left to train on.
    #[error("all rows of label `{label}` fall into fold {fold}: nothing of it is left to train on")]
    OneSidedLabel {
        /// The label's id.
        label: String,
        /// The fold, from 1.
        fold: usize,
    },
}

/// The fold of each row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folds {
    fold_of: Vec<usize>,
    count: usize,
}

impl Folds {
    /// Deals rows with the given classes to folds; `groups` holds each row's group where the plan
    /// has a group field.
    ///
    /// # Errors
    ///
    /// Too few rows, groups or folds for the plan.
    pub fn deal(
        plan: &FoldPlan,
        labels: &LabelSet,
        classes: &[ClassIndex],
        groups: &[String],
    ) -> Result<Self, FoldError> {
        let folds = match plan {
            FoldPlan::Stratified { folds, seed } => {
                Self { fold_of: deal_stratified(*folds, *seed, labels, classes)?, count: *folds }
            }
            FoldPlan::Grouped { folds, field } => deal_groups(Some(*folds), field, groups)?,
            FoldPlan::LeaveOneGroupOut { field } => deal_groups(None, field, groups)?,
        };
        folds.check_labels(labels, classes)?;
        Ok(folds)
    }

    /// How many folds there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// The rows to train on and the rows held out for fold `fold`, in their order.
    #[must_use]
    pub fn split(&self, fold: usize) -> (Vec<usize>, Vec<usize>) {
        (0..self.fold_of.len()).partition(|&row| self.fold_of[row] != fold)
    }

    fn check_labels(&self, labels: &LabelSet, classes: &[ClassIndex]) -> Result<(), FoldError> {
        for (class, label) in labels.iter().enumerate() {
            let folds: BTreeSet<usize> = (0..classes.len())
                .filter(|&row| classes[row] == class)
                .map(|row| self.fold_of[row])
                .collect();
            if let (1, Some(fold)) = (folds.len(), folds.first()) {
                return Err(FoldError::OneSidedLabel { label: label.id.clone(), fold: fold + 1 });
            }
        }
        Ok(())
    }
}

fn deal_stratified(
    folds: usize,
    seed: u64,
    labels: &LabelSet,
    classes: &[ClassIndex],
) -> Result<Vec<usize>, FoldError> {
    if folds < 2 {
        return Err(FoldError::TooFew(folds));
    }
    let mut fold_of = vec![0; classes.len()];
    for (class, label) in labels.iter().enumerate() {
        let mut rows: Vec<usize> =
            (0..classes.len()).filter(|&row| classes[row] == class).collect();
        if rows.len() < folds {
            let label = label.id.clone();
            return Err(FoldError::RareLabel { label, rows: rows.len(), folds });
        }
        rows.sort_by_key(|&row| split_mix(seed, row as u64));
        for (position, row) in rows.into_iter().enumerate() {
            fold_of[row] = position % folds;
        }
    }
    Ok(fold_of)
}

/// Deals groups in sorted order to `folds` folds, or each to a fold of its own.
fn deal_groups(folds: Option<usize>, field: &str, groups: &[String]) -> Result<Folds, FoldError> {
    let sorted: Vec<&String> = groups.iter().collect::<BTreeSet<_>>().into_iter().collect();
    let count = folds.unwrap_or(sorted.len());
    if count < 2 && folds.is_some() {
        return Err(FoldError::TooFew(count));
    }
    if sorted.len() < count.max(2) {
        let (field, folds) = (field.to_owned(), count.max(2));
        return Err(FoldError::FewGroups { field, groups: sorted.len(), folds });
    }
    let fold = |group| sorted.partition_point(|other| *other < group) % count;
    Ok(Folds { fold_of: groups.iter().map(fold).collect(), count })
}

/// A number that looks random and depends on `seed` and `index` alone (Steele, Lea and Flood,
/// "Fast splittable pseudorandom number generators", 2014).
pub(super) fn split_mix(seed: u64, index: u64) -> u64 {
    let mut z = seed.wrapping_add((index + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    fn two_labels() -> LabelSet {
        LabelSet::of_data(["normal", "risky"]).unwrap()
    }

    #[test]
    fn stratified_folds_hold_each_label_evenly_and_depend_on_the_seed_alone() {
        let classes: Vec<usize> = (0..40).map(|row| usize::from(row % 4 == 0)).collect();
        let deal = |seed| {
            let plan = FoldPlan::Stratified { folds: 5, seed };
            Folds::deal(&plan, &two_labels(), &classes, &[]).unwrap()
        };
        let folds = deal(1);
        for fold in 0..5 {
            let (train, test) = folds.split(fold);
            assert_eq!((train.len(), test.len()), (32, 8));
            assert_eq!(test.iter().filter(|&&row| classes[row] == 1).count(), 2);
        }
        assert_eq!(folds, deal(1));
        assert_ne!(folds, deal(2));
    }

    #[test]
    fn groups_in_sorted_order_go_to_folds_in_turn() {
        let plan = FoldPlan::Grouped { folds: 2, field: "author".to_owned() };
        let groups = groups(&["c", "a", "b", "a", "d"]);
        let folds = Folds::deal(&plan, &two_labels(), &[0, 1, 0, 1, 1], &groups).unwrap();
        assert_eq!(folds.fold_of, [0, 0, 1, 0, 1]);
    }

    #[test]
    fn leaving_one_group_out_makes_a_fold_of_each() {
        let plan = FoldPlan::LeaveOneGroupOut { field: "author".to_owned() };
        let groups = groups(&["b", "a", "b", "a"]);
        let folds = Folds::deal(&plan, &two_labels(), &[0, 0, 1, 1], &groups).unwrap();
        assert_eq!((folds.count(), folds.split(0).1), (2, vec![1, 3]));
    }

    #[test]
    fn what_cannot_be_dealt_is_named() {
        let stratified = |folds| FoldPlan::Stratified { folds, seed: 1 };
        let grouped = |folds| FoldPlan::Grouped { folds, field: "author".to_owned() };
        let deal = |plan: &FoldPlan, classes: &[usize], names: &[&str]| {
            Folds::deal(plan, &two_labels(), classes, &groups(names)).unwrap_err()
        };
        assert_eq!(deal(&stratified(1), &[0, 1], &[]), FoldError::TooFew(1));
        assert_eq!(
            deal(&stratified(2), &[0, 0, 1], &[]),
            FoldError::RareLabel { label: "risky".to_owned(), rows: 1, folds: 2 }
        );
        assert_eq!(
            deal(&grouped(3), &[0, 1], &["a", "b"]),
            FoldError::FewGroups { field: "author".to_owned(), groups: 2, folds: 3 }
        );
        assert_eq!(
            deal(&grouped(2), &[0, 0, 1, 1], &["a", "b", "b", "b"]),
            FoldError::OneSidedLabel { label: "risky".to_owned(), fold: 2 }
        );
        let one = FoldPlan::LeaveOneGroupOut { field: "author".to_owned() };
        assert!(matches!(deal(&one, &[0, 1], &["a", "a"]), FoldError::FewGroups { .. }));
    }
}
