//! `/api/v1/__path__`.

use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use kernel::conditional::respond_json;
use kernel::problem::ProblemBody;
use kernel::{
    ApiJson, ApiPath, ApiQuery, Cursor, Etag, Idempotency, Page, Permission, Policy, Problem, Routes, Tenant,
    check_if_match, text,
};
use utoipa_axum::routes;

use super::codes;
use super::store::{self, __Noun__Row, __Nouns__};
use super::views::{__Noun__Request, __Noun__View, __Nouns__Query};

const ADDRESS: &str = "/api/v1/__path__";
const MAX_NAME: usize = 100;

const CREATE: Permission = Permission::new("__noun__", "create");
const DELETE: Permission = Permission::new("__noun__", "delete");
const READ: Permission = Permission::new("__noun__", "read");

/// What its routes ask for.
pub(super) const PERMISSIONS: &[Permission] = &[CREATE, DELETE, READ];

/// Mounts every route.
pub(super) fn mount(routes: Routes<__Nouns__>) -> Routes<__Nouns__> {
    use Policy::May;
    routes
        .mount([(Method::POST, May(CREATE)), (Method::GET, May(READ))], routes!(create, list))
        .mount([(Method::GET, May(READ)), (Method::DELETE, May(DELETE))], routes!(show, delete))
}

/// Makes one.
#[utoipa::path(
    post, path = "/api/v1/__path__", operation_id = "create___noun__", tag = "__nouns__", request_body = __Noun__Request,
    params(("Idempotency-Key" = Option<String>, Header, description = "one of them for each, for 24 hours")),
    extensions(("x-audit" = json!("effect"))),
    responses(
        (status = 201, description = "what was made", body = __Noun__View),
        (status = 422, description = "no such name, or too many", body = ProblemBody),
    )
)]
pub(crate) async fn create(
    State(__nouns__): State<__Nouns__>,
    Tenant(tenant): Tenant,
    headers: HeaderMap,
    ApiJson(request): ApiJson<__Noun__Request>,
) -> Result<Response, Problem> {
    let key = Idempotency::key(&headers)?;
    check_name(&request.name)?;
    let (of, name, now_ms) = (tenant.clone(), request.name.clone(), __nouns__.now_ms());
    let made = __nouns__
        .idempotency
        .once_within(&tenant, key, ADDRESS, &request, move |tx| Box::pin(store::create(tx, of, name, now_ms)));
    let outcome = made.await?;
    Ok(outcome.created(ADDRESS))
}

fn check_name(name: &str) -> Result<(), Problem> {
    text::check(name, 1..=MAX_NAME).map_err(|detail| Problem::invalid("/name", codes::__NOUN___INVALID_NAME, detail))
}

/// Those of the tenant, newest first.
#[utoipa::path(
    get, path = "/api/v1/__path__", operation_id = "list___nouns__", tag = "__nouns__", params(__Nouns__Query),
    responses(
        (status = 200, description = "a page", body = Page<__Noun__View>),
        (status = 422, description = "not a valid query", body = ProblemBody),
    )
)]
pub(crate) async fn list(
    State(__nouns__): State<__Nouns__>,
    Tenant(tenant): Tenant,
    ApiQuery(query): ApiQuery<__Nouns__Query>,
) -> Result<Response, Problem> {
    let cursor = |row: &__Noun__Row| Cursor { time_ms: row.created_ms, id: row.id.clone() };
    let (__nouns__, tenant) = (&__nouns__, &tenant);
    let read = |after, limit| async move { __nouns__.list(tenant, after, limit).await };
    let page = Page::read(query.limit, query.after.as_deref(), cursor, read).await?;
    Ok(page.map(__Noun__View::from).respond(&format!("{ADDRESS}?")))
}

/// One of them.
#[utoipa::path(
    get, path = "/api/v1/__path__/{id}", operation_id = "get___noun__", tag = "__nouns__",
    params(("id" = String, Path, description = "which one")),
    responses(
        (status = 200, description = "as it is, with a strong ETag", body = __Noun__View),
        (status = 304, description = "unchanged"),
        (status = 404, description = "there is nothing of this id", body = ProblemBody),
    )
)]
pub(crate) async fn show(
    State(__nouns__): State<__Nouns__>,
    Tenant(tenant): Tenant,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    Ok(respond_json(&headers, &__Noun__View::from(__nouns__.one(&tenant, &id).await?)))
}

/// Removes one for good.
#[utoipa::path(
    delete, path = "/api/v1/__path__/{id}", operation_id = "delete___noun__", tag = "__nouns__",
    params(
        ("id" = String, Path, description = "which one"),
        ("If-Match" = Option<String>, Header, description = "only if it is in this state"),
    ),
    responses(
        (status = 204, description = "removed"),
        (status = 404, description = "there is nothing of this id", body = ProblemBody),
        (status = 412, description = "it has changed since it was read", body = ProblemBody),
    )
)]
pub(crate) async fn delete(
    State(__nouns__): State<__Nouns__>,
    Tenant(tenant): Tenant,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let row = __nouns__.one(&tenant, &id).await?;
    check_if_match(&headers, &Etag::of_json(&__Noun__View::from(row.clone()))?)?;
    __nouns__.delete(&tenant, &row).await?;
    Ok(StatusCode::NO_CONTENT)
}
