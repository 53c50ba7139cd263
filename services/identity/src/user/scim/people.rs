//! `/scim/v2/Users`.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use kernel::{ApiJson, ApiPath, ApiQuery, Principal, Problem, Tenant, audit, check_if_match, codes as common};
use media_types::TenantId;
use scim::{USER, accept, patch};
use serde_json::{Map, Value};

use super::super::model::{self, ACTIVE};
use super::super::routes::{check_address, to_change};
use super::super::store::{NewUser, UserRow, Users};
use super::query::{ListQuery, OneQuery, Question};
use super::refusal::refused;
use super::views::{ScimError, ScimList, ScimPatch, ScimResource, ScimUser};
use super::{found, person};

/// How often a change is tried that nobody has said the state for, while others change the same.
pub(super) const TRIES: usize = 5;

/// Makes a person of the caller's tenant, as a directory says him.
#[utoipa::path(
    post, path = "/scim/v2/Users", operation_id = "scim_create_user", tag = "scim", params(OneQuery),
    request_body(content = ScimUser, content_type = "application/scim+json"),
    responses(
        (status = 201, description = "the person", body = ScimResource, content_type = "application/scim+json"),
        (status = 400, description = "not a person", body = ScimError),
        (status = 409, description = "the name or the address is another one's", body = ScimError),
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
    let mut said = accept(USER, &body).map_err(refused)?;
    said.entry("active").or_insert(Value::Bool(true));
    let id = model::new_id();
    let profile = person::profile(said, None, &id)?;
    let (actor, now_ms) = (principal.actor().to_owned(), users.now_ms());
    let row = users.make(NewUser { tenant, id, profile, actor, now_ms }).await?;
    Ok(person::resource(&row).created(&wanted))
}

/// People of the caller's tenant, newest first.
#[utoipa::path(
    get, path = "/scim/v2/Users", operation_id = "scim_list_users", tag = "scim", params(ListQuery),
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

/// The people that a question means.
pub(super) async fn answer(users: &Users, tenant: &TenantId, question: &Question) -> Result<Response, Problem> {
    found::check(question, &[USER])?;
    let found = found::people(users, tenant, question).await?;
    Ok(found.respond(question.window, &question.wanted))
}

/// One person.
#[utoipa::path(
    get, path = "/scim/v2/Users/{id}", operation_id = "scim_get_user", tag = "scim",
    params(("id" = String, Path, description = "the person"), OneQuery),
    responses(
        (status = 200, description = "the person, with an ETag", body = ScimResource, content_type = "application/scim+json"),
        (status = 304, description = "unchanged"),
        (status = 404, description = "no such person", body = ScimError),
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
    Ok(person::resource(&users.one(&tenant, &id).await?).respond(&headers, &wanted))
}

/// Says anew who a person is. What is not said is gone, but whether he may sign in.
#[utoipa::path(
    put, path = "/scim/v2/Users/{id}", operation_id = "scim_replace_user", tag = "scim",
    request_body(content = ScimUser, content_type = "application/scim+json"),
    params(
        ("id" = String, Path, description = "the person"),
        ("If-Match" = Option<String>, Header, description = "the state of him that is changed; any without it"),
        OneQuery,
    ),
    responses(
        (status = 200, description = "as he is now, with an ETag", body = ScimResource, content_type = "application/scim+json"),
        (status = 400, description = "not a person", body = ScimError),
        (status = 403, description = "the caller lacks what the person has", body = ScimError),
        (status = 404, description = "no such person", body = ScimError),
        (status = 409, description = "the name or the address is another one's", body = ScimError),
        (status = 412, description = "he has changed since he was read", body = ScimError),
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
    let said = |was: &UserRow| -> Result<Map<String, Value>, Problem> {
        let mut said = accept(USER, &body).map_err(refused)?;
        said.entry("active").or_insert((was.state == ACTIVE).into());
        Ok(said)
    };
    let row = change(&users, &tenant, &principal, (&id, &headers), said).await?;
    Ok(person::resource(&row).respond(&HeaderMap::new(), &wanted))
}

/// Changes a part of what is said of a person. One who is no longer active is signed out everywhere.
#[utoipa::path(
    patch, path = "/scim/v2/Users/{id}", operation_id = "scim_patch_user", tag = "scim",
    request_body(content = ScimPatch, content_type = "application/scim+json"),
    params(
        ("id" = String, Path, description = "the person"),
        ("If-Match" = Option<String>, Header, description = "the state of him that is changed; any without it"),
        OneQuery,
    ),
    responses(
        (status = 200, description = "as he is now, with an ETag", body = ScimResource, content_type = "application/scim+json"),
        (status = 400, description = "not such changes", body = ScimError),
        (status = 403, description = "the caller lacks what the person has", body = ScimError),
        (status = 404, description = "no such person", body = ScimError),
        (status = 409, description = "the name or the address is another one's", body = ScimError),
        (status = 412, description = "he has changed since he was read", body = ScimError),
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
    let said = |was: &UserRow| -> Result<Map<String, Value>, Problem> {
        let operations = patch::operations(&body).map_err(refused)?;
        let mut said = person::document(&was.profile(), &was.id);
        patch::apply(USER, &mut said, &operations).map_err(refused)?;
        Ok(said)
    };
    let row = change(&users, &tenant, &principal, (&id, &headers), said).await?;
    Ok(person::resource(&row).respond(&HeaderMap::new(), &wanted))
}

/// Removes a person for good, with his password, his sessions and his places in groups.
#[utoipa::path(
    delete, path = "/scim/v2/Users/{id}", operation_id = "scim_erase_user", tag = "scim",
    params(
        ("id" = String, Path, description = "the person"),
        ("If-Match" = Option<String>, Header, description = "the state of him that is erased; any without it"),
    ),
    responses(
        (status = 204, description = "erased"),
        (status = 403, description = "the caller lacks what the person has", body = ScimError),
        (status = 404, description = "no such person", body = ScimError),
        (status = 412, description = "he has changed since he was read", body = ScimError),
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
        let row = to_change(&users, &tenant, &principal, &id).await?;
        check_if_match(&headers, &person::tag(&row))?;
        audit::before(&person::resource(&row).json);
        match users.erase(&tenant, &row, principal.actor()).await {
            Err(problem) if tries > 1 && is_late(&problem, &headers) => tries -= 1,
            erased => return erased.map(|()| StatusCode::NO_CONTENT),
        }
    }
}

/// Makes of a person what is said of who he was.
async fn change(
    users: &Users,
    tenant: &TenantId,
    principal: &Principal,
    (id, headers): (&str, &HeaderMap),
    said: impl Fn(&UserRow) -> Result<Map<String, Value>, Problem>,
) -> Result<UserRow, Problem> {
    let mut tries = TRIES;
    loop {
        let row = to_change(users, tenant, principal, id).await?;
        check_if_match(headers, &person::tag(&row))?;
        audit::before(&person::resource(&row).json);
        let profile = person::profile(said(&row)?, Some(&row.profile()), &row.id)?;
        check_address(principal, &row, &profile)?;
        match users.change(tenant, &row, profile, principal.actor()).await {
            Err(problem) if tries > 1 && is_late(&problem, headers) => tries -= 1,
            changed => return changed,
        }
    }
}

/// Whether somebody else was first, which matters to nobody who has not said what he has seen.
pub(super) fn is_late(problem: &Problem, headers: &HeaderMap) -> bool {
    problem.code() == common::HTTP_PRECONDITION_FAILED.name() && !headers.contains_key(header::IF_MATCH)
}
