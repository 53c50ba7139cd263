//! Fresh, migrated databases on both engines, for tests.
//!
//! PostgreSQL is a private cluster that the test process starts by itself ([`Cluster`]).

mod cluster;
mod rest;

use std::future::Future;
use std::sync::OnceLock;

use backup_format::Cell;
use sqlx::{AssertSqlSafe, Executor, SqlSafeStr, SqlStr};

use crate::backup::BackupError;
use crate::engine::Pools;
use crate::tx::for_postgres;
use crate::{Database, DbError, EngineKind};

pub use cluster::Cluster;

/// A migrated database of its own for one test.
pub struct Scratch {
    /// The database.
    pub db: Database,
    url: String,
    _folder: Option<tempfile::TempDir>,
}

impl Scratch {
    /// An empty database on `kind`, without any table.
    ///
    /// # Panics
    /// When the engine cannot be started.
    pub async fn empty(kind: EngineKind) -> Self {
        let (url, folder) = match kind {
            EngineKind::Sqlite => {
                let folder = tempfile::tempdir().expect("a temporary folder can be made");
                (folder.path().join("test.db").display().to_string(), Some(folder))
            }
            EngineKind::Postgres => (new_postgres_database().await, None),
        };
        let db = Database::open(&url).await.expect("a fresh database opens");
        Self { db, url, _folder: folder }
    }

    /// A migrated database on `kind`.
    ///
    /// # Panics
    /// When the engine cannot be started or a migration fails.
    pub async fn migrated(kind: EngineKind) -> Self {
        let scratch = Self::empty(kind).await;
        scratch.db.migrate().await.expect("a fresh database migrates");
        scratch
    }

    /// Opens the same database again, as another process would.
    ///
    /// # Panics
    /// When it cannot be opened.
    pub async fn another(&self) -> Database {
        Database::open(&self.url).await.expect("an open database opens again")
    }

    /// The address for [`Database::open`].
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// Runs `test` on a fresh migrated database of each engine, one after the other.
///
/// # Panics
/// When the test does, or an engine cannot be started.
pub async fn for_each_engine<F, Fut>(test: F)
where
    F: Fn(Database) -> Fut,
    Fut: Future<Output = ()>,
{
    for kind in [EngineKind::Sqlite, EngineKind::Postgres] {
        eprintln!("engine: {kind:?}");
        let scratch = Scratch::migrated(kind).await;
        test(scratch.db.clone()).await;
        scratch.db.close().await;
    }
}

/// Prepares each statement on the engine of `db`, so that a misspelt column fails a test and not a customer.
///
/// # Errors
/// The first statement that the engine refuses, and why.
pub async fn prepare_all(db: &Database, statements: &[&'static str]) -> Result<(), (&'static str, DbError)> {
    for &sql in statements {
        let prepared = match &db.pools {
            Pools::Lite { writer, .. } => writer.prepare(SqlStr::from_static(sql)).await.map(drop),
            Pools::Pg(pool) => pool.prepare(AssertSqlSafe(for_postgres(sql)).into_sql_str()).await.map(drop),
        };
        prepared.map_err(|error| (sql, error.into()))?;
    }
    Ok(())
}

/// Where a text stands, in whatever case: `table.column` of every value of every table that has it, once each.
///
/// # Errors
/// The database cannot be read.
pub async fn places_of(db: &Database, text: &str) -> Result<Vec<String>, BackupError> {
    let text = text.to_lowercase();
    let says = |cell: &Cell| match cell {
        Cell::Text(value) | Cell::Json(value) => value.to_lowercase().contains(&text),
        Cell::Bytes(value) => String::from_utf8_lossy(value).to_lowercase().contains(&text),
        _ => false,
    };
    let mut snapshot = db.snapshot().await?;
    let mut places = Vec::new();
    for table in snapshot.tables().to_vec() {
        let columns = &table.columns;
        let look = |row: &[Cell]| {
            for (column, _) in columns.iter().zip(row).filter(|(_, cell)| says(cell)) {
                places.push(format!("{}.{}", table.name, column.name));
            }
            Ok(())
        };
        snapshot.rows(&table, look).await?;
    }
    snapshot.end().await?;
    places.sort();
    places.dedup();
    Ok(places)
}

/// The address of a new, empty database on the cluster that all tests of this process share.
async fn new_postgres_database() -> String {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    let cluster = tokio::task::spawn_blocking(|| CLUSTER.get_or_init(Cluster::start)).await;
    cluster.expect("the cluster starts").new_database().await
}
