//! Public keys of passkeys (RFC 9052 §7, RFC 9053 §7, RFC 8230 §4).

use std::collections::BTreeMap;

use crate::Refusal;
use crate::cbor::{Item, Malformed, Reader};

/// The algorithms that a passkey may have, by their numbers in IANA's registry, the most welcome one first: ES256, EdDSA with Ed25519,
/// RS256.
pub const ALGORITHMS: [i64; 3] = [-7, -8, -257];

const KEY_TYPE: i64 = 1;
const ALGORITHM: i64 = 3;
/// A key has at most five parts: what may be left out is left out (WebAuthn §6.5.1).
const MAX_PARTS: usize = 5;
/// 2048 to 8192 bits.
const MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;
const EXPONENT_BYTES: std::ops::RangeInclusive<usize> = 1..=8;

/// What verifies the signatures of a passkey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicKey {
    /// ECDSA with P-256 and SHA-256.
    Es256 {
        /// Big-endian.
        x: [u8; 32],
        /// Big-endian.
        y: [u8; 32],
    },
    /// Ed25519, as RFC 8032 §5.1.5 has it.
    Ed25519([u8; 32]),
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256 {
        /// Big-endian, without leading zeros.
        modulus: Vec<u8>,
        /// The same.
        exponent: Vec<u8>,
    },
}

impl PublicKey {
    /// Reads a `COSE_Key`, which ends where `bytes` do.
    ///
    /// # Errors
    /// [`Refusal::Algorithm`] of one of another algorithm, [`Refusal::AuthenticatorData`] of what is no key.
    pub fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        let mut reader = Reader::new(bytes);
        let key = Self::take(&mut reader)?;
        if reader.rest().is_empty() { Ok(key) } else { Err(Refusal::AuthenticatorData) }
    }

    /// Reads one that something else may follow.
    pub(crate) fn take(reader: &mut Reader<'_>) -> Result<Self, Refusal> {
        let parts = parts(reader).map_err(|Malformed| Refusal::AuthenticatorData)?;
        let int = |label| match parts.get(&label) {
            Some(Item::Int(value)) => Some(*value),
            _ => None,
        };
        let bytes = |label| match parts.get(&label) {
            Some(Item::Bytes(value)) => Some(*value),
            _ => None,
        };
        let key = match (int(KEY_TYPE), int(ALGORITHM), parts.len()) {
            (Some(2), Some(-7), 5) if int(-1) == Some(1) => es256(bytes(-2), bytes(-3)),
            (Some(1), Some(-8), 4) if int(-1) == Some(6) => ed25519(bytes(-2)),
            (Some(3), Some(-257), 4) => rs256(bytes(-1), bytes(-2)),
            (_, Some(algorithm), _) if !ALGORITHMS.contains(&algorithm) => return Err(Refusal::Algorithm),
            _ => None,
        };
        key.ok_or(Refusal::AuthenticatorData)
    }
}

fn parts<'a>(reader: &mut Reader<'a>) -> Result<BTreeMap<i64, Item<'a>>, Malformed> {
    let Item::Map(count @ ..=MAX_PARTS) = reader.item()? else { return Err(Malformed) };
    let mut parts = BTreeMap::new();
    for _ in 0..count {
        let (label, value) = (reader.item()?, reader.item()?);
        let (Item::Int(label), Item::Int(_) | Item::Bytes(_)) = (label, value) else { return Err(Malformed) };
        if parts.insert(label, value).is_some() {
            return Err(Malformed);
        }
    }
    Ok(parts)
}

fn es256(x: Option<&[u8]>, y: Option<&[u8]>) -> Option<PublicKey> {
    Some(PublicKey::Es256 { x: x?.try_into().ok()?, y: y?.try_into().ok()? })
}

fn ed25519(x: Option<&[u8]>) -> Option<PublicKey> {
    Some(PublicKey::Ed25519(x?.try_into().ok()?))
}

fn rs256(modulus: Option<&[u8]>, exponent: Option<&[u8]>) -> Option<PublicKey> {
    let fine = |bytes: &&[u8]| bytes.first().is_some_and(|first| *first != 0);
    let modulus = modulus.filter(fine).filter(|bytes| MODULUS_BYTES.contains(&bytes.len()))?;
    let exponent = exponent.filter(fine).filter(|bytes| EXPONENT_BYTES.contains(&bytes.len()))?;
    Some(PublicKey::Rs256 { modulus: modulus.to_vec(), exponent: exponent.to_vec() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn read(hex: &str) -> Result<PublicKey, Refusal> {
        PublicKey::read(&hex::decode(hex).unwrap())
    }

    #[test]
    fn a_key_is_of_one_of_three_algorithms_and_has_nothing_else() {
        let (x, y) = ("11".repeat(32), "22".repeat(32));
        let es256 = PublicKey::Es256 { x: [0x11; 32], y: [0x22; 32] };
        assert_eq!(read(&format!("a5010203262001215820{x}225820{y}")), Ok(es256.clone()));
        assert_eq!(read(&format!("a5225820{y}215820{x}010203262001")), Ok(es256), "in another order");
        assert_eq!(read(&format!("a4010103272006215820{x}")), Ok(PublicKey::Ed25519([0x11; 32])));
        let rsa = |modulus: &str, exponent: &str| read(&format!("a401030339010020{modulus}21{exponent}"));
        let modulus = format!("590100{}", "33".repeat(256));
        let rs256 = PublicKey::Rs256 { modulus: vec![0x33; 256], exponent: vec![1, 0, 1] };
        assert_eq!(rsa(&modulus, "43010001"), Ok(rs256));

        let malformed = Err(Refusal::AuthenticatorData);
        for (hex, why) in [
            (format!("a5010203262001215820{x}225820{y}00"), "more behind it"),
            (format!("a5010203262001215820{x}2258{y}"), "cut"),
            (format!("a5010203262001215820{x}22581f{}", &y[2..]), "a short y"),
            (format!("a5010203262001215820{x}22f5"), "a point that is compressed"),
            (format!("a5010203262002215820{x}225820{y}"), "another curve"),
            (format!("a5010103262001215820{x}225820{y}"), "another type of key"),
            (format!("a501020102032620012158{x}"), "a part twice"),
            (format!("a5010103272006215820{x}0440"), "a part that is not needed"),
            (format!("a6010203262001215820{x}225820{y}0440"), "too many parts"),
            ("a0".to_owned(), "no parts"),
            ("80".to_owned(), "no map"),
            (String::new(), "nothing"),
        ] {
            assert_eq!(read(&hex), malformed, "{why}");
        }
        for (modulus, exponent, why) in [
            (format!("58ff{}", "33".repeat(255)), "43010001", "a modulus that is too short"),
            (format!("59010000{}", "33".repeat(255)), "43010001", "zeros before it"),
            (format!("590401{}", "33".repeat(1025)), "43010001", "one that is too long"),
            (modulus.clone(), "40", "no exponent"),
            (modulus.clone(), "4400010001", "zeros before it"),
            (modulus, "49010000000000000001", "one that is too long"),
        ] {
            assert_eq!(rsa(&modulus, exponent), malformed, "{why}");
        }
        let other = format!("a50102033822200221583011{}", "11".repeat(47));
        assert_eq!(read(&format!("{other}225830{}", "22".repeat(48))), Err(Refusal::Algorithm), "ES384");
    }
}
