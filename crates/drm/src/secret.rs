//! Keys in clear: never shown, compared in constant time, wiped when dropped.

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// A text is not a key. Says where it goes wrong, never what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyTextError {
    /// Neither the length nor any prefix of it is that of a key.
    #[error("a key of {expected} hexadecimal digits was expected, found {found} characters")]
    Length {
        /// Digits that were expected; the shortest when several lengths are allowed.
        expected: usize,
        /// Characters that were found.
        found: usize,
    },
    /// A character that is no hexadecimal digit.
    #[error("character {position} of the key is not a hexadecimal digit")]
    Digit {
        /// 1-based position of the character.
        position: usize,
    },
}

/// Secret bytes: on the heap, so that moving them leaves no copy behind.
#[derive(Clone)]
pub(crate) struct SecretBytes<const N: usize>(Box<Zeroizing<[u8; N]>>);

impl<const N: usize> SecretBytes<N> {
    pub(crate) fn new(bytes: [u8; N]) -> Self {
        Self(Box::new(Zeroizing::new(bytes)))
    }

    pub(crate) fn expose(&self) -> &[u8; N] {
        &self.0
    }
}

impl<const N: usize> PartialEq for SecretBytes<N> {
    /// In constant time.
    fn eq(&self, other: &Self) -> bool {
        self.0[..].ct_eq(&other.0[..]).into()
    }
}

impl<const N: usize> Eq for SecretBytes<N> {}

/// The AES-128 key that samples are encrypted with.
///
/// It can be neither printed nor serialised; comparing takes as long whatever differs.
#[derive(Clone, PartialEq, Eq)]
pub struct ContentKey(SecretBytes<16>);

impl ContentKey {
    /// From its 16 bytes.
    pub fn new(bytes: [u8; 16]) -> Self {
        Self(SecretBytes::new(bytes))
    }

    /// From 32 hexadecimal digits of either case.
    ///
    /// # Errors
    /// Another length, or another character.
    pub fn from_hex(text: &str) -> Result<Self, KeyTextError> {
        let mut key = Self::new([0; 16]);
        decode_hex(text, &mut key.0.0[..])?;
        Ok(key)
    }

    /// The bytes themselves, for a cipher or a licence.
    pub fn expose(&self) -> &[u8; 16] {
        self.0.expose()
    }
}

/// The AES key of 16, 24 or 32 bytes that content keys are wrapped under.
///
/// It can be neither printed nor serialised.
#[derive(Clone)]
pub struct KeyEncryptionKey(Zeroizing<Box<[u8]>>);

impl KeyEncryptionKey {
    /// From its 16, 24 or 32 bytes; `None` for any other length.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        matches!(bytes.len(), 16 | 24 | 32).then(|| Self(Zeroizing::new(bytes.into())))
    }

    /// From 32, 48 or 64 hexadecimal digits of either case.
    ///
    /// # Errors
    /// Another length, or another character.
    pub fn from_hex(text: &str) -> Result<Self, KeyTextError> {
        if !matches!(text.len(), 32 | 48 | 64) {
            return Err(KeyTextError::Length { expected: 32, found: text.chars().count() });
        }
        let mut bytes = Zeroizing::new(vec![0; text.len() / 2].into_boxed_slice());
        decode_hex(text, &mut bytes)?;
        Ok(Self(bytes))
    }

    /// The bytes themselves, for a cipher.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl PartialEq for KeyEncryptionKey {
    /// In constant time for keys of one length.
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for KeyEncryptionKey {}

/// Fills `out` from twice as many hexadecimal digits.
pub(crate) fn decode_hex(text: &str, out: &mut [u8]) -> Result<(), KeyTextError> {
    if let Some(position) = text.chars().position(|c| !c.is_ascii_hexdigit()) {
        return Err(KeyTextError::Digit { position: position + 1 });
    }
    hex::decode_to_slice(text, out)
        .map_err(|_| KeyTextError::Length { expected: out.len() * 2, found: text.chars().count() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_key_is_its_hexadecimal_digits() {
        let key = ContentKey::from_hex("000102030405060708090A0b0c0d0e0f").ok().unwrap();
        assert_eq!(key.expose()[..], (0..16).collect::<Vec<u8>>()[..]);
        assert!(key == ContentKey::new(*key.expose()) && key != ContentKey::new([0; 16]));
        for length in [16, 24, 32] {
            let key = KeyEncryptionKey::from_hex(&"5a".repeat(length)).ok().unwrap();
            assert_eq!(key.expose(), vec![0x5a; length]);
        }
    }

    #[test]
    fn what_is_no_key_is_refused_and_not_repeated() {
        for (text, message) in [
            ("0011", "a key of 32 hexadecimal digits was expected, found 4 characters"),
            ("0011223344556677z899aabbccddeeff", "character 17 of the key is not a hexadecimal digit"),
            ("é011223344556677899aabbccddeeff", "character 1 of the key is not a hexadecimal digit"),
        ] {
            assert_eq!(ContentKey::from_hex(text).err().unwrap().to_string(), message);
        }
        assert!(KeyEncryptionKey::from_hex(&"ab".repeat(20)).is_err() && KeyEncryptionKey::new(&[0; 17]).is_none());
    }
}
