//! Secrets, drawn and at rest.

use std::io;

use drm::{KeyEncryptionKey, wrap};
use zeroize::Zeroizing;

/// Wraps secrets (AES key wrap, RFC 3394) under the first of its keys, and opens what any of them wrapped. Without a key secrets
/// are stored as they are.
#[derive(Default)]
pub struct Keyring {
    keys: Vec<KeyEncryptionKey>,
}

/// A secret as it is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    /// What is stored.
    pub bytes: Vec<u8>,
    /// Whether it is wrapped.
    pub is_wrapped: bool,
}

/// Why there is no secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// For a new one.
    #[error("the operating system gives no randomness")]
    Random(#[source] io::Error),
    /// It was wrapped under another key, or changed.
    #[error("a secret does not open under the key-encryption keys that are configured")]
    Unopened,
}

impl Keyring {
    /// From secrets of 32 bytes, the current one first, then former ones.
    pub fn new(secrets: impl IntoIterator<Item = Zeroizing<[u8; 32]>>) -> Self {
        Self { keys: secrets.into_iter().filter_map(|secret| KeyEncryptionKey::new(&secret[..])).collect() }
    }

    /// A new secret, and as it is to be stored.
    ///
    /// # Errors
    /// [`SecretError::Random`].
    pub fn draw(&self) -> Result<(Zeroizing<[u8; 32]>, Sealed), SecretError> {
        let mut secret = Zeroizing::new([0; 32]);
        getrandom::fill(&mut secret[..]).map_err(|error| SecretError::Random(io::Error::other(error)))?;
        let sealed = self.seal(&secret);
        Ok((secret, sealed))
    }

    fn seal(&self, secret: &[u8; 32]) -> Sealed {
        match self.keys.first() {
            Some(key) => {
                let bytes = wrap::wrap(key, secret).expect("a secret has four whole blocks");
                Sealed { bytes, is_wrapped: true }
            }
            None => Sealed { bytes: secret.to_vec(), is_wrapped: false },
        }
    }

    /// A stored secret.
    ///
    /// # Errors
    /// [`SecretError::Unopened`].
    pub fn open(&self, sealed: &Sealed) -> Result<Zeroizing<[u8; 32]>, SecretError> {
        if !sealed.is_wrapped {
            return secret(&sealed.bytes);
        }
        let opened = self.keys.iter().find_map(|key| wrap::unwrap(key, &sealed.bytes).ok());
        opened.ok_or(SecretError::Unopened).and_then(|bytes| secret(&bytes))
    }

    /// The same secret as it would be stored now; `None` where that changes nothing.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn resealed(&self, sealed: &Sealed) -> Result<Option<Sealed>, SecretError> {
        let now = self.seal(&*self.open(sealed)?);
        Ok((now != *sealed).then_some(now))
    }
}

fn secret(bytes: &[u8]) -> Result<Zeroizing<[u8; 32]>, SecretError> {
    let mut secret = Zeroizing::new([0; 32]);
    if bytes.len() != secret.len() {
        return Err(SecretError::Unopened);
    }
    secret.copy_from_slice(bytes);
    Ok(secret)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const SECRET: [u8; 32] = [9; 32];

    fn ring(keys: &[u8]) -> Keyring {
        Keyring::new(keys.iter().map(|&byte| Zeroizing::new([byte; 32])))
    }

    #[test]
    fn each_secret_that_is_drawn_is_another_one_and_is_stored_wrapped() {
        let ring = ring(&[1]);
        let [(one, sealed), (other, _)] = [(); 2].map(|()| ring.draw().unwrap());
        assert!(one != other && *one != [0; 32] && sealed.is_wrapped);
        assert!(ring.open(&sealed).unwrap() == one);
    }

    #[test]
    fn what_a_former_key_wrapped_opens_and_is_wrapped_anew() {
        let (before, after) = (ring(&[1]), ring(&[2, 1]));
        let old = before.seal(&SECRET);
        assert!(old.is_wrapped && !old.bytes.windows(8).any(|window| window == [9; 8]));
        assert_eq!(*after.open(&old).unwrap(), SECRET);
        let new = after.resealed(&old).unwrap().unwrap();
        assert!(new != old && after.resealed(&new).unwrap().is_none());
        assert_eq!(*ring(&[2]).open(&new).unwrap(), SECRET);
        assert!(before.open(&new).is_err() && ring(&[]).open(&new).is_err());
    }

    #[test]
    fn what_was_stored_without_a_key_is_wrapped_once_there_is_one() {
        let plain = ring(&[]).seal(&SECRET);
        assert!(!plain.is_wrapped && ring(&[]).resealed(&plain).unwrap().is_none());
        let wrapped = ring(&[1]).resealed(&plain).unwrap().unwrap();
        assert!(wrapped.is_wrapped);
        let mut changed = wrapped;
        changed.bytes[3] ^= 1;
        assert!(ring(&[1]).open(&changed).is_err());
        assert!(ring(&[1]).open(&Sealed { bytes: vec![9; 31], is_wrapped: false }).is_err());
    }
}
