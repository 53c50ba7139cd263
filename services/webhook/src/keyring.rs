//! Secrets at rest.

use drm::{KeyEncryptionKey, wrap};
use zeroize::Zeroizing;

use crate::signature::SigningSecret;

/// Wraps signing secrets (AES key wrap, RFC 3394) under the first of its keys, and opens what any of them wrapped. Without
/// a key secrets are stored as they are.
#[derive(Default)]
pub struct Keyring {
    keys: Vec<KeyEncryptionKey>,
}

/// A secret as it is stored.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Sealed {
    pub(crate) bytes: Vec<u8>,
    pub(crate) is_wrapped: bool,
}

/// What does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a signing secret does not open under the key-encryption keys that are configured")]
pub struct Unopened;

impl Keyring {
    /// From secrets of 32 bytes, the current one first, then former ones.
    pub fn new(secrets: impl IntoIterator<Item = Zeroizing<[u8; 32]>>) -> Self {
        Self { keys: secrets.into_iter().filter_map(|secret| KeyEncryptionKey::new(&secret[..])).collect() }
    }

    pub(crate) fn seal(&self, secret: &SigningSecret) -> Sealed {
        match self.keys.first() {
            Some(key) => {
                let bytes = wrap::wrap(key, secret.expose()).expect("a secret has four whole blocks");
                Sealed { bytes, is_wrapped: true }
            }
            None => Sealed { bytes: secret.expose().to_vec(), is_wrapped: false },
        }
    }

    pub(crate) fn open(&self, sealed: &Sealed) -> Result<SigningSecret, Unopened> {
        if !sealed.is_wrapped {
            return SigningSecret::from_bytes(&sealed.bytes).ok_or(Unopened);
        }
        let opened = self.keys.iter().find_map(|key| wrap::unwrap(key, &sealed.bytes).ok());
        opened.and_then(|bytes| SigningSecret::from_bytes(&bytes)).ok_or(Unopened)
    }

    /// The same secret as it would be stored now; `None` where that changes nothing.
    pub(crate) fn resealed(&self, sealed: &Sealed) -> Result<Option<Sealed>, Unopened> {
        let now = self.seal(&self.open(sealed)?);
        Ok((now != *sealed).then_some(now))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn ring(keys: &[u8]) -> Keyring {
        Keyring::new(keys.iter().map(|&byte| Zeroizing::new([byte; 32])))
    }

    #[test]
    fn a_secret_is_wrapped_under_the_first_key_and_opens_under_any() {
        let secret = SigningSecret::from_bytes(&[9; 32]).unwrap();
        let (before, after) = (ring(&[1]), ring(&[2, 1]));
        let old = before.seal(&secret);
        assert!(old.is_wrapped && !old.bytes.windows(8).any(|window| window == [9; 8]));
        assert_eq!(after.open(&old).ok().unwrap().expose(), secret.expose());
        let new = after.resealed(&old).unwrap().unwrap();
        assert!(new != old && after.resealed(&new).unwrap().is_none());
        assert_eq!(ring(&[2]).open(&new).ok().unwrap().expose(), secret.expose());
        assert!(before.open(&new).is_err() && ring(&[]).open(&new).is_err());
    }

    #[test]
    fn what_was_stored_without_a_key_is_wrapped_once_there_is_one() {
        let secret = SigningSecret::from_bytes(&[9; 32]).unwrap();
        let plain = ring(&[]).seal(&secret);
        assert!(!plain.is_wrapped && ring(&[]).resealed(&plain).unwrap().is_none());
        let wrapped = ring(&[1]).resealed(&plain).unwrap().unwrap();
        assert!(wrapped.is_wrapped);
        let mut changed = wrapped;
        changed.bytes[3] ^= 1;
        assert!(ring(&[1]).open(&changed).is_err());
    }
}
