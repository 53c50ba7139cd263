//! `/api/v1/org/invitations`.

use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kernel::audit::By;
use kernel::conditional::respond_json;
use kernel::problem::ProblemBody;
use kernel::{
    ApiJson, ApiPath, ApiQuery, Code, Cursor, Etag, Idempotency, Page, Permission, Policy, Principal, Problem, Routes,
    Tenant, audit, require_if_match, text,
};
use utoipa_axum::routes;

use super::super::store::Tenants;
use super::super::tree::OrgPageQuery;
use super::super::{check_id, codes};
use super::views::{
    AcceptInvitationRequest, AcceptedInvitationView, IssuedInvitationView, OrgInvitationRequest, OrgInvitationView,
};
use super::{InvitationRow, NewInvitation, create as made};
use crate::auth::secret::{INVITATION, Secret};
use crate::user::model::normal_email;

const INVITATIONS: &str = "/api/v1/org/invitations";
const MAX_NAME: usize = 200;
/// The most roles of one, and the most teams.
const MAX_GIVEN: usize = 8;
const MAX_EXPIRY_S: i64 = 90 * 24 * 3600;

pub(in crate::org) const CREATE: Permission = Permission::new("invitation", "create");
/// To revoke one.
pub(in crate::org) const DELETE: Permission = Permission::new("invitation", "delete");
pub(in crate::org) const READ: Permission = Permission::new("invitation", "read");

/// Mounts every route of invitations.
pub(in crate::org) fn mount(routes: Routes<Tenants>) -> Routes<Tenants> {
    use Policy::{May, Public};
    routes
        .mount([(Method::POST, May(CREATE)), (Method::GET, May(READ))], routes!(create, list))
        .mount([(Method::GET, May(READ)), (Method::DELETE, May(DELETE))], routes!(show, revoke))
        .mount(Public, routes!(accept))
}

/// Invites somebody to the caller's tenant. The token is in this answer and in no other; no mail is sent.
#[utoipa::path(
    post, path = "/api/v1/org/invitations", operation_id = "create_invitation", tag = "org",
    request_body = OrgInvitationRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "one for each, for 24 hours")),
    responses(
        (status = 201, description = "the invitation with its token", body = IssuedInvitationView),
        (status = 403, description = "the caller has not for good what it gives", body = ProblemBody),
        (status = 409, description = "the address has an account or an invitation already, or nobody is invited there", body = ProblemBody),
        (status = 422, description = "not an address, a place, roles or teams, or too many invitations", body = ProblemBody),
    )
)]
pub(crate) async fn create(
    State(tenants): State<Tenants>,
    Tenant(tenant): Tenant,
    principal: Principal,
    headers: HeaderMap,
    ApiJson(request): ApiJson<OrgInvitationRequest>,
) -> Result<Response, Problem> {
    let (key, now_ms) = (Idempotency::key(&headers)?, tenants.now_ms());
    let OrgInvitationRequest { email, name, node_id, role_ids, team_ids, expires_in_s } = request.clone();
    let no_address = || Problem::invalid("/email", codes::INVITATION_INVALID_EMAIL, "this can be no e-mail address");
    check_name(name.as_deref())?;
    if let Some(node) = &node_id {
        check_id("/node_id", node, codes::ORG_NODE_UNKNOWN)?;
    }
    let secret = Secret::draw(INVITATION).map_err(|error| Problem::internal(&error))?;
    let new = NewInvitation {
        tenant: tenant.clone(),
        id: secret.id.clone(),
        token_sha256: secret.sha256(),
        email: normal_email(&email).ok_or_else(no_address)?,
        name,
        node: node_id,
        roles: ids("/role_ids", role_ids)?,
        teams: ids("/team_ids", team_ids)?,
        expires_ms: expires_ms(expires_in_s, now_ms)?,
        by: principal,
        now_ms,
    };
    let made = tenants.idempotency.once_within(&tenant, key, INVITATIONS, &request, |tx| Box::pin(made(tx, new)));
    let mut outcome = made.await?;
    if !outcome.replayed {
        outcome.stored.body["token"] = secret.reveal().into();
    }
    let mut recorded = outcome.stored.body.clone();
    let response = outcome.created(INVITATIONS);
    // The log has it under the tenant's key: who is invited is nobody yet whose key could be destroyed.
    recorded.as_object_mut().map(|told| ["email", "name"].map(|name| told.remove(name)));
    audit::after(&recorded);
    Ok(response)
}

fn check_name(name: Option<&str>) -> Result<(), Problem> {
    let Some(name) = name else { return Ok(()) };
    text::check(name, 1..=MAX_NAME).map_err(|detail| Problem::invalid("/name", codes::ORG_INVALID_NAME, detail))
}

/// Ids, each once.
fn ids(pointer: &str, list: Option<Vec<String>>) -> Result<Vec<String>, Problem> {
    const UNKNOWN: Code = codes::INVITATION_UNKNOWN;
    let mut list = list.unwrap_or_default();
    if list.len() > MAX_GIVEN {
        return Err(Problem::invalid(pointer, UNKNOWN, format!("there are at most {MAX_GIVEN}")));
    }
    for (at, id) in list.iter().enumerate() {
        check_id(&format!("{pointer}/{at}"), id, UNKNOWN)?;
    }
    list.sort();
    list.dedup();
    Ok(list)
}

fn expires_ms(in_s: Option<i64>, now_ms: i64) -> Result<Option<i64>, Problem> {
    let Some(seconds) = in_s else { return Ok(None) };
    if !(1..=MAX_EXPIRY_S).contains(&seconds) {
        let detail = format!("expires_in_s is 1 to {MAX_EXPIRY_S} seconds");
        return Err(Problem::invalid("/expires_in_s", codes::INVITATION_INVALID_EXPIRY, detail));
    }
    Ok(Some(now_ms + seconds * 1000))
}

/// Invitations of the caller's tenant that nobody has accepted, newest first, those included that have ended lately.
#[utoipa::path(
    get, path = "/api/v1/org/invitations", operation_id = "list_invitations", tag = "org", params(OrgPageQuery),
    responses(
        (status = 200, description = "a page", body = Page<OrgInvitationView>),
        (status = 422, description = "not a valid query", body = ProblemBody),
    )
)]
pub(crate) async fn list(
    State(tenants): State<Tenants>,
    Tenant(tenant): Tenant,
    ApiQuery(query): ApiQuery<OrgPageQuery>,
) -> Result<Response, Problem> {
    let cursor = |row: &InvitationRow| Cursor { time_ms: row.created_ms, id: row.id.clone() };
    let (tenants, tenant) = (&tenants, &tenant);
    let read = |after, limit| async move { tenants.invitations(tenant, after, limit).await };
    let page = Page::read(query.limit, query.after.as_deref(), cursor, read).await?;
    Ok(page.map(OrgInvitationView::from).respond(&format!("{INVITATIONS}?")))
}

/// One invitation.
#[utoipa::path(
    get, path = "/api/v1/org/invitations/{id}", operation_id = "get_invitation", tag = "org",
    params(("id" = String, Path, description = "the invitation")),
    responses(
        (status = 200, description = "the invitation, with a strong ETag", body = OrgInvitationView),
        (status = 304, description = "unchanged"),
        (status = 404, description = "no such invitation, or somebody has accepted it", body = ProblemBody),
    )
)]
pub(crate) async fn show(
    State(tenants): State<Tenants>,
    Tenant(tenant): Tenant,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    Ok(respond_json(&headers, &OrgInvitationView::from(tenants.invitation(&tenant, &id).await?)))
}

/// Revokes an invitation that nobody has accepted.
#[utoipa::path(
    delete, path = "/api/v1/org/invitations/{id}", operation_id = "revoke_invitation", tag = "org",
    params(
        ("id" = String, Path, description = "the invitation"),
        ("If-Match" = String, Header, description = "the state of it that is revoked; an invitation has one only"),
    ),
    responses(
        (status = 204, description = "revoked"),
        (status = 404, description = "no such invitation, or somebody has accepted it", body = ProblemBody),
        (status = 412, description = "it is another one", body = ProblemBody),
        (status = 428, description = "without If-Match", body = ProblemBody),
    )
)]
pub(crate) async fn revoke(
    State(tenants): State<Tenants>,
    Tenant(tenant): Tenant,
    principal: Principal,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let row = tenants.invitation(&tenant, &id).await?;
    require_if_match(&headers, &Etag::of_json(&OrgInvitationView::from(row.clone()))?)?;
    audit::unsaid();
    tenants.revoke_invitation(&tenant, &row, principal.actor()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Accepts an invitation: makes the account of whoever has its token, with all that it promises, and the link by which he sets his
/// password.
#[utoipa::path(
    post, path = "/api/v1/org/invitations/accept", operation_id = "accept_invitation", tag = "org",
    request_body = AcceptInvitationRequest, extensions(("x-audit" = json!("answer"))),
    responses(
        (status = 201, description = "the account", body = AcceptedInvitationView),
        (status = 403, description = "the tenant is suspended", body = ProblemBody),
        (status = 409, description = "the address has an account by now, or a team is full", body = ProblemBody),
        (status = 422, description = "an invitation that holds no more, or not a name", body = ProblemBody),
    )
)]
pub(crate) async fn accept(
    State(tenants): State<Tenants>,
    ApiJson(AcceptInvitationRequest { token, name }): ApiJson<AcceptInvitationRequest>,
) -> Result<Response, Problem> {
    check_name(name.as_deref())?;
    let accepted = tenants.accept(&token, name).await?;
    let by = By { tenant: accepted.tenant.clone(), actor: accepted.user.clone() };
    let view = AcceptedInvitationView::from(accepted);
    let mut response = (StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], axum::Json(view)).into_response();
    response.extensions_mut().insert(by);
    Ok(response)
}
