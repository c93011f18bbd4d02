//! From labelled reviews to a model. Nothing that serves depends on this room.

mod calibration;
mod cross_validation;
mod folds;
mod linfa_solver;
mod model_card;
mod objective;
mod point;
mod second_stage;
mod solver;
mod sparse_solver;
mod stages;
mod trainer;

pub use calibration::{CalibrationChoice, CalibrationMethod, CalibrationTrial};
pub use cross_validation::{
    CalibrationGain, CrossValidation, FoldScore, ProbabilityScores, cross_validate,
};
pub use folds::{FoldError, FoldPlan, Folds};
pub use linfa_solver::LinfaSolver;
pub use model_card::model_card;
pub use objective::ObjectiveValue;
pub use solver::{
    FittedModel, Solver, SolverError, SolverKind, SolverSettings, SparseDataset, make_solver,
};
pub use sparse_solver::{SparseLogisticRegression, SparseSolver, ValidSparseLogisticRegression};
pub use stages::{FittedStages, PenaltyChoice, fit_stages};
pub use trainer::{
    ClassWeights, LabelledComments, Trained, TrainingError, TrainingSettings, train,
};
