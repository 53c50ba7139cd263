//! The unit.

use kernel::{Rights, Served, Unit};

use super::stream::sender;
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

/// What a process serves of it: the routes, the appender, and whoever sends logs on.
pub fn serve(audit: Audit) -> Served {
    let (appending, sending) = (audit.clone(), audit.clone());
    Served::new(&UNIT, audit, routes::mount)
        .with_task(|stopped| appender::run(appending, stopped))
        .with_task(|stopped| sender::run(sending, stopped))
}
