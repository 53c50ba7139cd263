//! Organisations: the tenants that everything belongs to, and what they are made of.
//!
//! - [`Tenants`]: what everything goes through. [`UNIT`], [`serve`]: the unit.
//! - `routes`: `/api/v1/tenants`, for the holder of the admin token. `codes`: what they refuse.
//! - `store`: their table. `people`: how many people each has, as events of their accounts tell.
//! - `tree`: sub-organizations of a tenant, who belongs to which, and the roles that they give. `settings`: what is inherited down.
//! - `rolls`: teams and licences, with their seats. `invitations`: who is invited to what.
//! - `domains`: those that are proven to be a tenant's own, by [`TxtLookup`] and [`Dns`]. `brand`: how it looks there.
//! - `export`: all of it. `rights`: what of it is a person's.

mod brand;
mod codes;
mod dns;
mod domains;
mod export;
mod invitations;
pub(crate) mod people;
mod rights;
mod rolls;
mod routes;
mod settings;
mod store;
mod tree;

use axum::http::StatusCode;
use database::{DbError, Tx, outbox};
use kernel::{Code, Grants, Permission, Principal, Problem, Rights, Routes, Served, Unit};
use media_types::TenantId;
use serde_json::Value;

use crate::giving;
use crate::rbac::model::is_id;

pub use dns::{Dns, DnsError, TxtLookup};
pub(crate) use domains::join as join_by_address;
pub(crate) use rolls::move_all as move_rolls;
pub(crate) use store::SUSPENDED;
pub use store::Tenants;

/// Every statement of the unit, for the test that prepares each on both engines.
pub const STATEMENTS: &[&[&str]] = &[
    brand::STATEMENTS,
    domains::STATEMENTS,
    export::STATEMENTS,
    invitations::STATEMENTS,
    people::STATEMENTS,
    rights::STATEMENTS,
    rolls::STATEMENTS,
    settings::store::STATEMENTS,
    store::STATEMENTS,
    tree::STATEMENTS,
    tree::roles::STATEMENTS,
];

/// What the routes ask for that are not the operator's.
const PERMISSIONS: &[Permission] = &[
    brand::READ,
    brand::UPDATE,
    export::EXPORT,
    domains::routes::CREATE,
    domains::routes::DELETE,
    domains::routes::PROVE,
    domains::routes::READ,
    domains::routes::UPDATE,
    invitations::routes::CREATE,
    invitations::routes::DELETE,
    invitations::routes::READ,
    tree::routes::CREATE,
    tree::routes::DELETE,
    tree::routes::GRANT,
    tree::routes::PLACE,
    tree::routes::READ,
    tree::routes::UPDATE,
    rolls::teams::CREATE,
    rolls::teams::DELETE,
    rolls::teams::PLACE,
    rolls::teams::READ,
    rolls::teams::UPDATE,
    rolls::licences::CREATE,
    rolls::licences::DELETE,
    rolls::licences::PLACE,
    rolls::licences::READ,
    rolls::licences::UPDATE,
];

/// Tenants, as a unit.
pub static UNIT: Unit = Unit {
    slug: "org",
    parts: &[],
    addresses: &["/api/v1/org", "/api/v1/tenants"],
    tables: &["core", "identity"],
    permissions: PERMISSIONS,
    codes: codes::ALL,
    rights: Rights::of(&rights::HOOKS).removing(rights::RETENTION),
};

/// What a process serves of them: the routes, and the count of their people.
pub fn serve(tenants: Tenants) -> Served {
    let people = tenants.inbox(people::People);
    Served::new(&UNIT, tenants, mount).with_task(|stopped| people.run(stopped))
}

fn mount(routes: Routes<Tenants>) -> Routes<Tenants> {
    let routes = settings::routes::mount(tree::routes::mount(routes::mount(routes)));
    let routes = invitations::routes::mount(rolls::licences::mount(rolls::teams::mount(routes)));
    export::mount(brand::mount(domains::routes::mount(routes)))
}

/// Nobody gives or takes what he lacks, or has for a while only.
fn check_beyond(by: &Principal, grants: &Grants) -> Result<(), Problem> {
    let beyond = |detail: String| Err(Problem::new(StatusCode::FORBIDDEN, codes::ORG_BEYOND_OWN, detail));
    if let Some(lacking) = by.lacks(grants) {
        return beyond(format!("whoever asks has no {lacking} for good himself"));
    }
    if giving::outlives(by, None) {
        return beyond("this key ends, and what it would give or take does not".to_owned());
    }
    Ok(())
}

/// That it can be an id.
fn check_id(pointer: &str, id: &str, code: Code) -> Result<(), Problem> {
    if is_id(id) { Ok(()) } else { Err(Problem::invalid(pointer, code, "this can be no id of one")) }
}

/// Tells what has become of something, in the transaction that does it.
async fn tell(
    tx: &mut Tx,
    tenant_id: &TenantId,
    (kind, subject): (&str, &str),
    data: Value,
    time_ms: i64,
) -> Result<(), DbError> {
    outbox::append(tx, &outbox::NewEvent { tenant_id, kind, subject, data, time_ms }).await.map(drop)
}

/// Whether this can be the name of a tenant in headers: that of a host, as DNS has them (RFC 1123 §2.1).
pub(crate) fn is_slug(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&text.len()) && text.bytes().all(plain) && !text.starts_with('-') && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_can_be_the_name_of_a_host() {
        for (slug, fine) in [
            ("a", true),
            ("school-9", true),
            ("9", true),
            ("", false),
            ("-a", false),
            ("a-", false),
            ("A", false),
            ("a.b", false),
            ("a b", false),
            ("\u{fc}", false),
        ] {
            assert_eq!(is_slug(slug), fine, "{slug:?}");
        }
        assert!(is_slug(&"a".repeat(63)) && !is_slug(&"a".repeat(64)));
    }
}
