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
use super::second_stage::inner_folds;
use super::stages::fit_stages;
use super::trainer::{LabelledComments, TrainingError, TrainingSettings};
use crate::features::DocumentFrequencyBound;
use crate::text::TextSettings;

/// The settings that a search chooses.
#[derive(Debug, Clone, PartialEq)]
pub struct Recipe {
    /// Which parts of text understanding are on.
    pub text: TextSettings,
    /// All else. The strength of the penalty is chosen anew for each recipe.
    pub training: TrainingSettings,
}

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

/// The settings that are tried, in this order.
#[derive(Debug, Clone, Copy)]
enum Setting {
    Characters,
    CharacterFrequency,
    Words,
    WordFrequency,
    Skips,
    Selection,
    Clauses,
    Quantities,
    Negation,
    Layout,
    Trends,
    Hypotheticals,
    Sentences,
}

impl Setting {
    const ALL: [Self; 13] = [
        Self::Characters,
        Self::CharacterFrequency,
        Self::Words,
        Self::WordFrequency,
        Self::Skips,
        Self::Selection,
        Self::Clauses,
        Self::Quantities,
        Self::Negation,
        Self::Layout,
        Self::Trends,
        Self::Hypotheticals,
        Self::Sentences,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Characters => "char n-grams",
            Self::CharacterFrequency => "char min df",
            Self::Words => "word n-grams",
            Self::WordFrequency => "word min df",
            Self::Skips => "skips",
            Self::Selection => "min chi2",
            Self::Clauses => "clauses",
            Self::Quantities => "quantities",
            Self::Negation => "negation",
            Self::Layout => "layout",
            Self::Trends => "trends",
            Self::Hypotheticals => "hypotheticals",
            Self::Sentences => "sentences",
        }
    }

    /// The value of the setting in `recipe`.
    fn value(self, recipe: &Recipe) -> String {
        let on = |part: bool| if part { "on" } else { "off" }.to_owned();
        let bound = |bound: DocumentFrequencyBound| match bound {
            DocumentFrequencyBound::Documents(documents) => documents.to_string(),
            DocumentFrequencyBound::Share(share) => share.to_string(),
        };
        let features = &recipe.training.features;
        let characters = features.characters.map(|view| view.vocabulary);
        match self {
            Self::Characters => {
                characters.map_or("none".to_owned(), |limits| format!("1-{}", limits.max_ngram))
            }
            Self::CharacterFrequency => {
                characters.map_or("none".to_owned(), |limits| bound(limits.min_df))
            }
            Self::Words => format!("1-{}", features.words.vocabulary.max_ngram),
            Self::WordFrequency => bound(features.words.vocabulary.min_df),
            Self::Skips => features.words.vocabulary.max_skip.to_string(),
            Self::Selection => recipe.training.min_chi2.to_string(),
            Self::Clauses => on(recipe.text.clauses),
            Self::Quantities => on(recipe.text.quantities),
            Self::Negation => on(recipe.text.negation),
            Self::Layout => on(recipe.text.layout),
            Self::Trends => on(recipe.text.trends),
            Self::Hypotheticals => on(recipe.text.hypotheticals),
            Self::Sentences => on(recipe.training.second_stage),
        }
    }

    /// `recipe`, and it with each other value of the setting.
    fn values(self, recipe: &Recipe) -> Vec<Recipe> {
        let changed = |change: &dyn Fn(&mut Recipe)| {
            let mut changed = recipe.clone();
            change(&mut changed);
            changed
        };
        let mut recipes = vec![recipe.clone()];
        match self {
            Self::Characters => {
                recipes.push(changed(&|r| r.training.features.characters = None));
                if recipe.training.features.characters.is_some() {
                    recipes.extend([2, 3, 4].map(|longest| {
                        changed(&|r| {
                            if let Some(view) = &mut r.training.features.characters {
                                view.vocabulary.max_ngram = longest;
                            }
                        })
                    }));
                }
            }
            Self::CharacterFrequency => recipes.extend([2, 3, 5, 10].map(|documents| {
                changed(&|r| {
                    if let Some(view) = &mut r.training.features.characters {
                        view.vocabulary.min_df = DocumentFrequencyBound::Documents(documents);
                    }
                })
            })),
            Self::Words => recipes.extend([1, 2, 3].map(|longest| {
                changed(&|r| r.training.features.words.vocabulary.max_ngram = longest)
            })),
            Self::WordFrequency => recipes.extend([2, 3, 5].map(|documents| {
                let bound = DocumentFrequencyBound::Documents(documents);
                changed(&|r| r.training.features.words.vocabulary.min_df = bound)
            })),
            Self::Skips => recipes
                .extend([0, 1, 2].map(|most| {
                    changed(&|r| r.training.features.words.vocabulary.max_skip = most)
                })),
            Self::Selection => recipes
                .extend([0.0, 0.5, 1.0].map(|least| changed(&|r| r.training.min_chi2 = least))),
            Self::Clauses => recipes.push(changed(&|r| r.text.clauses = !r.text.clauses)),
            Self::Quantities => recipes.push(changed(&|r| r.text.quantities = !r.text.quantities)),
            Self::Negation => recipes.push(changed(&|r| r.text.negation = !r.text.negation)),
            Self::Layout => recipes.push(changed(&|r| r.text.layout = !r.text.layout)),
            Self::Trends => recipes.push(changed(&|r| r.text.trends = !r.text.trends)),
            Self::Hypotheticals => {
                recipes.push(changed(&|r| r.text.hypotheticals = !r.text.hypotheticals));
            }
            Self::Sentences => {
                recipes.push(changed(&|r| r.training.second_stage = !r.training.second_stage));
            }
        }
        let mut distinct: Vec<Recipe> = Vec::with_capacity(recipes.len());
        for recipe in recipes {
            if !distinct.contains(&recipe) {
                distinct.push(recipe);
            }
        }
        distinct
    }
}

/// The most recipes that a search tries: the start, and what no setting has yet.
pub const MOST_TRIALS: usize = 26;

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

/// How many parts of a recipe are on.
fn parts(recipe: &Recipe) -> usize {
    let TextSettings { clauses, quantities, negation, layout, trends, hypotheticals, .. } =
        recipe.text;
    let second_stage = recipe.training.second_stage;
    [clauses, quantities, negation, layout, trends, hypotheticals, second_stage]
        .into_iter()
        .map(usize::from)
        .sum()
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
        let counts: Vec<usize> = recipes.iter().map(parts).collect();
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
    use crate::features::{FeatureSettings, TermFrequency, ViewSettings, VocabularyLimits};
    use crate::training::{CalibrationMethod, SolverSettings};

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

    #[test]
    fn each_setting_gives_the_recipe_as_it_is_and_others_that_differ_in_that_alone() {
        let view = |min_df| ViewSettings {
            vocabulary: VocabularyLimits {
                max_ngram: 2,
                max_skip: 0,
                min_df,
                max_df: DocumentFrequencyBound::Share(1.0),
                max_terms: None,
            },
            term_frequency: TermFrequency::Sublinear,
            idf_power: 1.0,
        };
        let features = FeatureSettings {
            words: view(DocumentFrequencyBound::Documents(2)),
            characters: Some(view(DocumentFrequencyBound::Share(0.0005))),
        };
        let training = TrainingSettings {
            features,
            solver: SolverSettings::default(),
            c: vec![1.0],
            idf_powers: Vec::new(),
            min_chi2: 0.5,
            second_stage: true,
            calibration: CalibrationMethod::Auto,
            class_weights: None,
            folds: None,
        };
        let start = Recipe { text: TextSettings::FULL, training };
        let mut tried = 1;
        for setting in Setting::ALL {
            let recipes = setting.values(&start);
            assert_eq!(recipes[0], start);
            tried += recipes.len() - 1;
            for (i, recipe) in recipes.iter().enumerate() {
                assert_eq!(recipes.iter().position(|other| other == recipe), Some(i));
                for other in Setting::ALL {
                    // Without characters they have no frequency.
                    let same = other.value(recipe) == other.value(&start);
                    let differs = i > 0 && other.name() == setting.name();
                    assert!(same != differs || recipe.training.features.characters.is_none());
                }
            }
        }
        assert!((17..=MOST_TRIALS).contains(&tried), "{tried}");
    }
}
