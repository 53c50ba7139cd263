//! Events to the outside: every event of the outbox, sent to the endpoints that ask for it, signed by Standard Webhooks 1.0,
//! at least once.
//!
//! - [`UNIT`], [`serve`]: the unit, and what a process serves of it.
//! - [`Webhooks`], [`Options`]: what everything else goes through.
//! - `routes`: the resources under `/api/v1/webhooks`. `views`: their JSON. `codes`: what they refuse.
//! - `dispatcher`: hands out and sends; every process may run one.
//! - `store`: endpoints and their secrets. `deliveries`: what is sent to whom, claimed and finished under a fence.
//! - [`restored()`]: deliveries in a database that was restored from a backup.
//! - `signature`, `schedule`, `payload`: pure rules: how signed, when again, what is sent. `send`: one
//!   attempt.
//! - `rights`: what becomes of a person's data. `model`, `sql`: rows and statements.
//!
//! Layer 6. Where requests may go is decided by `http_client::Egress`.

mod codes;
mod deliveries;
mod dispatcher;
mod model;
mod payload;
mod restored;
mod rights;
mod routes;
mod schedule;
mod send;
mod signature;
mod sql;
mod store;
mod unit;
mod views;

pub use http_client::{Egress, NetworksTextError};
pub use restored::restored;
pub use sql::STATEMENTS;
pub use store::{Options, WebhookError, Webhooks};
pub use unit::{UNIT, serve};

#[cfg(test)]
mod tests;
