//! All tables as they are at one moment.

use backup_format::{AppliedMigration, Cell, Kind, json};
use futures::TryStreamExt;
use sqlx::{AssertSqlSafe, Row};

use super::BackupError;
use super::schema::{Shape, shapes};
use crate::engine::{Pools, answered};
use crate::migrate::HISTORY;
use crate::tx::TxInner;
use crate::{Database, DbError, EngineKind, Tx, args};

/// However long it takes: a snapshot holds nobody up, but for what the server would clean away.
const UNLIMITED_PG: &str =
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL statement_timeout = 0;
    SET LOCAL idle_in_transaction_session_timeout = 0";

/// A value of a row of either engine.
macro_rules! cell {
    ($row:expr, $at:expr, $kind:expr) => {
        match $kind {
            Kind::Text => $row.try_get::<Option<String>, _>($at).map(|value| value.map(Cell::Text)),
            Kind::Int => $row.try_get::<Option<i64>, _>($at).map(|value| value.map(Cell::Int)),
            Kind::Float => $row.try_get::<Option<f64>, _>($at).map(|value| value.map(Cell::Float)),
            Kind::Bool => $row.try_get::<Option<bool>, _>($at).map(|value| value.map(Cell::Bool)),
            Kind::Bytes => $row.try_get::<Option<Vec<u8>>, _>($at).map(|value| value.map(Cell::Bytes)),
            Kind::Json => $row
                .try_get::<Option<String>, _>($at)
                .and_then(|value| value.map(|text| document(&text)).transpose().map(|value| value.map(Cell::Json))),
        }
        .map(|value| value.unwrap_or(Cell::Null))
    };
}

/// All tables as they were when it was taken, while others go on writing: a transaction that only reads.
pub struct Snapshot {
    tx: Tx,
    engine: EngineKind,
    shapes: Vec<Shape>,
    migrations: Vec<AppliedMigration>,
}

impl Database {
    /// Takes a snapshot of a migrated database.
    pub async fn snapshot(&self) -> Result<Snapshot, BackupError> {
        let mut tx = self.begin_to_read().await?;
        let shapes = shapes(&mut tx).await?;
        let history: Vec<(String, String, String)> = tx.all(HISTORY, args![]).await?;
        let mut migrations: Vec<AppliedMigration> =
            history.into_iter().map(|(module, name, sha256)| AppliedMigration { module, name, sha256 }).collect();
        migrations.sort();
        Ok(Snapshot { tx, engine: self.kind(), shapes, migrations })
    }

    async fn begin_to_read(&self) -> Result<Tx, DbError> {
        let inner = match &self.pools {
            Pools::Lite { reader, .. } => TxInner::Lite(reader.begin().await?),
            Pools::Pg(pool) => {
                let mut tx = answered(pool.begin()).await?;
                answered(sqlx::raw_sql(UNLIMITED_PG).execute(&mut *tx)).await?;
                TxInner::Pg(tx)
            }
        };
        Ok(self.transaction(inner))
    }
}

impl Snapshot {
    /// All tables, each behind those that it refers to. The history of migrations is one of them.
    pub fn tables(&self) -> &[Shape] {
        &self.shapes
    }

    /// The schema's migrations.
    pub fn migrations(&self) -> &[AppliedMigration] {
        &self.migrations
    }

    /// Hands every row of a table to `each`, in the order of its primary key, one at a time: however large the table is, no
    /// more than some rows are in memory. Returns how many there were.
    pub async fn rows(
        &mut self,
        table: &Shape,
        mut each: impl FnMut(&[Cell]) -> std::io::Result<()>,
    ) -> Result<u64, BackupError> {
        let (sql, kinds, mut count) = (AssertSqlSafe(table.select(self.engine)), table.kinds(), 0);
        macro_rules! read {
            ($tx:expr) => {{
                let mut rows = sqlx::query(sql).fetch(&mut **$tx);
                while let Some(row) = rows.try_next().await.map_err(DbError::from)? {
                    let cells: Result<Vec<Cell>, sqlx::Error> =
                        kinds.iter().enumerate().map(|(at, kind)| cell!(row, at, *kind)).collect();
                    each(&cells.map_err(DbError::from)?)?;
                    count += 1;
                }
            }};
        }
        match &mut self.tx.inner {
            TxInner::Lite(tx) => read!(tx),
            TxInner::Pg(tx) => read!(tx),
        }
        Ok(count)
    }

    /// For reading besides, at the same moment. What writes fails.
    pub fn tx(&mut self) -> &mut Tx {
        &mut self.tx
    }

    /// Lets go of the moment.
    pub async fn end(self) -> Result<(), DbError> {
        self.tx.give_up().await
    }
}

fn document(text: &str) -> Result<String, sqlx::Error> {
    json::canonical(text).ok_or_else(|| sqlx::Error::Decode("a JSON column holds no JSON".into()))
}
