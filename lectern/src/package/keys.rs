//! Which track gets which key, and what licence systems are told.

use std::path::Path;

use demux::MediaKind;
use drm::signal::{Licensed, System};
use drm::{KeySet, ProtectionScheme, SegmentEncryptor, TrackClass};
use packager::TrackSignal;

use super::survey::Surveyed;
use crate::exit::Failure;

/// Key files are short; a longer one is something else.
const MAX_KEY_FILE: u64 = 1 << 20;

/// How the presentation is to be protected.
#[derive(Clone, Debug)]
pub(crate) struct Protect {
    pub(crate) scheme: ProtectionScheme,
    pub(crate) keys: KeySet,
    pub(crate) systems: Vec<System>,
    pub(crate) licence_url: Option<String>,
    /// Segments that start before this stay clear.
    pub(crate) clear_lead_ms: u32,
}

/// Reads a key file. What is wrong with it is told by line and column, never by its content.
pub(crate) fn read(path: &Path) -> Result<KeySet, Failure> {
    let fault = |detail: String| {
        Failure::config(
            "keys.unfit",
            format!("{}: {detail}", path.display()),
            "write one line KID:KEY, 32 hexadecimal digits each, or KID:KEY:audio, :sd, :hd, :uhd",
        )
    };
    let length = std::fs::metadata(path).map_err(|error| fault(error.to_string()))?.len();
    if length > MAX_KEY_FILE {
        return Err(fault(format!("{length} bytes are no key file")));
    }
    let text = zeroize::Zeroizing::new(std::fs::read_to_string(path).map_err(|error| fault(error.to_string()))?);
    KeySet::parse(&text).map_err(|error| fault(error.to_string()))
}

impl Protect {
    /// What encrypts a track and what is said of it; `None` for text, which stays clear.
    pub(crate) fn track(
        &self,
        name: &str,
        track: &Surveyed,
    ) -> Result<Option<(SegmentEncryptor, TrackSignal)>, Failure> {
        let class = match track.about.kind {
            MediaKind::Video { width, height, .. } => TrackClass::of_video(width, height),
            MediaKind::Audio { .. } => TrackClass::Audio,
            MediaKind::Text => return Ok(None),
        };
        let entry = self.keys.key_for(class).map_err(|error| Failure::config("keys.missing", error, ""))?;
        let encryptor = SegmentEncryptor::new(self.scheme, entry.id, &entry.key, name, &track.about.config)
            .map_err(|error| Failure::bad_input("input.unfit", format!("{name}: {error}"), ""))?;
        let key_ids = self.keys.key_ids();
        let licensed = Licensed {
            protection: encryptor.protection(),
            key: &entry.key,
            key_ids: &key_ids,
            licence_url: self.licence_url.as_deref(),
            skd_uri: None,
        };
        let signal = TrackSignal::new(&licensed, &self.systems);
        Ok(Some((encryptor, signal)))
    }
}
