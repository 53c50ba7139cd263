//! A process of the story: a runtime of its own on the story's thread, connections of its own, and time that passes when the
//! story says so.

use std::future::{Future, poll_fn};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use database::{Database, EngineKind};
use job_queue::JobQueue;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

/// So often a process has come to rest before it is believed: what arrives meanwhile has it move again.
const RESTS: usize = 3;
/// By the machine's own clock: whoever does not come to rest by then never will.
const DEADLINE: Duration = Duration::from_secs(120);

/// Its parts are dropped in this order: that is how it is killed.
pub(crate) struct Process {
    /// While this is there a thread waits for it, which keeps tokio from turning its clock by itself.
    _clock_stands: mpsc::Sender<()>,
    runtime: Runtime,
    pub(crate) db: Database,
    clock: Arc<AtomicI64>,
    now_ms: i64,
    rest: Arc<Rest>,
    heard: watch::Receiver<u64>,
    /// Words of others that it has not been told.
    pub(crate) unheard: u64,
    said: u64,
    cut_off: bool,
}

/// Knows when a process does nothing: no task can go on and nothing is asked of the database.
#[derive(Default)]
struct Rest {
    db: OnceLock<Database>,
    begun: Mutex<Option<Instant>>,
    resting: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl Rest {
    /// Called whenever no task can go on.
    fn parks(&self) {
        let late = self.begun.lock().unwrap().is_some_and(|begun| begun.elapsed() > DEADLINE);
        assert!(!late, "a process does not come to rest");
        if self.db.get().is_none_or(Database::is_at_rest) {
            self.resting.store(true, Ordering::SeqCst);
            if let Some(waker) = self.waker.lock().unwrap().take() {
                waker.wake();
            }
        }
    }

    async fn comes(&self) {
        for _ in 0..RESTS {
            self.resting.store(false, Ordering::SeqCst);
            poll_fn(|cx| {
                if self.resting.swap(false, Ordering::SeqCst) {
                    return Poll::Ready(());
                }
                *self.waker.lock().unwrap() = Some(cx.waker().clone());
                Poll::Pending
            })
            .await;
            // Sockets and timers are looked at before this goes on.
            tokio::task::yield_now().await;
        }
    }
}

impl Process {
    /// One that works at `url` from `now_ms` on.
    pub(crate) fn start(url: &str, now_ms: i64) -> Self {
        let rest = Arc::new(Rest::default());
        let parks = Arc::clone(&rest);
        let runtime =
            Builder::new_current_thread().enable_all().start_paused(true).on_thread_park(move || parks.parks()).build();
        let runtime = runtime.unwrap();
        let (clock_stands, goes) = mpsc::channel::<()>();
        runtime.spawn_blocking(move || goes.recv());
        let (db, heard) = runtime.block_on(async {
            let db = Database::open(url).await.unwrap();
            let heard = db.changed();
            (db, heard)
        });
        let _ = rest.db.set(db.clone());
        // The first word on PostgreSQL is that it is told.
        let unheard = u64::from(db.kind() == EngineKind::Postgres);
        let clock = Arc::new(AtomicI64::new(now_ms));
        let mut process = Self {
            _clock_stands: clock_stands,
            runtime,
            db,
            clock,
            now_ms,
            rest,
            heard,
            unheard,
            said: 0,
            cut_off: false,
        };
        process.run(now_ms, async {});
        process
    }

    /// The queue as this process sees it.
    pub(crate) fn queue(&self) -> JobQueue {
        let clock = Arc::clone(&self.clock);
        JobQueue::on_clock(self.db.clone(), Arc::new(move || clock.load(Ordering::SeqCst)))
    }

    /// The time that its clock shows.
    pub(crate) fn clock(&self) -> Arc<AtomicI64> {
        Arc::clone(&self.clock)
    }

    /// Lets its time pass until `now_ms`, tells it what it has not heard of, does `work` in it and waits until it comes to rest.
    pub(crate) fn run<T>(&mut self, now_ms: i64, work: impl Future<Output = T>) -> T {
        let passes = Duration::from_millis((now_ms - self.now_ms).unsigned_abs());
        self.now_ms = now_ms;
        self.clock.store(now_ms, Ordering::SeqCst);
        let unheard = std::mem::take(&mut self.unheard);
        let hears = unheard > 0 && !self.cut_off;
        // PostgreSQL tells each word by itself; on SQLite nobody carries it from process to process, so the story does, once.
        let told = match self.db.kind() {
            EngineKind::Postgres => unheard,
            EngineKind::Sqlite => 1,
        };
        let known = *self.heard.borrow() + if hears { told } else { 0 };
        let (db, rest, heard) = (&self.db, &self.rest, &mut self.heard);
        *rest.begun.lock().unwrap() = Some(Instant::now());
        let value = self.runtime.block_on(async {
            if !passes.is_zero() {
                tokio::time::advance(passes).await;
            }
            if hears {
                if db.kind() == EngineKind::Sqlite {
                    carry_word(db).await;
                }
                let _ = heard.wait_for(|words| *words >= known).await;
            }
            let value = work.await;
            rest.comes().await;
            value
        });
        *rest.begun.lock().unwrap() = None;
        self.said += *self.heard.borrow() - known;
        value
    }

    /// Its words since this was last asked: commits of which others hear.
    pub(crate) fn said(&mut self) -> u64 {
        std::mem::take(&mut self.said)
    }

    /// Nothing reaches the database from here any more.
    pub(crate) fn cut_off(&mut self) {
        self.cut_off = true;
        let db = self.db.clone();
        // Before its time passes, or a heartbeat might still get through.
        self.run(self.now_ms, async move { db.close().await });
    }
}

async fn carry_word(db: &Database) {
    let mut tx = db.begin().await.unwrap();
    tx.wake();
    tx.commit().await.unwrap();
}
