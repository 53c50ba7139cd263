//! Arguments of `lectern audit`.

use std::path::PathBuf;

use clap::Subcommand;

use super::Data;

#[derive(Subcommand)]
pub(crate) enum AuditCommand {
    /// Read the whole audit log and compare it with what was signed: nothing edited, deleted, put in or in another order.
    /// Everything may go on running
    Verify {
        /// A checkpoint that was kept where nobody who can write to the database can: nothing that it had may be missing now
        #[arg(long, value_name = "FILE")]
        since: Option<PathBuf>,
        /// Whose log; that of the installation's one tenant unless it is named
        #[arg(long, value_name = "ID")]
        tenant: Option<String>,
        #[command(flatten)]
        data: Data,
    },
}
