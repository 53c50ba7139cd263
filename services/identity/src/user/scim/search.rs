//! Questions that are too long for an address, or would stand in its log (RFC 7644 §3.4.3).

use axum::extract::State;
use axum::response::Response;
use kernel::{ApiJson, Grants, Principal, Problem, Tenant};
use scim::{GROUP, USER};
use serde_json::{Map, Value};

use super::super::store::Users;
use super::found::{self, Window};
use super::query::Question;
use super::views::{ScimError, ScimList, ScimSearch};
use super::{GROUP_SEARCH, people as persons, teams};

/// People of the caller's tenant and, if he may find those, groups.
#[utoipa::path(
    post, path = "/scim/v2/.search", operation_id = "scim_search", tag = "scim",
    extensions(("x-audit" = json!("none"))),
    request_body(content = ScimSearch, content_type = "application/scim+json"),
    responses(
        (status = 200, description = "those that are meant", body = ScimList, content_type = "application/scim+json"),
        (status = 400, description = "not a question, or one that means too many", body = ScimError),
    )
)]
pub(crate) async fn all(
    State(users): State<Users>,
    Tenant(tenant): Tenant,
    principal: Principal,
    ApiJson(body): ApiJson<Map<String, Value>>,
) -> Result<Response, Problem> {
    let mut question = Question::try_from(body)?;
    let needs = Grants::new(vec![GROUP_SEARCH.to_string()]).map_err(|error| Problem::internal(&error))?;
    if principal.lacks(&needs).is_some() {
        return persons::answer(&users, &tenant, &question).await;
    }
    found::check(&question, &[USER, GROUP])?;
    let window = question.window;
    let mut found = found::people(&users, &tenant, &question).await?;
    question.window = Window { skip: window.skip.saturating_sub(found.total), take: window.take - found.items.len() };
    let groups = found::groups(&users, &tenant, &question).await?;
    found.total += groups.total;
    found.items.extend(groups.items);
    Ok(found.respond(window, &question.wanted))
}

/// People of the caller's tenant.
#[utoipa::path(
    post, path = "/scim/v2/Users/.search", operation_id = "scim_search_users", tag = "scim",
    extensions(("x-audit" = json!("none"))),
    request_body(content = ScimSearch, content_type = "application/scim+json"),
    responses(
        (status = 200, description = "those that are meant", body = ScimList, content_type = "application/scim+json"),
        (status = 400, description = "not a question, or one that means too many", body = ScimError),
    )
)]
pub(crate) async fn people(
    State(users): State<Users>,
    Tenant(tenant): Tenant,
    ApiJson(body): ApiJson<Map<String, Value>>,
) -> Result<Response, Problem> {
    persons::answer(&users, &tenant, &Question::try_from(body)?).await
}

/// Groups of the caller's tenant.
#[utoipa::path(
    post, path = "/scim/v2/Groups/.search", operation_id = "scim_search_groups", tag = "scim",
    extensions(("x-audit" = json!("none"))),
    request_body(content = ScimSearch, content_type = "application/scim+json"),
    responses(
        (status = 200, description = "those that are meant", body = ScimList, content_type = "application/scim+json"),
        (status = 400, description = "not a question, or one that means too many", body = ScimError),
    )
)]
pub(crate) async fn groups(
    State(users): State<Users>,
    Tenant(tenant): Tenant,
    ApiJson(body): ApiJson<Map<String, Value>>,
) -> Result<Response, Problem> {
    teams::answer(&users, &tenant, &Question::try_from(body)?).await
}
