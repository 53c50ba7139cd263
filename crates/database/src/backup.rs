//! A database as rows that either engine can have put back: what a backup is made from, and restored into.
//!
//! - [`Snapshot`]: all tables as they are at one moment, while others go on writing.
//! - [`Restoration`]: the same put into an empty database, in one transaction.
//! - `schema`: which tables there are. No list of them is kept: the engine is asked.
//!
//! The statements that read and fill a table are made of the schema's own names, and of nothing else; a test prepares those
//! of every table on both engines.

mod restoration;
mod schema;
mod snapshot;
#[cfg(test)]
mod tests;

pub use restoration::{Restoration, check_known};
pub use schema::Shape;
pub use snapshot::Snapshot;

use backup_format::FormatError;
use thiserror::Error;

use crate::DbError;

/// Why a database was not backed up or restored.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BackupError {
    /// The database did not do what it was asked.
    #[error(transparent)]
    Database(#[from] DbError),
    /// What was read is no backup, or not a whole one.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// The database to restore into has tables.
    #[error("the database is not empty: it has a table {0}")]
    NotEmpty(String),
    /// The backup's schema has a migration that this build lacks.
    #[error("the backup is of a newer version: its schema has the migration {0}")]
    Newer(String),
    /// The backup's schema has a migration that is not the one this build carries.
    #[error("the migration {0} of the backup's schema differs from the one in this version")]
    ChangedMigration(String),
    /// A table of the backup is not the one that its migrations make.
    #[error("the table {0} of the backup is not the one that its migrations make")]
    OtherTable(String),
    /// The schema holds something that a backup cannot.
    #[error("the table {table} cannot be backed up: {why}")]
    Unfit {
        /// The table.
        table: String,
        /// Why, a clause.
        why: &'static str,
    },
    /// What a row was given to could not take it.
    #[error("the backup cannot be written")]
    Io(#[from] std::io::Error),
}
