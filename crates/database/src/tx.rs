//! Writing: transactions.

use std::sync::Arc;

use sqlx::{AssertSqlSafe, Postgres, Sqlite, Transaction};

use crate::engine::answered;
use crate::value::{bind, check};
use crate::wakeups::Wakeups;
use crate::{DbError, Row, Val};

/// What a claim ends its inner `SELECT` with, and what PostgreSQL reads there. SQLite has one writer and needs nothing.
const SKIP_LOCKED: (&str, &str) = ("/*SKIP LOCKED*/", "FOR UPDATE SKIP LOCKED");

/// A transaction. Dropped without [`Tx::commit`], it is rolled back.
#[must_use = "a transaction does nothing until it is committed"]
pub struct Tx {
    pub(crate) inner: TxInner,
    wakeups: Arc<Wakeups>,
    wake: bool,
    /// PostgreSQL answers a commit after a failed statement by rolling back, without an error.
    failed: bool,
}

pub(crate) enum TxInner {
    Lite(Transaction<'static, Sqlite>),
    Pg(Transaction<'static, Postgres>),
}

pub(crate) fn for_postgres(sql: &'static str) -> String {
    sql.replace(SKIP_LOCKED.0, SKIP_LOCKED.1)
}

impl Tx {
    pub(crate) fn new(inner: TxInner, wakeups: Arc<Wakeups>) -> Self {
        Self { inner, wakeups, wake: false, failed: false }
    }

    /// All rows of a statement, `RETURNING` included.
    pub async fn all<T: Row>(&mut self, sql: &'static str, args: Vec<Val>) -> Result<Vec<T>, DbError> {
        check(&args)?;
        let rows = match &mut self.inner {
            TxInner::Lite(tx) => bind!(sqlx::query_as(sql), args).fetch_all(&mut **tx).await,
            // Only a constant with a constant in place of its marker: nothing of the input is in the text.
            TxInner::Pg(tx) => {
                let query = bind!(sqlx::query_as(AssertSqlSafe(for_postgres(sql))), args);
                answered(query.fetch_all(&mut **tx)).await
            }
        };
        self.failed |= rows.is_err();
        Ok(rows?)
    }

    /// The first row of a statement, if any. The statement runs to its end either way.
    pub async fn optional<T: Row>(&mut self, sql: &'static str, args: Vec<Val>) -> Result<Option<T>, DbError> {
        // Not `fetch_optional`: SQLite would stop an UPDATE .. RETURNING after its first row.
        Ok(self.all(sql, args).await?.into_iter().next())
    }

    /// Runs a statement and returns the number of rows it changed.
    pub async fn execute(&mut self, sql: &'static str, args: Vec<Val>) -> Result<u64, DbError> {
        check(&args)?;
        let rows = match &mut self.inner {
            TxInner::Lite(tx) => {
                bind!(sqlx::query(sql), args).execute(&mut **tx).await.map(|done| done.rows_affected())
            }
            TxInner::Pg(tx) => {
                let query = bind!(sqlx::query(AssertSqlSafe(for_postgres(sql))), args);
                answered(query.execute(&mut **tx)).await.map(|done| done.rows_affected())
            }
        };
        self.failed |= rows.is_err();
        Ok(rows?)
    }

    /// Makes a commit wake the receivers of [`Database::changed`](crate::Database::changed), on PostgreSQL those of every
    /// process.
    pub fn wake(&mut self) {
        self.wake = true;
    }

    /// Makes everything durable, or nothing: [`DbError::Aborted`] when a statement has failed, on either engine.
    pub async fn commit(self) -> Result<(), DbError> {
        if self.failed {
            return Err(DbError::Aborted);
        }
        match self.inner {
            TxInner::Lite(tx) => tx.commit().await?,
            TxInner::Pg(mut tx) => {
                if self.wake {
                    answered(self.wakeups.notify(&mut tx)).await?;
                }
                answered(tx.commit()).await?;
            }
        }
        if self.wake {
            self.wakeups.wake();
        }
        Ok(())
    }

    /// Ends it without a trace, and lets go of all that it held before this returns. Dropping it does so a moment later.
    pub async fn give_up(self) -> Result<(), DbError> {
        match self.inner {
            TxInner::Lite(tx) => tx.rollback().await?,
            TxInner::Pg(tx) => answered(tx.rollback()).await?,
        }
        Ok(())
    }
}
