//! Backups: a folder that holds all rows of a database, and the list of the objects that they refer to.
//!
//! ```text
//! manifest.json            written last: without it there is no backup
//! rows-<time>/<table>.jsonl   a line for each row
//! rows-<time>/store-objects.jsonl   a line for each object
//! objects/<key>            the objects, if they are copied too
//! ```
//!
//! - `folder`: the folder, and that no half of a backup ever looks like one.
//! - `create`, `verify`, `restore`: what is done with it.
//! - `objects`: which objects an asset's rows refer to; copying them.
//! - `agree`: a restored database and a store that went on.

mod agree;
pub(crate) mod create;
mod folder;
mod objects;
pub(crate) mod restore;
pub(crate) mod verify;

use database::backup::BackupError;

use crate::exit::Failure;

/// What stands behind the count of what is too much to list.
const MOST_NAMED: usize = 20;

/// The first of many names, and how many there are.
#[derive(Default)]
pub(crate) struct Named {
    pub(crate) count: u64,
    pub(crate) first: Vec<String>,
}

impl Named {
    fn add(&mut self, name: impl FnOnce() -> String) {
        self.count += 1;
        if self.first.len() < MOST_NAMED {
            self.first.push(name());
        }
    }
}

fn refused(error: BackupError) -> Failure {
    use database::backup::BackupError as E;
    let (code, hint) = match &error {
        E::Database(_) => match error {
            E::Database(error) => return error.into(),
            _ => return Failure::failed("backup.failed", error, ""),
        },
        E::NotEmpty(_) => ("backup.not_empty", "name a new file or a new, empty database with --database"),
        E::Newer(_) => ("backup.newer", "restore it with the version that its manifest names, or a later one"),
        E::ChangedMigration(_) => ("backup.other_build", "restore it with the build that made it"),
        E::Format(backup_format::FormatError::Newer(_)) => ("backup.newer", "read it with a newer version"),
        E::Format(_) | E::OtherTable(_) => {
            ("backup.damaged", "use another backup; `lectern backup verify` lists all faults")
        }
        E::Io(_) => ("backup.unwritable", "check the folder of --to and its free space"),
        _ => ("backup.failed", ""),
    };
    match &error {
        E::Format(_) | E::OtherTable(_) | E::Newer(_) | E::ChangedMigration(_) => {
            Failure::bad_input(code, kernel::problem::chain(&error), hint)
        }
        E::NotEmpty(_) => Failure::config(code, &error, hint),
        _ => Failure::failed(code, kernel::problem::chain(&error), hint),
    }
}

fn damaged(error: backup_format::FormatError) -> Failure {
    refused(BackupError::Format(error))
}
