//! The settings that a search tries, and their values.

use super::trainer::TrainingSettings;
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

impl Recipe {
    /// How many of its parts are on.
    pub(super) fn parts(&self) -> usize {
        let TextSettings { clauses, quantities, negation, layout, trends, hypotheticals, .. } =
            self.text;
        let second_stage = self.training.second_stage;
        [clauses, quantities, negation, layout, trends, hypotheticals, second_stage]
            .into_iter()
            .map(usize::from)
            .sum()
    }
}

/// The most recipes that a search tries: the start, and what no setting has yet.
pub const MOST_TRIALS: usize = 26;

/// The settings that are tried, in this order.
#[derive(Debug, Clone, Copy)]
pub(super) enum Setting {
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
    pub(super) const ALL: [Self; 13] = [
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

    pub(super) fn name(self) -> &'static str {
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
    pub(super) fn value(self, recipe: &Recipe) -> String {
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
    pub(super) fn values(self, recipe: &Recipe) -> Vec<Recipe> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::{FeatureSettings, TermFrequency, ViewSettings, VocabularyLimits};
    use crate::training::{CalibrationMethod, SolverSettings};

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
