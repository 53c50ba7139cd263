//! What a licence server is told of a player: a JSON Web Signature (RFC 7515, HS256) in one header.

use axum::http::HeaderValue;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use drm::signal::System;
use drm::{KeyEncryptionKey, KeyEntry, WrappedKey};
use hmac::{Hmac, KeyInit, Mac};
use playback_token::Claims;
use serde::Serialize;
use sha2::{Digest, Sha256};
use uuid::Uuid;
use zeroize::Zeroizing;

/// The header that carries the policy.
pub const POLICY_HEADER: &str = "x-lectern-policy";
/// Seconds after which a policy is worthless.
const TTL_S: i64 = 60;
/// Fewer bytes than the hash has would weaken it (RFC 7518 §3.2).
const KEY_BYTES: std::ops::RangeInclusive<usize> = 32..=128;
/// Separates the key that content keys are wrapped under from the one that policies are signed with.
const WRAPPING_PURPOSE: &[u8] = b"lectern content keys v1";
/// `{"alg":"HS256","typ":"JWT"}`.
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";

/// The secret that this server and the licence servers share: it signs policies. It cannot be printed and is wiped when
/// dropped.
#[derive(Clone)]
pub struct PolicyKey(Zeroizing<Vec<u8>>);

/// What is no key for policies. Never says what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not 64 to 256 hexadecimal digits; make one with: openssl rand -hex 32")]
pub struct PolicyKeyError;

impl PolicyKey {
    /// From its hexadecimal digits, 64 to 256 of them.
    ///
    /// # Errors
    /// It is something else.
    pub fn from_hex(text: &str) -> Result<Self, PolicyKeyError> {
        let bytes = hex::decode(text.trim()).map(Zeroizing::new).map_err(|_| PolicyKeyError)?;
        if KEY_BYTES.contains(&bytes.len()) { Ok(Self(bytes)) } else { Err(PolicyKeyError) }
    }

    fn mac(&self, text: &[u8]) -> Zeroizing<[u8; 32]> {
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(text);
        Zeroizing::new(mac.finalize().into_bytes().into())
    }

    /// What content keys are wrapped under on their way to a licence server.
    fn key_encryption_key(&self) -> KeyEncryptionKey {
        KeyEncryptionKey::new(&self.mac(WRAPPING_PURPOSE)[..]).expect("32 bytes are an AES-256 key")
    }
}

/// What is signed. Times are seconds since 1970.
#[derive(Serialize)]
struct Policy<'a> {
    iss: &'static str,
    iat: i64,
    exp: i64,
    jti: String,
    system: &'static str,
    playback_id: &'a str,
    session_id: Option<&'a str>,
    /// The challenge that came with it, and no other.
    challenge_sha256: String,
    licence: Terms,
}

/// What the licence may allow.
#[derive(Serialize)]
struct Terms {
    expires_at: i64,
    offline: bool,
    max_height: Option<u16>,
    min_hdcp: Option<&'static str>,
    key_ids: Option<Vec<String>>,
    keys: Vec<Key>,
}

/// A content key that the licence may hold.
#[derive(Serialize)]
struct Key {
    kid: String,
    class: Option<&'static str>,
    /// AES key wrap (RFC 3394) in base64url.
    wrapped: String,
}

/// The value of [`POLICY_HEADER`] for a challenge of the holder of these claims, whom these keys are given to.
pub(super) fn signed(
    key: &PolicyKey,
    system: System,
    claims: &Claims,
    keys: &[KeyEntry],
    challenge: &[u8],
    now_ms: i64,
) -> HeaderValue {
    let now = now_ms.div_euclid(1000);
    let under = key.key_encryption_key();
    let wrapped = |entry: &KeyEntry| Key {
        kid: entry.id.to_string(),
        class: entry.class.map(|class| class.as_str()),
        wrapped: URL_SAFE_NO_PAD.encode(WrappedKey::wrap(&entry.key, &under).as_bytes()),
    };
    let policy = Policy {
        iss: "lectern",
        iat: now,
        exp: now.saturating_add(TTL_S),
        jti: Uuid::new_v4().simple().to_string(),
        system: system.as_str(),
        playback_id: claims.playback_id.as_str(),
        session_id: claims.session.as_ref().map(|session| session.as_str()),
        challenge_sha256: hex::encode(Sha256::digest(challenge)),
        licence: Terms {
            expires_at: claims.licence_until_ms().div_euclid(1000),
            offline: claims.policy.may_persist,
            max_height: claims.policy.max_height,
            min_hdcp: claims.policy.min_hdcp.map(|version| version.as_str()),
            key_ids: claims.key_ids.as_ref().map(|ids| ids.iter().map(hex::encode).collect()),
            keys: keys.iter().map(wrapped).collect(),
        },
    };
    let payload = serde_json::to_vec(&policy).expect("a policy is plain data, which always has a JSON form");
    let signed = format!("{HEADER}.{}", URL_SAFE_NO_PAD.encode(payload));
    let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(&key.mac(signed.as_bytes())[..]));
    HeaderValue::try_from(token).expect("base64url and dots are allowed in a header")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_of_a_policy_is_what_it_says() {
        assert_eq!(URL_SAFE_NO_PAD.decode(HEADER).ok().as_deref(), Some(&b"{\"alg\":\"HS256\",\"typ\":\"JWT\"}"[..]));
    }

    #[test]
    fn a_key_is_long_enough_or_none() {
        for (text, fine) in [
            ("ab".repeat(32), true),
            (format!(" {}\n", "0F".repeat(128)), true),
            (String::new(), false),
            ("ab".repeat(31), false),
            ("ab".repeat(129), false),
            ("a".repeat(65), false),
            ("zz".repeat(32), false),
        ] {
            assert_eq!(PolicyKey::from_hex(&text).is_ok(), fine, "{text}");
        }
    }
}
