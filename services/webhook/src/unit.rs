//! The unit.

use kernel::{Rights, Served, Unit};

use crate::{Webhooks, codes, dispatcher, rights, routes};

/// Webhooks, as a unit.
pub static UNIT: Unit = Unit {
    slug: "webhook",
    parts: &[],
    addresses: &["/api/v1/webhooks"],
    tables: &["core", "webhook"],
    permissions: routes::PERMISSIONS,
    codes: codes::ALL,
    rights: Rights::of(&rights::HOOKS),
};

/// What a process serves of them: the routes, and the dispatcher.
pub fn serve(hooks: Webhooks) -> Served {
    Served::new(&UNIT, hooks.clone(), routes::mount).with_task(|stopped| dispatcher::run(hooks, stopped))
}
