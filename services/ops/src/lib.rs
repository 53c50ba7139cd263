//! Services that run and connect the platform.
//!
//! - [`flags`]: switches and settings that change without a deployment.
//!
//! Layer 6.

pub mod flags;
