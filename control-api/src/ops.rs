//! For those who run it: is it alive, can it work, what does it do.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use asset_flow::Phase;
use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use job_queue::{Backlog, JobState};
use kernel::Problem;
use kernel::problem::{ProblemBody, chain};
use serde::Serialize;
use telemetry::figures::{self, Text};
use utoipa::ToSchema;

use crate::error;
use crate::front::Front;
use crate::state::Installation;

/// Answers so far, by the first digit of their status.
#[derive(Default)]
pub(crate) struct Requests([AtomicU64; 5]);

/// Middleware: counts answers.
pub(crate) async fn count(State(requests): State<Arc<Requests>>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let class = usize::from(response.status().as_u16() / 100);
    if let Some(counter) = class.checked_sub(1).and_then(|class| requests.0.get(class)) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
    response
}

/// How it is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok` or `ready`.
    status: &'static str,
    /// The version that runs.
    version: String,
}

/// Whether the process answers at all.
#[utoipa::path(
    get, path = "/healthz", operation_id = "healthz", tag = "operations",
    responses((status = 200, description = "it answers", body = Health)),
    extensions(("x-rate-limits" = json!("none")))
)]
pub(crate) async fn healthz(State(front): State<Front>) -> Response {
    axum::Json(Health { status: "ok", version: front.version.clone() }).into_response()
}

/// Whether it can work: the database, where it needs one, answers and is migrated. Units elsewhere are not asked.
#[utoipa::path(
    get, path = "/readyz", operation_id = "readyz", tag = "operations",
    responses(
        (status = 200, description = "it can work", body = Health),
        (status = 503, description = "it cannot", body = ProblemBody),
    ),
    extensions(("x-rate-limits" = json!("none")))
)]
pub(crate) async fn readyz(State(front): State<Front>) -> Result<Response, Problem> {
    if let Some(database) = &front.database {
        database.check_modules(&front.tables).await.map_err(|error| {
            tracing::warn!(error = %chain(&error), "not ready");
            let detail = "the database does not answer or is not migrated";
            Problem::unavailable(kernel::codes::SERVER_NOT_READY, detail, 2)
        })?;
    }
    Ok(axum::Json(Health { status: "ready", version: front.version.clone() }).into_response())
}

/// Figures for Prometheus.
#[utoipa::path(
    get, path = "/metrics", operation_id = "metrics", tag = "operations",
    responses((status = 200, description = "text format 0.0.4", body = String, content_type = "text/plain"))
)]
pub(crate) async fn metrics(State(front): State<Front>) -> Result<Response, Problem> {
    let mut text = Text::default();
    text.family("lectern_build_info", "gauge", "The version that runs.");
    text.line("lectern_build_info", &[("version", &front.version)], 1);
    for figures in &front.figures {
        figures(&mut text).await?;
    }
    text.family("lectern_http_responses_total", "counter", "Answers by class of status.");
    for (class, counter) in front.requests.0.iter().enumerate() {
        let class = format!("{}xx", class + 1);
        text.line("lectern_http_responses_total", &[("class", &class)], counter.load(Ordering::Relaxed));
    }
    if let Some(database) = &front.database {
        kernel::reader::figures(database, &mut text).await?;
    }
    figures::write(&mut text);
    front.more_figures.iter().for_each(|more| more(&mut text));
    Ok(([(header::CONTENT_TYPE, Text::MEDIA_TYPE)], text.finish()).into_response())
}

/// The library of the whole installation: every process that serves it says the same.
pub(crate) async fn of_media(api: Installation, text: &mut Text) -> Result<(), Problem> {
    let assets = api.store.count_by_state().await.map_err(error::store)?;
    let renewals = api.store.count_renewals().await.map_err(error::store)?;
    text.family("lectern_assets", "gauge", "Assets by state.");
    for phase in Phase::ALL.into_iter().filter(|phase| *phase != Phase::Deleted) {
        let count = assets.iter().find(|(known, _)| *known == phase).map_or(0, |(_, count)| *count);
        text.line("lectern_assets", &[("state", &phase.to_string())], count);
    }
    text.family("lectern_renewals", "gauge", "Recordings to be encoded again, and given up, by state.");
    for (state, count) in renewals {
        text.line("lectern_renewals", &[("state", &state)], count);
    }
    Ok(())
}

/// The work of the whole installation.
pub(crate) async fn of_processing(api: Installation, text: &mut Text) -> Result<(), Problem> {
    let jobs = api.queue().depths().await.map_err(error::queue)?;
    let backlog = api.queue().backlog().await.map_err(error::queue)?;
    let unclaimable = api.queue().unclaimable().await.map_err(error::queue)?;
    text.family("lectern_jobs", "gauge", "Unfinished and parked jobs by stage and state.");
    for (stage, state, count) in jobs {
        text.line("lectern_jobs", &[("stage", &stage), ("state", state.as_str())], count);
    }
    queue(text, &backlog);
    let help = "Jobs that could run if a worker offered what they lack.";
    text.family("lectern_queue_unclaimable_jobs", "gauge", help);
    for (lacks, count) in unclaimable {
        let lacks = lacks.words().collect::<Vec<_>>().join("+");
        text.line("lectern_queue_unclaimable_jobs", &[("lacks", &lacks)], count);
    }
    Ok(())
}

fn queue(text: &mut Text, backlog: &[Backlog]) {
    text.family("lectern_queue_jobs", "gauge", "Unfinished and parked jobs by class and state.");
    for Backlog { class, state, count, .. } in backlog {
        text.line("lectern_queue_jobs", &[("class", class), ("state", state.as_str())], count);
    }
    let help = "For how long the oldest job of a class that could run has waited for a worker.";
    text.family("lectern_queue_oldest_ready_seconds", "gauge", help);
    for Backlog { class, oldest_ms, .. } in backlog.iter().filter(|of| of.state == JobState::Ready) {
        text.line("lectern_queue_oldest_ready_seconds", &[("class", class)], *oldest_ms as f64 / 1_000.0);
    }
}
