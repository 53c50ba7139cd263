//! Having nothing more claimed, and claimed again.

use std::time::Duration;

use job_queue::{JobQueue, Scope};
use serde_json::json;

use super::queue_failed;
use crate::cli::Drained;
use crate::data::DataFolder;
use crate::exit::Failure;
use crate::out;

/// Between two looks at what runs.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// A claim that was under way when the drain began shows itself within so many looks.
const QUIET_LOOKS: u32 = 3;

pub(super) async fn drain(
    data: &DataFolder,
    what: Drained,
    reason: Option<&str>,
    wait: bool,
    json: bool,
) -> Result<(), Failure> {
    let queue = data.assets.queue();
    let scope = scope(queue, what).await?;
    queue.drain(&scope, reason).await.map_err(|error| queue_failed(&error))?;
    let mut told = None;
    let mut quiet = 0;
    loop {
        let running = queue.running_of(&scope).await.map_err(|error| queue_failed(&error))?;
        if told != Some(running) {
            told = Some(running);
            tell(&scope, running, json)?;
        }
        quiet = if running == 0 { quiet + 1 } else { 0 };
        if !wait || quiet == QUIET_LOOKS {
            return Ok(());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

pub(super) async fn resume(data: &DataFolder, what: Drained, json: bool) -> Result<(), Failure> {
    let queue = data.assets.queue();
    let scope = scope(queue, what).await?;
    let was = queue.resume(&scope).await.map_err(|error| queue_failed(&error))?;
    match json {
        true => out::line(json!({ "scope": scope.kind(), "name": scope.name(), "was_drained": was })),
        false if was => out::line(format_args!("{} claims jobs again", words(&scope))),
        false => out::line(format_args!("{} was not drained", words(&scope))),
    }
}

async fn scope(queue: &JobQueue, what: Drained) -> Result<Scope, Failure> {
    let Drained { stage, worker } = what;
    let Some(worker) = worker else { return Ok(stage.map_or(Scope::Queue, Scope::Stage)) };
    let known = queue.workers().await.map_err(|error| queue_failed(&error))?;
    if known.iter().any(|row| row.card.name == worker) {
        return Ok(Scope::Worker(worker));
    }
    let hint = "`lectern jobs workers` lists the workers there are";
    Err(Failure::config("worker.not_found", format!("there is no worker {worker}"), hint))
}

fn words(scope: &Scope) -> String {
    match scope {
        Scope::Queue => "the queue".to_owned(),
        Scope::Stage(name) => format!("stage {name}"),
        Scope::Worker(name) => format!("worker {name}"),
    }
}

fn tell(scope: &Scope, running: i64, json: bool) -> Result<(), Failure> {
    match json {
        true => out::line(json!({ "scope": scope.kind(), "name": scope.name(), "running": running })),
        false if running == 0 => out::line(format_args!("{} is drained: nothing runs", words(scope))),
        false => out::line(format_args!("{} claims nothing more; {running} jobs still run", words(scope))),
    }
}
