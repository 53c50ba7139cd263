//! Why the vault did not do what it was asked.

use std::io;

use database::DbError;
use drm::KeyId;

use crate::{KekError, KeyName};

/// Why the vault did not do what it was asked. No variant holds a key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// Keys were asked for that cannot be made or stored together.
    #[error("the content keys {0}")]
    Invalid(&'static str),
    /// The source of randomness failed.
    #[error("there is no randomness to make keys from")]
    Randomness(#[source] io::Error),
    /// The source of randomness repeats itself or gives nothing.
    #[error("the randomness to make keys from is not random")]
    NotRandom,
    /// The tenant has a key of this name for something else.
    #[error("the key id {0} is in use for another recording, scheme or class of tracks")]
    KeyIdTaken(KeyId),
    /// A key could not be wrapped or opened.
    #[error("the {name} could not be wrapped or opened")]
    Key {
        /// Which.
        name: KeyName,
        /// Why.
        #[source]
        source: KekError,
    },
    /// Whoever holds the key-encryption keys does not answer.
    #[error("the key-encryption key is not known")]
    Kek(#[source] KekError),
    /// What was wrapped under the new key-encryption key did not come back the same.
    #[error("the {0} did not come back from its new wrapping, the old one is kept")]
    Rewrap(KeyName),
    /// The database refused.
    #[error(transparent)]
    Database(#[from] DbError),
    /// A stored row that this version cannot read.
    #[error("a stored key cannot be read by this version")]
    Corrupt,
}
