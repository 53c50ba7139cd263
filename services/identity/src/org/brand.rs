//! How a tenant looks to its people, and where: at the domains that are proven to be its own.

use axum::extract::State;
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use database::{DbError, Json, args};
use kernel::conditional::{respond_json, stale};
use kernel::problem::ProblemBody;
use kernel::{ApiJson, ApiPath, Etag, Permission, Policy, Principal, Problem, Routes, Tenant, require_if_match, text};
use media_types::TenantId;
use serde::{Deserialize, Serialize};
use serde_json::json;
use url::Url;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::store::Tenants;
use super::{codes, domains, tell};

pub(super) const READ: Permission = Permission::new("org_brand", "read");
pub(super) const UPDATE: Permission = Permission::new("org_brand", "update");

const MAX_URL: usize = 2000;
const MAX_SENDER: usize = 100;

const ONE: &str = "SELECT content, version FROM org_brand WHERE tenant_id = $1";
const INSERT: &str = "INSERT INTO org_brand (tenant_id, content, version) VALUES ($1, $2, 1)
    ON CONFLICT (tenant_id) DO NOTHING";
const UPDATE_ONE: &str =
    "UPDATE org_brand SET content = $3, version = version + 1 WHERE tenant_id = $1 AND version = $2";
/// Of whoever claimed it first, if several have proven at the same moment that it is theirs.
const AT: &str = "SELECT t.name, b.content FROM org_domain d JOIN tenant t ON t.tenant_id = d.tenant_id
    LEFT JOIN org_brand b ON b.tenant_id = d.tenant_id
    WHERE d.name = $1 AND d.proven_ms IS NOT NULL AND t.state = 'active' ORDER BY d.created_ms, d.id LIMIT 1";

/// Every statement of brands, for the test that prepares each on both engines.
pub(super) const STATEMENTS: &[&str] = &[ONE, INSERT, UPDATE_ONE, AT];

/// How a tenant looks; null where nothing was said.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrgBrand {
    /// Where its logo is: https, at most 2000 characters.
    #[schema(example = "https://north-school.example/logo.svg")]
    logo_url: Option<String>,
    /// The colour of its pages.
    #[schema(example = "#00457c")]
    primary_colour: Option<String>,
    /// What stands out from that.
    #[schema(example = "#ffb300")]
    accent_colour: Option<String>,
    /// Whom its messages are from, at most 100 characters.
    sender_name: Option<String>,
}

/// How the tenant looks whose domain this is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrgBrandAtView {
    /// Of the tenant, for people.
    name: String,
    logo_url: Option<String>,
    primary_colour: Option<String>,
    accent_colour: Option<String>,
}

fn is_colour(text: &str) -> bool {
    text.strip_prefix('#').is_some_and(|digits| digits.len() == 6 && digits.bytes().all(|of| of.is_ascii_hexdigit()))
}

fn is_address(text: &str) -> bool {
    text.len() <= MAX_URL
        && Url::parse(text)
            .is_ok_and(|url| url.scheme() == "https" && url.username().is_empty() && url.password().is_none())
}

fn check(brand: &OrgBrand) -> Result<(), Problem> {
    let refused = |pointer: &str, detail: &str| Err(Problem::invalid(pointer, codes::BRAND_INVALID, detail));
    if brand.logo_url.as_deref().is_some_and(|url| !is_address(url) || url.contains('\0')) {
        return refused("/logo_url", "it is no https address of at most 2000 characters");
    }
    for (pointer, colour) in [("/primary_colour", &brand.primary_colour), ("/accent_colour", &brand.accent_colour)] {
        if colour.as_deref().is_some_and(|colour| !is_colour(colour)) {
            return refused(pointer, "it is no colour such as #00457c");
        }
    }
    if let Some(name) = &brand.sender_name {
        let invalid = |detail| Problem::invalid("/sender_name", codes::BRAND_INVALID, detail);
        text::check(name, 1..=MAX_SENDER).map_err(invalid)?;
    }
    Ok(())
}

impl Tenants {
    /// How a tenant looks, and how often that was said; 0 where nothing was.
    pub(super) async fn brand(&self, tenant: &TenantId) -> Result<(OrgBrand, i64), DbError> {
        let found: Option<(Json<OrgBrand>, i64)> = self.db.optional(ONE, args![tenant]).await?;
        Ok(found.map_or_else(|| (OrgBrand::default(), 0), |(brand, version)| (brand.0, version)))
    }

    async fn put_brand(&self, tenant: &TenantId, was: i64, brand: &OrgBrand, by: &Principal) -> Result<(), Problem> {
        let content = serde_json::to_value(brand).map_err(|error| Problem::internal(&error))?;
        let mut tx = self.db.begin().await?;
        let said = if was == 0 {
            tx.execute(INSERT, args![tenant, content]).await?
        } else {
            tx.execute(UPDATE_ONE, args![tenant, was, content]).await?
        };
        if said == 0 {
            return Err(stale());
        }
        let data = json!({ "actor": by.actor() });
        tell(&mut tx, tenant, ("org_brand.updated", tenant.as_str()), data, self.now_ms()).await?;
        Ok(tx.commit().await?)
    }

    async fn brand_at(&self, host: &str) -> Result<OrgBrandAtView, Problem> {
        let missing = || Problem::not_found(codes::BRAND_NOT_FOUND, "nobody has proven that this domain is his");
        let host = domains::normal(host).ok_or_else(missing)?;
        let found: Option<(String, Option<Json<OrgBrand>>)> = self.db.optional(AT, args![host]).await?;
        let (name, brand) = found.ok_or_else(missing)?;
        let OrgBrand { logo_url, primary_colour, accent_colour, .. } = brand.map(|brand| brand.0).unwrap_or_default();
        Ok(OrgBrandAtView { name, logo_url, primary_colour, accent_colour })
    }
}

/// Mounts every route of brands.
pub(super) fn mount(routes: Routes<Tenants>) -> Routes<Tenants> {
    use Policy::{May, Public};
    routes.mount([(Method::GET, May(READ)), (Method::PUT, May(UPDATE))], routes!(show, put)).mount(Public, routes!(at))
}

/// How the caller's tenant looks.
#[utoipa::path(
    get, path = "/api/v1/org/brand", operation_id = "get_org_brand", tag = "org",
    responses(
        (status = 200, description = "the brand, with a strong ETag", body = OrgBrand),
        (status = 304, description = "unchanged"),
    )
)]
pub(crate) async fn show(
    State(tenants): State<Tenants>,
    Tenant(tenant): Tenant,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    Ok(respond_json(&headers, &tenants.brand(&tenant).await?.0))
}

/// Says all of how the caller's tenant looks.
#[utoipa::path(
    put, path = "/api/v1/org/brand", operation_id = "put_org_brand", tag = "org", request_body = OrgBrand,
    params(("If-Match" = String, Header, description = "the state of it that is changed")),
    responses(
        (status = 200, description = "as it is now, with a strong ETag", body = OrgBrand),
        (status = 412, description = "it has changed since it was read", body = ProblemBody),
        (status = 422, description = "not an address, a colour or a name", body = ProblemBody),
        (status = 428, description = "without If-Match", body = ProblemBody),
    )
)]
pub(crate) async fn put(
    State(tenants): State<Tenants>,
    Tenant(tenant): Tenant,
    principal: Principal,
    headers: HeaderMap,
    ApiJson(brand): ApiJson<OrgBrand>,
) -> Result<Response, Problem> {
    let (was, version) = tenants.brand(&tenant).await?;
    require_if_match(&headers, &Etag::of_json(&was)?)?;
    check(&brand)?;
    tenants.put_brand(&tenant, version, &brand, &principal).await?;
    Ok(respond_json(&HeaderMap::new(), &brand))
}

/// How the tenant looks that has proven that this domain is its own, for a page that is shown there.
#[utoipa::path(
    get, path = "/api/v1/org/brands/{host}", operation_id = "get_org_brand_at", tag = "org",
    params(("host" = String, Path, description = "a domain, without a port")),
    responses(
        (status = 200, description = "the brand, with a strong ETag", body = OrgBrandAtView),
        (status = 304, description = "unchanged"),
        (status = 404, description = "nobody has proven that it is his", body = ProblemBody),
    )
)]
pub(crate) async fn at(
    State(tenants): State<Tenants>,
    ApiPath(host): ApiPath<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    Ok(respond_json(&headers, &tenants.brand_at(&host).await?))
}
