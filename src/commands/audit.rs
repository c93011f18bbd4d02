//! `postloan audit`: what is probably wrong with labelled data.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;

use clap::{Args, Parser};
use serde::Serialize;

use super::Outcome;
use super::failure::Failure;
use super::options::{RecordOptions, ThreadOption, create_output, print, print_json, tell};
use super::scratch_model::scratch_model;
use super::train::{TrainArgs, read_labels};
use crate::audit::{Audit, AuditedComment, Finding, FindingKind};
use crate::evaluation::Scored;
use crate::model::{ClassIndex, LabelSet, Phrases, RiskClassifier};
use crate::records::{
    Cell, Column, ColumnKind, FieldNames, OutputFile, RecordFormat, Review, ReviewCollection,
    TableWriter,
};
use crate::report::Language;
use crate::text::{Analyzer, Segmenter, StopWords, UserDictionary};
use crate::training::{
    FoldError, LabelledComments, TrainingError, TrainingSettings, cross_validate,
};

/// How many words are given as reasons.
const WORDS: usize = 4;

/// Options of `postloan audit`.
#[derive(Debug, Args)]
pub(super) struct AuditArgs {
    /// Files of labelled comments (.csv, .jsonl, .xlsx, .parquet; .gz, .zst), databases
    /// (sqlite:PATH, postgres://…, gaussdb://…; see --query), or `-` for standard input
    #[arg(required = true, value_name = "DATA")]
    data: Vec<PathBuf>,
    /// Where to write the findings (.csv, .jsonl, .xlsx or .parquet). The comments stand in it: it
    /// is for the labellers
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Write the out-of-fold probability of each label here, too, without texts
    #[arg(long, value_name = "FILE")]
    probabilities: Option<PathBuf>,
    /// The language of the reasons
    #[arg(long, value_name = "LANGUAGE", default_value = "zh")]
    lang: Language,
    /// Print the summary as JSON on standard output
    #[arg(long)]
    json: bool,

    /// The field that holds the label
    #[arg(long, value_name = "FIELD", default_value = "label", help_heading = "Data")]
    label_field: String,
    /// A TOML file of the labels, each with id, name and severity [default: the labels of the
    /// data]
    #[arg(long, value_name = "FILE", help_heading = "Data")]
    labels: Option<PathBuf>,
    #[command(flatten, next_help_heading = "Data")]
    records: RecordOptions,

    /// How many folds the probabilities come from
    #[arg(long, value_name = "N", default_value_t = 5, help_heading = "Findings")]
    folds: usize,
    /// A field whose values never stand in two folds, such as the writer of a comment; the same
    /// text in two of its values is a leak
    #[arg(long, value_name = "FIELD", help_heading = "Findings")]
    group_field: Option<String>,
    /// What random folds depend on
    #[arg(long, value_name = "N", default_value_t = 42, help_heading = "Findings")]
    seed: u64,
    /// From which share of common character 3-grams (their Jaccard similarity) two comments say
    /// nearly the same
    #[arg(long, value_name = "SHARE", default_value_t = 0.7, value_parser = share, help_heading = "Findings")]
    similarity: f64,
    #[command(flatten, next_help_heading = "Findings")]
    threads: ThreadOption,
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if share > 0.0 && share <= 1.0 => Ok(share),
        _ => Err("expected a number above 0 and at most 1".to_owned()),
    }
}

/// The recipe of `postloan train` where no flag changes it.
#[derive(Debug, Parser)]
struct DefaultRecipe {
    #[command(flatten)]
    args: TrainArgs,
}

/// What is printed for a machine.
#[derive(Debug, Serialize)]
struct Summary {
    comments: usize,
    /// How many findings there are of each kind.
    findings: serde_json::Map<String, serde_json::Value>,
    /// For each given label, how many of its comments are estimated to be of each label.
    estimated_true_labels: Vec<EstimatedLabels>,
    /// Labels of too few comments to be checked.
    not_checked: Vec<String>,
}

#[derive(Debug, Serialize)]
struct EstimatedLabels {
    given: String,
    comments: u64,
    estimated_wrong: u64,
}

pub(super) fn run(args: &AuditArgs) -> Result<Outcome, Failure> {
    args.threads.apply()?;
    let output = create_output(&args.output)?;
    let probabilities = args.probabilities.as_deref().map(create_output).transpose()?;
    let fields = FieldNames {
        id: None,
        text: args.records.text_field.clone(),
        required: [&args.label_field].into_iter().chain(&args.group_field).cloned().collect(),
        optional: vec![args.records.id_field.clone()],
    };
    let collection = ReviewCollection::read(&args.data, &args.records.input_options(), &fields)?;
    let reviews = &collection.reviews;
    let labels = read_labels(args.labels.as_deref(), reviews)?;
    let recipe = Recipe::new(args)?;
    let classes = reviews
        .iter()
        .map(|review| {
            labels.class_of(&review.required[0]).map_err(|error| {
                let place = format!("field `{}` at line {}", args.label_field, review.line);
                Failure::from(error).context(place)
            })
        })
        .collect::<Result<Vec<ClassIndex>, Failure>>()?;
    let data = Data { labels, reviews, classes, grouped: args.group_field.is_some() };

    let (scored, not_checked) = recipe.out_of_fold(&data)?;
    let comments: Vec<AuditedComment> = (0..reviews.len())
        .map(|row| AuditedComment {
            text: &reviews[row].text,
            class: data.classes[row],
            group: data.group(row),
        })
        .collect();
    let audit = Audit::of(&data.labels, &comments, &scored, args.similarity);
    let words = recipe.words(&data, &audit)?;
    if let Some(probabilities) = probabilities {
        let format = args.probabilities.as_deref().and_then(RecordFormat::of_path);
        write_probabilities(probabilities, format.unwrap_or(RecordFormat::Csv), &data, &scored)
            .map_err(|error| Failure::output(error).context("cannot write the probabilities"))?;
    }
    let format = RecordFormat::of_path(&args.output).unwrap_or(RecordFormat::Csv);
    write_findings(output, format, &data, &audit.findings, &words, args.lang)
        .map_err(|error| Failure::output(error).context("cannot write the findings"))?;

    let summary = Summary::of(&data, &audit, not_checked);
    if args.json {
        print_json(&summary)?;
    } else {
        print(&summary.text(&args.output.display().to_string()))?;
    }
    Ok(Outcome::Done)
}

/// The labelled comments.
struct Data<'a> {
    labels: LabelSet,
    reviews: &'a [Review],
    classes: Vec<ClassIndex>,
    grouped: bool,
}

impl Data<'_> {
    fn group(&self, row: usize) -> &str {
        if self.grouped { &self.reviews[row].required[1] } else { "" }
    }

    /// The id of a comment's record, or its line.
    fn name(&self, row: usize) -> String {
        match self.reviews[row].optional[0].as_str() {
            "" => format!("#{}", self.reviews[row].line),
            id => id.to_owned(),
        }
    }

    /// Some rows, labelled, with the labels that stand in them.
    fn labelled(
        &self,
        analyzer: &Analyzer,
        rows: &[usize],
    ) -> Result<(LabelledComments, Vec<ClassIndex>), Failure> {
        let present: BTreeSet<ClassIndex> = rows.iter().map(|&row| self.classes[row]).collect();
        let present: Vec<ClassIndex> = present.into_iter().collect();
        let labels = present.iter().map(|&class| self.labels.get(class).clone()).collect();
        let labels = LabelSet::new(labels)?;
        let texts: Vec<(&str, ClassIndex)> = rows
            .iter()
            .map(|&row| {
                let class = present.partition_point(|&class| class < self.classes[row]);
                (self.reviews[row].text.as_str(), class)
            })
            .collect();
        let groups = match self.grouped {
            true => rows.iter().map(|&row| self.group(row).to_owned()).collect(),
            false => Vec::new(),
        };
        Ok((LabelledComments::analyze(analyzer, labels, &texts, groups)?, present))
    }
}

/// How the models are trained that judge the labels: by the default recipe.
struct Recipe {
    settings: TrainingSettings,
    dictionary: UserDictionary,
    analyzer: Analyzer,
}

impl Recipe {
    fn new(args: &AuditArgs) -> Result<Self, Failure> {
        let (folds, seed) = (args.folds.to_string(), args.seed.to_string());
        let mut flags = vec!["train", "-", "--model", "-", "--folds", &folds, "--seed", &seed];
        if let Some(field) = &args.group_field {
            flags.extend(["--group-field", field]);
        }
        let DefaultRecipe { args: train } = DefaultRecipe::try_parse_from(flags)
            .map_err(|error| Failure::usage(error.to_string()))?;
        let dictionary = UserDictionary::banking().map_err(Failure::input)?;
        let analyzer = Analyzer::new(
            Segmenter::new(&dictionary),
            StopWords::default(),
            train.recipe.text_settings(),
        );
        let settings = train.settings()?;
        if settings.folds.is_none() {
            return Err(Failure::usage("--folds must be 2 or more"));
        }
        Ok(Self { settings, dictionary, analyzer })
    }

    /// The prediction of each comment by a model trained without its fold, and the labels that
    /// have too few comments for that.
    fn out_of_fold(&self, data: &Data) -> Result<(Vec<Option<Scored>>, Vec<String>), Failure> {
        let mut rows: Vec<usize> = (0..data.reviews.len()).collect();
        let mut left_out = Vec::new();
        let mut scored = vec![None; data.reviews.len()];
        let Some(plan) = &self.settings.folds else { return Ok((scored, left_out)) };
        loop {
            let (labelled, present) = data.labelled(&self.analyzer, &rows)?;
            match cross_validate(&labelled, &self.settings, plan, || {}) {
                Ok(validation) => {
                    for (&row, found) in rows.iter().zip(validation.scored) {
                        let mut probabilities = vec![0.0; data.labels.len()];
                        let columns = present.iter().zip(&found.probabilities);
                        columns.for_each(|(&class, &p)| probabilities[class] = p);
                        scored[row] = Some(Scored {
                            truth: present[found.truth],
                            predicted: present[found.predicted],
                            probabilities,
                        });
                    }
                    return Ok((scored, left_out));
                }
                // A label that cannot be dealt to folds is left out; the others can be checked.
                Err(TrainingError::Folds(
                    FoldError::RareLabel { label, .. } | FoldError::OneSidedLabel { label, .. },
                )) if present.len() > LabelSet::MIN => {
                    tell(&format!("label `{label}` has too few comments to be checked"));
                    let class = data.labels.class_of(&label)?;
                    rows.retain(|&row| data.classes[row] != class);
                    left_out.push(label);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// For each finding of a wrong label, the words that speak for the label suggested, by a model
    /// trained without any of these comments. Nothing where that model says otherwise.
    fn words(&self, data: &Data, audit: &Audit) -> Result<Vec<Option<Words>>, Failure> {
        let doubted =
            |finding: &Finding| finding.row.filter(|_| finding.kind == FindingKind::WrongLabel);
        let doubtful: BTreeSet<usize> = audit.findings.iter().filter_map(doubted).collect();
        if doubtful.is_empty() {
            return Ok(vec![None; audit.findings.len()]);
        }
        let rows: Vec<usize> =
            (0..data.reviews.len()).filter(|row| !doubtful.contains(row)).collect();
        let (classifier, present) = self.classifier(data, &rows)?;
        let mut worker = classifier.worker();
        audit
            .findings
            .iter()
            .map(|finding| {
                let Some(row) = doubted(finding) else { return Ok(None) };
                let text = &data.reviews[row].text;
                let explanation = worker.explain(text).map_err(Failure::input)?;
                let says = present[explanation.prediction.class];
                let phrases = Phrases::of(text, &explanation.reasons).phrases;
                // A character by itself says nothing to a reader.
                let words = phrases
                    .iter()
                    .filter(|phrase| phrase.contribution > 0.0)
                    .map(|phrase| text[phrase.range.clone()].trim().to_owned())
                    .filter(|words| words.chars().count() > 1)
                    .take(WORDS);
                Ok(Some(Words { says, words: words.collect() }))
            })
            .collect()
    }

    /// A model of some rows, and which labels its labels are.
    fn classifier(
        &self,
        data: &Data,
        rows: &[usize],
    ) -> Result<(RiskClassifier, Vec<ClassIndex>), Failure> {
        let (labelled, present) = data.labelled(&self.analyzer, rows)?;
        let words = (&self.analyzer, self.dictionary.clone(), StopWords::default());
        Ok((scratch_model(&labelled, &self.settings, words)?, present))
    }
}

/// What a model without the doubtful comments says of one.
#[derive(Debug, Clone)]
struct Words {
    says: ClassIndex,
    words: Vec<String>,
}

fn write_findings(
    mut output: OutputFile,
    format: RecordFormat,
    data: &Data,
    findings: &[Finding],
    words: &[Option<Words>],
    language: Language,
) -> io::Result<()> {
    let column = |name: &str, kind, width| Column::new(name, kind, width);
    let columns = vec![
        column("rank", ColumnKind::Count, 6),
        column("finding", ColumnKind::Text, 18),
        column("id", ColumnKind::Text, 14),
        column("line", ColumnKind::Count, 8),
        column("label", ColumnKind::Text, 10),
        column("suggested", ColumnKind::Text, 10),
        column("score", ColumnKind::Number, 8),
        column("related", ColumnKind::Text, 24),
        column("reason", ColumnKind::Text, 60),
        column("text", ColumnKind::Text, 90),
    ];
    let mut table = TableWriter::new(&mut output, format, columns)?;
    for (rank, (finding, words)) in (1..).zip(findings.iter().zip(words)) {
        let id = |class: ClassIndex| data.labels.get(class).id.as_str();
        let review = finding.row.map(|row| &data.reviews[row]);
        let names: Vec<String> = finding.related.iter().map(|&row| data.name(row)).collect();
        let mut reason =
            finding.reason(language, &data.labels, |row| data.name(row), |row| data.classes[row]);
        if let Some(words) = words {
            reason += &words.sentence(finding, &data.labels, language);
        }
        let text = |text: Option<&'_ str>| -> String { text.unwrap_or_default().to_owned() };
        let (name, comment) = (
            finding.row.map(|row| data.name(row)).unwrap_or_default(),
            text(review.map(|r| &*r.text)),
        );
        table.write(&[
            Cell::Count(rank),
            Cell::Text(finding.kind.code()),
            Cell::Text(&name),
            review.map_or(Cell::Missing, |review| Cell::Count(review.line)),
            Cell::Text(id(finding.label)),
            finding.suggested.map_or(Cell::Missing, |class| Cell::Text(id(class))),
            Cell::Number(finding.score),
            Cell::Text(&names.join(" ")),
            Cell::Text(&reason),
            Cell::Text(&comment),
        ])?;
    }
    table.into_inner()?;
    output.commit()
}

impl Words {
    fn sentence(&self, finding: &Finding, labels: &LabelSet, language: Language) -> String {
        if Some(self.says) != finding.suggested {
            let label = labels.get(self.says);
            return language.pick(
                format!("；去掉存疑标签后训练的模型则认为是“{}”", label.name),
                format!("; a model without the doubtful labels says {}", label.id),
            );
        }
        let words = self.words.join(language.pick("、", ", "));
        language.pick(format!("；依据：{words}"), format!("; because of: {words}"))
    }
}

fn write_probabilities(
    mut output: OutputFile,
    format: RecordFormat,
    data: &Data,
    scored: &[Option<Scored>],
) -> io::Result<()> {
    let mut columns = vec![
        Column::new("id", ColumnKind::Text, 14),
        Column::new("line", ColumnKind::Count, 8),
        Column::new("label", ColumnKind::Text, 10),
    ];
    columns.extend(
        data.labels
            .iter()
            .map(|label| Column::new(format!("p_{}", label.id), ColumnKind::Number, 10)),
    );
    let mut table = TableWriter::new(&mut output, format, columns)?;
    for (row, scored) in scored.iter().enumerate() {
        let name = data.name(row);
        let mut cells = vec![
            Cell::Text(&name),
            Cell::Count(data.reviews[row].line),
            Cell::Text(&data.labels.get(data.classes[row]).id),
        ];
        match scored {
            Some(scored) => cells.extend(scored.probabilities.iter().map(|&p| Cell::Number(p))),
            None => cells.extend((0..data.labels.len()).map(|_| Cell::Missing)),
        }
        table.write(&cells)?;
    }
    table.into_inner()?;
    output.commit()
}

impl Summary {
    fn of(data: &Data, audit: &Audit, not_checked: Vec<String>) -> Self {
        let estimated = |(given, counts): (ClassIndex, &Vec<u64>)| {
            let comments = counts.iter().sum();
            EstimatedLabels {
                given: data.labels.get(given).id.clone(),
                comments,
                estimated_wrong: comments - counts[given].min(comments),
            }
        };
        let counts = audit.counts().into_iter();
        Self {
            comments: data.reviews.len(),
            findings: counts.map(|(kind, count)| (kind.code().to_owned(), count.into())).collect(),
            estimated_true_labels: audit
                .confident
                .joint
                .iter()
                .enumerate()
                .map(estimated)
                .collect(),
            not_checked,
        }
    }

    fn text(&self, output: &str) -> String {
        let total: u64 = self.findings.values().filter_map(serde_json::Value::as_u64).sum();
        let mut text =
            format!("{} comments, {total} findings; written to {output}\n\n", self.comments);
        // Writing to a string cannot fail.
        for (kind, count) in &self.findings {
            let _ = writeln!(text, "{kind:<20} {count:>7}");
        }
        let _ = writeln!(text, "\n{:<20} {:>8}  {:>15}", "label", "comments", "estimated wrong");
        for label in &self.estimated_true_labels {
            let _ = writeln!(
                text,
                "{:<20} {:>8}  {:>15}",
                label.given, label.comments, label.estimated_wrong
            );
        }
        text
    }
}
