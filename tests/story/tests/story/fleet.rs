//! The production side: every worker a process with the real worker, backend and leases, on the real statements of the queue
//! and of the assets. One process moves at a time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use asset_flow::{ALL_STAGES, FlowEvent};
use asset_store::{AssetStore, NewUpload, StoreError};
use job_queue::{Fence, QueueError, Reaped, Reaper, WorkerOptions, run_worker};
use media_types::{AssetId, TenantId};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::desk::{AtDesk, Desk, Log};
use crate::engine::tenant_id;
use crate::fates::Size;
use crate::process::Process;
use crate::told::{End, Happening, Outcome, Side};
use crate::world::{PATIENCE_MS, REAPERS, REAPS_EVERY_MS};

/// Code of what fails on purpose.
pub(crate) const FAULT: &str = "story.fault";
const TIDY_EVERY_MS: i64 = 30_000;
/// The place of the process that people talk to; those of the reapers follow, then the workers'.
const API: usize = 0;
const WORKERS: usize = 1 + REAPERS;

pub(crate) struct Fleet {
    size: Size,
    url: String,
    floors: fn(usize) -> i64,
    processes: Vec<Option<Process>>,
    workers: Vec<Option<Worker>>,
    reapers: Vec<Option<Reaper>>,
    store: AssetStore,
    began: Instant,
    log: Arc<Log>,
}

struct Worker {
    desk: Arc<Desk>,
    shutdown: watch::Sender<bool>,
    task: JoinHandle<Result<(), QueueError>>,
}

impl Fleet {
    pub(crate) fn new(size: Size, url: &str, floors: fn(usize) -> i64) -> Self {
        let mut processes: Vec<_> = (0..WORKERS).map(|_| Some(Process::start(url, 0))).collect();
        let queues: Vec<_> = processes.iter().flatten().map(Process::queue).collect();
        let patience = Duration::from_millis(PATIENCE_MS.unsigned_abs());
        let reapers = queues[1..].iter().map(|queue| Some(Reaper::new(queue.clone(), patience))).collect();
        processes.extend((0..size.workers).map(|_| None));
        Self {
            size,
            url: url.to_owned(),
            floors,
            processes,
            workers: (0..size.workers).map(|_| None).collect(),
            reapers,
            store: AssetStore::new(queues[API].clone()),
            began: Instant::now(),
            log: Arc::default(),
        }
    }

    /// How often its idle workers look by themselves.
    pub(crate) fn look_every_ms(&self) -> i64 {
        let process = self.processes[API].as_ref().unwrap();
        process.db.look_every().as_millis() as i64
    }

    /// What one process does; of what it commits the others will hear.
    fn run<T>(&mut self, at: usize, now_ms: i64, work: impl Future<Output = T>) -> T {
        let process = self.processes[at].as_mut().unwrap();
        let value = process.run(now_ms, work);
        self.pass_on(at);
        value
    }

    fn pass_on(&mut self, from: usize) {
        let said = self.processes[from].as_mut().map_or(0, Process::said);
        let others = self.processes.iter_mut().enumerate().filter(|(at, _)| *at != from);
        others.filter_map(|(_, process)| process.as_mut()).for_each(|process| process.unheard += said);
    }

    fn id(&self, asset: usize) -> (TenantId, AssetId) {
        self.log.ids.lock().unwrap()[&asset].clone()
    }
}

/// An upload of one piece, whose asset is known by its number from then on.
async fn upload(store: AssetStore, log: Arc<Log>, tenant_id: TenantId, asset: usize, now_ms: i64) {
    let new = NewUpload {
        tenant_id: tenant_id.clone(),
        filename: format!("{asset}.mp4"),
        size_bytes: Some(1_000),
        parts: Vec::new(),
        ladder: "lecture".to_owned(),
        protection: None,
    };
    let mut tx = store.queue().database().begin().await.unwrap();
    let (upload, row) = store.create_upload(&mut tx, &new, now_ms).await.unwrap();
    tx.commit().await.unwrap();
    log.assets.lock().unwrap().insert(row.id.clone(), asset);
    log.ids.lock().unwrap().insert(asset, (tenant_id.clone(), row.id));
    store.attach_source(&tenant_id, &upload.id, 1_000, "ab", now_ms).await.unwrap();
}

/// What `workers` does with what a reaper has taken over.
async fn tell(store: &AssetStore, log: &Log, reaper: usize, reaped: &[Reaped], now_ms: i64) {
    for taken in reaped {
        let (fence, parked) = match taken {
            Reaped::Requeued(fence) => (fence, false),
            Reaped::Parked(fence, _) => (fence, true),
        };
        let Fence { tenant_id, job_id, attempt } = fence;
        let row = store.queue().job(tenant_id, job_id).await.unwrap().unwrap();
        let attempt = log.attempt(&row.asset_id, row.payload, *attempt);
        log.tell(Happening::TakenOver { reaper, attempt, parked });
    }
    for taken in reaped {
        if let Reaped::Parked(fence, asset) = taken {
            store.park_lost(fence, asset, now_ms).await.unwrap();
        }
    }
}

/// What every worker does now and then, of which the model knows nothing: it makes no difference.
async fn tidy(store: &AssetStore, now_ms: i64) {
    assert_eq!(store.settle_parked(now_ms).await.unwrap(), 0, "an asset was not told of its parked job");
    assert_eq!(store.queue().hasten().await.unwrap(), 0, "a job was put off");
    store.queue().tidy_shares().await.unwrap();
}

impl Side for Fleet {
    fn arrives(&mut self, now_ms: i64, asset: usize) {
        let (store, log, tenant) = (self.store.clone(), Arc::clone(&self.log), tenant_id(self.size.tenant(asset)));
        self.run(API, now_ms, upload(store, log, tenant, asset, now_ms));
    }

    fn cancelled(&mut self, now_ms: i64, asset: usize) {
        let (store, (tenant, asset)) = (self.store.clone(), self.id(asset));
        self.run(API, now_ms, async {
            store.request(&tenant, &asset, FlowEvent::Cancelled, now_ms).await.unwrap();
        });
    }

    fn tried_again(&mut self, now_ms: i64, asset: usize) {
        let (store, (tenant, asset)) = (self.store.clone(), self.id(asset));
        self.run(API, now_ms, async {
            match store.retry(&tenant, &asset, now_ms).await {
                Ok(_) | Err(StoreError::NoRetry(_)) => {}
                Err(error) => panic!("{error}"),
            }
        });
    }

    fn word(&mut self, now_ms: i64) {
        let db = self.store.queue().database().clone();
        self.run(API, now_ms, async {
            let mut tx = db.begin().await.unwrap();
            tx.wake();
            tx.commit().await.unwrap();
        });
    }

    fn start(&mut self, now_ms: i64, worker: usize) {
        let process = Process::start(&self.url, now_ms);
        let queue = process.queue();
        let desk = Desk::new(worker, AssetStore::new(queue.clone()), process.clock(), Arc::clone(&self.log));
        let (shutdown, stop) = watch::channel(false);
        let min_priority = (self.floors)(worker);
        let options = WorkerOptions { min_priority, ..WorkerOptions::new(format!("worker-{worker}"), ALL_STAGES) };
        let handler = Arc::new(AtDesk(Arc::clone(&desk)));
        self.processes[WORKERS + worker] = Some(process);
        let mut task = None;
        self.run(WORKERS + worker, now_ms, async {
            task = Some(tokio::spawn(run_worker(queue, options, handler, stop)));
        });
        self.workers[worker] = task.map(|task| Worker { desk, shutdown, task });
    }

    fn kill(&mut self, _: i64, worker: usize) {
        self.processes[WORKERS + worker] = None;
        self.workers[worker] = None;
    }

    fn stop(&mut self, now_ms: i64, worker: usize) {
        let Worker { desk, shutdown, task } = self.workers[worker].take().unwrap();
        shutdown.send_replace(true);
        self.run(WORKERS + worker, now_ms, task).unwrap().unwrap();
        drop(desk);
        self.processes[WORKERS + worker] = None;
    }

    fn cut_off(&mut self, _: i64, worker: usize) {
        self.processes[WORKERS + worker].as_mut().unwrap().cut_off();
        self.pass_on(WORKERS + worker);
    }

    fn end(&mut self, now_ms: i64, worker: usize, outcome: Outcome) {
        self.workers[worker].as_ref().unwrap().desk.order(outcome);
        self.run(WORKERS + worker, now_ms, async {});
    }

    fn reap(&mut self, now_ms: i64, reaper: usize) {
        let (store, log) =
            (AssetStore::new(self.processes[1 + reaper].as_ref().unwrap().queue()), Arc::clone(&self.log));
        let now = self.began + Duration::from_millis(now_ms.unsigned_abs());
        let mut looks = self.reapers[reaper].take().unwrap();
        self.run(1 + reaper, now_ms, async {
            if now_ms % TIDY_EVERY_MS < REAPS_EVERY_MS {
                tidy(&store, now_ms).await;
            }
            let reaped = looks.sweep(now).await.unwrap();
            tell(&store, &log, reaper, &reaped, now_ms).await;
        });
        self.reapers[reaper] = Some(looks);
    }

    fn turn(&mut self, now_ms: i64, worker: usize, moving: bool) {
        if moving {
            self.workers[worker].as_ref().unwrap().desk.moves();
        }
        self.run(WORKERS + worker, now_ms, async {});
    }

    fn told(&mut self) -> Vec<Happening> {
        std::mem::take(&mut *self.log.told.lock().unwrap())
    }

    fn ends(&mut self, assets: usize) -> Vec<End> {
        let store = self.store.clone();
        let ids: Vec<_> = (0..assets).map(|asset| self.id(asset)).collect();
        let mut ends = Vec::new();
        let now_ms = self.processes[API].as_ref().unwrap().clock().load(std::sync::atomic::Ordering::SeqCst);
        self.run(API, now_ms, async {
            for (tenant, asset) in ids {
                let row = store.asset(&tenant, &asset).await.unwrap().unwrap();
                let jobs = store.queue().jobs_of(&tenant, &asset, 0).await.unwrap();
                let jobs = jobs
                    .into_iter()
                    .map(|job| (serde_json::from_value(job.payload).unwrap(), job.attempt, job.state.as_str()));
                let code = row.flow.failure.map(|failure| failure.code);
                let (playable, complete) = (row.flow.playable_generation, row.flow.complete_generation);
                ends.push((row.state.to_string(), playable, complete, code, jobs.collect()));
            }
        });
        ends
    }
}
