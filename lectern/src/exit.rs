//! Failures at the edge: one clear sentence with a cure, and a documented exit code.

use std::fmt;
use std::process::ExitCode;

use serde_json::json;

use crate::out;

/// What went wrong, for a person, and how the process ends.
///
/// | code | meaning |
/// | --- | --- |
/// | 1 | it failed |
/// | 2 | the command line is wrong (clap) |
/// | 65 | the input is unfit |
/// | 69 | something needed is not there |
/// | 75 | it may work later |
/// | 78 | a configuration file or variable is wrong |
#[derive(Debug)]
pub(crate) struct Failure {
    exit: u8,
    code: String,
    detail: String,
    hint: String,
}

impl Failure {
    fn new(exit: u8, code: &str, detail: impl fmt::Display, hint: &str) -> Self {
        Self { exit, code: code.to_owned(), detail: detail.to_string(), hint: hint.to_owned() }
    }

    /// It failed.
    pub(crate) fn failed(code: &str, detail: impl fmt::Display, hint: &str) -> Self {
        Self::new(1, code, detail, hint)
    }

    /// The input is unfit.
    pub(crate) fn bad_input(code: &str, detail: impl fmt::Display, hint: &str) -> Self {
        Self::new(65, code, detail, hint)
    }

    /// Something needed is not there.
    pub(crate) fn unavailable(code: &str, detail: impl fmt::Display, hint: &str) -> Self {
        Self::new(69, code, detail, hint)
    }

    /// A configuration file or variable is wrong.
    pub(crate) fn config(code: &str, detail: impl fmt::Display, hint: &str) -> Self {
        Self::new(78, code, detail, hint)
    }

    pub(crate) fn print(&self, json: bool) {
        if json {
            // When not even this can be written, the exit code still says that it failed.
            let _ = out::line(json!({ "error": { "code": self.code, "detail": self.detail, "hint": self.hint } }));
        } else if self.hint.is_empty() {
            out::note(format_args!("lectern: {}", self.detail));
        } else {
            out::note(format_args!("lectern: {}\n  help: {}", self.detail, self.hint));
        }
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.exit)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl From<workers::WorkError> for Failure {
    fn from(error: workers::WorkError) -> Self {
        let exit = match &error {
            workers::WorkError::Input { .. } => 65,
            workers::WorkError::Storage(_) => 75,
            _ => 1,
        };
        Self::new(exit, error.code(), &error, error.hint())
    }
}

impl From<engine_host::EngineHostError> for Failure {
    fn from(error: engine_host::EngineHostError) -> Self {
        match error {
            engine_host::EngineHostError::NotFound { .. } => Self::unavailable(
                error.code(),
                &error,
                "build it with `make build`, or install both executables in one folder",
            ),
            other => workers::WorkError::from(other).into(),
        }
    }
}

impl From<database::DbError> for Failure {
    fn from(error: database::DbError) -> Self {
        use database::DbError as E;
        let hint = match &error {
            E::NotMigrated { .. } => "the same --database, or LECTERN_DATABASE, goes with it",
            E::UnknownMigration(_) | E::ChangedMigration(_) => "",
            E::Address(_) => "correct --database or LECTERN_DATABASE",
            _ => "check the data folder and its free space",
        };
        Self::unavailable("database.failed", kernel::problem::chain(&error), hint)
    }
}

impl From<media_store::StoreError> for Failure {
    fn from(error: media_store::StoreError) -> Self {
        let hint = error.hint();
        Self::unavailable("store.failed", error, hint)
    }
}
