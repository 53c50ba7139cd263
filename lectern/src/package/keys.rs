//! Which track gets which key, and what licence systems are told.

use std::path::Path;

use demux::MediaKind;
use drm::signal::{Licensed, System};
use drm::{ContentKey, Iv, KeyId, KeySet, ProtectionScheme, TrackClass, TrackProtection};
use packager::repack::Cuts;
use packager::{SystemSignal, TrackSignal};

use super::cpix::{CpixKeys, Span, Used};
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
    KeySet::parse(&text(path)?).map_err(|error| fault(path, &error))
}

/// What a key file holds.
pub(super) fn text(path: &Path) -> Result<zeroize::Zeroizing<String>, Failure> {
    let length = std::fs::metadata(path).map_err(|error| fault(path, &error))?.len();
    if length > MAX_KEY_FILE {
        return Err(fault(path, &format!("{length} bytes are no key file")));
    }
    Ok(zeroize::Zeroizing::new(std::fs::read_to_string(path).map_err(|error| fault(path, &error))?))
}

/// That a key file cannot be used.
pub(super) fn fault(path: &Path, detail: &dyn std::fmt::Display) -> Failure {
    Failure::config(
        "keys.unfit",
        format!("{}: {detail}", path.display()),
        "write one line KID:KEY, 32 hexadecimal digits each, or KID:KEY:audio, :sd, :hd, :uhd",
    )
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
    pub(super) fn of(
        &self,
        name: &str,
        track: &Surveyed,
        period: Option<u32>,
    ) -> Result<Option<(KeyId, ContentKey)>, Failure> {
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

    /// The constant initialisation vector that the keys' source has chosen.
    fn explicit_iv(&self, id: KeyId) -> Option<Iv> {
        match self {
            Self::File(_) => None,
            Self::Cpix(document) => document.explicit_iv(id),
        }
    }

    /// Whether the keys' source says itself when each of its periods begins.
    fn spans(&self) -> &[Span] {
        match self {
            Self::File(_) => &[],
            Self::Cpix(document) => document.spans(),
        }
    }

    /// What systems without a name here are told of a key.
    fn others(&self, id: KeyId) -> Vec<SystemSignal> {
        match self {
            Self::File(_) => Vec::new(),
            Self::Cpix(document) => document.others(id),
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
        let spans = self.keys.spans();
        match self.crypto_period_ms {
            Some(_) if !spans.is_empty() => {
                let detail = "the CPIX document says itself when its key periods begin";
                return Err(Failure::config("keys.periods", detail, "leave out --crypto-period"));
            }
            None if spans.is_empty() && self.keys.have_periods() => {
                let detail = "the keys are for crypto periods, and how long one lasts is not said";
                return Err(Failure::config("keys.periods", detail, "add --crypto-period SECONDS"));
            }
            None if spans.is_empty() => return Ok(Periods::one()),
            _ => {}
        }
        // All tracks are cut at the same borders; those of video are exact.
        let exact = planned.iter().find(|track| matches!(track.cuts, Cuts::Keyframes(_)));
        let Some(track) = exact.or(planned.first()) else { return Ok(Periods::one()) };
        let (Cuts::Keyframes(cuts) | Cuts::Nearest(cuts)) = &track.cuts;
        let scale = u64::from(track.record.timescale.get());
        let borders = cuts.iter().map(|&cut| micros(cut.max(0).unsigned_abs(), scale));
        Ok(match self.crypto_period_ms {
            Some(period_ms) => Periods::new(borders, period_ms),
            None => Periods::from_starts(borders, &spans.iter().map(|span| span.start_us).collect::<Vec<_>>()),
        })
    }

    /// When a period begins and ends by itself, without regard to segments.
    fn span(&self, period: u32) -> Option<Span> {
        let Some(ms) = self.crypto_period_ms else { return self.keys.spans().get(period as usize).copied() };
        let at = |count: u64| u64::from(ms).saturating_mul(count).saturating_mul(1000);
        Some(Span { start_us: at(period.into()), end_us: at(u64::from(period) + 1) })
    }

    fn keys_change(&self) -> bool {
        self.crypto_period_ms.is_some() || !self.keys.spans().is_empty()
    }

    /// What should be known of how keys are used.
    pub(super) fn notes(&self) -> Vec<String> {
        let chosen = self.keys.ids().into_iter().any(|id| self.keys.explicit_iv(id).is_some());
        let note = "the CPIX document's explicitIV is for schemes with a constant initialisation vector, as cbcs; each sample \
                    has one of its own here";
        Vec::from_iter((chosen && self.scheme != ProtectionScheme::Cbcs).then(|| note.to_owned()))
    }

    /// The keys of a track, one after another; none for what stays clear.
    fn stretches(&self, name: &str, track: &Surveyed, periods: &Periods) -> Result<Vec<Stretch>, Failure> {
        let mut stretches: Vec<Stretch> = Vec::new();
        for &(from_us, period) in periods.starts() {
            let chosen = self.keys.of(name, track, self.keys_change().then_some(period))?;
            match (chosen, stretches.last()) {
                (Some((id, _)), Some(last)) if id == last.id => {}
                (Some((id, key)), last) if last.is_some() || from_us == 0 => {
                    stretches.push(Stretch { from_us, id, key, iv: self.keys.explicit_iv(id) });
                }
                (None, None) => {}
                _ => {
                    let detail = format!("{name} has a key in some crypto periods and none in others");
                    return Err(Failure::config("keys.missing", detail, "give it one in each, or in none"));
                }
            }
        }
        Ok(stretches)
    }

    /// What is said of a key of a track, and what of it each system was told.
    fn signal(&self, stretch: &Stretch, protection: &TrackProtection) -> (TrackSignal, Vec<(System, SystemSignal)>) {
        let key_ids = self.keys.ids();
        let licensed = Licensed {
            protection,
            key: &stretch.key,
            key_ids: &key_ids,
            licence_url: self.licence_url.as_deref(),
            skd_uri: None,
        };
        let mut told = Vec::new();
        let mut signal = TrackSignal::adjusted(&licensed, &self.systems, |system, signal: &mut SystemSignal| {
            self.keys.adjust(stretch.id, system, signal);
            told.push((system, signal.clone()));
        });
        self.keys.others(stretch.id).into_iter().for_each(|other| signal.add(other));
        (signal, told)
    }

    /// The keys of a track as they are used, for those who hand out licences.
    pub(super) fn used(&self, name: &str, track: &Surveyed, periods: &Periods) -> Result<Vec<Used>, Failure> {
        let unfit = |error: drm::EncryptError| Failure::bad_input("input.unfit", format!("{name}: {error}"), "");
        let stretches = self.stretches(name, track, periods)?;
        let made = TrackEncryptor::new(self.scheme, name, &track.about.config, stretches).map_err(unfit)?;
        let Some((encryptor, class)) = made.zip(class_of(track)) else { return Ok(Vec::new()) };
        let known = encryptor.stretches().map_err(unfit)?;
        let mut used = Vec::new();
        for &(from_us, period) in periods.starts() {
            let current = known.iter().rev().find(|(stretch, _)| stretch.from_us <= from_us);
            let Some((stretch, protection)) = current else { continue };
            used.push(Used {
                track: name.to_owned(),
                class,
                id: stretch.id,
                key: stretch.key.clone(),
                iv: protection.constant_iv,
                period: self.span(period).map(|span| (period, span)),
                told: self.signal(stretch, protection).1,
            });
        }
        Ok(used)
    }

    /// What encrypts a track and what is said of it; `None` for what stays clear, as text does.
    pub(crate) fn track(
        &self,
        name: &str,
        track: &Surveyed,
        periods: &Periods,
    ) -> Result<Option<(TrackEncryptor, TrackSignal)>, Failure> {
        let stretches = self.stretches(name, track, periods)?;
        let unfit = |error: drm::EncryptError| Failure::bad_input("input.unfit", format!("{name}: {error}"), "");
        let made = TrackEncryptor::new(self.scheme, name, &track.about.config, stretches).map_err(unfit)?;
        let Some(encryptor) = made else { return Ok(None) };
        let mut told: Option<TrackSignal> = None;
        for (stretch, protection) in encryptor.stretches().map_err(unfit)? {
            let (signal, _) = self.signal(stretch, &protection);
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
