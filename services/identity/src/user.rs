//! People: who has an account at a tenant, and what he may.
//!
//! - [`Users`]: what everything goes through. [`UNIT`], [`serve`]: the unit.
//! - `model`: what may be said of a person. `store`: the table.
//! - `rights`: what the unit has of a person. `archive`: all that there is of him. `erasure`: that he is erased, now or after a while.
//! - `scim`: what a school's directory does to them, and to groups of them, at `/scim/v2`.
//! - `guardians`: who sees to minors. `consents`: what people have agreed to. `merge`: two accounts that become one.
//! - `fields`: what a tenant keeps of its people besides. `preferences`: what programs keep for them.
//! - `words`: what people are found by. `table`: people as CSV.
//! - `routes`: `/api/v1/users`. `me`: `/api/v1/users/me`. `views`: their JSON. `codes`: what they refuse.

mod archive;
mod codes;
mod consents;
mod erasure;
mod fields;
mod guardians;
mod me;
mod merge;
pub(crate) mod model;
mod preferences;
mod rights;
mod routes;
mod scim;
mod store;
mod table;
mod views;
mod words;

use kernel::{Rights, Served, Unit};

pub use store::Users;
pub(crate) use store::{Arriving, arrive};

/// Every statement of the unit, for the test that prepares each on both engines.
pub const STATEMENTS: &[&[&str]] = &[
    consents::STATEMENTS,
    erasure::STATEMENTS,
    fields::STATEMENTS,
    fields::values::STATEMENTS,
    guardians::STATEMENTS,
    merge::STATEMENTS,
    rights::STATEMENTS,
    scim::GROUP_STATEMENTS,
    scim::PEOPLE_STATEMENTS,
    store::STATEMENTS,
    table::STATEMENTS,
    words::STATEMENTS,
];

/// People, as a unit.
pub static UNIT: Unit = Unit {
    slug: "user",
    parts: &[],
    addresses: &["/api/v1/users", "/scim/v2"],
    tables: &["core", "identity"],
    permissions: routes::PERMISSIONS,
    codes: codes::ALL,
    rights: Rights::of(&rights::HOOKS),
};

/// What a process serves of them: the routes, and the erasing of whoever is due.
pub fn serve(users: Users) -> Served {
    Served::new(&UNIT, users.clone(), routes::mount).with_task(|stopped| erasure::run(users, stopped))
}
