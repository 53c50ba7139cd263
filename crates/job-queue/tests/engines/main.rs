//! What the queue promises, on SQLite and on PostgreSQL alike.

#![allow(clippy::unwrap_used)]

mod budget;
mod capabilities;
mod clocks;
mod drains;
mod fairness;
mod figures;
mod leases;
mod processes;
mod reaper;
mod restored;
mod revival;
mod roster;
mod tables;
mod worker;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use database::testing::{Scratch, for_each_engine, prepare_all};
use database::{Database, EngineKind, Tx, args};
use job_queue::{Capabilities, ClaimedJob, JobQueue, JobRow, JobState, NewJob, QueueError, Reason};
use media_types::{AssetId, JobId, TenantId};
use serde_json::json;

/// When everything is claimed: late enough for what is enqueued at 1, and too early for anything to have waited long.
const NOW_MS: i64 = 100_000;

/// Why tests cancel jobs.
const WHY: Reason = Reason { code: "test.over", detail: "the test wants it so" };

fn tenant() -> TenantId {
    TenantId::from_unique("1")
}

fn other_tenant() -> TenantId {
    TenantId::from_unique("2")
}

fn asset() -> AssetId {
    AssetId::from_unique("1")
}

fn id(name: &str) -> JobId {
    JobId::from_unique(name)
}

fn job(name: &str) -> NewJob {
    NewJob {
        id: id(name),
        tenant_id: tenant(),
        asset_id: asset(),
        stage: "transcode".to_owned(),
        payload: json!({ "name": name }),
        making: 0,
        priority: 0,
        weight: 1,
        max_attempts: 3,
        delay_ms: 0,
        needs: Capabilities::default(),
        waits_on: vec![],
        dedupe_key: None,
    }
}

fn waiting(name: &str, waits_on: &[&str]) -> NewJob {
    NewJob { waits_on: waits_on.iter().map(|name| id(name)).collect(), ..job(name) }
}

/// Runs `test` on an empty queue of each engine.
async fn on_each_engine<F, Fut>(test: F)
where
    F: Fn(JobQueue) -> Fut,
    Fut: Future<Output = ()>,
{
    for_each_engine(|db: Database| test(JobQueue::on_clock(db, Arc::new(|| NOW_MS)))).await;
}

async fn enqueue(queue: &JobQueue, jobs: &[NewJob]) {
    let mut tx = queue.database().begin().await.unwrap();
    queue.enqueue(&mut tx, 1, jobs).await.unwrap();
    tx.commit().await.unwrap();
}

async fn claim(queue: &JobQueue) -> Option<ClaimedJob> {
    queue.claim(&["transcode"], i64::MIN, "w").await.unwrap()
}

async fn begin(queue: &JobQueue) -> Tx {
    queue.database().begin().await.unwrap()
}

async fn finish(queue: &JobQueue, claimed: &ClaimedJob) -> Result<(), QueueError> {
    let mut tx = begin(queue).await;
    queue.finish(&mut tx, &claimed.fence, 2, json!({})).await?;
    Ok(tx.commit().await?)
}

async fn row(queue: &JobQueue, name: &str) -> JobRow {
    queue.job(&tenant(), &id(name)).await.unwrap().unwrap()
}

async fn state(queue: &JobQueue, name: &str) -> JobState {
    row(queue, name).await.state
}

/// Waits until `done` says so, for at most 20 s.
async fn eventually<F, Fut>(what: &str, mut done: F)
where
    F: FnMut() -> Fut,
    Fut: Future<Output = bool>,
{
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while !done().await {
        assert!(tokio::time::Instant::now() < deadline, "{what} did not happen in 20 s");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn every_statement_prepares() {
    for_each_engine(|db| async move {
        prepare_all(&db, job_queue::STATEMENTS).await.unwrap();
        prepare_all(&db, job_queue::STATEMENTS_OF_RESTORING).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn no_statement_reads_a_table_from_end_to_end() {
    let scratch = Scratch::migrated(EngineKind::Sqlite).await;
    for statement in job_queue::STATEMENTS {
        let explain: &'static str = Box::leak(format!("EXPLAIN QUERY PLAN {statement}").into_boxed_str());
        let plan: Vec<(i64, i64, i64, String)> = scratch.db.all(explain, args![]).await.unwrap();
        let steps: Vec<&str> = plan.iter().map(|(_, _, _, step)| step.as_str()).collect();
        // Each of these indexes holds only jobs that have not ended, or are parked.
        let partial = |step: &str| {
            ["job_ready", "job_kind", "job_lane", "job_running", "job_held_up"].iter().any(|index| step.contains(index))
        };
        // One row for each tenant that has work, each worker, each drain; rows that a recursion has made.
        let small = |step: &str| {
            [
                "queue_share",
                "queue_worker",
                "queue_drain",
                "queue_usage",
                "hold",
                "share",
                "lane",
                "few",
                "stages",
                "kinds",
                "wants",
                "CONSTANT",
            ]
            .iter()
            .any(|name| step.contains(name))
        };
        assert!(
            steps.iter().all(|step| !step.starts_with("SCAN") || partial(step) || small(step)),
            "{steps:?}: {statement}"
        );
        let of_asset = !statement.contains("asset_id = $") || steps.iter().any(|step| step.contains("job_by_asset"));
        assert!(of_asset, "{steps:?}: {statement}");
    }
}
