//! `/api/v1/oauth-clients`.

use std::collections::BTreeSet;

use axum::extract::{FromRef, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use kernel::conditional::respond_json;
use kernel::problem::ProblemBody;
use kernel::{
    ApiJson, ApiPath, ApiQuery, Cursor, Etag, Grants, Idempotency, Page, Permission, Policy, Principal, Problem,
    Routes, Tenant, require_if_match, text,
};
use utoipa_axum::routes;

use super::views::{ClientChange, ClientRequest, ClientView, ClientsQuery, Grant, IssuedClientView};
use super::{ClientRow, Clients, NewClient, Settings, create as make};
use crate::auth::codes;
use crate::auth::oidc::redirect;
use crate::auth::oidc::scope::Scope;
use crate::auth::secret::{self, Secret};
use crate::giving;

const ADDRESS: &str = "/api/v1/oauth-clients";
/// The most addresses of one kind.
const MAX_URIS: usize = 20;

pub(in crate::auth) const CREATE: Permission = Permission::new("oauth_client", "create");
pub(in crate::auth) const DELETE: Permission = Permission::new("oauth_client", "delete");
pub(in crate::auth) const READ: Permission = Permission::new("oauth_client", "read");
pub(in crate::auth) const UPDATE: Permission = Permission::new("oauth_client", "update");

/// Mounts every route.
pub(in crate::auth::oidc) fn mount<S>(routes: Routes<S>) -> Routes<S>
where
    S: Clone + Send + Sync + 'static,
    Clients: FromRef<S>,
{
    use Policy::May;
    routes.mount([(Method::POST, May(CREATE)), (Method::GET, May(READ))], routes!(create, list)).mount(
        [(Method::GET, May(READ)), (Method::PATCH, May(UPDATE)), (Method::DELETE, May(DELETE))],
        routes!(show, update, delete),
    )
}

/// Makes a client of the caller's tenant, whose people can sign in to it. Its secret is in this answer and in no other.
#[utoipa::path(
    post, path = "/api/v1/oauth-clients", operation_id = "create_oauth_client", tag = "sign-in", request_body = ClientRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "one client for each, for 24 hours")),
    extensions(("x-audit" = json!("effect"))),
    responses(
        (status = 201, description = "the client with its secret", body = IssuedClientView),
        (status = 403, description = "with the scope api, and the caller may not everything; or with permissions that he lacks", body = ProblemBody),
        (status = 422, description = "not a client that could be, or too many", body = ProblemBody),
    )
)]
pub(crate) async fn create(
    State(clients): State<Clients>,
    Tenant(tenant): Tenant,
    principal: Principal,
    headers: HeaderMap,
    ApiJson(request): ApiJson<ClientRequest>,
) -> Result<Response, Problem> {
    let once = Idempotency::key(&headers)?;
    let settings = settings(request.clone(), &clients)?;
    check_giver(&principal, &settings.scopes, &settings.permissions)?;
    let secret = Secret::draw(secret::CLIENT).map_err(|error| Problem::internal(&error))?;
    let new = NewClient {
        tenant: tenant.clone(),
        id: secret.id.clone(),
        secret_sha256: request.is_confidential.then(|| secret.sha256()),
        settings,
        created_by: principal.actor().to_owned(),
        now_ms: clients.now_ms(),
    };
    let made = clients.idempotency.once_within(&tenant, once, ADDRESS, &request, |tx| Box::pin(make(tx, new)));
    let mut outcome = made.await?;
    if !outcome.replayed && request.is_confidential {
        outcome.stored.body["client_secret"] = secret.reveal().into();
    }
    Ok(outcome.created(ADDRESS))
}

fn settings(request: ClientRequest, clients: &Clients) -> Result<Settings, Problem> {
    let (is_confidential, backchannel) = (request.is_confidential, request.backchannel_logout_uri.clone());
    let ClientRequest { name, redirect_uris, post_logout_redirect_uris, grants, scopes, permissions, .. } = request;
    let settings = Settings {
        backchannel_uri: backchannel.filter(|uri| !uri.is_empty()),
        name,
        redirect_uris: redirect_uris.unwrap_or_default(),
        logout_uris: post_logout_redirect_uris.unwrap_or_default(),
        grants: grants.unwrap_or_else(|| vec![Grant::AuthorizationCode, Grant::RefreshToken]),
        scopes: scopes.unwrap_or_else(|| vec![Scope::Openid, Scope::Profile, Scope::Email]),
        permissions: own(&permissions.unwrap_or_default(), clients)?,
    };
    checked(settings, is_confidential)
}

/// What a list of a client's own permissions means; nothing where it is empty.
fn own(list: &[String], clients: &Clients) -> Result<Grants, Problem> {
    if list.is_empty() {
        return Ok(Grants::default());
    }
    giving::grants(list, &clients.catalogue, codes::OAUTH_CLIENT_INVALID_PERMISSIONS)
}

/// That a client acts in its own name by a secret and by permissions of its own, or not at all.
fn check_own(of: &Settings, is_confidential: bool) -> Result<(), Problem> {
    let acts = of.grants.contains(&Grant::ClientCredentials);
    if acts && !is_confidential {
        let detail = "a client that keeps no secret cannot act in its own name";
        return Err(Problem::invalid("/grants", codes::OAUTH_CLIENT_INVALID_GRANTS, detail));
    }
    if acts == of.permissions.as_slice().is_empty() {
        let detail = "a client with client_credentials has permissions of its own, and no other one has";
        return Err(Problem::invalid("/permissions", codes::OAUTH_CLIENT_INVALID_PERMISSIONS, detail));
    }
    Ok(())
}

/// What of a client can be, each thing once.
fn checked(of: Settings, is_confidential: bool) -> Result<Settings, Problem> {
    text::check(&of.name, 1..=100)
        .map_err(|detail| Problem::invalid("/name", codes::OAUTH_CLIENT_INVALID_NAME, detail))?;
    let by_browser = of.grants.contains(&Grant::AuthorizationCode);
    let otherwise = [Grant::ClientCredentials, Grant::DeviceCode];
    if !by_browser && !otherwise.iter().any(|grant| of.grants.contains(grant)) {
        let detail = "a client comes to its first tokens by authorization_code, device_code or client_credentials";
        return Err(Problem::invalid("/grants", codes::OAUTH_CLIENT_INVALID_GRANTS, detail));
    }
    check_own(&of, is_confidential)?;
    if of.scopes.is_empty() {
        let detail = "a client has at least one scope";
        return Err(Problem::invalid("/scopes", codes::OAUTH_CLIENT_INVALID_SCOPES, detail));
    }
    if by_browser && of.redirect_uris.is_empty() {
        let detail = "a client with authorization_code has an address that browsers are sent back to";
        return Err(Problem::invalid("/redirect_uris", codes::OAUTH_CLIENT_INVALID_URI, detail));
    }
    if of.backchannel_uri.as_deref().is_some_and(|uri| !redirect::is_fit(uri)) {
        let detail = "nobody is told anything at such an address";
        return Err(Problem::invalid("/backchannel_logout_uri", codes::OAUTH_CLIENT_INVALID_URI, detail));
    }
    Ok(Settings {
        backchannel_uri: of.backchannel_uri,
        name: of.name,
        redirect_uris: uris("/redirect_uris", of.redirect_uris)?,
        logout_uris: uris("/post_logout_redirect_uris", of.logout_uris)?,
        grants: BTreeSet::from_iter(of.grants).into_iter().collect(),
        scopes: BTreeSet::from_iter(of.scopes).into_iter().collect(),
        permissions: of.permissions,
    })
}

fn uris(pointer: &str, list: Vec<String>) -> Result<Vec<String>, Problem> {
    let invalid = |pointer: String, detail: String| Problem::invalid(pointer, codes::OAUTH_CLIENT_INVALID_URI, detail);
    if list.len() > MAX_URIS {
        return Err(invalid(pointer.to_owned(), format!("there are at most {MAX_URIS} of them")));
    }
    if let Some(at) = list.iter().position(|uri| !redirect::is_fit(uri)) {
        return Err(invalid(format!("{pointer}/{at}"), "browsers are sent to no such address".to_owned()));
    }
    Ok(BTreeSet::from_iter(list).into_iter().collect())
}

/// Whoever sees to a client with the scope `api` could become everybody who signs in to it: so he may everything already. Nor does anybody
/// give a client what he lacks, or has for a while only.
fn check_giver(principal: &Principal, scopes: &[Scope], permissions: &Grants) -> Result<(), Problem> {
    let lacking = principal.lacks(permissions);
    let outlives = !permissions.as_slice().is_empty() && giving::outlives(principal, None);
    if lacking.is_some() || outlives {
        let lacking = lacking.unwrap_or("time left");
        let detail = format!("whoever asks has no {lacking} to give");
        return Err(Problem::new(StatusCode::FORBIDDEN, codes::OAUTH_CLIENT_BEYOND_OWN, detail));
    }
    if !scopes.contains(&Scope::Api) {
        return Ok(());
    }
    let everything = Grants::new(vec!["*".to_owned()]).map_err(|error| Problem::internal(&error))?;
    let detail = "a client with the scope api is for those to see to who may everything";
    let beyond = || Problem::new(StatusCode::FORBIDDEN, codes::OAUTH_CLIENT_BEYOND_OWN, detail);
    principal.lacks(&everything).map_or(Ok(()), |_| Err(beyond()))
}

/// Clients of the caller's tenant, newest first.
#[utoipa::path(
    get, path = "/api/v1/oauth-clients", operation_id = "list_oauth_clients", tag = "sign-in", params(ClientsQuery),
    responses(
        (status = 200, description = "a page", body = Page<ClientView>),
        (status = 422, description = "not a valid query", body = ProblemBody),
    )
)]
pub(crate) async fn list(
    State(clients): State<Clients>,
    Tenant(tenant): Tenant,
    ApiQuery(query): ApiQuery<ClientsQuery>,
) -> Result<Response, Problem> {
    let cursor = |row: &ClientRow| Cursor { time_ms: row.created_ms, id: row.id.clone() };
    let (clients, tenant) = (&clients, &tenant);
    let read = |after, limit| async move { clients.list(tenant, after, limit).await };
    let page = Page::read(query.limit, query.after.as_deref(), cursor, read).await?;
    Ok(page.map(ClientView::from).respond(&format!("{ADDRESS}?")))
}

/// One client.
#[utoipa::path(
    get, path = "/api/v1/oauth-clients/{id}", operation_id = "get_oauth_client", tag = "sign-in",
    params(("id" = String, Path, description = "the client")),
    responses(
        (status = 200, description = "the client, with a strong ETag", body = ClientView),
        (status = 304, description = "unchanged"),
        (status = 404, description = "no such client", body = ProblemBody),
    )
)]
pub(crate) async fn show(
    State(clients): State<Clients>,
    Tenant(tenant): Tenant,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    Ok(respond_json(&headers, &ClientView::from(clients.one(&tenant, &id).await?)))
}

/// Changes a client. Sessions that were begun for it go on with the scopes that they have, as long as it may refresh them.
#[utoipa::path(
    patch, path = "/api/v1/oauth-clients/{id}", operation_id = "update_oauth_client", tag = "sign-in",
    request_body = ClientChange,
    params(
        ("id" = String, Path, description = "the client"),
        ("If-Match" = String, Header, description = "the state of it that is changed"),
    ),
    responses(
        (status = 200, description = "as it is now, with a strong ETag", body = ClientView),
        (status = 403, description = "with the scope api, and the caller may not everything; or with permissions that he lacks", body = ProblemBody),
        (status = 404, description = "no such client", body = ProblemBody),
        (status = 412, description = "it has changed since it was read", body = ProblemBody),
        (status = 422, description = "not a client that could be", body = ProblemBody),
        (status = 428, description = "without If-Match", body = ProblemBody),
    )
)]
pub(crate) async fn update(
    State(clients): State<Clients>,
    Tenant(tenant): Tenant,
    principal: Principal,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
    ApiJson(change): ApiJson<ClientChange>,
) -> Result<Response, Problem> {
    let row = clients.one(&tenant, &id).await?;
    require_if_match(&headers, &Etag::of_json(&ClientView::from(row.clone()))?)?;
    let was = row.clone();
    let had = was.permissions.map(|own| own.0).unwrap_or_default();
    let grants = change.grants.unwrap_or(was.grants.0);
    let permissions = match change.permissions {
        Some(list) => own(&list, &clients)?,
        None if grants.contains(&Grant::ClientCredentials) => had.clone(),
        None => Grants::default(),
    };
    let settings = Settings {
        backchannel_uri: change.backchannel_logout_uri.or(was.backchannel_uri).filter(|uri| !uri.is_empty()),
        name: change.name.unwrap_or(was.name),
        redirect_uris: change.redirect_uris.unwrap_or(was.redirect_uris.0),
        logout_uris: change.post_logout_redirect_uris.unwrap_or(was.logout_uris.0),
        grants,
        scopes: change.scopes.unwrap_or(was.scopes.0),
        permissions,
    };
    let settings = checked(settings, was.secret_sha256.is_some())?;
    check_giver(&principal, &row.scopes.0, &had)?;
    check_giver(&principal, &settings.scopes, &settings.permissions)?;
    let row = clients.change(&tenant, &row, &settings, principal.actor()).await?;
    Ok(respond_json(&HeaderMap::new(), &ClientView::from(row)))
}

/// Removes a client for good, and ends all sessions that were begun for it, within five seconds in every process.
#[utoipa::path(
    delete, path = "/api/v1/oauth-clients/{id}", operation_id = "delete_oauth_client", tag = "sign-in",
    params(
        ("id" = String, Path, description = "the client"),
        ("If-Match" = String, Header, description = "the state of it that is removed"),
    ),
    responses(
        (status = 204, description = "removed"),
        (status = 404, description = "no such client", body = ProblemBody),
        (status = 412, description = "it has changed since it was read", body = ProblemBody),
        (status = 428, description = "without If-Match", body = ProblemBody),
    )
)]
pub(crate) async fn delete(
    State(clients): State<Clients>,
    Tenant(tenant): Tenant,
    principal: Principal,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let row = clients.one(&tenant, &id).await?;
    require_if_match(&headers, &Etag::of_json(&ClientView::from(row.clone()))?)?;
    clients.delete(&tenant, &row, principal.actor()).await?;
    Ok(StatusCode::NO_CONTENT)
}
