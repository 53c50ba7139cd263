//! `/api/v1/roles`.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use kernel::conditional::respond_json;
use kernel::problem::ProblemBody;
use kernel::{
    ApiJson, ApiPath, ApiQuery, Cursor, Etag, Grants, Idempotency, Page, Principal, Problem, Tenant, require_if_match,
    text,
};
use media_types::TenantId;

use super::ROLES;
use crate::giving;
use crate::rbac::access::{DryRunRequest, DryRunView};
use crate::rbac::store::{self, Content, NewRole, RoleRow, Roles, check_beyond};
use crate::rbac::views::{RoleChange, RoleRequest, RoleView, RolesQuery};
use crate::rbac::{codes, model};

const MAX_NAME: usize = 100;
const MAX_DESCRIPTION: usize = 1000;

/// Makes a role of the caller's tenant. Nobody has it yet.
#[utoipa::path(
    post, path = "/api/v1/roles", operation_id = "create_role", tag = "roles", request_body = RoleRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "one role for each, for 24 hours")),
    extensions(("x-audit" = json!("effect"))),
    responses(
        (status = 201, description = "the role", body = RoleView),
        (status = 403, description = "the caller has not all of these permissions for good", body = ProblemBody),
        (status = 409, description = "the name is another one's", body = ProblemBody),
        (status = 422, description = "not a name or permissions, or too many roles", body = ProblemBody),
    )
)]
pub(crate) async fn create(
    State(roles): State<Roles>,
    Tenant(tenant): Tenant,
    principal: Principal,
    headers: HeaderMap,
    ApiJson(request): ApiJson<RoleRequest>,
) -> Result<Response, Problem> {
    let key = Idempotency::key(&headers)?;
    let RoleRequest { name, description, permissions } = request.clone();
    let content = Content {
        name: checked_name(name)?,
        description: checked_description(description.unwrap_or_default())?,
        grants: grants(&roles, &permissions)?,
    };
    check_beyond(&principal, &content.grants)?;
    let actor = principal.actor().to_owned();
    let new = NewRole { tenant: tenant.clone(), content, actor, now_ms: roles.now_ms() };
    let made = roles.idempotency.once_within(&tenant, key, ROLES, &request, |tx| Box::pin(store::create(tx, new)));
    Ok(made.await?.created(ROLES))
}

fn checked_name(name: String) -> Result<String, Problem> {
    text::check(&name, 1..=MAX_NAME).map_err(|detail| Problem::invalid("/name", codes::ROLE_INVALID_NAME, detail))?;
    Ok(name)
}

fn checked_description(description: String) -> Result<String, Problem> {
    let refused = |detail| Problem::invalid("/description", codes::ROLE_INVALID_DESCRIPTION, detail);
    text::check(&description, 0..=MAX_DESCRIPTION).map_err(refused)?;
    Ok(description)
}

fn grants(roles: &Roles, list: &[String]) -> Result<Grants, Problem> {
    giving::grants(list, &roles.catalogue, codes::ROLE_INVALID_PERMISSIONS)
}

/// Roles of the caller's tenant, newest first.
#[utoipa::path(
    get, path = "/api/v1/roles", operation_id = "list_roles", tag = "roles", params(RolesQuery),
    responses(
        (status = 200, description = "a page", body = Page<RoleView>),
        (status = 422, description = "not a valid query", body = ProblemBody),
    )
)]
pub(crate) async fn list(
    State(roles): State<Roles>,
    Tenant(tenant): Tenant,
    ApiQuery(query): ApiQuery<RolesQuery>,
) -> Result<Response, Problem> {
    let cursor = |row: &RoleRow| Cursor { time_ms: row.created_ms, id: row.id.clone() };
    let (roles, tenant) = (&roles, &tenant);
    let read = |after, limit| async move { roles.list(tenant, after, limit).await };
    let page = Page::read(query.limit, query.after.as_deref(), cursor, read).await?;
    Ok(page.map(RoleView::from).respond(&format!("{ROLES}?")))
}

/// One role.
#[utoipa::path(
    get, path = "/api/v1/roles/{id}", operation_id = "get_role", tag = "roles",
    params(("id" = String, Path, description = "the role")),
    responses(
        (status = 200, description = "the role, with a strong ETag", body = RoleView),
        (status = 304, description = "unchanged"),
        (status = 404, description = "no such role", body = ProblemBody),
    )
)]
pub(crate) async fn show(
    State(roles): State<Roles>,
    Tenant(tenant): Tenant,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    Ok(respond_json(&headers, &RoleView::from(roles.one(&tenant, &id).await?)))
}

/// Changes a role for all who have it, within five seconds in every process. `dry-run` tells before what that would do.
#[utoipa::path(
    patch, path = "/api/v1/roles/{id}", operation_id = "update_role", tag = "roles", request_body = RoleChange,
    params(
        ("id" = String, Path, description = "the role"),
        ("If-Match" = String, Header, description = "the state of it that is changed"),
    ),
    responses(
        (status = 200, description = "as it is now, with a strong ETag", body = RoleView),
        (status = 403, description = "the caller lacks what the role has or shall have", body = ProblemBody),
        (status = 404, description = "no such role", body = ProblemBody),
        (status = 409, description = "the name is another one's", body = ProblemBody),
        (status = 412, description = "it has changed since it was read", body = ProblemBody),
        (status = 422, description = "not a valid change", body = ProblemBody),
        (status = 428, description = "without If-Match", body = ProblemBody),
    )
)]
pub(crate) async fn update(
    State(roles): State<Roles>,
    Tenant(tenant): Tenant,
    principal: Principal,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
    ApiJson(change): ApiJson<RoleChange>,
) -> Result<Response, Problem> {
    let row = to_change(&roles, (&tenant, &principal), &id, &headers).await?;
    let RoleChange { name, description, permissions } = change;
    let content = Content {
        name: name.map_or(Ok(row.name.clone()), checked_name)?,
        description: description.map_or(Ok(row.description.clone()), checked_description)?,
        grants: permissions.map_or(Ok(row.permissions.0.clone()), |list| grants(&roles, &list))?,
    };
    check_beyond(&principal, &content.grants)?;
    let row = roles.change(&tenant, &row, content, principal.actor()).await?;
    Ok(respond_json(&HeaderMap::new(), &RoleView::from(row)))
}

/// Removes a role for good. Whoever has it has it no longer, within five seconds in every process.
#[utoipa::path(
    delete, path = "/api/v1/roles/{id}", operation_id = "delete_role", tag = "roles",
    params(
        ("id" = String, Path, description = "the role"),
        ("If-Match" = String, Header, description = "the state of it that is removed"),
    ),
    responses(
        (status = 204, description = "removed"),
        (status = 403, description = "the caller lacks what the role has", body = ProblemBody),
        (status = 404, description = "no such role", body = ProblemBody),
        (status = 412, description = "it has changed since it was read", body = ProblemBody),
        (status = 428, description = "without If-Match", body = ProblemBody),
    )
)]
pub(crate) async fn remove(
    State(roles): State<Roles>,
    Tenant(tenant): Tenant,
    principal: Principal,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let row = to_change(&roles, (&tenant, &principal), &id, &headers).await?;
    roles.remove(&tenant, &row, principal.actor()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A role in the state that the request is about, if the caller may change it: whoever lacks what it has could take it from others.
async fn to_change(
    roles: &Roles,
    (tenant, principal): (&TenantId, &Principal),
    id: &str,
    headers: &HeaderMap,
) -> Result<RoleRow, Problem> {
    let row = roles.one(tenant, id).await?;
    require_if_match(headers, &Etag::of_json(&RoleView::from(row.clone()))?)?;
    check_beyond(principal, &row.permissions.0)?;
    Ok(row)
}

/// Tells what a change of a role would do to those who have it, and changes nothing.
#[utoipa::path(
    post, path = "/api/v1/roles/{id}/dry-run", operation_id = "dry_run_role", tag = "roles",
    request_body = DryRunRequest, extensions(("x-audit" = json!("none"))),
    params(("id" = String, Path, description = "the role")),
    responses(
        (status = 200, description = "who would gain and lose what", body = DryRunView),
        (status = 404, description = "no such role", body = ProblemBody),
        (status = 422, description = "not permissions, or more people than are looked at", body = ProblemBody),
    )
)]
pub(crate) async fn dry_run(
    State(roles): State<Roles>,
    Tenant(tenant): Tenant,
    ApiPath(id): ApiPath<String>,
    ApiJson(request): ApiJson<DryRunRequest>,
) -> Result<axum::Json<DryRunView>, Problem> {
    let role = roles.one(&tenant, &id).await?.role();
    let list = match &request.permissions[..] {
        [] => Grants::default(),
        list => grants(&roles, list)?,
    };
    let holders = roles.holders(&tenant, &id).await?;
    let impact = model::dry_run(&roles.catalogue, (&role, &list), &holders, roles.now_ms());
    Ok(axum::Json(impact.into()))
}
