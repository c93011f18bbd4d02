//! What a cross-validation found, as `postloan train` prints it.

use std::collections::BTreeSet;

use crate::evaluation::{Spread, confusion_table, metrics_table};
use crate::training::{CalibrationMethod, CrossValidation, ProbabilityScores};

/// The figures of a cross-validation, for a terminal.
pub(super) fn validation_report(validation: &CrossValidation) -> String {
    let spread = |name: &str, pooled: f64, spread: Spread| {
        format!(
            "{name:<9} {pooled:.4}   over folds {:.4} ± {:.4} ({:.4} to {:.4})\n",
            spread.mean, spread.deviation, spread.lowest, spread.highest
        )
    };
    format!(
        "Cross-validation: {}.\n\n{}{}{}\n{}\n{}\n{}",
        validation.description(),
        spread("accuracy", validation.metrics.accuracy, validation.accuracy),
        spread("macro F1", validation.metrics.macro_f1, validation.macro_f1),
        spread("log loss", validation.metrics.log_loss, validation.log_loss),
        metrics_table(&validation.metrics),
        confusion_table(&validation.metrics),
        calibration_report(validation)
    )
}

/// What calibration did, if there was any.
fn calibration_report(validation: &CrossValidation) -> String {
    let Some(gain) = validation.calibration else { return String::new() };
    let ways: BTreeSet<&str> = validation.folds.iter().map(|f| f.calibration.name()).collect();
    let line = |name: &str, scores: ProbabilityScores| {
        let ProbabilityScores { log_loss, expected_calibration_error, brier } = scores;
        format!("{name:<14} {log_loss:>8.4}  {expected_calibration_error:>8.4}  {brier:>8.4}\n")
    };
    let head = format!("{:<14} {:>8}  {:>8}  {:>8}\n", "probabilities", "log loss", "ECE", "Brier");
    if ways.iter().all(|way| *way == CalibrationMethod::None.name()) {
        return format!("{head}{}\n", line("not calibrated", gain.after));
    }
    let ways: Vec<&str> = ways.into_iter().collect();
    format!(
        "{head}{}{}(calibration of the folds: {})\n\n",
        line("before", gain.before),
        line("calibrated", gain.after),
        ways.join(", ")
    )
}
