//! `postloan nightly`: the nightly job on a database.

use std::io::{IsTerminal, stderr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};

use super::Outcome;
use super::failure::Failure;
use super::options::{ModelOption, print_json, tell};
use crate::nightly::{
    BusinessDate, Event, NightlyConfig, NightlySummary, Observer, RunMode, demo, run as run_night,
};

use crate::report::Language;

/// How often a scheduler's log is told how far the job is.
const LOG_EVERY: Duration = Duration::from_secs(10);

/// What each exit code means, for `--help`.
pub(super) const EXIT_CODES: &str = "\
Exit codes:
  0  done, and every comment was classified; or it had been done before
  1  a defect of this program
  2  the command line or the settings are wrong
  3  the source is not available, or refuses
  4  the model cannot be read, or cannot be used
  5  the sink is not available or refuses, or a file cannot be written
  6  done, but some comments were refused: see the table postloan_rejected
  8  another copy of the job is running
  9  the counts do not add up: the run does not count, and the next start makes a fresh one
  10 the source has no comment of the date";

/// Options of `postloan nightly`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct NightlyArgs {
    /// The settings of the job: docs/NIGHTLY.md describes them
    #[arg(long, value_name = "FILE", required = true)]
    config: Option<PathBuf>,
    /// The business date, as 2026-11-20 [default: today, or as many days ago as the settings say]
    #[arg(long, value_name = "DATE")]
    date: Option<BusinessDate>,
    /// Do a date again that is done: a new run beside the old one, which counts until it is done
    #[arg(long)]
    rerun: bool,
    /// The language of the report and the message [default: as the settings say, else zh]
    #[arg(long, value_name = "LANGUAGE")]
    lang: Option<Language>,
    /// Show the comments of the riskiest reviews in the report
    #[arg(long)]
    with_text: bool,
    /// Print the summary as JSON on standard output
    #[arg(long)]
    json: bool,
    #[command(subcommand)]
    command: Option<NightlyCommand>,
}

#[derive(Debug, Subcommand)]
enum NightlyCommand {
    /// Makes a small bank in a folder and runs five nights of it.
    #[command(after_help = EXIT_CODES)]
    Demo {
        /// The folder to make
        #[arg(long, value_name = "FOLDER", default_value = "postloan-demo")]
        folder: PathBuf,
        #[command(flatten)]
        model: ModelOption,
    },
}

pub(super) fn run(args: &NightlyArgs) -> Result<Outcome, Failure> {
    if let Some(NightlyCommand::Demo { folder, model }) = &args.command {
        return run_demo(folder, model);
    }
    let path = args.config.as_ref().ok_or_else(|| Failure::usage("--config is missing"))?;
    let mut config = NightlyConfig::read(path).map_err(|error| Failure::nightly(error.into()))?;
    if let Some(report) = &mut config.report {
        report.with_text |= args.with_text;
        report.language = args.lang.unwrap_or(report.language);
    }
    if let Some(notify) = &mut config.notify {
        notify.language = args.lang.unwrap_or(notify.language);
    }
    let date =
        args.date.unwrap_or_else(|| BusinessDate::today().plus_days(-i64::from(config.days_back)));
    let mode = if args.rerun { RunMode::Rerun } else { RunMode::Once };
    let summary = one_night(&config, date, mode)?;
    if args.json {
        print_json(&summary)?;
    }
    Ok(outcome(&summary))
}

fn one_night(
    config: &NightlyConfig,
    date: BusinessDate,
    mode: RunMode,
) -> Result<NightlySummary, Failure> {
    let (observer, bar) = observer(&date.to_string());
    let summary = run_night(config, date, mode, &observer);
    bar.finish_and_clear();
    let summary = summary.map_err(Failure::nightly)?;
    tell(&summary.to_string());
    for (what, place) in [("results", &summary.file), ("report", &summary.report)] {
        if let Some(place) = place {
            tell(&format!("{what}: {place}"));
        }
    }
    if let Some(notified) = &summary.notified
        && notified != "sent"
    {
        tell(&format!("the message was not sent: {notified}"));
    }
    Ok(summary)
}

fn outcome(summary: &NightlySummary) -> Outcome {
    match summary.exit_code {
        0 => Outcome::Done,
        10 => Outcome::NothingToDo,
        _ => Outcome::SomeRefused,
    }
}

fn run_demo(folder: &Path, model: &ModelOption) -> Result<Outcome, Failure> {
    let demo = demo::make(folder, model.path()).map_err(Failure::nightly)?;
    let config =
        NightlyConfig::read(&demo.config).map_err(|error| Failure::nightly(error.into()))?;
    let mut last = Outcome::Done;
    for date in &demo.dates {
        last = outcome(&one_night(&config, *date, RunMode::Once)?);
    }
    let config = demo.config.display();
    tell(&format!(
        "the job's settings: {config}; run a night with: postloan nightly --config {config}"
    ));
    Ok(last)
}

/// A bar on a terminal, lines now and then in a log.
fn observer(date: &str) -> (Observer, ProgressBar) {
    let terminal = stderr().is_terminal();
    let bar = if terminal { ProgressBar::new(0) } else { ProgressBar::hidden() };
    if let Ok(style) =
        ProgressStyle::with_template("{wide_bar} {pos}/{len} comments, {per_sec}, {eta} to go")
    {
        bar.set_style(style);
    }
    let shown = bar.clone();
    let date = date.to_owned();
    let last_line = Mutex::new(Instant::now());
    let observer = move |event| match event {
        Event::Started { run, rows, done, taken_over } => {
            shown.set_length(rows);
            shown.set_position(done);
            if taken_over {
                tell(&format!("{date}: took over the lock of a copy that is gone"));
            }
            let resumed =
                if done > 0 { format!(", {done} of them done before") } else { String::new() };
            tell(&format!("{date}: run {run}, {rows} comments{resumed}"));
        }
        Event::Committed { rows } => {
            shown.set_position(rows);
            let mut last = last_line.lock().unwrap_or_else(PoisonError::into_inner);
            if !terminal && last.elapsed() >= LOG_EVERY {
                *last = Instant::now();
                tell(&format!("{date}: {rows} comments committed"));
            }
        }
        Event::Retrying { database, message, wait } => {
            let wait = wait.as_secs_f64();
            shown.suspend(|| {
                tell(&format!("{database}: {message}; trying again in {wait:.1} s"));
            });
        }
    };
    (Arc::new(observer), bar)
}
