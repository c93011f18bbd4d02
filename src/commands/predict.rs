//! `postloan predict`: a few comments, for a person to read.

use std::io::{self, BufRead, IsTerminal};
use std::ops::Range;
use std::path::PathBuf;

use anstyle::{AnsiColor, Style};
use clap::Args;

use super::Outcome;
use super::decisions::DecisionOptions;
use super::failure::Failure;
use super::options::{ModelOption, RecordOptions, one_line, print, tell};
use super::prediction_json::{ExplanationJson, PhraseJson, PredictionJson, ReasonJson};
use crate::batch::tones;
use crate::model::{
    ClassIndex, ClassifyError, Explanation, LabelSet, Phrases, RiskClassifier, Worker,
};
use crate::records::Tone;

/// Options of `postloan predict`.
#[derive(Debug, Args)]
pub(super) struct PredictArgs {
    /// Comments; without any, each line of standard input is one
    #[arg(value_name = "TEXT")]
    texts: Vec<String>,
    /// Take the comments of a file (.csv, .jsonl, .xlsx, .parquet; .gz, .zst) or of a database
    /// (sqlite:PATH, postgres://…, gaussdb://…; see --query) instead
    #[arg(long, value_name = "FILE", conflicts_with = "texts")]
    file: Option<PathBuf>,
    /// Give the reasons: the parts of the comment that spoke most for the label. With --json, also
    /// the single terms, which may lie on top of each other
    #[arg(long)]
    explain: bool,
    /// How many reasons to give at most
    #[arg(long, value_name = "N", default_value_t = 5, requires = "explain")]
    reasons: usize,
    /// Print a JSON object a line on standard output
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    model: ModelOption,
    #[command(flatten)]
    decisions: DecisionOptions,
    #[command(flatten)]
    records: RecordOptions,
}

pub(super) fn run(args: &PredictArgs) -> Result<Outcome, Failure> {
    let classifier = args.decisions.apply(args.model.open()?)?;
    let mut worker = classifier.worker();
    let mut refused = false;
    let mut place = 0;
    let mut one = |text: &str, what: &str, id: Option<&str>| -> Result<(), Failure> {
        place += 1;
        match predict(args, &classifier, &mut worker, text, id) {
            Ok(printed) => print(&printed),
            Err(error) => {
                let place = id.map_or_else(|| format!("{what} {place}"), |id| format!("id {id}"));
                tell(&format!("postloan: {place}: {error}"));
                refused = true;
                Ok(())
            }
        }
    };
    if let Some(path) = &args.file {
        let mut refusals = false;
        for record in args.records.open(path)? {
            match record? {
                Ok(review) => one(&review.text, "record", Some(&review.id))?,
                Err(refusal) => {
                    tell(&format!("postloan: {refusal}"));
                    refusals = true;
                }
            }
        }
        refused |= refusals;
    } else if args.texts.is_empty() {
        if io::stdin().is_terminal() {
            tell("type a comment a line; end with Ctrl-D");
        }
        for line in io::stdin().lock().lines() {
            let line =
                line.map_err(|error| Failure::input(error).context("cannot read standard input"))?;
            one(&line, "line", None)?;
        }
    } else {
        for text in &args.texts {
            one(text, "comment", None)?;
        }
    }
    Ok(if refused { Outcome::SomeRefused } else { Outcome::Done })
}

fn predict(
    args: &PredictArgs,
    classifier: &RiskClassifier,
    worker: &mut Worker,
    text: &str,
    id: Option<&str>,
) -> Result<String, ClassifyError> {
    let explanation = worker.explain(text)?;
    Ok(if args.json {
        json_line(args, classifier, text, id, &explanation)
    } else {
        let phrases = if args.explain { args.reasons } else { 0 };
        let shown = for_people(classifier.labels(), text, &explanation, phrases);
        id.map_or(String::new(), |id| one_line(id) + "  ") + &shown
    })
}

fn json_line(
    args: &PredictArgs,
    classifier: &RiskClassifier,
    text: &str,
    id: Option<&str>,
    explanation: &Explanation,
) -> String {
    let prediction = &explanation.prediction;
    let label = classifier.labels().get(prediction.class);
    let probabilities = classifier.labels().iter().zip(&prediction.probabilities);
    let json = PredictionJson {
        id,
        label: &label.id,
        name: &label.name,
        confidence: prediction.confidence(),
        most_likely: &classifier.labels().get(prediction.most_likely).id,
        needs_human: prediction.needs_human,
        probabilities: probabilities.map(|(label, &p)| (label.id.clone(), p.into())).collect(),
        model: classifier.id().to_string(),
        explanation: args.explain.then(|| ExplanationJson {
            score: explanation.score,
            intercept: explanation.intercept,
            phrases: Phrases::of(text, &explanation.reasons)
                .supporting(args.reasons)
                .iter()
                .map(|phrase| PhraseJson {
                    words: phrase.words(text),
                    contribution: phrase.contribution,
                    range: [phrase.range.start, phrase.range.end],
                })
                .collect(),
            reasons: explanation
                .supporting(args.reasons)
                .iter()
                .map(|reason| ReasonJson {
                    term: &reason.term,
                    contribution: reason.contribution,
                    words: reason.words(text),
                    ranges: reason.ranges.iter().map(|range| [range.start, range.end]).collect(),
                })
                .collect(),
        }),
    };
    // Strings and finite numbers are always JSON.
    serde_json::to_string(&json).unwrap_or_default() + "\n"
}

/// With at most so many `phrases` that speak for the label.
fn for_people(labels: &LabelSet, text: &str, explanation: &Explanation, phrases: usize) -> String {
    let prediction = &explanation.prediction;
    let label = labels.get(prediction.class);
    let style = severity_style(labels, prediction.class);
    let mut shown = format!(
        "{style}{}{style:#} {} {:.1} %",
        label.name,
        label.id,
        100.0 * prediction.confidence()
    );
    for (other, &probability) in labels.iter().zip(&prediction.probabilities) {
        if other.id != label.id {
            shown += &format!("  {} {:.1} %", other.id, 100.0 * probability);
        }
    }
    shown.push('\n');
    if phrases > 0 {
        let all = Phrases::of(text, &explanation.reasons);
        let phrases = all.supporting(phrases);
        let marked = phrases.iter().map(|phrase| phrase.range.clone());
        shown += &format!("  {}\n", highlight(text, marked.collect(), style.bold().underline()));
        for phrase in phrases {
            let words = phrase.words(text);
            shown += &format!("  {:+.3}  {}\n", phrase.contribution, one_line(words));
        }
        if explanation.supporting(1).is_empty() {
            shown += "  no term of the comment speaks for it: it is the model's first guess\n";
        }
    }
    shown
}

/// Green for the least severe label, red for the most severe one, yellow between; no colour
/// where the severity is not known.
fn severity_style(labels: &LabelSet, class: ClassIndex) -> Style {
    let colour = match tones(labels)[class] {
        None => return Style::new().bold(),
        Some(Tone::Good) => AnsiColor::Green,
        Some(Tone::Watch) => AnsiColor::Yellow,
        Some(Tone::Bad) => AnsiColor::Red,
    };
    Style::new().fg_color(Some(colour.into())).bold()
}

/// `text` with the given ranges in `style`.
fn highlight(text: &str, mut ranges: Vec<Range<usize>>, style: Style) -> String {
    ranges.sort_by_key(|range| range.start);
    let mut shown = String::new();
    let mut end = 0;
    for range in ranges {
        let start = range.start.max(end);
        if start < range.end {
            shown += &one_line(&text[end..start]);
            shown += &format!("{style}{}{style:#}", one_line(&text[start..range.end]));
            end = range.end;
        }
    }
    shown + &one_line(&text[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn highlighted_ranges_may_overlap_and_control_characters_do_not_reach_the_terminal() {
        let style = Style::new().bold();
        let text = "已逾期\u{1b}30天";
        let shown = highlight(text, vec![3..12, 3..9, 10..12], style);
        assert_eq!(shown, format!("已{style}逾期 30{style:#}天"));
    }
}
