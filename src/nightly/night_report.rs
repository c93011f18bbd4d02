//! The report of a run: the same numbers as a page and as JSON.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use maud::html;
use serde::Serialize;

use super::history::{PastRun, RiskyReview};
use super::summary::NightlySummary;
use crate::batch::tones;
use crate::model::{LabelSet, RiskClassifier};
use crate::records::{self, OutputFile};
use crate::report::{
    Axis, Bar, BarChart, Column, KeyFigure, Language, NumberFormat, Page, Section, StackedBars,
    StackedSeries, Table, Tone,
};

/// Everything a report tells.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Report {
    pub(super) summary: NightlySummary,
    /// The runs of earlier dates that the night is compared with, the oldest first.
    pub(super) past: Vec<PastNight>,
    pub(super) riskiest: Vec<ReportedReview>,
    /// Results by confidence, in tenths from 0–10 % to 90–100 %.
    pub(super) confidence_histogram: [u64; 10],
    pub(super) model: ModelFacts,
}

/// An earlier night.
#[derive(Debug, Clone, Serialize)]
pub(super) struct PastNight {
    date: String,
    by_label: Vec<(String, u64)>,
}

/// One of the riskiest reviews.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ReportedReview {
    pub(super) id: String,
    pub(super) label: String,
    pub(super) risk: f64,
    pub(super) confidence: f64,
    /// The terms of the model's vocabulary that spoke for the label.
    pub(super) reasons: Vec<String>,
    /// The comment, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<String>,
}

impl ReportedReview {
    pub(super) fn new(review: RiskyReview, reasons: Vec<String>, text: Option<String>) -> Self {
        let RiskyReview { id, label, risk, confidence, .. } = review;
        Self { id, label, risk, confidence, reasons, text }
    }
}

/// What is to be known of the model.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ModelFacts {
    id: String,
    trained_on: u64,
    labels: Vec<String>,
}

impl ModelFacts {
    pub(super) fn of(classifier: &RiskClassifier) -> Self {
        Self {
            id: classifier.id().to_string(),
            trained_on: classifier.manifest().data.rows as u64,
            labels: classifier.labels().ids().into_iter().map(str::to_owned).collect(),
        }
    }
}

impl From<&PastRun> for PastNight {
    fn from(run: &PastRun) -> Self {
        let counts = run.by_label.iter().map(|count| (count.label.clone(), count.count));
        Self { date: run.date.clone(), by_label: counts.collect() }
    }
}

/// The name of a run's page.
pub(super) fn page_name(summary: &NightlySummary) -> String {
    format!("{}-run-{}.html", summary.date, summary.run)
}

/// Writes the page and the JSON of a run to `folder` and gives the page's path.
pub(super) fn write(
    report: &Report,
    labels: &LabelSet,
    language: Language,
    folder: &Path,
) -> io::Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    let json = serde_json::to_string_pretty(report)? + "\n";
    let page = folder.join(page_name(&report.summary));
    for (path, contents) in
        [(page.with_extension("json"), json), (page.clone(), html(report, labels, language))]
    {
        let mut file = OutputFile::create(&path)?;
        file.write_all(contents.as_bytes())?;
        file.commit()?;
    }
    Ok(page)
}

/// The tone of each label on a page.
fn page_tones(labels: &LabelSet) -> Vec<Tone> {
    (0..)
        .zip(tones(labels))
        .map(|(place, tone)| match tone {
            Some(records::Tone::Good) => Tone::Good,
            Some(records::Tone::Watch) => Tone::Caution,
            Some(records::Tone::Bad) => Tone::Bad,
            None => Tone::Series(place),
        })
        .collect()
}

fn html(report: &Report, labels: &LabelSet, language: Language) -> String {
    let summary = &report.summary;
    let pick = |chinese: &str, english: &str| language.pick(chinese, english).to_owned();
    let count = |number: u64| NumberFormat::Count.write(number as f64);
    let tones = page_tones(labels);
    let share = |number: u64| {
        NumberFormat::Percent(1).write(number as f64 / summary.classified.max(1) as f64)
    };
    let mut figures = vec![
        KeyFigure::new(pick("读入", "read"), count(summary.read)).note(pick("笔", "comments")),
    ];
    for (label, tone) in labels.iter().zip(&tones) {
        let number = summary.count(&label.id);
        let name = language.pick(&label.name, &label.id).to_owned();
        figures.push(KeyFigure::new(name, count(number)).note(share(number)).tone(*tone));
    }
    figures.push(KeyFigure::new(pick("拒收", "refused"), count(summary.refused)));
    figures.push(KeyFigure::new(pick("待人工复核", "for a person"), count(summary.needs_human)));

    let mut sections =
        vec![
        Section::new("labels", pick("标签与近 30 次运行", "Labels, and the last 30 runs"), html! {
            (history(report, labels, &tones, language))
        })
        .lead(pick(
            "每根柱子是一个业务日的有效结果；最后一根是本次。",
            "Each bar is the run of a business date that counts; the last one is this one.",
        )),
        Section::new("risky", pick("风险最高的评价", "The riskiest reviews"), html! {
            (risky_table(report, labels, language))
        })
        .lead(pick(
            "按最高风险等级的概率排序；理由为模型词表中的词。",
            "By the probability of the gravest label; reasons are terms of the model's vocabulary.",
        )),
        Section::new("confidence", pick("置信度分布", "Confidence"), html! {
            (histogram(report, language))
        }),
    ];
    if summary.refused > 0 {
        let mut table = Table::new(
            pick("拒收原因", "Why comments were refused"),
            [Column::text(pick("原因", "reason")), Column::number(pick("笔数", "comments"))],
        );
        for (reason, number) in &summary.refused_by_reason {
            table.row([html! { (reason) }, html! { (count(*number)) }]);
        }
        sections.push(Section::new("refused", pick("拒收", "Refusals"), html! { (table) }));
    }
    let mut facts = Table::new(
        pick("运行与模型", "Run and model"),
        [Column::text(pick("项目", "what")), Column::text(pick("值", "value"))],
    );
    for (name, value) in [
        (pick("作业", "job"), summary.job.clone()),
        (pick("运行编号", "run"), summary.run.to_string()),
        (pick("模型", "model"), report.model.id.clone()),
        (pick("训练评价数", "trained on"), count(report.model.trained_on)),
        (pick("启动次数", "starts"), summary.starts.to_string()),
        (pick("用时（秒）", "seconds"), NumberFormat::Decimal(2).write(summary.seconds)),
    ] {
        facts.row([html! { (name) }, html! { (value) }]);
    }
    sections.push(Section::new("facts", pick("运行与模型", "Run and model"), html! { (facts) }));
    Page {
        subtitle: format!("{} · {}", summary.date, summary.model),
        figures,
        sections,
        footer: pick(
            "由 postloan nightly 生成；同样的数字见同名 JSON 文件。",
            "Made by postloan nightly; the same numbers are in the JSON file of the same name.",
        ),
        ..Page::new(language, pick("贷后检查夜间分类报告", "Post-loan reviews, the night's report"))
    }
    .to_html()
}

fn history(report: &Report, labels: &LabelSet, tones: &[Tone], language: Language) -> StackedBars {
    let counts = |label: &str| -> Vec<f64> {
        let past = report.past.iter().map(|night| {
            night.by_label.iter().find(|(known, _)| known == label).map_or(0, |(_, count)| *count)
        });
        past.chain([report.summary.count(label)]).map(|count| count as f64).collect()
    };
    let series: Vec<StackedSeries> = labels
        .iter()
        .zip(tones)
        .rev()
        .map(|(label, tone)| StackedSeries {
            name: language.pick(&label.name, &label.id).to_owned(),
            tone: *tone,
            values: counts(&label.id),
        })
        .collect();
    let nights = report.past.len() + 1;
    let highest = (0..nights)
        .map(|night| series.iter().map(|series| series.values[night]).sum())
        .fold(1.0, f64::max);
    let dates = report.past.iter().map(|night| night.date.as_str());
    // Month and day: the year is in the heading.
    let names = dates.chain([report.summary.date.as_str()]).map(|date| date[5..].to_owned());
    StackedBars {
        title: language.pick("各业务日的结果", "Results by business date").to_owned(),
        names: names.collect(),
        y: Axis::linear(language.pick("笔数", "comments"), 0.0, highest, NumberFormat::Count),
        series,
    }
}

fn histogram(report: &Report, language: Language) -> BarChart {
    let bars = (0..).zip(report.confidence_histogram).filter(|(_, number)| *number > 0);
    BarChart {
        title: language.pick("各置信度区间的笔数", "Results by confidence").to_owned(),
        format: NumberFormat::Count,
        highest: None,
        bars: bars
            .map(|(tenth, number): (u64, u64)| {
                Bar::new(format!("{}–{}%", 10 * tenth, 10 * tenth + 10), number as f64)
            })
            .collect(),
    }
}

fn risky_table(report: &Report, labels: &LabelSet, language: Language) -> Table {
    let mut columns = vec![
        Column::text(language.pick("编号", "id")),
        Column::text(language.pick("标签", "label")),
        Column::number(language.pick("风险", "risk")),
        Column::text(language.pick("理由", "reasons")),
    ];
    let with_text = report.riskiest.iter().any(|review| review.text.is_some());
    if with_text {
        columns.push(Column::text(language.pick("评价", "comment")));
    }
    let mut table = Table::new(language.pick("风险最高的评价", "The riskiest reviews"), columns);
    for review in &report.riskiest {
        let label = labels.iter().find(|label| label.id == review.label);
        let label = label.map_or(review.label.as_str(), |label| {
            language.pick(label.name.as_str(), label.id.as_str())
        });
        let mut row = vec![
            html! { (review.id) },
            html! { (label) },
            html! { (NumberFormat::Percent(1).write(review.risk)) },
            html! { (review.reasons.join(language.pick("、", ", "))) },
        ];
        if with_text {
            row.push(html! { (review.text.as_deref().unwrap_or_default()) });
        }
        table.row(row);
    }
    table
}
