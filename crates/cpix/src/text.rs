//! Values as documents write them.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use drm::KeyId;
use zeroize::Zeroizing;

/// Key services leave out padding or the last bits now and then; what the bytes are is certain all the same.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// `xs:base64Binary`, white space allowed anywhere.
pub(crate) fn from_base64(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut compact = Zeroizing::new(Vec::with_capacity(text.len()));
    compact.extend(text.bytes().filter(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r')));
    // Large enough from the start, so that no copy stays behind.
    let mut out = Zeroizing::new(vec![0; compact.len() / 4 * 3 + 3]);
    let length = LENIENT.decode_slice(&*compact, &mut out).ok()?;
    out.truncate(length);
    Some(out)
}

/// `xs:base64Binary`.
pub(crate) fn to_base64(bytes: &[u8]) -> Zeroizing<String> {
    let mut out = Zeroizing::new(String::with_capacity(bytes.len().div_ceil(3) * 4));
    LENIENT.encode_string(bytes, &mut out);
    out
}

/// A UUID with dashes, of either case.
pub(crate) fn from_uuid(text: &str) -> Option<[u8; 16]> {
    let text = text.trim_matches([' ', '\t', '\n', '\r']).as_bytes();
    if text.len() != 36 {
        return None;
    }
    let mut out = [0; 16];
    let mut digits = 0;
    for (position, byte) in text.iter().enumerate() {
        if matches!(position, 8 | 13 | 18 | 23) {
            if *byte != b'-' {
                return None;
            }
            continue;
        }
        let digit = (*byte as char).to_digit(16)? as u8;
        out[digits / 2] |= if digits % 2 == 0 { digit << 4 } else { digit };
        digits += 1;
    }
    Some(out)
}

/// A UUID with dashes.
pub(crate) fn to_uuid(bytes: [u8; 16]) -> String {
    KeyId(bytes).dashed()
}

/// `xs:boolean`.
pub(crate) fn from_boolean(text: &str) -> Option<bool> {
    match text.trim() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn base64_is_read_with_white_space_and_without_padding() {
        for text in ["AAECAw==", "AAECAw", " AA\r\nEC\tAw== ", "AAECAx=="] {
            assert_eq!(from_base64(text).unwrap()[..], [0, 1, 2, 3], "{text}");
        }
        assert_eq!(to_base64(&[0, 1, 2, 3]).as_str(), "AAECAw==");
        assert_eq!(from_base64("").unwrap()[..], []);
        assert!(from_base64("A*==").is_none() && from_base64("A").is_none());
    }

    #[test]
    fn a_uuid_has_dashes_in_their_places() {
        let bytes = from_uuid("98EE5596-cd3e-a20d-163a-e382420c6eff").unwrap();
        assert_eq!(to_uuid(bytes), "98ee5596-cd3e-a20d-163a-e382420c6eff");
        for text in [
            "",
            "98ee5596cd3ea20d163ae382420c6eff",
            "98ee5596-cd3e-a20d-163a-e382420c6ef",
            "é8ee5596-cd3e-a20d-163a-e382420c6ef",
        ] {
            assert!(from_uuid(text).is_none());
        }
    }
}
