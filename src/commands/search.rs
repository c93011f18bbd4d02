//! `postloan train --search`: choosing the settings before training with them.

use std::sync::Arc;

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};

use super::failure::Failure;
use crate::text::TextSettings;
use crate::training::{
    Analyze, CrossValidation, LabelledComments, MOST_TRIALS, Recipe, SettingTrial, TrainingError,
    cross_validate_search, search,
};

/// What the figures of a search are to be worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum SearchKind {
    /// Search once, on all comments: the figures flatter, and card and report say so.
    Once,
    /// Search in each fold of the cross-validation anew, too: honest figures, and as many times
    /// the work as there are folds.
    Nested,
}

/// What a search gives.
pub(super) struct Searched {
    pub(super) recipe: Recipe,
    pub(super) trials: Vec<SettingTrial>,
    /// The nested cross-validation, if that was asked for.
    pub(super) validation: Option<CrossValidation>,
}

/// Searches from `start`; `read` analyses the comments by given settings.
pub(super) fn run(
    kind: SearchKind,
    start: &Recipe,
    mut read: impl FnMut(TextSettings) -> Result<LabelledComments, TrainingError>,
) -> Result<Searched, Failure> {
    let mut kept: Vec<(TextSettings, Arc<LabelledComments>)> = Vec::new();
    let analyze: &mut Analyze<'_> = &mut |settings| {
        if let Some((_, labelled)) = kept.iter().find(|(of, _)| *of == settings) {
            return Ok(Arc::clone(labelled));
        }
        let labelled = Arc::new(read(settings)?);
        kept.push((settings, Arc::clone(&labelled)));
        Ok(labelled)
    };
    let labelled = analyze(start.text)?;
    let nested = start.training.folds.as_ref().filter(|_| kind == SearchKind::Nested);
    let searches = nested.map_or(1, |plan| 1 + plan.count(labelled.groups()));
    let bar = progress((searches * MOST_TRIALS) as u64);
    let tried = || bar.inc(1);
    let all_rows: Vec<usize> = (0..labelled.classes().len()).collect();
    let (recipe, trials) = search(&all_rows, start, analyze, &tried)?;
    let validation = nested
        .map(|plan| cross_validate_search(&labelled, plan, start, analyze, &tried))
        .transpose()?;
    bar.finish_and_clear();
    Ok(Searched { recipe, trials, validation })
}

/// A bar of what is tried, on a terminal; elsewhere it draws nothing.
fn progress(most: u64) -> ProgressBar {
    let bar = ProgressBar::new(most);
    let style = "{wide_bar} setting {pos} of at most {len}, {elapsed}";
    match ProgressStyle::with_template(style) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
