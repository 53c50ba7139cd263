//! What a packager asks a key service for.

use std::collections::HashSet;

use drm::{Iv, KeyId, SystemId};

use super::{Request, TrackTypeError, Tracks, Version, headers};
use crate::model::{
    ContentKeyElement, ContentKeyPeriod, DeliveryData, Document, DrmSystem, HlsSignaling, Scheme, UsageRule,
};
use crate::{Certificate, PeriodTimeError};

/// Keys and signalling for one asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// The version to speak.
    pub version: Version,
    /// The asset.
    pub content_id: String,
    /// How the packager names itself in `X-Speke-User-Agent`.
    pub user_agent: Option<String>,
    /// The keys.
    pub keys: Vec<KeyAsk>,
    /// The licence systems, each for all the keys.
    pub systems: Vec<SystemAsk>,
    /// Key periods, with key rotation. Each has an `id`.
    pub periods: Vec<ContentKeyPeriod>,
    /// Whom the answer must encrypt the keys for; `None` for keys in clear, which TLS alone protects.
    pub recipient: Option<Certificate>,
}

/// One key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyAsk {
    /// Its id, chosen by the packager.
    pub kid: KeyId,
    /// What it will be used with: the same for all keys of a request.
    pub scheme: Scheme,
    /// The constant initialisation vector, where the licence system has to know it (FairPlay).
    pub explicit_iv: Option<Iv>,
    /// Which tracks it is for.
    pub tracks: Tracks,
    /// The `id` of its period, with key rotation.
    pub period: Option<String>,
}

/// What is wanted for one licence system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SystemAsk {
    /// Which.
    pub system_id: SystemId,
    /// A `pssh` box.
    pub pssh: bool,
    /// XML for `ContentProtection` of an MPD.
    pub content_protection_data: bool,
    /// Lines for HLS media playlists.
    pub hls_media: bool,
    /// Lines for the HLS multivariant playlist.
    pub hls_multivariant: bool,
    /// The header of a Smooth Streaming manifest.
    pub smooth_streaming: bool,
}

impl SystemAsk {
    /// Everything that HLS and DASH can use.
    pub const fn hls_and_dash(system_id: SystemId) -> Self {
        Self {
            system_id,
            pssh: true,
            content_protection_data: true,
            hls_media: true,
            hls_multivariant: true,
            smooth_streaming: false,
        }
    }
}

/// A request would break the rules of SPEKE v2.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// No asset is named.
    #[error("the request names no content")]
    NoContentId,
    /// Nothing is asked for.
    #[error("the request asks for no key")]
    NoKey,
    /// Nothing could play it.
    #[error("the request names no licence system")]
    NoSystem,
    /// Two keys of one id.
    #[error("key {0} is asked for twice")]
    DuplicateKey(KeyId),
    /// Two requests for one system.
    #[error("licence system {0} is asked for twice")]
    DuplicateSystem(SystemId),
    /// All keys of a request have one scheme.
    #[error("key {0} has another scheme than the first key")]
    MixedSchemes(KeyId),
    /// The tracks of a key.
    #[error("key {kid}: {problem}")]
    Tracks {
        /// Which key.
        kid: KeyId,
        /// What is wrong.
        problem: TrackTypeError,
    },
    /// A track type has one key in each period.
    #[error("key {0} is for the same tracks as another of its period")]
    SameTracks(KeyId),
    /// With rotation every key has its period, without none.
    #[error("key {0} names no key period of the request")]
    Period(KeyId),
    /// A period without an id, with that of another, or with neither index nor times.
    #[error("key period {0} has no id of its own, or neither an index nor times")]
    PeriodId(usize),
    /// Times of periods, which SPEKE 2.0 does not know.
    #[error("key period {0} states times, which SPEKE 2.0 does not know")]
    PeriodTimes(usize),
    /// The times make no sense.
    #[error("key period {index}: {problem}")]
    PeriodTime {
        /// 0-based place.
        index: usize,
        /// What is wrong.
        problem: PeriodTimeError,
    },
}

impl Ask {
    /// The request to send.
    ///
    /// # Errors
    /// See [`AskError`].
    pub fn request(&self) -> Result<Request, AskError> {
        let body = self.document()?.to_xml();
        Ok(Request { method: "POST", headers: headers(self.version, self.user_agent.as_deref()), body })
    }

    /// The document of the request: all that is asked for is there and empty.
    ///
    /// # Errors
    /// See [`AskError`].
    pub fn document(&self) -> Result<Document, AskError> {
        self.check()?;
        let delivery = self
            .recipient
            .iter()
            .map(|recipient| DeliveryData { certificates: vec![recipient.der().to_vec()], ..DeliveryData::default() });
        let keys = self.keys.iter().map(|key| ContentKeyElement {
            explicit_iv: key.explicit_iv,
            scheme: Some(key.scheme.clone()),
            ..ContentKeyElement::new(key.kid)
        });
        let systems = self.keys.iter().flat_map(|key| self.systems.iter().map(|system| system.element(key.kid)));
        let rules = self.keys.iter().map(|key| UsageRule {
            intended_track_type: Some(key.tracks.name.clone()),
            periods: key.period.iter().cloned().collect(),
            video: key.tracks.video.clone(),
            audio: key.tracks.audio.clone(),
            ..UsageRule::new(key.kid)
        });
        Ok(Document {
            content_id: Some(self.content_id.clone()),
            version: Some(self.version.cpix().to_owned()),
            delivery: delivery.collect(),
            keys: keys.collect(),
            drm_systems: systems.collect(),
            periods: self.periods.clone(),
            usage_rules: rules.collect(),
            ..Document::default()
        })
    }

    fn check(&self) -> Result<(), AskError> {
        if self.content_id.is_empty() {
            return Err(AskError::NoContentId);
        }
        let first = self.keys.first().ok_or(AskError::NoKey)?;
        if self.systems.is_empty() {
            return Err(AskError::NoSystem);
        }
        let mut systems = HashSet::new();
        if let Some(twice) = self.systems.iter().find(|system| !systems.insert(system.system_id)) {
            return Err(AskError::DuplicateSystem(twice.system_id));
        }
        let periods = self.check_periods()?;
        let (mut kids, mut tracks) = (HashSet::new(), HashSet::new());
        for key in &self.keys {
            let kid = key.kid;
            key.tracks.check().map_err(|problem| AskError::Tracks { kid, problem })?;
            if !kids.insert(kid) {
                return Err(AskError::DuplicateKey(kid));
            }
            if key.scheme != first.scheme {
                return Err(AskError::MixedSchemes(kid));
            }
            let known = match key.period.as_deref() {
                Some(id) => periods.contains(id),
                None => periods.is_empty(),
            };
            if !known {
                return Err(AskError::Period(kid));
            }
            if !tracks.insert((key.period.as_deref(), key.tracks.name.as_str())) {
                return Err(AskError::SameTracks(kid));
            }
        }
        Ok(())
    }

    fn check_periods(&self) -> Result<HashSet<&str>, AskError> {
        let mut ids = HashSet::new();
        for (index, period) in self.periods.iter().enumerate() {
            let timed = [&period.start, &period.end, &period.start_offset, &period.end_offset, &period.duration]
                .into_iter()
                .any(Option::is_some);
            let id = period.id.as_deref().filter(|id| ids.insert(*id));
            if id.is_none() || (period.index.is_none() && !timed) {
                return Err(AskError::PeriodId(index));
            }
            if timed && self.version == Version::V2_0 {
                return Err(AskError::PeriodTimes(index));
            }
            period.check().map_err(|problem| AskError::PeriodTime { index, problem })?;
        }
        Ok(ids)
    }
}

impl SystemAsk {
    fn element(&self, kid: KeyId) -> DrmSystem {
        let text = |wanted: bool| wanted.then(String::new);
        DrmSystem {
            pssh: self.pssh.then(Vec::new),
            content_protection_data: text(self.content_protection_data),
            hls_signaling: HlsSignaling { media: text(self.hls_media), multivariant: text(self.hls_multivariant) },
            smooth_streaming_protection_header_data: text(self.smooth_streaming),
            ..DrmSystem::new(kid, self.system_id)
        }
    }
}
