//! Webhooks themselves.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kernel::conditional::respond_json;
use kernel::filter::FilterError;
use kernel::problem::ProblemBody;
use kernel::{ApiJson, ApiPath, ApiQuery, Cursor, Etag, Filters, Page, Problem, Tenant, audit, require_if_match, text};

use super::{enabled, problem};
use crate::model::{ENABLED, EndpointRow};
use crate::store::{Issued, Settings};
use crate::views::{
    DeliveryView, IssuedView, RotateRequest, WebhookChange, WebhookRequest, WebhookView, WebhooksQuery,
};
use crate::{Webhooks, codes};

const MAX_URL: usize = 2048;
const MAX_DESCRIPTION: usize = 200;
const DEFAULT_OVERLAP_S: i64 = 24 * 3600;
const MAX_OVERLAP_S: i64 = 7 * 24 * 3600;

/// Makes a webhook. Its secret is in this answer and in no other.
#[utoipa::path(
    post, path = "/api/v1/webhooks", operation_id = "create_webhook", tag = "webhooks", request_body = WebhookRequest,
    responses(
        (status = 201, description = "the webhook with its secret", body = IssuedView),
        (status = 422, description = "no such address or events, or too many webhooks", body = ProblemBody),
    )
)]
pub(crate) async fn create(
    State(hooks): State<Webhooks>,
    Tenant(tenant): Tenant,
    ApiJson(request): ApiJson<WebhookRequest>,
) -> Result<Response, Problem> {
    let events = request.events.unwrap_or_else(|| vec!["*".to_owned()]);
    let settings = settings(&hooks, (request.url, request.description, events, true))?;
    let issued = hooks.create(&tenant, &settings).await.map_err(problem)?;
    audit::after(&WebhookView::from(issued.endpoint.clone()));
    Ok(shown_once(StatusCode::CREATED, issued))
}

/// Webhooks, newest first.
#[utoipa::path(
    get, path = "/api/v1/webhooks", operation_id = "list_webhooks", tag = "webhooks", params(WebhooksQuery),
    responses(
        (status = 200, description = "a page", body = Page<WebhookView>),
        (status = 422, description = "not a valid query", body = ProblemBody),
    )
)]
pub(crate) async fn list(
    State(hooks): State<Webhooks>,
    Tenant(tenant): Tenant,
    ApiQuery(query): ApiQuery<WebhooksQuery>,
) -> Result<Response, Problem> {
    let cursor = |row: &EndpointRow| Cursor { time_ms: row.created_ms, id: row.id.clone() };
    let (hooks, tenant) = (&hooks, &tenant);
    let read = |after, limit| async move { hooks.endpoints(tenant, after, limit).await.map_err(problem) };
    let page = Page::read(query.limit, query.after.as_deref(), cursor, read).await?;
    Ok(page.map(WebhookView::from).respond("/api/v1/webhooks?"))
}

/// One webhook.
#[utoipa::path(
    get, path = "/api/v1/webhooks/{id}", operation_id = "get_webhook", tag = "webhooks",
    params(("id" = String, Path, description = "the webhook")),
    responses(
        (status = 200, description = "the webhook, with a strong ETag", body = WebhookView),
        (status = 304, description = "unchanged"),
        (status = 404, description = "no such webhook", body = ProblemBody),
    )
)]
pub(crate) async fn show(
    State(hooks): State<Webhooks>,
    Tenant(tenant): Tenant,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let row = hooks.endpoint(&tenant, &id).await.map_err(problem)?;
    Ok(respond_json(&headers, &WebhookView::from(row)))
}

/// Changes a webhook. One that is disabled gets nothing; what it had yet to get has failed then, and can be replayed.
#[utoipa::path(
    patch, path = "/api/v1/webhooks/{id}", operation_id = "update_webhook", tag = "webhooks",
    request_body = WebhookChange,
    params(
        ("id" = String, Path, description = "the webhook"),
        ("If-Match" = String, Header, description = "change only this state of it"),
    ),
    responses(
        (status = 200, description = "as it is now, with a strong ETag", body = WebhookView),
        (status = 404, description = "no such webhook", body = ProblemBody),
        (status = 409, description = "somebody else changed it at the same time", body = ProblemBody),
        (status = 412, description = "it has changed since it was read", body = ProblemBody),
        (status = 422, description = "no such address or events", body = ProblemBody),
        (status = 428, description = "no If-Match", body = ProblemBody),
    )
)]
pub(crate) async fn update(
    State(hooks): State<Webhooks>,
    Tenant(tenant): Tenant,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
    ApiJson(change): ApiJson<WebhookChange>,
) -> Result<Response, Problem> {
    let row = hooks.endpoint(&tenant, &id).await.map_err(problem)?;
    check(&headers, &row)?;
    let url = change.url.unwrap_or_else(|| row.url.clone());
    let description = change.description.unwrap_or_else(|| row.description.clone());
    let events = change.events.unwrap_or_else(|| row.events.0.as_slice().to_vec());
    let is_enabled = change.enabled.unwrap_or(row.state == ENABLED);
    let settings = settings(&hooks, (url, description, events, is_enabled))?;
    let row = hooks.update(&tenant, &row, &settings).await.map_err(problem)?;
    Ok(respond_json(&HeaderMap::new(), &WebhookView::from(row)))
}

/// Removes a webhook with its deliveries.
#[utoipa::path(
    delete, path = "/api/v1/webhooks/{id}", operation_id = "delete_webhook", tag = "webhooks",
    params(
        ("id" = String, Path, description = "the webhook"),
        ("If-Match" = String, Header, description = "remove only this state of it"),
    ),
    responses(
        (status = 204, description = "removed"),
        (status = 404, description = "no such webhook", body = ProblemBody),
        (status = 409, description = "somebody else changed it at the same time", body = ProblemBody),
        (status = 412, description = "it has changed since it was read", body = ProblemBody),
        (status = 428, description = "no If-Match", body = ProblemBody),
    )
)]
pub(crate) async fn delete(
    State(hooks): State<Webhooks>,
    Tenant(tenant): Tenant,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let row = hooks.endpoint(&tenant, &id).await.map_err(problem)?;
    check(&headers, &row)?;
    hooks.delete(&tenant, &row).await.map_err(problem)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives a webhook a new secret, which is in this answer and in no other. The former one signs too for a while.
#[utoipa::path(
    post, path = "/api/v1/webhooks/{id}/rotate", operation_id = "rotate_webhook_secret", tag = "webhooks",
    request_body = RotateRequest, params(("id" = String, Path, description = "the webhook")),
    responses(
        (status = 200, description = "the webhook with its new secret", body = IssuedView),
        (status = 404, description = "no such webhook", body = ProblemBody),
        (status = 422, description = "too long an overlap", body = ProblemBody),
    )
)]
pub(crate) async fn rotate(
    State(hooks): State<Webhooks>,
    Tenant(tenant): Tenant,
    ApiPath(id): ApiPath<String>,
    ApiJson(request): ApiJson<RotateRequest>,
) -> Result<Response, Problem> {
    let overlap_s = request.overlap_s.unwrap_or(DEFAULT_OVERLAP_S);
    if !(0..=MAX_OVERLAP_S).contains(&overlap_s) {
        let detail = format!("the overlap is 0 to {MAX_OVERLAP_S} seconds");
        return Err(Problem::invalid("/overlap_s", codes::WEBHOOK_INVALID_OVERLAP, detail));
    }
    let issued = hooks.rotate(&tenant, &id, overlap_s * 1000).await.map_err(problem)?;
    Ok(shown_once(StatusCode::OK, issued))
}

/// Sends a `webhook.test` event to this webhook alone, whatever events it asks for.
#[utoipa::path(
    post, path = "/api/v1/webhooks/{id}/test", operation_id = "test_webhook", tag = "webhooks",
    params(("id" = String, Path, description = "the webhook")),
    responses(
        (status = 202, description = "the delivery", body = DeliveryView),
        (status = 404, description = "no such webhook", body = ProblemBody),
        (status = 409, description = "it is disabled", body = ProblemBody),
    )
)]
pub(crate) async fn test(
    State(hooks): State<Webhooks>,
    Tenant(tenant): Tenant,
    ApiPath(id): ApiPath<String>,
) -> Result<Response, Problem> {
    let row = hooks.endpoint(&tenant, &id).await.map_err(problem)?;
    enabled(&row)?;
    let delivery = hooks.test(&tenant, &row).await.map_err(problem)?;
    Ok((StatusCode::ACCEPTED, axum::Json(DeliveryView::from(delivery))).into_response())
}

fn check(headers: &HeaderMap, row: &EndpointRow) -> Result<(), Problem> {
    require_if_match(headers, &Etag::of_json(&WebhookView::from(row.clone()))?)
}

/// An answer that no cache keeps.
fn shown_once(status: StatusCode, issued: Issued) -> Response {
    let mut response = (status, axum::Json(IssuedView::from(issued))).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn settings(
    hooks: &Webhooks,
    (url, description, events, is_enabled): (String, String, Vec<String>, bool),
) -> Result<Settings, Problem> {
    let unfit = |detail: String| Problem::invalid("/url", codes::WEBHOOK_INVALID_URL, detail);
    if url.len() > MAX_URL {
        return Err(unfit(format!("an address has at most {MAX_URL} characters")));
    }
    hooks.client.check_url(&url).map_err(|error| unfit(error.to_string()))?;
    hooks.egress.check_url(&url).map_err(|error| unfit(error.to_string()))?;
    let invalid = |detail| Problem::invalid("/description", codes::WEBHOOK_INVALID_DESCRIPTION, detail);
    text::check(&description, 0..=MAX_DESCRIPTION).map_err(invalid)?;
    let events = Filters::new(events).map_err(|error| {
        let pointer = match &error {
            FilterError::Count => "/events".to_owned(),
            FilterError::Filter { index } => format!("/events/{index}"),
        };
        Problem::invalid(pointer, codes::WEBHOOK_INVALID_EVENTS, error.to_string())
    })?;
    Ok(Settings { url, description, events, is_enabled })
}
