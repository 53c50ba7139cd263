//! `/api/v1/users`.

use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kernel::conditional::respond_json;
use kernel::problem::ProblemBody;
use kernel::uri::escaped;
use kernel::{
    ApiJson, ApiPath, ApiQuery, Cursor, Etag, Grants, Idempotency, Page, Permission, Person, Policy, Principal,
    Problem, Routes, Tenant, require_if_match, rfc3339,
};
use media_types::TenantId;
use utoipa_axum::routes;

use super::erasure::routes as erasing;
use super::fields::{routes as fields, values};
use super::model::{self, ACTIVE, Profile, Provisioned};
use super::store::{self, NewUser, UserRow, Users};
use super::views::{PasswordLinkView, UserChange, UserRequest, UserView, UsersQuery};
use super::{archive, codes, consents, guardians, me, merge, scim, table};

const ADDRESS: &str = "/api/v1/users";

pub(super) const CREATE: Permission = Permission::new("user", "create");
/// To erase one.
pub(super) const DELETE: Permission = Permission::new("user", "delete");
/// To make and change people by a table.
pub(super) const IMPORT: Permission = Permission::new("user", "import");
/// To be given all that is kept of one.
pub(super) const EXPORT: Permission = Permission::new("user", "export");
pub(super) const READ: Permission = Permission::new("user", "read");
/// To change one, and to let him set a password.
pub(super) const UPDATE: Permission = Permission::new("user", "update");

/// What its routes ask for.
pub(super) const PERMISSIONS: &[Permission] = &[
    CREATE,
    DELETE,
    EXPORT,
    IMPORT,
    READ,
    scim::SEARCH,
    UPDATE,
    fields::CREATE,
    fields::DELETE,
    fields::READ,
    fields::UPDATE,
    scim::GROUP_CREATE,
    scim::GROUP_DELETE,
    scim::GROUP_READ,
    scim::GROUP_SEARCH,
    scim::GROUP_UPDATE,
];

/// Mounts every route.
pub(super) fn mount(routes: Routes<Users>) -> Routes<Users> {
    use Policy::{May, Person};
    let routes = routes
        .mount([(Method::POST, May(CREATE)), (Method::GET, May(READ))], routes!(create, list))
        .mount(Person, routes!(me::show, me::update))
        .mount(
            [(Method::GET, May(READ)), (Method::PATCH, May(UPDATE)), (Method::DELETE, May(DELETE))],
            routes!(show, update, erase),
        )
        .mount(May(UPDATE), routes!(password_link))
        .mount(May(UPDATE), routes!(reset_factors))
        .mount(May(EXPORT), routes!(archive::export))
        .mount(Person, routes!(archive::export_me))
        .mount(
            [(Method::PUT, May(DELETE)), (Method::GET, May(READ)), (Method::DELETE, May(DELETE))],
            routes!(erasing::ask, erasing::show, erasing::cancel),
        )
        .mount(Person, routes!(erasing::ask_own, erasing::show_own, erasing::cancel_own))
        .mount(May(DELETE), routes!(merge::merge))
        .mount(May(READ), routes!(guardians::list))
        .mount(May(UPDATE), routes!(guardians::put, guardians::remove))
        .mount(Person, routes!(guardians::wards))
        .mount([(Method::POST, May(UPDATE)), (Method::GET, May(READ))], routes!(consents::create, consents::list))
        .mount(Person, routes!(consents::create_own, consents::list_own))
        .mount(Person, routes!(consents::create_of_ward))
        .mount([(Method::POST, May(IMPORT)), (Method::GET, May(EXPORT))], routes!(table::import, table::export))
        .mount(
            [(Method::POST, May(fields::CREATE)), (Method::GET, May(fields::READ))],
            routes!(fields::create, fields::list),
        )
        .mount(
            [
                (Method::GET, May(fields::READ)),
                (Method::PATCH, May(fields::UPDATE)),
                (Method::DELETE, May(fields::DELETE)),
            ],
            routes!(fields::show, fields::update, fields::delete),
        )
        .mount([(Method::GET, May(READ)), (Method::PATCH, May(UPDATE))], routes!(values::show, values::update))
        .mount(Person, routes!(values::show_own, values::update_own))
        .mount(Person, routes!(values::card));
    scim::mount(routes)
}

/// Makes a person of the caller's tenant. He has no password yet.
#[utoipa::path(
    post, path = "/api/v1/users", operation_id = "create_user", tag = "users", request_body = UserRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "one person for each, for 24 hours")),
    extensions(("x-audit" = json!("effect"))),
    responses(
        (status = 201, description = "the person", body = UserView),
        (status = 403, description = "the caller has not all of these permissions", body = ProblemBody),
        (status = 409, description = "the address is another one's", body = ProblemBody),
        (status = 422, description = "not an address, a name, or permissions", body = ProblemBody),
    )
)]
pub(crate) async fn create(
    State(users): State<Users>,
    Tenant(tenant): Tenant,
    principal: Principal,
    headers: HeaderMap,
    ApiJson(request): ApiJson<UserRequest>,
) -> Result<Response, Problem> {
    let key = Idempotency::key(&headers)?;
    let profile = profile(&users, request.clone())?;
    check_beyond(&principal, &profile.grants)?;
    let actor = principal.actor().to_owned();
    let new = NewUser { tenant: tenant.clone(), id: model::new_id(), profile, actor, now_ms: users.now_ms() };
    let made = users.idempotency.once_within(&tenant, key, ADDRESS, &request, |tx| Box::pin(store::create(tx, new)));
    let outcome = made.await?;
    Ok(outcome.created(ADDRESS))
}

fn profile(users: &Users, request: UserRequest) -> Result<Profile, Problem> {
    let UserRequest { email, name, locale, time_zone, permissions, preferences } = request;
    Ok(Profile {
        email: model::email(&email)?,
        name: model::name(name)?,
        locale: model::locale(locale.unwrap_or_else(|| "en".to_owned()))?,
        time_zone: model::time_zone(time_zone.unwrap_or_else(|| "UTC".to_owned()))?,
        state: ACTIVE.to_owned(),
        grants: model::grants(&permissions.unwrap_or_default(), &users.catalogue)?,
        preferences: model::preferences(preferences.unwrap_or_default())?,
        provisioned: Provisioned::default(),
    })
}

/// Nobody gives what he lacks. Nor does he see to whoever has it, by his roles too: who could set that person's password would have it.
pub(super) fn check_beyond(principal: &Principal, grants: &Grants) -> Result<(), Problem> {
    let Some(lacking) = principal.lacks(grants) else { return Ok(()) };
    let detail = format!("whoever asks has no {lacking} himself");
    Err(Problem::new(StatusCode::FORBIDDEN, codes::USER_BEYOND_OWN, detail))
}

/// People of the caller's tenant, newest first.
#[utoipa::path(
    get, path = "/api/v1/users", operation_id = "list_users", tag = "users", params(UsersQuery),
    responses(
        (status = 200, description = "a page", body = Page<UserView>),
        (status = 422, description = "not a valid query", body = ProblemBody),
    )
)]
pub(crate) async fn list(
    State(users): State<Users>,
    Tenant(tenant): Tenant,
    ApiQuery(query): ApiQuery<UsersQuery>,
) -> Result<Response, Problem> {
    model::check_search(query.q.as_deref())?;
    let cursor = |row: &UserRow| Cursor { time_ms: row.created_ms, id: row.id.clone() };
    let (users, tenant, wanted) = (&users, &tenant, query.q.as_deref());
    let read = |after, limit| async move { users.list(tenant, wanted, after, limit).await };
    let page = Page::read(query.limit, query.after.as_deref(), cursor, read).await?;
    let address = query.q.map_or_else(|| format!("{ADDRESS}?"), |q| format!("{ADDRESS}?q={}&", escaped(&q)));
    Ok(page.map(UserView::from).respond(&address))
}

/// One person.
#[utoipa::path(
    get, path = "/api/v1/users/{id}", operation_id = "get_user", tag = "users",
    params(("id" = String, Path, description = "the person")),
    responses(
        (status = 200, description = "the person, with a strong ETag", body = UserView),
        (status = 304, description = "unchanged"),
        (status = 404, description = "no such person", body = ProblemBody),
    )
)]
pub(crate) async fn show(
    State(users): State<Users>,
    Tenant(tenant): Tenant,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    Ok(respond_json(&headers, &UserView::from(users.one(&tenant, &id).await?)))
}

/// Changes a person. One who is suspended or deactivated is signed out everywhere, within five seconds in every process.
#[utoipa::path(
    patch, path = "/api/v1/users/{id}", operation_id = "update_user", tag = "users", request_body = UserChange,
    params(
        ("id" = String, Path, description = "the person"),
        ("If-Match" = String, Header, description = "the state of him that is changed"),
    ),
    responses(
        (status = 200, description = "as he is now, with a strong ETag", body = UserView),
        (status = 403, description = "the caller lacks what the person has or shall have", body = ProblemBody),
        (status = 404, description = "no such person", body = ProblemBody),
        (status = 409, description = "the address is another one's", body = ProblemBody),
        (status = 412, description = "he has changed since he was read", body = ProblemBody),
        (status = 422, description = "not a valid change", body = ProblemBody),
        (status = 428, description = "without If-Match", body = ProblemBody),
    )
)]
pub(crate) async fn update(
    State(users): State<Users>,
    Tenant(tenant): Tenant,
    principal: Principal,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
    ApiJson(change): ApiJson<UserChange>,
) -> Result<Response, Problem> {
    let row = to_change(&users, &tenant, &principal, &id).await?;
    check_seen(&headers, &row)?;
    let profile = changed(&users, &row, change)?;
    check_beyond(&principal, &profile.grants)?;
    check_address(&principal, &row, &profile)?;
    let row = users.change(&tenant, &row, profile, principal.actor()).await?;
    Ok(respond_json(&HeaderMap::new(), &UserView::from(row)))
}

/// Removes a person for good, at once and in all units: his account, his password, his sessions, what programs keep for him. What he
/// has made stays, under an id that leads to nobody. `PUT /api/v1/users/{id}/erasure` does so after a while.
#[utoipa::path(
    delete, path = "/api/v1/users/{id}", operation_id = "erase_user", tag = "users",
    params(
        ("id" = String, Path, description = "the person"),
        ("If-Match" = String, Header, description = "the state of him that is erased"),
    ),
    responses(
        (status = 204, description = "erased"),
        (status = 403, description = "the caller lacks what the person has", body = ProblemBody),
        (status = 404, description = "no such person", body = ProblemBody),
        (status = 412, description = "he has changed since he was read", body = ProblemBody),
        (status = 428, description = "without If-Match", body = ProblemBody),
        (status = 503, description = "a unit has its tables elsewhere", body = ProblemBody),
    )
)]
pub(crate) async fn erase(
    State(users): State<Users>,
    Tenant(tenant): Tenant,
    principal: Principal,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let row = to_change(&users, &tenant, &principal, &id).await?;
    check_seen(&headers, &row)?;
    users.erase(&tenant, &row, principal.actor()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes the link by which a person sets his password, in the place of one that there is. Give it to him by a way on which nobody
/// else reads it.
#[utoipa::path(
    post, path = "/api/v1/users/{id}/password-link", operation_id = "create_password_link", tag = "users",
    params(("id" = String, Path, description = "the person")),
    responses(
        (status = 200, description = "the link", body = PasswordLinkView),
        (status = 403, description = "the caller lacks what the person has", body = ProblemBody),
        (status = 404, description = "no such person", body = ProblemBody),
    )
)]
pub(crate) async fn password_link(
    State(users): State<Users>,
    Tenant(tenant): Tenant,
    principal: Principal,
    ApiPath(id): ApiPath<String>,
) -> Result<Response, Problem> {
    let row = to_change(&users, &tenant, &principal, &id).await?;
    check_himself(&principal)?;
    let (token, expires_ms) = users.link(&tenant, &row).await?;
    let view = PasswordLinkView { token, expires_at: rfc3339(expires_ms) };
    Ok(([(header::CACHE_CONTROL, "no-store")], axum::Json(view)).into_response())
}

/// Takes from a person all that he proves who he is by but his password, if he has lost it: codes, recovery codes, passkeys and accounts at
/// other providers; and signs him out everywhere. Be sure that it is he who asks for that.
#[utoipa::path(
    delete, path = "/api/v1/users/{id}/factors", operation_id = "reset_factors", tag = "users",
    params(("id" = String, Path, description = "the person")),
    responses(
        (status = 204, description = "he has none any more"),
        (status = 403, description = "the caller lacks what the person has", body = ProblemBody),
        (status = 404, description = "no such person", body = ProblemBody),
    )
)]
pub(crate) async fn reset_factors(
    State(users): State<Users>,
    Tenant(tenant): Tenant,
    principal: Principal,
    ApiPath(id): ApiPath<String>,
) -> Result<StatusCode, Problem> {
    let row = to_change(&users, &tenant, &principal, &id).await?;
    check_himself(&principal)?;
    users.reset_factors(&tenant, &row, principal.actor()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// That the caller is himself, and acts as nobody else: what people prove who they are by is seen to in the open.
fn check_himself(principal: &Principal) -> Result<(), Problem> {
    if principal.acted_by().is_none() {
        return Ok(());
    }
    let detail = "whoever acts as another person changes nobody's password, second factors or address";
    Err(Problem::new(StatusCode::FORBIDDEN, codes::USER_IMPERSONATED, detail))
}

/// That nobody who acts as another person changes an address: letters to it open the account.
pub(super) fn check_address(principal: &Principal, was: &UserRow, profile: &Profile) -> Result<(), Problem> {
    if was.email == profile.email { Ok(()) } else { check_himself(principal) }
}

/// That a person asks himself: what he agrees to, takes back or is handed is nobody's to say for him who acts as him.
pub(super) fn check_in_person(me: &Person) -> Result<(), Problem> {
    if me.acted_by.is_none() {
        return Ok(());
    }
    let detail = "whoever acts as another person agrees to nothing for him, and is not handed what is kept of him";
    Err(Problem::new(StatusCode::FORBIDDEN, codes::USER_IMPERSONATED, detail))
}

/// A person, if the caller may see to him.
pub(super) async fn to_change(
    users: &Users,
    tenant: &TenantId,
    principal: &Principal,
    id: &str,
) -> Result<UserRow, Problem> {
    let row = users.one(tenant, id).await?;
    check_beyond(principal, &users.may(tenant, &row).await?)?;
    Ok(row)
}

/// That the request is about the state that the person is in.
pub(super) fn check_seen(headers: &HeaderMap, row: &UserRow) -> Result<(), Problem> {
    require_if_match(headers, &Etag::of_json(&UserView::from(row.clone()))?)
}

/// What a person is after a change.
pub(super) fn changed(users: &Users, row: &UserRow, change: UserChange) -> Result<Profile, Problem> {
    let UserChange { email, name, locale, time_zone, state, permissions, preferences } = change;
    let was = row.profile();
    Ok(Profile {
        email: email.map_or(Ok(was.email), |email| model::email(&email))?,
        name: name.map_or(Ok(was.name), model::name)?,
        locale: locale.map_or(Ok(was.locale), model::locale)?,
        time_zone: time_zone.map_or(Ok(was.time_zone), model::time_zone)?,
        state: state.map_or(was.state, |state| state.as_str().to_owned()),
        grants: permissions.map_or(Ok(was.grants), |list| model::grants(&list, &users.catalogue))?,
        preferences: preferences.map_or(Ok(was.preferences), model::preferences)?,
        provisioned: was.provisioned,
    })
}
