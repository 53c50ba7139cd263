//! What can go wrong with a job.

use database::DbError;
use media_types::JobId;
use thiserror::Error;

/// Why the queue did not do what it was asked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum QueueError {
    /// The job was taken over, cancelled or ended meanwhile: nothing of this attempt may be kept.
    #[error("the lease on the job is lost")]
    LeaseLost,
    /// A job waits on one that the tenant does not have.
    #[error("a job waits on {0}, which does not exist")]
    UnknownDependency(JobId),
    /// The caller broke a rule of [`NewJob`](crate::NewJob) or of a call.
    #[error("{0}")]
    Invalid(&'static str),
    /// An unfinished job with the same dedupe key stands in the way.
    #[error("an unfinished job with the same dedupe key exists")]
    Duplicate,
    /// A stored row holds what no version of this crate writes.
    #[error("the stored job {0} cannot be read")]
    Corrupt(String),
    /// The database failed.
    #[error("the job table failed")]
    Database(#[from] DbError),
    /// The worker loop ended by itself.
    #[error("the worker ended: {0}")]
    Worker(String),
}
