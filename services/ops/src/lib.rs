//! Services that run and connect the platform.
//!
//! - [`audit`]: who has changed what, in a log that cannot be changed unnoticed.
//! - [`flags`]: switches and settings that change without a deployment.
//!
//! Layer 6.

pub mod audit;
pub mod flags;
