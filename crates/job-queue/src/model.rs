//! The values that go into the queue and come out of it.

use std::fmt;
use std::str::FromStr;

use database::Json;
use media_types::{AssetId, JobId, TenantId};
use serde_json::Value;
use thiserror::Error;

use crate::{Capabilities, QueueError};

/// A job to enqueue.
#[derive(Clone, Debug, PartialEq)]
pub struct NewJob {
    /// Unique within the tenant. Enqueuing an id that exists already does nothing, so a replayed transaction is harmless.
    pub id: JobId,
    /// Whose job it is.
    pub tenant_id: TenantId,
    /// What it works on.
    pub asset_id: AssetId,
    /// Which handler runs it, such as `transcode`.
    pub stage: String,
    /// An object for the handler.
    pub payload: Value,
    /// Which making of its asset it belongs to, 0 for the first.
    pub making: u32,
    /// Sorts it into a class of the [`policy`](crate::policy); within one, higher goes first of a tenant's jobs.
    pub priority: i64,
    /// Estimated cost in milliseconds of a processor, at least 0: what the tenant is charged until it is known, and its part
    /// in the progress of the asset.
    pub weight: i64,
    /// How often it may be tried, at least 1.
    pub max_attempts: i64,
    /// How long after it was enqueued it may first be claimed: 0 for at once, at most 30 days.
    pub delay_ms: i64,
    /// What a worker must offer to claim it; nothing in particular when empty.
    pub needs: Capabilities,
    /// Jobs that must be done first: stored ones, or others of the same batch, without a cycle.
    pub waits_on: Vec<JobId>,
    /// At most one unfinished job of the tenant has this key; a second one is dropped, and what waits on it waits on the
    /// first instead.
    pub dedupe_key: Option<String>,
}

/// The fencing token: one attempt at one job.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fence {
    /// Whose job it is.
    pub tenant_id: TenantId,
    /// The job.
    pub job_id: JobId,
    /// Grows by 1 with every claim, whoever claims.
    pub attempt: i64,
}

/// A job that this process may work on while it holds the lease.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimedJob {
    /// What a result is committed with.
    pub fence: Fence,
    /// Whose job it is.
    pub tenant_id: TenantId,
    /// What it works on.
    pub asset_id: AssetId,
    /// Which handler runs it.
    pub stage: String,
    /// An object for the handler.
    pub payload: Value,
    /// Which making of its asset it belongs to, 0 for the first.
    pub making: u32,
    /// Higher goes first.
    pub priority: i64,
    /// Which of the attempts that count this is, from 1.
    pub tried: i64,
    /// How often it may be tried.
    pub max_attempts: i64,
    /// How long it could have run already, at least 0.
    pub waited_ms: i64,
    /// The span that it was sent in, as W3C Trace Context writes it, where somebody traced that.
    pub traceparent: Option<String>,
}

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JobState {
    /// For other jobs to be done.
    Waiting,
    /// For a worker, or for its run time.
    Ready,
    /// A worker holds the lease.
    Running,
    /// Finished; the result is kept.
    Done,
    /// Out of attempts or failed for good.
    Parked,
    /// Not wanted any more.
    Cancelled,
}

/// A text that names no [`JobState`].
#[derive(Debug, Error, PartialEq, Eq)]
#[error("a job is waiting, ready, running, done, parked or cancelled")]
pub struct UnknownState;

impl JobState {
    /// Every state, in the order of a job's life.
    pub const ALL: [JobState; 6] =
        [Self::Waiting, Self::Ready, Self::Running, Self::Done, Self::Parked, Self::Cancelled];

    /// The stored and public spelling.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Done => "done",
            Self::Parked => "parked",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for JobState {
    type Err = UnknownState;
    fn from_str(text: &str) -> Result<Self, UnknownState> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or(UnknownState)
    }
}

/// A job as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct JobRow {
    /// The job.
    pub id: JobId,
    /// Whose job it is.
    pub tenant_id: TenantId,
    /// What it works on.
    pub asset_id: AssetId,
    /// Which handler runs it.
    pub stage: String,
    /// An object for the handler.
    pub payload: Value,
    /// Which making of its asset it belongs to, 0 for the first.
    pub making: u32,
    /// Where it stands.
    pub state: JobState,
    /// Higher goes first.
    pub priority: i64,
    /// Estimated cost in milliseconds of a processor.
    pub weight: i64,
    /// Claims so far.
    pub attempt: i64,
    /// How often it may be tried.
    pub max_attempts: i64,
    /// 0 to 1, of this attempt.
    pub progress: f64,
    /// The last worker that claimed it.
    pub worker: Option<String>,
    /// Why the last attempt failed, such as `job.lost_workers`, or why the job was cancelled.
    pub error_code: Option<String>,
    /// The same for a person.
    pub error_detail: Option<String>,
    /// What the handler left, once done.
    pub result: Option<Value>,
    /// When it was enqueued, in milliseconds since 1970.
    pub created_ms: i64,
    /// When it was last claimed.
    pub started_ms: Option<i64>,
    /// When it was done, parked or cancelled.
    pub finished_ms: Option<i64>,
    /// Not claimed before this time.
    pub run_at_ms: i64,
    /// What a worker must offer to claim it.
    pub needs: Capabilities,
    /// Processor time of the last attempt that ended, of its engines and its handler, where that was measured.
    pub cpu_ms: Option<i64>,
    /// The most memory that an engine of it had.
    pub peak_bytes: Option<i64>,
}

/// What a job came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What the handler left: an object, an array or null.
    pub result: Value,
    /// What the result follows from, if another job may use it again ([`JobQueue::done_with`](crate::JobQueue::done_with)).
    pub key: Option<String>,
}

impl From<Value> for Outcome {
    fn from(result: Value) -> Self {
        Self { result, key: None }
    }
}

/// Why an attempt failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Stable and for programs, such as `engine.crashed`.
    pub code: String,
    /// For a person. Cut at 4096 bytes.
    pub detail: String,
    /// Whether another attempt may end differently.
    pub retry: Retry,
}

/// Whether a failed attempt is followed by another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// It is no use.
    No,
    /// As long as attempts are left.
    Counted,
    /// Every half minute, as often as it takes: what stood in the way has nothing to do with the job, such as a full disk.
    Uncounted,
}

/// Why jobs are cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Stable and for programs, such as `asset.cancelled`.
    pub code: &'static str,
    /// One clause for a person.
    pub detail: &'static str,
}

/// What became of a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailOutcome {
    /// It is tried again, not before this time in milliseconds since 1970.
    Retrying {
        /// Not before this time.
        run_at_ms: i64,
    },
    /// It is not tried again by itself.
    Parked,
}

/// What became of a renewal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// The work goes on.
    Kept,
    /// The job was taken over, cancelled or ended: stop, and keep nothing.
    Lost,
}

/// What became of a job whose worker went silent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reaped {
    /// It is ready again; the token is the lost one.
    Requeued(Fence),
    /// Its attempts are used up: the asset must learn of it.
    Parked(Fence, AssetId),
}

/// Which jobs to list; an empty filter lists all of the tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// Only in this state.
    pub state: Option<JobState>,
    /// Only of this stage.
    pub stage: Option<String>,
    /// Only of this asset.
    pub asset_id: Option<AssetId>,
}

database::row! {
    pub(crate) struct RawClaim {
        pub(crate) id: String,
        pub(crate) attempt: i64,
        pub(crate) returned: i64,
        pub(crate) tenant_id: String,
        pub(crate) asset_id: String,
        pub(crate) stage: String,
        pub(crate) payload: Json<Value>,
        pub(crate) priority: i64,
        pub(crate) weight: i64,
        pub(crate) max_attempts: i64,
        pub(crate) making: i64,
        pub(crate) run_at_ms: i64,
        pub(crate) ready_ms: Option<i64>,
        pub(crate) traceparent: Option<String>,
    }
}

database::row! {
    pub(crate) struct RawJob {
        pub(crate) id: String,
        pub(crate) tenant_id: String,
        pub(crate) asset_id: String,
        pub(crate) stage: String,
        pub(crate) payload: Json<Value>,
        pub(crate) state: String,
        pub(crate) priority: i64,
        pub(crate) weight: i64,
        pub(crate) attempt: i64,
        pub(crate) max_attempts: i64,
        pub(crate) progress: f64,
        pub(crate) worker: Option<String>,
        pub(crate) error_code: Option<String>,
        pub(crate) error_detail: Option<String>,
        pub(crate) result: Option<Json<Value>>,
        pub(crate) created_ms: i64,
        pub(crate) started_ms: Option<i64>,
        pub(crate) finished_ms: Option<i64>,
        pub(crate) run_at_ms: i64,
        pub(crate) making: i64,
        pub(crate) needs: String,
        pub(crate) cpu_ms: Option<i64>,
        pub(crate) peak_bytes: Option<i64>,
    }
}

fn making(job: &str, stored: i64) -> Result<u32, QueueError> {
    stored.try_into().map_err(|_| QueueError::Corrupt(job.to_owned()))
}

/// Reads a stored id or state; what does not parse is a corrupt row, never a panic.
pub(crate) fn parse<T: FromStr>(job: &str, text: &str) -> Result<T, QueueError> {
    text.parse().map_err(|_| QueueError::Corrupt(job.to_owned()))
}

impl ClaimedJob {
    /// The job of a row that was claimed at `now_ms`.
    pub(crate) fn at(now_ms: i64, raw: RawClaim) -> Result<Self, QueueError> {
        let tenant_id: TenantId = parse(&raw.id, &raw.tenant_id)?;
        Ok(Self {
            tenant_id: tenant_id.clone(),
            fence: Fence { tenant_id, job_id: parse(&raw.id, &raw.id)?, attempt: raw.attempt },
            asset_id: parse(&raw.id, &raw.asset_id)?,
            making: making(&raw.id, raw.making)?,
            stage: raw.stage,
            payload: raw.payload.0,
            priority: raw.priority,
            tried: raw.attempt.saturating_sub(raw.returned),
            max_attempts: raw.max_attempts,
            waited_ms: now_ms.saturating_sub(raw.run_at_ms.max(raw.ready_ms.unwrap_or(i64::MIN))).max(0),
            traceparent: raw.traceparent,
        })
    }
}

impl TryFrom<RawJob> for JobRow {
    type Error = QueueError;
    fn try_from(raw: RawJob) -> Result<Self, QueueError> {
        Ok(Self {
            tenant_id: parse(&raw.id, &raw.tenant_id)?,
            asset_id: parse(&raw.id, &raw.asset_id)?,
            state: parse(&raw.id, &raw.state)?,
            making: making(&raw.id, raw.making)?,
            id: parse(&raw.id, &raw.id)?,
            stage: raw.stage,
            payload: raw.payload.0,
            priority: raw.priority,
            weight: raw.weight,
            attempt: raw.attempt,
            max_attempts: raw.max_attempts,
            progress: raw.progress,
            worker: raw.worker,
            error_code: raw.error_code,
            error_detail: raw.error_detail,
            result: raw.result.map(|json| json.0),
            created_ms: raw.created_ms,
            started_ms: raw.started_ms,
            finished_ms: raw.finished_ms,
            run_at_ms: raw.run_at_ms,
            needs: Capabilities::stored(&raw.needs),
            cpu_ms: raw.cpu_ms,
            peak_bytes: raw.peak_bytes,
        })
    }
}
