//! What was sent to a webhook, and sending it again.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use kernel::problem::ProblemBody;
use kernel::{ApiJson, ApiPath, ApiQuery, Cursor, Page, Problem, Tenant};
use media_types::TenantId;

use super::{enabled, problem};
use crate::deliveries::MAX_REPLAYED;
use crate::model::{DeliveryRow, STATES};
use crate::views::{DeliveriesQuery, DeliveryView, ReplayRequest, ReplayedView};
use crate::{Webhooks, codes};

/// Deliveries of a webhook, newest first. They are kept for 30 days after their end.
#[utoipa::path(
    get, path = "/api/v1/webhooks/{id}/deliveries", operation_id = "list_webhook_deliveries", tag = "webhooks",
    params(("id" = String, Path, description = "the webhook"), DeliveriesQuery),
    responses(
        (status = 200, description = "a page", body = Page<DeliveryView>),
        (status = 404, description = "no such webhook", body = ProblemBody),
        (status = 422, description = "not a valid query", body = ProblemBody),
    )
)]
pub(crate) async fn list(
    State(hooks): State<Webhooks>,
    Tenant(tenant): Tenant,
    ApiPath(id): ApiPath<String>,
    ApiQuery(query): ApiQuery<DeliveriesQuery>,
) -> Result<Response, Problem> {
    let state = query.state.as_deref();
    if state.is_some_and(|state| !STATES.contains(&state)) {
        return Err(Problem::invalid("?state", codes::WEBHOOK_UNKNOWN_STATE, "there is no such state"));
    }
    let (hooks, tenant) = (&hooks, &tenant);
    let endpoint = &hooks.endpoint(tenant, &id).await.map_err(problem)?.id;
    let cursor = |row: &DeliveryRow| Cursor { time_ms: row.created_ms, id: row.id.clone() };
    let read =
        |after, limit| async move { hooks.deliveries(tenant, (endpoint, state), after, limit).await.map_err(problem) };
    let page = Page::read(query.limit, query.after.as_deref(), cursor, read).await?;
    let filter = state.map_or_else(String::new, |state| format!("state={state}&"));
    Ok(page.map(DeliveryView::from).respond(&format!("/api/v1/webhooks/{endpoint}/deliveries?{filter}")))
}

/// One delivery.
#[utoipa::path(
    get, path = "/api/v1/webhooks/{id}/deliveries/{delivery_id}", operation_id = "get_webhook_delivery",
    tag = "webhooks",
    params(
        ("id" = String, Path, description = "the webhook"),
        ("delivery_id" = String, Path, description = "the delivery"),
    ),
    responses(
        (status = 200, description = "the delivery", body = DeliveryView),
        (status = 404, description = "no such delivery", body = ProblemBody),
    )
)]
pub(crate) async fn show(
    State(hooks): State<Webhooks>,
    Tenant(tenant): Tenant,
    ApiPath((id, delivery_id)): ApiPath<(String, String)>,
) -> Result<Response, Problem> {
    Ok(axum::Json(DeliveryView::from(find(&hooks, &tenant, (&id, &delivery_id)).await?)).into_response())
}

/// Makes a delivery again from now on, whatever became of it, under the same id; one that waits is made at once.
#[utoipa::path(
    post, path = "/api/v1/webhooks/{id}/deliveries/{delivery_id}/replay", operation_id = "replay_webhook_delivery",
    tag = "webhooks",
    params(
        ("id" = String, Path, description = "the webhook"),
        ("delivery_id" = String, Path, description = "the delivery"),
    ),
    responses(
        (status = 202, description = "the delivery", body = DeliveryView),
        (status = 404, description = "no such delivery", body = ProblemBody),
        (status = 409, description = "it is just being made, or the webhook is disabled", body = ProblemBody),
    )
)]
pub(crate) async fn replay(
    State(hooks): State<Webhooks>,
    Tenant(tenant): Tenant,
    ApiPath((id, delivery_id)): ApiPath<(String, String)>,
) -> Result<Response, Problem> {
    enabled(&hooks.endpoint(&tenant, &id).await.map_err(problem)?)?;
    find(&hooks, &tenant, (&id, &delivery_id)).await?;
    let replayed = hooks.replay(&tenant, &id, &delivery_id).await.map_err(problem)?;
    let busy = || Problem::conflict(codes::WEBHOOK_SENDING, "the delivery is just being made").retry_after(5);
    let row = replayed.ok_or_else(busy)?;
    Ok((StatusCode::ACCEPTED, axum::Json(DeliveryView::from(row))).into_response())
}

/// Makes those deliveries again that have failed, of what happened since a time: at most 1000 at once, the oldest first.
#[utoipa::path(
    post, path = "/api/v1/webhooks/{id}/replay", operation_id = "replay_failed_webhook_deliveries", tag = "webhooks",
    request_body = ReplayRequest, params(("id" = String, Path, description = "the webhook")),
    responses(
        (status = 202, description = "how many", body = ReplayedView),
        (status = 404, description = "no such webhook", body = ProblemBody),
        (status = 409, description = "the webhook is disabled", body = ProblemBody),
        (status = 422, description = "no time", body = ProblemBody),
    )
)]
pub(crate) async fn replay_failed(
    State(hooks): State<Webhooks>,
    Tenant(tenant): Tenant,
    ApiPath(id): ApiPath<String>,
    ApiJson(request): ApiJson<ReplayRequest>,
) -> Result<Response, Problem> {
    if request.since_ms < 0 {
        return Err(Problem::invalid("/since_ms", codes::WEBHOOK_INVALID_SINCE, "the time lies before 1970"));
    }
    enabled(&hooks.endpoint(&tenant, &id).await.map_err(problem)?)?;
    let replayed = hooks.replay_failed(&tenant, &id, request.since_ms).await.map_err(problem)?;
    let has_more = i64::try_from(replayed).is_ok_and(|count| count >= MAX_REPLAYED);
    Ok((StatusCode::ACCEPTED, axum::Json(ReplayedView { replayed, has_more })).into_response())
}

async fn find(hooks: &Webhooks, tenant: &TenantId, (id, delivery_id): (&str, &str)) -> Result<DeliveryRow, Problem> {
    let id = &hooks.endpoint(tenant, id).await.map_err(problem)?.id;
    let missing = || Problem::not_found(codes::WEBHOOK_DELIVERY_NOT_FOUND, "the webhook has no such delivery");
    hooks.delivery(tenant, id, delivery_id).await?.ok_or_else(missing)
}
