//! `/api/v1/api-keys`, and what keys may be permitted.

use axum::extract::{FromRef, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use kernel::conditional::respond_json;
use kernel::problem::ProblemBody;
use kernel::{
    ApiJson, ApiPath, ApiQuery, Cursor, Etag, Grants, Idempotency, Page, Permission, Policy, Principal, Problem,
    Routes, Tenant, check_if_match, text,
};
use utoipa_axum::routes;

use super::codes;
use super::secret::{self, Secret};
use super::store::{self, KeyRow, Keys, NewKey};
use super::views::{IssuedKeyView, KeyRequest, KeyView, KeysQuery, PermissionsView};
use crate::giving;

const ADDRESS: &str = "/api/v1/api-keys";
const MAX_NAME: usize = 100;

pub(super) const CREATE: Permission = Permission::new("api_key", "create");
pub(super) const READ: Permission = Permission::new("api_key", "read");
/// To revoke one.
pub(super) const DELETE: Permission = Permission::new("api_key", "delete");

/// Mounts every route.
pub(super) fn mount<S>(routes: Routes<S>) -> Routes<S>
where
    S: Clone + Send + Sync + 'static,
    Keys: FromRef<S>,
{
    use Policy::May;
    routes
        .mount([(Method::POST, May(CREATE)), (Method::GET, May(READ))], routes!(create, list))
        .mount([(Method::GET, May(READ)), (Method::DELETE, May(DELETE))], routes!(show, revoke))
        .mount(May(READ), routes!(permissions))
}

/// Makes a key of the caller's tenant. Its secret is in this answer and in no other.
#[utoipa::path(
    post, path = "/api/v1/api-keys", operation_id = "create_api_key", tag = "keys", request_body = KeyRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "one API key for each, for 24 hours")),
    extensions(("x-audit" = json!("effect"))),
    responses(
        (status = 201, description = "the key with its secret", body = IssuedKeyView),
        (status = 403, description = "the caller has not all of these permissions, or does not hold as long", body = ProblemBody),
        (status = 422, description = "no such permissions, or too many keys", body = ProblemBody),
    )
)]
pub(crate) async fn create(
    State(keys): State<Keys>,
    Tenant(tenant): Tenant,
    principal: Principal,
    headers: HeaderMap,
    ApiJson(request): ApiJson<KeyRequest>,
) -> Result<Response, Problem> {
    let once = Idempotency::key(&headers)?;
    let now_ms = keys.now_ms();
    check_name(&request.name)?;
    let grants = giving::grants(&request.permissions, &keys.catalogue, codes::API_KEY_INVALID_PERMISSIONS)?;
    let expires_ms = giving::expires_ms(request.expires_in_s, now_ms, codes::API_KEY_INVALID_EXPIRY)?;
    check_giver(&principal, &grants, expires_ms)?;
    let secret = Secret::draw(secret::KEY).map_err(|error| Problem::internal(&error))?;
    let new = NewKey {
        tenant: tenant.clone(),
        id: secret.id.clone(),
        secret_sha256: secret.sha256(),
        name: request.name.clone(),
        grants,
        created_by: principal.actor().to_owned(),
        expires_ms,
        now_ms,
    };
    let made = keys.idempotency.once_within(&tenant, once, ADDRESS, &request, |tx| Box::pin(store::create(tx, new)));
    let mut outcome = made.await?;
    if !outcome.replayed {
        outcome.stored.body["secret"] = secret.reveal().into();
    }
    Ok(outcome.created(ADDRESS))
}

fn check_name(name: &str) -> Result<(), Problem> {
    text::check(name, 1..=MAX_NAME).map_err(|detail| Problem::invalid("/name", codes::API_KEY_INVALID_NAME, detail))
}

/// Nobody gives what he lacks, nor for longer than he has it himself.
fn check_giver(giver: &Principal, grants: &Grants, expires_ms: Option<i64>) -> Result<(), Problem> {
    let beyond = |detail: String| Err(Problem::new(StatusCode::FORBIDDEN, codes::API_KEY_BEYOND_OWN, detail));
    if let Some(lacking) = giver.lacks(grants) {
        return beyond(format!("whoever asks has no {lacking} to give"));
    }
    if giving::outlives(giver, expires_ms) {
        return beyond("this key ends before the one that it shall make".to_owned());
    }
    Ok(())
}

/// Keys of the caller's tenant, newest first, expired ones included.
#[utoipa::path(
    get, path = "/api/v1/api-keys", operation_id = "list_api_keys", tag = "keys", params(KeysQuery),
    responses(
        (status = 200, description = "a page", body = Page<KeyView>),
        (status = 422, description = "not a valid query", body = ProblemBody),
    )
)]
pub(crate) async fn list(
    State(keys): State<Keys>,
    Tenant(tenant): Tenant,
    ApiQuery(query): ApiQuery<KeysQuery>,
) -> Result<Response, Problem> {
    let cursor = |row: &KeyRow| Cursor { time_ms: row.created_ms, id: row.id.clone() };
    let (keys, tenant) = (&keys, &tenant);
    let read = |after, limit| async move { keys.list(tenant, after, limit).await };
    let page = Page::read(query.limit, query.after.as_deref(), cursor, read).await?;
    Ok(page.map(KeyView::from).respond(&format!("{ADDRESS}?")))
}

/// One key.
#[utoipa::path(
    get, path = "/api/v1/api-keys/{id}", operation_id = "get_api_key", tag = "keys",
    params(("id" = String, Path, description = "the key")),
    responses(
        (status = 200, description = "the key, with a strong ETag", body = KeyView),
        (status = 304, description = "unchanged"),
        (status = 404, description = "no such key", body = ProblemBody),
    )
)]
pub(crate) async fn show(
    State(keys): State<Keys>,
    Tenant(tenant): Tenant,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    Ok(respond_json(&headers, &KeyView::from(keys.one(&tenant, &id).await?)))
}

/// Revokes a key for good: within five seconds it opens nothing any more, in any process.
#[utoipa::path(
    delete, path = "/api/v1/api-keys/{id}", operation_id = "revoke_api_key", tag = "keys",
    params(
        ("id" = String, Path, description = "the key"),
        ("If-Match" = Option<String>, Header, description = "only if it is in this state; its last use belongs to that"),
    ),
    responses(
        (status = 204, description = "revoked"),
        (status = 404, description = "no such key", body = ProblemBody),
        (status = 412, description = "it has changed since it was read", body = ProblemBody),
    )
)]
pub(crate) async fn revoke(
    State(keys): State<Keys>,
    Tenant(tenant): Tenant,
    principal: Principal,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let row = keys.one(&tenant, &id).await?;
    check_if_match(&headers, &Etag::of_json(&KeyView::from(row.clone()))?)?;
    keys.revoke(&tenant, &row, principal.actor()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Everything that a key may be permitted.
#[utoipa::path(
    get, path = "/api/v1/permissions", operation_id = "list_permissions", tag = "keys",
    responses((status = 200, description = "all of them", body = PermissionsView))
)]
pub(crate) async fn permissions(State(keys): State<Keys>) -> axum::Json<PermissionsView> {
    axum::Json(PermissionsView { items: keys.catalogue.iter().map(ToString::to_string).collect() })
}
