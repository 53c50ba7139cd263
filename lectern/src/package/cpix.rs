//! Keys from a CPIX document (DASH-IF CPIX 2.4), and the keys that were used as another.
//!
//! - [`CpixKeys`]: which track gets which key, and when.
//! - `told`: what licence systems are told of it.
//! - [`Handover`]: the keys that were used, for those who hand out licences.

mod handover;
mod told;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use cpix::encryption::MacPolicy;
use cpix::select::{Media, Track};
use cpix::signature::{Part, verify_integrity};
use cpix::{Certificate, Document, DocumentProblem, KeyData, PrivateKey, Scheme};
use demux::MediaKind;
use drm::signal::System;
use drm::{ContentKey, Iv, KeyId, ProtectionScheme};
use packager::SystemSignal;
use zeroize::Zeroizing;

use super::survey::Surveyed;
use crate::exit::Failure;

pub(crate) use handover::Handover;
pub(super) use handover::Used;
use told::Told;

/// Longer documents are something else; so are longer private keys and certificates.
const MAX_DOCUMENT: u64 = 16 << 20;
const MAX_PEM: u64 = 1 << 20;

/// A stretch of time of the presentation, in microseconds from its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start_us: u64,
    pub(super) end_us: u64,
}

/// A document whose keys are in clear, and what of it is used.
pub(crate) struct CpixKeys {
    path: PathBuf,
    document: Document,
    keys: Vec<(KeyId, ContentKey)>,
    told: Vec<Told>,
    /// When key periods are, with their ids, where the document says it; ascending.
    spans: Vec<Span>,
    span_ids: Vec<String>,
}

impl std::fmt::Debug for CpixKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CpixKeys").field("path", &self.path).finish_non_exhaustive()
    }
}

fn bounded(path: &Path, most: u64) -> Result<Zeroizing<Vec<u8>>, String> {
    let mut bytes = Zeroizing::new(Vec::new());
    let file = File::open(path).map_err(|error| error.to_string())?;
    file.take(most + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > most { Err(format!("more than {most} bytes")) } else { Ok(bytes) }
}

fn fault(path: &Path, detail: impl std::fmt::Display, hint: &str) -> Failure {
    Failure::config("keys.unfit", format!("{}: {detail}", path.display()), hint)
}

impl CpixKeys {
    /// Reads a document; one whose keys are encrypted needs the private key of a recipient, and where a signer is trusted all
    /// that it says of keys must be signed by that one. What is wrong with it is told by line and column, never by its
    /// content.
    pub(crate) fn read(path: &Path, private_key: Option<&Path>, signer: Option<&Path>) -> Result<Self, Failure> {
        let bytes = bounded(path, MAX_DOCUMENT).map_err(|error| fault(path, error, ""))?;
        if let Some(signer) = signer {
            require_signature(path, &bytes, signer)?;
        }
        let private_key = private_key.map(read_private_key).transpose()?;
        Self::parse(path, &bytes, private_key.as_ref())
    }

    /// Takes a document that came from somewhere; `path` names it in messages. Signatures in it must hold, whoever made
    /// them.
    pub(crate) fn parse(path: &Path, bytes: &[u8], private_key: Option<&PrivateKey>) -> Result<Self, Failure> {
        let hint = "it was changed after it was signed; ask the key service for it again";
        verify_integrity(bytes).map_err(|error| fault(path, error, hint))?;
        let document = Document::parse(bytes).map_err(|error| fault(path, error, ""))?;
        if let Some(problem) = document.problems().into_iter().find(misleads) {
            return Err(fault(path, problem, "ask the key service for a document without it"));
        }
        if private_key.is_none() && document.keys.iter().any(|key| matches!(key.data, KeyData::Encrypted(_))) {
            let hint = "add --cpix-key with the PEM file of a recipient's private key";
            return Err(fault(path, "its keys are encrypted", hint));
        }
        let keys = match private_key {
            Some(key) => document.content_keys(Some((key, MacPolicy::IfPresent)), &mut random(path)?),
            None => document.content_keys(None, &mut |_| {}),
        };
        let keys = keys.map_err(|error| fault(path, error, "is it the private key of a recipient?"))?;
        let told = told::all(&document).map_err(|detail| fault(path, detail, ""))?;
        let (spans, span_ids) = spans(&document).map_err(|detail| fault(path, detail, ""))?.into_iter().unzip();
        Ok(Self { path: path.to_owned(), document, keys, told, spans, span_ids })
    }

    /// The scheme to encrypt under: the one that is `asked` for, else the one that all keys state.
    pub(crate) fn scheme(&self, asked: Option<ProtectionScheme>) -> Result<ProtectionScheme, Failure> {
        let stated = || self.document.keys.iter().filter_map(|key| key.scheme.as_ref());
        let wanted = match (asked, stated().next().cloned()) {
            (Some(scheme), _) | (None, Some(Scheme::Cenc(scheme))) => scheme,
            (None, Some(Scheme::Other(_))) => {
                return Err(fault(&self.path, "its keys are for a scheme that is not one of Common Encryption", ""));
            }
            (None, None) => {
                return Err(fault(&self.path, "no key states a scheme", "add --scheme cbcs or --scheme cenc"));
            }
        };
        match stated().find(|scheme| **scheme != Scheme::Cenc(wanted)) {
            None => Ok(wanted),
            Some(Scheme::Cenc(other)) => {
                let detail = format!("it has keys for {other}, and {wanted} is asked for");
                Err(fault(&self.path, detail, "ask the key service for keys of one scheme"))
            }
            Some(Scheme::Other(_)) => {
                Err(fault(&self.path, "it has keys for a scheme that is not one of Common Encryption", ""))
            }
        }
    }

    /// The names of all keys, ascending.
    pub(super) fn key_ids(&self) -> Vec<KeyId> {
        let mut ids: Vec<KeyId> = self.keys.iter().map(|(id, _)| *id).collect();
        ids.sort_unstable();
        ids
    }

    pub(super) fn has_periods(&self) -> bool {
        !self.document.periods.is_empty()
    }

    /// When key periods are, where the document says it; ascending.
    pub(super) fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// The initialisation vector that came with a key.
    pub(super) fn explicit_iv(&self, id: KeyId) -> Option<Iv> {
        self.document.key(id)?.explicit_iv
    }

    /// The key that usage rules give a track, in a crypto period if keys change; `None` when none of them matches. A
    /// document of one key and without rules gives it to all tracks.
    pub(super) fn key_of(
        &self,
        name: &str,
        track: &Surveyed,
        period: Option<u32>,
    ) -> Result<Option<(KeyId, ContentKey)>, Failure> {
        let period = period.map(|index| self.period_id(index)).transpose()?;
        let mut labels = vec![name];
        labels.extend(track.about.label.as_deref());
        let of = Track { media: media(track), bitrate_bps: bitrate(track), labels: &labels, period };
        let chosen = match &self.document.keys[..] {
            [only] if self.document.usage_rules.is_empty() => Some(only.kid),
            _ => self.document.key_for(&of).map_err(|error| {
                let hint = "usage rules must give each track one key by what is known of it";
                fault(&self.path, format!("{name}: {error}"), hint)
            })?,
        };
        let Some(id) = chosen else { return Ok(None) };
        let key = self.keys.iter().find(|(known, _)| *known == id).ok_or_else(|| {
            let detail = format!("{name} gets content key {id}, whose value is not in the document");
            fault(&self.path, detail, "ask the key service to fill it in")
        })?;
        Ok(Some((id, key.1.clone())))
    }

    fn period_id(&self, index: u32) -> Result<&str, Failure> {
        if !self.spans.is_empty() {
            // Crypto periods are these, by their order.
            return Ok(self.span_ids.get(index as usize).map_or("", String::as_str));
        }
        let period = self.document.periods.iter().find(|period| period.index == Some(index));
        period.and_then(|period| period.id.as_deref()).ok_or_else(|| {
            let detail = format!("no ContentKeyPeriod has index {index} and an id");
            let hint = format!(
                "add <ContentKeyPeriod id=\"period_{index}\" index=\"{index}\"/>, and usage rules with a KeyPeriodFilter for \
                 it"
            );
            fault(&self.path, detail, &hint)
        })
    }

    /// Replaces what a system would be told of a key by what the document says, where it says something.
    pub(super) fn adjust(&self, id: KeyId, system: System, signal: &mut SystemSignal) {
        if let Some(told) = self.told.iter().find(|told| told.id == id && told.system == Some(system)) {
            told.adjust(signal);
        }
    }

    /// What systems that have no name here are told of a key.
    pub(super) fn others(&self, id: KeyId) -> Vec<SystemSignal> {
        self.told.iter().filter(|told| told.id == id && told.system.is_none()).map(Told::signal).collect()
    }
}

/// Problems that leave open which key a track gets, or what a system is told.
fn misleads(problem: &DocumentProblem) -> bool {
    use DocumentProblem as P;
    matches!(
        problem,
        P::DuplicateKey(_)
            | P::RuleForRoot(_)
            | P::UnknownPeriod(_)
            | P::DuplicatePeriod(_)
            | P::UnknownFilter(_)
            | P::DuplicateSystem(_)
    )
}

/// The text of a PEM file.
fn read_pem(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let bytes = bounded(path, MAX_PEM).map_err(|error| fault(path, error, ""))?;
    let text = std::str::from_utf8(&bytes).map_err(|_| fault(path, "no PEM text", ""))?;
    Ok(Zeroizing::new(text.to_owned()))
}

fn read_private_key(path: &Path) -> Result<PrivateKey, Failure> {
    let hint = "write it as PEM, without a passphrase";
    PrivateKey::from_pem(&read_pem(path)?).map_err(|error| fault(path, error, hint))
}

fn read_certificate(path: &Path) -> Result<Certificate, Failure> {
    Certificate::from_pem(&read_pem(path)?).map_err(|error| fault(path, error, "write it as PEM, with an RSA key"))
}

/// Bytes of the system's own randomness.
pub(super) fn random(path: &Path) -> Result<impl FnMut(&mut [u8]), Failure> {
    let mut source = File::open("/dev/urandom").map_err(|error| fault(path, error, ""))?;
    Ok(move |bytes: &mut [u8]| {
        source.read_exact(bytes).expect("the system's randomness has no end once it is open");
    })
}

/// Refuses a document unless all that it says of keys is signed by the owner of that certificate.
fn require_signature(path: &Path, bytes: &[u8], signer: &Path) -> Result<(), Failure> {
    let certificate = read_certificate(signer)?;
    let document = Document::parse(bytes).map_err(|error| fault(path, error, ""))?;
    let hint = format!("only what the owner of {} has signed is taken", signer.display());
    let signed = Document::parse_signed(bytes, &[certificate], &Part::of_keys(&document));
    signed.map(drop).map_err(|error| fault(path, error, &hint))
}

/// When key periods are and their ids, by their start; empty when the document leaves it open.
fn spans(document: &Document) -> Result<Vec<(Span, String)>, String> {
    let mut all = Vec::new();
    for (index, period) in document.periods.iter().enumerate() {
        let of = |error: &dyn std::fmt::Display| format!("key period {index}: {error}");
        let Some((start, end)) = period.offsets_ns().map_err(|error| of(&error))? else { return Ok(Vec::new()) };
        let id = period.id.clone().ok_or_else(|| of(&"it has no id, so that no rule can name it"))?;
        all.push((Span { start_us: start / 1000, end_us: end / 1000 }, id));
    }
    all.sort_by_key(|(span, _)| span.start_us);
    if all.first().is_some_and(|(span, _)| span.start_us > 0) {
        return Err("no key period begins at the start of the media".to_owned());
    }
    match all.windows(2).find(|pair| pair[1].0.start_us < pair[0].0.end_us) {
        Some(pair) => Err(format!("key period {:?} begins before {:?} ends", pair[1].1, pair[0].1)),
        None => Ok(all),
    }
}

/// What is known of a track: its dynamic range and gamut are not.
fn media(track: &Surveyed) -> Media {
    match track.about.kind {
        MediaKind::Video { width, height, frame_rate, .. } => Media::Video {
            pixels: Some(u64::from(width) * u64::from(height)),
            fps: track.shape.rate.or(frame_rate).map(|rate| (rate.num(), rate.den())),
            hdr: None,
            wcg: None,
        },
        MediaKind::Audio { channels, .. } => Media::Audio { channels: Some(channels.into()) },
        MediaKind::Text => Media::Other,
    }
}

/// Its average, which is all that is known before it is packaged.
fn bitrate(track: &Surveyed) -> Option<u64> {
    let ticks = track.shape.end_pts.checked_sub(track.shape.first_pts)?;
    let ticks = u128::try_from(ticks).ok().filter(|&ticks| ticks > 0)?;
    u64::try_from(u128::from(track.bytes) * 8 * u128::from(track.about.timescale.get()) / ticks).ok()
}

#[cfg(test)]
#[path = "cpix/tests.rs"]
mod tests;
