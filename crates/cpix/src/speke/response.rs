//! What a key service answered, held against what it was asked.

use drm::{ContentKey, KeyId, Pssh, SystemId};

use super::{Ask, Response, USER_AGENT_HEADER, VERSION_HEADER, header};
use crate::encryption::{MacPolicy, OpenError};
use crate::error::ParseError;
use crate::model::{Document, DrmSystem, KeyData, UsageRule};
use crate::{PrivateKey, Random};

/// An answer that fits what was asked.
pub struct Answer {
    /// The keys asked for, in the order they were asked for, decrypted.
    pub keys: Vec<(KeyId, ContentKey)>,
    /// The whole document as it was sent: signalling, HDCP, robustness.
    pub document: Document,
    /// Signalling that was asked for and not sent: a service may leave out what a system does not have.
    pub missing: Vec<MissingSignal>,
    /// How the service names itself.
    pub user_agent: Option<String>,
}

impl Answer {
    /// The key of that id.
    pub fn key(&self, kid: KeyId) -> Option<&ContentKey> {
        self.keys.iter().find(|(known, _)| *known == kid).map(|(_, key)| key)
    }

    /// What a system needs for a key.
    pub fn system(&self, kid: KeyId, system_id: SystemId) -> Option<&DrmSystem> {
        self.document.drm_systems.iter().find(|system| system.kid == kid && system.system_id == system_id)
    }
}

/// A kind of signalling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// A `pssh` box.
    Pssh,
    /// XML for an MPD.
    ContentProtectionData,
    /// Lines for HLS media playlists.
    HlsMedia,
    /// Lines for the HLS multivariant playlist.
    HlsMultivariant,
    /// The header of a Smooth Streaming manifest.
    SmoothStreaming,
}

/// Signalling that was asked for and not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MissingSignal {
    /// For which key.
    pub kid: KeyId,
    /// Of which system.
    pub system_id: SystemId,
    /// What.
    pub signal: Signal,
}

/// A response cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// The service refused the request.
    #[error("the key service refused the request with status {status}{message}")]
    Refused {
        /// HTTP status, 4xx.
        status: u16,
        /// What it said, if that is plain text; begins with a colon when there is anything.
        message: String,
    },
    /// The service failed.
    #[error("the key service failed with status {status}{message}")]
    Failed {
        /// HTTP status, 5xx.
        status: u16,
        /// As in [`AnswerError::Refused`].
        message: String,
    },
    /// A status that SPEKE does not have.
    #[error("the key service answered with status {0}")]
    Status(u16),
    /// The answer is in another version.
    #[error("the key service answered in another version than {0} of SPEKE")]
    Version(&'static str),
    /// The document cannot be read.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// The document is about another asset.
    #[error("the answer is about other content than was asked for")]
    ContentId,
    /// A key that was asked for is not there.
    #[error("the answer does not have key {0}")]
    NoKey(KeyId),
    /// A key is there twice.
    #[error("the answer has key {0} twice")]
    DuplicateKey(KeyId),
    /// A key that nobody asked for.
    #[error("the answer has key {0}, which was not asked for")]
    UnknownKey(KeyId),
    /// Keys in clear although they were to be encrypted.
    #[error("the answer has key {0} in clear, although encryption was asked for")]
    Clear(KeyId),
    /// Encrypted keys although nobody can open them.
    #[error("the answer has key {0} encrypted, although no encryption was asked for")]
    Encrypted(KeyId),
    /// The encrypted keys cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The scheme was changed.
    #[error("the answer has key {0} for another scheme than was asked for")]
    Scheme(KeyId),
    /// The initialisation vector was changed.
    #[error("the answer has key {0} with another explicit initialisation vector than was asked for")]
    ExplicitIv(KeyId),
    /// The rules were changed: the key would protect other tracks.
    #[error("the usage rules of key {0} are not those asked for")]
    UsageRules(KeyId),
    /// A system is not there.
    #[error("the answer does not have licence system {system_id} for key {kid}")]
    NoSystem {
        /// For which key.
        kid: KeyId,
        /// Which system.
        system_id: SystemId,
    },
    /// A `pssh` box is malformed, of another system, or for other keys.
    #[error("the pssh box of licence system {system_id} for key {kid} is malformed or not for them")]
    Pssh {
        /// For which key.
        kid: KeyId,
        /// Of which system.
        system_id: SystemId,
    },
}

impl AnswerError {
    /// Whether the same request may succeed later.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Failed { .. } | Self::Refused { status: 408 | 425 | 429, .. })
    }
}

impl Ask {
    /// Checks a response against this request. `recipient` is the private key of [`Ask::recipient`].
    ///
    /// # Errors
    /// See [`AnswerError`].
    pub fn interpret(
        &self,
        response: &Response,
        recipient: Option<(&PrivateKey, MacPolicy)>,
        random: &mut Random<'_>,
    ) -> Result<Answer, AnswerError> {
        match response.status {
            200 => {}
            status @ 400..500 => return Err(AnswerError::Refused { status, message: message(response) }),
            status @ 500..600 => return Err(AnswerError::Failed { status, message: message(response) }),
            status => return Err(AnswerError::Status(status)),
        }
        let version = self.version.speke();
        if header(&response.headers, VERSION_HEADER).is_some_and(|found| found.trim() != version) {
            return Err(AnswerError::Version(version));
        }
        let document = Document::parse(response.body.as_bytes())?;
        if document.version.as_deref().is_some_and(|found| found != self.version.cpix()) {
            return Err(AnswerError::Version(version));
        }
        if document.content_id.as_deref().is_some_and(|found| found != self.content_id) {
            return Err(AnswerError::ContentId);
        }
        self.check_keys(&document)?;
        self.check_rules(&document)?;
        let missing = self.check_systems(&document)?;
        let mut opened = document.content_keys(recipient, random)?;
        let mut keys = Vec::with_capacity(self.keys.len());
        for asked in &self.keys {
            let found = opened.iter().position(|(kid, _)| *kid == asked.kid);
            keys.push(opened.swap_remove(found.ok_or(AnswerError::NoKey(asked.kid))?));
        }
        let user_agent = header(&response.headers, USER_AGENT_HEADER).map(str::to_owned);
        Ok(Answer { keys, document, missing, user_agent })
    }

    fn check_keys(&self, document: &Document) -> Result<(), AnswerError> {
        for (index, key) in document.keys.iter().enumerate() {
            let kid = key.kid;
            let asked = self.keys.iter().find(|asked| asked.kid == kid).ok_or(AnswerError::UnknownKey(kid))?;
            if document.keys[..index].iter().any(|other| other.kid == kid) {
                return Err(AnswerError::DuplicateKey(kid));
            }
            match (&key.data, &self.recipient) {
                (KeyData::None, _) => return Err(AnswerError::NoKey(kid)),
                (KeyData::Plain(_), Some(_)) => return Err(AnswerError::Clear(kid)),
                (KeyData::Encrypted(_), None) => return Err(AnswerError::Encrypted(kid)),
                _ => {}
            }
            if key.scheme.as_ref().is_some_and(|scheme| *scheme != asked.scheme) {
                return Err(AnswerError::Scheme(kid));
            }
            if asked.explicit_iv.is_some() && key.explicit_iv.is_some() && asked.explicit_iv != key.explicit_iv {
                return Err(AnswerError::ExplicitIv(kid));
            }
        }
        let absent = self.keys.iter().find(|asked| document.key(asked.kid).is_none());
        absent.map_or(Ok(()), |asked| Err(AnswerError::NoKey(asked.kid)))
    }

    /// Filters may come in another order, but none may be added, dropped or changed. SPEKE ignores bit rates and colour
    /// gamuts in an answer.
    fn check_rules(&self, document: &Document) -> Result<(), AnswerError> {
        let mut rules: Vec<&UsageRule> = document.usage_rules.iter().collect();
        for asked in &self.keys {
            let same = |rule: &&UsageRule| {
                let video: Vec<_> = rule.video.iter().map(|f| crate::VideoFilter { wcg: None, ..*f }).collect();
                rule.kid == asked.kid
                    && rule.intended_track_type.as_ref() == Some(&asked.tracks.name)
                    && rule.periods.iter().eq(asked.period.iter())
                    && rule.labels.is_empty()
                    && !rule.unknown_filters
                    && same_members(&video, &asked.tracks.video)
                    && same_members(&rule.audio, &asked.tracks.audio)
            };
            let found = rules.iter().position(same).ok_or(AnswerError::UsageRules(asked.kid))?;
            rules.swap_remove(found);
        }
        rules.first().map_or(Ok(()), |rule| Err(AnswerError::UsageRules(rule.kid)))
    }

    fn check_systems(&self, document: &Document) -> Result<Vec<MissingSignal>, AnswerError> {
        let mut missing = Vec::new();
        for (kid, asked) in self.keys.iter().flat_map(|key| self.systems.iter().map(move |s| (key.kid, s))) {
            let system_id = asked.system_id;
            let mut of_both = document.drm_systems.iter().filter(|s| s.kid == kid && s.system_id == system_id);
            let found = of_both.next().ok_or(AnswerError::NoSystem { kid, system_id })?;
            let filled = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
            let signals = [
                (asked.pssh, found.pssh.as_ref().is_some_and(|pssh| !pssh.is_empty()), Signal::Pssh),
                (asked.content_protection_data, filled(&found.content_protection_data), Signal::ContentProtectionData),
                (asked.hls_media, filled(&found.hls_signaling.media), Signal::HlsMedia),
                (asked.hls_multivariant, filled(&found.hls_signaling.multivariant), Signal::HlsMultivariant),
                (
                    asked.smooth_streaming,
                    filled(&found.smooth_streaming_protection_header_data),
                    Signal::SmoothStreaming,
                ),
            ];
            let absent = signals.into_iter().filter(|(wanted, there, _)| *wanted && !there);
            missing.extend(absent.map(|(_, _, signal)| MissingSignal { kid, system_id, signal }));
            if let Some(pssh) = found.pssh.as_ref().filter(|pssh| !pssh.is_empty()) {
                let parsed = Pssh::parse(pssh).ok().filter(|parsed| parsed.system_id == system_id);
                let kids = parsed.ok_or(AnswerError::Pssh { kid, system_id })?.all_key_ids();
                if !kids.is_empty() && !kids.contains(&kid) {
                    return Err(AnswerError::Pssh { kid, system_id });
                }
            }
        }
        Ok(missing)
    }
}

fn same_members<T: PartialEq>(found: &[T], asked: &[T]) -> bool {
    found.len() == asked.len()
        && asked.iter().all(|one| {
            found.iter().filter(|other| *other == one).count() == asked.iter().filter(|other| *other == one).count()
        })
}

/// The first line of a refusal when it is plain text: markup might be a document with keys.
fn message(response: &Response) -> String {
    let text = response.body.as_str();
    if text.contains(['<', '{']) {
        return String::new();
    }
    let line = text.trim().lines().next().unwrap_or_default();
    let line: String = line.chars().filter(|c| !c.is_control()).take(200).collect();
    if line.is_empty() { line } else { format!(": {line}") }
}
