//! Arguments of `lectern limits`.

use clap::Subcommand;

use super::Data;

#[derive(Subcommand)]
pub(crate) enum LimitsCommand {
    /// Show the limits that are set, and what the tenant has
    Show {
        /// A tenant's id; the one that a server without tenants has if not given
        #[arg(long, value_name = "ID")]
        tenant: Option<String>,
        #[command(flatten)]
        data: Data,
    },
    /// Set limits in place of former ones; those that are not named end
    Set {
        #[command(flatten)]
        whose: LimitedOnes,
        /// Recordings that are not ready yet; with --all, those that are processed
        #[arg(long, value_name = "N")]
        open_assets: Option<u64>,
        /// Bytes of sources
        #[arg(long, value_name = "BYTES")]
        stored_bytes: Option<u64>,
        /// Seconds of work on a day (UTC)
        #[arg(long, value_name = "S")]
        cpu_s_per_day: Option<u64>,
        #[command(flatten)]
        data: Data,
    },
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
pub(crate) struct LimitedOnes {
    /// All tenants together
    #[arg(long)]
    pub(crate) all: bool,
    /// Each tenant that has no limits of its own
    #[arg(long)]
    pub(crate) each: bool,
    /// One tenant, by its id
    #[arg(long, value_name = "ID")]
    pub(crate) tenant: Option<String>,
}
