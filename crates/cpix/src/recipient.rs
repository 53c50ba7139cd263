//! A recipient for one exchange: a key pair that nobody had before, with a certificate it signed itself.

use rsa::pkcs8::EncodePublicKey;
use rsa::{Pkcs1v15Sign, RsaPrivateKey};
use sha2::{Digest, Sha256};

use crate::certificate::{Certificate, PrivateKey, Random, Source};

const BITS: usize = 2048;

/// Tags of ASN.1 in DER (ITU-T X.690 §8).
mod tag {
    pub(super) const INTEGER: u8 = 0x02;
    pub(super) const BIT_STRING: u8 = 0x03;
    pub(super) const UTF8_STRING: u8 = 0x0c;
    pub(super) const UTC_TIME: u8 = 0x17;
    pub(super) const GENERALIZED_TIME: u8 = 0x18;
    pub(super) const SEQUENCE: u8 = 0x30;
    pub(super) const SET: u8 = 0x31;
    pub(super) const VERSION: u8 = 0xa0;
    pub(super) const EXTENSIONS: u8 = 0xa3;
}

/// `AlgorithmIdentifier` of sha256WithRSAEncryption (RFC 8017 appendix A.2.4).
const SHA256_WITH_RSA: &[u8] =
    &[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00];
/// `id-at-commonName` (RFC 5280 appendix A.1).
const COMMON_NAME: &[u8] = &[0x06, 0x03, 0x55, 0x04, 0x03];
/// `Extension`: key usage, critical, keyEncipherment alone (RFC 5280 §4.2.1.3).
const KEY_ENCIPHERMENT: &[u8] =
    &[0x30, 0x0e, 0x06, 0x03, 0x55, 0x1d, 0x0f, 0x01, 0x01, 0xff, 0x04, 0x04, 0x03, 0x02, 0x05, 0x20];

impl PrivateKey {
    /// Draws an RSA key of 2048 bits, and writes a certificate for it that never expires. Whoever encrypts for it cannot
    /// know by the certificate whose it is: that they must know from whoever brought it.
    pub fn draw(random: &mut Random<'_>) -> (Self, Certificate) {
        let key = RsaPrivateKey::new(&mut Source(random), BITS).expect("RSA keys of 2048 bits can be made");
        let mut serial = [0; 16];
        random(&mut serial);
        // Positive, and of 16 bytes without padding (X.690 §8.3.2).
        serial[0] = serial[0] & 0x3f | 0x40;
        let tbs = to_be_signed(&key, &serial);
        let signature = key
            .sign_with_rng(&mut Source(random), Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest(&tbs))
            .expect("a key of 2048 bits signs a digest of 32 bytes");
        let signature = der(tag::BIT_STRING, &[&[0], &signature]);
        let certificate = der(tag::SEQUENCE, &[&tbs, SHA256_WITH_RSA, &signature]);
        let certificate = Certificate::from_der(&certificate).expect("what was written above is a certificate");
        (Self(key), certificate)
    }
}

/// `TBSCertificate` (RFC 5280 §4.1).
fn to_be_signed(key: &RsaPrivateKey, serial: &[u8]) -> Vec<u8> {
    let public = key.to_public_key().to_public_key_der().expect("an RSA key has a form in DER");
    let name = der(tag::SEQUENCE, &[COMMON_NAME, &der(tag::UTF8_STRING, &[b"Lectern"])]);
    let name = der(tag::SEQUENCE, &[&der(tag::SET, &[&name])]);
    // No well-defined end (RFC 5280 §4.1.2.5).
    let (from, to) = (der(tag::UTC_TIME, &[b"200101000000Z"]), der(tag::GENERALIZED_TIME, &[b"99991231235959Z"]));
    let parts = [
        der(tag::VERSION, &[&der(tag::INTEGER, &[&[2]])]),
        der(tag::INTEGER, &[serial]),
        SHA256_WITH_RSA.to_vec(),
        name.clone(),
        der(tag::SEQUENCE, &[&from, &to]),
        name,
        public.as_bytes().to_vec(),
        der(tag::EXTENSIONS, &[&der(tag::SEQUENCE, &[KEY_ENCIPHERMENT])]),
    ];
    der(tag::SEQUENCE, &parts.each_ref().map(Vec::as_slice))
}

/// One value with its tag and length (X.690 §8.1).
fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let bytes = length.to_be_bytes();
    let significant = &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..];
    let mut out = vec![tag];
    match *significant {
        [] => out.push(0),
        [short] if short < 0x80 => out.push(short),
        _ => {
            out.push(0x80 | u8::try_from(significant.len()).expect("a length has at most 8 bytes"));
            out.extend_from_slice(significant);
        }
    }
    parts.iter().for_each(|part| out.extend_from_slice(part));
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use x509_cert::der::{Decode, Encode};

    use super::*;

    #[test]
    fn lengths_are_written_as_short_as_they_can_be() {
        assert_eq!(der(4, &[]), [4, 0]);
        assert_eq!(der(4, &[&[1], &[2, 3]]), [4, 3, 1, 2, 3]);
        for (length, head) in [
            (127, &[4, 127][..]),
            (128, &[4, 0x81, 128]),
            (255, &[4, 0x81, 255]),
            (256, &[4, 0x82, 1, 0]),
            (65_536, &[4, 0x83, 1, 0, 0]),
        ] {
            let written = der(4, &[&vec![7; length]]);
            assert_eq!((&written[..head.len()], written.len()), (head, head.len() + length));
        }
    }

    #[test]
    fn a_drawn_key_opens_what_is_sealed_for_its_certificate() {
        let mut state = 7_u64;
        let mut random = move |out: &mut [u8]| {
            for byte in out {
                // Knuth's generator: no secret, but no pattern that a search for primes would trip over.
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                *byte = (state >> 56) as u8;
            }
        };
        let (key, certificate) = PrivateKey::draw(&mut random);
        assert!(key.belongs_to(&certificate));
        let parsed = x509_cert::Certificate::from_der(certificate.der()).unwrap();
        assert_eq!(parsed.to_der().unwrap(), certificate.der(), "it is written as DER demands");
        let signed = Sha256::digest(parsed.tbs_certificate().to_der().unwrap());
        let signature = parsed.signature().raw_bytes();
        certificate.key.verify(Pkcs1v15Sign::new::<Sha256>(), &signed, signature).unwrap();
        let valid = parsed.tbs_certificate().validity();
        assert!(valid.not_after.to_unix_duration() > valid.not_before.to_unix_duration());

        let (kid, content_key) = (drm::KeyId([1; 16]), drm::ContentKey::new([2; 16]));
        let mut document = crate::Document::new("x");
        let data = crate::KeyData::Plain(content_key.clone());
        document.keys.push(crate::ContentKeyElement { data, ..crate::ContentKeyElement::new(kid) });
        document.seal(&[certificate], &mut random).unwrap();
        let opened = document.content_keys(Some((&key, crate::encryption::MacPolicy::Required)), &mut random).unwrap();
        assert!(opened.len() == 1 && opened[0].1 == content_key);
    }
}
