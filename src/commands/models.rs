//! `postloan models`: what is on disk, and what is in production.

use std::env;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde::Serialize;

use super::Outcome;
use super::failure::Failure;
use super::options::{ModelOption, print, print_json};
use crate::evaluation::metrics_table;
use crate::model::{
    Manifest, ModelStore, Promotion, PromotionKind, RiskClassifier, StoredVersion, load_and_try,
    read_manifest, resolve_version,
};
use crate::training::CrossValidation;

/// Options of `postloan models`.
#[derive(Debug, Args)]
pub(super) struct ModelsArgs {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Lists the models of a folder and their versions.
    List(ListArgs),
    /// Shows what a model says of itself: labels, data, settings, metrics.
    Show(ShowArgs),
    /// Reads a model whole, checking every digest, size and number.
    Verify(VerifyArgs),
    /// Puts a version in production, after trying it. Running servers take it over by themselves.
    Promote(PromoteArgs),
    /// Puts the version back into production that was there before the last promotion.
    Rollback(StoreArgs),
    /// Shows who put which version in production, and when.
    History(StoreArgs),
}

#[derive(Debug, Args)]
struct StoreArgs {
    /// The model's name
    name: String,
    /// The folder that holds a folder for each model
    #[arg(long, default_value = "models", value_name = "FOLDER", env = "POSTLOAN_MODELS")]
    folder: PathBuf,
    /// Print as JSON on standard output
    #[arg(long)]
    json: bool,
}

impl StoreArgs {
    fn store(&self) -> ModelStore {
        ModelStore::new(self.folder.join(&self.name))
    }
}

#[derive(Debug, Args)]
struct PromoteArgs {
    #[command(flatten)]
    store: StoreArgs,
    /// The version
    version: u32,
}

#[derive(Debug, Args)]
struct ListArgs {
    /// The folder that holds a folder for each model
    #[arg(default_value = "models", value_name = "FOLDER")]
    folder: PathBuf,
    /// Print as JSON on standard output
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct ShowArgs {
    #[command(flatten)]
    model: ModelOption,
    /// Print the manifest as JSON on standard output
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct VerifyArgs {
    #[command(flatten)]
    model: ModelOption,
}

/// One version of one model, for a list.
#[derive(Debug, Serialize)]
struct ListedVersion {
    name: String,
    version: u32,
    in_use: bool,
    path: PathBuf,
    /// The out-of-fold accuracy, where the model was cross-validated.
    accuracy: Option<f64>,
    rows: Option<usize>,
    /// What is wrong with its manifest, if anything is.
    error: Option<String>,
}

pub(super) fn run(args: &ModelsArgs) -> Result<Outcome, Failure> {
    match &args.action {
        None => list(&ListArgs { folder: "models".into(), json: false })?,
        Some(Action::List(args)) => list(args)?,
        Some(Action::Show(args)) => show(args)?,
        Some(Action::Promote(args)) => promote(args)?,
        Some(Action::Rollback(args)) => rollback(args)?,
        Some(Action::History(args)) => history(args)?,
        Some(Action::Verify(args)) => {
            let classifier: RiskClassifier = args.model.open()?;
            let manifest = classifier.manifest();
            print(&format!(
                "{} is whole: {} files, {} labels, trained on {} comments by {}\n",
                classifier.id(),
                manifest.files.len() + 1,
                manifest.labels.len(),
                manifest.data.rows,
                manifest.software
            ))?;
        }
    }
    Ok(Outcome::Done)
}

fn promote(args: &PromoteArgs) -> Result<(), Failure> {
    let store = args.store.store();
    load_and_try(&store.version(args.version)?.path)?;
    tell_promotion(&args.store, &store.promote(args.version, &user())?)
}

fn rollback(args: &StoreArgs) -> Result<(), Failure> {
    let store = args.store();
    load_and_try(&store.before_current()?.path)?;
    tell_promotion(args, &store.rollback(&user())?)
}

fn history(args: &StoreArgs) -> Result<(), Failure> {
    let history = args.store().history()?;
    if args.json {
        return print_json(&history);
    }
    if history.is_empty() {
        return print(&format!("no version of {} was promoted yet\n", args.name));
    }
    print(&history.iter().map(|promotion| described(promotion) + "\n").collect::<String>())
}

fn tell_promotion(args: &StoreArgs, promotion: &Promotion) -> Result<(), Failure> {
    if args.json {
        return print_json(promotion);
    }
    print(&format!("{}/{} is in production: {}\n", args.name, promotion.to, described(promotion)))
}

fn described(promotion: &Promotion) -> String {
    let from = promotion.from.map_or("none".to_owned(), |from| from.to_string());
    let kind = match promotion.kind {
        PromotionKind::Promote => "promoted",
        PromotionKind::Rollback => "rolled back",
    };
    format!("{kind} from {from} to {} by {} at {}", promotion.to, promotion.by, promotion.at)
}

/// Who runs this, also behind sudo.
fn user() -> String {
    let named = ["SUDO_USER", "USER", "LOGNAME"].iter().find_map(|name| env::var(name).ok());
    let number = || {
        #[cfg(unix)]
        let number = format!("uid {}", rustix::process::getuid().as_raw());
        #[cfg(not(unix))]
        let number = "unknown".to_owned();
        number
    };
    named.filter(|name| !name.is_empty()).unwrap_or_else(number)
}

fn list(args: &ListArgs) -> Result<(), Failure> {
    let listed = listed_versions(&args.folder)?;
    if args.json {
        return print_json(&listed);
    }
    if listed.is_empty() {
        return print(&format!("there is no model in {}\n", args.folder.display()));
    }
    let mut table = format!(
        "{:24}  {:>7}  {:>6}  {:>8}  {:>8}\n",
        "name", "version", "in use", "comments", "accuracy"
    );
    for version in listed {
        let mark = if version.in_use { "*" } else { "" };
        let rows = version.rows.map_or("–".to_owned(), |rows| rows.to_string());
        let accuracy =
            version.accuracy.map_or("–".to_owned(), |accuracy| format!("{accuracy:.4}"));
        table += &format!(
            "{:24}  {:>7}  {mark:>6}  {rows:>8}  {accuracy:>8}{}\n",
            version.name,
            version.version,
            version.error.map_or(String::new(), |error| format!("  {error}"))
        );
    }
    print(&table)
}

fn listed_versions(folder: &Path) -> Result<Vec<ListedVersion>, Failure> {
    let entries = folder.read_dir().map_err(|error| {
        Failure::input(error).context(format!("cannot list `{}`", folder.display()))
    })?;
    let mut stores: Vec<PathBuf> =
        entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_dir()).collect();
    stores.sort();
    let mut listed = Vec::new();
    for path in stores {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let store = ModelStore::new(&path);
        let current = store.current()?;
        for stored in store.versions()? {
            let in_use = current.as_ref() == Some(&stored);
            listed.push(listed_version(name.clone(), stored, in_use));
        }
    }
    Ok(listed)
}

fn listed_version(name: String, stored: StoredVersion, in_use: bool) -> ListedVersion {
    let StoredVersion { version, path } = stored;
    let (manifest, error) = match read_manifest(&path) {
        Ok(manifest) => (Some(manifest), None),
        Err(error) => (None, Some(error.to_string())),
    };
    ListedVersion {
        name,
        version,
        in_use,
        path,
        accuracy: manifest.as_ref().and_then(validation).map(|v| v.metrics.accuracy),
        rows: manifest.map(|manifest| manifest.data.rows),
        error,
    }
}

/// The cross-validation in a manifest, if there is one that this program can read.
fn validation(manifest: &Manifest) -> Option<CrossValidation> {
    serde_json::from_value(manifest.metrics.clone()).ok()
}

fn show(args: &ShowArgs) -> Result<(), Failure> {
    let folder = resolve_version(args.model.path())?;
    let manifest = read_manifest(&folder)?;
    if args.json {
        return print_json(&manifest);
    }
    let mut shown = format!(
        "{} in {}, by {}\n\nlabels:\n",
        manifest.model,
        folder.display(),
        manifest.software
    );
    for (label, rows) in manifest.labels.iter().zip(&manifest.data.rows_by_label) {
        shown += &format!("  {} ({}): {rows} comments\n", label.id, label.name);
    }
    shown += "\ntrained on:\n";
    for file in &manifest.data.files {
        shown += &format!(
            "  {}, {} bytes, SHA-256 {}\n",
            file.name, file.digest.bytes, file.digest.sha256
        );
    }
    match validation(&manifest) {
        Some(validation) => {
            shown += &format!(
                "\ncross-validation: {}\naccuracy {:.4}, macro F1 {:.4}, log loss {:.4}\n\n{}",
                validation.description(),
                validation.metrics.accuracy,
                validation.metrics.macro_f1,
                validation.metrics.log_loss,
                metrics_table(&validation.metrics)
            );
        }
        None => shown += "\nnot cross-validated\n",
    }
    print(&shown)
}
