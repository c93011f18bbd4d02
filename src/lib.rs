//! Reads the comments that bank customer managers write after checking on a loan (贷后检查评价)
//! and says for each whether the loan is normal, to be watched or risky, and why.
//!
//! Every comment travels the same road, wherever it comes in:
//!
//! ```text
//! records ──► text ──► features ──► model ──► records
//! (a review)  (terms)  (sparse      (probabilities,   (a prediction)
//!                       vector)      label, reasons)
//! ```
//!
//! Start at [`model::RiskClassifier`]; `docs/ARCHITECTURE.md` is a tour of the house.

#![deny(missing_docs, unreachable_pub)]
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::print_stderr)]

pub mod audit;
pub mod batch;
pub mod commands;
pub mod evaluation;
pub mod features;
pub mod model;
pub mod nightly;
pub mod records;
pub mod report;
pub mod serve;
pub mod text;
pub mod training;
