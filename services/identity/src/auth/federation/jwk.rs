//! Keys of providers as they publish them (RFC 7517), and what they have signed (RFC 7518 §3, RFC 8037 §3.1). Pure.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde::Deserialize;
use serde_json::Value;

/// Keys of one provider that are looked at.
const MOST: usize = 64;

/// How something is signed. There is none for `none`, and none for a secret that both sides have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    Rs256,
    Es256,
    EdDsa,
}

impl Algorithm {
    /// As a header or a key names it; `None` of any other.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "RS256" => Some(Self::Rs256),
            "ES256" => Some(Self::Es256),
            // The latter by RFC 9864.
            "EdDSA" | "Ed25519" => Some(Self::EdDsa),
            _ => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Material {
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
    /// Uncompressed (SEC 1 §2.3.3).
    P256(Vec<u8>),
    Ed25519(Vec<u8>),
}

/// A key that verifies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Jwk {
    kid: Option<String>,
    material: Material,
}

/// As it is written.
#[derive(Deserialize)]
struct Written {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl Jwk {
    /// `None` of what signs nothing, or by what is not known here.
    fn read(value: Value) -> Option<Self> {
        let Written { kty, kid, alg, usage, crv, n, e, x, y } = serde_json::from_value(value).ok()?;
        if usage.is_some_and(|usage| usage != "sig") {
            return None;
        }
        let exactly = |text: Option<String>| bytes(text).filter(|bytes| bytes.len() == 32);
        let material = match (kty.as_str(), crv.as_deref()) {
            ("RSA", _) => {
                let modulus: Vec<u8> = bytes(n)?.into_iter().skip_while(|byte| *byte == 0).collect();
                Material::Rsa { modulus, exponent: bytes(e)? }
            }
            ("EC", Some("P-256")) => Material::P256([vec![4], exactly(x)?, exactly(y)?].concat()),
            ("OKP", Some("Ed25519")) => Material::Ed25519(exactly(x)?),
            _ => return None,
        };
        let key = Self { kid, material };
        // A key for one algorithm verifies nothing that is signed by another one (RFC 8725 §3.1).
        let is_for_it = alg.is_none_or(|alg| Algorithm::named(&alg) == Some(key.algorithm()));
        is_for_it.then_some(key)
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        match self.material {
            Material::Rsa { .. } => Algorithm::Rs256,
            Material::P256(_) => Algorithm::Es256,
            Material::Ed25519(_) => Algorithm::EdDsa,
        }
    }

    /// Whether the key has signed that.
    pub(super) fn has_signed(&self, signed: &[u8], signature: &[u8]) -> bool {
        match &self.material {
            Material::Rsa { modulus, exponent } => {
                let key = RsaPublicKeyComponents { n: modulus, e: exponent };
                key.verify(&RSA_PKCS1_2048_8192_SHA256, signed, signature).is_ok()
            }
            Material::P256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(signed, signature).is_ok()
            }
            Material::Ed25519(key) => UnparsedPublicKey::new(&ED25519, key).verify(signed, signature).is_ok(),
        }
    }
}

fn bytes(text: Option<String>) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text?.trim_end_matches('=')).ok()
}

/// The keys of a set that are known here, the first 64 of it at most; `None` of what is no set.
pub(super) fn read(set: &[u8]) -> Option<Vec<Jwk>> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<Value>,
    }
    let Set { keys } = serde_json::from_slice(set).ok()?;
    Some(keys.into_iter().take(MOST).filter_map(Jwk::read).collect())
}

/// The key that a header means: the one of this name, or without one the only one of its algorithm.
pub(super) fn find<'a>(keys: &'a [Jwk], kid: Option<&str>, algorithm: Algorithm) -> Option<&'a Jwk> {
    let mut fitting = keys.iter().filter(|key| key.algorithm() == algorithm);
    match kid {
        Some(_) => fitting.find(|key| key.kid.as_deref() == kid),
        None => fitting.next().filter(|_| fitting.next().is_none()),
    }
}
