//! One SQL for two engines: a facade over the native SQLite and PostgreSQL pools.
//!
//! - [`Address`]: where a database is; it may hold a password.
//! - [`Database`], [`Tx`]: open, read, write. Every statement is a `const` with `$1` placeholders that both engines take.
//! - [`Val`], [`args!`], [`row!`], [`Json`]: values into a statement and rows out of it.
//! - [`DbError`]: what went wrong, with the driver's error kept as the source.
//! - `wakeups`: word of commits, on PostgreSQL to every process of the database.
//! - [`Clock`], [`Database::now_ms`]: the time, which the processes of a server's database agree on.
//! - [`outbox`]: events, numbered in commit order.
//! - [`backup`]: all rows, out of a database of either engine and into one of either.
//! - [`migrations`]: every migration of every module, in order, compiled in.
//! - `testing` (feature `testing`): fresh databases on both engines, and preparing of statements.
//!
//! Rules of the common SQL: every primary and unique key names the tenant, ids are `TEXT`, times `BIGINT` milliseconds, JSON
//! holds objects and arrays and is never queried into, sums are cast (`CAST(SUM(x) AS BIGINT)`), an argument that may be
//! null is cast where its type cannot be inferred (`CAST($1 AS TEXT) IS NULL`), and `/*SKIP LOCKED*/` ends the inner
//! `SELECT` of a claim.

mod address;
pub mod backup;
mod clock;
mod engine;
mod error;
mod migrate;
pub mod migrations;
pub mod outbox;
mod row;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
mod tx;
mod value;
mod wakeups;

pub use address::Address;
pub use clock::Clock;
pub use engine::{Database, EngineKind};
pub use error::DbError;
pub use migrations::Migration;
pub use row::Row;
pub use sqlx::types::Json;
pub use tx::Tx;
pub use value::Val;

/// What the macros of this crate expand to; not for direct use.
#[doc(hidden)]
pub mod macro_support {
    pub use sqlx::postgres::PgRow;
    pub use sqlx::sqlite::SqliteRow;
    pub use sqlx::{Error, FromRow, Row};
}
