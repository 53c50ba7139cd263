//! Content keys and data keys at rest: every one wrapped (AES key wrap, RFC 3394) under a key-encryption key that lies
//! elsewhere.
//!
//! - [`KeyEncryption`], [`LocalKeks`]: key-encryption keys held by this process, from a file or the environment.
//! - [`Kms`]: the same held by another machine; everything that implements [`KeyEncryption`] is one too.
//! - [`draw_keys`]: new keys and their names from the caller's randomness.
//! - [`KeyVault`]: [`seal`](KeyVault::seal) wraps, [`create_keys`](KeyVault::create_keys) stores,
//!   [`keys_for`](KeyVault::keys_for) and [`licence_keys`](KeyVault::licence_keys) open,
//!   [`rewrap_all`](KeyVault::rewrap_all) moves everything to a new key-encryption key without touching media.
//!   [`data_key_or_new`](KeyVault::data_key_or_new): what a recording's objects are sealed under.
//! - [`erase_keys`]: the end of a recording.
//! - [`SpekeClient`]: keys from a key service, asked with SPEKE v2.
//! - `sql`: every statement.
//!
//! A key leaves as a [`drm::ContentKey`] or [`drm::DataKey`], which can be neither printed nor serialised and is wiped when
//! dropped. Errors and logs name keys by their public ids, data keys by their assets.

mod data_key;
mod draw;
mod error;
mod kek;
mod kms;
mod rewrap;
mod rows;
mod secret;
mod speke;
mod sql;
mod vault;

pub use draw::draw_keys;
pub use error::VaultError;
pub use kek::{
    KEK_FILE_VARIABLE, KEK_VARIABLE, KekError, KekId, KekSourceError, KekTextError, KeyEncryption, LocalKeks, MAX_KEKS,
};
pub use kms::{Kms, KmsWrapped};
pub use rewrap::{Position, RewrapStep, Rewrapped};
pub use rows::{KeyName, SealedKeys};
pub use secret::Secret;
pub use speke::{MAX_SPEKE_ANSWER, SpekeClient, SpekeError, SpekeKeys, SpekeWish};
pub use sql::STATEMENTS;
pub use vault::{KeyOwner, KeyVault, MAX_LICENCE_KEYS, erase_keys};
