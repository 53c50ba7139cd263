//! What `benches/queue/run.py` measures: one engine, one way of claiming, one line of JSON.
//!
//! `queue sqlite|postgres queue|plain JOBS TENANTS TASKS` fills a fresh table with ready jobs, then claims, renews and
//! finishes so many of them. `plain` does the same with one statement each and no policy.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use database::testing::Scratch;
use database::{Database, EngineKind, args};
use futures::FutureExt;
use futures::future::BoxFuture;
use job_queue::{Capabilities, ClaimedJob, Handler, JobQueue, Lease, MAX_BATCH, NewJob, WorkerOptions, run_worker};
use media_types::{AssetId, JobId, TenantId};
use serde_json::json;
use tokio::sync::{mpsc, watch};

const STAGE: &str = "encode_range";
const DISPATCHES: usize = 200;
/// The columns are those that a claim of the queue brings too.
const CLAIM: &str = "UPDATE job SET state = 'running', attempt = attempt + 1, heartbeat = heartbeat + 1, worker = $1,
    started_ms = $2 WHERE state = 'ready' AND (tenant_id, id) = (SELECT tenant_id, id FROM job
        WHERE state = 'ready' AND run_at_ms <= $2 ORDER BY priority DESC, run_at_ms, id LIMIT 1 /*SKIP LOCKED*/)
    RETURNING tenant_id, id, attempt, payload";
const RENEW: &str = "UPDATE job SET heartbeat = heartbeat + 1, progress = $4
    WHERE tenant_id = $1 AND id = $2 AND attempt = $3 AND state = 'running'";
const FINISH: &str = "UPDATE job SET state = 'done', progress = 1, result = $4, finished_ms = $5
    WHERE tenant_id = $1 AND id = $2 AND attempt = $3 AND state = 'running'";

#[tokio::main]
async fn main() {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let [engine, way, jobs, tenants, tasks] = given.as_slice() else {
        panic!("queue sqlite|postgres queue|plain JOBS TENANTS TASKS")
    };
    let kind = if engine == "postgres" { EngineKind::Postgres } else { EngineKind::Sqlite };
    let [jobs, tenants, tasks] = [jobs, tenants, tasks].map(|count| count.parse::<usize>().unwrap());
    let scratch = Scratch::migrated(kind).await;
    let queue = JobQueue::new(scratch.db.clone());
    fill(&queue, jobs, tenants).await;
    // Each statement is prepared once before it counts.
    for _ in 0..10 {
        task(&queue, way == "plain").await;
    }
    let (cpu_s, began) = (Cpu::of(&scratch.db).await, Instant::now());
    let mut claims: Vec<Duration> = Vec::with_capacity(tasks);
    for _ in 0..tasks {
        claims.push(task(&queue, way == "plain").await);
    }
    let wall_s = began.elapsed().as_secs_f64();
    let cpu_s = cpu_s.since();
    claims.sort_unstable();
    let dispatch_ms = if way == "plain" { None } else { Some(dispatch(&queue).await) };
    println!(
        "{}",
        json!({
            "engine": engine, "way": way, "jobs": jobs, "tenants": tenants, "tasks": tasks,
            "tasks_per_s": tasks as f64 / wall_s,
            "cpu_ms_per_task": cpu_s * 1_000.0 / tasks as f64,
            "claim_p50_ms": part(&claims, 0.5), "claim_p99_ms": part(&claims, 0.99),
            "dispatch_p50_ms": dispatch_ms.map(|(middle, _)| middle), "dispatch_p99_ms": dispatch_ms.map(|(_, late)| late),
        })
    );
}

fn part(sorted: &[Duration], part: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * part) as usize].as_secs_f64() * 1_000.0
}

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

async fn fill(queue: &JobQueue, jobs: usize, tenants: usize) {
    let all: Vec<NewJob> = (0..jobs).map(|n| job(n % tenants, &format!("{n:08}"))).collect();
    for batch in all.chunks(MAX_BATCH) {
        let mut tx = queue.database().begin().await.unwrap();
        queue.enqueue(&mut tx, 1, batch).await.unwrap();
        tx.commit().await.unwrap();
    }
}

/// One task; how long its claim took.
async fn task(queue: &JobQueue, plain: bool) -> Duration {
    let (db, began) = (queue.database(), Instant::now());
    if plain {
        let mut tx = db.begin().await.unwrap();
        let row = tx.optional::<(String, String, i64, database::Json<serde_json::Value>)>(CLAIM, args!["w", 9_i64]);
        let (tenant, id, attempt, _) = row.await.unwrap().unwrap();
        tx.commit().await.unwrap();
        let took = began.elapsed();
        for (sql, mut args) in [(RENEW, args![0.5_f64]), (FINISH, args![json!({}), 10_i64])] {
            let mut all = args![&tenant, &id, attempt];
            all.append(&mut args);
            let mut tx = db.begin().await.unwrap();
            tx.execute(sql, all).await.unwrap();
            tx.commit().await.unwrap();
        }
        return took;
    }
    let claimed = queue.claim(&[STAGE], i64::MIN, "w").await.unwrap().unwrap();
    let took = began.elapsed();
    queue.renew(&claimed.fence, 0.5).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    queue.finish(&mut tx, &claimed.fence, 10, json!({})).await.unwrap();
    tx.commit().await.unwrap();
    took
}

struct Told(mpsc::UnboundedSender<Instant>, JobQueue);

impl Handler for Told {
    fn run(&self, job: ClaimedJob, _: Lease) -> BoxFuture<'static, ()> {
        let _ = self.0.send(Instant::now());
        let queue = self.1.clone();
        async move {
            let mut tx = queue.database().begin().await.unwrap();
            queue.finish(&mut tx, &job.fence, 10, json!({})).await.unwrap();
            tx.commit().await.unwrap();
        }
        .boxed()
    }

    fn panicked(&self, _: ClaimedJob, _: String) -> BoxFuture<'static, ()> {
        async {}.boxed()
    }
}

/// From the commit that enqueues an urgent job until its handler runs, in a process whose worker is idle: middle and 99 %,
/// in milliseconds.
async fn dispatch(queue: &JobQueue) -> (f64, f64) {
    let ((told, mut heard), (stop, stopped)) = (mpsc::unbounded_channel(), watch::channel(false));
    let options = WorkerOptions { min_priority: 200, ..WorkerOptions::new("w", [STAGE]) };
    let worker = tokio::spawn(run_worker(queue.clone(), options, Arc::new(Told(told, queue.clone())), stopped));
    let mut waits = Vec::with_capacity(DISPATCHES);
    for number in 0..DISPATCHES {
        let urgent = NewJob { priority: 200, ..job(0, &format!("urgent{number}")) };
        let mut tx = queue.database().begin().await.unwrap();
        queue.enqueue(&mut tx, 1, &[urgent]).await.unwrap();
        tx.commit().await.unwrap();
        let committed = Instant::now();
        waits.push(heard.recv().await.unwrap().saturating_duration_since(committed));
    }
    stop.send_replace(true);
    worker.await.unwrap().unwrap();
    waits.sort_unstable();
    (part(&waits, 0.5), part(&waits, 0.99))
}

/// Processor time of this process and of the database's server.
struct Cpu {
    processes: Vec<u32>,
    began_s: f64,
}

impl Cpu {
    async fn of(db: &Database) -> Self {
        let mut processes = vec![std::process::id()];
        if db.kind() == EngineKind::Postgres {
            let (backend,): (i64,) =
                db.optional("SELECT CAST(pg_backend_pid() AS BIGINT)", args![]).await.unwrap().unwrap();
            let server = stat(backend as u32)[1] as u32;
            let all = std::fs::read_dir("/proc").unwrap().flatten();
            let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
            processes.extend(pids.filter(|pid| stat(*pid).get(1) == Some(&f64::from(server))));
        }
        let began_s = Self::used_s(&processes);
        Self { processes, began_s }
    }

    fn since(&self) -> f64 {
        Self::used_s(&self.processes) - self.began_s
    }

    /// In ticks of 10 ms, as Linux counts on every machine.
    fn used_s(processes: &[u32]) -> f64 {
        let ticks = |pid: &u32| stat(*pid).get(11..13).map_or(0.0, |both| both.iter().sum());
        processes.iter().map(ticks).sum::<f64>() / 100.0
    }
}

/// The numbers of `/proc/PID/stat` after the name: state (as 0), parent, and on; empty when the process is gone.
fn stat(pid: u32) -> Vec<f64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let after = text.rsplit_once(')').map_or("", |(_, after)| after);
    after.split_whitespace().map(|field| field.parse().unwrap_or(0.0)).collect()
}
