//! The unit.

use kernel::{Rights, Served, Unit};

use super::{Audit, appender, codes, rights, routes};

/// The audit log, as a unit.
pub static UNIT: Unit = Unit {
    slug: "audit",
    parts: &[],
    addresses: &["/api/v1/audit"],
    tables: &["core", "ops"],
    permissions: routes::PERMISSIONS,
    codes: codes::ALL,
    rights: Rights::of(&rights::HOOKS),
};

/// What a process serves of it: the routes, and the appender.
pub fn serve(audit: Audit) -> Served {
    Served::new(&UNIT, audit.clone(), routes::mount).with_task(|stopped| appender::run(audit, stopped))
}
