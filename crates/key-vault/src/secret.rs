//! Keys on their way to be wrapped, and back.

use drm::{ContentKey, DataKey, UnwrapError};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::KekError;

/// A content key or a data key, for whoever holds key-encryption keys, to whom they are the same.
///
/// It can be neither printed nor serialised, and is wiped when dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// From what came out of a wrapped key.
    ///
    /// # Errors
    /// It has another length than the keys that are wrapped here, 16 and 32 bytes.
    pub fn new(bytes: Zeroizing<Vec<u8>>) -> Result<Self, KekError> {
        match bytes.len() {
            16 | 32 => Ok(Self(bytes)),
            found => Err(UnwrapError::NotAContentKey { found }.into()),
        }
    }

    /// The bytes themselves, for a cipher.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn content_key(&self) -> Result<ContentKey, KekError> {
        let bytes = <[u8; 16]>::try_from(self.expose()).map(Zeroizing::new);
        let bytes = bytes.map_err(|_| UnwrapError::NotAContentKey { found: self.0.len() })?;
        Ok(ContentKey::new(*bytes))
    }

    pub(crate) fn data_key(&self) -> Result<DataKey, KekError> {
        let bytes = <[u8; 32]>::try_from(self.expose()).map(Zeroizing::new);
        Ok(DataKey::new(*bytes.map_err(|_| KekError::NotADataKey)?))
    }
}

impl From<&ContentKey> for Secret {
    fn from(key: &ContentKey) -> Self {
        Self(Zeroizing::new(key.expose().to_vec()))
    }
}

impl From<&DataKey> for Secret {
    fn from(key: &DataKey) -> Self {
        Self(Zeroizing::new(key.expose().to_vec()))
    }
}

impl PartialEq for Secret {
    /// In constant time for keys of one length.
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Secret {}
