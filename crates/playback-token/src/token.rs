//! Claims into a token and out of one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::Mac;
use media_types::PlaybackId;

use crate::claims::{Claims, ClaimsError};
use crate::ring::KeyRing;
use crate::wire;

/// What every token of this version begins with.
pub const PREFIX: &str = "lpt1.";
/// The longest token in bytes; a longer text is refused unread.
pub const MAX_TOKEN_BYTES: usize = 1024;
/// Bytes of randomness in a token, so that no two are the same.
pub const NONCE_BYTES: usize = 12;
/// HMAC-SHA256 whole.
const TAG_BYTES: usize = 32;

/// Why a token does not let its holder in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not a token of this version.
    #[error("the text is not a playback token of this version")]
    Malformed,
    /// Signed with a key that the ring does not have, or no longer has.
    #[error("the playback token was signed with a key that is not in use here")]
    UnknownKey,
    /// Changed, or never signed here.
    #[error("the signature of the playback token is wrong")]
    BadSignature,
    /// For another recording.
    #[error("the playback token is for another playback id")]
    OtherPlayback,
    /// Before its time.
    #[error("the playback token is not valid yet")]
    NotYetValid,
    /// After its time.
    #[error("the playback token has expired")]
    Expired,
}

/// A token for `claims`, signed with the newest key of the ring, of at most [`MAX_TOKEN_BYTES`] URL-safe characters. The
/// same arguments give the same token; a fresh random `nonce` makes each its own.
///
/// # Errors
/// Claims that contradict themselves or do not fit.
pub fn issue(ring: &KeyRing, claims: &Claims, nonce: [u8; NONCE_BYTES]) -> Result<String, ClaimsError> {
    claims.check()?;
    let key = ring.newest();
    let mut bytes = wire::write(key.name(), claims, &nonce);
    let tag = key.mac(&bytes).finalize().into_bytes();
    bytes.extend_from_slice(&tag);
    let mut text = String::from(PREFIX);
    URL_SAFE_NO_PAD.encode_string(&bytes, &mut text);
    debug_assert!(text.len() <= MAX_TOKEN_BYTES, "{}", text.len());
    Ok(text)
}

/// The claims of a token that is signed by a key of the ring, valid at `now_ms` and for `playback_id`. Signatures are
/// compared in constant time, and nothing but the name of the key is read before that.
///
/// # Errors
/// Why the token does not let its holder in; the first reason in the order of [`TokenError`].
pub fn verify(ring: &KeyRing, text: &str, now_ms: i64, playback_id: &PlaybackId) -> Result<Claims, TokenError> {
    if text.len() > MAX_TOKEN_BYTES {
        return Err(TokenError::Malformed);
    }
    let encoded = text.strip_prefix(PREFIX).ok_or(TokenError::Malformed)?;
    let bytes = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| TokenError::Malformed)?;
    let (body, tag) = bytes.split_last_chunk::<TAG_BYTES>().ok_or(TokenError::Malformed)?;
    let name = wire::key_name(body).ok_or(TokenError::Malformed)?;
    let key = ring.find(name).ok_or(TokenError::UnknownKey)?;
    key.mac(body).verify_slice(tag).map_err(|_| TokenError::BadSignature)?;
    let claims = wire::read(body).ok_or(TokenError::Malformed)?;
    if claims.playback_id != *playback_id {
        return Err(TokenError::OtherPlayback);
    }
    if claims.not_before_ms.is_some_and(|from| now_ms < from) {
        return Err(TokenError::NotYetValid);
    }
    if now_ms >= claims.expires_at_ms {
        return Err(TokenError::Expired);
    }
    Ok(claims)
}
