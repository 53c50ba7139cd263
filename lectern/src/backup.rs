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

use backup_format::FormatError;
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
    let said = kernel::problem::chain(&error);
    match error {
        E::Database(error) => error.into(),
        E::NotEmpty(_) => {
            let hint = "name a new file or a new, empty database with --database";
            Failure::config("backup.not_empty", said, hint)
        }
        E::Newer(_) | E::Format(FormatError::Newer(_)) => {
            Failure::bad_input("backup.newer", said, "use the version that made it, or a later one")
        }
        E::ChangedMigration(_) => {
            Failure::bad_input("backup.other_build", said, "restore it with the build that made it")
        }
        E::Format(_) | E::OtherTable(_) => {
            let hint = "use another backup; `lectern backup verify` lists all faults";
            Failure::bad_input("backup.damaged", said, hint)
        }
        E::Io(_) => Failure::unavailable("backup.unwritable", said, "check the folder of --to and its free space"),
        _ => Failure::failed("backup.failed", said, "use the version that the database was migrated by"),
    }
}

fn damaged(error: FormatError) -> Failure {
    refused(BackupError::Format(error))
}
