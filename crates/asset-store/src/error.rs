//! Why the store did not do what it was asked.

use asset_flow::{FlowError, Phase};
use database::DbError;
use job_queue::{JobState, QueueError};
use thiserror::Error;

use crate::{OverLimit, UploadState};

/// Why the store did not do what it was asked. Nothing of the call was kept.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The tenant has no such asset or upload.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// Another worker has taken the job over, or it was cancelled; its result does not count.
    #[error("the lease of the job is lost")]
    LeaseLost,
    /// A value that cannot be stored.
    #[error("{field} {reason}")]
    Invalid {
        /// The name of the value.
        field: &'static str,
        /// What is wrong with it, the rest of a sentence that starts with the name.
        reason: &'static str,
    },
    /// The upload has ended; it takes no more bytes.
    #[error("the upload is {0}")]
    UploadClosed(UploadState),
    /// The asset is not ready, so that there is nothing to renew.
    #[error("the asset is {0}")]
    NotReady(Phase),
    /// There is no room for another upload.
    #[error("there is no room for another upload: {0:?}")]
    OverLimit(OverLimit),
    /// There is nothing to go on with.
    #[error("{0}")]
    NoRetry(NoRetry),
    /// The job has ended, so that there is nothing to cancel.
    #[error("the job is {0}")]
    JobEnded(JobState),
    /// The upload was completed before, with other bytes.
    #[error("the upload already has another source")]
    OtherSource,
    /// An event that no correct caller sends.
    #[error("the event does not fit the state of the asset")]
    Flow(#[from] FlowError),
    /// The queue refused.
    #[error("the queue failed")]
    Queue(#[source] QueueError),
    /// The database refused.
    #[error(transparent)]
    Database(#[from] DbError),
    /// A stored row that this version cannot read.
    #[error("a stored {0} cannot be read by this version")]
    Corrupt(&'static str),
}

/// Why nothing can go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NoRetry {
    /// Nobody gave up.
    #[error("the asset is {0}: no job of it gave up")]
    Phase(Phase),
    /// Its source never was whole.
    #[error("the upload never was complete")]
    NoSource,
    /// A person wanted it so, and what was made is removed.
    #[error("the processing was cancelled")]
    Cancelled,
    /// The job is not one that gave up.
    #[error("the job is not parked")]
    NotParked,
    /// What was made of a renewal that was given up is removed.
    #[error("the job belongs to a renewal that was given up")]
    OfRenewal,
}

impl From<QueueError> for StoreError {
    fn from(error: QueueError) -> Self {
        match error {
            QueueError::LeaseLost => Self::LeaseLost,
            other => Self::Queue(other),
        }
    }
}
