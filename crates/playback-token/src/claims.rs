//! What a token says.

use std::fmt;

use media_types::PlaybackId;

/// The most keys that one token names.
pub const MAX_KEY_IDS: usize = 32;

/// What a token says about its holder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// The recording that may be played.
    pub playback_id: PlaybackId,
    /// From this moment on the token is worthless; milliseconds since 1970.
    pub expires_at_ms: i64,
    /// Before this moment it is worthless too; milliseconds since 1970.
    pub not_before_ms: Option<i64>,
    /// The content keys that a licence may hold, 1 to [`MAX_KEY_IDS`] of them; `None` means all of the recording.
    pub key_ids: Option<Vec<[u8; 16]>>,
    /// The viewing session that it was made for.
    pub session: Option<SessionId>,
    /// What its holder may do.
    pub policy: PlayPolicy,
}

impl Claims {
    /// The whole recording until `expires_at_ms`, for playing at once in any quality.
    pub fn new(playback_id: PlaybackId, expires_at_ms: i64) -> Self {
        Self {
            playback_id,
            expires_at_ms,
            not_before_ms: None,
            key_ids: None,
            session: None,
            policy: PlayPolicy::default(),
        }
    }

    /// Whether a licence may hold this key, as far as the list of keys goes.
    pub fn allows_key(&self, key_id: &[u8; 16]) -> bool {
        self.key_ids.as_ref().is_none_or(|allowed| allowed.contains(key_id))
    }

    /// From when on a licence is worthless; milliseconds since 1970.
    pub fn licence_until_ms(&self) -> i64 {
        self.policy.licence_until_ms.unwrap_or(self.expires_at_ms)
    }

    pub(crate) fn check(&self) -> Result<(), ClaimsError> {
        let times = [Some(self.expires_at_ms), self.not_before_ms, self.policy.licence_until_ms];
        if times.into_iter().flatten().any(|time| time < 0) {
            return Err(ClaimsError::Time);
        }
        if self.not_before_ms.is_some_and(|from| from >= self.expires_at_ms) {
            return Err(ClaimsError::Never);
        }
        match self.key_ids.as_ref().map(Vec::len) {
            Some(count) if !(1..=MAX_KEY_IDS).contains(&count) => Err(ClaimsError::KeyIds { count }),
            _ if self.policy.max_height == Some(0) => Err(ClaimsError::Height),
            _ => Ok(()),
        }
    }
}

/// What the holder of a token may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlayPolicy {
    /// Whether licences may be kept for playing without a network.
    pub may_persist: bool,
    /// The largest video, by its short side in pixels; `None` for any.
    pub max_height: Option<u16>,
    /// What a display must be connected with; `None` for anything.
    pub min_hdcp: Option<Hdcp>,
    /// From this moment on a licence is worthless, kept or not; milliseconds since 1970. `None` for the end of the token
    /// itself.
    pub licence_until_ms: Option<i64>,
}

/// A version of High-bandwidth Digital Content Protection (the W3C HDCP Version Registry).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hdcp {
    /// 1.0.
    V1_0,
    /// 1.1.
    V1_1,
    /// 1.2.
    V1_2,
    /// 1.3.
    V1_3,
    /// 1.4.
    V1_4,
    /// 2.0.
    V2_0,
    /// 2.1.
    V2_1,
    /// 2.2: the first one that Ultra HD is usually let out under.
    V2_2,
    /// 2.3.
    V2_3,
}

impl Hdcp {
    /// All versions, ascending.
    pub const ALL: [Hdcp; 9] =
        [Self::V1_0, Self::V1_1, Self::V1_2, Self::V1_3, Self::V1_4, Self::V2_0, Self::V2_1, Self::V2_2, Self::V2_3];

    /// As the registry writes it, such as `2.2`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1_0 => "1.0",
            Self::V1_1 => "1.1",
            Self::V1_2 => "1.2",
            Self::V1_3 => "1.3",
            Self::V1_4 => "1.4",
            Self::V2_0 => "2.0",
            Self::V2_1 => "2.1",
            Self::V2_2 => "2.2",
            Self::V2_3 => "2.3",
        }
    }

    /// The version of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.as_str() == name)
    }

    /// One byte: major and minor number.
    pub(crate) fn byte(self) -> u8 {
        match self.as_str().as_bytes() {
            [major, _, minor] => (major - b'0') << 4 | (minor - b'0'),
            _ => 0,
        }
    }

    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.byte() == byte)
    }
}

/// The name of a viewing session: 1 to 64 letters, digits, `-` or `_`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SessionId(String);

impl SessionId {
    /// From its text; `None` when that is empty, longer, or has other characters.
    pub fn new(text: impl Into<String>) -> Option<Self> {
        let text = text.into();
        let fine = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        ((1..=64).contains(&text.len()) && text.bytes().all(fine)).then_some(Self(text))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Claims that no token can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimsError {
    /// A moment before 1970.
    #[error("a token's times are milliseconds since 1970 and not negative")]
    Time,
    /// It would end before it begins.
    #[error("the token would expire before it is valid")]
    Never,
    /// No key, or too many.
    #[error("a token names 1 to {MAX_KEY_IDS} keys or all of them, not {count}")]
    KeyIds {
        /// Keys that were named.
        count: usize,
    },
    /// No picture is that small.
    #[error("the largest height of a token is at least 1")]
    Height,
}
