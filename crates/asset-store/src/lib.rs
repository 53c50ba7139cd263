//! Assets and uploads as they are stored. [`AssetStore::apply`] is the only way an asset's state changes: in one
//! transaction it asks [`asset_flow::advance()`] for the next state, saves it, cancels and enqueues jobs and writes the
//! outbox. A job's result takes the same way behind its fencing token ([`AssetStore::commit`]) or does not count at all.
//!
//! - [`rows`]: [`AssetRow`], [`UploadRow`] and what is needed to make one.
//! - `apply`, `jobs`: changes of state, by a caller's transaction, by a job's result or failure, by a person's request.
//! - `demand`: what viewers wait for while a recording is made.
//! - `renewals`: what is ready, encoded again beside what is served.
//! - `retry`: an asset that failed goes on where a job gave up.
//! - `uploads`: from the announcement of an upload to its source.
//! - `limits`: what is taken in.
//! - [`restored`]: all assets, and what a restored database makes of what its store holds.
//! - `reads`: single assets, pages of them, playback ids.
//! - `findings`: what the engine found out, read from the results of jobs.
//! - [`progress`]: how far an asset is, computed from its jobs.
//! - `snapshot`: what the outbox says about an asset.
//! - `sql`: every statement.
//!
//! Lock order of every transaction: the asset's row, then jobs and uploads, then the outbox. So two of them on one asset
//! wait for each other and never deadlock.

mod apply;
mod demand;
mod error;
mod findings;
mod jobs;
mod limits;
pub mod progress;
mod reads;
mod renewals;
pub mod restored;
mod retry;
pub mod rows;
mod snapshot;
mod sql;
mod uploads;

use std::sync::Arc;

pub use demand::{MAX_DEMANDED, MAX_DEMANDED_OF_TENANT};
pub use error::{NoRetry, StoreError};
use job_queue::JobQueue;
pub use limits::{Limits, OverLimit, Usage, Whose};
pub use progress::{Progress, RenditionProgress, RenditionState};
pub use renewals::RENEWALS_AT_ONCE;
pub use rows::{AssetRow, MOST_PARTS, NewUpload, SourcePart, UploadRow, UploadState};
pub use sql::STATEMENTS;

/// An upload that receives nothing for so many milliseconds is given up, by [`AssetStore::expire_uploads`].
pub const UPLOAD_IDLE_MS: i64 = 48 * 3_600_000;

/// The most rows one read returns.
pub const MAX_PAGE: i64 = 200;

/// Assets, their uploads and the way their state changes. Cheap to clone.
#[derive(Clone)]
pub struct AssetStore {
    queue: JobQueue,
    high_water: Arc<progress::HighWater>,
}

impl AssetStore {
    /// A store over the database of `queue`.
    pub fn new(queue: JobQueue) -> Self {
        Self { queue, high_water: Arc::default() }
    }

    /// The queue that the jobs of assets go to.
    pub fn queue(&self) -> &JobQueue {
        &self.queue
    }

    /// What time it is, in milliseconds since 1970: what a caller hands in as `now_ms`.
    pub fn now_ms(&self) -> i64 {
        self.queue.now_ms()
    }

    fn db(&self) -> &database::Database {
        self.queue.database()
    }
}
