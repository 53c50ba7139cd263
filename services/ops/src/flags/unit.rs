//! The unit.

use kernel::{Rights, Served, Unit};

use super::{Flags, codes, routes};

/// Feature flags, as a unit.
pub static UNIT: Unit = Unit {
    slug: "flags",
    parts: &[],
    addresses: &["/api/v1/flags", "/api/v1/flag-segments", "/api/v1/flag-clients", "/api/client", "/ofrep"],
    tables: &["core", "ops"],
    permissions: routes::PERMISSIONS,
    codes: codes::ALL,
    rights: Rights::nothing(
        "the history of flags has whoever changed them by id alone, and whom a flag is asked for is not kept",
    ),
};

/// What a process serves of them: the routes. What it answers from follows the tables by itself.
pub fn serve(flags: Flags) -> Served {
    Served::new(&UNIT, flags, routes::mount)
}
