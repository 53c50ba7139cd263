//! `/api/v1/org/nodes` and `/api/v1/org/people`.

use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use kernel::conditional::respond_json;
use kernel::problem::ProblemBody;
use kernel::uri::escaped;
use kernel::{
    ApiJson, ApiPath, ApiQuery, Cursor, Etag, Idempotency, Page, Permission, Policy, Principal, Problem, Routes,
    Tenant, require_if_match, text,
};
use utoipa_axum::routes;

use super::super::store::Tenants;
use super::super::{check_id, codes};
use super::views::{
    OrgNodeChange, OrgNodeRequest, OrgNodeRolesView, OrgNodeView, OrgNodesQuery, OrgPageQuery, OrgPlaceRequest,
    OrgPlaceView,
};
use super::{MemberRow, NewNode, NodeRow, ROOT, Standing, create as made};

const NODES: &str = "/api/v1/org/nodes";
const MAX_NAME: usize = 200;

pub(in crate::org) const CREATE: Permission = Permission::new("org_node", "create");
pub(in crate::org) const DELETE: Permission = Permission::new("org_node", "delete");
/// To say which roles it gives.
pub(in crate::org) const GRANT: Permission = Permission::new("org_node", "grant");
/// To say who belongs to it.
pub(in crate::org) const PLACE: Permission = Permission::new("org_node", "place");
pub(in crate::org) const READ: Permission = Permission::new("org_node", "read");
pub(in crate::org) const UPDATE: Permission = Permission::new("org_node", "update");

/// Mounts every route of the tree.
pub(in crate::org) fn mount(routes: Routes<Tenants>) -> Routes<Tenants> {
    use Policy::May;
    routes
        .mount([(Method::POST, May(CREATE)), (Method::GET, May(READ))], routes!(create, list))
        .mount(
            [(Method::GET, May(READ)), (Method::PATCH, May(UPDATE)), (Method::DELETE, May(DELETE))],
            routes!(show, update, remove),
        )
        .mount(May(READ), routes!(people))
        .mount(May(READ), routes!(roles))
        .mount(May(GRANT), routes!(give, take))
        .mount([(Method::GET, May(READ)), (Method::PUT, May(PLACE))], routes!(place, put_place))
}

/// Makes a sub-organization of the caller's tenant. Nobody belongs to it yet.
#[utoipa::path(
    post, path = "/api/v1/org/nodes", operation_id = "create_org_node", tag = "org", request_body = OrgNodeRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "one for each, for 24 hours")),
    responses(
        (status = 201, description = "the sub-organization", body = OrgNodeView),
        (status = 409, description = "the name is another one's at this place", body = ProblemBody),
        (status = 422, description = "not a name or a place, or too many", body = ProblemBody),
    )
)]
pub(crate) async fn create(
    State(tenants): State<Tenants>,
    Tenant(tenant): Tenant,
    principal: Principal,
    headers: HeaderMap,
    ApiJson(request): ApiJson<OrgNodeRequest>,
) -> Result<Response, Problem> {
    let key = Idempotency::key(&headers)?;
    check_name(&request.name)?;
    let OrgNodeRequest { name, parent_id } = request.clone();
    let parent = parent_id.unwrap_or_else(|| ROOT.to_owned());
    check_id("/parent_id", &parent, codes::ORG_NODE_UNKNOWN)?;
    let (actor, now_ms) = (principal.actor().to_owned(), tenants.now_ms());
    let new = NewNode { tenant: tenant.clone(), parent, name, actor, now_ms };
    let outcome = tenants.idempotency.once_within(&tenant, key, NODES, &request, |tx| Box::pin(made(tx, new)));
    Ok(outcome.await?.created(NODES))
}

fn check_name(name: &str) -> Result<(), Problem> {
    text::check(name, 1..=MAX_NAME).map_err(|detail| Problem::invalid("/name", codes::ORG_INVALID_NAME, detail))
}

/// Sub-organizations of the caller's tenant, newest first.
#[utoipa::path(
    get, path = "/api/v1/org/nodes", operation_id = "list_org_nodes", tag = "org", params(OrgNodesQuery),
    responses(
        (status = 200, description = "a page", body = Page<OrgNodeView>),
        (status = 422, description = "not a valid query", body = ProblemBody),
    )
)]
pub(crate) async fn list(
    State(tenants): State<Tenants>,
    Tenant(tenant): Tenant,
    ApiQuery(query): ApiQuery<OrgNodesQuery>,
) -> Result<Response, Problem> {
    let OrgNodesQuery { parent_id, limit, after } = query;
    if let Some(parent) = &parent_id {
        check_id("?parent_id", parent, codes::ORG_NODE_UNKNOWN)?;
    }
    let cursor = |row: &NodeRow| Cursor { time_ms: row.created_ms, id: row.id.clone() };
    let (tenants, tenant, parent) = (&tenants, &tenant, parent_id.as_deref());
    let read = |after, limit| async move { tenants.nodes(tenant, parent, after, limit).await };
    let page = Page::read(limit, after.as_deref(), cursor, read).await?;
    let of = parent.map_or_else(String::new, |parent| format!("parent_id={}&", escaped(parent)));
    Ok(page.map(OrgNodeView::from).respond(&format!("{NODES}?{of}")))
}

/// One sub-organization.
#[utoipa::path(
    get, path = "/api/v1/org/nodes/{id}", operation_id = "get_org_node", tag = "org",
    params(("id" = String, Path, description = "the sub-organization")),
    responses(
        (status = 200, description = "the sub-organization, with a strong ETag", body = OrgNodeView),
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
    Ok(respond_json(&headers, &OrgNodeView::from(tenants.node(&tenant, &id).await?)))
}

/// Gives a sub-organization another name, or moves it with all that is below it: the settings and the roles of everybody there are those
/// of the new place at once.
#[utoipa::path(
    patch, path = "/api/v1/org/nodes/{id}", operation_id = "update_org_node", tag = "org", request_body = OrgNodeChange,
    params(
        ("id" = String, Path, description = "the sub-organization"),
        ("If-Match" = String, Header, description = "the state of it that is changed"),
    ),
    responses(
        (status = 200, description = "as it is now, with a strong ETag", body = OrgNodeView),
        (status = 403, description = "the caller lacks what people there would lose or gain", body = ProblemBody),
        (status = 404, description = "no such sub-organization", body = ProblemBody),
        (status = 409, description = "the name is another one's at this place", body = ProblemBody),
        (status = 412, description = "it has changed since it was read", body = ProblemBody),
        (status = 422, description = "not a name or a place", body = ProblemBody),
        (status = 428, description = "without If-Match", body = ProblemBody),
    )
)]
pub(crate) async fn update(
    State(tenants): State<Tenants>,
    Tenant(tenant): Tenant,
    principal: Principal,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
    ApiJson(change): ApiJson<OrgNodeChange>,
) -> Result<Response, Problem> {
    let row = tenants.node(&tenant, &id).await?;
    require_if_match(&headers, &tag(&row)?)?;
    let to = Standing {
        parent: change.parent_id.unwrap_or_else(|| row.parent_id.clone()),
        name: change.name.unwrap_or_else(|| row.name.clone()),
    };
    check_name(&to.name)?;
    check_id("/parent_id", &to.parent, codes::ORG_NODE_UNKNOWN)?;
    let row = tenants.change_node(&tenant, &row, to, &principal).await?;
    Ok(respond_json(&HeaderMap::new(), &OrgNodeView::from(row)))
}

/// Removes a sub-organization to which nobody belongs, and that nothing is below.
#[utoipa::path(
    delete, path = "/api/v1/org/nodes/{id}", operation_id = "delete_org_node", tag = "org",
    params(
        ("id" = String, Path, description = "the sub-organization"),
        ("If-Match" = String, Header, description = "the state of it that is removed"),
    ),
    responses(
        (status = 204, description = "removed"),
        (status = 404, description = "no such sub-organization", body = ProblemBody),
        (status = 409, description = "somebody or something belongs to it", body = ProblemBody),
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
    let row = tenants.node(&tenant, &id).await?;
    require_if_match(&headers, &tag(&row)?)?;
    tenants.remove_node(&tenant, &row, principal.actor()).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn tag(row: &NodeRow) -> Result<Etag, Problem> {
    Etag::of_json(&OrgNodeView::from(row.clone()))
}

/// Who belongs to a sub-organization itself, by their ids. Who belongs below it is not among them.
#[utoipa::path(
    get, path = "/api/v1/org/nodes/{id}/people", operation_id = "list_org_node_people", tag = "org",
    params(("id" = String, Path, description = "the sub-organization"), OrgPageQuery),
    responses(
        (status = 200, description = "a page", body = Page<OrgPlaceView>),
        (status = 404, description = "no such sub-organization", body = ProblemBody),
        (status = 422, description = "not a valid query", body = ProblemBody),
    )
)]
pub(crate) async fn people(
    State(tenants): State<Tenants>,
    Tenant(tenant): Tenant,
    ApiPath(id): ApiPath<String>,
    ApiQuery(query): ApiQuery<OrgPageQuery>,
) -> Result<Response, Problem> {
    let id = tenants.node(&tenant, &id).await?.id;
    let cursor = |row: &MemberRow| Cursor { time_ms: 0, id: row.user_id.clone() };
    let (tenants, tenant, node) = (&tenants, &tenant, id.as_str());
    let read = |after, limit| async move { tenants.members(tenant, node, after, limit).await };
    let page = Page::read(query.limit, query.after.as_deref(), cursor, read).await?;
    Ok(page.map(OrgPlaceView::from).respond(&format!("{NODES}/{node}/people?")))
}

/// The roles that everybody has who belongs to a sub-organization or below it, by itself: those of what it is below are not among them.
#[utoipa::path(
    get, path = "/api/v1/org/nodes/{id}/roles", operation_id = "list_org_node_roles", tag = "org",
    params(("id" = String, Path, description = "the sub-organization")),
    responses(
        (status = 200, description = "all of them, with a strong ETag", body = OrgNodeRolesView),
        (status = 304, description = "unchanged"),
        (status = 404, description = "no such sub-organization", body = ProblemBody),
    )
)]
pub(crate) async fn roles(
    State(tenants): State<Tenants>,
    Tenant(tenant): Tenant,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = tenants.node(&tenant, &id).await?.id;
    let items = tenants.node_roles(&tenant, &id).await?.into_iter().map(Into::into).collect();
    Ok(respond_json(&headers, &OrgNodeRolesView { items }))
}

/// Gives a role to everybody who belongs to a sub-organization or below it, now and later. It holds within five seconds in every process.
#[utoipa::path(
    put, path = "/api/v1/org/nodes/{id}/roles/{role_id}", operation_id = "grant_org_node_role", tag = "org",
    params(
        ("id" = String, Path, description = "the sub-organization"),
        ("role_id" = String, Path, description = "the role"),
    ),
    responses(
        (status = 204, description = "it gives the role"),
        (status = 403, description = "the caller has not for good what the role has", body = ProblemBody),
        (status = 404, description = "no such sub-organization, or no such role", body = ProblemBody),
        (status = 422, description = "it gives too many already", body = ProblemBody),
    )
)]
pub(crate) async fn give(
    State(tenants): State<Tenants>,
    Tenant(tenant): Tenant,
    principal: Principal,
    ApiPath((id, role_id)): ApiPath<(String, String)>,
) -> Result<StatusCode, Problem> {
    let row = tenants.node(&tenant, &id).await?;
    tenants.give_at(&tenant, (&row.id, &role_id), &principal).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a role from everybody who has it by a sub-organization.
#[utoipa::path(
    delete, path = "/api/v1/org/nodes/{id}/roles/{role_id}", operation_id = "revoke_org_node_role", tag = "org",
    params(
        ("id" = String, Path, description = "the sub-organization"),
        ("role_id" = String, Path, description = "the role"),
    ),
    responses(
        (status = 204, description = "it gives the role no longer"),
        (status = 403, description = "the caller lacks what the role has", body = ProblemBody),
        (status = 404, description = "no such sub-organization, or it does not give the role", body = ProblemBody),
    )
)]
pub(crate) async fn take(
    State(tenants): State<Tenants>,
    Tenant(tenant): Tenant,
    principal: Principal,
    ApiPath((id, role_id)): ApiPath<(String, String)>,
) -> Result<StatusCode, Problem> {
    let row = tenants.node(&tenant, &id).await?;
    tenants.take_at(&tenant, (&row.id, &role_id), &principal).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Where a person belongs.
#[utoipa::path(
    get, path = "/api/v1/org/people/{id}", operation_id = "get_org_place", tag = "org",
    params(("id" = String, Path, description = "the person")),
    responses(
        (status = 200, description = "the place, with a strong ETag", body = OrgPlaceView),
        (status = 304, description = "unchanged"),
        (status = 404, description = "no such person", body = ProblemBody),
    )
)]
pub(crate) async fn place(
    State(tenants): State<Tenants>,
    Tenant(tenant): Tenant,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let node_id = tenants.place(&tenant, &id).await?;
    Ok(respond_json(&headers, &OrgPlaceView { user_id: id, node_id }))
}

/// Has a person belong to a sub-organization, or to the tenant itself, and no longer to where he has been.
#[utoipa::path(
    put, path = "/api/v1/org/people/{id}", operation_id = "put_org_place", tag = "org", request_body = OrgPlaceRequest,
    params(
        ("id" = String, Path, description = "the person"),
        ("If-Match" = String, Header, description = "the place where he has been"),
    ),
    responses(
        (status = 200, description = "the place, with a strong ETag", body = OrgPlaceView),
        (status = 403, description = "the caller lacks what the person would lose or gain", body = ProblemBody),
        (status = 404, description = "no such person", body = ProblemBody),
        (status = 412, description = "he belongs somewhere else by now", body = ProblemBody),
        (status = 422, description = "no such sub-organization", body = ProblemBody),
        (status = 428, description = "without If-Match", body = ProblemBody),
    )
)]
pub(crate) async fn put_place(
    State(tenants): State<Tenants>,
    Tenant(tenant): Tenant,
    principal: Principal,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
    ApiJson(request): ApiJson<OrgPlaceRequest>,
) -> Result<Response, Problem> {
    let was = OrgPlaceView { node_id: tenants.place(&tenant, &id).await?, user_id: id };
    require_if_match(&headers, &Etag::of_json(&was)?)?;
    let OrgPlaceRequest { node_id } = request;
    check_id("/node_id", &node_id, codes::ORG_NODE_UNKNOWN)?;
    tenants.put_place(&tenant, (&was.user_id, &was.node_id), &node_id, &principal).await?;
    Ok(respond_json(&HeaderMap::new(), &OrgPlaceView { user_id: was.user_id, node_id }))
}
