//! `/api/v1/auth/providers`.

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
use url::Url;
use utoipa_axum::routes;
use uuid::Uuid;

use super::store::{NewProvider, ProviderRow, Settings};
use super::views::{IdentityProviderChange, IdentityProviderRequest, IdentityProviderView, IdentityProvidersQuery};
use super::{Federation, create as make, secret};
use crate::auth::codes;
use crate::user::model::normal_email;

const ADDRESS: &str = "/api/v1/auth/providers";
const MAX_ISSUER: usize = 512;
const MAX_CLIENT: usize = 512;
const MAX_SCOPES: usize = 16;
const MAX_DOMAINS: usize = 20;

pub(in crate::auth) const CREATE: Permission = Permission::new("identity_provider", "create");
pub(in crate::auth) const DELETE: Permission = Permission::new("identity_provider", "delete");
pub(in crate::auth) const READ: Permission = Permission::new("identity_provider", "read");
pub(in crate::auth) const UPDATE: Permission = Permission::new("identity_provider", "update");

/// Mounts every route.
pub(in crate::auth) fn mount<S>(routes: Routes<S>) -> Routes<S>
where
    S: Clone + Send + Sync + 'static,
    Federation: FromRef<S>,
{
    use Policy::May;
    routes.mount([(Method::POST, May(CREATE)), (Method::GET, May(READ))], routes!(create, list)).mount(
        [(Method::GET, May(READ)), (Method::PATCH, May(UPDATE)), (Method::DELETE, May(DELETE))],
        routes!(show, update, delete),
    )
}

/// Makes a provider of OpenID Connect one that people of the caller's tenant sign in by. It is asked for nothing until somebody does.
#[utoipa::path(
    post, path = "/api/v1/auth/providers", operation_id = "create_identity_provider", tag = "providers",
    request_body = IdentityProviderRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "one provider for each, for 24 hours")),
    responses(
        (status = 201, description = "the provider", body = IdentityProviderView),
        (status = 403, description = "the caller may not everything", body = ProblemBody),
        (status = 422, description = "not a provider that could be, or too many", body = ProblemBody),
    )
)]
pub(crate) async fn create(
    State(federation): State<Federation>,
    Tenant(tenant): Tenant,
    principal: Principal,
    headers: HeaderMap,
    ApiJson(request): ApiJson<IdentityProviderRequest>,
) -> Result<Response, Problem> {
    let once = Idempotency::key(&headers)?;
    check_giver(&principal)?;
    let IdentityProviderRequest { client_secret, .. } = &request;
    let secret = client_secret.as_deref().map(|secret| sealed(&federation, secret)).transpose()?.flatten();
    let IdentityProviderRequest { name, issuer, client_id, client_secret: _, scopes, domains, provisions, is_enabled } =
        request.clone();
    let usual = || ["openid", "email", "profile"].map(str::to_owned).to_vec();
    let settings = checked(
        &federation,
        Settings {
            name,
            issuer,
            client_id,
            secret,
            scopes: scopes.unwrap_or_else(usual),
            domains: domains.unwrap_or_default(),
            provisions: provisions.unwrap_or(false),
            is_enabled: is_enabled.unwrap_or(true),
        },
    )?;
    let new = NewProvider {
        tenant: tenant.clone(),
        id: format!("idp_{}", Uuid::now_v7().simple()),
        settings,
        created_by: principal.actor().to_owned(),
        now_ms: federation.now_ms(),
    };
    let made = federation.idempotency.once_within(&tenant, once, ADDRESS, &request, |tx| Box::pin(make(tx, new)));
    Ok(made.await?.created(ADDRESS))
}

/// A secret as it is stored; none of an empty one.
fn sealed(federation: &Federation, secret: &str) -> Result<Option<secret::SealedSecret>, Problem> {
    if secret.is_empty() {
        return Ok(None);
    }
    let detail = "a secret has at most 512 characters of printable ASCII";
    if secret.len() > MAX_CLIENT || !secret.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
        return Err(Problem::invalid("/client_secret", codes::IDENTITY_PROVIDER_INVALID_CLIENT, detail));
    }
    secret::seal(&federation.sessions.keyring, secret).map(Some)
}

/// What of a provider can be, each thing once.
fn checked(federation: &Federation, of: Settings) -> Result<Settings, Problem> {
    text::check(&of.name, 1..=100)
        .map_err(|detail| Problem::invalid("/name", codes::IDENTITY_PROVIDER_INVALID_NAME, detail))?;
    if !is_issuer(&of.issuer) || !federation.sessions.outside.permits(&of.issuer) {
        let detail = "a provider is at an https address that this server may reach, without ? and #";
        return Err(Problem::invalid("/issuer", codes::IDENTITY_PROVIDER_INVALID_ISSUER, detail));
    }
    let is_plain =
        |text: &str| (1..=MAX_CLIENT).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_plain(&of.client_id) {
        let detail = "a client_id has 1 to 512 characters of printable ASCII";
        return Err(Problem::invalid("/client_id", codes::IDENTITY_PROVIDER_INVALID_CLIENT, detail));
    }
    let scopes: Vec<String> = BTreeSet::from_iter(of.scopes).into_iter().collect();
    if scopes.len() > MAX_SCOPES
        || !scopes.iter().any(|scope| scope == "openid")
        || !scopes.iter().all(|of| is_scope(of))
    {
        let detail = "scopes are 1 to 16 words of RFC 6749, of which one is openid";
        return Err(Problem::invalid("/scopes", codes::IDENTITY_PROVIDER_INVALID_SCOPES, detail));
    }
    let domains: BTreeSet<String> = of.domains.iter().map(|domain| domain.to_ascii_lowercase()).collect();
    // What can stand behind an @ of an address.
    let is_domain =
        |domain: &String| normal_email(&format!("a@{domain}")).is_some_and(|email| email.len() == domain.len() + 2);
    if domains.len() > MAX_DOMAINS || !domains.iter().all(is_domain) {
        let detail = "there are at most 20 domains, such as school.example";
        return Err(Problem::invalid("/domains", codes::IDENTITY_PROVIDER_INVALID_DOMAINS, detail));
    }
    Ok(Settings { scopes, domains: domains.into_iter().collect(), ..of })
}

fn is_issuer(text: &str) -> bool {
    let is_bare = |url: &Url| url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic());
    text.len() <= MAX_ISSUER && is_plain && Url::parse(text).is_ok_and(|url| is_bare(&url))
}

fn is_scope(scope: &str) -> bool {
    // RFC 6749 §3.3.
    let fits = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
    (1..=200).contains(&scope.len()) && scope.bytes().all(fits)
}

/// Whoever sees to a provider could become everybody of its domains: so he may everything already.
fn check_giver(principal: &Principal) -> Result<(), Problem> {
    let everything = Grants::new(vec!["*".to_owned()]).map_err(|error| Problem::internal(&error))?;
    let detail = "providers are for those to see to who may everything";
    let beyond = || Problem::new(StatusCode::FORBIDDEN, codes::IDENTITY_PROVIDER_BEYOND_OWN, detail);
    principal.lacks(&everything).map_or(Ok(()), |_| Err(beyond()))
}

/// Providers of the caller's tenant, newest first.
#[utoipa::path(
    get, path = "/api/v1/auth/providers", operation_id = "list_identity_providers", tag = "providers",
    params(IdentityProvidersQuery),
    responses(
        (status = 200, description = "a page", body = Page<IdentityProviderView>),
        (status = 422, description = "not a valid query", body = ProblemBody),
    )
)]
pub(crate) async fn list(
    State(federation): State<Federation>,
    Tenant(tenant): Tenant,
    ApiQuery(query): ApiQuery<IdentityProvidersQuery>,
) -> Result<Response, Problem> {
    let cursor = |row: &ProviderRow| Cursor { time_ms: row.created_ms, id: row.id.clone() };
    let (federation, tenant) = (&federation, &tenant);
    let read = |after, limit| async move { federation.list(tenant, after, limit).await };
    let page = Page::read(query.limit, query.after.as_deref(), cursor, read).await?;
    Ok(page.map(IdentityProviderView::from).respond(&format!("{ADDRESS}?")))
}

/// One provider.
#[utoipa::path(
    get, path = "/api/v1/auth/providers/{id}", operation_id = "get_identity_provider", tag = "providers",
    params(("id" = String, Path, description = "the provider")),
    responses(
        (status = 200, description = "the provider, with a strong ETag", body = IdentityProviderView),
        (status = 304, description = "unchanged"),
        (status = 404, description = "no such provider", body = ProblemBody),
    )
)]
pub(crate) async fn show(
    State(federation): State<Federation>,
    Tenant(tenant): Tenant,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    Ok(respond_json(&headers, &IdentityProviderView::from(federation.one(&tenant, &id).await?)))
}

/// Changes a provider. Sessions that were begun by it go on.
#[utoipa::path(
    patch, path = "/api/v1/auth/providers/{id}", operation_id = "update_identity_provider", tag = "providers",
    request_body = IdentityProviderChange,
    params(
        ("id" = String, Path, description = "the provider"),
        ("If-Match" = String, Header, description = "the state of it that is changed"),
    ),
    responses(
        (status = 200, description = "as it is now, with a strong ETag", body = IdentityProviderView),
        (status = 403, description = "the caller may not everything", body = ProblemBody),
        (status = 404, description = "no such provider", body = ProblemBody),
        (status = 412, description = "it has changed since it was read", body = ProblemBody),
        (status = 422, description = "not a provider that could be", body = ProblemBody),
        (status = 428, description = "without If-Match", body = ProblemBody),
    )
)]
pub(crate) async fn update(
    State(federation): State<Federation>,
    Tenant(tenant): Tenant,
    principal: Principal,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
    ApiJson(change): ApiJson<IdentityProviderChange>,
) -> Result<Response, Problem> {
    let row = federation.one(&tenant, &id).await?;
    require_if_match(&headers, &Etag::of_json(&IdentityProviderView::from(row.clone()))?)?;
    check_giver(&principal)?;
    let was = row.clone();
    let secret = match &change.client_secret {
        Some(secret) => sealed(&federation, secret)?,
        None => was.sealed(),
    };
    let settings = checked(
        &federation,
        Settings {
            name: change.name.unwrap_or(was.name),
            issuer: change.issuer.unwrap_or(was.issuer),
            client_id: change.client_id.unwrap_or(was.client_id),
            secret,
            scopes: change.scopes.unwrap_or(was.scopes.0),
            domains: change.domains.unwrap_or(was.domains.0),
            provisions: change.provisions.unwrap_or(was.provisions),
            is_enabled: change.is_enabled.unwrap_or(was.is_enabled),
        },
    )?;
    let row = federation.change(&tenant, &row, settings, principal.actor()).await?;
    Ok(respond_json(&HeaderMap::new(), &IdentityProviderView::from(row)))
}

/// Removes a provider for good. Who people are there is forgotten; their accounts and their sessions stay.
#[utoipa::path(
    delete, path = "/api/v1/auth/providers/{id}", operation_id = "delete_identity_provider", tag = "providers",
    params(
        ("id" = String, Path, description = "the provider"),
        ("If-Match" = String, Header, description = "the state of it that is removed"),
    ),
    responses(
        (status = 204, description = "removed"),
        (status = 404, description = "no such provider", body = ProblemBody),
        (status = 412, description = "it has changed since it was read", body = ProblemBody),
        (status = 428, description = "without If-Match", body = ProblemBody),
    )
)]
pub(crate) async fn delete(
    State(federation): State<Federation>,
    Tenant(tenant): Tenant,
    principal: Principal,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let row = federation.one(&tenant, &id).await?;
    require_if_match(&headers, &Etag::of_json(&IdentityProviderView::from(row.clone()))?)?;
    federation.delete(&tenant, &row, principal.actor()).await?;
    Ok(StatusCode::NO_CONTENT)
}
