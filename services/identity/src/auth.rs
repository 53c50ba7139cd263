//! Keys: what programs of a tenant show, each with permissions of its own.
//!
//! - [`Keys`]: what everything goes through. [`UNIT`], [`serve`]: the unit.
//! - `routes`: `/api/v1/api-keys` and `/api/v1/permissions`. `views`: their JSON. `codes`: what they refuse.
//! - `secret`: how a key is made and known again. `store`: their table.

mod codes;
mod routes;
pub(crate) mod secret;
mod store;
mod views;

use kernel::{Served, Unit};

pub use store::{Keys, STATEMENTS};

/// Keys, as a unit.
pub static UNIT: Unit = Unit {
    slug: "auth",
    parts: &[],
    addresses: &["/api/v1/api-keys", "/api/v1/permissions"],
    tables: &["core", "identity"],
    permissions: routes::PERMISSIONS,
    codes: codes::ALL,
};

/// What a process serves of them: the routes.
pub fn serve(keys: Keys) -> Served {
    Served::new(&UNIT, keys, routes::mount)
}
