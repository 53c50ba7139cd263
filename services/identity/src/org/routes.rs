//! `/api/v1/tenants`.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use kernel::conditional::respond_json;
use kernel::problem::ProblemBody;
use kernel::{
    ApiJson, ApiPath, ApiQuery, Cursor, Etag, Idempotency, Page, Policy, Problem, Routes, Tenant, check_if_match,
    require_if_match, text,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::people::PeopleView;
use super::store::{self, ACTIVE, SUSPENDED, TenantRow, TenantView, Tenants};
use super::{codes, is_slug};

const ADDRESS: &str = "/api/v1/tenants";
const MAX_NAME: usize = 200;

/// Mounts every route.
pub(super) fn mount(routes: Routes<Tenants>) -> Routes<Tenants> {
    use Policy::Operator;
    routes
        .mount(Operator, routes!(create, list))
        .mount(Operator, routes!(show, update))
        .mount(Operator, routes!(people))
        .mount(Operator, routes!(suspend))
        .mount(Operator, routes!(resume))
}

/// A new tenant.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TenantRequest {
    /// Its name in headers, one among all tenants: 1 to 63 of a to z, 0 to 9 and `-`.
    #[schema(example = "north-school")]
    slug: String,
    /// For people, 1 to 200 characters.
    name: String,
}

/// What changes about a tenant; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TenantChange {
    /// For people, 1 to 200 characters.
    name: Option<String>,
}

/// The query of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct TenantsQuery {
    /// Rows of the page, 1 to 200; 50 when absent.
    limit: Option<u32>,
    /// The `next` of the page before.
    after: Option<String>,
}

/// Makes a tenant. It has no keys yet.
#[utoipa::path(
    post, path = "/api/v1/tenants", operation_id = "create_tenant", tag = "tenants", request_body = TenantRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "one tenant per key, for 24 hours")),
    extensions(("x-audit" = json!("effect"))),
    responses(
        (status = 201, description = "the tenant", body = TenantView),
        (status = 409, description = "the slug is another one's", body = ProblemBody),
        (status = 422, description = "not a slug or a name", body = ProblemBody),
    )
)]
pub(crate) async fn create(
    State(tenants): State<Tenants>,
    Tenant(operators): Tenant,
    headers: HeaderMap,
    ApiJson(request): ApiJson<TenantRequest>,
) -> Result<Response, Problem> {
    let key = Idempotency::key(&headers)?;
    if !is_slug(&request.slug) {
        return Err(Problem::invalid("/slug", codes::TENANT_INVALID_SLUG, "this can be no slug of a tenant"));
    }
    check_name(&request.name)?;
    let (TenantRequest { slug, name }, now_ms) = (request.clone(), tenants.now_ms());
    let made = tenants
        .idempotency
        .once_within(&operators, key, ADDRESS, &request, move |tx| Box::pin(store::create(tx, slug, name, now_ms)));
    let outcome = made.await?;
    Ok(outcome.created(ADDRESS))
}

/// Tenants, newest first.
#[utoipa::path(
    get, path = "/api/v1/tenants", operation_id = "list_tenants", tag = "tenants", params(TenantsQuery),
    responses(
        (status = 200, description = "a page", body = Page<TenantView>),
        (status = 422, description = "not a valid query", body = ProblemBody),
    )
)]
pub(crate) async fn list(
    State(tenants): State<Tenants>,
    ApiQuery(query): ApiQuery<TenantsQuery>,
) -> Result<Response, Problem> {
    let cursor = |row: &TenantRow| Cursor { time_ms: row.created_ms, id: row.tenant_id.clone() };
    let tenants = &tenants;
    let page = Page::read(query.limit, query.after.as_deref(), cursor, |after, limit| async move {
        tenants.list(after, limit).await
    })
    .await?;
    Ok(page.map(TenantView::from).respond(&format!("{ADDRESS}?")))
}

/// One tenant.
#[utoipa::path(
    get, path = "/api/v1/tenants/{id}", operation_id = "get_tenant", tag = "tenants",
    params(("id" = String, Path, description = "the tenant")),
    responses(
        (status = 200, description = "the tenant, with a strong ETag", body = TenantView),
        (status = 304, description = "unchanged"),
        (status = 404, description = "no such tenant", body = ProblemBody),
    )
)]
pub(crate) async fn show(
    State(tenants): State<Tenants>,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    Ok(respond_json(&headers, &TenantView::from(tenants.one(&id).await?)))
}

/// How many people have an account at a tenant. It follows what becomes of accounts within seconds.
#[utoipa::path(
    get, path = "/api/v1/tenants/{id}/people", operation_id = "count_tenant_people", tag = "tenants",
    params(("id" = String, Path, description = "the tenant")),
    responses(
        (status = 200, description = "how many, with a strong ETag", body = PeopleView),
        (status = 304, description = "unchanged"),
        (status = 404, description = "no such tenant", body = ProblemBody),
    )
)]
pub(crate) async fn people(
    State(tenants): State<Tenants>,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let row = tenants.one(&id).await?;
    Ok(respond_json(&headers, &tenants.people(&row.tenant_id).await?))
}

/// Gives a tenant another name.
#[utoipa::path(
    patch, path = "/api/v1/tenants/{id}", operation_id = "update_tenant", tag = "tenants", request_body = TenantChange,
    params(
        ("id" = String, Path, description = "the tenant"),
        ("If-Match" = String, Header, description = "change only this state of it"),
    ),
    responses(
        (status = 200, description = "as it is now, with a strong ETag", body = TenantView),
        (status = 404, description = "no such tenant", body = ProblemBody),
        (status = 409, description = "somebody else changed it at the same time", body = ProblemBody),
        (status = 412, description = "it has changed since it was read", body = ProblemBody),
        (status = 422, description = "not a name", body = ProblemBody),
        (status = 428, description = "no If-Match", body = ProblemBody),
    )
)]
pub(crate) async fn update(
    State(tenants): State<Tenants>,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
    ApiJson(change): ApiJson<TenantChange>,
) -> Result<Response, Problem> {
    let row = tenants.one(&id).await?;
    require_if_match(&headers, &tag(&row)?)?;
    let name = change.name.unwrap_or_else(|| row.name.clone());
    check_name(&name)?;
    let row = tenants.change(&row, &name, &row.state, "tenant.updated").await?;
    Ok(respond_json(&HeaderMap::new(), &TenantView::from(row)))
}

/// Closes the API to the keys of a tenant, within five seconds in every process. What it has published is played as before, and what
/// it has begun is finished.
#[utoipa::path(
    post, path = "/api/v1/tenants/{id}/suspend", operation_id = "suspend_tenant", tag = "tenants",
    params(
        ("id" = String, Path, description = "the tenant"),
        ("If-Match" = Option<String>, Header, description = "change only this state of it"),
    ),
    responses(
        (status = 200, description = "as it is now", body = TenantView),
        (status = 404, description = "no such tenant", body = ProblemBody),
        (status = 409, description = "somebody else changed it at the same time", body = ProblemBody),
        (status = 412, description = "it has changed since it was read", body = ProblemBody),
    )
)]
pub(crate) async fn suspend(
    State(tenants): State<Tenants>,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    stand(&tenants, &id, &headers, (SUSPENDED, "tenant.suspended")).await
}

/// Opens the API to the keys of a tenant again.
#[utoipa::path(
    post, path = "/api/v1/tenants/{id}/resume", operation_id = "resume_tenant", tag = "tenants",
    params(
        ("id" = String, Path, description = "the tenant"),
        ("If-Match" = Option<String>, Header, description = "change only this state of it"),
    ),
    responses(
        (status = 200, description = "as it is now", body = TenantView),
        (status = 404, description = "no such tenant", body = ProblemBody),
        (status = 409, description = "somebody else changed it at the same time", body = ProblemBody),
        (status = 412, description = "it has changed since it was read", body = ProblemBody),
    )
)]
pub(crate) async fn resume(
    State(tenants): State<Tenants>,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    stand(&tenants, &id, &headers, (ACTIVE, "tenant.resumed")).await
}

/// Puts a tenant into a state; one that is in it already is left alone.
async fn stand(
    tenants: &Tenants,
    id: &str,
    headers: &HeaderMap,
    (state, event): (&str, &str),
) -> Result<Response, Problem> {
    let mut row = tenants.one(id).await?;
    // Whoever has to close a door looks for no tag first.
    check_if_match(headers, &tag(&row)?)?;
    if row.state != state {
        row = tenants.change(&row, &row.name, state, event).await?;
    }
    Ok(respond_json(&HeaderMap::new(), &TenantView::from(row)))
}

/// The tag of a tenant as it is shown.
fn tag(row: &TenantRow) -> Result<Etag, Problem> {
    Etag::of_json(&TenantView::from(row.clone()))
}

fn check_name(name: &str) -> Result<(), Problem> {
    text::check(name, 1..=MAX_NAME).map_err(|detail| Problem::invalid("/name", codes::TENANT_INVALID_NAME, detail))
}
