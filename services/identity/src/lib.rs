//! Who asks, and for whom: tenants, and the keys that act for them.
//!
//! - [`org`]: tenants. [`auth`]: keys.
//! - [`Registry`]: what the kernel's guard asks of both.
//!
//! Layer 6.

pub mod auth;
mod directory;
pub mod org;

pub use directory::Registry;

/// The folder of `migrations/` that a process looks for which lets holders of keys in.
pub const TABLES: &str = "identity";

/// Every statement of this crate, for the test that prepares each on both engines.
pub const STATEMENTS: &[&[&str]] = &[auth::STATEMENTS, directory::STATEMENTS, org::STATEMENTS];

#[cfg(test)]
mod tests;
