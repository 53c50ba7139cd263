//! Going on where a job gave up, and cancelling by a job.

use axum::http::HeaderMap;
use axum::response::Response;
use kernel::problem::ProblemBody;
use kernel::{ApiPath, Problem};
use media_types::JobId;

use crate::action::{accepted, once};
use crate::jobs::JobView;
use crate::state::Api;
use crate::views::AssetView;
use crate::{assets, codes, error};

/// Has an asset that failed go on where a job gave up.
///
/// What is done stays done. The job that gave up has all its attempts again. One that is being processed is left alone.
#[utoipa::path(
    post, path = "/api/v1/assets/{id}/retry", operation_id = "retry_asset", tag = "assets",
    params(
        ("id" = String, Path, description = "the asset"),
        ("Idempotency-Key" = Option<String>, Header, description = "one effect per key, for 24 hours"),
    ),
    responses(
        (status = 202, description = "being processed", body = AssetView),
        (status = 404, description = "no such asset", body = ProblemBody),
        (status = 409, description = "nothing of it gave up, or its source never was whole", body = ProblemBody),
    )
)]
pub(crate) async fn retry_asset(
    api: Api,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = assets::parse(&id)?;
    let (address, of) = (format!("/api/v1/assets/{id}/retry"), api.clone());
    once(&api, &headers, &address, &(), async move {
        of.store.retry(&of.tenant, &id, of.now_ms()).await.map_err(error::store)?;
        accepted(&assets::view(&of, &id).await?)
    })
    .await
}

/// Has a parked job go on, and the asset that failed with it.
#[utoipa::path(
    post, path = "/api/v1/jobs/{id}/retry", operation_id = "retry_job", tag = "jobs",
    params(
        ("id" = String, Path, description = "the job"),
        ("Idempotency-Key" = Option<String>, Header, description = "one effect per key, for 24 hours"),
    ),
    responses(
        (status = 202, description = "ready again", body = JobView),
        (status = 404, description = "no such job", body = ProblemBody),
        (status = 409, description = "it is not parked, or what it was for was given up", body = ProblemBody),
    )
)]
pub(crate) async fn retry_job(api: Api, ApiPath(id): ApiPath<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let id = parse(&id)?;
    let (address, of) = (format!("/api/v1/jobs/{id}/retry"), api.clone());
    once(&api, &headers, &address, &(), async move {
        let row = of.store.retry_job(&of.tenant, &id, of.now_ms()).await.map_err(error::store)?;
        let offers = of.queue().offers().await.map_err(error::queue)?;
        accepted(&JobView::among(&offers, row))
    })
    .await
}

/// Cancels what a job is part of: the processing of its asset, or its renewal.
#[utoipa::path(
    post, path = "/api/v1/jobs/{id}/cancel", operation_id = "cancel_job", tag = "jobs",
    params(
        ("id" = String, Path, description = "the job"),
        ("Idempotency-Key" = Option<String>, Header, description = "one effect per key, for 24 hours"),
    ),
    responses(
        (status = 202, description = "cancelled", body = JobView),
        (status = 404, description = "no such job", body = ProblemBody),
        (status = 409, description = "it has ended", body = ProblemBody),
    )
)]
pub(crate) async fn cancel_job(
    api: Api,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = parse(&id)?;
    let (address, of) = (format!("/api/v1/jobs/{id}/cancel"), api.clone());
    once(&api, &headers, &address, &(), async move {
        let row = of.store.cancel_job(&of.tenant, &id, of.now_ms()).await.map_err(error::store)?;
        let offers = of.queue().offers().await.map_err(error::queue)?;
        accepted(&JobView::among(&offers, row))
    })
    .await
}

fn parse(id: &str) -> Result<JobId, Problem> {
    id.parse().map_err(|_| Problem::not_found(codes::JOB_NOT_FOUND, "there is no such job"))
}
