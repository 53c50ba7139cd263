//! Opening an engine and reading from it.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection, Postgres, Transaction};
use tokio::sync::watch;

use crate::address::authority;
use crate::clock::{self, Clock, ServerClock};
use crate::tx::TxInner;
use crate::value::{bind, check};
use crate::wakeups::Wakeups;
use crate::{DbError, Row, Tx, Val};

/// How long a writer waits for another process's transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a call waits for a free connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);
/// The same on PostgreSQL, where it is also how long a call waits for a server that is away: whoever asked can do
/// something better than wait, and a lease outlives it.
const PG_ACQUIRE_TIMEOUT: Duration = Duration::from_secs(4);
/// How long a call to PostgreSQL may take in all, longer than the server lets any statement run: a machine that is gone
/// says nothing.
const PG_CALL_TIMEOUT: Duration = Duration::from_secs(35);
/// Word of commits is gathered for so long: a transcode commits often.
const GATHER: Duration = Duration::from_millis(20);
/// Whoever writes waits while the log is emptied, so that it is not waited for readers for long; and then [`BUSY_TIMEOUT`] again.
const BE_BRIEF: &str = "PRAGMA busy_timeout = 200";
const EMPTY_LOG: &str = "PRAGMA wal_checkpoint(TRUNCATE)";
const BE_PATIENT: &str = "PRAGMA busy_timeout = 10000";
const SQLITE_READERS: u32 = 4;
const PG_CONNECTIONS: u32 = 16;

/// Which engine a [`Database`] runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineKind {
    /// One file, this machine only.
    Sqlite,
    /// A server that any number of machines share.
    Postgres,
}

/// A database on either engine. Cheap to clone; all clones share the connections.
#[derive(Clone)]
pub struct Database {
    pub(crate) pools: Pools,
    pub(crate) wakeups: Arc<Wakeups>,
    /// `None` of a file, whose time is this machine's.
    server_clock: Option<Arc<ServerClock>>,
}

#[derive(Clone)]
pub(crate) enum Pools {
    Lite { reader: SqlitePool, writer: SqlitePool },
    Pg(PgPool),
}

impl Database {
    /// Opens `url`: `postgres://...`, `sqlite:PATH` or a plain path, whose file is created when it is not there.
    ///
    /// Migrates nothing: see [`Database::migrate`] and [`Database::check_migrated`]. Errors never show the address,
    /// which may hold a password.
    pub async fn open(url: &str) -> Result<Self, DbError> {
        let pools =
            if authority(url).is_some() { open_postgres(url).await? } else { open_sqlite(sqlite_path(url)?).await? };
        let server_clock = match &pools {
            Pools::Lite { .. } => None,
            Pools::Pg(pool) => Some(Arc::new(ServerClock::ask(pool, clock::machine).await?)),
        };
        Ok(Self { pools, wakeups: Wakeups::new(), server_clock })
    }

    /// Which engine this is.
    pub fn kind(&self) -> EngineKind {
        match self.pools {
            Pools::Lite { .. } => EngineKind::Sqlite,
            Pools::Pg(_) => EngineKind::Postgres,
        }
    }

    /// All rows of a read. The statement bounds their number by its `LIMIT`.
    ///
    /// On SQLite this runs on a read-only connection: a statement that writes fails.
    pub async fn all<T: Row>(&self, sql: &'static str, args: Vec<Val>) -> Result<Vec<T>, DbError> {
        check(&args)?;
        Ok(match &self.pools {
            Pools::Lite { reader, .. } => bind!(sqlx::query_as(sql), args).fetch_all(reader).await?,
            Pools::Pg(pool) => answered(bind!(sqlx::query_as(sql), args).fetch_all(pool)).await?,
        })
    }

    /// The first row of a read, if any.
    pub async fn optional<T: Row>(&self, sql: &'static str, args: Vec<Val>) -> Result<Option<T>, DbError> {
        check(&args)?;
        Ok(match &self.pools {
            Pools::Lite { reader, .. } => bind!(sqlx::query_as(sql), args).fetch_optional(reader).await?,
            Pools::Pg(pool) => answered(bind!(sqlx::query_as(sql), args).fetch_optional(pool)).await?,
        })
    }

    /// Starts a transaction that may write. On SQLite it holds the only writer until it ends, so keep it short and wait
    /// for nothing else inside.
    pub async fn begin(&self) -> Result<Tx, DbError> {
        let inner = match &self.pools {
            Pools::Lite { writer, .. } => TxInner::Lite(writer.begin_with("BEGIN IMMEDIATE").await?),
            Pools::Pg(pool) => {
                let mut tx = answered(begun(pool.clone())).await?;
                // Here, once a minute: whoever stores times writes.
                if let Some(clock) = &self.server_clock {
                    clock.follow(&mut *tx).await?;
                }
                TxInner::Pg(tx)
            }
        };
        Ok(self.transaction(inner))
    }

    pub(crate) fn transaction(&self, inner: TxInner) -> Tx {
        Tx::new(inner, Arc::clone(&self.wakeups))
    }

    /// Changes whenever a transaction that called [`Tx::wake`] has committed: a hint to look again. On PostgreSQL that is
    /// one of any process, heard on a connection of its own from the first call on, and of this process alone while that
    /// connection is lost; on SQLite always of this process alone. So a reader also looks by itself, every
    /// [`Database::look_every`].
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn changed(&self) -> watch::Receiver<u64> {
        if let Pools::Pg(pool) = &self.pools {
            self.wakeups.listen(pool);
        }
        self.wakeups.subscribe()
    }

    /// How long a reader may rely on [`Database::changed`], as things stand, before it looks by itself.
    pub fn look_every(&self) -> Duration {
        self.wakeups.look_every()
    }

    /// Waits until it is time to look again: there was word of a commit since `changed` was last marked as seen, which is before
    /// each look so that none is slept through, or [`Database::look_every`] has passed. Commits that follow one another closely
    /// are one look.
    pub async fn next_look(&self, changed: &mut watch::Receiver<u64>) {
        let heard = async {
            match changed.changed().await {
                Ok(()) => tokio::time::sleep(GATHER).await,
                // Of another database, which is gone: there is nothing to hear of, and the looks go on.
                Err(_) => std::future::pending().await,
            }
        };
        // Word of what other processes write does not always come.
        let _ = tokio::time::timeout(self.look_every(), heard).await;
    }

    /// What time it is, in milliseconds since 1970. On PostgreSQL that is the server's time, which all processes have in
    /// common whatever their machines' clocks show; on SQLite this machine's.
    pub fn now_ms(&self) -> i64 {
        now_ms(self.server_clock.as_deref())
    }

    /// [`Database::now_ms`], for whoever is handed a clock.
    pub fn clock(&self) -> Clock {
        let server = self.server_clock.clone();
        Arc::new(move || now_ms(server.as_deref()))
    }

    /// Empties the write-ahead log of a SQLite file, which has what was deleted in its older pages: once nobody reads what was before,
    /// and for a moment only, so that it may have to be asked for again. A server sees to its own log.
    pub async fn scrub(&self) -> Result<(), DbError> {
        let Pools::Lite { writer, .. } = &self.pools else { return Ok(()) };
        let writer = writer.clone();
        // To its end, whatever becomes of who asked: the connection waits as long as ever for others afterwards.
        let scrubbed = tokio::spawn(async move {
            let mut connection = writer.acquire().await?;
            sqlx::query(BE_BRIEF).execute(&mut *connection).await?;
            let emptied = sqlx::query(EMPTY_LOG).execute(&mut *connection).await;
            sqlx::query(BE_PATIENT).execute(&mut *connection).await?;
            emptied.map(drop)
        });
        Ok(scrubbed.await.unwrap_or(Err(sqlx::Error::WorkerCrashed))?)
    }

    /// Closes every connection, after the calls in progress.
    pub async fn close(&self) {
        match &self.pools {
            Pools::Lite { reader, writer } => {
                reader.close().await;
                writer.close().await;
            }
            Pools::Pg(pool) => pool.close().await,
        }
    }
}

fn now_ms(server: Option<&ServerClock>) -> i64 {
    clock::in_ms(server.map_or_else(clock::machine, ServerClock::now))
}

/// A transaction that is begun to its end whatever becomes of who asked: left half way, sqlx would give the connection back
/// to the pool with the transaction open, and whoever has it next would read, or listen, inside.
async fn begun(pool: PgPool) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    let begun = tokio::spawn(async move { pool.begin().await });
    begun.await.unwrap_or(Err(sqlx::Error::WorkerCrashed))
}

/// What PostgreSQL answers, or an error once it has had time enough.
pub(crate) async fn answered<T>(call: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    let silent = |_| Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()));
    tokio::time::timeout(PG_CALL_TIMEOUT, call).await.unwrap_or_else(silent)
}

fn sqlite_path(url: &str) -> Result<&str, DbError> {
    let path = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:")).unwrap_or(url);
    match path {
        "" => Err(DbError::Address("this one is empty")),
        ":memory:" => Err(DbError::Address("a database in memory cannot be shared by its connections")),
        path if path.contains("://") => Err(DbError::Address("this one names another kind of server")),
        path => Ok(path),
    }
}

async fn open_sqlite(path: &str) -> Result<Pools, DbError> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT)
        .foreign_keys(true)
        // What was deleted, a person's address say, is overwritten.
        .pragma("secure_delete", "ON");
    let pool = |connections: u32| {
        SqlitePoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
    };
    // The writer first: it creates the file and turns on the write-ahead log, which a reader cannot.
    // SQLite ends a transaction by itself when the disk is full; the driver then counts it as open for ever, and would
    // refuse every later one.
    let writer = pool(1)
        .before_acquire(|connection, _| {
            Box::pin(async move {
                // A dropped transaction's rollback is queued; this waits behind it.
                connection.ping().await?;
                Ok(!connection.is_in_transaction())
            })
        })
        .connect_with(options.clone())
        .await?;
    let reader = pool(SQLITE_READERS).connect_with(options.read_only(true)).await?;
    Ok(Pools::Lite { reader, writer })
}

async fn open_postgres(url: &str) -> Result<Pools, DbError> {
    let options: PgConnectOptions = url.parse()?;
    let options = options.application_name("lectern").options([
        ("lock_timeout", "10s"),
        ("statement_timeout", "30s"),
        ("idle_in_transaction_session_timeout", "60s"),
        // What steps through an index by recursion is thought to cost a hundred thousand times what it does, and would be
        // compiled for a second before it runs for one millisecond.
        ("jit", "off"),
    ]);
    // A connection is tried before it is used: those to a server that was restarted are all broken.
    let pool = PgPoolOptions::new()
        .max_connections(PG_CONNECTIONS)
        .acquire_timeout(PG_ACQUIRE_TIMEOUT)
        .test_before_acquire(true);
    Ok(Pools::Pg(pool.connect_with(options).await?))
}
