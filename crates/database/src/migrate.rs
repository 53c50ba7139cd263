//! Applying [`MIGRATIONS`](crate::migrations::MIGRATIONS) under one history table.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::clock;
use crate::migrations::MIGRATIONS;
use crate::tx::TxInner;
use crate::{Database, DbError, Migration, Tx, args};

pub(crate) const CREATE_HISTORY: &str = "CREATE TABLE IF NOT EXISTS lectern_migrations (
    module TEXT NOT NULL,
    name TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    applied_ms BIGINT NOT NULL,
    PRIMARY KEY (module, name)
)";
pub(crate) const HISTORY: &str = "SELECT module, name, sha256 FROM lectern_migrations";
const RECORD: &str = "INSERT INTO lectern_migrations (module, name, sha256, applied_ms) VALUES ($1, $2, $3, $4)";
const HAS_HISTORY_LITE: &str = "SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'lectern_migrations'";
const HAS_HISTORY_PG: &str = "SELECT CAST(table_name AS TEXT) FROM information_schema.tables
    WHERE table_schema = current_schema() AND table_name = 'lectern_migrations'";
/// One process migrates at a time, and the others wait for it. The number is arbitrary and ours alone.
pub(crate) const LOCK_PG: &str =
    "SET LOCAL lock_timeout = '120s'; SET LOCAL statement_timeout = 0; SELECT pg_advisory_xact_lock(30506458210923890)";

/// Rows of the history: module, name, hash.
type History = Vec<(String, String, String)>;

impl Database {
    /// Applies every migration that the database lacks, in one transaction. Processes that start at once wait for each
    /// other. Refuses a database that a newer build has migrated, and one with an edited migration.
    pub async fn migrate(&self) -> Result<(), DbError> {
        let mut tx = self.begin().await?;
        if let TxInner::Pg(tx) = &mut tx.inner {
            sqlx::raw_sql(LOCK_PG).execute(&mut **tx).await?;
        }
        tx.execute(CREATE_HISTORY, args![]).await?;
        let history = tx.all(HISTORY, args![]).await?;
        for migration in missing(MIGRATIONS, history)? {
            apply(&mut tx, migration).await?;
            tracing::info!(module = migration.module, name = migration.name, "applied a migration");
        }
        tx.commit().await
    }

    /// Fails with one sentence when the database is not exactly at this build's migrations.
    pub async fn check_migrated(&self) -> Result<(), DbError> {
        self.check(|_| true).await
    }

    /// The same of some folders of `migrations/` alone: how far the others are is the business of whoever uses those tables.
    pub async fn check_modules(&self, modules: &[&str]) -> Result<(), DbError> {
        self.check(|module| modules.contains(&module)).await
    }

    async fn check(&self, counts: impl Fn(&str) -> bool) -> Result<(), DbError> {
        let has_history = match self.kind() {
            crate::EngineKind::Sqlite => HAS_HISTORY_LITE,
            crate::EngineKind::Postgres => HAS_HISTORY_PG,
        };
        let mut history = match self.optional::<(String,)>(has_history, args![]).await? {
            Some(_) => self.all(HISTORY, args![]).await?,
            None => History::new(),
        };
        history.retain(|(module, ..)| counts(module));
        let known: Vec<Migration> = MIGRATIONS.iter().filter(|migration| counts(migration.module)).copied().collect();
        match missing(&known, history)?.len() {
            0 => Ok(()),
            missing => Err(DbError::NotMigrated { missing }),
        }
    }
}

pub(crate) async fn apply(tx: &mut Tx, migration: &Migration) -> Result<(), DbError> {
    match &mut tx.inner {
        TxInner::Lite(tx) => sqlx::raw_sql(migration.sql).execute(&mut **tx).await.map(drop)?,
        TxInner::Pg(tx) => sqlx::raw_sql(migration.sql).execute(&mut **tx).await.map(drop)?,
    }
    let now_ms = clock::in_ms(clock::machine());
    tx.execute(RECORD, args![migration.module, migration.name, sha256_hex(migration.sql), now_ms]).await?;
    Ok(())
}

/// What is in `known` but not in `history`, in order.
pub(crate) fn missing(known: &[Migration], history: History) -> Result<Vec<&Migration>, DbError> {
    let mut applied: BTreeMap<(String, String), String> =
        history.into_iter().map(|(module, name, sha256)| ((module, name), sha256)).collect();
    let mut missing = Vec::new();
    for migration in known {
        match applied.remove(&(migration.module.to_owned(), migration.name.to_owned())) {
            None => missing.push(migration),
            Some(sha256) if sha256 == sha256_hex(migration.sql) => {}
            Some(_) => return Err(DbError::ChangedMigration(format!("{}/{}", migration.module, migration.name))),
        }
    }
    match applied.into_keys().next() {
        Some((module, name)) => Err(DbError::UnknownMigration(format!("{module}/{name}"))),
        None => Ok(missing),
    }
}

pub(crate) fn sha256_hex(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
