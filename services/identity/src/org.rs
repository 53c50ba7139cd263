//! Organisations: the tenants that everything belongs to.
//!
//! - [`Tenants`]: what everything goes through. [`UNIT`], [`serve`]: the unit.
//! - `routes`: `/api/v1/tenants`, for the holder of the admin token. `codes`: what they refuse.
//! - `store`: their table. `people`: how many people each has, as events of their accounts tell.

mod codes;
pub(crate) mod people;
mod routes;
mod store;

use kernel::{Served, Unit};

pub(crate) use store::SUSPENDED;
pub use store::Tenants;

/// Every statement of the unit, for the test that prepares each on both engines.
pub const STATEMENTS: &[&[&str]] = &[people::STATEMENTS, store::STATEMENTS];

/// Tenants, as a unit.
pub static UNIT: Unit = Unit {
    slug: "org",
    parts: &[],
    addresses: &["/api/v1/tenants"],
    tables: &["core", "identity"],
    permissions: &[],
    codes: codes::ALL,
};

/// What a process serves of them: the routes, and the count of their people.
pub fn serve(tenants: Tenants) -> Served {
    let people = tenants.inbox(people::People);
    Served::new(&UNIT, tenants, routes::mount).with_task(|stopped| people.run(stopped))
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
