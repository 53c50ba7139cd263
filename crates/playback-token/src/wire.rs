//! The bytes of a token's body.
//!
//! Name of the signing key (length, text), nonce, flags, playback id (length, text), expiry; then what the flags announce,
//! in the order of their bits. Numbers are big-endian. There is one way to write given claims.

use media_types::PlaybackId;

use crate::claims::{Claims, Hdcp, MAX_KEY_IDS, PlayPolicy, SessionId};
use crate::token::NONCE_BYTES;

const MAY_PERSIST: u8 = 1;
const NOT_BEFORE: u8 = 1 << 1;
const KEY_IDS: u8 = 1 << 2;
const SESSION: u8 = 1 << 3;
const MAX_HEIGHT: u8 = 1 << 4;
const MIN_HDCP: u8 = 1 << 5;
const LICENCE_UNTIL: u8 = 1 << 6;
const ALL_FLAGS: u8 = MAY_PERSIST | NOT_BEFORE | KEY_IDS | SESSION | MAX_HEIGHT | MIN_HDCP | LICENCE_UNTIL;

/// The body of claims that [`Claims::check`] has passed.
pub(crate) fn write(key_name: &str, claims: &Claims, nonce: &[u8; NONCE_BYTES]) -> Vec<u8> {
    let Claims { playback_id, expires_at_ms, not_before_ms, key_ids, session, policy } = claims;
    let flag = |set: bool, flag: u8| if set { flag } else { 0 };
    let mut out = Vec::with_capacity(160);
    push_text(&mut out, key_name);
    out.extend_from_slice(nonce);
    out.push(
        flag(policy.may_persist, MAY_PERSIST)
            | flag(not_before_ms.is_some(), NOT_BEFORE)
            | flag(key_ids.is_some(), KEY_IDS)
            | flag(session.is_some(), SESSION)
            | flag(policy.max_height.is_some(), MAX_HEIGHT)
            | flag(policy.min_hdcp.is_some(), MIN_HDCP)
            | flag(policy.licence_until_ms.is_some(), LICENCE_UNTIL),
    );
    push_text(&mut out, playback_id.as_str());
    out.extend_from_slice(&expires_at_ms.to_be_bytes());
    if let Some(from) = not_before_ms {
        out.extend_from_slice(&from.to_be_bytes());
    }
    if let Some(ids) = key_ids {
        out.push(u8::try_from(ids.len()).expect("claims name at most 32 keys"));
        ids.iter().for_each(|id| out.extend_from_slice(id));
    }
    if let Some(session) = session {
        push_text(&mut out, session.as_str());
    }
    if let Some(height) = policy.max_height {
        out.extend_from_slice(&height.to_be_bytes());
    }
    if let Some(version) = policy.min_hdcp {
        out.push(version.byte());
    }
    if let Some(until) = policy.licence_until_ms {
        out.extend_from_slice(&until.to_be_bytes());
    }
    out
}

fn push_text(out: &mut Vec<u8>, text: &str) {
    out.push(u8::try_from(text.len()).expect("names and ids have at most 64 bytes"));
    out.extend_from_slice(text.as_bytes());
}

/// The name of the key that signed a body.
pub(crate) fn key_name(body: &[u8]) -> Option<&[u8]> {
    Reader(body).text()
}

/// The claims of a body whose signature is right; `None` when it has another form.
pub(crate) fn read(body: &[u8]) -> Option<Claims> {
    let mut body = Reader(body);
    let body = &mut body;
    body.text()?;
    body.take(NONCE_BYTES)?;
    let [flags] = body.array()?;
    if flags & !ALL_FLAGS != 0 {
        return None;
    }
    let playback_id = body.str()?.parse::<PlaybackId>().ok()?;
    let expires_at_ms = i64::from_be_bytes(body.array()?);
    let not_before_ms = match flags & NOT_BEFORE {
        0 => None,
        _ => Some(i64::from_be_bytes(body.array()?)),
    };
    let key_ids = match flags & KEY_IDS {
        0 => None,
        _ => Some(key_ids(body)?),
    };
    let session = match flags & SESSION {
        0 => None,
        _ => Some(SessionId::new(body.str()?)?),
    };
    let max_height = match flags & MAX_HEIGHT {
        0 => None,
        _ => Some(u16::from_be_bytes(body.array()?)),
    };
    let min_hdcp = match flags & MIN_HDCP {
        0 => None,
        _ => Some(hdcp(body)?),
    };
    let licence_until_ms = match flags & LICENCE_UNTIL {
        0 => None,
        _ => Some(i64::from_be_bytes(body.array()?)),
    };
    let policy = PlayPolicy { may_persist: flags & MAY_PERSIST != 0, max_height, min_hdcp, licence_until_ms };
    let claims = Claims { playback_id, expires_at_ms, not_before_ms, key_ids, session, policy };
    (body.0.is_empty() && claims.check().is_ok()).then_some(claims)
}

fn hdcp(body: &mut Reader<'_>) -> Option<Hdcp> {
    let [byte] = body.array()?;
    Hdcp::from_byte(byte)
}

fn key_ids(body: &mut Reader<'_>) -> Option<Vec<[u8; 16]>> {
    let [count] = body.array()?;
    if usize::from(count) > MAX_KEY_IDS {
        return None;
    }
    (0..count).map(|_| body.array()).collect()
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn text(&mut self) -> Option<&'a [u8]> {
        let [length] = self.array()?;
        self.take(usize::from(length))
    }

    fn str(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.text()?).ok()
    }
}
