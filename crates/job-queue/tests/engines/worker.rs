//! The running worker.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::BoxFuture;
use job_queue::{
    ClaimedJob, Failure, Handler, JobQueue, JobState, Lease, NewJob, Reaper, Retry, WorkerOptions, run_worker,
};
use serde_json::json;
use tokio::sync::{Barrier, Notify, watch};
use tokio::task::JoinHandle;

use crate::{WHY, asset, begin, claim, enqueue, eventually, job, on_each_engine, row, state, tenant};

/// Does what the name of the job says.
struct TestHandler {
    queue: JobQueue,
    running: AtomicUsize,
    most: AtomicUsize,
    lost: AtomicUsize,
    go: Notify,
    pair: Barrier,
}

impl TestHandler {
    async fn work(self: Arc<Self>, job: ClaimedJob, lease: Lease) {
        let name = job.payload["name"].as_str().unwrap().to_owned();
        let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(running, Ordering::SeqCst);
        if name.starts_with("panic") {
            self.running.fetch_sub(1, Ordering::SeqCst);
            panic!("{name} on purpose");
        }
        if name.starts_with("long") {
            lease.progress(0.5);
            tokio::select! {
                () = lease.lost() => {
                    self.lost.fetch_add(1, Ordering::SeqCst);
                    self.running.fetch_sub(1, Ordering::SeqCst);
                    return;
                }
                () = self.go.notified() => {}
            }
        }
        if name.starts_with("deaf") {
            lease.progress(0.5);
            std::future::pending::<()>().await;
        }
        if name.starts_with("pair") {
            self.pair.wait().await;
            // Time in which a worker without a limit would claim a third.
            for _ in 0..20 {
                assert!(claim_is_kept(&self.queue, &job).await);
            }
        }
        self.running.fetch_sub(1, Ordering::SeqCst);
        let mut tx = begin(&self.queue).await;
        if self.queue.finish(&mut tx, &job.fence, 1, json!({})).await.is_ok() {
            tx.commit().await.unwrap();
        }
    }
}

async fn claim_is_kept(queue: &JobQueue, job: &ClaimedJob) -> bool {
    let row = queue.job(&job.tenant_id, &job.fence.job_id).await.unwrap().unwrap();
    row.attempt == job.fence.attempt && row.state == JobState::Running
}

struct Shared(Arc<TestHandler>);

impl Handler for Shared {
    fn run(&self, job: ClaimedJob, lease: Lease) -> BoxFuture<'static, ()> {
        Arc::clone(&self.0).work(job, lease).boxed()
    }

    fn panicked(&self, job: ClaimedJob, message: String) -> BoxFuture<'static, ()> {
        let queue = self.0.queue.clone();
        async move {
            let failure = Failure { code: "job.panicked".to_owned(), detail: message, retry: Retry::No };
            let mut tx = begin(&queue).await;
            queue.fail(&mut tx, &job.fence, 1, &failure).await.unwrap();
            tx.commit().await.unwrap();
        }
        .boxed()
    }
}

struct Running {
    handler: Arc<TestHandler>,
    shutdown: watch::Sender<bool>,
    task: JoinHandle<Result<(), job_queue::QueueError>>,
}

impl Running {
    fn start(queue: &JobQueue, concurrency: usize, stall: Duration) -> Self {
        let handler = Arc::new(TestHandler {
            queue: queue.clone(),
            running: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            lost: AtomicUsize::new(0),
            go: Notify::new(),
            pair: Barrier::new(2),
        });
        let (shutdown, stop) = watch::channel(false);
        let heartbeat = Duration::from_millis(20);
        let drain = Duration::from_millis(100);
        let options = WorkerOptions { concurrency, heartbeat, stall, drain, ..WorkerOptions::new("w", ["transcode"]) };
        let shared = Arc::new(Shared(Arc::clone(&handler)));
        let task = tokio::spawn(run_worker(queue.clone(), options, shared, stop));
        Self { handler, shutdown, task }
    }

    async fn stop(self) -> Arc<TestHandler> {
        self.shutdown.send_replace(true);
        tokio::time::timeout(Duration::from_secs(20), self.task).await.unwrap().unwrap().unwrap();
        self.handler
    }
}

const NEVER: Duration = Duration::from_secs(3600);

async fn until(queue: &JobQueue, name: &str, wanted: JobState) {
    eventually(&format!("{name} {wanted}"), || async { state(queue, name).await == wanted }).await;
}

#[tokio::test]
async fn twenty_jobs_run_two_at_a_time_and_never_three() {
    on_each_engine(|queue| async move {
        let worker = Running::start(&queue, 2, NEVER);
        let jobs: Vec<NewJob> = (0..20).map(|n| job(&format!("pair{n}"))).collect();
        enqueue(&queue, &jobs).await;
        eventually("all done", || async {
            let rows = queue.jobs_of(&tenant(), &asset(), 0).await.unwrap();
            rows.iter().all(|row| row.state == JobState::Done && row.attempt == 1)
        })
        .await;
        let handler = worker.stop().await;
        assert_eq!(handler.most.load(Ordering::SeqCst), 2);
    })
    .await;
}

#[tokio::test]
async fn a_full_worker_claims_nothing_ahead() {
    on_each_engine(|queue| async move {
        enqueue(&queue, &[NewJob { priority: 1, ..job("long") }, job("next")]).await;
        let worker = Running::start(&queue, 1, NEVER);
        until(&queue, "long", JobState::Running).await;
        eventually("a heartbeat", || async { row(&queue, "long").await.progress == 0.5 }).await;
        assert_eq!(state(&queue, "next").await, JobState::Ready);
        worker.handler.go.notify_one();
        until(&queue, "next", JobState::Done).await;
        worker.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_panic_is_reported_and_the_worker_goes_on() {
    on_each_engine(|queue| async move {
        enqueue(&queue, &[NewJob { priority: 1, ..job("panic") }, job("next")]).await;
        let worker = Running::start(&queue, 1, NEVER);
        until(&queue, "next", JobState::Done).await;
        let row = row(&queue, "panic").await;
        assert_eq!((row.state, row.error_code.as_deref()), (JobState::Parked, Some("job.panicked")));
        assert_eq!(row.error_detail.as_deref(), Some("panic on purpose"));
        worker.stop().await;
    })
    .await;
}

#[tokio::test]
async fn cancelling_reaches_the_running_handler() {
    on_each_engine(|queue| async move {
        enqueue(&queue, &[job("long")]).await;
        let worker = Running::start(&queue, 1, NEVER);
        until(&queue, "long", JobState::Running).await;
        let mut tx = begin(&queue).await;
        queue.cancel_asset(&mut tx, &tenant(), &asset(), WHY, 1).await.unwrap();
        tx.commit().await.unwrap();
        eventually("the loss", || async { worker.handler.lost.load(Ordering::SeqCst) == 1 }).await;
        worker.stop().await;
        assert_eq!(state(&queue, "long").await, JobState::Cancelled);
    })
    .await;
}

#[tokio::test]
async fn shutdown_hands_running_jobs_back_and_claims_no_more() {
    on_each_engine(|queue| async move {
        enqueue(&queue, &[job("long1"), job("long2"), NewJob { priority: -1, ..job("next") }]).await;
        let worker = Running::start(&queue, 2, NEVER);
        until(&queue, "long1", JobState::Running).await;
        until(&queue, "long2", JobState::Running).await;
        let handler = worker.stop().await;
        assert_eq!(handler.lost.load(Ordering::SeqCst), 2);
        for (name, attempt) in [("long1", 1), ("long2", 1), ("next", 0)] {
            let row = row(&queue, name).await;
            assert_eq!((row.state, row.attempt), (JobState::Ready, attempt), "{name}");
        }
        assert_eq!(claim(&queue).await.unwrap().fence.attempt, 2);
    })
    .await;
}

#[tokio::test]
async fn a_handler_that_does_not_listen_is_dropped_and_its_job_handed_back() {
    on_each_engine(|queue| async move {
        enqueue(&queue, &[job("deaf")]).await;
        let worker = Running::start(&queue, 1, NEVER);
        eventually("a heartbeat", || async { row(&queue, "deaf").await.progress == 0.5 }).await;
        worker.stop().await;
        assert_eq!(state(&queue, "deaf").await, JobState::Ready);
    })
    .await;
}

#[tokio::test]
async fn an_idle_worker_stops_too_also_when_its_owner_is_gone() {
    on_each_engine(|queue| async move {
        Running::start(&queue, 1, NEVER).stop().await;
        let Running { shutdown, task, .. } = Running::start(&queue, 1, NEVER);
        drop(shutdown);
        tokio::time::timeout(Duration::from_secs(20), task).await.unwrap().unwrap().unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_stalled_job_loses_its_lease_and_a_reaper_gives_it_to_another() {
    on_each_engine(|queue| async move {
        enqueue(&queue, &[job("long")]).await;
        let worker = Running::start(&queue, 1, Duration::from_millis(100));
        eventually("the stall", || async { worker.handler.lost.load(Ordering::SeqCst) == 1 }).await;
        assert_eq!(state(&queue, "long").await, JobState::Running, "it is no success and no failure");
        worker.stop().await;
        let mut reaper = Reaper::new(queue.clone(), Duration::from_secs(1));
        let now = Instant::now();
        reaper.sweep(now).await.unwrap();
        reaper.sweep(now + Duration::from_secs(1)).await.unwrap();
        assert_eq!(state(&queue, "long").await, JobState::Ready);
    })
    .await;
}

#[tokio::test]
async fn a_worker_refuses_impossible_options() {
    on_each_engine(|queue| async move {
        let (_sender, stop) = watch::channel(false);
        let none: [&str; 0] = [];
        let handler = Running::start(&queue, 1, NEVER).stop().await;
        let options = WorkerOptions::new("w", none);
        assert!(
            run_worker(queue.clone(), options, Arc::new(Shared(Arc::clone(&handler))), stop.clone()).await.is_err()
        );
        let options = WorkerOptions { heartbeat: Duration::ZERO, ..WorkerOptions::new("w", ["a"]) };
        assert!(run_worker(queue.clone(), options, Arc::new(Shared(handler)), stop).await.is_err());
    })
    .await;
}
