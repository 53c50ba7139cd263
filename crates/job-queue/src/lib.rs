//! Durable work: a lease table decides whose result counts, apalis decides when a handler runs.
//!
//! - [`JobQueue`]: enqueue in the caller's transaction, claim, finish, fail, cancel, list.
//! - [`policy`]: which job is next, as a pure model: classes, tenants that take turns, what a job costs its tenant.
//! - [`policy::budget`], [`policy::cost`]: what a worker takes on at a time, and what its jobs use.
//! - [`Capabilities`]: what a job needs of a worker, and what a worker offers.
//! - [`Backlog`]: how much waits, by class, and for how long.
//! - [`Fence`]: the fencing token. A result commits with the attempt that was claimed, or not at all.
//! - [`Drain`]: what claims nothing more until a person says so. [`WorkerRow`], [`Roster`]: who works, for people to see.
//! - [`restored()`]: the queue in a database that was restored from a backup.
//! - [`Reaper`]: takes jobs from workers that went silent, judged by its own monotonic clock alone.
//! - [`run_worker`], [`Handler`], [`Lease`]: claims one job at a time behind a concurrency limit, keeps its lease in a task
//!   of its own, catches panics, hands work back on shutdown.
//!
//! A job is `waiting` (for other jobs), `ready`, `running`, and then `done`, `parked` (out of attempts, for a person to
//! look at) or `cancelled`. A failed attempt goes back to `ready` with a later run time that survives a restart.

mod backend;
mod capability;
mod claim;
mod clocks;
mod drain;
mod enqueue;
mod error;
mod figures;
mod lease;
mod ledger;
mod model;
pub mod policy;
mod queue;
mod reaper;
mod restored;
mod roster;
mod shares;
mod sql;
mod worker;

pub use capability::Capabilities;
pub use claim::MAX_STAGES;
pub use database::Clock;
pub use drain::{Drain, Scope};
pub use enqueue::MAX_BATCH;
pub use error::QueueError;
pub use figures::Backlog;
pub use lease::Lease;
pub use model::{
    ClaimedJob, FailOutcome, Failure, Fence, JobFilter, JobRow, JobState, NewJob, Outcome, Reaped, Reason, Renewal,
    Retry, UnknownState,
};
pub use queue::{JobQueue, MAX_ALIKE, MAX_JOBS_OF_ASSET, MAX_PAGE};
pub use reaper::{LOST_WORKERS, Reaper, SilentJob};
pub use restored::restored;
pub use roster::{MAX_WORKERS, Offers, Roster, WorkerCard, WorkerRow};
pub use sql::{STATEMENTS, STATEMENTS_OF_RESTORING};
pub use worker::{Handler, Room, WorkerOptions, run_worker};
