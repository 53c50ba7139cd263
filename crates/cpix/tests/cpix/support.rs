//! Keys, certificates and documents for the tests.

use cpix::{Certificate, ContentKeyElement, Document, KeyData, PrivateKey};
use drm::{ContentKey, KeyId};

macro_rules! pair {
    ($name:ident, $file:literal) => {
        pub(crate) fn $name() -> (PrivateKey, Certificate) {
            let key = include_str!(concat!("../data/", $file, ".key.pem"));
            let certificate = include_str!(concat!("../data/", $file, ".cert.pem"));
            (PrivateKey::from_pem(key).ok().unwrap(), Certificate::from_pem(certificate).unwrap())
        }
    };
}

// Made by `tests/data/make.sh`.
pair!(packager, "packager");
pair!(origin, "origin");
pair!(signer, "signer");

/// Bytes that differ from call to call and are the same in every run.
pub(crate) fn random(mut state: u64) -> impl FnMut(&mut [u8]) {
    move |out: &mut [u8]| {
        for byte in out {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = (state >> 56) as u8;
        }
    }
}

pub(crate) fn kid(number: u8) -> KeyId {
    KeyId([number; 16])
}

/// A key whose base64 and hexadecimal digits are easily found in a text.
pub(crate) fn key(number: u8) -> ContentKey {
    let mut bytes = *b"secret-key-0000*";
    bytes[14] = b'a'.wrapping_add(number);
    ContentKey::new(bytes)
}

/// A document with so many plain keys.
pub(crate) fn plain(keys: u8) -> Document {
    let mut document = Document::new("lecture-7");
    document.keys = (0..keys)
        .map(|n| ContentKeyElement { data: KeyData::Plain(key(n)), ..ContentKeyElement::new(kid(n)) })
        .collect();
    document
}

/// A document that uses all that the schema has, written with other prefixes than ours.
pub(crate) const FULL: &str = include_str!("../data/full.xml");
