//! The card that goes with a model: what it is, how it scored, what it must not be used for.

use std::fmt::Write as _;

use super::calibration::CalibrationChoice;
use super::cross_validation::{CalibrationGain, CrossValidation};
use super::search::search_table;
use super::trainer::{Trained, TrainingSettings};
use crate::evaluation::{Calibration, confusion_table, metrics_table};
use crate::features::{TermFrequency, TfidfVectorizer, ViewSettings};
use crate::model::ModelId;
use crate::text::readable;

/// How many of the strongest terms of each label the card names.
const STRONGEST_TERMS: usize = 15;

/// The model card, in Markdown. `description` says, in the trainer's words, what the data is.
#[must_use]
pub fn model_card(
    id: &ModelId,
    trained: &Trained,
    settings: &TrainingSettings,
    description: Option<&str>,
) -> String {
    let mut card = String::new();
    // Writing to a string cannot fail.
    let _ = write_card(&mut card, id, trained, settings, description);
    card
}

fn write_card(
    card: &mut String,
    id: &ModelId,
    trained: &Trained,
    settings: &TrainingSettings,
    description: Option<&str>,
) -> std::fmt::Result {
    let manifest = &trained.bundle.manifest;
    writeln!(card, "# Model card: {id}\n")?;
    writeln!(
        card,
        "Reads a post-loan review comment (贷后检查评价) and gives one of {} labels with a \
         probability for each. Written by {}.\n",
        manifest.labels.len(),
        manifest.software
    )?;

    writeln!(card, "## What it was trained on\n")?;
    writeln!(card, "{}\n", description.unwrap_or("The trainer left no description of the data."))?;
    for file in &manifest.data.files {
        writeln!(
            card,
            "- `{}`, {} bytes, SHA-256 `{}`",
            file.name, file.digest.bytes, file.digest.sha256
        )?;
    }
    writeln!(card, "\n| label | name | severity | comments | share |\n|---|---|--:|--:|--:|")?;
    for (label, rows) in manifest.labels.iter().zip(&manifest.data.rows_by_label) {
        writeln!(
            card,
            "| {} | {} | {} | {rows} | {:.1} % |",
            label.id,
            label.name,
            label.severity.map_or("–".to_owned(), |severity| severity.to_string()),
            100.0 * *rows as f64 / manifest.data.rows as f64
        )?;
    }

    writeln!(card, "\n## How it scored\n")?;
    match &trained.cross_validation {
        None => {
            writeln!(card, "It was not cross-validated: nothing is known of how good it is.\n")?
        }
        Some(validation) => write_scores(card, validation)?,
    }

    writeln!(card, "## How it was made\n")?;
    let vectorizer = &trained.bundle.vectorizer;
    writeln!(
        card,
        "- Words by jieba with the user dictionary beside this card ({} words), less {} stop words.",
        trained.bundle.user_dictionary.words().len(),
        trained.bundle.stop_words.len()
    )?;
    let on = |part: bool| if part { "on" } else { "off" };
    writeln!(
        card,
        "- Text understanding: clauses {}, lists and fields {}, quantities {}, trends {}, \
         negation {}, hypotheticals {}, privacy {}.",
        on(trained.bundle.text.clauses),
        on(trained.bundle.text.layout),
        on(trained.bundle.text.quantities),
        on(trained.bundle.text.trends),
        on(trained.bundle.text.negation),
        on(trained.bundle.text.hypotheticals),
        on(trained.bundle.text.privacy)
    )?;
    write_view(card, "words", &settings.features.words, vectorizer.words())?;
    if let (Some(settings), Some(view)) = (&settings.features.characters, vectorizer.characters()) {
        write_view(card, "characters", settings, view)?;
    }
    writeln!(
        card,
        "- Multinomial logistic regression, C = {} (α = {}); {} after {} iterations.\n",
        trained.penalty.c,
        1.0 / trained.penalty.c,
        if trained.fitted.converged { "converged" } else { "NOT converged" },
        trained.fitted.iterations.map_or("unknown".to_owned(), |iterations| iterations.to_string())
    )?;

    write_calibration(card, &trained.calibration)?;
    if !trained.search.is_empty() {
        writeln!(
            card,
            "## How its settings were chosen\n\nOne setting after another, each at the values \
             below, the others as they were by then; by the log loss of comments held out in \
             folds inside the training data. Taken (*) is that of the fewest terms, then of the \
             fewest parts, among those within one standard error of the best (the error of the \
             difference, over the folds).\n\n```text\n{}```\n",
            search_table(&trained.search)
        )?;
    }
    writeln!(card, "## What it goes by\n")?;
    writeln!(card, "The terms of the largest weights for each label:\n")?;
    for (class, label) in manifest.labels.iter().enumerate() {
        let vectorizer = &trained.bundle.vectorizer;
        let strongest: Vec<_> = trained
            .bundle
            .linear
            .terms_by_weight(class)
            .into_iter()
            .take(STRONGEST_TERMS)
            .map(|term| readable(vectorizer.term(term)))
            .collect();
        writeln!(card, "- **{}** ({}): {}", label.id, label.name, strongest.join("、"))?;
    }

    writeln!(card, "\n## What it must not be used for\n")?;
    card.push_str(
        "- It must not decide on a loan or on a person by itself: it sorts comments so that people \
         look at the right ones first.\n\
         - It knows nothing of a loan but what the comment says: a comment that hides a risk gets a \
         calm label.\n\
         - Its probabilities are those of data with the label shares above. Where the shares differ, \
         as they do on an ordinary night, they are off.\n\
         - It was made for comments in the language of its training data. Other texts get a label, \
         too, and it means nothing.\n",
    );
    Ok(())
}

fn write_calibration(card: &mut String, choice: &CalibrationChoice) -> std::fmt::Result {
    writeln!(card, "Calibration: {}.", choice.method.name())?;
    if !choice.tried.is_empty() {
        writeln!(
            card,
            "It is the simplest way whose log loss on inner folds is within one standard error of \
             the best (the error of the difference):\n\n\
             | way | log loss | above the best | standard error |\n|---|--:|--:|--:|"
        )?;
    }
    for trial in &choice.tried {
        writeln!(
            card,
            "| {} | {:.4} | {:.5} | {:.5} |",
            trial.method.name(),
            trial.log_loss,
            trial.above_best,
            trial.standard_error
        )?;
    }
    writeln!(card)
}

fn write_view(
    card: &mut String,
    units: &str,
    settings: &ViewSettings,
    view: &TfidfVectorizer,
) -> std::fmt::Result {
    let frequency = match settings.term_frequency {
        TermFrequency::Raw => "raw",
        TermFrequency::Sublinear => "sublinear",
    };
    writeln!(
        card,
        "- {} terms of 1 to {} {units}; TF-IDF with {frequency} term frequency.",
        view.vocabulary().len(),
        settings.vocabulary.max_ngram
    )
}

fn write_scores(card: &mut String, validation: &CrossValidation) -> std::fmt::Result {
    writeln!(card, "Cross-validation: {}.\n", validation.description())?;
    let spread = [
        ("accuracy", validation.metrics.accuracy, validation.accuracy),
        ("macro F1", validation.metrics.macro_f1, validation.macro_f1),
        ("log loss", validation.metrics.log_loss, validation.log_loss),
    ];
    writeln!(
        card,
        "| | all folds together | fold mean | deviation | lowest | highest |\n|---|--:|--:|--:|--:|--:|"
    )?;
    for (name, pooled, spread) in spread {
        writeln!(
            card,
            "| {name} | {pooled:.4} | {:.4} | {:.4} | {:.4} | {:.4} |",
            spread.mean, spread.deviation, spread.lowest, spread.highest
        )?;
    }
    writeln!(
        card,
        "\n```text\n{}\n{}```\n",
        metrics_table(&validation.metrics),
        confusion_table(&validation.metrics)
    )?;
    let Some(CalibrationGain { before, after }) = validation.calibration else { return Ok(()) };
    writeln!(
        card,
        "Probabilities, out of fold (ECE in {} bins of equal width; Brier score summed over the \
         labels; lower is better):\n\n| | log loss | ECE | Brier |\n|---|--:|--:|--:|",
        Calibration::BINS
    )?;
    for (name, scores) in [("softmax", before), ("calibrated", after)] {
        writeln!(
            card,
            "| {name} | {:.4} | {:.4} | {:.4} |",
            scores.log_loss, scores.expected_calibration_error, scores.brier
        )?;
    }
    let ways: Vec<&str> = validation.folds.iter().map(|fold| fold.calibration.name()).collect();
    writeln!(card, "\nThe folds' calibrations: {}.\n", ways.join(", "))
}
