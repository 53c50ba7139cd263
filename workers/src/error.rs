//! What can go wrong in a stage, sorted by what to do about it.

use asset_store::StoreError;
use database::DbError;
use engine_host::EngineHostError;
use job_queue::{QueueError, Retry};
use key_vault::VaultError;
use packager::PackageError;
use thiserror::Error;

/// A failure of one piece of work.
#[derive(Debug, Error)]
pub enum WorkError {
    /// The source is at fault: trying again gives the same.
    #[error("{detail}")]
    Input {
        /// Stable and dotted, such as `input.unreadable`.
        code: String,
        /// One clause for a person.
        detail: String,
        /// What the person can do.
        hint: String,
    },
    /// The engine broke its contract or its machine failed.
    #[error("{0}")]
    Engine(String),
    /// The engine's process failed.
    #[error(transparent)]
    Host(EngineHostError),
    /// Samples that cannot be packaged.
    #[error("packaging: {0}")]
    Package(#[from] PackageError),
    /// The store's or the database's disk is full.
    #[error("there is no space left to store what is made")]
    Full,
    /// The store's server does not answer: nothing is wrong with the work.
    #[error("storage: {0}")]
    StoreAway(String),
    /// Bytes that could not be stored or read.
    #[error("storage: {0}")]
    Storage(String),
    /// Content keys are not to be had.
    #[error("keys: {0}")]
    Keys(String),
    /// Another job has not come as far as this one needs.
    #[error("{0}")]
    NotYet(String),
    /// The lease is lost or the work cancelled; somebody else owns it now.
    #[error("the lease is lost")]
    LeaseLost,
    /// The database refused.
    #[error("database: {0}")]
    Database(String),
}

impl From<EngineHostError> for WorkError {
    fn from(error: EngineHostError) -> Self {
        match error {
            EngineHostError::Input { code, detail } => WorkError::Input { hint: hint(&code).to_owned(), detail, code },
            EngineHostError::Source(error) if is_away(&error) => WorkError::StoreAway(error.to_string()),
            other => WorkError::Host(other),
        }
    }
}

/// Whether a read of the source failed for want of an answer.
fn is_away(error: &std::io::Error) -> bool {
    use media_store::StoreError::Unreachable;
    let told = error.get_ref().and_then(|error| error.downcast_ref());
    error.kind() == std::io::ErrorKind::TimedOut || matches!(told, Some(Unreachable { .. }))
}

impl From<pipeline::PlanError> for WorkError {
    fn from(error: pipeline::PlanError) -> Self {
        WorkError::Input { code: error.code.to_owned(), detail: error.detail, hint: error.hint.to_owned() }
    }
}

impl From<StoreError> for WorkError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::LeaseLost => WorkError::LeaseLost,
            StoreError::Database(error) => error.into(),
            StoreError::Queue(error) => error.into(),
            other => WorkError::Database(other.to_string()),
        }
    }
}

impl From<QueueError> for WorkError {
    fn from(error: QueueError) -> Self {
        match error {
            QueueError::LeaseLost => WorkError::LeaseLost,
            QueueError::Database(error) => error.into(),
            other => WorkError::Database(other.to_string()),
        }
    }
}

impl From<DbError> for WorkError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Full(_) => WorkError::Full,
            other => WorkError::Database(other.to_string()),
        }
    }
}

impl From<VaultError> for WorkError {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::Database(error) => error.into(),
            other => WorkError::Keys(other.to_string()),
        }
    }
}

impl From<media_store::StoreError> for WorkError {
    fn from(error: media_store::StoreError) -> Self {
        match error {
            media_store::StoreError::NoSpace => WorkError::Full,
            away @ media_store::StoreError::Unreachable { .. } => WorkError::StoreAway(away.to_string()),
            other => WorkError::Storage(other.to_string()),
        }
    }
}

impl WorkError {
    /// A source at fault, with the hint of its code.
    pub(crate) fn input(code: &str, detail: String) -> Self {
        WorkError::Input { code: code.to_owned(), detail, hint: hint(code).to_owned() }
    }

    /// Stable and dotted.
    pub fn code(&self) -> &str {
        match self {
            WorkError::Input { code, .. } => code,
            WorkError::Engine(_) => "engine.contract",
            WorkError::Host(error) => error.code(),
            WorkError::Package(_) => "package.refused",
            WorkError::Full => "storage.full",
            WorkError::StoreAway(_) => "storage.unreachable",
            WorkError::Storage(_) => "storage.failed",
            WorkError::Keys(_) => "keys.unavailable",
            WorkError::NotYet(_) => "job.waits",
            WorkError::LeaseLost => "job.lease_lost",
            WorkError::Database(_) => "database.failed",
        }
    }

    /// What the person or operator can do.
    pub fn hint(&self) -> &str {
        match self {
            WorkError::Input { hint, .. } => hint,
            WorkError::Full => "free some space: the work then goes on by itself",
            WorkError::StoreAway(_) => "see to the store's server and the network: the work then goes on by itself",
            WorkError::Storage(_) => "check the store, then retry",
            WorkError::Host(_) | WorkError::Engine(_) | WorkError::Package(_) => {
                "retry; if it fails again, keep the file and report it with this code"
            }
            WorkError::Keys(_) => "give every worker the key-encryption key (LECTERN_KEK_FILE), then retry",
            WorkError::NotYet(_) => "wait: it goes on by itself",
            WorkError::LeaseLost | WorkError::Database(_) => "retry",
        }
    }

    /// Whether another attempt may succeed.
    pub(crate) fn retry(&self) -> Retry {
        match self {
            WorkError::Input { .. } => Retry::No,
            WorkError::Full | WorkError::StoreAway(_) | WorkError::NotYet(_) => Retry::Uncounted,
            _ => Retry::Counted,
        }
    }
}

fn hint(code: &str) -> &'static str {
    match code {
        "input.empty" => "choose the recording again: the upload holds no bytes",
        "input.image" => "upload a video or an audio recording",
        "input.index_missing" | "input.damaged_index" => {
            "export the recording again, or repair it with the program that made it"
        }
        "input.not_media" | "input.unreadable" => "upload an MP4, MOV, MKV, WebM, TS or a common audio file",
        "input.unsupported_codec" => "export the recording as H.264 video with AAC sound",
        "input.encrypted" => "export the recording without copy protection, or decrypt it first",
        "input.dolby_vision" => {
            "export the recording as HDR10, HLG or SDR, which Dolby Vision programs offer (profile 8)"
        }
        "input.parts_differ" => {
            "join the files of one recording alone, in the camera's order; what was recorded otherwise is a recording of its own"
        }
        "input.part_unfit" => "join the files as the camera wrote them: MP4, MOV, MTS, TS or MPG, each of them whole",
        "input.undecodable" => "the file is damaged: export it again from its source",
        _ => "check the file by playing it, then upload it again",
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};

    use media_store::StoreError;

    use super::*;

    #[test]
    fn work_waits_for_a_store_that_does_not_answer_however_often_it_must() {
        let away = || StoreError::Unreachable { doing: "read an object", source: ErrorKind::ConnectionRefused.into() };
        let gone = || StoreError::NotFound { key: "sources/a/original".to_owned() };
        let read = |error| WorkError::from(EngineHostError::Source(error));
        for error in [away().into(), read(Error::other(away())), read(ErrorKind::TimedOut.into())] {
            assert_eq!((error.code(), error.retry()), ("storage.unreachable", Retry::Uncounted), "{error}");
        }
        for error in [gone().into(), read(Error::other(gone()))] {
            assert_eq!(error.retry(), Retry::Counted, "{error}");
        }
    }
}
