//! `/api/v1/org/licences`.

use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use kernel::conditional::respond_json;
use kernel::problem::ProblemBody;
use kernel::{
    ApiJson, ApiPath, ApiQuery, Cursor, Etag, Idempotency, Page, Permission, Policy, Principal, Problem, Routes,
    Tenant, require_if_match,
};
use media_types::TenantId;
use utoipa_axum::routes;

use super::super::store::Tenants;
use super::super::tree::OrgPageQuery;
use super::views::{OrgLicenceRequest, OrgRollChange, OrgRollView, OrgSeatView};
use super::{Content, NewRoll, Roll, RollRow, SeatRow, create as made};

const LICENCES: &str = "/api/v1/org/licences";

pub(in crate::org) const CREATE: Permission = Permission::new("org_licence", "create");
pub(in crate::org) const DELETE: Permission = Permission::new("org_licence", "delete");
/// To say who has a seat.
pub(in crate::org) const PLACE: Permission = Permission::new("org_licence", "assign");
pub(in crate::org) const READ: Permission = Permission::new("org_licence", "read");
pub(in crate::org) const UPDATE: Permission = Permission::new("org_licence", "update");

/// Mounts every route of licences.
pub(in crate::org) fn mount(routes: Routes<Tenants>) -> Routes<Tenants> {
    use Policy::May;
    routes
        .mount([(Method::POST, May(CREATE)), (Method::GET, May(READ))], routes!(create, list))
        .mount(
            [(Method::GET, May(READ)), (Method::PATCH, May(UPDATE)), (Method::DELETE, May(DELETE))],
            routes!(show, update, remove),
        )
        .mount(May(READ), routes!(people))
        .mount(May(PLACE), routes!(put, take))
}

/// Makes a licence of the caller's tenant, of which nobody has a seat yet.
#[utoipa::path(
    post, path = "/api/v1/org/licences", operation_id = "create_org_licence", tag = "org", request_body = OrgLicenceRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "one for each, for 24 hours")),
    responses(
        (status = 201, description = "the licence", body = OrgRollView),
        (status = 409, description = "the name is another one's", body = ProblemBody),
        (status = 422, description = "not a name or a number of seats, or too many", body = ProblemBody),
    )
)]
pub(crate) async fn create(
    State(tenants): State<Tenants>,
    Tenant(tenant): Tenant,
    principal: Principal,
    headers: HeaderMap,
    ApiJson(request): ApiJson<OrgLicenceRequest>,
) -> Result<Response, Problem> {
    let key = Idempotency::key(&headers)?;
    let OrgLicenceRequest { name, seats } = request.clone();
    let content = Content { name, seats: Some(seats) };
    content.check()?;
    let (actor, now_ms) = (principal.actor().to_owned(), tenants.now_ms());
    let new = NewRoll { tenant: tenant.clone(), kind: Roll::Licence, content, actor, now_ms };
    let outcome = tenants.idempotency.once_within(&tenant, key, LICENCES, &request, |tx| Box::pin(made(tx, new)));
    Ok(outcome.await?.created(LICENCES))
}

/// Licences of the caller's tenant, newest first.
#[utoipa::path(
    get, path = "/api/v1/org/licences", operation_id = "list_org_licences", tag = "org", params(OrgPageQuery),
    responses(
        (status = 200, description = "a page", body = Page<OrgRollView>),
        (status = 422, description = "not a valid query", body = ProblemBody),
    )
)]
pub(crate) async fn list(
    State(tenants): State<Tenants>,
    Tenant(tenant): Tenant,
    ApiQuery(query): ApiQuery<OrgPageQuery>,
) -> Result<Response, Problem> {
    let cursor = |row: &RollRow| Cursor { time_ms: row.created_ms, id: row.id.clone() };
    let (tenants, tenant) = (&tenants, &tenant);
    let read = |after, limit| async move { tenants.rolls(tenant, Roll::Licence, after, limit).await };
    let page = Page::read(query.limit, query.after.as_deref(), cursor, read).await?;
    Ok(page.map(OrgRollView::from).respond(&format!("{LICENCES}?")))
}

/// One licence.
#[utoipa::path(
    get, path = "/api/v1/org/licences/{id}", operation_id = "get_org_licence", tag = "org",
    params(("id" = String, Path, description = "the licence")),
    responses(
        (status = 200, description = "the licence, with a strong ETag", body = OrgRollView),
        (status = 304, description = "unchanged"),
        (status = 404, description = "no such licence", body = ProblemBody),
    )
)]
pub(crate) async fn show(
    State(tenants): State<Tenants>,
    Tenant(tenant): Tenant,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    Ok(respond_json(&headers, &OrgRollView::from(tenants.roll(&tenant, Roll::Licence, &id).await?)))
}

/// Gives a licence another name, or another number of seats.
#[utoipa::path(
    patch, path = "/api/v1/org/licences/{id}", operation_id = "update_org_licence", tag = "org", request_body = OrgRollChange,
    params(
        ("id" = String, Path, description = "the licence"),
        ("If-Match" = String, Header, description = "the state of it that is changed; how many seats are taken belongs to that"),
    ),
    responses(
        (status = 200, description = "as it is now, with a strong ETag", body = OrgRollView),
        (status = 404, description = "no such licence", body = ProblemBody),
        (status = 409, description = "the name is another one's, or more seats are taken", body = ProblemBody),
        (status = 412, description = "it has changed since it was read", body = ProblemBody),
        (status = 422, description = "not a name or a number of seats", body = ProblemBody),
        (status = 428, description = "without If-Match", body = ProblemBody),
    )
)]
pub(crate) async fn update(
    State(tenants): State<Tenants>,
    Tenant(tenant): Tenant,
    principal: Principal,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
    ApiJson(change): ApiJson<OrgRollChange>,
) -> Result<Response, Problem> {
    let row = seen(&tenants, &tenant, &id, &headers).await?;
    let content = Content { name: change.name.unwrap_or_else(|| row.name.clone()), seats: change.seats.or(row.seats) };
    content.check()?;
    let row = tenants.change_roll(&tenant, (Roll::Licence, &row), content, principal.actor()).await?;
    Ok(respond_json(&HeaderMap::new(), &OrgRollView::from(row)))
}

/// The licence, if the request is about the state that it is in.
async fn seen(tenants: &Tenants, tenant: &TenantId, id: &str, headers: &HeaderMap) -> Result<RollRow, Problem> {
    let row = tenants.roll(tenant, Roll::Licence, id).await?;
    require_if_match(headers, &Etag::of_json(&OrgRollView::from(row.clone()))?)?;
    Ok(row)
}

/// Removes a licence. Who had a seat stays.
#[utoipa::path(
    delete, path = "/api/v1/org/licences/{id}", operation_id = "delete_org_licence", tag = "org",
    params(
        ("id" = String, Path, description = "the licence"),
        ("If-Match" = String, Header, description = "the state of it that is removed; how many seats are taken belongs to that"),
    ),
    responses(
        (status = 204, description = "removed"),
        (status = 404, description = "no such licence", body = ProblemBody),
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
    let row = seen(&tenants, &tenant, &id, &headers).await?;
    tenants.remove_roll(&tenant, (Roll::Licence, &row), principal.actor()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who has a seat of a licence, by their ids.
#[utoipa::path(
    get, path = "/api/v1/org/licences/{id}/people", operation_id = "list_org_licence_people", tag = "org",
    params(("id" = String, Path, description = "the licence"), OrgPageQuery),
    responses(
        (status = 200, description = "a page", body = Page<OrgSeatView>),
        (status = 404, description = "no such licence", body = ProblemBody),
        (status = 422, description = "not a valid query", body = ProblemBody),
    )
)]
pub(crate) async fn people(
    State(tenants): State<Tenants>,
    Tenant(tenant): Tenant,
    ApiPath(id): ApiPath<String>,
    ApiQuery(query): ApiQuery<OrgPageQuery>,
) -> Result<Response, Problem> {
    let id = tenants.roll(&tenant, Roll::Licence, &id).await?.id;
    page(&tenants, &tenant, &id, query, LICENCES).await
}

async fn page(
    tenants: &Tenants,
    tenant: &TenantId,
    id: &str,
    query: OrgPageQuery,
    address: &str,
) -> Result<Response, Problem> {
    let cursor = |row: &SeatRow| Cursor { time_ms: 0, id: row.user_id.clone() };
    let read = |after, limit| async move { tenants.on_roll(tenant, id, after, limit).await };
    let page = Page::read(query.limit, query.after.as_deref(), cursor, read).await?;
    Ok(page.map(OrgSeatView::from).respond(&format!("{address}/{id}/people?")))
}

/// Gives somebody a seat of a licence. Who has one already keeps it.
#[utoipa::path(
    put, path = "/api/v1/org/licences/{id}/people/{user_id}", operation_id = "put_org_licence_person", tag = "org",
    params(
        ("id" = String, Path, description = "the licence"),
        ("user_id" = String, Path, description = "the person"),
    ),
    responses(
        (status = 204, description = "he has one"),
        (status = 404, description = "no such licence, or no such person", body = ProblemBody),
        (status = 409, description = "all seats are taken", body = ProblemBody),
    )
)]
pub(crate) async fn put(
    State(tenants): State<Tenants>,
    Tenant(tenant): Tenant,
    principal: Principal,
    ApiPath((id, user_id)): ApiPath<(String, String)>,
) -> Result<StatusCode, Problem> {
    tenants.put_on(&tenant, (Roll::Licence, &id), (&user_id, false), principal.actor()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Reclaims the seat of somebody, for others to have.
#[utoipa::path(
    delete, path = "/api/v1/org/licences/{id}/people/{user_id}", operation_id = "delete_org_licence_person", tag = "org",
    params(
        ("id" = String, Path, description = "the licence"),
        ("user_id" = String, Path, description = "the person"),
    ),
    responses(
        (status = 204, description = "it is free"),
        (status = 404, description = "no such licence, or the person is not on it", body = ProblemBody),
    )
)]
pub(crate) async fn take(
    State(tenants): State<Tenants>,
    Tenant(tenant): Tenant,
    principal: Principal,
    ApiPath((id, user_id)): ApiPath<(String, String)>,
) -> Result<StatusCode, Problem> {
    let id = tenants.roll(&tenant, Roll::Licence, &id).await?.id;
    tenants.take_from(&tenant, (Roll::Licence, &id), &user_id, principal.actor()).await?;
    Ok(StatusCode::NO_CONTENT)
}
