//! Which variants there will be, and their keys.

use std::collections::BTreeSet;

use drm::{ContentKey, HlsMethod, KeyId, SampleCipher, SegmentCipher};
use media_types::{CodecConfig, TrackKind, TrackRecord};
use packager::{TRANSPORT_FOLDER, fits_transport};

use super::Encryption;
use crate::exit::Failure;
use crate::package::plan::Planned;
use crate::package::run::Request;

/// What a key's name takes the place of in its address.
const KEY_ID: &str = "{kid}";

/// The variants of an MPEG-TS set; none when there is no such set.
#[derive(Default)]
pub(in crate::package) struct Set {
    pub(super) variants: Vec<Variant>,
}

/// A stream of pictures, sound or both, by their positions among the planned tracks.
pub(super) struct Variant {
    pub(super) pictures: Option<usize>,
    pub(super) sound: Option<usize>,
    pub(super) key: Option<Key>,
}

/// The key of a variant, and where players get it.
pub(super) struct Key {
    method: HlsMethod,
    id: KeyId,
    key: ContentKey,
    uri: String,
}

impl Set {
    /// Bytes of the samples in all variants.
    pub(in crate::package) fn bytes(&self, planned: &[Planned]) -> u64 {
        let positions = self.variants.iter().flat_map(|variant| variant.pictures.into_iter().chain(variant.sound));
        positions.map(|position| planned[position].from.bytes).sum()
    }
}

impl Variant {
    /// The position of the track that it is cut and named after.
    fn lead(&self) -> usize {
        self.pictures.or(self.sound).unwrap_or_default()
    }

    /// The track that it is cut and named after.
    pub(super) fn record<'a>(&self, planned: &'a [Planned]) -> &'a TrackRecord {
        &planned[self.lead()].record
    }
}

impl Key {
    /// What encrypts whole segments, or samples. Under another name than the CMAF track's, so that other vectors follow.
    pub(super) fn ciphers(&self, name: &str) -> (Option<SegmentCipher>, Option<SampleCipher>) {
        let track = format!("{TRANSPORT_FOLDER}/{name}");
        match self.method {
            HlsMethod::Aes128 => (Some(SegmentCipher::new(&self.key, &track)), None),
            HlsMethod::SampleAes => (None, Some(SampleCipher::new(&self.key, self.id, &track))),
        }
    }

    pub(super) fn method(&self) -> HlsMethod {
        self.method
    }

    pub(super) fn uri(&self) -> &str {
        &self.uri
    }
}

/// Plans a variant for each track of H.264, with the sound that plays by default, and one of that sound alone. What is left
/// out is told.
pub(in crate::package) fn plan(
    request: &Request,
    planned: &[Planned],
    warnings: &mut Vec<String>,
) -> Result<Set, Failure> {
    let Some(asked) = &request.transport else { return Ok(Set::default()) };
    let is_video = |position: &usize| matches!(planned[*position].record.kind, TrackKind::Video { .. });
    let (all_pictures, all_sound): (Vec<usize>, Vec<usize>) = (0..planned.len()).partition(is_video);
    let mut left_out = Vec::new();
    let mut fitting = |positions: &[usize]| -> Vec<usize> {
        let fits = |position: &usize| match fits_transport(&planned[*position].record.config) {
            Ok(()) => true,
            Err(error) => {
                left_out.push(format!("{} ({error})", planned[*position].record.name));
                false
            }
        };
        positions.iter().copied().filter(fits).collect()
    };
    let (pictures, heard) = (fitting(&all_pictures), fitting(&all_sound));
    if pictures.is_empty() && (!all_pictures.is_empty() || heard.is_empty()) {
        let detail = format!("nothing can go into MPEG-TS: {}", left_out.join(", "));
        let hint = "leave --hls-ts away, or add a rendition in H.264 with sound in AAC";
        return Err(Failure::bad_input("hls_ts.nothing", detail, hint));
    }
    let sound = chosen(planned, &heard);
    let others = heard.iter().filter(|&&position| Some(position) != sound);
    left_out.extend(others.map(|&position| format!("{} (one sound in each variant)", planned[position].record.name)));
    if !left_out.is_empty() {
        warnings.push(format!("MPEG-TS is without {}", left_out.join(", ")));
    }
    let with_pictures = pictures.into_iter().map(|position| (Some(position), sound));
    let alone = sound.map(|position| (None, Some(position)));
    let variants = with_pictures.chain(alone);
    let mut set = Set { variants: variants.map(|(pictures, sound)| Variant { pictures, sound, key: None }).collect() };
    if let Some(encryption) = &asked.encryption {
        assign(&mut set, encryption, planned)?;
        if request.protect.is_none() {
            warnings.push("only the MPEG-TS is encrypted; add --scheme for the CMAF set".to_owned());
        }
    }
    Ok(set)
}

/// The sound that plays by default; of several in its language, AAC, which every player knows.
fn chosen(planned: &[Planned], heard: &[usize]) -> Option<usize> {
    let record = |position: usize| &planned[position].record;
    let by_role = heard.iter().copied().find(|&position| {
        let roles = record(position).roles;
        roles.default && !roles.commentary
    });
    let default = by_role.or(heard.first().copied())?;
    let alike = |position: usize| {
        let (one, other) = (record(position), record(default));
        one.language == other.language
            && (one.roles.commentary, one.roles.visual_impaired)
                == (other.roles.commentary, other.roles.visual_impaired)
    };
    let aac = heard
        .iter()
        .copied()
        .find(|&position| matches!(record(position).config, CodecConfig::Aac(_)) && alike(position));
    let is_aac = matches!(record(default).config, CodecConfig::Aac(_));
    if is_aac { Some(default) } else { aac.or(Some(default)) }
}

/// Gives each variant the key of the track that it is named after.
fn assign(set: &mut Set, encryption: &Encryption, planned: &[Planned]) -> Result<(), Failure> {
    let mut ids = BTreeSet::new();
    for variant in &mut set.variants {
        let track = &planned[variant.lead()];
        let name = &track.record.name;
        let Some((id, key)) = encryption.keys.of(name, &track.from, None)? else {
            let detail = format!("no usage rule gives {name} a key, and so its MPEG-TS none");
            return Err(Failure::config("keys.missing", detail, "add a ContentKeyUsageRule that matches it"));
        };
        ids.insert(id);
        let uri = encryption.key_uri.replace(KEY_ID, &id.to_string());
        variant.key = Some(Key { method: encryption.method, id, key, uri });
    }
    if ids.len() > 1 && !encryption.key_uri.contains(KEY_ID) {
        let detail = format!("variants have {} different keys, and --hls-ts-key-uri is one address", ids.len());
        return Err(Failure::config("keys.uri", detail, "write {kid} where the name of the key belongs"));
    }
    Ok(())
}
