//! Running handlers: an apalis worker over the job table.

use std::any::Any;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use apalis_core::task::Task;
use apalis_core::worker::builder::WorkerBuilder;
use futures::FutureExt;
use futures::future::BoxFuture;
use rustix::time::{ClockId, clock_gettime};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinHandle};

use crate::backend::LeaseBackend;
use crate::lease::keep;
use crate::ledger::Ledger;
use crate::policy::budget::Budget;
use crate::policy::cost::Cost;
use crate::{Capabilities, ClaimedJob, Fence, JobQueue, Lease, QueueError};

/// What runs jobs.
pub trait Handler: Send + Sync + 'static {
    /// Runs the job to its end and commits its own result or failure, in one transaction with everything that depends
    /// on it, under `job.fence`. Stops early, committing nothing, when `lease` is lost.
    fn run(&self, job: ClaimedJob, lease: Lease) -> BoxFuture<'static, ()>;

    /// Commits the failure of a job whose [`Handler::run`] panicked with `message`.
    fn panicked(&self, job: ClaimedJob, message: String) -> BoxFuture<'static, ()>;
}

/// What a worker may use at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    /// Of its machine.
    pub budget: Budget,
    /// What a job of each stage is taken to use until some of them have finished here. One of a stage that is not named takes
    /// the least room.
    pub stated: Vec<(String, Cost)>,
}

/// How a worker runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerOptions {
    /// Shown beside its jobs; unique per start, such as host name and a random part.
    pub name: String,
    /// What it serves: 1 to 16 stages.
    pub stages: Vec<String>,
    /// Jobs of a lower priority are left to others.
    pub min_priority: i64,
    /// How many jobs run at once at most, at least 1.
    pub concurrency: usize,
    /// What they may use at once; `None` for whatever they do.
    pub room: Option<Room>,
    /// Jobs that need more are left to others; `None` for all jobs.
    pub offers: Option<Capabilities>,
    /// How often a lease is renewed. A reaper's patience is several times this.
    pub heartbeat: Duration,
    /// A lease is given up when its handler showed no movement for this long.
    pub stall: Duration,
    /// How long a handler may clean up once its lease is lost, before its future is dropped.
    pub drain: Duration,
}

/// Jobs of any priority, one at a time, a heartbeat every 2 s, given up after 60 s without movement, 30 s to clean up. Name and stages are
/// empty: for the rest of a struct literal.
impl Default for WorkerOptions {
    fn default() -> Self {
        Self {
            name: String::new(),
            stages: Vec::new(),
            min_priority: i64::MIN,
            concurrency: 1,
            room: None,
            offers: None,
            heartbeat: Duration::from_secs(2),
            stall: Duration::from_secs(60),
            drain: Duration::from_secs(30),
        }
    }
}

impl WorkerOptions {
    /// The defaults, with a name and the stages to serve.
    pub fn new(name: impl Into<String>, stages: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { name: name.into(), stages: stages.into_iter().map(Into::into).collect(), ..Self::default() }
    }
}

/// Claims and runs jobs until `shutdown` holds `true` or its sender is gone. Then it claims nothing more, tells running
/// handlers by their lease, and hands back what they did not finish. Database errors are waited out, never returned.
pub async fn run_worker(
    queue: JobQueue,
    options: WorkerOptions,
    handler: Arc<dyn Handler>,
    shutdown: watch::Receiver<bool>,
) -> Result<(), QueueError> {
    if options.stages.is_empty() || options.stages.len() > crate::MAX_STAGES {
        return Err(QueueError::Invalid("a worker serves 1 to 16 stages"));
    }
    if options.heartbeat.is_zero() {
        return Err(QueueError::Invalid("a heartbeat takes some time"));
    }
    let name = options.name.clone();
    let ledger = options.room.as_ref().map(Ledger::new);
    let runner = Runner {
        queue: queue.clone(),
        ledger: ledger.clone(),
        handler,
        heartbeat: options.heartbeat,
        stall: options.stall,
        drain: options.drain,
        shutdown: shutdown.clone(),
    };
    let backend = LeaseBackend::new(queue, options, ledger, shutdown);
    let worker = WorkerBuilder::new(name).backend(backend).build(runner);
    worker.run().await.map_err(|error| QueueError::Worker(error.to_string()))
}

/// Resolves when the worker shall stop.
pub(crate) async fn shut_down(shutdown: &mut watch::Receiver<bool>) {
    // An error means that the owner of the sender is gone, which is a shutdown too.
    let _ = shutdown.wait_for(|stop| *stop).await;
}

/// Gives a job back. When that fails a reaper does it later.
pub(crate) async fn hand_back(queue: JobQueue, fence: Fence) {
    if let Err(error) = queue.hand_back(&fence).await {
        tracing::warn!(job_id = %fence.job_id, error = &error as &dyn std::error::Error, "cannot hand a job back");
    }
}

#[derive(Clone)]
struct Runner {
    queue: JobQueue,
    ledger: Option<Ledger>,
    handler: Arc<dyn Handler>,
    heartbeat: Duration,
    stall: Duration,
    drain: Duration,
    shutdown: watch::Receiver<bool>,
}

impl tower::Service<Task<ClaimedJob>> for Runner {
    type Response = ();
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<(), Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, task: Task<ClaimedJob>) -> Self::Future {
        let (job, _) = task.take();
        self.clone().supervise(job).map(Ok).boxed()
    }
}

impl Runner {
    async fn supervise(mut self, job: ClaimedJob) {
        let lease = Lease::detached();
        let fence = job.fence.clone();
        let (heartbeat, stall) = (self.heartbeat, self.stall);
        let _held = Held { ledger: self.ledger.clone(), fence: fence.clone(), lease: lease.clone() };
        let _attempt = self.queue.attempts().begin(&fence, &lease);
        let _keeper = Owned(tokio::spawn(keep(self.queue.clone(), fence.clone(), lease.clone(), heartbeat, stall)));
        if let Err(panic) = self.run(job.clone(), lease).await {
            let message = panic_message(panic);
            tracing::error!(job_id = %fence.job_id, stage = job.stage, message, "a handler panicked");
            self.report_panic(job, message).await;
        }
        if *self.shutdown.borrow() || self.shutdown.has_changed().is_err() {
            hand_back(self.queue, fence).await;
        }
    }

    /// In a task of its own: a panic ends only that, and one job's work does not hold up another's.
    async fn run(&mut self, job: ClaimedJob, lease: Lease) -> Result<(), Box<dyn Any + Send>> {
        let (handler, held) = (Arc::clone(&self.handler), lease.clone());
        let mut task = Owned(tokio::spawn(Metered { work: handler.run(job, held.clone()), lease: held }));
        let drain = self.drain;
        let overdue = async {
            tokio::select! {
                () = lease.lost() => {}
                () = shut_down(&mut self.shutdown) => lease.revoke(),
            }
            tokio::time::sleep(drain).await;
        };
        let ended = tokio::select! {
            ended = &mut task.0 => ended,
            () = overdue => {
                task.0.abort();
                (&mut task.0).await
            }
        };
        ended.or_else(|error: JoinError| error.try_into_panic().map_or(Ok(()), Err))
    }

    async fn report_panic(&self, job: ClaimedJob, message: String) {
        let handler = Arc::clone(&self.handler);
        let mut task = Owned(tokio::spawn(async move { handler.panicked(job, message).await }));
        match tokio::time::timeout(self.drain, &mut task.0).await {
            Ok(Ok(())) => {}
            // The job keeps its attempt and falls to a reaper.
            Ok(Err(error)) => tracing::error!(%error, "reporting a panic panicked"),
            Err(_) => tracing::error!("reporting a panic took too long"),
        }
    }
}

/// Gives back what a job held, however it ends.
struct Held {
    ledger: Option<Ledger>,
    fence: Fence,
    lease: Lease,
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(ledger) = &self.ledger {
            ledger.release(&self.fence, self.lease.learned());
        }
    }
}

/// A handler's work, which adds the processor time of its own task to its lease.
struct Metered {
    work: BoxFuture<'static, ()>,
    lease: Lease,
}

impl Future for Metered {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let began = thread_time();
        let polled = self.work.poll_unpin(cx);
        self.lease.used(thread_time().saturating_sub(began));
        polled
    }
}

/// Processor time of this thread.
fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// A task that ends with its owner.
struct Owned<T>(JoinHandle<T>);

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn panic_message(panic: Box<dyn Any + Send>) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}
