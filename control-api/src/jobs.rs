//! Jobs of the queue.

use axum::http::HeaderMap;
use axum::response::Response;
use job_queue::{Capabilities, JobFilter, JobRow, JobState, Offers};
use kernel::conditional::respond_json;
use kernel::problem::ProblemBody;
use kernel::{ApiPath, ApiQuery, Cursor, Page, Problem, rfc3339};
use media_types::JobId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::state::Api;
use crate::views::tenths;
use crate::{codes, error};

/// One job.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobView {
    /// The job.
    id: String,
    /// What it works on.
    asset_id: String,
    /// `probe`, `plan`, `encode_range`, `encode_audio`, `stills`, `read_text`, `publish_first`, `publish_complete`, `tidy`
    /// or `delete`.
    stage: String,
    /// Which making of the asset's media it belongs to: 0 the first, then one for each renewal.
    making: u32,
    /// `waiting`, `ready`, `running`, `done`, `parked` or `cancelled`.
    state: &'static str,
    /// Higher goes first.
    priority: i64,
    /// Claims so far.
    attempt: i64,
    /// How often it may be tried.
    max_attempts: i64,
    /// 0 to 100, of this attempt.
    percent: f64,
    /// The last worker that claimed it.
    worker: Option<String>,
    /// What a worker must offer to run it, such as `cpu` or `av1`; empty for anything.
    needs: Vec<String>,
    /// What of that no worker offers, while it waits for one.
    lacks: Vec<String>,
    /// Processor time of the last attempt that ended, in milliseconds, its engines' included.
    cpu_ms: Option<i64>,
    /// The most memory that an engine of it had.
    peak_bytes: Option<i64>,
    /// Why the last attempt failed, or why the job was cancelled.
    error: Option<JobFailure>,
    /// RFC 3339.
    created_at: String,
    /// RFC 3339.
    started_at: Option<String>,
    /// RFC 3339.
    finished_at: Option<String>,
}

/// Why an attempt failed, or a job was cancelled.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobFailure {
    /// Stable, for programs.
    code: String,
    /// One sentence.
    detail: String,
}

impl JobView {
    /// A job as it stands among workers that offer this.
    pub(crate) fn among(offers: &Offers, row: JobRow) -> Self {
        let words = |of: &Capabilities| of.words().map(str::to_owned).collect();
        let lacks = words(&offers.lacking(&row));
        let error = row.error_code.map(|code| JobFailure { code, detail: row.error_detail.unwrap_or_default() });
        let part = if row.state == JobState::Done { 1.0 } else { row.progress };
        Self {
            id: row.id.to_string(),
            asset_id: row.asset_id.to_string(),
            stage: row.stage,
            making: row.making,
            state: row.state.as_str(),
            priority: row.priority,
            attempt: row.attempt,
            max_attempts: row.max_attempts,
            percent: tenths(part.clamp(0.0, 1.0) * 100.0),
            worker: row.worker,
            lacks,
            needs: words(&row.needs),
            cpu_ms: row.cpu_ms,
            peak_bytes: row.peak_bytes,
            error,
            created_at: rfc3339(row.created_ms),
            started_at: row.started_ms.map(rfc3339),
            finished_at: row.finished_ms.map(rfc3339),
        }
    }
}

/// The query of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// Rows of the page, 1 to 200; 50 when absent.
    limit: Option<u32>,
    /// The `next` of the page before.
    after: Option<String>,
    /// Only jobs in this state.
    state: Option<String>,
    /// Only jobs of this stage.
    stage: Option<String>,
    /// Only jobs of this asset.
    asset_id: Option<String>,
}

/// Jobs, newest first.
#[utoipa::path(
    get, path = "/api/v1/jobs", operation_id = "list_jobs", tag = "jobs", params(ListQuery),
    responses(
        (status = 200, description = "a page", body = Page<JobView>),
        (status = 422, description = "not a valid query", body = ProblemBody),
    )
)]
pub(crate) async fn list(api: Api, ApiQuery(query): ApiQuery<ListQuery>) -> Result<Response, Problem> {
    let invalid = |pointer, detail| Problem::invalid(pointer, kernel::codes::FIELD_INVALID, detail);
    let state = query.state.as_deref().map(str::parse::<JobState>).transpose();
    let asset_id = query.asset_id.as_deref().map(str::parse).transpose();
    if query.stage.as_ref().is_some_and(|stage| !asset_flow::ALL_STAGES.contains(&stage.as_str())) {
        return Err(invalid("?stage", "there is no such stage"));
    }
    let filter = JobFilter {
        state: state.map_err(|_| invalid("?state", "there is no such state"))?,
        stage: query.stage.clone(),
        asset_id: asset_id.map_err(|_| invalid("?asset_id", "this is no id of an asset"))?,
    };
    let cursor = |row: &JobRow| Cursor { time_ms: row.created_ms, id: row.id.to_string() };
    let page =
        Page::read(query.limit, query.after.as_deref(), cursor, |after, limit| fetch(&api, &filter, after, limit))
            .await?;
    let offers = api.queue().offers().await.map_err(error::queue)?;
    Ok(page.map(|row| JobView::among(&offers, row)).respond(&api.url(&address(&query))))
}

async fn fetch(api: &Api, filter: &JobFilter, after: Option<Cursor>, limit: u32) -> Result<Vec<JobRow>, Problem> {
    let place = after.map(|cursor| (cursor.time_ms, cursor.id));
    api.queue().list(&api.tenant, filter, place, i64::from(limit)).await.map_err(error::queue)
}

/// The list's address with its filters, all of which passed their checks and need no escaping.
fn address(query: &ListQuery) -> String {
    let mut address = "/api/v1/jobs?".to_owned();
    for (name, value) in [("state", &query.state), ("stage", &query.stage), ("asset_id", &query.asset_id)] {
        if let Some(value) = value {
            address.push_str(&format!("{name}={value}&"));
        }
    }
    address
}

/// One job.
#[utoipa::path(
    get, path = "/api/v1/jobs/{id}", operation_id = "get_job", tag = "jobs",
    params(("id" = String, Path, description = "the job")),
    responses(
        (status = 200, description = "the job", body = JobView),
        (status = 404, description = "no such job", body = ProblemBody),
    )
)]
pub(crate) async fn show(api: Api, ApiPath(id): ApiPath<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let missing = || Problem::not_found(codes::JOB_NOT_FOUND, "there is no such job");
    let id: JobId = id.parse().map_err(|_| missing())?;
    let row = api.queue().job(&api.tenant, &id).await.map_err(error::queue)?.ok_or_else(missing)?;
    let offers = api.queue().offers().await.map_err(error::queue)?;
    Ok(respond_json(&headers, &JobView::among(&offers, row)))
}
