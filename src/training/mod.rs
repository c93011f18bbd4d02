//! From labelled reviews to a model. Nothing that serves depends on this room.

mod calibration;
mod cross_validation;
mod folds;
mod learning_curve;
mod linfa_solver;
mod model_card;
mod objective;
mod point;
mod search;
mod search_settings;
mod second_stage;
mod selection;
mod solver;
mod sparse_solver;
mod stages;
mod trainer;

pub use calibration::{CalibrationChoice, CalibrationMethod, CalibrationTrial};
pub use cross_validation::{
    CalibrationGain, CrossValidation, FoldScore, ProbabilityScores, SearchNote, cross_validate,
};
pub use folds::{FoldError, FoldPlan, Folds};
pub use learning_curve::learning_curve;
pub use linfa_solver::LinfaSolver;
pub use model_card::model_card;
pub use objective::ObjectiveValue;
pub use search::{Analyze, SettingTrial, cross_validate_search, search, search_table};
pub use search_settings::{MOST_TRIALS, Recipe};
pub use solver::{
    FittedModel, Solver, SolverError, SolverKind, SolverSettings, SparseDataset, make_solver,
};
pub use sparse_solver::{SparseLogisticRegression, SparseSolver, ValidSparseLogisticRegression};
pub use stages::{FittedStages, PenaltyChoice, TriedPenalty, fit_stages};
pub use trainer::{
    ClassWeights, LabelledComments, Trained, TrainingError, TrainingSettings, train, train_on_all,
};
