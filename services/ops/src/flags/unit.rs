//! The unit.

use kernel::{Served, Unit};

use super::{Flags, codes, routes};

/// Feature flags, as a unit.
pub static UNIT: Unit = Unit {
    slug: "flags",
    parts: &[],
    tables: &["core", "ops"],
    permissions: routes::PERMISSIONS,
    codes: codes::ALL,
};

/// What a process serves of them: the routes. What it answers from follows the tables by itself.
pub fn serve(flags: Flags) -> Served {
    Served::new(&UNIT, flags, routes::mount)
}
