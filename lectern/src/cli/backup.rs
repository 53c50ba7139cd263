//! Arguments of `lectern backup`.

use std::path::PathBuf;

use clap::Subcommand;

use super::Data;

#[derive(Subcommand)]
pub(crate) enum BackupCommand {
    /// Write all rows of the database, as they are at one moment, and the list of the objects that they refer to into a
    /// folder. Everything may go on running
    Create {
        /// The folder; made if it is not there. A backup that lies in it is replaced when the new one is whole
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
        /// Copy the objects too, as far as the folder does not hold them yet
        #[arg(long)]
        with_objects: bool,
        #[command(flatten)]
        data: Data,
    },
    /// Check that a backup is whole, and with a store that it holds what the backup refers to
    Verify {
        /// The backup's folder
        backup: PathBuf,
        /// The store: a folder, or s3://BUCKET/PREFIX
        #[arg(long, value_name = "DIR|s3://...")]
        store: Option<String>,
    },
    /// Put a backup into an empty database of either engine, and make it agree with the store. All other processes of the
    /// installation must have ended
    Restore {
        /// The backup's folder
        backup: PathBuf,
        #[command(flatten)]
        data: Data,
    },
}
