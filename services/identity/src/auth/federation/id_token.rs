//! ID tokens of providers: whom they say that somebody is, if they hold (OpenID Connect Core §3.1.3.7). Pure.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;

use super::jwk::{Algorithm, Jwk};

/// Bytes of a token; those of providers have a fifth of that.
const MAX_BYTES: usize = 16 << 10;
/// Seconds by which clocks may differ.
const SKEW_S: i64 = 60;
/// The most characters of what a provider calls somebody (OpenID Connect Core §2).
const MAX_SUBJECT: usize = 255;

/// Why a token proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error("the ID token cannot be read")]
    Malformed,
    #[error("the ID token is signed in a way that is not taken")]
    Algorithm,
    #[error("the ID token is signed by no key that the provider publishes")]
    Key,
    #[error("the signature of the ID token does not hold")]
    Signature,
    #[error("the ID token is another provider's")]
    Issuer,
    #[error("the ID token is for somebody else")]
    Audience,
    #[error("the ID token has expired, or is of a time to come")]
    Time,
    #[error("the ID token is not of this sign-in")]
    Nonce,
    #[error("the ID token says of nobody that it is about him")]
    Subject,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    /// What has to be understood, and is not.
    crit: Option<Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: i64,
    iat: i64,
    nonce: Option<String>,
    azp: Option<String>,
    email: Option<String>,
    email_verified: Option<Value>,
    name: Option<String>,
}

/// A token that is not verified.
pub(super) struct Unverified<'a> {
    pub(super) kid: Option<String>,
    pub(super) algorithm: Algorithm,
    signed: &'a str,
    payload: &'a str,
    signature: Vec<u8>,
}

/// What a token has to say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    /// What the provider knows the tenant by.
    pub(super) client: &'a str,
    pub(super) nonce: &'a str,
    pub(super) now_s: i64,
}

/// Whom a provider says that somebody is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    /// What it calls him, and never changes.
    pub(super) subject: String,
    /// His address, if the provider has found out that it is his.
    pub(super) email: Option<String>,
    pub(super) name: Option<String>,
}

impl<'a> Unverified<'a> {
    pub(super) fn read(token: &'a str) -> Result<Self, Fault> {
        if token.len() > MAX_BYTES {
            return Err(Fault::Malformed);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(Fault::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(Fault::Malformed)?;
        let Header { alg, kid, typ, crit } = decoded(header).ok_or(Fault::Malformed)?;
        // A logout token or an access token is none.
        if crit.is_some() || typ.is_some_and(|typ| !typ.eq_ignore_ascii_case("JWT")) {
            return Err(Fault::Malformed);
        }
        let algorithm = Algorithm::named(&alg).ok_or(Fault::Algorithm)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| Fault::Malformed)?;
        Ok(Self { kid, algorithm, signed, payload, signature })
    }

    /// Whom it says that somebody is, if this key has signed it and it is what is expected.
    pub(super) fn verify(&self, key: &Jwk, expected: Expected<'_>) -> Result<Said, Fault> {
        if key.algorithm() != self.algorithm {
            return Err(Fault::Algorithm);
        }
        if !key.has_signed(self.signed.as_bytes(), &self.signature) {
            return Err(Fault::Signature);
        }
        let claims: Claims = decoded(self.payload).ok_or(Fault::Malformed)?;
        let Expected { issuer, client, nonce, now_s } = expected;
        if claims.iss != issuer {
            return Err(Fault::Issuer);
        }
        let is_ours = match &claims.aud {
            Audience::One(one) => one == client && claims.azp.as_deref().is_none_or(|azp| azp == client),
            // Of several the one that it was given to has to be named.
            Audience::Several(all) => {
                let is_named = claims.azp.as_deref().map_or(all.len() == 1, |azp| azp == client);
                is_named && all.iter().any(|one| one == client)
            }
        };
        if !is_ours {
            return Err(Fault::Audience);
        }
        if claims.exp.saturating_add(SKEW_S) <= now_s || claims.iat.saturating_sub(SKEW_S) > now_s {
            return Err(Fault::Time);
        }
        if claims.nonce.as_deref() != Some(nonce) {
            return Err(Fault::Nonce);
        }
        let is_name = !claims.sub.is_empty() && claims.sub.chars().count() <= MAX_SUBJECT && !claims.sub.contains('\0');
        if !is_name {
            return Err(Fault::Subject);
        }
        // Some write it as a text.
        let is_verified = claims.email_verified.is_some_and(|said| said == true || said == "true");
        Ok(Said { subject: claims.sub, email: claims.email.filter(|_| is_verified), name: claims.name })
    }
}

fn decoded<T: serde::de::DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

#[cfg(test)]
mod tests;
