//! The unit.

use kernel::{Rights, Served, Unit};

use super::{Flags, codes, keeping, rights, routes};

/// Feature flags, as a unit.
pub static UNIT: Unit = Unit {
    slug: "flags",
    parts: &[],
    addresses: &[
        "/api/v1/flags",
        "/api/v1/flag-approvals",
        "/api/v1/flag-clients",
        "/api/v1/flag-events",
        "/api/v1/flag-experiments",
        "/api/v1/flag-freeze",
        "/api/v1/flag-keys",
        "/api/v1/flag-reports",
        "/api/v1/flag-requests",
        "/api/v1/flag-segments",
        "/api/client",
        "/api/frontend",
        "/ofrep",
    ],
    tables: &["core", "ops"],
    permissions: routes::PERMISSIONS,
    codes: codes::ALL,
    rights: Rights::of(&rights::HOOKS),
};

/// What a process serves of them: the routes, and what has its time. What it answers from follows the tables by itself.
pub fn serve(flags: Flags) -> Served {
    Served::new(&UNIT, flags.clone(), routes::mount).with_task(|stopped| keeping::keep(flags, stopped))
}
