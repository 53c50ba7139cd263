//! Keys at rest: AES key wrap (RFC 3394) and AES key wrap with padding (RFC 5649).

use std::fmt;

use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use aes::{Aes128, Aes192, Aes256, Block};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use crate::secret::{ContentKey, KeyEncryptionKey};

/// RFC 3394 §2.2.3.1.
const INITIAL_VALUE: u64 = 0xa6a6_a6a6_a6a6_a6a6;
/// RFC 5649 §3, the upper half.
const ALTERNATIVE_VALUE: u32 = 0xa659_59a6;
/// More than any key; keeps the step counter far from its end.
const MAX_BYTES: usize = 4096;

/// Something cannot be unwrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnwrapError {
    /// Its length is not one that wrapping gives.
    #[error("a wrapped key has a multiple of 8 bytes from 16 to 4104, this one has {found}")]
    Length {
        /// Bytes found.
        found: usize,
    },
    /// The integrity check failed.
    #[error("the wrapped key does not open: it was changed, or wrapped under another key-encryption key")]
    Integrity,
    /// What came out is no content key.
    #[error("the wrapped key holds {found} bytes, a content key has 16")]
    NotAContentKey {
        /// Bytes that came out.
        found: usize,
    },
}

/// A content key as it may be stored and shown: encrypted under a [`KeyEncryptionKey`].
#[derive(Clone, PartialEq, Eq)]
pub struct WrappedKey(Vec<u8>);

impl WrappedKey {
    /// Wraps by RFC 3394: 24 bytes, the same for the same keys.
    pub fn wrap(key: &ContentKey, under: &KeyEncryptionKey) -> Self {
        Self(wrap(under, key.expose()).expect("16 bytes are two whole blocks"))
    }

    /// From stored bytes; judged only by [`unwrap`](Self::unwrap).
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// As it is stored.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The content key. Takes both forms of wrapping, with and without padding.
    ///
    /// # Errors
    /// It was changed, or wrapped under another key, or holds something else.
    pub fn unwrap(&self, under: &KeyEncryptionKey) -> Result<ContentKey, UnwrapError> {
        let bytes = match unwrap(under, &self.0) {
            Err(UnwrapError::Integrity) => unwrap_padded(under, &self.0)?,
            other => other?,
        };
        let mut key =
            <[u8; 16]>::try_from(&bytes[..]).map_err(|_| UnwrapError::NotAContentKey { found: bytes.len() })?;
        let content_key = ContentKey::new(key);
        key.zeroize();
        Ok(content_key)
    }
}

impl fmt::Display for WrappedKey {
    /// Lower-case hexadecimal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

impl fmt::Debug for WrappedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WrappedKey({self})")
    }
}

/// RFC 3394 §2.2.1. `None` unless `secret` is a multiple of 8 bytes, from 16 to 4096.
pub fn wrap(under: &KeyEncryptionKey, secret: &[u8]) -> Option<Vec<u8>> {
    (secret.len() >= 16 && secret.len().is_multiple_of(8) && secret.len() <= MAX_BYTES)
        .then(|| seal(under, INITIAL_VALUE, secret))
}

/// RFC 3394 §2.2.2.
///
/// # Errors
/// The length is wrong or the integrity check fails.
pub fn unwrap(under: &KeyEncryptionKey, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, UnwrapError> {
    let length = UnwrapError::Length { found: wrapped.len() };
    if wrapped.len() < 24 || !wrapped.len().is_multiple_of(8) || wrapped.len() > MAX_BYTES + 8 {
        // 16 bytes are what padding makes of a short secret.
        return Err(if wrapped.len() == 16 { UnwrapError::Integrity } else { length });
    }
    let (value, secret) = open(under, wrapped);
    if value.ct_eq(&INITIAL_VALUE).into() { Ok(secret) } else { Err(UnwrapError::Integrity) }
}

/// RFC 5649 §4.1. `None` unless `secret` has 1 to 4096 bytes.
pub fn wrap_padded(under: &KeyEncryptionKey, secret: &[u8]) -> Option<Vec<u8>> {
    if secret.is_empty() || secret.len() > MAX_BYTES {
        return None;
    }
    let value = u64::from(ALTERNATIVE_VALUE) << 32 | secret.len() as u64;
    let mut padded = Zeroizing::new(vec![0; secret.len().next_multiple_of(8)]);
    padded[..secret.len()].copy_from_slice(secret);
    if padded.len() > 8 {
        return Some(seal(under, value, &padded));
    }
    let mut block = Block::default();
    block[..8].copy_from_slice(&value.to_be_bytes());
    block[8..].copy_from_slice(&padded);
    Cipher::new(under).encrypt(&mut block);
    Some(block.to_vec())
}

/// RFC 5649 §4.2.
///
/// # Errors
/// The length is wrong or the integrity check fails.
pub fn unwrap_padded(under: &KeyEncryptionKey, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, UnwrapError> {
    if wrapped.len() < 16 || !wrapped.len().is_multiple_of(8) || wrapped.len() > MAX_BYTES + 8 {
        return Err(UnwrapError::Length { found: wrapped.len() });
    }
    let (value, mut secret) = if wrapped.len() == 16 {
        let mut block = Block::try_from(wrapped).expect("its length was checked");
        Cipher::new(under).decrypt(&mut block);
        let opened = (first_word(&block), Zeroizing::new(block[8..].to_vec()));
        block.zeroize();
        opened
    } else {
        open(under, wrapped)
    };
    let length = (value & 0xffff_ffff) as usize;
    let right = (value >> 32) as u32 == ALTERNATIVE_VALUE
        && length.next_multiple_of(8) == secret.len()
        && secret[length..].iter().fold(0, |all, byte| all | byte) == 0;
    if !right {
        return Err(UnwrapError::Integrity);
    }
    secret.truncate(length);
    Ok(secret)
}

/// The wrapping process of RFC 3394 §2.2.1 with an initial value; `secret` has at least two blocks of 8 bytes.
fn seal(under: &KeyEncryptionKey, value: u64, secret: &[u8]) -> Vec<u8> {
    let cipher = Cipher::new(under);
    let mut value = value;
    let mut wrapped = vec![0; 8];
    wrapped.extend_from_slice(secret);
    let mut step = 0u64;
    for _ in 0..6 {
        for register in wrapped[8..].chunks_exact_mut(8) {
            let mut block = Block::default();
            block[..8].copy_from_slice(&value.to_be_bytes());
            block[8..].copy_from_slice(register);
            cipher.encrypt(&mut block);
            step += 1;
            value = first_word(&block) ^ step;
            register.copy_from_slice(&block[8..]);
        }
    }
    wrapped[..8].copy_from_slice(&value.to_be_bytes());
    wrapped
}

/// The unwrapping process of RFC 3394 §2.2.2: the initial value that was found, and the secret.
fn open(under: &KeyEncryptionKey, wrapped: &[u8]) -> (u64, Zeroizing<Vec<u8>>) {
    let cipher = Cipher::new(under);
    let mut value = first_word(wrapped);
    let mut secret = Zeroizing::new(wrapped[8..].to_vec());
    let mut step = 6 * (secret.len() / 8) as u64;
    for _ in 0..6 {
        for register in secret.rchunks_exact_mut(8) {
            let mut block = Block::default();
            block[..8].copy_from_slice(&(value ^ step).to_be_bytes());
            block[8..].copy_from_slice(register);
            cipher.decrypt(&mut block);
            step -= 1;
            value = first_word(&block);
            register.copy_from_slice(&block[8..]);
            block.zeroize();
        }
    }
    (value, secret)
}

fn first_word(bytes: &[u8]) -> u64 {
    u64::from_be_bytes(*bytes.first_chunk().expect("a block has 16 bytes"))
}

/// AES of any key length. On the heap: its schedules are large.
enum Cipher {
    Aes128(Box<Aes128>),
    Aes192(Box<Aes192>),
    Aes256(Box<Aes256>),
}

impl Cipher {
    fn new(key: &KeyEncryptionKey) -> Self {
        const CHECKED: &str = "a key-encryption key has one of AES's lengths";
        match key.expose().len() {
            16 => Self::Aes128(Box::new(Aes128::new_from_slice(key.expose()).expect(CHECKED))),
            24 => Self::Aes192(Box::new(Aes192::new_from_slice(key.expose()).expect(CHECKED))),
            _ => Self::Aes256(Box::new(Aes256::new_from_slice(key.expose()).expect(CHECKED))),
        }
    }

    fn encrypt(&self, block: &mut Block) {
        match self {
            Self::Aes128(aes) => aes.encrypt_block(block),
            Self::Aes192(aes) => aes.encrypt_block(block),
            Self::Aes256(aes) => aes.encrypt_block(block),
        }
    }

    fn decrypt(&self, block: &mut Block) {
        match self {
            Self::Aes128(aes) => aes.decrypt_block(block),
            Self::Aes192(aes) => aes.decrypt_block(block),
            Self::Aes256(aes) => aes.decrypt_block(block),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn kek(hex: &str) -> KeyEncryptionKey {
        KeyEncryptionKey::from_hex(hex).ok().unwrap()
    }

    #[test]
    fn wrapping_gives_the_vectors_of_rfc_3394() {
        let long = "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F";
        let data = "00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F";
        for (under, secret, wrapped) in [
            (32, 32, "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5"),
            (48, 32, "96778b25ae6ca435f92b5b97c050aed2468ab8a17ad84e5d"),
            (64, 32, "64e8c3f9ce0f5ba263e9777905818a2a93c8191e7d6e8ae7"),
            (48, 48, "031d33264e15d33268f24ec260743edce1c6c7ddee725a936ba814915c6762d2"),
            (64, 48, "a8f9bc1612c68b3ff6e6f4fbe30e71e4769c8b80a32cb8958cd5d17d6b254da1"),
            (64, 64, "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21"),
        ] {
            let (under, secret) = (kek(&long[..under]), hex::decode(&data[..secret]).unwrap());
            let found = wrap(&under, &secret).unwrap();
            assert_eq!(hex::encode(&found), wrapped);
            assert_eq!(unwrap(&under, &found).unwrap()[..], secret[..]);
        }
    }

    #[test]
    fn padded_wrapping_gives_the_vectors_of_rfc_5649() {
        let under = kek("5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8");
        for (secret, wrapped) in [
            (
                "c37b7e6492584340bed12207808941155068f738",
                "138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a",
            ),
            ("466f7250617369", "afbeb0f07dfbf5419200f2ccb50bb24f"),
        ] {
            let secret = hex::decode(secret).unwrap();
            let found = wrap_padded(&under, &secret).unwrap();
            assert_eq!(hex::encode(&found), wrapped);
            assert_eq!(unwrap_padded(&under, &found).unwrap()[..], secret[..]);
        }
    }

    #[test]
    fn a_content_key_opens_from_both_forms_and_under_no_other_key() {
        let (under, other) = (kek(&"a5".repeat(32)), kek(&"a6".repeat(32)));
        let key = ContentKey::new(*b"sixteen byte key");
        let wrapped = WrappedKey::wrap(&key, &under);
        let padded = WrappedKey::from_bytes(wrap_padded(&under, key.expose()).unwrap());
        assert!(wrapped.unwrap(&under).ok().unwrap() == key && padded.unwrap(&under).ok().unwrap() == key);
        assert_eq!(wrapped.unwrap(&other).err(), Some(UnwrapError::Integrity));
        let short = WrappedKey::from_bytes(wrap_padded(&under, b"short").unwrap());
        assert_eq!(short.unwrap(&under).err(), Some(UnwrapError::NotAContentKey { found: 5 }));
    }

    proptest! {
        #[test]
        fn any_secret_comes_back_and_any_change_is_noticed(
            secret in prop::collection::vec(any::<u8>(), 1..100), key in any::<[u8; 24]>(), at in any::<usize>(), bit in 0u8..8,
        ) {
            let under = KeyEncryptionKey::new(&key).unwrap();
            let mut wrapped = wrap_padded(&under, &secret).unwrap();
            prop_assert_eq!(&unwrap_padded(&under, &wrapped).unwrap()[..], &secret[..]);
            let at = at % wrapped.len();
            wrapped[at] ^= 1 << bit;
            prop_assert_eq!(unwrap_padded(&under, &wrapped).err(), Some(UnwrapError::Integrity));
        }

        #[test]
        fn no_bytes_open_by_chance_or_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            prop_assert!(WrappedKey::from_bytes(bytes).unwrap(&kek(&"11".repeat(16))).is_err());
        }
    }
}
