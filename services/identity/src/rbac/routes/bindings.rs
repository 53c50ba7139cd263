//! `/api/v1/role-bindings`.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use kernel::conditional::respond_json;
use kernel::problem::ProblemBody;
use kernel::uri::escaped;
use kernel::{
    ApiJson, ApiPath, ApiQuery, Cursor, Etag, Idempotency, Page, Principal, Problem, Tenant, require_if_match,
};

use super::BINDINGS;
use crate::giving;
use crate::rbac::bindings::{self, BindingRow, NewBinding};
use crate::rbac::store::Roles;
use crate::rbac::views::{BindingView, RoleBindingRequest, RoleBindingsQuery};
use crate::rbac::{codes, model};

/// Gives a role to a person, for good or for a while. It holds within five seconds in every process.
#[utoipa::path(
    post, path = "/api/v1/role-bindings", operation_id = "grant_role", tag = "roles", request_body = RoleBindingRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "one binding for each, for 24 hours")),
    extensions(("x-audit" = json!("effect"))),
    responses(
        (status = 201, description = "the binding", body = BindingView),
        (status = 403, description = "the caller has not for good what the role has, or does not hold as long", body = ProblemBody),
        (status = 409, description = "the person has the role already", body = ProblemBody),
        (status = 422, description = "no such person or role, or too many roles", body = ProblemBody),
    )
)]
pub(crate) async fn create(
    State(roles): State<Roles>,
    Tenant(tenant): Tenant,
    principal: Principal,
    headers: HeaderMap,
    ApiJson(request): ApiJson<RoleBindingRequest>,
) -> Result<Response, Problem> {
    let (key, now_ms) = (Idempotency::key(&headers)?, roles.now_ms());
    check_id("/user_id", Some(&request.user_id))?;
    check_id("/role_id", Some(&request.role_id))?;
    let new = NewBinding {
        tenant: tenant.clone(),
        user: request.user_id.clone(),
        role: request.role_id.clone(),
        expires_ms: giving::expires_ms(request.expires_in_s, now_ms, codes::ROLE_BINDING_INVALID_EXPIRY)?,
        giver: principal,
        now_ms,
    };
    let made =
        roles.idempotency.once_within(&tenant, key, BINDINGS, &request, |tx| Box::pin(bindings::create(tx, new)));
    Ok(made.await?.created(BINDINGS))
}

/// That it can be an id.
fn check_id(pointer: &str, id: Option<&String>) -> Result<(), Problem> {
    if id.is_none_or(|id| model::is_id(id)) {
        return Ok(());
    }
    Err(Problem::invalid(pointer, codes::ROLE_BINDING_UNKNOWN, "this can be no id of one"))
}

/// Who has which role in the caller's tenant, newest first, also what has ended lately.
#[utoipa::path(
    get, path = "/api/v1/role-bindings", operation_id = "list_role_bindings", tag = "roles", params(RoleBindingsQuery),
    responses(
        (status = 200, description = "a page", body = Page<BindingView>),
        (status = 422, description = "not a valid query", body = ProblemBody),
    )
)]
pub(crate) async fn list(
    State(roles): State<Roles>,
    Tenant(tenant): Tenant,
    ApiQuery(query): ApiQuery<RoleBindingsQuery>,
) -> Result<Response, Problem> {
    let RoleBindingsQuery { user_id, role_id, limit, after } = query;
    check_id("?user_id", user_id.as_ref())?;
    check_id("?role_id", role_id.as_ref())?;
    let cursor = |row: &BindingRow| Cursor { time_ms: row.created_ms, id: row.id.clone() };
    let (roles, tenant, of) = (&roles, &tenant, (user_id.as_deref(), role_id.as_deref()));
    let read = |after, limit| async move { roles.bindings(tenant, of, after, limit).await };
    let page = Page::read(limit, after.as_deref(), cursor, read).await?;
    let named = |name: &str, id: Option<&str>| id.map_or(String::new(), |id| format!("{name}={}&", escaped(id)));
    let address = format!("{BINDINGS}?{}{}", named("user_id", of.0), named("role_id", of.1));
    Ok(page.map(BindingView::from).respond(&address))
}

/// That a person has a role.
#[utoipa::path(
    get, path = "/api/v1/role-bindings/{id}", operation_id = "get_role_binding", tag = "roles",
    params(("id" = String, Path, description = "the binding")),
    responses(
        (status = 200, description = "the binding, with a strong ETag", body = BindingView),
        (status = 304, description = "unchanged"),
        (status = 404, description = "no such binding", body = ProblemBody),
    )
)]
pub(crate) async fn show(
    State(roles): State<Roles>,
    Tenant(tenant): Tenant,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    Ok(respond_json(&headers, &BindingView::from(roles.binding(&tenant, &id).await?)))
}

/// Takes a role from a person: within five seconds it opens nothing any more, in any process.
#[utoipa::path(
    delete, path = "/api/v1/role-bindings/{id}", operation_id = "revoke_role", tag = "roles",
    params(
        ("id" = String, Path, description = "the binding"),
        ("If-Match" = String, Header, description = "the state of it that is removed; a binding has one only"),
    ),
    responses(
        (status = 204, description = "revoked"),
        (status = 403, description = "the caller lacks what the role has", body = ProblemBody),
        (status = 404, description = "no such binding", body = ProblemBody),
        (status = 412, description = "it is another one", body = ProblemBody),
        (status = 428, description = "without If-Match", body = ProblemBody),
    )
)]
pub(crate) async fn revoke(
    State(roles): State<Roles>,
    Tenant(tenant): Tenant,
    principal: Principal,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let row = roles.binding(&tenant, &id).await?;
    require_if_match(&headers, &Etag::of_json(&BindingView::from(row.clone()))?)?;
    roles.revoke(&tenant, &row, &principal).await?;
    Ok(StatusCode::NO_CONTENT)
}
