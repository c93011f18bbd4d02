//! Options that say which recipe is trained: which parts of it are on, and which n-grams are terms.

use std::str::FromStr;

use clap::{Args, ValueEnum, value_parser};

use crate::features::{
    DocumentFrequencyBound, FeatureSettings, TermFrequency, ViewSettings, VocabularyLimits,
};
use crate::text::TextSettings;

/// Options of the recipe.
#[derive(Debug, Args)]
pub(super) struct RecipeOptions {
    /// Leave out a part of the recipe; `all` leaves plain words, weighted as usual
    #[arg(long, value_name = "PART,...", value_delimiter = ',')]
    without: Vec<Part>,
    /// The longest n-gram of characters
    #[arg(long, value_name = "N", default_value_t = 3)]
    char_ngrams: usize,
    /// The fewest comments an n-gram of characters stands in: a number, or a share
    #[arg(long, value_name = "N|SHARE", default_value = "3")]
    char_min_df: Bound,
    /// The longest n-gram, in words
    #[arg(long, value_name = "N", default_value_t = 2)]
    ngrams: usize,
    /// The fewest comments a term stands in: a number, or a share such as 0.001
    #[arg(long, value_name = "N|SHARE", default_value = "2")]
    min_df: Bound,
    /// How many words a pair of words may skip: 客户 … 进店 is a term, whatever one or two words
    /// stand between. 0 for no such pairs
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = value_parser!(u8).range(..=8))]
    max_skip: u8,
    /// The power to which the inverse document frequency is raised: 1 is usual, a higher one lets
    /// rare terms weigh more. Of several, that with the lowest log loss on folds inside the
    /// training data is taken, together with C
    #[arg(
        long,
        value_name = "NUMBER,...",
        value_delimiter = ',',
        default_value = "1,2.5",
        value_parser = power
    )]
    idf_power: Vec<f64>,
    /// The least chi-squared of a term and the labels, a degree of freedom, with which it is a
    /// term. Chance alone gives 1 on average; 0 keeps all
    #[arg(long, value_name = "NUMBER", default_value_t = 0.5, value_parser = chi2)]
    min_chi2: f64,
    /// The most comments a term stands in: a number, or a share such as 0.9
    #[arg(long, value_name = "N|SHARE", default_value = "1.0")]
    max_df: Bound,
    /// The most terms: those that occur most often are kept [default: no limit]
    #[arg(long, value_name = "N")]
    max_terms: Option<usize>,
    /// Take a term's count itself as its frequency, not 1 + ln(count)
    #[arg(long)]
    raw_tf: bool,
}

/// A part of the recipe that can be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// N-grams end where clauses end.
    Clauses,
    /// Numbers with their units become buckets.
    Quantities,
    /// Denied words become other words.
    Negation,
    /// Lists, fields and blanks begin clauses, too.
    Layout,
    /// Percentages and changes know their direction.
    Trends,
    /// Words that are only supposed become other words.
    Hypotheticals,
    /// Pairs of words with one or two between them.
    Skips,
    /// Inverse document frequencies are raised to a power.
    Rarity,
    /// Terms are chosen by what they have to do with the labels.
    Selection,
    /// N-grams of characters, beside those of words.
    Characters,
    /// The second stage over the scores of sentences.
    Sentences,
    /// All of these.
    All,
}

/// A document frequency as it stands on the command line: a whole number, or a share.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Bound(DocumentFrequencyBound);

impl FromStr for Bound {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(documents) = text.parse() {
            return Ok(Self(DocumentFrequencyBound::Documents(documents)));
        }
        match text.parse() {
            Ok(share) if (0.0..=1.0).contains(&share) => {
                Ok(Self(DocumentFrequencyBound::Share(share)))
            }
            _ => Err("expected a whole number, or a share from 0.0 to 1.0".to_owned()),
        }
    }
}

/// A power of the inverse document frequency as it stands on the command line.
fn power(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(power) if (0.0..=10.0).contains(&power) => Ok(power),
        _ => Err("expected a number from 0 to 10".to_owned()),
    }
}

/// A least chi-squared as it stands on the command line.
fn chi2(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(least) if (0.0..=1000.0).contains(&least) => Ok(least),
        _ => Err("expected a number from 0 to 1000".to_owned()),
    }
}

impl RecipeOptions {
    fn has(&self, part: Part) -> bool {
        !self.without.contains(&part) && !self.without.contains(&Part::All)
    }

    /// Which parts of text understanding are on.
    pub(super) fn text_settings(&self) -> TextSettings {
        TextSettings {
            clauses: self.has(Part::Clauses),
            quantities: self.has(Part::Quantities),
            negation: self.has(Part::Negation),
            layout: self.has(Part::Layout),
            trends: self.has(Part::Trends),
            hypotheticals: self.has(Part::Hypotheticals),
            // No matter of taste: a vocabulary is read by people, and travels with the model.
            privacy: true,
        }
    }

    /// How comments become vectors, with the usual inverse document frequency.
    pub(super) fn feature_settings(&self) -> FeatureSettings {
        let view = |max_ngram, max_skip, Bound(min_df)| ViewSettings {
            vocabulary: VocabularyLimits {
                max_ngram,
                max_skip,
                min_df,
                max_df: self.max_df.0,
                max_terms: self.max_terms,
            },
            term_frequency: if self.raw_tf { TermFrequency::Raw } else { TermFrequency::Sublinear },
            idf_power: 1.0,
        };
        let max_skip = if self.has(Part::Skips) { usize::from(self.max_skip) } else { 0 };
        FeatureSettings {
            words: view(self.ngrams, max_skip, self.min_df),
            characters: self
                .has(Part::Characters)
                .then(|| view(self.char_ngrams, 0, self.char_min_df)),
        }
    }

    /// The powers of the inverse document frequency to choose from.
    pub(super) fn idf_powers(&self) -> Vec<f64> {
        if !self.has(Part::Rarity) {
            return vec![1.0];
        }
        // Twice the same would only be tried twice.
        let mut powers = self.idf_power.clone();
        powers.sort_unstable_by(f64::total_cmp);
        powers.dedup();
        powers
    }

    /// The least chi-squared with which a term is kept.
    pub(super) fn min_chi2(&self) -> f64 {
        if self.has(Part::Selection) { self.min_chi2 } else { 0.0 }
    }

    /// Whether there is a second stage over the scores of sentences.
    pub(super) fn has_second_stage(&self) -> bool {
        self.has(Part::Sentences)
    }
}
