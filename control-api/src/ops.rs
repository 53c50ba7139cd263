//! For those who run it: is it alive, can it work, what does it do.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use asset_flow::Phase;
use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use kernel::Problem;
use kernel::problem::{ProblemBody, chain};
use serde::Serialize;
use utoipa::ToSchema;

use crate::state::Api;
use crate::{codes, error};

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
    responses((status = 200, description = "it answers", body = Health))
)]
pub(crate) async fn healthz(State(api): State<Api>) -> Response {
    axum::Json(Health { status: "ok", version: api.version.clone() }).into_response()
}

/// Whether it can work: the database answers and is migrated.
#[utoipa::path(
    get, path = "/readyz", operation_id = "readyz", tag = "operations",
    responses(
        (status = 200, description = "it can work", body = Health),
        (status = 503, description = "it cannot", body = ProblemBody),
    )
)]
pub(crate) async fn readyz(State(api): State<Api>) -> Result<Response, Problem> {
    api.queue().database().check_migrated().await.map_err(|error| {
        tracing::warn!(error = %chain(&error), "not ready");
        Problem::unavailable(codes::SERVER_NOT_READY, "the database does not answer or is not migrated", 2)
    })?;
    Ok(axum::Json(Health { status: "ready", version: api.version.clone() }).into_response())
}

/// Figures for Prometheus.
#[utoipa::path(
    get, path = "/metrics", operation_id = "metrics", tag = "operations",
    responses((status = 200, description = "text format 0.0.4", body = String, content_type = "text/plain"))
)]
pub(crate) async fn metrics(State(api): State<Api>) -> Result<Response, Problem> {
    let assets = api.store.count_by_state().await.map_err(error::store)?;
    let renewals = api.store.count_renewals().await.map_err(error::store)?;
    let jobs = api.queue().depths().await.map_err(error::queue)?;
    let mut text = String::new();
    family(&mut text, "lectern_build_info", "gauge", "The version that runs.");
    line(&mut text, "lectern_build_info", &format!("version=\"{}\"", escape(&api.version)), 1);
    family(&mut text, "lectern_assets", "gauge", "Assets by state.");
    for phase in Phase::ALL.into_iter().filter(|phase| *phase != Phase::Deleted) {
        let count = assets.iter().find(|(known, _)| *known == phase).map_or(0, |(_, count)| *count);
        line(&mut text, "lectern_assets", &format!("state=\"{phase}\""), count);
    }
    family(&mut text, "lectern_renewals", "gauge", "Recordings to be encoded again, and given up, by state.");
    for (state, count) in renewals {
        line(&mut text, "lectern_renewals", &format!("state=\"{}\"", escape(&state)), count);
    }
    family(&mut text, "lectern_jobs", "gauge", "Unfinished and parked jobs by stage and state.");
    for (stage, state, count) in jobs {
        let labels = format!("stage=\"{}\",state=\"{state}\"", escape(&stage));
        line(&mut text, "lectern_jobs", &labels, u64::try_from(count).unwrap_or(0));
    }
    family(&mut text, "lectern_http_responses_total", "counter", "Answers by class of status.");
    for (class, counter) in api.requests.0.iter().enumerate() {
        let labels = format!("class=\"{}xx\"", class + 1);
        line(&mut text, "lectern_http_responses_total", &labels, counter.load(Ordering::Relaxed));
    }
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}

fn family(text: &mut String, name: &str, kind: &str, help: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn line(text: &mut String, name: &str, labels: &str, value: u64) {
    let _ = writeln!(text, "{name}{{{labels}}} {value}");
}

/// A label's value, as the text format wants it.
fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
