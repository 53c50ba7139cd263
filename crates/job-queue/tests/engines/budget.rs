//! A worker that takes on what its machine has room for, and what attempts used.

use std::sync::Arc;
use std::time::Duration;

use database::args;
use futures::FutureExt;
use futures::future::BoxFuture;
use job_queue::policy::budget::Budget;
use job_queue::policy::cost::Cost;
use job_queue::{
    Capabilities, ClaimedJob, Failure, Handler, JobQueue, JobState, Lease, NewJob, QueueError, Retry, Room,
    WorkerOptions, run_worker,
};
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::{NOW_MS, begin, enqueue, eventually, job, on_each_engine, row, state};

const MIB: u64 = 1 << 20;

/// Runs each job until it is let go, and uses what its payload says.
struct Held {
    queue: JobQueue,
    gone: watch::Sender<Vec<String>>,
}

impl Held {
    async fn work(queue: JobQueue, mut gone: watch::Receiver<Vec<String>>, job: ClaimedJob, lease: Lease) {
        let said = |what: &str| job.payload[what].as_u64();
        said("cpu_ms").into_iter().for_each(|cpu_ms| lease.used(Duration::from_millis(cpu_ms)));
        said("peak_bytes").into_iter().for_each(|bytes| lease.had_memory(bytes));
        said("unmeasured").into_iter().for_each(|_| lease.used_unmeasured());
        let name = job.payload["name"].as_str().unwrap();
        gone.wait_for(|gone| gone.iter().any(|known| known == name)).await.unwrap();
        let mut tx = begin(&queue).await;
        if said("fails").is_some() {
            let failure = Failure { code: "a".to_owned(), detail: "b".to_owned(), retry: Retry::No };
            queue.fail(&mut tx, &job.fence, NOW_MS + 40, &failure).await.unwrap();
        } else {
            queue.finish(&mut tx, &job.fence, NOW_MS + 40, json!({})).await.unwrap();
        }
        tx.commit().await.unwrap();
    }
}

impl Handler for Held {
    fn run(&self, job: ClaimedJob, lease: Lease) -> BoxFuture<'static, ()> {
        Self::work(self.queue.clone(), self.gone.subscribe(), job, lease).boxed()
    }

    fn panicked(&self, _: ClaimedJob, message: String) -> BoxFuture<'static, ()> {
        async move { panic!("{message}") }.boxed()
    }
}

pub(crate) struct Working {
    gone: watch::Sender<Vec<String>>,
    shutdown: watch::Sender<bool>,
    task: JoinHandle<Result<(), QueueError>>,
}

impl Working {
    pub(crate) fn start(queue: &JobQueue, room: Option<Room>, offers: Option<&str>) -> Self {
        let ((gone, _), (shutdown, stop)) = (watch::channel(Vec::new()), watch::channel(false));
        let options = WorkerOptions {
            concurrency: 64,
            room,
            offers: offers.map(Capabilities::stored),
            drain: Duration::from_millis(100),
            ..WorkerOptions::new("w", ["transcode", "sound", "probe"])
        };
        let handler = Arc::new(Held { queue: queue.clone(), gone: gone.clone() });
        let task = tokio::spawn(run_worker(queue.clone(), options, handler, stop));
        Self { gone, shutdown, task }
    }

    pub(crate) fn let_go(&self, name: &str) {
        self.gone.send_modify(|gone| gone.push(name.to_owned()));
    }

    pub(crate) async fn stop(self) {
        self.shutdown.send_replace(true);
        tokio::time::timeout(Duration::from_secs(20), self.task).await.unwrap().unwrap().unwrap();
    }
}

pub(crate) async fn until(queue: &JobQueue, name: &str, wanted: JobState) {
    eventually(&format!("{name} {wanted}"), || async { state(queue, name).await == wanted }).await;
}

fn of_stage(name: &str, stage: &str, priority: i64) -> NewJob {
    NewJob { stage: stage.to_owned(), priority, ..job(name) }
}

fn room() -> Room {
    let cost = |cpu_milli, mib: u64, work_ms| Cost { cpu_milli, memory_bytes: (mib * MIB) as i64, work_ms };
    let stated =
        [("transcode", cost(2_000, 100, 40_000)), ("sound", cost(1_000, 10, 30_000)), ("probe", cost(250, 1, 100))];
    let stated = stated.into_iter().map(|(stage, cost)| (stage.to_owned(), cost)).collect();
    Room { budget: Budget { cpu_milli: 2_000, memory_bytes: (1_000 * MIB) as i64 }, stated }
}

#[tokio::test]
async fn a_full_worker_begins_what_somebody_waits_for_and_leaves_the_rest_until_there_is_room() {
    on_each_engine(|queue| async move {
        let worker = Working::start(&queue, Some(room()), None);
        enqueue(&queue, &[of_stage("range", "transcode", 100)]).await;
        until(&queue, "range", JobState::Running).await;
        enqueue(&queue, &[of_stage("later", "transcode", 100)]).await;
        enqueue(&queue, &[of_stage("sound", "sound", 200), of_stage("ahead", "transcode", 220)]).await;
        until(&queue, "sound", JobState::Running).await;
        until(&queue, "ahead", JobState::Running).await;
        // Of each kind one, and of what is little work more.
        for probe in ["p1", "p2"] {
            enqueue(&queue, &[of_stage(probe, "probe", 300)]).await;
            until(&queue, probe, JobState::Running).await;
        }
        assert_eq!(state(&queue, "later").await, JobState::Ready);
        worker.let_go("range");
        until(&queue, "later", JobState::Running).await;
        worker.stop().await;
    })
    .await;
}

#[tokio::test]
async fn small_jobs_behind_a_large_one_do_not_keep_it_waiting() {
    on_each_engine(|queue| async move {
        let worker = Working::start(&queue, Some(room()), None);
        // Two that fill the worker, a large one, and a small one that has the same turn.
        enqueue(&queue, &[of_stage("s1", "sound", 100), of_stage("s2", "sound", 100)]).await;
        until(&queue, "s1", JobState::Running).await;
        until(&queue, "s2", JobState::Running).await;
        enqueue(&queue, &[of_stage("large", "transcode", 101), of_stage("small", "sound", 100)]).await;
        worker.let_go("s1");
        until(&queue, "large", JobState::Running).await;
        assert_eq!(state(&queue, "small").await, JobState::Ready, "half of it was room enough");
        worker.let_go("large");
        until(&queue, "small", JobState::Running).await;
        worker.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_stage_holds_what_its_jobs_were_seen_to_use() {
    on_each_engine(|queue| async move {
        let many = Budget { cpu_milli: 64_000, ..room().budget };
        let worker = Working::start(&queue, Some(Room { budget: many, ..room() }), None);
        let heavy = |name: &str| NewJob { payload: json!({ "name": name, "peak_bytes": 700 * MIB }), ..job(name) };
        enqueue(&queue, &[heavy("first"), heavy("beside")]).await;
        until(&queue, "first", JobState::Running).await;
        until(&queue, "beside", JobState::Running).await;
        for name in ["first", "beside"] {
            worker.let_go(name);
            until(&queue, name, JobState::Done).await;
        }
        enqueue(&queue, &[heavy("alone"), heavy("behind")]).await;
        until(&queue, "alone", JobState::Running).await;
        enqueue(&queue, &[of_stage("probe", "probe", 300)]).await;
        until(&queue, "probe", JobState::Running).await;
        assert_eq!(state(&queue, "behind").await, JobState::Ready, "there is memory for one of them");
        worker.let_go("alone");
        until(&queue, "behind", JobState::Running).await;
        worker.stop().await;
    })
    .await;
}

#[tokio::test]
async fn what_an_attempt_used_is_kept_and_is_what_its_tenant_is_charged() {
    on_each_engine(|queue| async move {
        let worker = Working::start(&queue, None, None);
        let with = |name: &str, payload: serde_json::Value| NewJob { payload, weight: 500_000, ..job(name) };
        let used = json!({ "name": "done", "cpu_ms": 70_000, "peak_bytes": 5 * MIB });
        let failed = json!({ "name": "failed", "cpu_ms": 9_000, "fails": 1 });
        let unknown = json!({ "name": "unknown", "cpu_ms": 9_000, "unmeasured": 1 });
        let mut charged = 0;
        // Of its own task the handler uses some milliseconds.
        for (name, payload, cpu_ms) in
            [("done", used, Some(70_000)), ("failed", failed, Some(9_000)), ("unknown", unknown, None)]
        {
            enqueue(&queue, &[with(name, payload)]).await;
            worker.let_go(name);
            eventually(name, || async { row(&queue, name).await.finished_ms.is_some() }).await;
            let row = row(&queue, name).await;
            let close = |known: i64| cpu_ms.is_some_and(|cpu_ms| (cpu_ms..cpu_ms + 5_000).contains(&known));
            assert!(row.cpu_ms.map_or(cpu_ms.is_none(), close), "{name}: {:?}", row.cpu_ms);
            charged += row.cpu_ms.unwrap_or(40);
            let all = "SELECT tag_ms FROM queue_share";
            let tags: Vec<(i64,)> = queue.database().all(all, args![]).await.unwrap();
            assert_eq!(tags, [(charged,)], "{name}");
        }
        assert_eq!(row(&queue, "done").await.peak_bytes, Some(5 << 20));
        assert_eq!(row(&queue, "failed").await.peak_bytes, None);
        worker.stop().await;
    })
    .await;
}
