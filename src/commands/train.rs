//! `postloan train`: labelled comments in, the next version of a model out.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::Outcome;
use super::by_label::ClassWeightsOption;
use super::failure::Failure;
use super::options::{
    RecordOptions, ThreadOption, create_output, print, print_json, tell, write_output,
};
use super::recipe::RecipeOptions;
use super::report::{ReportOptions, report_of_model};
use super::scratch_model::scratch_model;
use super::search::{self, SearchKind, Searched};
use super::validation_report::validation_report;
use crate::evaluation::{MetricsByField, Origin, Scored};
use crate::model::{
    ClassIndex, FileDigest, LabelSet, ModelStore, RiskClassifier, TrainingData, TrainingFile,
    hexadecimal,
};
use crate::records::{FieldNames, Review, ReviewCollection};
use crate::text::{Analyzer, DictionaryError, Segmenter, StopWords, UserDictionary};
use crate::training::{
    CalibrationMethod, CrossValidation, FoldPlan, LabelledComments, Recipe, SearchNote, SolverKind,
    SolverSettings, Trained, TrainingError, TrainingSettings, cross_validate, learning_curve,
    model_card, search_table, train_on_all,
};

/// Options of `postloan train`.
#[derive(Debug, Args)]
pub(super) struct TrainArgs {
    /// Files of labelled comments (.csv, .jsonl, .xlsx, .parquet; .gz, .zst), databases
    /// (sqlite:PATH, postgres://…, gaussdb://…; see --query), or `-` for standard input
    #[arg(required = true, value_name = "DATA")]
    data: Vec<PathBuf>,
    /// The folder of the model's versions; its last part is the model's name
    #[arg(long, value_name = "FOLDER")]
    model: PathBuf,
    /// What the data is, in a sentence, for the model card
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Print the result as JSON on standard output
    #[arg(long)]
    json: bool,

    /// The field that holds the label
    #[arg(long, value_name = "FIELD", default_value = "label", help_heading = "Data")]
    label_field: String,
    /// A TOML file of the labels, each with id, name and severity [default: the labels of the
    /// data]
    #[arg(long, value_name = "FILE", help_heading = "Data")]
    labels: Option<PathBuf>,
    /// Words for the segmenter, a line each: `word frequency [tag]` [default: the shipped banking
    /// words]
    #[arg(long, value_name = "FILE", help_heading = "Data")]
    user_dictionary: Option<PathBuf>,
    /// Words to leave out, a line each [default: none]
    #[arg(long, value_name = "FILE", help_heading = "Data")]
    stop_words: Option<PathBuf>,
    #[command(flatten, next_help_heading = "Data")]
    records: RecordOptions,

    /// Write a report of the out-of-fold predictions to this HTML file, for people. Comments stand
    /// in it: keep it as you keep the data
    #[arg(long, value_name = "FILE", help_heading = "Report")]
    report: Option<PathBuf>,
    #[command(flatten)]
    page: ReportOptions,

    /// How many folds to cross-validate with: a number, 0 for none, or `logo` for a fold of each
    /// group (leave one group out)
    #[arg(long, value_name = "N", default_value = "5", help_heading = "Cross-validation")]
    folds: FoldCount,
    /// A field whose values never stand in two folds, such as the writer of a comment; without it
    /// folds are random, and the figures flatter
    #[arg(long, value_name = "FIELD", help_heading = "Cross-validation")]
    group_field: Option<String>,
    /// Split the out-of-fold metrics by the values of a field, too
    #[arg(long, value_name = "FIELD", help_heading = "Cross-validation")]
    by: Option<String>,
    /// Train on growing shares of the data, too, and keep with the model how good each was: more
    /// than doubles the time
    #[arg(long, help_heading = "Cross-validation")]
    learning_curve: bool,
    /// What random folds depend on
    #[arg(long, value_name = "N", default_value_t = 42, help_heading = "Cross-validation")]
    seed: u64,

    #[command(flatten, next_help_heading = "Features")]
    pub(super) recipe: RecipeOptions,
    /// Choose n-gram lengths, document frequencies and parts of the recipe by log loss on folds
    /// inside the training data: one setting after another, starting from those given. Taken is
    /// the value of the fewest terms within one standard error of the best. `--search=nested`
    /// searches in each fold of the cross-validation, too, so that its figures do not flatter
    #[arg(
        long,
        value_name = "KIND",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "once",
        help_heading = "Features"
    )]
    search: Option<SearchKind>,

    /// How the weights are fitted
    #[arg(long, value_name = "SOLVER", default_value = "sparse", help_heading = "Solver")]
    solver: SolverKind,
    /// The inverse strength of the L2 penalty, scikit-learn's C (linfa's alpha is 1/C). Of
    /// several, that with the lowest log loss on folds inside the training data is taken
    #[arg(
        long,
        value_name = "NUMBER,...",
        value_delimiter = ',',
        default_value = "1,3,10,30",
        help_heading = "Solver"
    )]
    c: Vec<f64>,
    /// What comments of each label weigh: `balanced`, or a weight for each label such as
    /// `normal=1,watch=1,risky=2` [default: the same]
    #[arg(long, value_name = "WEIGHTS", help_heading = "Solver")]
    class_weights: Option<ClassWeightsOption>,
    /// How scores become probabilities, fitted on out-of-fold scores: `auto` takes the simplest
    /// way whose log loss there is within one standard error of the best
    #[arg(long, value_name = "WAY", default_value = "auto", help_heading = "Solver")]
    calibration: CalibrationMethod,
    /// A field that holds what a comment weighs: 2 counts it twice, 0 leaves it out
    #[arg(long, value_name = "FIELD", help_heading = "Solver")]
    weight_field: Option<String>,
    /// Fitting ends when the gradient's norm, divided by the number of comments, is below this
    #[arg(long, value_name = "NUMBER", default_value_t = 1e-4, help_heading = "Solver")]
    tolerance: f64,
    /// … or after this many iterations
    #[arg(long, value_name = "N", default_value_t = 1000, help_heading = "Solver")]
    max_iterations: u64,
    /// The most memory the linfa solver's dense matrix may take, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 4096, help_heading = "Solver")]
    memory_budget: u64,
    #[command(flatten, next_help_heading = "Solver")]
    threads: ThreadOption,
}

/// How many folds, as it stands on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FoldCount {
    Number(usize),
    EachGroup,
}

impl FromStr for FoldCount {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "logo" => Ok(Self::EachGroup),
            _ => {
                text.parse().map(Self::Number).map_err(|_| "expected a number or `logo`".to_owned())
            }
        }
    }
}

pub(super) fn run(args: &TrainArgs) -> Result<Outcome, Failure> {
    args.threads.apply()?;
    let mut settings = args.settings()?;
    if settings.folds.is_none() && (args.report.is_some() || args.learning_curve) {
        return Err(Failure::usage("--report and --learning-curve need folds"));
    }
    let report = args.report.as_deref().map(create_output).transpose()?;
    let user_dictionary = match &args.user_dictionary {
        Some(path) => read_words(path, UserDictionary::parse)?,
        None => UserDictionary::banking().map_err(Failure::input)?,
    };
    let stop_words = match &args.stop_words {
        Some(path) => read_words(path, StopWords::parse)?,
        None => StopWords::default(),
    };
    let collection = args.read_data()?;
    let labels = read_labels(args.labels.as_deref(), &collection.reviews)?;
    settings.class_weights = args.class_weights.as_ref().map(|w| w.of(&labels)).transpose()?;
    let rows = label_rows(&collection.reviews, &labels, &args.label_field)?;
    let groups = match &args.group_field {
        Some(_) => collection.reviews.iter().map(|review| review.required[1].clone()).collect(),
        None => Vec::new(),
    };
    let weights = (args.weight_field.as_deref())
        .map(|field| row_weights(&collection.reviews, field))
        .transpose()?;
    let segmenter = Segmenter::new(&user_dictionary);
    let analyzer_of = |text| Analyzer::new(segmenter.clone(), stop_words.clone(), text);
    let read = |text| -> Result<LabelledComments, TrainingError> {
        let (labels, groups) = (labels.clone(), groups.clone());
        let labelled = LabelledComments::analyze(&analyzer_of(text), labels, &rows, groups)?;
        Ok(match &weights {
            Some(weights) => labelled.with_weights(weights.clone()),
            None => labelled,
        })
    };
    let start = Recipe { text: args.recipe.text_settings(), training: settings };
    let searched = args.search.map(|kind| search::run(kind, &start, read)).transpose()?;
    let (recipe, trials, nested) = match searched {
        Some(Searched { recipe, trials, validation }) => (recipe, trials, validation),
        None => (start, Vec::new(), None),
    };
    let settings = recipe.training;
    let analyzer = analyzer_of(recipe.text);
    let labelled = read(recipe.text)?;
    let data = TrainingData {
        rows: rows.len(),
        rows_by_label: labelled.rows_by_label(),
        files: collection.inputs.iter().map(training_file).collect(),
    };

    let validation = match (nested, &settings.folds) {
        (Some(nested), _) => Some(nested),
        (None, None) => None,
        (None, Some(plan)) => {
            let progress = fold_progress(plan.count(labelled.groups()));
            let validation = cross_validate(&labelled, &settings, plan, || progress.inc(1))?;
            progress.finish_and_clear();
            let search = args.search.map(|_| SearchNote::OnAll);
            Some(CrossValidation { search, ..validation })
        }
    };
    let words = (&analyzer, user_dictionary, stop_words.clone());
    let mut trained = train_on_all(&labelled, &settings, data, words, (validation, trials))?;
    if let (true, Some(plan), Some(validation)) =
        (args.learning_curve, &settings.folds, &trained.cross_validation)
    {
        let curve = learning_curve(&labelled, &settings, plan, validation)?;
        trained.bundle.manifest.metrics["learning_curve"] = serde_json::json!(curve);
    }
    let saved = ModelStore::new(&args.model).save(&trained.bundle, |id| {
        model_card(id, &trained, &settings, args.description.as_deref())
    })?;
    if let (Some(output), Some(validation)) = (report, &trained.cross_validation) {
        let words = (&analyzer, trained.bundle.user_dictionary.clone(), stop_words);
        let explainer = args.explainer(&labelled, &rows, &settings, &validation.scored, words)?;
        let html = report_of_model(
            &RiskClassifier::open(&saved.path)?,
            &args.page,
            &collection.reviews,
            args.by.as_slice(),
            &validation.scored,
            (Origin::OutOfFold(validation.description()), explainer.as_ref()),
        )?;
        write_output(output, &html)?;
    }
    args.report(&trained, &collection.reviews, &saved.path)?;
    Ok(Outcome::Done)
}

impl TrainArgs {
    pub(super) fn settings(&self) -> Result<TrainingSettings, Failure> {
        let folds = match (self.folds, &self.group_field) {
            (FoldCount::Number(0), _) => None,
            (FoldCount::Number(folds), None) => {
                Some(FoldPlan::Stratified { folds, seed: self.seed })
            }
            (FoldCount::Number(folds), Some(field)) => {
                Some(FoldPlan::Grouped { folds, field: field.clone() })
            }
            (FoldCount::EachGroup, Some(field)) => {
                Some(FoldPlan::LeaveOneGroupOut { field: field.clone() })
            }
            (FoldCount::EachGroup, None) => {
                return Err(Failure::usage("--folds logo needs --group-field"));
            }
        };
        let mut c = self.c.clone();
        c.sort_by(f64::total_cmp);
        c.dedup();
        Ok(TrainingSettings {
            features: self.recipe.feature_settings(),
            solver: SolverSettings {
                solver: self.solver,
                c: c[0],
                tolerance: self.tolerance,
                max_iterations: self.max_iterations,
                memory_budget: self.memory_budget.saturating_mul(1 << 20),
            },
            c,
            idf_powers: self.recipe.idf_powers(),
            min_chi2: self.recipe.min_chi2(),
            second_stage: self.recipe.has_second_stage(),
            calibration: self.calibration,
            class_weights: None,
            folds,
        })
    }

    /// The reviews, each with its label and, where asked for, its group.
    fn read_data(&self) -> Result<ReviewCollection, Failure> {
        let fields = [&self.label_field].into_iter().chain(&self.group_field);
        let required = fields.chain(&self.weight_field).cloned().collect();
        // Only a report names comments.
        let id_field = self.report.as_ref().map(|_| &self.records.id_field);
        let fields = FieldNames {
            id: None,
            text: self.records.text_field.clone(),
            required,
            optional: self.by.iter().chain(id_field).cloned().collect(),
        };
        Ok(ReviewCollection::read(&self.data, &self.records.input_options(), &fields)?)
    }

    /// A model of all comments but the mistakes that the report shows: it explains them without
    /// having seen them. `None` if a label is left without comments.
    fn explainer(
        &self,
        labelled: &LabelledComments,
        rows: &[(&str, ClassIndex)],
        settings: &TrainingSettings,
        scored: &[Scored],
        (analyzer, dictionary, stop_words): (&Analyzer, UserDictionary, StopWords),
    ) -> Result<Option<RiskClassifier>, Failure> {
        let shown: BTreeSet<usize> = self.page.mistakes(scored).into_iter().collect();
        let kept = |row: &usize| !shown.contains(row);
        let texts: Vec<(&str, ClassIndex)> =
            (0..rows.len()).filter(kept).map(|row| rows[row]).collect();
        let groups = (0..labelled.groups().len()).filter(kept);
        let groups = groups.map(|row| labelled.groups()[row].clone()).collect();
        let labels = labelled.labels().clone();
        match LabelledComments::analyze(analyzer, labels, &texts, groups) {
            Ok(others) => {
                Ok(Some(scratch_model(&others, settings, (analyzer, dictionary, stop_words))?))
            }
            Err(TrainingError::AbsentLabel(_) | TrainingError::NoRows) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn report(&self, trained: &Trained, reviews: &[Review], path: &Path) -> Result<(), Failure> {
        let manifest = &trained.bundle.manifest;
        let by =
            self.by.as_ref().zip(trained.cross_validation.as_ref()).map(|(field, validation)| {
                let values = reviews.iter().map(|review| review.optional[0].as_str());
                MetricsByField::of(&manifest.labels, field, values.zip(&validation.scored))
            });
        if self.json {
            return print_json(&serde_json::json!({
                "model": path,
                "rows": manifest.data.rows,
                "terms": trained.bundle.vectorizer.len(),
                "solver_seconds": trained.solver_time.as_secs_f64(),
                "training": manifest.training,
                "metrics": manifest.metrics,
                "by": by,
            }));
        }
        if !trained.search.is_empty() {
            print(&format!("{}\n", search_table(&trained.search)))?;
        }
        if let Some(validation) = &trained.cross_validation {
            print(&validation_report(validation))?;
        }
        if let Some(by) = &by {
            print(&format!("{}\n", by.table()))?;
        }
        if !trained.fitted.converged {
            tell("fitting stopped before it reached its tolerance: see --max-iterations");
        }
        print(&format!(
            "{} terms, {} comments; written to {}\n",
            trained.bundle.vectorizer.len(),
            manifest.data.rows,
            path.display()
        ))
    }
}

/// The labels of a label file, or, without one, those that stand in the data.
pub(super) fn read_labels(file: Option<&Path>, reviews: &[Review]) -> Result<LabelSet, Failure> {
    match file {
        Some(path) => {
            let source = read_text(path)?;
            LabelSet::parse(&source)
                .map_err(|error| Failure::from(error).context(format!("`{}`", path.display())))
        }
        None if reviews.is_empty() => {
            Err(Failure::input("there are no labelled comments in the data".to_owned()))
        }
        None => {
            let ids: BTreeSet<&str> =
                reviews.iter().map(|review| review.required[0].as_str()).collect();
            LabelSet::of_data(ids)
                .map_err(|error| Failure::from(error).context("the labels of the data"))
        }
    }
}

/// Each review's text with its class.
fn label_rows<'a>(
    reviews: &'a [Review],
    labels: &LabelSet,
    field: &str,
) -> Result<Vec<(&'a str, ClassIndex)>, Failure> {
    let row = |review: &'a Review| {
        let class = labels.class_of(&review.required[0]).map_err(|error| {
            Failure::from(error).context(format!("field `{field}` at line {}", review.line))
        })?;
        Ok((review.text.as_str(), class))
    };
    reviews.iter().map(row).collect()
}

/// Each review's weight, the last of its required fields.
fn row_weights(reviews: &[Review], field: &str) -> Result<Vec<f64>, Failure> {
    let weight = |review: &Review| {
        let text = review.required.last().map_or("", String::as_str);
        match text.trim().parse::<f64>() {
            Ok(weight) if weight.is_finite() && weight >= 0.0 => Ok(weight),
            _ => Err(Failure::input(format!(
                "field `{field}` at line {}: expected a weight, a number of 0 or more, found `{text}`",
                review.line
            ))),
        }
    };
    reviews.iter().map(weight).collect()
}

fn training_file(input: &crate::records::InputDigest) -> TrainingFile {
    TrainingFile {
        name: input.name.clone(),
        digest: FileDigest { bytes: input.bytes, sha256: hexadecimal(&input.sha256) },
    }
}

fn read_text(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path)
        .map_err(|error| Failure::input(error).context(format!("cannot read `{}`", path.display())))
}

fn read_words<T>(
    path: &Path,
    parse: impl FnOnce(&str) -> Result<T, DictionaryError>,
) -> Result<T, Failure> {
    parse(&read_text(path)?)
        .map_err(|error| Failure::input(error).context(format!("`{}`", path.display())))
}

/// A bar of folds on a terminal; elsewhere it draws nothing.
fn fold_progress(folds: usize) -> ProgressBar {
    let bar = ProgressBar::new(folds as u64);
    match ProgressStyle::with_template("{wide_bar} fold {pos}/{len}, {elapsed}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
