//! Rows put back into an empty database.

use std::collections::BTreeSet;

use backup_format::{AppliedMigration, Cell, Column, Kind};
use sqlx::AssertSqlSafe;

use super::BackupError;
use super::schema::{Shape, any_table, shapes};
use crate::engine::answered;
use crate::migrate::{CREATE_HISTORY, HISTORY, LOCK_PG, apply, missing};
use crate::migrations::MIGRATIONS;
use crate::tx::TxInner;
use crate::{Database, DbError, EngineKind, Migration, Tx, args};

/// Others wait for a lock of ours at most as long as ever; we are held up by nobody.
const UNLIMITED_PG: &str = "SET LOCAL idle_in_transaction_session_timeout = 0";
/// Values in one statement: below what either engine takes.
const MAX_VALUES: usize = 4_000;
/// Bytes of rows in one statement, about.
const MAX_BYTES: usize = 1 << 20;

/// A database that is being filled, in one transaction: until [`Restoration::finish`] has given that away and it is
/// committed, there is nothing in it, whatever happens to this process.
pub struct Restoration {
    tx: Tx,
    engine: EngineKind,
    pub(super) shapes: Vec<Shape>,
    migrations: Vec<AppliedMigration>,
    later: Vec<&'static Migration>,
    waiting: Vec<Cell>,
    waiting_bytes: usize,
    table: usize,
    filled: BTreeSet<usize>,
}

/// Finds that this build knows the schema that has these migrations.
///
/// # Errors
/// [`BackupError::Newer`], [`BackupError::ChangedMigration`].
pub fn check_known(migrations: &[AppliedMigration]) -> Result<(), BackupError> {
    not_in(migrations).map(drop)
}

/// What this build has beyond those.
fn not_in(migrations: &[AppliedMigration]) -> Result<Vec<&'static Migration>, BackupError> {
    let known =
        |migration: &AppliedMigration| (migration.module.clone(), migration.name.clone(), migration.sha256.clone());
    missing(MIGRATIONS, migrations.iter().map(known).collect()).map_err(|error| match error {
        DbError::UnknownMigration(name) => BackupError::Newer(name),
        DbError::ChangedMigration(name) => BackupError::ChangedMigration(name),
        other => BackupError::Database(other),
    })
}

impl Database {
    /// Begins to fill this database, which must be empty, with rows of a schema that has these migrations.
    ///
    /// # Errors
    /// [`BackupError::NotEmpty`], [`BackupError::Newer`], [`BackupError::ChangedMigration`].
    pub async fn restore(&self, migrations: &[AppliedMigration]) -> Result<Restoration, BackupError> {
        let later = not_in(migrations)?;
        let mut tx = self.begin().await?;
        if let TxInner::Pg(tx) = &mut tx.inner {
            sqlx::raw_sql(LOCK_PG).execute(&mut **tx).await.map_err(DbError::from)?;
            answered(sqlx::raw_sql(UNLIMITED_PG).execute(&mut **tx)).await.map_err(DbError::from)?;
        }
        if let Some(table) = any_table(&mut tx).await? {
            return Err(BackupError::NotEmpty(table));
        }
        tx.execute(CREATE_HISTORY, args![]).await?;
        let is_later =
            |known: &Migration| later.iter().any(|later| (later.module, later.name) == (known.module, known.name));
        for migration in MIGRATIONS.iter().filter(|known| !is_later(known)) {
            apply(&mut tx, migration).await?;
        }
        let shapes = shapes(&mut tx).await?;
        let mut migrations = migrations.to_vec();
        migrations.sort();
        let engine = self.kind();
        let (waiting, filled) = (Vec::new(), BTreeSet::new());
        let mut new =
            Restoration { tx, engine, shapes, migrations, later, waiting, waiting_bytes: 0, table: 0, filled };
        for at in (0..new.shapes.len()).rev() {
            let sql = new.shapes[at].empty();
            new.run(sql, Vec::new()).await?;
        }
        Ok(new)
    }
}

impl Restoration {
    /// The rows that follow are of this table, which has these columns.
    ///
    /// # Errors
    /// [`BackupError::OtherTable`] when its migrations make another.
    pub async fn table(&mut self, name: &str, columns: &[Column]) -> Result<(), BackupError> {
        self.flush().await?;
        let found = self.shapes.iter().position(|shape| shape.name == name && shape.columns == columns);
        self.table = found.ok_or_else(|| BackupError::OtherTable(name.to_owned()))?;
        self.filled.insert(self.table);
        Ok(())
    }

    /// Puts in a row of the table that was named last.
    pub async fn row(&mut self, cells: Vec<Cell>) -> Result<(), BackupError> {
        let bytes = |cell: &Cell| match cell {
            Cell::Text(text) | Cell::Json(text) => text.len(),
            Cell::Bytes(bytes) => bytes.len(),
            Cell::Null | Cell::Int(_) | Cell::Float(_) | Cell::Bool(_) => 8,
        };
        self.waiting_bytes += cells.iter().map(bytes).sum::<usize>();
        self.waiting.extend(cells);
        let width = self.shapes[self.table].columns.len();
        if self.waiting.len() + width > MAX_VALUES || self.waiting_bytes >= MAX_BYTES {
            self.flush().await?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), BackupError> {
        self.waiting_bytes = 0;
        let cells = std::mem::take(&mut self.waiting);
        if cells.is_empty() {
            return Ok(());
        }
        let shape = &self.shapes[self.table];
        let sql = shape.insert(self.engine, cells.len() / shape.columns.len().max(1));
        let kinds = shape.kinds();
        let values = cells.into_iter().enumerate().map(|(at, cell)| (kinds[at % kinds.len()], cell)).collect();
        Ok(self.run(sql, values).await?)
    }

    /// Brings the schema from the backup's to this build's, and hands over the transaction with everything in it.
    ///
    /// # Errors
    /// [`BackupError::OtherTable`] when a table was left out, or the rows tell of other migrations than was said.
    pub async fn finish(mut self) -> Result<Tx, BackupError> {
        self.flush().await?;
        if let Some(left_out) = (0..self.shapes.len()).find(|at| !self.filled.contains(at)) {
            return Err(BackupError::OtherTable(self.shapes[left_out].name.clone()));
        }
        let history: Vec<(String, String, String)> = self.tx.all(HISTORY, args![]).await?;
        let mut told: Vec<AppliedMigration> =
            history.into_iter().map(|(module, name, sha256)| AppliedMigration { module, name, sha256 }).collect();
        told.sort();
        if told != self.migrations {
            return Err(BackupError::OtherTable("lectern_migrations".to_owned()));
        }
        for migration in &self.later {
            apply(&mut self.tx, migration).await?;
        }
        Ok(self.tx)
    }

    async fn run(&mut self, sql: String, values: Vec<(Kind, Cell)>) -> Result<(), DbError> {
        macro_rules! run {
            ($tx:expr) => {{
                let mut query = sqlx::query(AssertSqlSafe(sql));
                for (kind, cell) in values {
                    query = match (cell, kind) {
                        (Cell::Text(text) | Cell::Json(text), _) => query.bind(text),
                        (Cell::Int(number), _) => query.bind(number),
                        (Cell::Float(number), _) => query.bind(number),
                        (Cell::Bool(is), _) => query.bind(is),
                        (Cell::Bytes(bytes), _) => query.bind(bytes),
                        (Cell::Null, Kind::Text | Kind::Json) => query.bind(None::<String>),
                        (Cell::Null, Kind::Int) => query.bind(None::<i64>),
                        (Cell::Null, Kind::Float) => query.bind(None::<f64>),
                        (Cell::Null, Kind::Bool) => query.bind(None::<bool>),
                        (Cell::Null, Kind::Bytes) => query.bind(None::<Vec<u8>>),
                    };
                }
                query.execute(&mut **$tx).await?;
            }};
        }
        match &mut self.tx.inner {
            TxInner::Lite(tx) => run!(tx),
            TxInner::Pg(tx) => run!(tx),
        }
        Ok(())
    }
}
