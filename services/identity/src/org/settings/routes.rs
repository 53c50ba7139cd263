//! `/api/v1/org/nodes/{id}/settings` and `/api/v1/org/me`.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use kernel::conditional::respond_json;
use kernel::problem::ProblemBody;
use kernel::{ApiJson, ApiPath, Etag, Myself, Policy, Principal, Problem, Routes, Tenant, require_if_match};
use media_types::TenantId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::super::rolls::views::OwnRollView;
use super::super::store::Tenants;
use super::super::tree::routes::{READ, UPDATE};
use super::store::Said;
use super::{OrgEffectiveSetting, OrgSetting, check};

/// Mounts every route of settings.
pub(in crate::org) fn mount(routes: Routes<Tenants>) -> Routes<Tenants> {
    use Policy::{May, Person};
    routes
        .mount([(Method::GET, May(READ)), (Method::PUT, May(UPDATE))], routes!(show, put))
        .mount(Person, routes!(mine))
}

/// All that is said at a place from now on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrgSettingsRequest {
    /// By their names: `invitation_days`, `invitations_allowed`, `locale`, `time_zone`. What is absent is inherited.
    settings: BTreeMap<String, OrgSetting>,
}

/// What is said at a place, and what holds there.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrgSettingsView {
    /// A sub-organization, or `root` for the tenant itself.
    node_id: String,
    /// What is said there, by the names of the settings.
    settings: BTreeMap<String, OrgSetting>,
    /// What holds there: every setting that there is.
    effective: Vec<OrgEffectiveSetting>,
}

/// Where somebody belongs, what holds there, and which lists he is on.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OwnOrgView {
    /// A sub-organization, or `root` for the tenant itself.
    node_id: String,
    /// What holds there: every setting that there is.
    effective: Vec<OrgEffectiveSetting>,
    /// The teams to which he belongs, at most 200 with the licences.
    teams: Vec<OwnRollView>,
    /// The licences of which he has a seat.
    licences: Vec<OwnRollView>,
}

/// What is said at a sub-organization, or at `root`, and what holds there, each with where it is said.
#[utoipa::path(
    get, path = "/api/v1/org/nodes/{id}/settings", operation_id = "get_org_settings", tag = "org",
    params(("id" = String, Path, description = "a sub-organization, or `root` for the tenant itself")),
    responses(
        (status = 200, description = "the settings, with a strong ETag", body = OrgSettingsView),
        (status = 304, description = "unchanged"),
        (status = 404, description = "no such sub-organization", body = ProblemBody),
    )
)]
pub(crate) async fn show(
    State(tenants): State<Tenants>,
    Tenant(tenant): Tenant,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (_, view) = look(&tenants, &tenant, id).await?;
    Ok(respond_json(&headers, &view))
}

async fn look(tenants: &Tenants, tenant: &TenantId, id: String) -> Result<(Said, OrgSettingsView), Problem> {
    tenants.check_place(tenant, &id).await?;
    let said = tenants.said(tenant, &id).await?;
    let effective = tenants.holds(tenant, &id).await?;
    let settings = said.own.clone();
    Ok((said, OrgSettingsView { node_id: id, settings, effective }))
}

/// Says all that is said at a sub-organization, or at `root`. It holds there and below at once, but where it is said anew; what is locked
/// holds below in any case.
#[utoipa::path(
    put, path = "/api/v1/org/nodes/{id}/settings", operation_id = "put_org_settings", tag = "org",
    request_body = OrgSettingsRequest,
    params(
        ("id" = String, Path, description = "a sub-organization, or `root` for the tenant itself"),
        ("If-Match" = String, Header, description = "the state of the settings that is changed"),
    ),
    responses(
        (status = 200, description = "as they are now, with a strong ETag", body = OrgSettingsView),
        (status = 404, description = "no such sub-organization", body = ProblemBody),
        (status = 409, description = "one of them is locked above", body = ProblemBody),
        (status = 412, description = "they have changed since they were read", body = ProblemBody),
        (status = 422, description = "no such setting, or no value of it", body = ProblemBody),
        (status = 428, description = "without If-Match", body = ProblemBody),
    )
)]
pub(crate) async fn put(
    State(tenants): State<Tenants>,
    Tenant(tenant): Tenant,
    principal: Principal,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
    ApiJson(OrgSettingsRequest { settings }): ApiJson<OrgSettingsRequest>,
) -> Result<Response, Problem> {
    let (said, view) = look(&tenants, &tenant, id).await?;
    require_if_match(&headers, &Etag::of_json(&view)?)?;
    check(&settings)?;
    tenants.say(&tenant, (&view.node_id, &said), &settings, &principal).await?;
    let (_, view) = look(&tenants, &tenant, view.node_id).await?;
    Ok(respond_json(&HeaderMap::new(), &view))
}

/// Where the person who asks belongs, what holds there, each with where it is said, and his teams and licences.
#[utoipa::path(
    get, path = "/api/v1/org/me", operation_id = "get_own_org", tag = "org",
    responses(
        (status = 200, description = "it, with a strong ETag", body = OwnOrgView),
        (status = 304, description = "unchanged"),
    )
)]
pub(crate) async fn mine(
    State(tenants): State<Tenants>,
    Myself(me): Myself,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let node_id = tenants.place(&me.tenant, &me.id).await?;
    let effective = tenants.holds(&me.tenant, &node_id).await?;
    let (teams, licences) = tenants.own_rolls(&me.tenant, &me.id).await?;
    Ok(respond_json(&headers, &OwnOrgView { node_id, effective, teams, licences }))
}
