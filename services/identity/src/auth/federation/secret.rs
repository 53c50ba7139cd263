//! What a tenant is known to a provider by, which may be of any length: encrypted under a key of its own, which is stored as every other
//! secret is.

use std::sync::Arc;

use kernel::{Keyring, Problem, Sealed};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use zeroize::Zeroizing;

/// It, as it is stored.
#[derive(Clone)]
pub(super) struct SealedSecret {
    pub(super) data_key: Sealed,
    pub(super) secret: Vec<u8>,
}

/// Its three columns: key, whether that is wrapped, and what is encrypted under it.
pub(super) fn stored(secret: Option<SealedSecret>) -> (Option<Vec<u8>>, bool, Option<Vec<u8>>) {
    match secret {
        Some(SealedSecret { data_key, secret }) => (Some(data_key.bytes), data_key.is_wrapped, Some(secret)),
        None => (None, false, None),
    }
}

fn cipher(key: &[u8; 32]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, key).expect("a key of ChaCha20 has 32 bytes"))
}

/// Each key encrypts one thing once.
fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; 12])
}

/// Encrypts a secret under a new key.
pub(super) fn seal(keyring: &Arc<Keyring>, secret: &str) -> Result<SealedSecret, Problem> {
    let (key, data_key) = keyring.draw().map_err(|error| Problem::internal(&error))?;
    let mut bytes = secret.as_bytes().to_vec();
    let failed = |_| Problem::internal(&std::io::Error::other("a secret cannot be encrypted"));
    cipher(&key).seal_in_place_append_tag(nonce(), Aad::empty(), &mut bytes).map_err(failed)?;
    Ok(SealedSecret { data_key, secret: bytes })
}

/// The secret.
pub(super) fn open(keyring: &Arc<Keyring>, sealed: &SealedSecret) -> Result<Zeroizing<String>, Problem> {
    let key = keyring.open(&sealed.data_key).map_err(|error| Problem::internal(&error))?;
    let mut bytes = Zeroizing::new(sealed.secret.clone());
    let failed = || Problem::internal(&std::io::Error::other("a secret of a provider does not open"));
    let plain = cipher(&key).open_in_place(nonce(), Aad::empty(), &mut bytes[..]).map_err(|_| failed())?;
    let text = std::str::from_utf8(plain).map_err(|_| failed())?;
    Ok(Zeroizing::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_secret_of_any_length_opens_under_the_keys_that_it_was_sealed_under_and_no_other() {
        let ring = |byte: u8| Arc::new(Keyring::new([Zeroizing::new([byte; 32])]));
        for text in ["", "s", &"long ".repeat(100)] {
            let sealed = seal(&ring(1), text).unwrap();
            assert!(sealed.data_key.is_wrapped && !sealed.secret.windows(4).any(|window| window == b"long"));
            assert_eq!(*open(&ring(1), &sealed).unwrap(), text);
            assert!(open(&ring(2), &sealed).is_err());
            let mut changed = sealed.clone();
            changed.secret[0] ^= 1;
            assert!(open(&ring(1), &changed).is_err());
            assert_ne!(seal(&ring(1), text).unwrap().secret, sealed.secret);
        }
    }
}
