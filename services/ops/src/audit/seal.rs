//! What is personal in an entry, sealed under the key of whom it is about (AES-256-GCM, NIST SP 800-38D). Pure but for the nonce.

use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kernel::SecretError;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};

/// Where a sealed text belongs: it opens nowhere else.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    /// Whose log.
    pub(crate) tenant: &'a str,
    /// The id of the entry.
    pub(crate) entry: &'a str,
    /// Which part of it.
    pub(crate) part: &'static str,
}

impl Place<'_> {
    fn text(&self) -> String {
        let Self { tenant, entry, part } = self;
        format!("{tenant}\n{entry}\n{part}")
    }
}

fn key(secret: &[u8; 32]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, secret).expect("the key has 256 bits"))
}

/// Nonce, ciphertext and tag, in Base64.
///
/// # Errors
/// There is no randomness.
pub(crate) fn seal(secret: &[u8; 32], place: Place<'_>, text: &str) -> Result<String, SecretError> {
    let none = |_| SecretError::Random(io::Error::other("the operating system gives none"));
    let mut nonce = [0; NONCE_LEN];
    SystemRandom::new().fill(&mut nonce).map_err(none)?;
    let mut bytes = text.as_bytes().to_vec();
    let (unique, place) = (Nonce::assume_unique_for_key(nonce), place.text());
    key(secret).seal_in_place_append_tag(unique, Aad::from(place.as_bytes()), &mut bytes).map_err(none)?;
    Ok(STANDARD.encode([&nonce[..], &bytes].concat()))
}

/// What was sealed; `None` when it was not by this key, for this place.
pub(crate) fn open(secret: &[u8; 32], place: Place<'_>, sealed: &str) -> Option<String> {
    let mut bytes = STANDARD.decode(sealed).ok()?;
    let (nonce, rest) = bytes.split_at_mut_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let opened = key(secret).open_in_place(nonce, Aad::from(place.text().as_bytes()), rest).ok()?;
    String::from_utf8(opened.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_is_sealed_opens_with_its_key_at_its_place_and_nowhere_else() {
        let place = Place { tenant: "ten_a", entry: "1", part: "origin" };
        let sealed = seal(&[1; 32], place, "192.0.2.7").unwrap();
        assert_eq!(open(&[1; 32], place, &sealed).as_deref(), Some("192.0.2.7"));
        assert_ne!(seal(&[1; 32], place, "192.0.2.7").unwrap(), sealed, "equal texts do not look alike");
        assert_eq!(open(&[2; 32], place, &sealed), None);
        for other in
            [Place { tenant: "ten_b", ..place }, Place { entry: "2", ..place }, Place { part: "change", ..place }]
        {
            assert_eq!(open(&[1; 32], other, &sealed), None, "{other:?}");
        }
        for bad in ["", "AAAA", "not Base64", &STANDARD.encode([0_u8; NONCE_LEN])] {
            assert_eq!(open(&[1; 32], place, bad), None, "{bad}");
        }
    }
}
