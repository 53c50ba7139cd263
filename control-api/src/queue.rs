//! The queue as a whole: who works, and what is drained.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use job_queue::{Scope, WorkerRow};
use kernel::problem::ProblemBody;
use kernel::{ApiJson, ApiPath, Problem, rfc3339};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::state::Api;
use crate::{codes, error};

/// The queue, over all tenants.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QueueView {
    /// What claims nothing more until it is resumed.
    drained: Vec<DrainedView>,
    /// Unfinished and parked jobs.
    depths: Vec<DepthView>,
}

/// Something that claims nothing more.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DrainedView {
    /// `queue` (everything), `stage` or `worker`.
    scope: &'static str,
    /// The stage or the worker.
    name: Option<String>,
    /// In the words of who drained it.
    reason: Option<String>,
    /// RFC 3339.
    since: String,
    /// Jobs of it that still run.
    running: i64,
}

/// How many jobs of a stage are in a state.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DepthView {
    stage: String,
    /// `waiting`, `ready`, `running` or `parked`.
    state: &'static str,
    count: i64,
}

/// A process that works on the queue.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WorkerView {
    /// Unique for every start; jobs name it.
    name: String,
    /// The machine.
    host: String,
    /// Of Lectern.
    version: String,
    /// `processor`, or the device that it uses.
    makes: String,
    /// Processors that its jobs may use at once.
    places: i64,
    /// What it can do: `cpu`, `gpu`, and codecs that it encodes, each after a trial. `null` of a version that does not say, and
    /// claims everything.
    offers: Option<Vec<String>>,
    /// Jobs that it runs now.
    running: i64,
    /// Whether it claims nothing more.
    drained: bool,
    /// RFC 3339.
    started_at: String,
    /// When it last said that it lives. One that has been silent for minutes is left out.
    seen_at: String,
}

/// The workers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Workers {
    /// The oldest first, at most 1000.
    items: Vec<WorkerView>,
}

/// What to drain.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Drain {
    /// Only the jobs of this stage; everything when absent.
    stage: Option<String>,
    /// Why, for others to read; at most 200 characters.
    reason: Option<String>,
}

/// Why a worker is drained.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DrainWorker {
    /// For others to read; at most 200 characters.
    reason: Option<String>,
}

/// What to resume.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Resume {
    /// The stage; everything when absent.
    stage: Option<String>,
}

/// The queue: what is drained, and how much there is to do.
#[utoipa::path(
    get, path = "/api/v1/queue", operation_id = "get_queue", tag = "jobs",
    responses((status = 200, description = "the queue", body = QueueView))
)]
pub(crate) async fn show(api: Api) -> Result<Json<QueueView>, Problem> {
    view(&api).await.map(Json)
}

async fn view(api: &Api) -> Result<QueueView, Problem> {
    let mut drained = Vec::new();
    for drain in api.queue().drains().await.map_err(error::queue)? {
        let running = api.queue().running_of(&drain.scope).await.map_err(error::queue)?;
        let name = Some(drain.scope.name().to_owned()).filter(|name| !name.is_empty());
        let since = rfc3339(drain.since_ms);
        drained.push(DrainedView { scope: drain.scope.kind(), name, reason: drain.reason, since, running });
    }
    let depths = api.queue().depths().await.map_err(error::queue)?;
    let depth =
        |(stage, state, count): (String, job_queue::JobState, i64)| DepthView { stage, state: state.as_str(), count };
    Ok(QueueView { drained, depths: depths.into_iter().map(depth).collect() })
}

/// Has nothing more claimed, or nothing of a stage; what runs goes on to its end.
///
/// It drains over restarts, until it is resumed. `drained[].running` says what is still at work.
#[utoipa::path(
    post, path = "/api/v1/queue/drain", operation_id = "drain_queue", tag = "jobs", request_body = Drain,
    responses(
        (status = 200, description = "the queue", body = QueueView),
        (status = 422, description = "no such stage, or too long a reason", body = ProblemBody),
    )
)]
pub(crate) async fn drain(api: Api, ApiJson(what): ApiJson<Drain>) -> Result<Json<QueueView>, Problem> {
    let scope = scope(what.stage)?;
    api.queue().drain(&scope, reason(what.reason.as_deref())?).await.map_err(error::queue)?;
    view(&api).await.map(Json)
}

/// Has jobs claimed again.
#[utoipa::path(
    post, path = "/api/v1/queue/resume", operation_id = "resume_queue", tag = "jobs", request_body = Resume,
    responses(
        (status = 200, description = "the queue", body = QueueView),
        (status = 422, description = "no such stage", body = ProblemBody),
    )
)]
pub(crate) async fn resume(api: Api, ApiJson(what): ApiJson<Resume>) -> Result<Json<QueueView>, Problem> {
    api.queue().resume(&scope(what.stage)?).await.map_err(error::queue)?;
    view(&api).await.map(Json)
}

fn scope(stage: Option<String>) -> Result<Scope, Problem> {
    match stage {
        None => Ok(Scope::Queue),
        Some(stage) if asset_flow::ALL_STAGES.contains(&stage.as_str()) => Ok(Scope::Stage(stage)),
        Some(_) => Err(Problem::invalid("/stage", kernel::codes::FIELD_INVALID, "there is no such stage")),
    }
}

fn reason(text: Option<&str>) -> Result<Option<&str>, Problem> {
    let invalid = |detail| Problem::invalid("/reason", kernel::codes::FIELD_INVALID, detail);
    kernel::text::check(text.unwrap_or_default(), 0..=200).map_err(invalid)?;
    Ok(text)
}

/// The processes that work on the queue.
#[utoipa::path(
    get, path = "/api/v1/workers", operation_id = "list_workers", tag = "jobs",
    responses((status = 200, description = "all of them", body = Workers))
)]
pub(crate) async fn workers(api: Api) -> Result<Json<Workers>, Problem> {
    let drains = api.queue().drains().await.map_err(error::queue)?;
    let rows = api.queue().workers().await.map_err(error::queue)?;
    let view = |row: WorkerRow| {
        let card = row.card;
        let drained = drains.iter().any(|drain| match &drain.scope {
            Scope::Queue => true,
            Scope::Stage(_) => false,
            Scope::Worker(name) => *name == card.name,
        });
        WorkerView {
            name: card.name,
            host: card.host,
            version: card.version,
            makes: card.makes,
            places: card.places,
            offers: card.offers.map(|offers| offers.words().map(str::to_owned).collect()),
            running: row.running,
            drained,
            started_at: rfc3339(row.started_ms),
            seen_at: rfc3339(row.seen_ms),
        }
    };
    Ok(Json(Workers { items: rows.into_iter().map(view).collect() }))
}

/// Has a worker claim nothing more; what it runs goes on to its end.
///
/// It drains until it is resumed or the process ends.
#[utoipa::path(
    post, path = "/api/v1/workers/{name}/drain", operation_id = "drain_worker", tag = "jobs",
    params(("name" = String, Path, description = "its name")), request_body = DrainWorker,
    responses(
        (status = 200, description = "the queue", body = QueueView),
        (status = 404, description = "no such worker", body = ProblemBody),
        (status = 422, description = "too long a reason", body = ProblemBody),
    )
)]
pub(crate) async fn drain_worker(
    api: Api,
    ApiPath(name): ApiPath<String>,
    ApiJson(what): ApiJson<DrainWorker>,
) -> Result<Response, Problem> {
    let scope = worker(&api, name).await?;
    api.queue().drain(&scope, reason(what.reason.as_deref())?).await.map_err(error::queue)?;
    Ok((StatusCode::OK, Json(view(&api).await?)).into_response())
}

/// Has a worker claim jobs again.
#[utoipa::path(
    post, path = "/api/v1/workers/{name}/resume", operation_id = "resume_worker", tag = "jobs",
    params(("name" = String, Path, description = "its name")),
    responses(
        (status = 200, description = "the queue", body = QueueView),
        (status = 404, description = "no such worker", body = ProblemBody),
    )
)]
pub(crate) async fn resume_worker(api: Api, ApiPath(name): ApiPath<String>) -> Result<Json<QueueView>, Problem> {
    let scope = worker(&api, name).await?;
    api.queue().resume(&scope).await.map_err(error::queue)?;
    view(&api).await.map(Json)
}

async fn worker(api: &Api, name: String) -> Result<Scope, Problem> {
    let known = api.queue().workers().await.map_err(error::queue)?;
    match known.iter().any(|row| row.card.name == name) {
        true => Ok(Scope::Worker(name)),
        false => Err(Problem::not_found(codes::WORKER_NOT_FOUND, "there is no such worker")),
    }
}
