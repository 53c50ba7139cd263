//! __Title__: the __nouns__ of a tenant.
//!
//! - [`__Nouns__`]: what everything goes through. [`UNIT`], [`serve`]: the unit.
//! - `routes`: `/api/v1/__path__`. `views`: their JSON. `codes`: what they refuse.
//! - `store`: their table.

mod codes;
mod routes;
mod store;
mod views;

use kernel::{Rights, Served, Unit};

pub use store::{__Nouns__, STATEMENTS};

/// __Title__, as a unit.
pub static UNIT: Unit = Unit {
    slug: "__slug__",
    parts: &[],
    addresses: &["/api/v1/__path__"],
    tables: &["core", "__module__"],
    permissions: routes::PERMISSIONS,
    codes: codes::ALL,
    rights: Rights::nothing("__nouns__ have a name, and say nothing of people"),
};

/// What a process serves of it: the routes.
pub fn serve(__nouns__: __Nouns__) -> Served {
    Served::new(&UNIT, __nouns__, routes::mount)
}

#[cfg(test)]
mod tests;
