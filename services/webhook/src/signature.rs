//! Standard Webhooks 1.0: secrets, and signatures by them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// Bytes of a secret; the standard asks for 24 to 64.
pub(crate) const SECRET_BYTES: usize = 32;
const PREFIX: &str = "whsec_";

/// What deliveries to one endpoint are signed with. It can be neither printed nor serialised, and is wiped when dropped.
#[derive(Clone)]
pub(crate) struct SigningSecret(Zeroizing<[u8; SECRET_BYTES]>);

impl SigningSecret {
    /// From its bytes.
    pub(crate) fn new(bytes: Zeroizing<[u8; SECRET_BYTES]>) -> Self {
        Self(bytes)
    }

    #[cfg(test)]
    pub(crate) fn expose(&self) -> &[u8; SECRET_BYTES] {
        &self.0
    }

    /// As the receiver is given it: `whsec_` and Base64.
    pub(crate) fn text(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("{PREFIX}{}", Zeroizing::new(STANDARD.encode(&self.0[..])).as_str()))
    }

    /// The signature of one message, `v1,` and Base64 of HMAC-SHA256 over `id.timestamp.body`.
    fn sign(&self, id: &str, timestamp_s: i64, body: &[u8]) -> String {
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&self.0[..]).expect("HMAC takes keys of any length");
        mac.update(format!("{id}.{timestamp_s}.").as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

/// The value of `webhook-signature`: one signature by each secret, that of the current one first.
pub(crate) fn signatures(secrets: &[SigningSecret], id: &str, timestamp_s: i64, body: &[u8]) -> String {
    let each: Vec<String> = secrets.iter().map(|secret| secret.sign(id, timestamp_s, body)).collect();
    each.join(" ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn secret(byte: u8) -> SigningSecret {
        SigningSecret::new(Zeroizing::new([byte; SECRET_BYTES]))
    }

    /// Made with Python's `hmac` and `base64`.
    #[test]
    fn a_signature_is_what_the_standard_says() {
        let body = br#"{"type":"asset.ready"}"#;
        let signature = secret(7).sign("evt_1_whe_1", 1_795_233_000, body);
        assert_eq!(signature, "v1,ua16E79mjPhkXKVf+lqQ+fWYIdIahEHrxuJWFweqH3A=");
        assert_eq!(secret(7).text().as_str(), "whsec_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=");
    }

    #[test]
    fn while_a_secret_is_replaced_both_sign() {
        let (new, old) = (secret(1), secret(2));
        let both = signatures(&[new.clone(), old.clone()], "a", 1, b"x");
        assert_eq!(both, format!("{} {}", new.sign("a", 1, b"x"), old.sign("a", 1, b"x")));
        for (id, timestamp, body) in [("b", 1, &b"x"[..]), ("a", 2, b"x"), ("a", 1, b"y")] {
            assert_ne!(new.sign(id, timestamp, body), new.sign("a", 1, b"x"));
        }
    }
}
