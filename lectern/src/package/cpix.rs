//! Keys from a CPIX document (DASH-IF CPIX 2.4): which track gets which, and what licence systems are told of them.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cpix::encryption::MacPolicy;
use cpix::select::{Media, Track};
use cpix::{Document, DocumentProblem, KeyData, PrivateKey, Scheme};
use demux::MediaKind;
use drm::signal::System;
use drm::{ContentKey, KeyId, ProtectionScheme, Pssh};
use packager::SystemSignal;
use zeroize::Zeroizing;

use super::survey::Surveyed;
use crate::exit::Failure;

/// Longer documents are something else; so are longer private keys.
const MAX_DOCUMENT: u64 = 16 << 20;
const MAX_PRIVATE_KEY: u64 = 1 << 20;

/// A document whose keys are in clear, and what of it is used.
pub(crate) struct CpixKeys {
    path: PathBuf,
    document: Document,
    keys: Vec<(KeyId, ContentKey)>,
    told: Vec<Told>,
}

/// What a document tells a system of a key.
#[derive(Debug)]
struct Told {
    id: KeyId,
    system: System,
    /// A whole box, and the data in it.
    pssh: Option<(Vec<u8>, Vec<u8>)>,
    /// `URI` of `EXT-X-KEY`.
    hls_uri: Option<String>,
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
    /// Reads a document; one whose keys are encrypted needs the private key of a recipient. What is wrong with it is told
    /// by line and column, never by its content.
    pub(crate) fn read(path: &Path, private_key: Option<&Path>) -> Result<Self, Failure> {
        let bytes = bounded(path, MAX_DOCUMENT).map_err(|error| fault(path, error, ""))?;
        let private_key = private_key.map(read_private_key).transpose()?;
        Self::parse(path, &bytes, private_key.as_ref())
    }

    fn parse(path: &Path, bytes: &[u8], private_key: Option<&PrivateKey>) -> Result<Self, Failure> {
        let document = Document::parse(bytes).map_err(|error| fault(path, error, ""))?;
        if let Some(problem) = document.problems().into_iter().find(misleads) {
            return Err(fault(path, problem, "ask the key service for a document without it"));
        }
        if private_key.is_none() && document.keys.iter().any(|key| matches!(key.data, KeyData::Encrypted(_))) {
            let hint = "add --cpix-key with the PEM file of a recipient's private key";
            return Err(fault(path, "its keys are encrypted", hint));
        }
        let keys = match private_key {
            Some(key) => {
                let mut source = File::open("/dev/urandom").map_err(|error| fault(path, error, ""))?;
                let mut random = move |bytes: &mut [u8]| {
                    source.read_exact(bytes).expect("the system's randomness has no end once it is open");
                };
                document.content_keys(Some((key, MacPolicy::IfPresent)), &mut random)
            }
            None => document.content_keys(None, &mut |_| {}),
        };
        let keys = keys.map_err(|error| fault(path, error, "is it the private key of a recipient?"))?;
        let told = told(&document).map_err(|detail| fault(path, detail, ""))?;
        Ok(Self { path: path.to_owned(), document, keys, told })
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
        let Some(told) = self.told.iter().find(|told| told.id == id && told.system == system) else { return };
        if let Some((whole, data)) = &told.pssh {
            let carried = if system == System::PlayReady { data } else { whole };
            if let Some(dash) = &mut signal.dash {
                dash.pssh = dash.pssh.take().map(|_| STANDARD.encode(whole));
                dash.playready_object = dash.playready_object.take().map(|_| STANDARD.encode(data));
            }
            if let Some(hls) = &mut signal.hls
                && matches!(system, System::PlayReady | System::Widevine)
                && let Some((head, _)) = hls.uri.split_once("base64,")
            {
                hls.uri = format!("{head}base64,{}", STANDARD.encode(carried));
            }
            signal.pssh = Some(whole.clone());
        }
        if let (Some(uri), Some(hls)) = (&told.hls_uri, &mut signal.hls) {
            hls.uri.clone_from(uri);
        }
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

fn read_private_key(path: &Path) -> Result<PrivateKey, Failure> {
    let bytes = bounded(path, MAX_PRIVATE_KEY).map_err(|error| fault(path, error, ""))?;
    let text = std::str::from_utf8(&bytes).map_err(|_| fault(path, "no PEM text", ""))?;
    PrivateKey::from_pem(text).map_err(|error| fault(path, error, "write it as PEM, without a passphrase"))
}

/// What systems are told; of those that have a name here.
fn told(document: &Document) -> Result<Vec<Told>, String> {
    let mut all = Vec::new();
    for said in &document.drm_systems {
        let Some(system) = System::ALL.into_iter().find(|system| system.id() == said.system_id) else { continue };
        let of = |what: &str| format!("{what} of {} for content key {}", said.system_id, said.kid);
        let pssh = match said.pssh.as_deref() {
            None | Some([]) => None,
            Some(bytes) => {
                let pssh = Pssh::parse(bytes).map_err(|error| format!("{}: {error}", of("PSSH")))?;
                if pssh.system_id != said.system_id {
                    return Err(format!("{} is a box of {}", of("PSSH"), pssh.system_id));
                }
                Some((bytes.to_vec(), pssh.data))
            }
        };
        let hls_uri = match said.hls_signaling.media.as_deref().map(str::trim) {
            None | Some("") => None,
            Some(lines) => {
                let uri = key_uri(lines);
                Some(uri.ok_or_else(|| format!("{} has no EXT-X-KEY with a URI", of("HLSSignalingData")))?.to_owned())
            }
        };
        all.push(Told { id: said.kid, system, pssh, hls_uri });
    }
    Ok(all)
}

/// The `URI` of the first `EXT-X-KEY` in lines of a playlist (RFC 8216bis §4.2).
fn key_uri(lines: &str) -> Option<&str> {
    let mut rest = lines.lines().find_map(|line| line.trim().strip_prefix("#EXT-X-KEY:"))?;
    loop {
        let (name, value) = rest.split_once('=')?;
        let end = match value.strip_prefix('"') {
            Some(quoted) => quoted.find('"')? + 2,
            None => value.find(',').unwrap_or(value.len()),
        };
        let (value, behind) = value.split_at(end);
        if name.trim() == "URI" {
            return value.strip_prefix('"')?.strip_suffix('"').filter(|uri| !uri.is_empty());
        }
        rest = behind.strip_prefix(',')?;
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
