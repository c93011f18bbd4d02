//! Choosing the settings by cross-validation.
//!
//! One setting after another is tried at each of its values, the others as they are by then
//! (coordinate search). What is compared is the log loss of held-out comments, on the same inner
//! folds as choose the penalty: by group where there are groups. Of the values within one
//! standard error of the best (the error of the difference, over the folds) the one of the fewest
//! terms is taken, and of as many terms that with the fewest parts. Privacy is no setting: what
//! names a person is taken out whatever that costs.

use std::sync::Arc;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::calibration::{difference, lowest_mean};
use super::cross_validation::{CrossValidation, SearchNote, cross_validate_by, score};
use super::folds::FoldPlan;
use super::search_settings::{Recipe, Setting};
use super::second_stage::inner_folds;
use super::stages::fit_stages;
use super::trainer::{LabelledComments, TrainingError};
use crate::text::TextSettings;

/// A setting at one of its values, and what that came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SettingTrial {
    /// The setting.
    pub setting: String,
    /// Its value.
    pub value: String,
    /// The mean log loss over the inner folds, in nats, before calibration.
    pub log_loss: f64,
    /// By how much that is above the lowest of this setting.
    pub above_best: f64,
    /// The standard error of that difference, over the folds.
    pub standard_error: f64,
    /// How many terms the vocabulary has, as a mean over the folds.
    pub terms: usize,
    /// The inverse strength of the penalty that was best.
    pub c: f64,
    /// Whether it was taken.
    pub taken: bool,
}

/// Gives the same comments, analysed by given settings.
pub type Analyze<'a> = dyn FnMut(TextSettings) -> Result<Arc<LabelledComments>, TrainingError> + 'a;

/// What a recipe came to on the inner folds.
#[derive(Debug, Clone)]
struct Measured {
    losses: Vec<f64>,
    terms: usize,
    c: f64,
}

fn measure(
    labelled: &LabelledComments,
    rows: &[usize],
    recipe: &Recipe,
) -> Result<Measured, TrainingError> {
    let inner =
        inner_folds(labelled, rows, &recipe.training)?.ok_or(TrainingError::NoInnerFolds)?;
    let folds = inner.terms.len().max(1);
    Ok(Measured {
        losses: inner.held_out.log_loss_by_fold(),
        terms: inner.terms.iter().sum::<usize>() / folds,
        c: inner.penalty.c,
    })
}

/// The position of what is taken: of those within one standard error of the best that of the
/// fewest terms, then of the fewest parts, then the first. With it, each one's difference to the
/// best with its standard error.
fn choose(measured: &[Measured], parts: &[usize]) -> (usize, Vec<(f64, f64)>) {
    let losses: Vec<Vec<f64>> = measured.iter().map(|measured| measured.losses.clone()).collect();
    let best = &losses[lowest_mean(&losses)];
    let differences: Vec<(f64, f64)> =
        losses.iter().map(|losses| difference(losses, best)).collect();
    let within = (0..measured.len()).filter(|&i| differences[i].0 <= differences[i].1);
    let chosen = within.min_by_key(|&i| (measured[i].terms, parts[i], i)).unwrap_or(0);
    (chosen, differences)
}

/// All that was tried, a line each, with a star at what was taken.
#[must_use]
pub fn search_table(trials: &[SettingTrial]) -> String {
    let mut table = format!(
        "{:<14} {:<7} {:>8}  {:>10}  {:>8}  {:>7}  {:>5}\n",
        "setting", "value", "log loss", "above best", "std err", "terms", "C"
    );
    for trial in trials {
        let SettingTrial { setting, value, log_loss, above_best, standard_error, terms, c, taken } =
            trial;
        let star = if *taken { " *" } else { "" };
        table += &format!(
            "{setting:<14} {value:<7} {log_loss:>8.4}  {above_best:>10.5}  {standard_error:>8.5}  \
             {terms:>7}  {c:>5}{star}\n"
        );
    }
    table
}

/// Searches the settings on the given rows, from `start`, and gives the chosen ones and all that
/// was tried. `tried` is called after each.
///
/// # Errors
///
/// The rows cannot be dealt to inner folds, or no model can be fitted on them.
pub fn search(
    rows: &[usize],
    start: &Recipe,
    analyze: &mut Analyze<'_>,
    tried: &(dyn Fn() + Sync),
) -> Result<(Recipe, Vec<SettingTrial>), TrainingError> {
    let mut current = start.clone();
    let mut measured_current: Option<Measured> = None;
    let mut trials = Vec::new();
    for setting in Setting::ALL {
        let recipes = setting.values(&current);
        let analysed = recipes
            .iter()
            .map(|recipe| analyze(recipe.text))
            .collect::<Result<Vec<_>, TrainingError>>()?;
        let measured: Vec<Measured> = recipes
            .par_iter()
            .zip(&analysed)
            .map(|(recipe, labelled)| match &measured_current {
                Some(measured) if *recipe == current => Ok(measured.clone()),
                _ => {
                    let measured = measure(labelled, rows, recipe);
                    tried();
                    measured
                }
            })
            .collect::<Result<_, TrainingError>>()?;
        let counts: Vec<usize> = recipes.iter().map(Recipe::parts).collect();
        let (chosen, differences) = choose(&measured, &counts);
        for (i, (recipe, measured)) in recipes.iter().zip(&measured).enumerate() {
            trials.push(SettingTrial {
                setting: setting.name().to_owned(),
                value: setting.value(recipe),
                log_loss: measured.losses.iter().sum::<f64>() / measured.losses.len() as f64,
                above_best: differences[i].0,
                standard_error: differences[i].1,
                terms: measured.terms,
                c: measured.c,
                taken: i == chosen,
            });
        }
        current = recipes[chosen].clone();
        measured_current = Some(measured[chosen].clone());
    }
    Ok((current, trials))
}

/// Cross-validates the search with all that follows: in each fold, settings are searched on the
/// other folds alone, so that the figures come from comments that had no part in choosing.
///
/// # Errors
///
/// As [`search`], and the rows cannot be dealt to folds.
pub fn cross_validate_search(
    labelled: &LabelledComments,
    plan: &FoldPlan,
    start: &Recipe,
    analyze: &mut Analyze<'_>,
    tried: &(dyn Fn() + Sync),
) -> Result<CrossValidation, TrainingError> {
    // One fold after another: a search keeps all threads busy, and one is in memory at a time.
    let validation = cross_validate_by(labelled, plan, |folds| {
        let mut results = Vec::with_capacity(folds.count());
        for fold in 0..folds.count() {
            let (train_rows, test_rows) = folds.split(fold);
            let (recipe, _) = search(&train_rows, start, analyze, tried)?;
            let labelled = analyze(recipe.text)?;
            let stages = fit_stages(&labelled, &train_rows, &recipe.training)?;
            results.push(score(&labelled, &stages, &test_rows));
        }
        Ok(results)
    })?;
    Ok(CrossValidation { search: Some(SearchNote::InEachFold), ..validation })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(losses: [f64; 4], terms: usize) -> Measured {
        Measured { losses: losses.to_vec(), terms, c: 1.0 }
    }

    #[test]
    fn the_fewest_terms_within_one_standard_error_of_the_best_are_taken() {
        let best = measured([0.30, 0.40, 0.20, 0.30], 1000);
        // Worse by 0.01 ± 0.014, and by 0.01 in every fold.
        let uncertain = measured([0.35, 0.39, 0.20, 0.30], 500);
        let worse = measured([0.31, 0.41, 0.21, 0.31], 100);
        let (chosen, differences) = choose(&[best.clone(), uncertain.clone(), worse], &[1, 1, 1]);
        assert_eq!(chosen, 1);
        assert!((differences[2].0 - 0.01).abs() < 1e-12 && differences[2].1 < 1e-12);
        // Of as many terms the one of fewer parts; of as many parts the first.
        let same = [best.clone(), best.clone(), best];
        assert_eq!(choose(&same, &[3, 2, 2]).0, 1);
    }
}
