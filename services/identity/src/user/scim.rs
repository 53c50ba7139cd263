//! SCIM 2.0 (RFC 7643, RFC 7644): a school's directory sees to its people, and says who belongs to which team. What the protocol says is
//! in the crate `scim`; here is what it does to people and groups.
//!
//! - `people`, `teams`, `search`, `discovery`: the routes. `views`: what the document says of their JSON. `refusal`: how they refuse.
//! - `person`: what a directory says of a person, and what he is by that. `group`: groups, and their tables.
//! - `query`: what a list asks for. `narrow`: where the database looks for it. `found`: what is found, within bounds. `store`: people in
//!   their tables, as they are looked for here. `answer`: resources as they are answered.

mod answer;
mod discovery;
mod found;
mod group;
mod narrow;
mod people;
pub(super) mod person;
mod query;
mod refusal;
mod search;
mod store;
mod teams;
mod views;

use axum::http::Method;
use axum::routing::get;
use kernel::{Permission, Policy, Problem, Routes, codes as common};
use utoipa_axum::routes;

use super::routes::{CREATE, DELETE, READ, UPDATE};
use super::store::Users;

pub(crate) use group::STATEMENTS as GROUP_STATEMENTS;
pub(crate) use store::STATEMENTS as PEOPLE_STATEMENTS;

/// Where the service is.
const BASE: &str = "/scim/v2";
/// The media type of all that it says and hears (RFC 7644 §8.1).
const MEDIA_TYPE: &str = "application/scim+json";

/// To find people by a request that is no `GET`.
pub(super) const SEARCH: Permission = Permission::new("user", "search");
pub(super) const GROUP_CREATE: Permission = Permission::new("group", "create");
pub(super) const GROUP_DELETE: Permission = Permission::new("group", "delete");
pub(super) const GROUP_READ: Permission = Permission::new("group", "read");
/// To find groups by a request that is no `GET`.
pub(super) const GROUP_SEARCH: Permission = Permission::new("group", "search");
pub(super) const GROUP_UPDATE: Permission = Permission::new("group", "update");

/// Mounts every route.
pub(super) fn mount(routes: Routes<Users>) -> Routes<Users> {
    use Policy::{May, Public};
    let one = |read, update, delete| {
        [
            (Method::GET, May(read)),
            (Method::PUT, May(update)),
            (Method::PATCH, May(update)),
            (Method::DELETE, May(delete)),
        ]
    };
    routes
        .speaking(&refusal::DIALECT)
        .mount([(Method::POST, May(CREATE)), (Method::GET, May(READ))], routes!(people::create, people::list))
        .mount(one(READ, UPDATE, DELETE), routes!(people::show, people::replace, people::patch, people::erase))
        .mount([(Method::POST, May(GROUP_CREATE)), (Method::GET, May(GROUP_READ))], routes!(teams::create, teams::list))
        .mount(
            one(GROUP_READ, GROUP_UPDATE, GROUP_DELETE),
            routes!(teams::show, teams::replace, teams::patch, teams::erase),
        )
        .mount(May(SEARCH), routes!(search::all))
        .mount(May(SEARCH), routes!(search::people))
        .mount(May(GROUP_SEARCH), routes!(search::groups))
        .mount(Public, routes!(discovery::service_provider_config))
        .mount(Public, routes!(discovery::resource_types))
        .mount(Public, routes!(discovery::resource_type))
        .mount(Public, routes!(discovery::schemas))
        .mount(Public, routes!(discovery::schema))
        // What is not there is said in SCIM's words too (RFC 7644 §3.12).
        .mount_hidden(
            Public,
            "/scim/v2/{*rest}",
            get(nothing).post(nothing).put(nothing).patch(nothing).delete(nothing),
        )
}

async fn nothing() -> Problem {
    Problem::not_found(common::HTTP_NOT_FOUND, "there is nothing at this address")
}
