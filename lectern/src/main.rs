//! `lectern`: the command people type. Every part of the product is one of its subcommands.
//!
//! - `backup`: backups, made, checked and restored.
//! - `cli`: arguments.
//! - `commands`: one file per subcommand.
//! - `ladder_book`: the ladders in force, shipped and edited.
//! - `data`: what lies in a data folder.
//! - `engine`: the engine, with the devices that it is to use.
//! - `exit`: failures and their exit codes.
//! - `http`: requests to other machines.
//! - `out`: standard output, which may be closed.
//! - `package`: existing media to HLS and DASH.
//! - `report`: progress on a terminal, plain lines otherwise.
//! - `settings`: the variables of the environment, and what `serve`, `worker` and `origin` are told by them.
//! - `traces`: the way to a collector of traces.
//! - `units`: the units that this build has, and which of them a process serves.
//! - `watch`: a folder whose files are uploaded.
//!
//! Layer 8. Links no native media library: those are in `lectern-engine`.

mod backup;
mod cli;
mod commands;
mod data;
mod engine;
mod exit;
mod http;
mod ladder_book;
mod out;
mod package;
mod report;
mod settings;
mod traces;
mod units;
mod watch;

use std::process::ExitCode;

use clap::Parser;

use crate::exit::Failure;

fn main() -> ExitCode {
    let arguments = cli::Arguments::parse();
    let json = arguments.json;
    let lines = match &arguments.command {
        _ if arguments.verbose => "info,lectern=debug,workers=debug,engine_host=debug",
        // A table that is read in one go takes what it takes.
        cli::Command::Backup(_) => "info,sqlx=error",
        // What clients of brokers have to say of a broker that is away, bridges say in one line.
        _ => "info,sqlx=warn,async_nats=off,lapin=off,rskafka=off",
    };
    // It has one other name, so that no two can disagree.
    let asked = settings::said(settings::LOG, &settings::environment).ok().flatten();
    let asked = asked.as_ref().map(|said| said.text.as_str());
    let telemetry = telemetry::start(asked, lines, traces::export(&arguments.command));
    let ended = commands::run(arguments);
    telemetry.finish();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.print(json);
            failure.exit_code()
        }
    }
}

/// Runs a future on a runtime of its own.
fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| {
        Failure::unavailable("runtime.failed", format!("the runtime cannot start: {error}"), "free some memory")
    })?;
    let result = runtime.block_on(future);
    // Blocking reads that nobody waits for any more must not hold up the exit.
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    result
}
