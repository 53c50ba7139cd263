//! A key as its holder has it: `lk_`, the unique part of its id, `_`, and 32 random bytes in base64url without padding.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use uuid::Uuid;

const PREFIX: &str = "lk_";
/// What ids begin with.
const ID_PREFIX: &str = "key_";
const UNIQUE_DIGITS: usize = 32;
/// 32 bytes in base64url.
const RANDOM_DIGITS: usize = 43;

/// A new key. It cannot be printed by accident.
pub(crate) struct Secret {
    pub(crate) id: String,
    text: String,
}

impl Secret {
    /// A key that nobody has.
    ///
    /// # Errors
    /// The operating system gives no randomness.
    pub(crate) fn draw() -> Result<Self, std::io::Error> {
        let mut random = [0; 32];
        getrandom::fill(&mut random).map_err(std::io::Error::other)?;
        let unique = Uuid::now_v7().simple().to_string();
        let text = format!("{PREFIX}{unique}_{}", URL_SAFE_NO_PAD.encode(random));
        Ok(Self { id: format!("{ID_PREFIX}{unique}"), text })
    }

    pub(crate) fn sha256(&self) -> [u8; 32] {
        sha256(&self.text)
    }

    /// For its holder, and nobody else.
    pub(crate) fn reveal(self) -> String {
        self.text
    }
}

/// What is stored of a key. Its 32 random bytes cannot be guessed, so that a fast hash is enough.
pub(crate) fn sha256(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// The id of what has the form of a key.
pub(crate) fn id(text: &str) -> Option<String> {
    let (unique, random) = text.strip_prefix(PREFIX)?.split_once('_')?;
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let is_base64url = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let fine = (unique.len(), random.len()) == (UNIQUE_DIGITS, RANDOM_DIGITS)
        && unique.bytes().all(is_hex)
        && random.bytes().all(is_base64url);
    fine.then(|| format!("{ID_PREFIX}{unique}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_key_is_known_by_its_id_and_its_hash_alone() {
        let (one, other) = (Secret::draw().unwrap(), Secret::draw().unwrap());
        assert_ne!((&one.id, one.sha256()), (&other.id, other.sha256()));
        let (of, hash) = (one.id.clone(), one.sha256());
        let text = one.reveal();
        assert_eq!((id(&text), sha256(&text)), (Some(of), hash));
        for other in [&text[1..], &text[..78], &format!("{text}a"), &text.to_uppercase(), &text.replace("lk_", "lk-")] {
            assert_eq!(id(other), None, "{other}");
        }
        assert_eq!(id(""), None);
        assert_eq!(id("lk__"), None);
    }
}
