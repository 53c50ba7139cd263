//! Jobs, assets and workers as lines.

use asset_store::AssetRow;
use job_queue::{Capabilities, Drain, JobRow, JobState, Offers, Scope, WorkerCard, WorkerRow};
use kernel::rfc3339;
use serde_json::{Value, json};

use crate::exit::Failure;
use crate::out;

fn part(job: &JobRow) -> f64 {
    if job.state == JobState::Done { 1.0 } else { job.progress.clamp(0.0, 1.0) }
}

fn value(job: &JobRow, offers: &Offers) -> Value {
    let words = |of: &Capabilities| of.words().map(str::to_owned).collect::<Vec<_>>();
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
        "needs": words(&job.needs),
        "lacks": words(&offers.lacking(job)),
        "cpu_ms": job.cpu_ms,
        "peak_bytes": job.peak_bytes,
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
pub(super) fn line(job: &JobRow, offers: &Offers, json: bool) -> Result<(), Failure> {
    if json {
        return out::line(value(job, offers));
    }
    let lacking = nobody_offers(&offers.lacking(job));
    let why = lacking.as_deref().or(job.error_code.as_deref()).unwrap_or_default();
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

/// Why nobody runs a job that could run.
fn nobody_offers(lacking: &Capabilities) -> Option<String> {
    (!lacking.is_empty()).then(|| format!("no worker offers {}", lacking.words().collect::<Vec<_>>().join(" and ")))
}

/// A job in full.
pub(super) fn one(job: &JobRow, offers: &Offers, json: bool) -> Result<(), Failure> {
    let value = value(job, offers);
    if json {
        return out::line(value);
    }
    for (name, value) in value.as_object().into_iter().flatten() {
        let text = match value {
            Value::Null => continue,
            Value::Array(words) if words.is_empty() => continue,
            Value::Array(_) if name == "lacks" => nobody_offers(&offers.lacking(job)).unwrap_or_default(),
            Value::Array(words) => words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
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
        let (name, version, offers, makes) = ("WORKER", "VERSION", "OFFERS", "MAKES WITH");
        let (running, processors, state) = ("JOBS", "PROCESSORS", "STATE");
        out::line(format_args!(
            "{name:<40} {version:<8} {running:>4} {processors:>10}  {state:<8} {offers:<23}  {makes}"
        ))?;
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
                "places": card.places, "running": running,
                "offers": card.offers.as_ref().map(|offers| offers.words().map(str::to_owned).collect::<Vec<_>>()),
                "drained": drained,
                "started_at": rfc3339(*started_ms), "seen_at": rfc3339(*seen_ms),
            }))?;
        } else {
            let state = if drained { "drained" } else { "at work" };
            let offers = card.offers.as_ref().map_or_else(|| "everything".to_owned(), Capabilities::to_string);
            let WorkerCard { name, version, places, makes, .. } = card;
            out::line(format_args!(
                "{name:<40} {version:<8} {running:>4} {places:>10}  {state:<8} {offers:<23}  {makes}"
            ))?;
        }
    }
    Ok(())
}
