//! People: who has an account at a tenant, and what he may.
//!
//! - [`Users`]: what everything goes through. [`UNIT`], [`serve`]: the unit.
//! - `model`: what may be said of a person. `store`: the table.
//! - `scim`: what a school's directory does to them, and to groups of them, at `/scim/v2`.
//! - `routes`: `/api/v1/users`. `me`: `/api/v1/users/me`. `views`: their JSON. `codes`: what they refuse.

mod codes;
mod me;
pub(crate) mod model;
mod routes;
mod scim;
mod store;
mod views;

use kernel::{Served, Unit};

pub use store::Users;
pub(crate) use store::{Arriving, arrive};

/// Every statement of the unit, for the test that prepares each on both engines.
pub const STATEMENTS: &[&[&str]] = &[scim::GROUP_STATEMENTS, scim::PEOPLE_STATEMENTS, store::STATEMENTS];

/// People, as a unit.
pub static UNIT: Unit = Unit {
    slug: "user",
    parts: &[],
    addresses: &["/api/v1/users", "/scim/v2"],
    tables: &["core", "identity"],
    permissions: routes::PERMISSIONS,
    codes: codes::ALL,
};

/// What a process serves of them: the routes.
pub fn serve(users: Users) -> Served {
    Served::new(&UNIT, users, routes::mount)
}
