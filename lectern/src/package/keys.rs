//! Which track gets which key, and what licence systems are told.

use std::path::Path;

use demux::MediaKind;
use drm::signal::{Licensed, System};
use drm::{ContentKey, KeyId, KeySet, ProtectionScheme, TrackClass};
use packager::repack::Cuts;
use packager::{SystemSignal, TrackSignal};

use super::cpix::CpixKeys;
use super::plan::Planned;
use super::rotation::{Periods, Stretch, TrackEncryptor};
use super::survey::Surveyed;
use crate::exit::Failure;

/// Key files are short; a longer one is something else.
const MAX_KEY_FILE: u64 = 1 << 20;

/// How the presentation is to be protected.
#[derive(Debug)]
pub(crate) struct Protect {
    pub(crate) scheme: ProtectionScheme,
    pub(crate) keys: Keys,
    pub(crate) systems: Vec<System>,
    pub(crate) licence_url: Option<String>,
    /// Segments that start before this stay clear.
    pub(crate) clear_lead_ms: u32,
    /// How long a key is used, when keys change.
    pub(crate) crypto_period_ms: Option<u32>,
}

/// Where keys come from.
#[derive(Debug)]
pub(crate) enum Keys {
    /// A key file.
    File(KeySet),
    /// A CPIX document.
    Cpix(Box<CpixKeys>),
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

fn class_of(track: &Surveyed) -> Option<TrackClass> {
    match track.about.kind {
        MediaKind::Video { width, height, .. } => Some(TrackClass::of_video(width, height)),
        MediaKind::Audio { .. } => Some(TrackClass::Audio),
        MediaKind::Text => None,
    }
}

impl Keys {
    /// The key of a track in a crypto period, `None` where keys do not change; no key for what stays clear.
    fn of(&self, name: &str, track: &Surveyed, period: Option<u32>) -> Result<Option<(KeyId, ContentKey)>, Failure> {
        let Some(class) = class_of(track) else { return Ok(None) };
        match (self, period) {
            (Self::Cpix(document), _) => document.key_of(name, track, period),
            (Self::File(keys), None) => {
                let entry = keys.key_for(class).map_err(|error| Failure::config("keys.missing", error, ""))?;
                Ok(Some((entry.id, entry.key.clone())))
            }
            (Self::File(keys), Some(period)) => {
                let entry = keys.key_in(class, period).map_err(|error| Failure::config("keys.missing", error, ""))?;
                Ok(Some((entry.id, entry.key.clone())))
            }
        }
    }

    fn ids(&self) -> Vec<KeyId> {
        match self {
            Self::File(keys) => keys.key_ids(),
            Self::Cpix(document) => document.key_ids(),
        }
    }

    fn have_periods(&self) -> bool {
        match self {
            Self::File(keys) => keys.has_periods(),
            Self::Cpix(document) => document.has_periods(),
        }
    }

    /// What a system is told of a key where the keys' source says so itself.
    fn adjust(&self, id: KeyId, system: System, signal: &mut SystemSignal) {
        match self {
            Self::File(_) => {}
            Self::Cpix(document) => document.adjust(id, system, signal),
        }
    }
}

impl Protect {
    /// When keys change, for tracks that share their segments.
    pub(super) fn periods(&self, planned: &[Planned]) -> Result<Periods, Failure> {
        let Some(period_ms) = self.crypto_period_ms else {
            if self.keys.have_periods() {
                let detail = "the keys are for crypto periods, and how long one lasts is not said";
                return Err(Failure::config("keys.periods", detail, "add --crypto-period SECONDS"));
            }
            return Ok(Periods::one());
        };
        // All tracks are cut at the same borders; those of video are exact.
        let exact = planned.iter().find(|track| matches!(track.cuts, Cuts::Keyframes(_)));
        let Some(track) = exact.or(planned.first()) else { return Ok(Periods::one()) };
        let (Cuts::Keyframes(cuts) | Cuts::Nearest(cuts)) = &track.cuts;
        let scale = u64::from(track.record.timescale.get());
        Ok(Periods::new(cuts.iter().map(|&cut| micros(cut.max(0).unsigned_abs(), scale)), period_ms))
    }

    /// What encrypts a track and what is said of it; `None` for what stays clear, as text does.
    pub(crate) fn track(
        &self,
        name: &str,
        track: &Surveyed,
        periods: &Periods,
    ) -> Result<Option<(TrackEncryptor, TrackSignal)>, Failure> {
        let mut stretches: Vec<Stretch> = Vec::new();
        for &(from_us, period) in periods.starts() {
            let chosen = self.keys.of(name, track, self.crypto_period_ms.map(|_| period))?;
            match (chosen, stretches.last()) {
                (Some((id, _)), Some(last)) if id == last.id => {}
                (Some((id, key)), last) if last.is_some() || from_us == 0 => {
                    stretches.push(Stretch { from_us, id, key });
                }
                (None, None) => {}
                _ => {
                    let detail = format!("{name} has a key in some crypto periods and none in others");
                    return Err(Failure::config("keys.missing", detail, "give it one in each, or in none"));
                }
            }
        }
        let unfit = |error: drm::EncryptError| Failure::bad_input("input.unfit", format!("{name}: {error}"), "");
        let made = TrackEncryptor::new(self.scheme, name, &track.about.config, stretches).map_err(unfit)?;
        let Some(encryptor) = made else { return Ok(None) };
        let key_ids = self.keys.ids();
        let mut told: Option<TrackSignal> = None;
        for (stretch, protection) in encryptor.stretches().map_err(unfit)? {
            let licensed = Licensed {
                protection: &protection,
                key: &stretch.key,
                key_ids: &key_ids,
                licence_url: self.licence_url.as_deref(),
                skd_uri: None,
            };
            let adjust = |system, signal: &mut SystemSignal| self.keys.adjust(stretch.id, system, signal);
            let signal = TrackSignal::adjusted(&licensed, &self.systems, adjust);
            told = Some(match told {
                None => signal,
                Some(first) => first.then(stretch.from_us, signal),
            });
        }
        Ok(told.map(|signal| (encryptor, signal)))
    }
}

/// `ticks` in microseconds, rounded to nearest.
pub(super) fn micros(ticks: u64, scale: u64) -> u64 {
    let scale = u128::from(scale.max(1));
    u64::try_from((u128::from(ticks) * 2_000_000 + scale) / (2 * scale)).unwrap_or(u64::MAX)
}
