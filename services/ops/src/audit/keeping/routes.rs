//! `/api/v1/audit/retention` and `/api/v1/audit/holds`.

use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use database::Tx;
use kernel::conditional::respond_json;
use kernel::problem::ProblemBody;
use kernel::{
    ApiJson, ApiPath, ApiQuery, Cursor, Etag, Idempotency, Page, Permission, Policy, Principal, Problem, Routes,
    Stored, Tenant, require_if_match, text,
};
use utoipa_axum::routes;
use uuid::Uuid;

use super::views::{HoldRequest, HoldView, HoldsQuery, RetentionRequest, RetentionView};
use super::{HoldRow, LEAST_DAYS, NewHold, make};
use crate::audit::routes::READ;
use crate::audit::{Audit, codes};

/// Where holds are.
const ADDRESS: &str = "/api/v1/audit/holds";
const MOST_DAYS: i64 = 36_500;
const MAX_REASON: usize = 500;
const MAX_NAME: usize = 512;

pub(crate) const HOLD: Permission = Permission::new("audit", "hold");
pub(crate) const RETAIN: Permission = Permission::new("audit", "retain");

/// Mounts every route.
pub(crate) fn mount(routes: Routes<Audit>) -> Routes<Audit> {
    use Policy::May;
    routes
        .mount([(Method::GET, May(READ)), (Method::PUT, May(RETAIN))], routes!(retention, retain))
        .mount([(Method::POST, May(HOLD)), (Method::GET, May(READ))], routes!(create, list))
        .mount([(Method::GET, May(READ)), (Method::DELETE, May(HOLD))], routes!(show, release))
}

/// How long entries keep what they say.
#[utoipa::path(
    get, path = "/api/v1/audit/retention", operation_id = "get_audit_retention", tag = "audit",
    responses(
        (status = 200, description = "how long, with a strong ETag", body = RetentionView),
        (status = 304, description = "unchanged"),
    )
)]
async fn retention(
    State(audit): State<Audit>,
    Tenant(tenant): Tenant,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    Ok(respond_json(&headers, &RetentionView::from(audit.retention(&tenant).await?)))
}

/// Says how long entries keep what they say. Within the hour those whose time is over lose it, unless something holds them; their
/// hashes stay, and so does all that is proven of the others.
#[utoipa::path(
    put, path = "/api/v1/audit/retention", operation_id = "put_audit_retention", tag = "audit",
    request_body = RetentionRequest, params(("If-Match" = String, Header, description = "change only this state of it")),
    responses(
        (status = 200, description = "as it is now, with a strong ETag", body = RetentionView),
        (status = 412, description = "it has changed since it was read", body = ProblemBody),
        (status = 422, description = "too few days, or too many", body = ProblemBody),
        (status = 428, description = "no If-Match", body = ProblemBody),
    )
)]
async fn retain(
    State(audit): State<Audit>,
    Tenant(tenant): Tenant,
    headers: HeaderMap,
    ApiJson(request): ApiJson<RetentionRequest>,
) -> Result<Response, Problem> {
    require_if_match(&headers, &Etag::of_json(&RetentionView::from(audit.retention(&tenant).await?))?)?;
    if request.days.is_some_and(|days| !(LEAST_DAYS..=MOST_DAYS).contains(&days)) {
        let detail = format!("entries are kept for {LEAST_DAYS} to {MOST_DAYS} days, or for good");
        return Err(Problem::invalid("/days", codes::AUDIT_INVALID_RETENTION, detail));
    }
    let row = audit.retain(&tenant, request.days).await?;
    Ok(respond_json(&HeaderMap::new(), &RetentionView::from(row)))
}

/// Holds entries: what it names is neither emptied when its time is over nor erased with its person.
#[utoipa::path(
    post, path = "/api/v1/audit/holds", operation_id = "create_audit_hold", tag = "audit", request_body = HoldRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "one hold for each, for 24 hours")),
    responses(
        (status = 201, description = "the hold", body = HoldView),
        (status = 422, description = "not what could be held, or too many holds", body = ProblemBody),
    )
)]
async fn create(
    State(audit): State<Audit>,
    Tenant(tenant): Tenant,
    principal: Principal,
    headers: HeaderMap,
    ApiJson(request): ApiJson<HoldRequest>,
) -> Result<Response, Problem> {
    let once = Idempotency::key(&headers)?;
    check(&request)?;
    let HoldRequest { reason, resource, person, from_ms, to_ms } = request.clone();
    let id = format!("hold_{}", Uuid::now_v7().simple());
    let (created_by, created_ms) = (principal.actor().to_owned(), (audit.clock)());
    let row = HoldRow { id, reason, resource, person, from_ms, to_ms, created_by, created_ms };
    let new = NewHold { tenant: tenant.clone(), row };
    let made = audit.idempotency.once_within(&tenant, once, ADDRESS, &request, |tx| Box::pin(made(tx, new)));
    Ok(made.await?.created(ADDRESS))
}

async fn made(tx: &mut Tx, new: NewHold) -> Result<Stored, Problem> {
    let view = HoldView::from(make(tx, new).await?);
    let body = serde_json::to_value(view).map_err(|error| Problem::internal(&error))?;
    Ok(Stored { status: StatusCode::CREATED, body })
}

fn check(request: &HoldRequest) -> Result<(), Problem> {
    let invalid = |pointer: &str, detail: String| Problem::invalid(pointer, codes::AUDIT_INVALID_HOLD, detail);
    text::check(&request.reason, 1..=MAX_REASON).map_err(|detail| invalid("/reason", detail))?;
    for (pointer, name) in [("/resource", &request.resource), ("/person", &request.person)] {
        let Some(name) = name else { continue };
        text::check(name, 1..=MAX_NAME).map_err(|detail| invalid(pointer, detail))?;
    }
    let is_address = |at: &String| at.starts_with('/') && !at.ends_with('/') && !at.contains(['?', '#']);
    if !request.resource.as_ref().is_none_or(is_address) {
        let detail = "an address begins with / and does not end with it, such as /api/v1/assets".to_owned();
        return Err(invalid("/resource", detail));
    }
    match (request.from_ms, request.to_ms) {
        (Some(from_ms), Some(to_ms)) if from_ms >= to_ms => {
            Err(invalid("/to_ms", "it is later than from_ms".to_owned()))
        }
        _ => Ok(()),
    }
}

/// Holds, newest first.
#[utoipa::path(
    get, path = "/api/v1/audit/holds", operation_id = "list_audit_holds", tag = "audit", params(HoldsQuery),
    responses(
        (status = 200, description = "a page", body = Page<HoldView>),
        (status = 422, description = "not a valid query", body = ProblemBody),
    )
)]
async fn list(
    State(audit): State<Audit>,
    Tenant(tenant): Tenant,
    ApiQuery(query): ApiQuery<HoldsQuery>,
) -> Result<Response, Problem> {
    let cursor = |row: &HoldRow| Cursor { time_ms: row.created_ms, id: row.id.clone() };
    let (audit, tenant) = (&audit, &tenant);
    let read = |after, limit| async move { audit.holds(tenant, after, limit).await };
    let page = Page::read(query.limit, query.after.as_deref(), cursor, read).await?;
    Ok(page.map(HoldView::from).respond(&format!("{ADDRESS}?")))
}

/// One hold.
#[utoipa::path(
    get, path = "/api/v1/audit/holds/{id}", operation_id = "get_audit_hold", tag = "audit",
    params(("id" = String, Path, description = "the hold")),
    responses(
        (status = 200, description = "the hold, with a strong ETag", body = HoldView),
        (status = 304, description = "unchanged"),
        (status = 404, description = "no such hold", body = ProblemBody),
    )
)]
async fn show(
    State(audit): State<Audit>,
    Tenant(tenant): Tenant,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    Ok(respond_json(&headers, &HoldView::from(audit.hold(&tenant, &id).await?)))
}

/// Ends a hold. What it alone has held is emptied within the hour, if its time is over.
#[utoipa::path(
    delete, path = "/api/v1/audit/holds/{id}", operation_id = "release_audit_hold", tag = "audit",
    params(
        ("id" = String, Path, description = "the hold"),
        ("If-Match" = String, Header, description = "end only this state of it"),
    ),
    responses(
        (status = 204, description = "ended"),
        (status = 404, description = "no such hold", body = ProblemBody),
        (status = 412, description = "it is another one", body = ProblemBody),
        (status = 428, description = "no If-Match", body = ProblemBody),
    )
)]
async fn release(
    State(audit): State<Audit>,
    Tenant(tenant): Tenant,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let row = audit.hold(&tenant, &id).await?;
    require_if_match(&headers, &Etag::of_json(&HoldView::from(row.clone()))?)?;
    audit.release(&tenant, &row.id).await?;
    Ok(StatusCode::NO_CONTENT)
}
