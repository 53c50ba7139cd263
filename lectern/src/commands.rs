//! One file per subcommand.

mod audit;
mod backup;
mod config;
mod docs;
mod doctor;
mod encode;
mod events;
mod figures;
mod jobs;
mod ladder;
mod limits;
pub(crate) mod lint;
mod migrate;
mod origin;
mod package;
mod probe;
mod renew;
mod rewrap;
mod serve;
mod units;
mod viewers;
mod worker;

use crate::cli::{Arguments, Command};
use crate::exit::Failure;
use crate::settings;

pub(crate) use serve::interrupted;

pub(crate) fn run(arguments: Arguments) -> Result<(), Failure> {
    let json = arguments.json;
    match arguments.command {
        Command::Serve(options) => going_on("serve", serve::run(*options, json)),
        Command::Worker(options) => going_on("worker", worker::run(options)),
        Command::Origin(options) => going_on("origin", origin::run(options, None, json)),
        Command::Units => units::run(json),
        Command::Watch(options) => crate::block_on(crate::watch::run(options, json)),
        Command::Encode(options) => crate::block_on(encode::run(options, json)),
        Command::Package(options) => package::run(&options, json),
        Command::Lint(options) => lint::run(&options, json),
        Command::Probe(options) => crate::block_on(probe::run(options, json)),
        Command::Ladder(command) => ladder::run(command, json),
        Command::Jobs(command) => crate::block_on(jobs::run(command, json)),
        Command::Limits(command) => crate::block_on(limits::run(command, json)),
        Command::Events(command) => crate::block_on(events::run(command, json)),
        Command::Backup(command) => crate::block_on(backup::run(command, json)),
        Command::Audit(command) => crate::block_on(audit::run(command, json)),
        Command::Config(command) => config::run(command, json),
        Command::Migrate(data) => crate::block_on(migrate::run(data)),
        Command::Rewrap(options) => crate::block_on(rewrap::run(options, json)),
        Command::Doctor(options) => crate::block_on(doctor::run(options, json)),
        Command::Completions { shell } => docs::completions(shell),
        Command::Man { out } => docs::man(&out),
    }
}

/// Runs a command that goes on, once it is said what of its settings changes nothing.
fn going_on(name: &str, command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    for sentence in settings::overruled(name, &settings::environment) {
        tracing::warn!("{sentence}");
    }
    crate::block_on(command)
}
