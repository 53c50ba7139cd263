//! The queue, its calls without a worker, and the least that any queue in a table does.

use std::sync::Arc;
use std::time::{Duration, Instant};

use database::{Database, args};
use futures::FutureExt;
use futures::future::BoxFuture;
use job_queue::{Capabilities, ClaimedJob, Handler, JobQueue, Lease, MAX_BATCH, NewJob, WorkerOptions, run_worker};
use media_types::{AssetId, JobId, TenantId};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::tally::Tally;

const STAGE: &str = "encode_range";
/// The columns are those that a claim of the queue brings too.
const CLAIM: &str = "UPDATE job SET state = 'running', attempt = attempt + 1, heartbeat = heartbeat + 1, worker = $1,
    started_ms = $2 WHERE state = 'ready' AND (tenant_id, id) = (SELECT tenant_id, id FROM job
        WHERE state = 'ready' AND run_at_ms <= $2 ORDER BY priority DESC, run_at_ms, id LIMIT 1 /*SKIP LOCKED*/)
    RETURNING tenant_id, id, attempt, payload";
const FINISH: &str = "UPDATE job SET state = 'done', progress = 1, result = $4, finished_ms = $5
    WHERE tenant_id = $1 AND id = $2 AND attempt = $3 AND state = 'running'";

fn job(tenant: usize, number: &str) -> NewJob {
    NewJob {
        id: JobId::from_unique(number),
        tenant_id: TenantId::from_unique(format!("{tenant:05}")),
        asset_id: AssetId::from_unique(tenant),
        stage: STAGE.to_owned(),
        payload: json!({ "stage": STAGE, "range": 7 }),
        making: 0,
        priority: 100,
        weight: 20_000,
        max_attempts: 6,
        delay_ms: 0,
        needs: Capabilities::default(),
        waits_on: vec![],
        dedupe_key: None,
    }
}

/// Enqueues `jobs` of `tenants`.
pub(crate) async fn fill(db: &Database, jobs: usize, tenants: usize) {
    let queue = JobQueue::new(db.clone());
    let all: Vec<NewJob> = (0..jobs).map(|n| job(n % tenants, &format!("{n:08}"))).collect();
    for batch in all.chunks(MAX_BATCH) {
        let mut tx = db.begin().await.unwrap();
        queue.enqueue(&mut tx, 1, batch).await.unwrap();
        tx.commit().await.unwrap();
    }
}

/// Enqueues one job that goes before all that [`fill`] did.
pub(crate) async fn push_urgent(db: &Database, number: usize) {
    let urgent = NewJob { priority: 200, ..job(0, &format!("urgent{number}")) };
    let mut tx = db.begin().await.unwrap();
    JobQueue::new(db.clone()).enqueue(&mut tx, 1, &[urgent]).await.unwrap();
    tx.commit().await.unwrap();
}

struct Counting(Tally, JobQueue);

impl Handler for Counting {
    fn run(&self, job: ClaimedJob, _: Lease) -> BoxFuture<'static, ()> {
        self.0.begins();
        let queue = self.1.clone();
        async move { finish(&queue, &job).await }.boxed()
    }

    fn panicked(&self, _: ClaimedJob, message: String) -> BoxFuture<'static, ()> {
        panic!("{message}")
    }
}

async fn finish(queue: &JobQueue, job: &ClaimedJob) {
    let mut tx = queue.database().begin().await.unwrap();
    queue.finish(&mut tx, &job.fence, 10, json!({})).await.unwrap();
    tx.commit().await.unwrap();
}

/// The real worker, until `stop` says so.
pub(crate) fn work(
    db: &Database,
    tally: Tally,
    urgent: bool,
    places: usize,
    stop: watch::Receiver<bool>,
) -> JoinHandle<()> {
    let queue = JobQueue::new(db.clone());
    let min_priority = if urgent { 200 } else { i64::MIN };
    let options = WorkerOptions { min_priority, concurrency: places, ..WorkerOptions::new("contest", [STAGE]) };
    tokio::spawn(async move {
        let handler = Arc::new(Counting(tally, queue.clone()));
        run_worker(queue, options, handler, stop).await.unwrap();
    })
}

/// The same statements, called one after the other; how long the claim took.
pub(crate) async fn call(db: Database) -> Duration {
    let began = Instant::now();
    let queue = JobQueue::new(db);
    let job = queue.claim(&[STAGE], i64::MIN, "contest").await.unwrap().unwrap();
    let took = began.elapsed();
    finish(&queue, &job).await;
    took
}

/// One statement to claim and one to finish, without tenants, classes, accounts or what waits for the job.
pub(crate) async fn plain(db: Database) -> Duration {
    let began = Instant::now();
    let mut tx = db.begin().await.unwrap();
    let row = tx.optional::<(String, String, i64, database::Json<Value>)>(CLAIM, args!["contest", 9_i64]).await;
    let (tenant, id, attempt, _) = row.unwrap().unwrap();
    tx.commit().await.unwrap();
    let took = began.elapsed();
    let mut tx = db.begin().await.unwrap();
    tx.execute(FINISH, args![tenant, id, attempt, json!({}), 10_i64]).await.unwrap();
    tx.commit().await.unwrap();
    took
}
