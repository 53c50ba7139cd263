//! Arguments of `lectern config`.

use std::ffi::OsString;

use clap::Subcommand;

#[derive(Subcommand)]
pub(crate) enum ConfigCommand {
    /// Every setting of `serve`, `worker` or `origin` as it is here: its value, where that comes from, and what it is for. Secrets
    /// are not shown
    Explain {
        /// The command, with arguments as it would be started with, such as `worker --data /srv/lectern`; `serve` if not given
        #[arg(value_name = "COMMAND LINE", trailing_var_arg = true, allow_hyphen_values = true)]
        line: Vec<OsString>,
    },
}
