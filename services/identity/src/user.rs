//! People: who has an account at a tenant, and what he may.
//!
//! - [`Users`]: what everything goes through. [`UNIT`], [`serve`]: the unit.
//! - `model`: what may be said of a person. `store`: the table.
//! - `routes`: `/api/v1/users`. `me`: `/api/v1/users/me`. `views`: their JSON. `codes`: what they refuse.

mod codes;
mod me;
pub(crate) mod model;
mod routes;
mod store;
mod views;

use kernel::{Served, Unit};

pub use store::{STATEMENTS, Users};

/// People, as a unit.
pub static UNIT: Unit = Unit {
    slug: "user",
    parts: &[],
    addresses: &["/api/v1/users"],
    tables: &["core", "identity"],
    permissions: routes::PERMISSIONS,
    codes: codes::ALL,
};

/// What a process serves of them: the routes.
pub fn serve(users: Users) -> Served {
    Served::new(&UNIT, users, routes::mount)
}
