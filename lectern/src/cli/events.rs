//! Arguments of `lectern events`.

use clap::Subcommand;

use super::Data;

#[derive(Subcommand)]
pub(crate) enum EventsCommand {
    /// List who reads events (handlers of units, webhooks, bridges), how far each is, and what it has failed to take
    Readers {
        #[command(flatten)]
        data: Data,
    },
    /// Have events taken anew, from the first one on. The handlers of a unit make the same of them again; whoever listens to a bridge
    /// gets all of them once more
    Replay {
        #[command(flatten)]
        of: ReplayedOnes,
        #[command(flatten)]
        data: Data,
    },
    /// Have the handlers of a unit try again at once what they have failed to take
    Retry {
        /// The unit's slug
        #[arg(long, value_name = "SLUG")]
        unit: String,
        #[command(flatten)]
        data: Data,
    },
    /// Forget how far a bridge is that is configured no longer
    Forget {
        /// The bridge's name
        #[arg(long, value_name = "NAME")]
        bridge: String,
        #[command(flatten)]
        data: Data,
    },
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
pub(crate) struct ReplayedOnes {
    /// All handlers of a unit, by its slug
    #[arg(long, value_name = "SLUG")]
    pub(crate) unit: Option<String>,
    /// A bridge, by its name
    #[arg(long, value_name = "NAME")]
    pub(crate) bridge: Option<String>,
}
