//! Who asks, and for whom: tenants, their people, and the keys and sessions that act for them.
//!
//! - [`org`]: tenants. [`user`]: people. [`auth`]: keys, and people who sign in.
//! - [`Registry`]: what the kernel's guard asks of all of them.
//!
//! Layer 6.

pub mod auth;
mod directory;
pub mod org;
pub mod user;

pub use directory::Registry;

/// The folder of `migrations/` that a process looks for which lets keys and people in.
pub const TABLES: &str = "identity";

/// Every statement of this crate, for the test that prepares each on both engines.
pub const STATEMENTS: &[&[&[&str]]] = &[auth::STATEMENTS, user::STATEMENTS, &[directory::STATEMENTS, org::STATEMENTS]];

#[cfg(test)]
mod tests;
