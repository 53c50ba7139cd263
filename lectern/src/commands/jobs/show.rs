//! Jobs, assets and workers as lines.

use asset_store::AssetRow;
use job_queue::{Drain, JobRow, JobState, Scope, WorkerRow};
use kernel::rfc3339;
use serde_json::{Value, json};

use crate::exit::Failure;
use crate::out;

fn part(job: &JobRow) -> f64 {
    if job.state == JobState::Done { 1.0 } else { job.progress.clamp(0.0, 1.0) }
}

fn value(job: &JobRow) -> Value {
    json!({
        "id": job.id,
        "asset_id": job.asset_id,
        "stage": job.stage,
        "making": job.making,
        "state": job.state.as_str(),
        "priority": job.priority,
        "attempt": job.attempt,
        "max_attempts": job.max_attempts,
        "percent": (part(job) * 1000.0).round() / 10.0,
        "worker": job.worker,
        "error": job.error_code.as_ref().map(|code| json!({ "code": code, "detail": job.error_detail })),
        "created_at": rfc3339(job.created_ms),
        "started_at": job.started_ms.map(rfc3339),
        "finished_at": job.finished_ms.map(rfc3339),
    })
}

/// What stands over the lines.
pub(super) fn heading(json: bool) -> Result<(), Failure> {
    match json {
        true => Ok(()),
        false => out::line(format_args!(
            "{:<36}  {:<36}  {:<16} {:<9} {:>4}  {:>7}  why",
            "JOB", "ASSET", "STAGE", "STATE", "DONE", "ATTEMPT"
        )),
    }
}

/// A job in one line.
pub(super) fn line(job: &JobRow, json: bool) -> Result<(), Failure> {
    if json {
        return out::line(value(job));
    }
    let why = job.error_code.as_deref().unwrap_or_default();
    let text = format!(
        "{:<36}  {:<36}  {:<16} {:<9} {:>3.0}%  {:>3}/{:<3}  {why}",
        job.id,
        job.asset_id,
        job.stage,
        job.state.as_str(),
        part(job) * 100.0,
        job.attempt,
        job.max_attempts,
    );
    out::line(text.trim_end())
}

/// A job in full.
pub(super) fn one(job: &JobRow, json: bool) -> Result<(), Failure> {
    let value = value(job);
    if json {
        return out::line(value);
    }
    for (name, value) in value.as_object().into_iter().flatten() {
        let text = match value {
            Value::Null => continue,
            Value::String(text) => text.clone(),
            Value::Object(error) => {
                let texts: Vec<&str> = error.values().filter_map(Value::as_str).collect();
                texts.join(": ")
            }
            other => other.to_string(),
        };
        out::line(format_args!("{:<14}{text}", name.replace('_', " ")))?;
    }
    Ok(())
}

/// An asset after it was asked to go on or to stop.
pub(super) fn asset(asset: &AssetRow, json: bool) -> Result<(), Failure> {
    match json {
        true => out::line(json!({ "asset_id": asset.id, "state": asset.state, "step": asset.flow.step() })),
        false => out::line(format_args!("{} is {} ({})", asset.id, asset.state, asset.flow.step())),
    }
}

/// Who works.
pub(super) fn workers(workers: &[WorkerRow], drains: &[Drain], json: bool) -> Result<(), Failure> {
    if !json {
        let (name, version, makes) = ("WORKER", "VERSION", "MAKES WITH");
        out::line(format_args!("{name:<40} {version:<8} {:>7}  {:<8}  {makes}", "RUNNING", "STATE"))?;
    }
    for WorkerRow { card, running, started_ms, seen_ms } in workers {
        let drained = |drain: &Drain| match &drain.scope {
            Scope::Queue => true,
            Scope::Stage(_) => false,
            Scope::Worker(name) => *name == card.name,
        };
        let drained = drains.iter().any(drained);
        if json {
            out::line(json!({
                "name": card.name, "host": card.host, "version": card.version, "makes": card.makes,
                "places": card.places, "running": running, "drained": drained,
                "started_at": rfc3339(*started_ms), "seen_at": rfc3339(*seen_ms),
            }))?;
        } else {
            let state = if drained { "drained" } else { "at work" };
            let running = format!("{running}/{}", card.places);
            out::line(format_args!("{:<40} {:<8} {running:>7}  {state:<8}  {}", card.name, card.version, card.makes))?;
        }
    }
    Ok(())
}
