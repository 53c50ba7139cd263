//! Signatures of passkeys.

use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use webauthn::PublicKey;

/// Whether the key has signed that.
pub(super) fn holds(key: &PublicKey, signed: &[u8], signature: &[u8]) -> bool {
    match key {
        PublicKey::Es256 { x, y } => {
            // Uncompressed (SEC 1 §2.3.3).
            let point = [&[4_u8][..], x, y].concat();
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(signed, signature).is_ok()
        }
        PublicKey::Ed25519(key) => UnparsedPublicKey::new(&ED25519, key).verify(signed, signature).is_ok(),
        PublicKey::Rs256 { modulus, exponent } => {
            let key = RsaPublicKeyComponents { n: modulus, e: exponent };
            key.verify(&RSA_PKCS1_2048_8192_SHA256, signed, signature).is_ok()
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use serde_json::Value;
    use sha2::{Digest, Sha256};

    use super::*;

    fn bytes(hex: &Value) -> Vec<u8> {
        let digits = hex.as_str().unwrap().as_bytes().chunks(2);
        digits.map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap()).collect()
    }

    /// The key of an example of Web Authentication Level 3 (§16): what is behind the id in its attestation object, which ends there.
    fn key(object: &[u8]) -> PublicKey {
        (0..object.len()).rev().find_map(|from| PublicKey::read(&object[from..]).ok()).unwrap()
    }

    #[test]
    fn signatures_of_each_algorithm_are_those_of_the_standards_examples() {
        let all: Value =
            serde_json::from_str(include_str!("../../../../../crates/webauthn/tests/vectors.json")).unwrap();
        for name in ["none-es256", "packed-es256", "tpm-es256", "packed-rs256", "packed-eddsa"] {
            let example = &all[name];
            let key = key(&bytes(&example["attestation_object"]));
            let hash: [u8; 32] = Sha256::digest(bytes(&example["get_client_data"])).into();
            let mut signed = [&bytes(&example["authenticator_data"])[..], &hash[..]].concat();
            let mut signature = bytes(&example["signature"]);
            assert!(holds(&key, &signed, &signature), "{name}");
            let last = signature.len() - 1;
            for wrong in [&signature[..last], &signature[1..], &[], &[0; 64]] {
                assert!(!holds(&key, &signed, wrong), "{name}: {}", STANDARD.encode(wrong));
            }
            signature[last] ^= 1;
            assert!(!holds(&key, &signed, &signature), "{name}");
            signature[last] ^= 1;
            signed[0] ^= 1;
            assert!(!holds(&key, &signed, &signature), "{name}");
        }
    }

    #[test]
    fn a_point_that_is_on_no_curve_verifies_nothing() {
        let key = PublicKey::Es256 { x: [1; 32], y: [1; 32] };
        assert!(!holds(&key, b"", b""));
        assert!(!holds(&PublicKey::Ed25519([0xff; 32]), b"", &[0; 64]));
        assert!(!holds(&PublicKey::Rs256 { modulus: vec![2; 256], exponent: vec![1] }, b"", &[0; 256]));
    }
}
