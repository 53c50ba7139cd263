//! What can go wrong between a statement and its rows.

use sqlx::error::ErrorKind;
use thiserror::Error;

/// Why the database did not do what it was asked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DbError {
    /// The address is neither a file path, `sqlite:PATH` nor `postgres://...`.
    #[error("a database address is a file path, sqlite:PATH or postgres://..., and {0}")]
    Address(&'static str),
    /// The disk or the quota of the database is full; nothing of the transaction was kept.
    #[error("the database has no space left to write")]
    Full(#[source] sqlx::Error),
    /// Migrations of this build are missing in the database.
    #[error("the database lacks {missing} of the migrations this version needs, run `lectern migrate`")]
    NotMigrated {
        /// How many are missing.
        missing: usize,
    },
    /// The database was migrated by a newer build.
    #[error("the database has the migration {0} that this version does not know, start a newer version")]
    UnknownMigration(String),
    /// An applied migration's text is not the text this build carries.
    #[error("the migration {0} in the database differs from the one in this version")]
    ChangedMigration(String),
    /// A JSON argument was a number, string, boolean or null.
    #[error("a JSON column holds an object or an array, nothing else")]
    ScalarJson,
    /// A statement of the transaction had failed before the commit; nothing of the transaction was kept.
    #[error("a statement of the transaction failed, so nothing of it was kept")]
    Aborted,
    /// A statement that returns one row returned none.
    #[error("the database returned no row where one is always there")]
    NoRow,
    /// Anything else the driver reports.
    #[error("the database failed")]
    Driver(#[source] sqlx::Error),
}

/// `SQLITE_FULL`, and `SQLITE_IOERR_SHMSIZE`: no room for the index of the write-ahead log.
const SQLITE_FULL: [i32; 2] = [13, 4874];
/// `SQLITE_BUSY`, `SQLITE_LOCKED`: primary codes.
const SQLITE_BUSY: [i32; 2] = [5, 6];
/// `disk_full`.
const PG_FULL: &str = "53100";
/// `serialization_failure`, `deadlock_detected`, `lock_not_available`, `too_many_connections`, `query_canceled` (it ran
/// into the time limit).
const PG_BUSY: [&str; 5] = ["40001", "40P01", "55P03", "53300", "57014"];
/// `admin_shutdown`, `crash_shutdown`, `cannot_connect_now`, `idle_in_transaction_session_timeout`.
const PG_RESTART: [&str; 4] = ["57P01", "57P02", "57P03", "25P03"];

impl DbError {
    /// Whether a row with the same unique key is there already.
    pub fn is_unique_violation(&self) -> bool {
        self.driver().is_some_and(|error| error.kind() == ErrorKind::UniqueViolation)
    }

    /// Whether another transaction was in the way; the whole transaction may be tried again.
    fn is_busy(&self) -> bool {
        if matches!(self, Self::Driver(sqlx::Error::PoolTimedOut)) {
            return true;
        }
        self.driver().is_some_and(|error| match sqlite_code(error) {
            Some(code) => SQLITE_BUSY.contains(&(code & 0xff)),
            None => error.code().is_some_and(|code| PG_BUSY.contains(&code.as_ref())),
        })
    }

    /// Whether the same call may work a little later: busy, full, a server that restarts, a connection that broke.
    pub fn is_transient(&self) -> bool {
        if self.is_busy() || matches!(self, Self::Full(_) | Self::Driver(sqlx::Error::Io(_))) {
            return true;
        }
        self.driver().is_some_and(|error| {
            let restarts = |code: &str| PG_RESTART.contains(&code) || code.starts_with("08");
            sqlite_code(error).is_none() && error.code().is_some_and(|code| restarts(&code))
        })
    }

    fn driver(&self) -> Option<&dyn sqlx::error::DatabaseError> {
        match self {
            Self::Driver(error) | Self::Full(error) => error.as_database_error(),
            _ => None,
        }
    }
}

/// The extended result code, when the error is SQLite's.
fn sqlite_code(error: &dyn sqlx::error::DatabaseError) -> Option<i32> {
    error.try_downcast_ref::<sqlx::sqlite::SqliteError>()?;
    error.code()?.parse().ok()
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        let full = error.as_database_error().is_some_and(|error| match sqlite_code(error) {
            Some(code) => SQLITE_FULL.contains(&code),
            None => error.code().as_deref() == Some(PG_FULL),
        });
        if full { Self::Full(error) } else { Self::Driver(error) }
    }
}
