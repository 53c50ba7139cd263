//! apalis' own storages, as their documentation has them: woken by what is pushed, besides a look every half second.

use std::time::Duration;

use apalis_core::backend::ext::BackendExt;
use apalis_core::backend::ext::poll_strategy::Strategy;
use apalis_core::error::BoxDynError;
use apalis_core::task::builder::TaskBuilder;
use apalis_core::task::data::Data;
use apalis_core::worker::builder::WorkerBuilder;
use apalis_postgres::{PgPool, PostgresStorage, Pubsub};
use apalis_sqlite::{SqlitePool, SqliteStorage};
use database::EngineKind;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tower::limit::ConcurrencyLimitLayer;

use crate::tally::Tally;

const QUEUE: &str = "contest";
const LOOKS_EVERY: Duration = Duration::from_millis(500);
const BATCH: usize = 5_000;

/// A storage's database.
#[derive(Clone)]
pub(crate) struct Stock {
    kind: EngineKind,
    url: String,
}

async fn count(_: u64, tally: Data<Tally>) -> Result<(), BoxDynError> {
    tally.begins();
    Ok(())
}

impl Stock {
    pub(crate) fn at(kind: EngineKind, url: &str) -> Self {
        let url = if kind == EngineKind::Sqlite { format!("sqlite:{url}") } else { url.to_owned() };
        Self { kind, url }
    }

    /// Makes its tables, on connections that nothing else uses: those of SQLite would go on without syncing.
    pub(crate) async fn set_up(&self) {
        match self.kind {
            EngineKind::Sqlite => {
                let pool = SqlitePool::connect(&self.url).await.unwrap();
                SqliteStorage::setup(&pool).await.unwrap();
                pool.close().await;
            }
            EngineKind::Postgres => {
                let pool = PgPool::connect(&self.url).await.unwrap();
                PostgresStorage::setup(&pool).await.unwrap();
                pool.close().await;
            }
        }
    }

    pub(crate) async fn fill(&self, jobs: usize) {
        let numbers: Vec<usize> = (0..jobs).collect();
        for batch in numbers.chunks(BATCH) {
            self.push(batch, 0).await;
        }
    }

    async fn push(&self, numbers: &[usize], priority: u32) {
        let task = |number: &usize| {
            let args = serde_json::to_vec(number).unwrap();
            TaskBuilder::new(args).priority(priority as _).build()
        };
        let tasks: Vec<_> = numbers.iter().map(task).collect();
        match self.kind {
            EngineKind::Sqlite => {
                let pool = SqlitePool::connect(&self.url).await.unwrap();
                let mut tx = pool.begin().await.unwrap();
                apalis_sqlite::queries::push_tasks(&mut *tx, QUEUE, &tasks).await.unwrap();
                tx.commit().await.unwrap();
                pool.close().await;
            }
            EngineKind::Postgres => {
                let pool = PgPool::connect(&self.url).await.unwrap();
                let mut tx = pool.begin().await.unwrap();
                apalis_postgres::queries::push_tasks(&mut *tx, QUEUE, tasks).await.unwrap();
                tx.commit().await.unwrap();
                pool.close().await;
            }
        }
    }

    /// A worker that claims `batch` at once and runs `places`, until `stop` says so; and what pushes to it from this process.
    pub(crate) fn work(
        &self,
        tally: Tally,
        batch: usize,
        places: usize,
        mut stop: watch::Receiver<bool>,
    ) -> (Pusher, JoinHandle<()>) {
        let name = format!("contest-{}", std::process::id());
        // A worker's name is not taken again while a dead one of this name may live.
        static STARTS: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let name = format!("{name}-{}", STARTS.fetch_add(1, std::sync::atomic::Ordering::SeqCst));
        let stopped = async move {
            let _ = stop.wait_for(|stop| *stop).await;
            Ok::<(), apalis_core::error::WorkerError>(())
        };
        macro_rules! run {
            ($backend:expr) => {{
                let worker = WorkerBuilder::new(name)
                    .backend($backend)
                    .layer(ConcurrencyLimitLayer::new(places))
                    .data(tally)
                    .build(count);
                tokio::spawn(async move { worker.run_until(stopped).await.unwrap() })
            }};
        }
        match self.kind {
            EngineKind::Sqlite => {
                let (pool, listener) = SqliteStorage::connect_with_callback(&self.url).unwrap();
                let config = apalis_sqlite::Config::default().queue(QUEUE).batch_size(batch);
                let strategy = Strategy::new().stream(listener).interval(LOOKS_EVERY);
                let backend = SqliteStorage::<u64>::new(&pool).with_config(config).poll_with_strategy(strategy);
                (Pusher::Sqlite(pool), run!(backend))
            }
            EngineKind::Postgres => {
                let pool = PgPool::connect_lazy(&self.url).unwrap();
                let config = apalis_postgres::Config::default().queue(QUEUE).batch_size(batch);
                let strategy =
                    Strategy::new().stream(Pubsub::new(pool.clone(), QUEUE.to_owned())).interval(LOOKS_EVERY);
                let backend = PostgresStorage::<u64>::new(&pool).with_config(config).poll_with_strategy(strategy);
                (Pusher::Postgres(pool), run!(backend))
            }
        }
    }
}

/// The worker's own connections: on SQLite only what they write wakes it.
pub(crate) enum Pusher {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl Pusher {
    /// Pushes one task before all others.
    pub(crate) async fn push_urgent(&self, number: usize) {
        let args = serde_json::to_vec(&number).unwrap();
        let task = TaskBuilder::new(args).priority(9).build();
        match self {
            Self::Sqlite(pool) => {
                let mut connection = pool.acquire().await.unwrap();
                apalis_sqlite::queries::push_tasks(&mut *connection, QUEUE, &[task]).await.unwrap();
            }
            Self::Postgres(pool) => {
                let mut connection = pool.acquire().await.unwrap();
                apalis_postgres::queries::push_tasks(&mut *connection, QUEUE, vec![task]).await.unwrap();
            }
        }
    }
}
