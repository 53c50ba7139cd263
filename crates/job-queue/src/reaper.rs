//! Taking jobs from workers that went silent.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use database::{Tx, args};
use media_types::{AssetId, TenantId};

use crate::model::parse;
use crate::{Fence, JobQueue, JobState, QueueError, Reaped, sql};

/// Error code of a job whose workers all went silent.
pub const LOST_WORKERS: &str = "job.lost_workers";

const LOST_WORKERS_DETAIL: &str = "the worker went silent while it held the job";
const MAX_RUNNING: i64 = 10_000;

/// A running job whose heartbeat has not moved for the reaper's patience.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SilentJob {
    /// The attempt that is taken over.
    pub fence: Fence,
    /// What it works on.
    pub asset_id: AssetId,
    heartbeat: i64,
}

/// Watches the heartbeat counters of running jobs on its own monotonic clock; no stored time is compared with it, so
/// clocks of machines may differ. Any number of reapers may run.
pub struct Reaper {
    queue: JobQueue,
    patience: Duration,
    /// Jobs that run no more are forgotten at the next look, so this never grows past the number that run.
    seen: HashMap<Fence, Seen>,
}

struct Seen {
    heartbeat: i64,
    since: Instant,
}

impl Reaper {
    /// A job is taken over once its counter stood still for `patience`: several heartbeats of the workers.
    pub fn new(queue: JobQueue, patience: Duration) -> Self {
        Self { queue, patience, seen: HashMap::new() }
    }

    /// Looks at all running jobs and returns the silent ones; changes nothing. `now` never goes back.
    ///
    /// After a failed look patience begins anew: where this cannot read, others cannot write a heartbeat.
    pub async fn silent(&mut self, now: Instant) -> Result<Vec<SilentJob>, QueueError> {
        let seen = std::mem::take(&mut self.seen);
        let running = running(&self.queue).await?;
        let mut silent = Vec::new();
        for job in running {
            let since = match seen.get(&job.fence) {
                Some(old) if old.heartbeat == job.heartbeat => old.since,
                _ => now,
            };
            self.seen.insert(job.fence.clone(), Seen { heartbeat: job.heartbeat, since });
            if now.saturating_duration_since(since) >= self.patience {
                silent.push(job);
            }
        }
        Ok(silent)
    }

    /// [`Reaper::silent`] and [`JobQueue::take_over`] for each, in a transaction of its own. A caller that must commit
    /// more together with a parked job calls those two itself.
    pub async fn sweep(&mut self, now: Instant) -> Result<Vec<Reaped>, QueueError> {
        let silent = self.silent(now).await?;
        self.queue.take_over_all(silent).await
    }
}

impl JobQueue {
    /// Makes a silent job ready again, or parks it with code [`LOST_WORKERS`] when its attempts are used up. `None` when
    /// the worker has shown a sign of life meanwhile.
    pub async fn take_over(&self, tx: &mut Tx, job: &SilentJob, now_ms: i64) -> Result<Option<Reaped>, QueueError> {
        let Fence { tenant_id, job_id, attempt } = &job.fence;
        let args = args![tenant_id, job_id, *attempt, job.heartbeat, now_ms, LOST_WORKERS, LOST_WORKERS_DETAIL];
        let taken: Option<(String,)> = tx.optional(sql::TAKE_OVER, args).await?;
        let Some((state,)) = taken else { return Ok(None) };
        tx.wake();
        tracing::warn!(job_id = %job_id, attempt, state, "took a job from a silent worker");
        Ok(Some(if state == JobState::Parked.as_str() {
            Reaped::Parked(job.fence.clone(), job.asset_id.clone())
        } else {
            Reaped::Requeued(job.fence.clone())
        }))
    }

    /// Takes over every running job at once, without patience: at the start of a process that is the only worker of
    /// this database, where whoever held them is dead. Never call it where another worker may live.
    pub async fn requeue_all_running(&self) -> Result<Vec<Reaped>, QueueError> {
        let running = running(self).await?;
        self.take_over_all(running).await
    }

    async fn take_over_all(&self, jobs: Vec<SilentJob>) -> Result<Vec<Reaped>, QueueError> {
        let mut reaped = Vec::new();
        for job in jobs {
            let mut tx = self.database().begin().await?;
            let taken = self.take_over(&mut tx, &job, self.now_ms()).await?;
            tx.commit().await?;
            reaped.extend(taken);
        }
        Ok(reaped)
    }
}

async fn running(queue: &JobQueue) -> Result<Vec<SilentJob>, QueueError> {
    let rows: Vec<(String, String, i64, i64, String)> = queue.database().all(sql::RUNNING, args![MAX_RUNNING]).await?;
    rows.into_iter()
        .map(|(tenant, id, attempt, heartbeat, asset)| {
            Ok(SilentJob {
                fence: Fence { tenant_id: parse::<TenantId>(&id, &tenant)?, job_id: parse(&id, &id)?, attempt },
                asset_id: parse(&id, &asset)?,
                heartbeat,
            })
        })
        .collect()
}
