//! What is probably wrong with labelled data: labels, duplicates, leaks, rare classes.
//!
//! It judges data by out-of-fold probabilities that training gives, and knows neither files nor
//! how a model is made.

mod confident;
mod duplicates;
mod finding;

pub use confident::{ConfidentLearning, LabelIssue};
pub use duplicates::{Duplicates, NearPair};
pub use finding::{Audit, AuditedComment, Finding, FindingKind};
