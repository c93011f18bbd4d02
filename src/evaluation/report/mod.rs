//! The evaluation as a page for the analyst.

mod errors;
mod scores;
mod thresholds;

use maud::{Markup, html};
use serde::{Deserialize, Serialize};

use super::by_field::MetricsByField;
use super::calibration::Calibration;
use super::interval::wilson_interval;
use super::metrics::{Metrics, Scored, Spread};
use super::terms::TermShare;
use crate::model::{ClassIndex, LabelSet, Phrase};
use crate::report::{KeyFigure, Language, NumberFormat, Page, Section, Tone};

/// Where the predictions of a report come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The model was not trained on the comments.
    NewComments,
    /// The model was trained on them: its figures flatter.
    SeenInTraining,
    /// Each by a model trained without its fold; how rows were dealt, in words.
    OutOfFold(String),
}

/// How good models are that were trained on a share of the data.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LearningPoint {
    /// The share of the training groups (or rows) of each fold.
    pub share: f64,
    /// How many comments that is, the mean over the folds.
    pub rows: f64,
    /// The accuracy over the folds.
    pub accuracy: Spread,
    /// The macro F1 over the folds.
    pub macro_f1: Spread,
}

/// A comment that was predicted wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct Mistake<'a> {
    /// Its id or line.
    pub id: String,
    /// The comment.
    pub text: &'a str,
    /// Further fields of its record.
    pub fields: Vec<(String, String)>,
    /// Its label and what was predicted.
    pub scored: &'a Scored,
    /// What spoke for the predicted label and against it.
    pub phrases: Vec<Phrase>,
}

/// An evaluation, to be shown as a page.
///
/// The page holds comments: it is the analyst's own file.
#[derive(Debug, Clone)]
pub struct EvaluationReport<'a> {
    /// The language of the page.
    pub language: Language,
    /// The model's name and version.
    pub model: String,
    /// The program that made the page, such as `postloan 0.1.0`.
    pub software: String,
    /// The labels.
    pub labels: &'a LabelSet,
    /// Where the predictions come from.
    pub origin: Origin,
    /// The labels given and predicted.
    pub scored: &'a [Scored],
    /// The metrics for each value of some fields.
    pub fields: Vec<MetricsByField>,
    /// How good the model would be with less data; empty if that is not known.
    pub learning_curve: Vec<LearningPoint>,
    /// For each label the terms that spoke most for it; empty if that is not known.
    pub terms: Vec<Vec<TermShare>>,
    /// The worst mistakes, the worst first.
    pub mistakes: Vec<Mistake<'a>>,
}

/// The name of the field that [`length_band`] gives the values of.
pub const LENGTH_FIELD: &str = "length";

/// The band of a comment's length in characters. The bands sort as strings.
#[must_use]
pub fn length_band(comment: &str) -> &'static str {
    match comment.chars().count() {
        0..=30 => "  1–30",
        31..=60 => " 31–60",
        61..=100 => " 61–100",
        101..=200 => "101–200",
        _ => "201–",
    }
}

impl EvaluationReport<'_> {
    /// The positions of the wrong predictions in `scored`, those first whose true label was
    /// given the lowest probability; at most `limit`.
    #[must_use]
    pub fn worst(scored: &[Scored], limit: usize) -> Vec<usize> {
        let given = |row: usize| scored[row].probabilities[scored[row].truth];
        let mut wrong: Vec<usize> =
            (0..scored.len()).filter(|&row| scored[row].truth != scored[row].predicted).collect();
        wrong.sort_by(|&a, &b| given(a).total_cmp(&given(b)));
        wrong.truncate(limit);
        wrong
    }

    /// The page as one HTML document.
    #[must_use]
    pub fn to_html(&self) -> String {
        let metrics = Metrics::of(self.labels, self.scored);
        let calibration = Calibration::of(self.scored);
        let language = self.language;
        let count = NumberFormat::Count.write(metrics.rows as f64);
        let sections = [
            Some(self.confusion(&metrics)),
            Some(self.thresholds()),
            Some(self.calibration(&calibration)),
            (!self.fields.is_empty()).then(|| self.by_field()),
            (self.learning_curve.len() > 1).then(|| self.learning()),
            self.terms.iter().any(|terms| !terms.is_empty()).then(|| self.strongest_terms()),
            Some(self.worst_mistakes(&metrics)),
        ];
        Page {
            subtitle: language.pick(
                format!("模型 {}，{count} 条已标注的评价。{}", self.model, self.origin_words()),
                format!("Model {}, {count} labelled comments. {}", self.model, self.origin_words()),
            ),
            warnings: self.warnings(),
            figures: self.key_figures(&metrics, &calibration),
            sections: sections.into_iter().flatten().collect(),
            footer: language.pick(
                format!("由 {} 生成。本页含评价原文，请按内部资料保管。", self.software),
                format!("Made by {}. This page holds comments: keep it as such.", self.software),
            ),
            ..Page::new(language, language.pick("模型评估报告", "Model evaluation"))
        }
        .to_html()
    }

    fn origin_words(&self) -> String {
        match &self.origin {
            Origin::NewComments => self
                .language
                .pick("模型训练时没有见过这个文件。", "The model was not trained on this file."),
            Origin::SeenInTraining => "",
            Origin::OutOfFold(plan) => {
                return self.language.pick(
                    format!("每条都由没有用它训练的模型判断（交叉验证：{plan}）。"),
                    format!("Each predicted by a model trained without it ({plan})."),
                );
            }
        }
        .to_owned()
    }

    fn warnings(&self) -> Vec<String> {
        let seen = self.language.pick(
            "模型就是用这些评价训练的：这里的数字不能说明它对新评价有多准。",
            "The model was trained on these comments: its figures here say nothing of new ones.",
        );
        (self.origin == Origin::SeenInTraining).then(|| seen.to_owned()).into_iter().collect()
    }

    fn key_figures(&self, metrics: &Metrics, calibration: &Calibration) -> Vec<KeyFigure> {
        let language = self.language;
        let (low, high) = wilson_interval(metrics.accuracy, metrics.rows);
        let interval = format!("{} – {}", percent(low), percent(high));
        let accuracy =
            KeyFigure::new(language.pick("准确率", "Accuracy"), percent(metrics.accuracy))
                .note(
                    language
                        .pick(format!("95% 区间 {interval}"), format!("95% interval {interval}")),
                )
                .tone(Tone::Series(0));
        let macro_f1 =
            KeyFigure::new(language.pick("宏平均 F1", "Macro F1"), percent(metrics.macro_f1))
                .note(language.pick("各标签 F1 的平均", "mean F1 of the labels"));
        let severe = self.most_severe().map(|class| {
            let found = &metrics.classes[class];
            let name = self.label(class);
            let missed = metrics.classes[class].support - metrics.confusion[class][class];
            KeyFigure::new(
                language.pick(format!("“{name}”召回率"), format!("Recall of {name}")),
                percent(found.recall),
            )
            .note(language.pick(
                format!("{} 条中漏掉 {missed} 条", found.support),
                format!("{missed} of {} missed", found.support),
            ))
            .tone(Tone::Bad)
        });
        let error = KeyFigure::new(
            language.pick("校准误差 ECE", "Calibration error (ECE)"),
            decimal(calibration.expected_error),
        )
        .note(language.pick("越接近 0 越好", "0 is best"));
        let brier =
            KeyFigure::new(language.pick("Brier 分数", "Brier score"), decimal(calibration.brier))
                .note(language.pick("0 最好，2 最差", "0 is best, 2 is worst"));
        let loss = KeyFigure::new(language.pick("对数损失", "Log loss"), decimal(metrics.log_loss))
            .note(language.pick("越接近 0 越好", "0 is best"));
        [Some(accuracy), Some(macro_f1), severe, Some(error), Some(brier), Some(loss)]
            .into_iter()
            .flatten()
            .collect()
    }

    /// What people call a label.
    fn label(&self, class: ClassIndex) -> &str {
        let label = self.labels.get(class);
        self.language.pick(&label.name, &label.id)
    }

    /// The most severe label, where severities are known.
    fn most_severe(&self) -> Option<ClassIndex> {
        let severity = |class: ClassIndex| self.labels.get(class).severity;
        (0..self.labels.len())
            .filter(|&class| severity(class).is_some())
            .max_by_key(|&class| severity(class))
    }

    /// A label's colour: by its severity, where that is known.
    fn tone(&self, class: ClassIndex) -> Tone {
        let Some(severity) = self.labels.get(class).severity else {
            return Tone::Series(class);
        };
        let known = || self.labels.iter().filter_map(|label| label.severity);
        if known().all(|other| other <= severity) {
            Tone::Bad
        } else if known().all(|other| other >= severity) {
            Tone::Good
        } else {
            Tone::Caution
        }
    }

    /// A label's name in its colour.
    fn label_mark(&self, class: ClassIndex) -> Markup {
        html! { span.label.(self.tone(class).class()) { (self.label(class)) } }
    }
}

/// A share with one decimal.
fn percent(share: f64) -> String {
    NumberFormat::Percent(1).write(share)
}

fn decimal(number: f64) -> String {
    NumberFormat::Decimal(4).write(number)
}

/// A section of parts side by side.
fn grid(parts: impl IntoIterator<Item = Markup>) -> Markup {
    html! { div.grid { @for part in parts { div { (part) } } } }
}

/// A section with a lead.
fn section(id: &str, heading: &str, lead: &str, body: Markup) -> Section {
    Section::new(id, heading, body).lead(lead)
}
