//! `postloan predict`: a few comments, for a person to read.

use std::io::{self, BufRead, IsTerminal};
use std::ops::Range;

use anstyle::{AnsiColor, Style};
use clap::Args;
use serde::Serialize;

use super::Outcome;
use super::failure::Failure;
use super::options::{ModelOption, print, tell};
use crate::model::{
    ClassIndex, ClassifyError, Explanation, LabelSet, Reason, RiskClassifier, Worker,
};

/// Options of `postloan predict`.
#[derive(Debug, Args)]
pub(super) struct PredictArgs {
    /// Comments; without any, each line of standard input is one
    #[arg(value_name = "TEXT")]
    texts: Vec<String>,
    /// Give the reasons: the terms that spoke most for the label, and where they stand
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
}

/// What is printed for a machine.
#[derive(Debug, Serialize)]
struct PredictionJson<'a> {
    label: &'a str,
    name: &'a str,
    confidence: f64,
    probabilities: serde_json::Map<String, serde_json::Value>,
    model: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<ExplanationJson<'a>>,
}

#[derive(Debug, Serialize)]
struct ExplanationJson<'a> {
    score: f64,
    intercept: f64,
    reasons: Vec<ReasonJson<'a>>,
}

#[derive(Debug, Serialize)]
struct ReasonJson<'a> {
    term: &'a str,
    contribution: f64,
    words: &'a str,
    /// Where the term stands: `[start, end)` in bytes of the text.
    ranges: Vec<[usize; 2]>,
}

impl<'a> ReasonJson<'a> {
    fn of(reason: &'a Reason, text: &'a str) -> Self {
        Self {
            term: &reason.term,
            contribution: reason.contribution,
            words: reason.words(text),
            ranges: reason.ranges.iter().map(|range| [range.start, range.end]).collect(),
        }
    }
}

pub(super) fn run(args: &PredictArgs) -> Result<Outcome, Failure> {
    let classifier = args.model.open()?;
    let mut worker = classifier.worker();
    let mut refused = false;
    let mut place = 0;
    let mut one = |text: &str, what: &str| -> Result<(), Failure> {
        place += 1;
        match predict(args, &classifier, &mut worker, text) {
            Ok(printed) => print(&printed),
            Err(error) => {
                tell(&format!("postloan: {what} {place}: {error}"));
                refused = true;
                Ok(())
            }
        }
    };
    if args.texts.is_empty() {
        if io::stdin().is_terminal() {
            tell("type a comment a line; end with Ctrl-D");
        }
        for line in io::stdin().lock().lines() {
            let line =
                line.map_err(|error| Failure::input(error).context("cannot read standard input"))?;
            one(&line, "line")?;
        }
    } else {
        for text in &args.texts {
            one(text, "comment")?;
        }
    }
    Ok(if refused { Outcome::SomeRefused } else { Outcome::Done })
}

fn predict(
    args: &PredictArgs,
    classifier: &RiskClassifier,
    worker: &mut Worker,
    text: &str,
) -> Result<String, ClassifyError> {
    let explanation = worker.explain(text)?;
    Ok(if args.json {
        json_line(args, classifier, text, &explanation)
    } else {
        let reasons = if args.explain { args.reasons } else { 0 };
        for_people(classifier.labels(), text, &explanation, reasons)
    })
}

fn json_line(
    args: &PredictArgs,
    classifier: &RiskClassifier,
    text: &str,
    explanation: &Explanation,
) -> String {
    let prediction = &explanation.prediction;
    let label = classifier.labels().get(prediction.class);
    let probabilities = classifier.labels().iter().zip(&prediction.probabilities);
    let json = PredictionJson {
        label: &label.id,
        name: &label.name,
        confidence: prediction.confidence(),
        probabilities: probabilities.map(|(label, &p)| (label.id.clone(), p.into())).collect(),
        model: classifier.id().to_string(),
        explanation: args.explain.then(|| ExplanationJson {
            score: explanation.score,
            intercept: explanation.intercept,
            reasons: explanation
                .supporting(args.reasons)
                .iter()
                .map(|reason| ReasonJson::of(reason, text))
                .collect(),
        }),
    };
    // Strings and finite numbers are always JSON.
    serde_json::to_string(&json).unwrap_or_default() + "\n"
}

fn for_people(labels: &LabelSet, text: &str, explanation: &Explanation, reasons: usize) -> String {
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
    if reasons > 0 {
        let reasons = explanation.supporting(reasons);
        let marked = reasons.iter().flat_map(|reason| reason.ranges.iter().cloned());
        shown += &format!("  {}\n", highlight(text, marked.collect(), style.bold().underline()));
        for reason in reasons {
            let words = reason.words(text);
            shown += &format!("  {:+.3}  {}\n", reason.contribution, one_line(words));
        }
        if reasons.is_empty() {
            shown += "  no term of the comment speaks for it: it is the model's first guess\n";
        }
    }
    shown
}

/// Green for the least severe label, red for the most severe one, yellow between; no colour
/// where the severity is not known.
fn severity_style(labels: &LabelSet, class: ClassIndex) -> Style {
    let Some(severity) = labels.get(class).severity else {
        return Style::new().bold();
    };
    let known = || labels.iter().filter_map(|label| label.severity);
    let colour = if known().all(|other| other <= severity) {
        AnsiColor::Red
    } else if known().all(|other| other >= severity) {
        AnsiColor::Green
    } else {
        AnsiColor::Yellow
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

/// `text` without line breaks and other control characters, which could disturb a terminal.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
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
