//! Key-encryption keys that another machine holds.

use drm::WrappedKey;
use futures::future::{BoxFuture, FutureExt, ready};

use crate::{KekError, KekId, KeyEncryption, Secret};

/// A key as a key management service gave it back.
#[derive(Clone, PartialEq, Eq)]
pub struct KmsWrapped {
    /// The key-encryption key that it used, which the service may have changed a moment ago.
    pub kek_id: KekId,
    /// The wrapped key, in whatever form the service opens again.
    pub wrapped: WrappedKey,
}

/// What the vault asks of whoever holds key-encryption keys: the calls of a key management service. None of them happens
/// inside a transaction. A call that fails is not repeated: an implementation owns its retries and its time limit.
pub trait Kms: Send + Sync {
    /// The name of the key that wraps now.
    fn current_id(&self) -> BoxFuture<'_, Result<KekId, KekError>>;

    /// Wraps under the current key.
    fn wrap<'a>(&'a self, key: &'a Secret) -> BoxFuture<'a, Result<KmsWrapped, KekError>>;

    /// Opens what the key of this name wrapped.
    fn unwrap<'a>(&'a self, kek_id: &'a KekId, wrapped: &'a WrappedKey) -> BoxFuture<'a, Result<Secret, KekError>>;
}

impl<T: KeyEncryption> Kms for T {
    fn current_id(&self) -> BoxFuture<'_, Result<KekId, KekError>> {
        ready(Ok(KeyEncryption::current_id(self).clone())).boxed()
    }

    fn wrap<'a>(&'a self, key: &'a Secret) -> BoxFuture<'a, Result<KmsWrapped, KekError>> {
        let kek_id = KeyEncryption::current_id(self).clone();
        ready(KeyEncryption::wrap(self, key).map(|wrapped| KmsWrapped { kek_id, wrapped })).boxed()
    }

    fn unwrap<'a>(&'a self, kek_id: &'a KekId, wrapped: &'a WrappedKey) -> BoxFuture<'a, Result<Secret, KekError>> {
        ready(KeyEncryption::unwrap(self, kek_id, wrapped)).boxed()
    }
}
