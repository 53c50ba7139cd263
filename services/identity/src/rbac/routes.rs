//! The routes of roles, of who has them, and of decisions.

mod access;
mod bindings;
mod roles;

use axum::http::Method;
use kernel::{Permission, Policy, Routes};
use utoipa_axum::routes;

use super::store::Roles;

const ROLES: &str = "/api/v1/roles";
const BINDINGS: &str = "/api/v1/role-bindings";

/// To ask what anybody may, and why.
const EVALUATE: Permission = Permission::new("access", "evaluate");
/// To read all that decides.
const EXPORT: Permission = Permission::new("access", "export");
const CREATE: Permission = Permission::new("role", "create");
const DELETE: Permission = Permission::new("role", "delete");
/// To give one to a person.
const GRANT: Permission = Permission::new("role", "grant");
const READ: Permission = Permission::new("role", "read");
/// To take one from a person.
const REVOKE: Permission = Permission::new("role", "revoke");
const UPDATE: Permission = Permission::new("role", "update");

/// What they ask for.
pub(super) const PERMISSIONS: &[Permission] = &[EVALUATE, EXPORT, CREATE, DELETE, GRANT, READ, REVOKE, UPDATE];

/// Mounts every route.
pub(super) fn mount(routes: Routes<Roles>) -> Routes<Roles> {
    use Policy::{May, Person};
    routes
        .mount([(Method::POST, May(CREATE)), (Method::GET, May(READ))], routes!(roles::create, roles::list))
        .mount(
            [(Method::GET, May(READ)), (Method::PATCH, May(UPDATE)), (Method::DELETE, May(DELETE))],
            routes!(roles::show, roles::update, roles::remove),
        )
        .mount(May(UPDATE), routes!(roles::dry_run))
        .mount([(Method::POST, May(GRANT)), (Method::GET, May(READ))], routes!(bindings::create, bindings::list))
        .mount([(Method::GET, May(READ)), (Method::DELETE, May(REVOKE))], routes!(bindings::show, bindings::revoke))
        .mount(Person, routes!(access::mine))
        .mount(May(EVALUATE), routes!(access::evaluate))
        .mount(May(EVALUATE), routes!(access::evaluate_several))
        .mount(May(EVALUATE), routes!(access::explain))
        .mount(May(EXPORT), routes!(access::export))
}
