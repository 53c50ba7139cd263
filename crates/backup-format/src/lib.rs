//! What a backup is made of, as bytes: the same of a database of either engine, so that it can be restored into either.
//!
//! - [`Manifest`]: what there is, of which schema, with counts and checksums. It is written last: without it there is no backup.
//! - [`row`]: a table's rows, a line of JSON each.
//! - [`json`]: one spelling of a JSON document, whichever engine has kept it.
//! - [`StoredObject`]: a line of the inventory: an object that the rows refer to.
//! - [`Sheet`], [`Lines`]: files of such lines, written and read with their checksum.
//!
//! Layer 2: bytes come in as arguments. All that is read here may be damaged or made by somebody else.

pub mod json;
mod manifest;
mod object;
pub mod row;
mod sheet;

pub use manifest::{
    AppliedMigration, Column, FORMAT, Inventory, MANIFEST, MAX_MANIFEST_BYTES, Manifest, SheetEntry, Table,
};
pub use object::StoredObject;
pub use row::{Cell, Kind};
pub use sheet::{Lines, MAX_LINE_BYTES, Sheet};

use thiserror::Error;

/// Why something is no backup, or not a whole one.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FormatError {
    /// The manifest is of a format that a later version has brought.
    #[error("the backup has format {0}, and this version reads format {FORMAT}")]
    Newer(u64),
    /// The manifest cannot be read as one.
    #[error("the manifest is damaged: {0}")]
    Manifest(String),
    /// A line cannot be read as what it is to be.
    #[error("line {line} of {file} is damaged: {what}")]
    Line {
        /// The file.
        file: String,
        /// From 1.
        line: u64,
        /// What is wrong, a clause.
        what: &'static str,
    },
    /// A file is not what the manifest says.
    #[error("{file} has {what}")]
    Differs {
        /// The file.
        file: String,
        /// How it differs, after "has".
        what: &'static str,
    },
    /// It could not be read.
    #[error("{file} cannot be read")]
    Io {
        /// The file.
        file: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}
