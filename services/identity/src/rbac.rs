//! Roles: lists of permissions with a name, which people have for good or for a while; and what somebody may, by what.
//!
//! - [`Roles`]: what everything goes through. [`UNIT`], [`serve`]: the unit. `codes`: what it refuses.
//! - `model`: what somebody may and why, and what a change of a role would do. `cedar`: the same as policies of Cedar.
//! - `store`: roles in their table. `bindings`: who has them. `rights`: what becomes of that with the person.
//! - `routes`: `/api/v1/roles`, `/api/v1/role-bindings` and `/api/v1/access`. `views`, `access`, `evaluations`:
//!   their JSON.

mod access;
mod bindings;
mod cedar;
mod codes;
mod evaluations;
pub(crate) mod model;
mod rights;
mod routes;
mod store;
mod views;

use kernel::{Rights, Served, Unit};

pub(crate) use bindings::{give, held, move_roles};
pub use store::Roles;

/// Every statement of the unit, for the test that prepares each on both engines.
pub const STATEMENTS: &[&[&str]] = &[bindings::STATEMENTS, rights::STATEMENTS, store::STATEMENTS];

/// Roles, as a unit.
pub static UNIT: Unit = Unit {
    slug: "rbac",
    parts: &[],
    addresses: &["/api/v1/access", "/api/v1/role-bindings", "/api/v1/roles"],
    tables: &["core", "identity"],
    permissions: routes::PERMISSIONS,
    codes: codes::ALL,
    rights: Rights::of(&rights::HOOKS).removing(rights::RETENTION),
};

/// What a process serves of them: the routes.
pub fn serve(roles: Roles) -> Served {
    Served::new(&UNIT, roles, routes::mount)
}
