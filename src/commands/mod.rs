//! The command line: it joins rooms, and holds no logic that another door needs, too.

mod audit;
mod batch;
mod by_label;
mod call;
mod decide;
mod decisions;
mod evaluate;
mod failure;
mod models;
mod nightly;
mod options;
mod predict;
mod prediction_json;
mod recipe;
mod report;
mod scratch_model;
mod search;
mod serve;
mod server_options;
mod token;
mod train;
mod validation_report;

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// What each exit code means, for `--help`.
const EXIT_CODES: &str = "\
Exit codes:
  0  done, and every record was taken
  1  a defect of this program: the counts did not add up
  2  the command line is wrong
  3  the input cannot be read, or is not what it must be
  4  the model cannot be read, or cannot be used
  5  the output cannot be written
  6  done, but some records were refused: see the rejects file
  7  a server cannot be started or reached, or answered with an error
  8  a server was told to end a second time, and ended with calls under way";

/// Reads post-loan review comments (贷后检查评价) and says for each whether the loan is normal, to
/// be watched or risky, and why.
#[derive(Debug, Parser)]
#[command(name = "postloan", version, after_help = EXIT_CODES, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Trains a model on labelled comments and writes it as the next version.
    #[command(after_help = EXIT_CODES)]
    Train(Box<train::TrainArgs>),
    /// Measures a model on labelled comments.
    #[command(after_help = EXIT_CODES)]
    Evaluate(evaluate::EvaluateArgs),
    /// Finds what is probably wrong with labelled comments: labels, duplicates, leaks.
    #[command(after_help = EXIT_CODES)]
    Audit(audit::AuditArgs),
    /// Classifies comments given as arguments or as lines of standard input.
    #[command(after_help = EXIT_CODES)]
    Predict(predict::PredictArgs),
    /// Classifies files of comments.
    #[command(after_help = EXIT_CODES)]
    Batch(batch::BatchArgs),
    /// Sets how a model decides (prior, costs, when to ask a human) as its next version.
    #[command(after_help = EXIT_CODES)]
    Decide(decide::DecideArgs),
    /// Estimates how common each label is in comments that nobody labelled.
    #[command(after_help = EXIT_CODES)]
    EstimatePrior(decide::EstimatePriorArgs),
    /// Classifies a day's comments from a database into a database, exactly once.
    #[command(after_help = nightly::EXIT_CODES)]
    Nightly(nightly::NightlyArgs),
    /// Lists, shows and verifies the models on disk, and puts one in production.
    #[command(after_help = EXIT_CODES)]
    Models(models::ModelsArgs),
    /// Answers calls over gRPC.
    #[command(after_help = EXIT_CODES)]
    Serve(Box<serve::ServeArgs>),
    /// Calls a server: health, one comment, a file of them, the model in use.
    #[command(after_help = EXIT_CODES)]
    Call(Box<call::CallArgs>),
    /// Makes, lists and revokes the tokens of the service's clients.
    #[command(after_help = EXIT_CODES)]
    Token(token::TokenArgs),
}

/// How a command that did its work ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// Everything was done.
    Done,
    /// Some records were refused.
    SomeRefused,
    /// A server ended with calls under way.
    CutShort,
    /// There was nothing to do.
    NothingToDo,
}

/// Runs the program on the process's arguments and gives its exit code.
///
/// A failure is one sentence on standard error, with the chain of its causes.
#[must_use]
pub fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Train(args) => train::run(&args),
        Command::Evaluate(args) => evaluate::run(&args),
        Command::Audit(args) => audit::run(&args),
        Command::Predict(args) => predict::run(&args),
        Command::Batch(args) => batch::run(&args),
        Command::Decide(args) => decide::run(&args),
        Command::EstimatePrior(args) => decide::run_estimate_prior(&args),
        Command::Nightly(args) => nightly::run(&args),
        Command::Models(args) => models::run(&args),
        Command::Serve(args) => serve::run(&args),
        Command::Call(args) => call::run(&args),
        Command::Token(args) => token::run(&args),
    };
    match result {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::SomeRefused) => ExitCode::from(6),
        Ok(Outcome::CutShort) => ExitCode::from(8),
        Ok(Outcome::NothingToDo) => ExitCode::from(10),
        // Whoever read standard output has seen enough: that is no failure.
        Err(failure) if failure.is_broken_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            // Where standard error is closed, too, the exit code has to do.
            let _ = writeln!(anstream::stderr(), "postloan: {failure}");
            failure.exit_code()
        }
    }
}
