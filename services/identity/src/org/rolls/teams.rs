//! `/api/v1/org/teams` and `/api/v1/org/my-teams`.

use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use kernel::conditional::respond_json;
use kernel::problem::ProblemBody;
use kernel::{
    ApiJson, ApiPath, ApiQuery, Cursor, Etag, Idempotency, Myself, Page, Permission, Policy, Principal, Problem,
    Routes, Tenant, require_if_match,
};
use media_types::TenantId;
use utoipa_axum::routes;

use super::super::codes;
use super::super::store::Tenants;
use super::super::tree::OrgPageQuery;
use super::views::{OrgRollChange, OrgRollView, OrgSeatView, OrgTeamPersonRequest, OrgTeamRequest};
use super::{Content, NewRoll, Roll, RollRow, SeatRow, create as made};

const TEAMS: &str = "/api/v1/org/teams";

pub(in crate::org) const CREATE: Permission = Permission::new("org_team", "create");
pub(in crate::org) const DELETE: Permission = Permission::new("org_team", "delete");
/// To say who belongs to it.
pub(in crate::org) const PLACE: Permission = Permission::new("org_team", "place");
pub(in crate::org) const READ: Permission = Permission::new("org_team", "read");
pub(in crate::org) const UPDATE: Permission = Permission::new("org_team", "update");

/// Mounts every route of teams.
pub(in crate::org) fn mount(routes: Routes<Tenants>) -> Routes<Tenants> {
    use Policy::{May, Person};
    routes
        .mount([(Method::POST, May(CREATE)), (Method::GET, May(READ))], routes!(create, list))
        .mount(
            [(Method::GET, May(READ)), (Method::PATCH, May(UPDATE)), (Method::DELETE, May(DELETE))],
            routes!(show, update, remove),
        )
        .mount(May(READ), routes!(people))
        .mount(May(PLACE), routes!(put, take))
        .mount(Person, routes!(own_people))
        .mount(Person, routes!(own_put, own_take))
}

/// Makes a team of the caller's tenant. Nobody belongs to it yet.
#[utoipa::path(
    post, path = "/api/v1/org/teams", operation_id = "create_org_team", tag = "org", request_body = OrgTeamRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "one for each, for 24 hours")),
    responses(
        (status = 201, description = "the team", body = OrgRollView),
        (status = 409, description = "the name is another one's", body = ProblemBody),
        (status = 422, description = "not a name or a number of seats, or too many", body = ProblemBody),
    )
)]
pub(crate) async fn create(
    State(tenants): State<Tenants>,
    Tenant(tenant): Tenant,
    principal: Principal,
    headers: HeaderMap,
    ApiJson(request): ApiJson<OrgTeamRequest>,
) -> Result<Response, Problem> {
    let key = Idempotency::key(&headers)?;
    let OrgTeamRequest { name, seats } = request.clone();
    let content = Content { name, seats };
    content.check()?;
    let (actor, now_ms) = (principal.actor().to_owned(), tenants.now_ms());
    let new = NewRoll { tenant: tenant.clone(), kind: Roll::Team, content, actor, now_ms };
    let outcome = tenants.idempotency.once_within(&tenant, key, TEAMS, &request, |tx| Box::pin(made(tx, new)));
    Ok(outcome.await?.created(TEAMS))
}

/// Teams of the caller's tenant, newest first.
#[utoipa::path(
    get, path = "/api/v1/org/teams", operation_id = "list_org_teams", tag = "org", params(OrgPageQuery),
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
    let read = |after, limit| async move { tenants.rolls(tenant, Roll::Team, after, limit).await };
    let page = Page::read(query.limit, query.after.as_deref(), cursor, read).await?;
    Ok(page.map(OrgRollView::from).respond(&format!("{TEAMS}?")))
}

/// One team.
#[utoipa::path(
    get, path = "/api/v1/org/teams/{id}", operation_id = "get_org_team", tag = "org",
    params(("id" = String, Path, description = "the team")),
    responses(
        (status = 200, description = "the team, with a strong ETag", body = OrgRollView),
        (status = 304, description = "unchanged"),
        (status = 404, description = "no such team", body = ProblemBody),
    )
)]
pub(crate) async fn show(
    State(tenants): State<Tenants>,
    Tenant(tenant): Tenant,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    Ok(respond_json(&headers, &OrgRollView::from(tenants.roll(&tenant, Roll::Team, &id).await?)))
}

/// Gives a team another name, or another number of seats.
#[utoipa::path(
    patch, path = "/api/v1/org/teams/{id}", operation_id = "update_org_team", tag = "org", request_body = OrgRollChange,
    params(
        ("id" = String, Path, description = "the team"),
        ("If-Match" = String, Header, description = "the state of it that is changed; how many seats are taken belongs to that"),
    ),
    responses(
        (status = 200, description = "as it is now, with a strong ETag", body = OrgRollView),
        (status = 404, description = "no such team", body = ProblemBody),
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
    let row = tenants.change_roll(&tenant, (Roll::Team, &row), content, principal.actor()).await?;
    Ok(respond_json(&HeaderMap::new(), &OrgRollView::from(row)))
}

/// The team, if the request is about the state that it is in.
async fn seen(tenants: &Tenants, tenant: &TenantId, id: &str, headers: &HeaderMap) -> Result<RollRow, Problem> {
    let row = tenants.roll(tenant, Roll::Team, id).await?;
    require_if_match(headers, &Etag::of_json(&OrgRollView::from(row.clone()))?)?;
    Ok(row)
}

/// Removes a team. Who belonged to it stays.
#[utoipa::path(
    delete, path = "/api/v1/org/teams/{id}", operation_id = "delete_org_team", tag = "org",
    params(
        ("id" = String, Path, description = "the team"),
        ("If-Match" = String, Header, description = "the state of it that is removed; how many seats are taken belongs to that"),
    ),
    responses(
        (status = 204, description = "removed"),
        (status = 404, description = "no such team", body = ProblemBody),
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
    tenants.remove_roll(&tenant, (Roll::Team, &row), principal.actor()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who belongs to a team, by their ids.
#[utoipa::path(
    get, path = "/api/v1/org/teams/{id}/people", operation_id = "list_org_team_people", tag = "org",
    params(("id" = String, Path, description = "the team"), OrgPageQuery),
    responses(
        (status = 200, description = "a page", body = Page<OrgSeatView>),
        (status = 404, description = "no such team", body = ProblemBody),
        (status = 422, description = "not a valid query", body = ProblemBody),
    )
)]
pub(crate) async fn people(
    State(tenants): State<Tenants>,
    Tenant(tenant): Tenant,
    ApiPath(id): ApiPath<String>,
    ApiQuery(query): ApiQuery<OrgPageQuery>,
) -> Result<Response, Problem> {
    let id = tenants.roll(&tenant, Roll::Team, &id).await?.id;
    page(&tenants, &tenant, &id, query, TEAMS).await
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

/// Has somebody belong to a team, or says anew whether he sees to it.
#[utoipa::path(
    put, path = "/api/v1/org/teams/{id}/people/{user_id}", operation_id = "put_org_team_person", tag = "org",
    request_body = OrgTeamPersonRequest,
    params(
        ("id" = String, Path, description = "the team"),
        ("user_id" = String, Path, description = "the person"),
    ),
    responses(
        (status = 204, description = "he belongs to it"),
        (status = 404, description = "no such team, or no such person", body = ProblemBody),
        (status = 409, description = "all seats are taken", body = ProblemBody),
        (status = 422, description = "not how somebody belongs to one", body = ProblemBody),
    )
)]
pub(crate) async fn put(
    State(tenants): State<Tenants>,
    Tenant(tenant): Tenant,
    principal: Principal,
    ApiPath((id, user_id)): ApiPath<(String, String)>,
    ApiJson(request): ApiJson<OrgTeamPersonRequest>,
) -> Result<StatusCode, Problem> {
    tenants.put_on(&tenant, (Roll::Team, &id), (&user_id, request.is_manager), principal.actor()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes somebody out of a team.
#[utoipa::path(
    delete, path = "/api/v1/org/teams/{id}/people/{user_id}", operation_id = "delete_org_team_person", tag = "org",
    params(
        ("id" = String, Path, description = "the team"),
        ("user_id" = String, Path, description = "the person"),
    ),
    responses(
        (status = 204, description = "he belongs to it no longer"),
        (status = 404, description = "no such team, or the person is not on it", body = ProblemBody),
    )
)]
pub(crate) async fn take(
    State(tenants): State<Tenants>,
    Tenant(tenant): Tenant,
    principal: Principal,
    ApiPath((id, user_id)): ApiPath<(String, String)>,
) -> Result<StatusCode, Problem> {
    let id = tenants.roll(&tenant, Roll::Team, &id).await?.id;
    tenants.take_from(&tenant, (Roll::Team, &id), &user_id, principal.actor()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// That the person who asks sees to the team. Whoever does not is told nothing of it.
async fn check_manager(tenants: &Tenants, tenant: &TenantId, id: &str, me: &str) -> Result<(), Problem> {
    let sees_to_it = tenants.stands(tenant, id, me).await? == Some(true);
    // A licence has no managers.
    if sees_to_it { Ok(()) } else { Err(Roll::Team.missing()) }
}

/// Who belongs to a team that the person who asks sees to, by their ids.
#[utoipa::path(
    get, path = "/api/v1/org/my-teams/{id}/people", operation_id = "list_own_team_people", tag = "org",
    params(("id" = String, Path, description = "the team"), OrgPageQuery),
    responses(
        (status = 200, description = "a page", body = Page<OrgSeatView>),
        (status = 404, description = "no such team that he sees to", body = ProblemBody),
        (status = 422, description = "not a valid query", body = ProblemBody),
    )
)]
pub(crate) async fn own_people(
    State(tenants): State<Tenants>,
    Myself(me): Myself,
    ApiPath(id): ApiPath<String>,
    ApiQuery(query): ApiQuery<OrgPageQuery>,
) -> Result<Response, Problem> {
    check_manager(&tenants, &me.tenant, &id, &me.id).await?;
    page(&tenants, &me.tenant, &id, query, "/api/v1/org/my-teams").await
}

/// Has somebody belong to a team that the person who asks sees to. Who belongs to it already is left as he is.
#[utoipa::path(
    put, path = "/api/v1/org/my-teams/{id}/people/{user_id}", operation_id = "put_own_team_person", tag = "org",
    params(
        ("id" = String, Path, description = "the team"),
        ("user_id" = String, Path, description = "the person"),
    ),
    responses(
        (status = 204, description = "he belongs to it"),
        (status = 404, description = "no such team that he sees to, or no such person", body = ProblemBody),
        (status = 409, description = "all seats are taken", body = ProblemBody),
    )
)]
pub(crate) async fn own_put(
    State(tenants): State<Tenants>,
    Myself(me): Myself,
    ApiPath((id, user_id)): ApiPath<(String, String)>,
) -> Result<StatusCode, Problem> {
    check_manager(&tenants, &me.tenant, &id, &me.id).await?;
    if tenants.stands(&me.tenant, &id, &user_id).await?.is_none() {
        tenants.put_on(&me.tenant, (Roll::Team, &id), (&user_id, false), &me.id).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Takes somebody out of a team that the person who asks sees to, but nobody who sees to it too.
#[utoipa::path(
    delete, path = "/api/v1/org/my-teams/{id}/people/{user_id}", operation_id = "delete_own_team_person", tag = "org",
    params(
        ("id" = String, Path, description = "the team"),
        ("user_id" = String, Path, description = "the person"),
    ),
    responses(
        (status = 204, description = "he belongs to it no longer"),
        (status = 404, description = "no such team that he sees to, or the person is not on it", body = ProblemBody),
        (status = 409, description = "the person sees to it too", body = ProblemBody),
    )
)]
pub(crate) async fn own_take(
    State(tenants): State<Tenants>,
    Myself(me): Myself,
    ApiPath((id, user_id)): ApiPath<(String, String)>,
) -> Result<StatusCode, Problem> {
    check_manager(&tenants, &me.tenant, &id, &me.id).await?;
    if tenants.stands(&me.tenant, &id, &user_id).await? == Some(true) {
        let detail = "the person sees to the team too";
        return Err(Problem::conflict(codes::ORG_TEAM_MANAGER, detail));
    }
    tenants.take_from(&me.tenant, (Roll::Team, &id), &user_id, &me.id).await?;
    Ok(StatusCode::NO_CONTENT)
}
