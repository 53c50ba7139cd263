//! `/scim/v2/Groups`.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use kernel::{ApiJson, ApiPath, ApiQuery, Principal, Problem, Tenant, audit, check_if_match};
use media_types::TenantId;
use scim::{GROUP, accept, patch};
use serde_json::{Map, Value};

use super::super::store::Users;
use super::answer::Resource;
use super::found;
use super::group::{self, GroupRow, Team};
use super::people::{TRIES, is_late};
use super::query::{ListQuery, OneQuery, Question};
use super::refusal::refused;
use super::views::{ScimError, ScimGroup, ScimList, ScimPatch, ScimResource};

/// Makes a group of people of the caller's tenant.
#[utoipa::path(
    post, path = "/scim/v2/Groups", operation_id = "scim_create_group", tag = "scim", params(OneQuery),
    request_body(content = ScimGroup, content_type = "application/scim+json"),
    responses(
        (status = 201, description = "the group", body = ScimResource, content_type = "application/scim+json"),
        (status = 400, description = "not a group, or of people who are not there", body = ScimError),
    )
)]
pub(crate) async fn create(
    State(users): State<Users>,
    Tenant(tenant): Tenant,
    principal: Principal,
    ApiQuery(query): ApiQuery<OneQuery>,
    ApiJson(body): ApiJson<Map<String, Value>>,
) -> Result<Response, Problem> {
    let wanted = query.wanted()?;
    let team = Team::of(&accept(GROUP, &body).map_err(refused)?)?;
    let row = users.make_group(&tenant, team, principal.actor()).await?;
    Ok(whole(&users, &tenant, &row).await?.created(&wanted))
}

/// Groups of the caller's tenant, newest first.
#[utoipa::path(
    get, path = "/scim/v2/Groups", operation_id = "scim_list_groups", tag = "scim", params(ListQuery),
    responses(
        (status = 200, description = "those that are meant", body = ScimList, content_type = "application/scim+json"),
        (status = 400, description = "not a filter, or one that means too many", body = ScimError),
    )
)]
pub(crate) async fn list(
    State(users): State<Users>,
    Tenant(tenant): Tenant,
    ApiQuery(query): ApiQuery<ListQuery>,
) -> Result<Response, Problem> {
    answer(&users, &tenant, &Question::try_from(query)?).await
}

/// The groups that a question means.
pub(super) async fn answer(users: &Users, tenant: &TenantId, question: &Question) -> Result<Response, Problem> {
    found::check(question, &[GROUP])?;
    let found = found::groups(users, tenant, question).await?;
    Ok(found.respond(question.window, &question.wanted))
}

/// One group.
#[utoipa::path(
    get, path = "/scim/v2/Groups/{id}", operation_id = "scim_get_group", tag = "scim",
    params(("id" = String, Path, description = "the group"), OneQuery),
    responses(
        (status = 200, description = "the group, with an ETag", body = ScimResource, content_type = "application/scim+json"),
        (status = 304, description = "unchanged"),
        (status = 404, description = "no such group", body = ScimError),
    )
)]
pub(crate) async fn show(
    State(users): State<Users>,
    Tenant(tenant): Tenant,
    ApiPath(id): ApiPath<String>,
    ApiQuery(query): ApiQuery<OneQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let wanted = query.wanted()?;
    let row = users.group(&tenant, &id).await?;
    Ok(whole(&users, &tenant, &row).await?.respond(&headers, &wanted))
}

/// Says anew what a group is, and who belongs to it.
#[utoipa::path(
    put, path = "/scim/v2/Groups/{id}", operation_id = "scim_replace_group", tag = "scim",
    request_body(content = ScimGroup, content_type = "application/scim+json"),
    params(
        ("id" = String, Path, description = "the group"),
        ("If-Match" = Option<String>, Header, description = "the state of it that is changed; any without it"),
        OneQuery,
    ),
    responses(
        (status = 200, description = "as it is now, with an ETag", body = ScimResource, content_type = "application/scim+json"),
        (status = 400, description = "not a group, or of people who are not there", body = ScimError),
        (status = 404, description = "no such group", body = ScimError),
        (status = 412, description = "it has changed since it was read", body = ScimError),
    )
)]
pub(crate) async fn replace(
    State(users): State<Users>,
    Tenant(tenant): Tenant,
    principal: Principal,
    ApiPath(id): ApiPath<String>,
    ApiQuery(query): ApiQuery<OneQuery>,
    headers: HeaderMap,
    ApiJson(body): ApiJson<Map<String, Value>>,
) -> Result<Response, Problem> {
    let wanted = query.wanted()?;
    let said = |_: &GroupRow, _: &[String]| accept(GROUP, &body).map_err(refused);
    let row = change(&users, &tenant, &principal, (&id, &headers), said).await?;
    Ok(whole(&users, &tenant, &row).await?.respond(&HeaderMap::new(), &wanted))
}

/// Changes a part of what a group is, such as who belongs to it.
#[utoipa::path(
    patch, path = "/scim/v2/Groups/{id}", operation_id = "scim_patch_group", tag = "scim",
    request_body(content = ScimPatch, content_type = "application/scim+json"),
    params(
        ("id" = String, Path, description = "the group"),
        ("If-Match" = Option<String>, Header, description = "the state of it that is changed; any without it"),
        OneQuery,
    ),
    responses(
        (status = 200, description = "as it is now, with an ETag", body = ScimResource, content_type = "application/scim+json"),
        (status = 400, description = "not such changes, or of people who are not there", body = ScimError),
        (status = 404, description = "no such group", body = ScimError),
        (status = 412, description = "it has changed since it was read", body = ScimError),
    )
)]
pub(crate) async fn patch(
    State(users): State<Users>,
    Tenant(tenant): Tenant,
    principal: Principal,
    ApiPath(id): ApiPath<String>,
    ApiQuery(query): ApiQuery<OneQuery>,
    headers: HeaderMap,
    ApiJson(body): ApiJson<Map<String, Value>>,
) -> Result<Response, Problem> {
    let wanted = query.wanted()?;
    let said = |was: &GroupRow, members: &[String]| -> Result<Map<String, Value>, Problem> {
        let operations = patch::operations(&body).map_err(refused)?;
        let mut said = group::document(was, members);
        patch::apply(GROUP, &mut said, &operations).map_err(refused)?;
        Ok(said)
    };
    let row = change(&users, &tenant, &principal, (&id, &headers), said).await?;
    Ok(whole(&users, &tenant, &row).await?.respond(&HeaderMap::new(), &wanted))
}

/// Removes a group. Who belonged to it stays.
#[utoipa::path(
    delete, path = "/scim/v2/Groups/{id}", operation_id = "scim_delete_group", tag = "scim",
    params(
        ("id" = String, Path, description = "the group"),
        ("If-Match" = Option<String>, Header, description = "the state of it that is removed; any without it"),
    ),
    responses(
        (status = 204, description = "removed"),
        (status = 404, description = "no such group", body = ScimError),
        (status = 412, description = "it has changed since it was read", body = ScimError),
    )
)]
pub(crate) async fn erase(
    State(users): State<Users>,
    Tenant(tenant): Tenant,
    principal: Principal,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let mut tries = TRIES;
    loop {
        let row = users.group(&tenant, &id).await?;
        check_if_match(&headers, &group::tag(&row))?;
        audit::before(&whole(&users, &tenant, &row).await?.json);
        match users.end_group(&tenant, &row, principal.actor()).await {
            Err(problem) if tries > 1 && is_late(&problem, &headers) => tries -= 1,
            ended => return ended.map(|()| StatusCode::NO_CONTENT),
        }
    }
}

async fn whole(users: &Users, tenant: &TenantId, row: &GroupRow) -> Result<Resource, Problem> {
    Ok(group::resource(row, &users.members(tenant, &row.id).await?))
}

/// Makes of a group what is said of what it was.
async fn change(
    users: &Users,
    tenant: &TenantId,
    principal: &Principal,
    (id, headers): (&str, &HeaderMap),
    said: impl Fn(&GroupRow, &[String]) -> Result<Map<String, Value>, Problem>,
) -> Result<GroupRow, Problem> {
    let mut tries = TRIES;
    loop {
        let row = users.group(tenant, id).await?;
        check_if_match(headers, &group::tag(&row))?;
        let members = users.members(tenant, &row.id).await?;
        audit::before(&group::resource(&row, &members).json);
        let team = Team::of(&said(&row, &members)?)?;
        match users.change_group(tenant, (&row, &members), team, principal.actor()).await {
            Err(problem) if tries > 1 && is_late(&problem, headers) => tries -= 1,
            changed => return changed,
        }
    }
}
