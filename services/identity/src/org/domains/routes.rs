//! `/api/v1/org/domains`.

use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use kernel::conditional::respond_json;
use kernel::problem::ProblemBody;
use kernel::{
    ApiJson, ApiPath, ApiQuery, Cursor, Etag, Idempotency, Page, Permission, Policy, Principal, Problem, Routes,
    Tenant, require_if_match,
};
use utoipa_axum::routes;

use super::super::store::Tenants;
use super::super::tree::{OrgPageQuery, ROOT};
use super::super::{check_id, codes};
use super::views::{OrgDomainChange, OrgDomainRequest, OrgDomainView};
use super::{DomainRow, NewDomain, create as made, normal};

const DOMAINS: &str = "/api/v1/org/domains";

pub(in crate::org) const CREATE: Permission = Permission::new("org_domain", "create");
pub(in crate::org) const DELETE: Permission = Permission::new("org_domain", "delete");
/// To have its DNS looked at.
pub(in crate::org) const PROVE: Permission = Permission::new("org_domain", "prove");
pub(in crate::org) const READ: Permission = Permission::new("org_domain", "read");
pub(in crate::org) const UPDATE: Permission = Permission::new("org_domain", "update");

/// Mounts every route of domains.
pub(in crate::org) fn mount(routes: Routes<Tenants>) -> Routes<Tenants> {
    use Policy::May;
    routes
        .mount([(Method::POST, May(CREATE)), (Method::GET, May(READ))], routes!(create, list))
        .mount(
            [(Method::GET, May(READ)), (Method::PATCH, May(UPDATE)), (Method::DELETE, May(DELETE))],
            routes!(show, update, remove),
        )
        .mount(May(PROVE), routes!(prove))
}

/// Claims a domain for the caller's tenant. It counts for nothing until it is proven.
#[utoipa::path(
    post, path = "/api/v1/org/domains", operation_id = "create_org_domain", tag = "org", request_body = OrgDomainRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "one for each, for 24 hours")),
    responses(
        (status = 201, description = "the domain, with what proves it", body = OrgDomainView),
        (status = 403, description = "the caller lacks what people would have at this place", body = ProblemBody),
        (status = 409, description = "the tenant claims it already", body = ProblemBody),
        (status = 422, description = "not a domain or a place, or too many", body = ProblemBody),
    )
)]
pub(crate) async fn create(
    State(tenants): State<Tenants>,
    Tenant(tenant): Tenant,
    principal: Principal,
    headers: HeaderMap,
    ApiJson(request): ApiJson<OrgDomainRequest>,
) -> Result<Response, Problem> {
    let key = Idempotency::key(&headers)?;
    let unfit = || Problem::invalid("/name", codes::DOMAIN_INVALID_NAME, "this can be no domain");
    let name = normal(&request.name).ok_or_else(unfit)?;
    let node = request.node_id.clone().unwrap_or_else(|| ROOT.to_owned());
    check_id("/node_id", &node, codes::ORG_NODE_UNKNOWN)?;
    let new = NewDomain { tenant: tenant.clone(), name, node, by: principal, now_ms: tenants.now_ms() };
    let outcome = tenants.idempotency.once_within(&tenant, key, DOMAINS, &request, |tx| Box::pin(made(tx, new)));
    Ok(outcome.await?.created(DOMAINS))
}

/// Domains of the caller's tenant, newest first.
#[utoipa::path(
    get, path = "/api/v1/org/domains", operation_id = "list_org_domains", tag = "org", params(OrgPageQuery),
    responses(
        (status = 200, description = "a page", body = Page<OrgDomainView>),
        (status = 422, description = "not a valid query", body = ProblemBody),
    )
)]
pub(crate) async fn list(
    State(tenants): State<Tenants>,
    Tenant(tenant): Tenant,
    ApiQuery(query): ApiQuery<OrgPageQuery>,
) -> Result<Response, Problem> {
    let cursor = |row: &DomainRow| Cursor { time_ms: row.created_ms, id: row.id.clone() };
    let (tenants, tenant) = (&tenants, &tenant);
    let read = |after, limit| async move { tenants.domains(tenant, after, limit).await };
    let page = Page::read(query.limit, query.after.as_deref(), cursor, read).await?;
    Ok(page.map(OrgDomainView::from).respond(&format!("{DOMAINS}?")))
}

/// One domain.
#[utoipa::path(
    get, path = "/api/v1/org/domains/{id}", operation_id = "get_org_domain", tag = "org",
    params(("id" = String, Path, description = "the domain")),
    responses(
        (status = 200, description = "the domain, with a strong ETag", body = OrgDomainView),
        (status = 304, description = "unchanged"),
        (status = 404, description = "no such domain", body = ProblemBody),
    )
)]
pub(crate) async fn show(
    State(tenants): State<Tenants>,
    Tenant(tenant): Tenant,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    Ok(respond_json(&headers, &OrgDomainView::from(tenants.domain(&tenant, &id).await?)))
}

/// Says where people belong who get an account with an address of a domain from now on.
#[utoipa::path(
    patch, path = "/api/v1/org/domains/{id}", operation_id = "update_org_domain", tag = "org",
    request_body = OrgDomainChange,
    params(
        ("id" = String, Path, description = "the domain"),
        ("If-Match" = String, Header, description = "the state of it that is changed"),
    ),
    responses(
        (status = 200, description = "as it is now, with a strong ETag", body = OrgDomainView),
        (status = 403, description = "the caller lacks what people would have at this place", body = ProblemBody),
        (status = 404, description = "no such domain", body = ProblemBody),
        (status = 412, description = "it has changed since it was read", body = ProblemBody),
        (status = 422, description = "no such place", body = ProblemBody),
        (status = 428, description = "without If-Match", body = ProblemBody),
    )
)]
pub(crate) async fn update(
    State(tenants): State<Tenants>,
    Tenant(tenant): Tenant,
    principal: Principal,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
    ApiJson(change): ApiJson<OrgDomainChange>,
) -> Result<Response, Problem> {
    let row = tenants.domain(&tenant, &id).await?;
    require_if_match(&headers, &tag(&row)?)?;
    let node = change.node_id.unwrap_or_else(|| row.node_id.clone());
    check_id("/node_id", &node, codes::ORG_NODE_UNKNOWN)?;
    let row = tenants.change_domain(&tenant, &row, &node, &principal).await?;
    Ok(respond_json(&HeaderMap::new(), &OrgDomainView::from(row)))
}

fn tag(row: &DomainRow) -> Result<Etag, Problem> {
    Etag::of_json(&OrgDomainView::from(row.clone()))
}

/// Claims a domain no longer. Who belongs somewhere by it goes on belonging there.
#[utoipa::path(
    delete, path = "/api/v1/org/domains/{id}", operation_id = "delete_org_domain", tag = "org",
    params(
        ("id" = String, Path, description = "the domain"),
        ("If-Match" = String, Header, description = "the state of it that is removed"),
    ),
    responses(
        (status = 204, description = "removed"),
        (status = 404, description = "no such domain", body = ProblemBody),
        (status = 412, description = "it has changed since it was read", body = ProblemBody),
        (status = 428, description = "without If-Match", body = ProblemBody),
    )
)]
pub(crate) async fn remove(
    State(tenants): State<Tenants>,
    Tenant(tenant): Tenant,
    principal: Principal,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let row = tenants.domain(&tenant, &id).await?;
    require_if_match(&headers, &tag(&row)?)?;
    tenants.remove_domain(&tenant, &row, principal.actor()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Looks whether the DNS of a domain has its text: `state` is `proven` if it has, and `pending` if it has not, or has no longer.
#[utoipa::path(
    post, path = "/api/v1/org/domains/{id}/prove", operation_id = "prove_org_domain", tag = "org",
    params(("id" = String, Path, description = "the domain")),
    responses(
        (status = 200, description = "as it is now", body = OrgDomainView),
        (status = 404, description = "no such domain", body = ProblemBody),
        (status = 409, description = "no name server has answered, or somebody else has proven that it is his", body = ProblemBody),
        (status = 412, description = "somebody else has just changed it", body = ProblemBody),
    )
)]
pub(crate) async fn prove(
    State(tenants): State<Tenants>,
    Tenant(tenant): Tenant,
    principal: Principal,
    ApiPath(id): ApiPath<String>,
) -> Result<Response, Problem> {
    let row = tenants.domain(&tenant, &id).await?;
    let row = tenants.prove(&tenant, &row, principal.actor()).await?;
    Ok(respond_json(&HeaderMap::new(), &OrgDomainView::from(row)))
}
