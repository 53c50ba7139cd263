//! The worker loop, and the reaper that takes back what dead workers hold.

use std::sync::Arc;
use std::time::{Duration, Instant};

use asset_store::UPLOAD_IDLE_MS;
use job_queue::policy::budget::Budget;
use job_queue::{JobQueue, QueueError, Reaped, Reaper, Room, Roster, WorkerCard, WorkerOptions, run_worker};
use telemetry::figures::JOBS_TAKEN_OVER;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

/// Between two looks at what was left half done.
const TIDY_EVERY: Duration = Duration::from_secs(60);
/// Between two tries to take over what a dead process held.
const TAKE_OVER_EVERY: Duration = Duration::from_secs(5);
/// Between two signs of life, for others to see; a lease has its own.
const SEEN_EVERY: Duration = Duration::from_secs(30);
/// Jobs that wait for something else than a processor, for each processor that there is; and so many more.
const JOBS_PER_PROCESSOR: usize = 4;
const MORE_JOBS: usize = 8;
/// Uploads given up in one look.
const EXPIRED_AT_ONCE: i64 = 100;
/// What a store began to put together so long ago belongs to nobody who lives.
const SWEPT_AGE: Duration = Duration::from_secs(2 * 24 * 60 * 60);

use crate::costs;
use crate::stage::{StageHandler, Workshop};

/// How one process works.
#[derive(Clone, Debug)]
pub struct WorkerConfig {
    /// What others see of it. Its name is unique for every start.
    pub card: WorkerCard,
    /// What its jobs may use at once.
    pub budget: Budget,
    /// Whether no other process works on this queue: then what is marked as running was left by a dead one.
    pub alone: bool,
    /// How long a job may show no sign of life before it is given to another worker.
    pub patience: Duration,
}

/// Works until `shutdown` turns true, then hands back what is unfinished.
///
/// # Errors
/// When the queue cannot be used at all.
pub async fn run_workers(
    workshop: Arc<Workshop>,
    config: WorkerConfig,
    shutdown: watch::Receiver<bool>,
) -> Result<(), QueueError> {
    let queue = workshop.store().queue().clone();
    let processors = usize::try_from(config.budget.cpu_milli / 1_000).unwrap_or(0);
    let options = WorkerOptions {
        concurrency: processors * JOBS_PER_PROCESSOR + MORE_JOBS,
        room: Some(Room { budget: config.budget, stated: costs::stated() }),
        offers: config.card.offers.clone(),
        ..WorkerOptions::new(config.card.name.clone(), asset_flow::ALL_STAGES)
    };
    if config.alone {
        take_over_all(&workshop, shutdown.clone()).await?;
    }
    let reaper = tokio::spawn(reap(workshop.clone(), config.patience, shutdown.clone()));
    let presence = tokio::spawn(be_seen(queue.clone(), config.card.clone()));
    let handler = Arc::new(StageHandler(workshop));
    let ended = run_worker(queue.clone(), options, handler, shutdown).await;
    reaper.abort();
    presence.abort();
    if let Err(error) = queue.sign_off(&config.card.name).await {
        tracing::warn!(%error, "others will see this worker for a while yet");
    }
    ended
}

/// Shows now and then that this worker lives.
async fn be_seen(queue: JobQueue, card: WorkerCard) {
    let mut ticks = tokio::time::interval(SEEN_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = queue.sign_on(&card).await {
            tracing::warn!(%error, "nobody sees that this worker lives");
        }
    }
}

/// Takes back everything that is marked as running; waits while the database is full or busy.
async fn take_over_all(workshop: &Workshop, mut shutdown: watch::Receiver<bool>) -> Result<(), QueueError> {
    loop {
        match workshop.store().queue().requeue_all_running().await {
            Ok(taken) => {
                for job in taken {
                    tell(workshop, job).await;
                }
                return Ok(());
            }
            Err(QueueError::Database(error)) if error.is_transient() => {
                tracing::warn!(%error, "the work cannot begin yet");
            }
            Err(error) => return Err(error),
        }
        tokio::select! {
            () = tokio::time::sleep(TAKE_OVER_EVERY) => {}
            _ = shutdown.wait_for(|stop| *stop) => return Ok(()),
        }
    }
}

async fn reap(workshop: Arc<Workshop>, patience: Duration, mut shutdown: watch::Receiver<bool>) {
    let mut reaper = Reaper::new(workshop.store().queue().clone(), patience);
    let mut roster = Roster::new(workshop.store().queue().clone(), SEEN_EVERY * 5);
    let mut ticks = tokio::time::interval(patience / 4);
    let mut tidied: Option<Instant> = None;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = shutdown.wait_for(|stop| *stop) => return,
        }
        if tidied.is_none_or(|at| at.elapsed() >= TIDY_EVERY) {
            tidied = Some(Instant::now());
            tidy(&workshop).await;
            if let Err(error) = roster.sweep(Instant::now()).await {
                tracing::warn!(%error, "workers that are gone could not be struck off");
            }
        }
        match reaper.sweep(Instant::now()).await {
            Ok(reaped) => {
                for job in reaped {
                    tell(&workshop, job).await;
                }
            }
            Err(error) => tracing::warn!(%error, "the queue could not be swept"),
        }
    }
}

/// What a process left half done when it died between two transactions, tenants that a former version's jobs belong to, jobs that
/// a wrong clock put off, renewals that wait for a place, and uploads that nobody continues.
async fn tidy(workshop: &Workshop) {
    let now = workshop.store().now_ms();
    if let Err(error) = workshop.store().settle_parked(now).await {
        tracing::error!(%error, "lost jobs' assets could not be failed");
    }
    if let Err(error) = workshop.store().queue().tidy_shares().await {
        tracing::warn!(%error, "the shares of tenants could not be tidied");
    }
    if let Err(error) = workshop.store().queue().hasten().await {
        tracing::warn!(%error, "jobs that a wrong clock put off could not be made due");
    }
    workshop.start_renewals().await;
    match workshop.store().expire_uploads(now - UPLOAD_IDLE_MS, EXPIRED_AT_ONCE, now).await {
        Ok(expired) => {
            for upload in expired {
                if let Err(error) = workshop.discard_upload(&upload.asset_id).await {
                    tracing::warn!(upload_id = %upload.id, %error, "an expired upload's bytes could not be removed");
                }
            }
        }
        Err(error) => tracing::warn!(%error, "idle uploads could not be expired"),
    }
    match workshop.sweep_store(SWEPT_AGE).await {
        Ok(0) => {}
        Ok(swept) => tracing::info!(swept, "the store is rid of what dead processes had begun"),
        Err(error) => tracing::warn!(%error, "the store could not be swept"),
    }
}

async fn tell(workshop: &Workshop, reaped: Reaped) {
    match reaped {
        Reaped::Requeued(fence) => {
            JOBS_TAKEN_OVER.add(&["requeued"], 1);
            tracing::warn!(job_id = %fence.job_id, attempt = fence.attempt, "a silent job was given back")
        }
        Reaped::Parked(fence, asset) => {
            JOBS_TAKEN_OVER.add(&["parked"], 1);
            tracing::error!(job_id = %fence.job_id, asset_id = %asset, "a job lost all its workers");
            if let Err(error) = workshop.store().park_lost(&fence, &asset, workshop.store().now_ms()).await {
                tracing::error!(%error, "a lost job's asset could not be failed");
            }
        }
    }
}
