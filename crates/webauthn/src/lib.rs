//! What a browser and an authenticator say when somebody makes a passkey or signs in by one, read and checked as Web Authentication
//! Level 3 has it (§7.1 and §7.2). Pure: challenges come in as arguments, and whoever calls verifies the signature.
//!
//! - [`ClientData`]: what the browser has collected. [`register()`], [`assert()`]: what the authenticator says, held against what is
//!   expected; a [`Refusal`] says which clause does not hold.
//! - [`PublicKey`]: the key of a passkey, of one of the three algorithms ([`ALGORITHMS`]).
//! - `cbor`, `authenticator`: the binary forms, bounded in bytes and depth.
//!
//! Layer 2.

mod authenticator;
mod cbor;
mod ceremony;
mod client;
mod cose;

pub use ceremony::{Asserted, Known, MAX_BYTES, Party, Refusal, Registered, assert, goes_on, register};
pub use client::ClientData;
pub use cose::{ALGORITHMS, PublicKey};
