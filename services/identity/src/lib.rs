//! Who asks, and for whom: tenants, their people, and the keys and sessions that act for them.
//!
//! - [`org`]: tenants. [`user`]: people. [`auth`]: keys, and people who sign in. [`rbac`]: roles of people, and what somebody may.
//! - [`Registry`]: what the kernel's guard asks of all of them. `giving`: what is common to whatever permissions are given by.
//!
//! Layer 6.

pub mod auth;
mod directory;
mod giving;
pub mod org;
pub mod rbac;
pub mod user;

pub use directory::Registry;

/// The folder of `migrations/` that a process looks for which lets keys and people in.
pub const TABLES: &str = "identity";

/// Every statement of this crate, for the test that prepares each on both engines.
pub const STATEMENTS: &[&[&[&str]]] =
    &[auth::STATEMENTS, org::STATEMENTS, rbac::STATEMENTS, user::STATEMENTS, &[directory::STATEMENTS]];

#[cfg(test)]
mod tests;
