//! How a command fails: a sentence and an exit code.

use std::error::Error;
use std::fmt;
use std::io;
use std::process::ExitCode;

use crate::batch::BatchError;
use crate::model::{LabelError, ModelError};
use crate::nightly::NightlyError;
use crate::records::{CollectionError, InputError};
use crate::serve::{ServeError, SettingsError, TokenError};
use crate::training::TrainingError;

/// Which exit code a failure has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Defect = 1,
    Usage = 2,
    Input = 3,
    Model = 4,
    Output = 5,
    Service = 7,
    Locked = 8,
    Unreconciled = 9,
}

/// Why a command did not do its work.
#[derive(Debug)]
pub(super) struct Failure {
    kind: Kind,
    /// What was being done, if the cause does not say so itself.
    context: Option<String>,
    cause: Box<dyn Error>,
}

impl Failure {
    fn new(kind: Kind, cause: impl Into<Box<dyn Error>>) -> Self {
        Self { kind, context: None, cause: cause.into() }
    }

    /// The command line asks for something that cannot be.
    pub(super) fn usage(reason: impl Into<String>) -> Self {
        Self::new(Kind::Usage, reason.into())
    }

    /// The input is not what it must be.
    pub(super) fn input(cause: impl Into<Box<dyn Error>>) -> Self {
        Self::new(Kind::Input, cause)
    }

    /// The output cannot be written.
    pub(super) fn output(cause: impl Into<Box<dyn Error>>) -> Self {
        Self::new(Kind::Output, cause)
    }

    /// A server cannot be started or reached, or answered with an error.
    pub(super) fn service(cause: impl Into<Box<dyn Error>>) -> Self {
        Self::new(Kind::Service, cause)
    }

    /// A night's job was not done.
    pub(super) fn nightly(error: NightlyError) -> Self {
        let kind = match error.exit_code() {
            2 => Kind::Usage,
            3 => Kind::Input,
            4 => Kind::Model,
            5 => Kind::Output,
            8 => Kind::Locked,
            9 => Kind::Unreconciled,
            _ => Kind::Defect,
        };
        Self::new(kind, error)
    }

    /// Says what was being done.
    pub(super) fn context(mut self, context: impl Into<String>) -> Self {
        self.context = Some(context.into());
        self
    }

    /// The cause, its cause, and so on.
    fn causes(&self) -> Vec<&(dyn Error + 'static)> {
        let mut causes: Vec<&(dyn Error + 'static)> = Vec::new();
        let mut next: Option<&(dyn Error + 'static)> = Some(&*self.cause);
        while let Some(cause) = next {
            causes.push(cause);
            next = cause.source();
        }
        causes
    }

    pub(super) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.kind as u8)
    }

    /// Whether the failure is that nobody reads the output any more.
    pub(super) fn is_broken_pipe(&self) -> bool {
        let causes = self.causes();
        let mut io_errors =
            causes.into_iter().filter_map(|cause| cause.downcast_ref::<io::Error>());
        io_errors.any(|error| error.kind() == io::ErrorKind::BrokenPipe)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(context) = &self.context {
            write!(f, "{context}: ")?;
        }
        let mut sentences: Vec<String> = self.causes().iter().map(ToString::to_string).collect();
        // A transparent error repeats its cause.
        sentences.dedup();
        write!(f, "{}", sentences.join(": "))
    }
}

impl From<InputError> for Failure {
    fn from(error: InputError) -> Self {
        Self::new(Kind::Input, error)
    }
}

impl From<CollectionError> for Failure {
    fn from(error: CollectionError) -> Self {
        Self::new(Kind::Input, error)
    }
}

impl From<LabelError> for Failure {
    fn from(error: LabelError) -> Self {
        Self::new(Kind::Input, error)
    }
}

impl From<TrainingError> for Failure {
    fn from(error: TrainingError) -> Self {
        let kind = match error {
            TrainingError::Solver(_) => Kind::Usage,
            _ => Kind::Input,
        };
        Self::new(kind, error)
    }
}

impl From<ModelError> for Failure {
    fn from(error: ModelError) -> Self {
        let kind = match error {
            ModelError::Write { .. } => Kind::Output,
            _ => Kind::Model,
        };
        Self::new(kind, error)
    }
}

impl From<BatchError> for Failure {
    fn from(error: BatchError) -> Self {
        let kind = match error {
            BatchError::Input(_) => Kind::Input,
            BatchError::Output(_) | BatchError::Rejects(_) => Kind::Output,
            BatchError::Unbalanced { .. } => Kind::Defect,
        };
        Self::new(kind, error)
    }
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        let kind = match error {
            SettingsError::Read { .. } | SettingsError::File { .. } => Kind::Input,
            SettingsError::Range { .. } | SettingsError::Together(_) => Kind::Usage,
        };
        Self::new(kind, error)
    }
}

impl From<TokenError> for Failure {
    fn from(error: TokenError) -> Self {
        let kind = match error {
            TokenError::Write { .. } => Kind::Output,
            TokenError::Read { .. } | TokenError::Invalid { .. } => Kind::Input,
        };
        Self::new(kind, error)
    }
}

impl From<ServeError> for Failure {
    fn from(error: ServeError) -> Self {
        match error {
            ServeError::Model(error) => error.into(),
            ServeError::Tokens(error) => error.into(),
            ServeError::Tls(_) => Self::new(Kind::Input, error),
            _ => Self::new(Kind::Service, error),
        }
    }
}
