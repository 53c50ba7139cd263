//! The audit log: who has changed what, in a log that nobody can change without being found out.
//!
//! - [`UNIT`], [`serve`]: the unit. `routes`: `/api/v1/audit`. `views`: their JSON. [`codes`]: what they refuse.
//! - [`Audit`]: logs in their tables, appended to, searched and proven. `appender`: takes what the kernel has recorded.
//! - [`Verified`], [`Fault`]: what became of a log, read whole.
//! - `findings`: rules over entries, and what they have found.
//! - `keeping`: how long entries keep what they say, and what holds them.
//! - `stream`: logs on their way to a SIEM.
//! - `subjects`: what is personal in entries, under keys of whom it is about.
//! - `tree`, `note`, `entry`, `seal`: pure: RFC 9162's Merkle tree over stored hashes, signed checkpoints, canonical entries, and what
//!   is sealed in them.
//! - `model`, `sql`: rows and statements.
//! - `rights`: what it has of a person, handed out and erased.

mod appender;
pub mod codes;
mod entry;
mod findings;
mod keeping;
mod model;
mod note;
mod rights;
mod routes;
mod seal;
mod sql;
mod store;
mod stream;
mod subjects;
mod tree;
mod unit;
mod verify;
mod views;

pub use note::NoteError;
pub use sql::{STATEMENTS, packed};
pub use store::{Audit, AuditError};
pub use unit::{UNIT, serve};
pub use verify::{Fault, Verified};

#[cfg(test)]
mod tests;
