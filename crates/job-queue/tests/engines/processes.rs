//! Two processes on one PostgreSQL: word goes from one to the other, and nothing waits for a look or a heartbeat.

use std::sync::Arc;
use std::time::{Duration, Instant};

use database::EngineKind;
use database::testing::Scratch;
use futures::FutureExt;
use futures::future::BoxFuture;
use job_queue::{ClaimedJob, Handler, JobQueue, Lease, WorkerOptions, run_worker};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use crate::{WHY, asset, begin, enqueue, job, tenant};

/// Far less than a look or a heartbeat.
const AT_ONCE: Duration = Duration::from_millis(300);
const HEARTBEAT: Duration = Duration::from_secs(60);

/// Tells of every job that begins, and of every lease that is lost, when it happened.
struct Watcher {
    begun: mpsc::UnboundedSender<Instant>,
    lost: mpsc::UnboundedSender<Instant>,
}

impl Handler for Watcher {
    fn run(&self, _job: ClaimedJob, lease: Lease) -> BoxFuture<'static, ()> {
        let (begun, lost) = (self.begun.clone(), self.lost.clone());
        async move {
            begun.send(Instant::now()).unwrap();
            lease.lost().await;
            lost.send(Instant::now()).unwrap();
        }
        .boxed()
    }

    fn panicked(&self, _job: ClaimedJob, message: String) -> BoxFuture<'static, ()> {
        panic!("{message}")
    }
}

#[tokio::test]
async fn a_job_of_another_process_begins_at_once_and_its_cancellation_arrives_before_any_heartbeat() {
    let scratch = Scratch::migrated(EngineKind::Postgres).await;
    let (here, there) = (JobQueue::new(scratch.db.clone()), JobQueue::new(scratch.another().await));
    let (begun, mut beginnings) = mpsc::unbounded_channel();
    let (lost, mut losses) = mpsc::unbounded_channel();
    let (shutdown, stop) = watch::channel(false);
    let options = WorkerOptions { heartbeat: HEARTBEAT, ..WorkerOptions::new("w", ["transcode"]) };
    let handler = Arc::new(Watcher { begun, lost });
    let mut heard = there.database().changed();
    let worker = tokio::spawn(run_worker(there, options, handler, stop));
    timeout(Duration::from_secs(20), heard.changed()).await.expect("the other process listens").unwrap();
    let (mut slowest_begin, mut slowest_cancel) = (Duration::ZERO, Duration::ZERO);
    for round in 0..10 {
        let enqueued = Instant::now();
        enqueue(&here, &[job(&format!("job{round}"))]).await;
        let began = timeout(Duration::from_secs(20), beginnings.recv()).await.unwrap().unwrap();
        slowest_begin = slowest_begin.max(began.duration_since(enqueued));
        let cancelled = Instant::now();
        let mut tx = begin(&here).await;
        assert_eq!(here.cancel_asset(&mut tx, &tenant(), &asset(), WHY, 1).await.unwrap(), 1);
        tx.commit().await.unwrap();
        let lost = timeout(Duration::from_secs(20), losses.recv()).await.unwrap().unwrap();
        slowest_cancel = slowest_cancel.max(lost.duration_since(cancelled));
    }
    println!("slowest of 10: from enqueue to begin {slowest_begin:?}, from cancel to loss {slowest_cancel:?}");
    assert!(slowest_begin < AT_ONCE, "{slowest_begin:?}");
    assert!(slowest_cancel < Duration::from_secs(1), "{slowest_cancel:?}");
    shutdown.send(true).unwrap();
    timeout(Duration::from_secs(20), worker).await.unwrap().unwrap().unwrap();
}
