//! Sample entries: what a track's samples are (ISO/IEC 14496-12 §8.5.2 and the codecs' own bindings).

use std::sync::Arc;

use bitstream::audio::{aac, ac3, flac, opus};
use bytes::Bytes;
use drm::TrackProtection;
use media_types::CodecConfig;

use super::boxes::{Atom, Atoms, Code, Fields, fail, name};
use super::crypt::{self, Protection, Sinf};
use super::dolby::Dolby;
use super::tx3g;
use crate::{DemuxError, MediaKind};

/// What a sample entry says about the samples that name it.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Where it lies in the file.
    pub(super) at: u64,
    /// What a decoder needs first.
    pub(super) config: CodecConfig,
    /// What is shown or sounds.
    pub(super) kind: MediaKind,
    /// As `tenc` has it.
    pub(super) protection: Option<Arc<TrackProtection>>,
    /// How samples are protected that no group speaks of.
    pub(super) by_default: Protection,
    /// Bytes of the lengths before NAL units when they must be widened to 4.
    pub(super) widen: Option<u8>,
    /// What is said of Dolby Vision.
    pub(super) dolby: Option<Dolby>,
    /// How 3GPP timed text becomes WebVTT.
    pub(super) text: Option<tx3g::Style>,
    /// 1-based entry of `dref` where the media lie.
    pub(super) reference: u16,
}

/// One sample entry, or why a track that has it is passed over.
pub(super) type Found = Result<Box<Entry>, String>;

/// Reads the entries of an `stsd` box of a track with this handler.
///
/// # Errors
/// Boxes are damaged.
pub(super) fn entries(stsd: &Atom, handler: &Code) -> Result<Vec<Found>, DemuxError> {
    let (version, _, mut fields) = stsd.full()?;
    let count = fields.u32().ok_or_else(|| stsd.short())?;
    let mut found = Vec::new();
    for atom in Atoms::new(fields.0, stsd.body_at + 8).take(count as usize).take(MOST_ENTRIES) {
        found.push(entry(&atom?, handler, version)?);
    }
    if found.is_empty() {
        return Err(fail(stsd.at, "the stsd box describes no samples"));
    }
    Ok(found)
}

/// Sample entries of one track; more are of no use to anybody.
const MOST_ENTRIES: usize = 256;

fn entry(atom: &Atom, handler: &Code, stsd_version: u8) -> Result<Found, DemuxError> {
    let header = match handler {
        b"vide" => 78,
        b"soun" => match sound_header(atom, stsd_version) {
            Some(length) => length,
            None => return Err(atom.short()),
        },
        _ if &atom.kind == b"stpp" => {
            let mut fields = Fields(atom.body.get(8..).ok_or_else(|| atom.short())?);
            for _ in 0..3 {
                fields.text();
            }
            atom.body.len() - fields.0.len()
        }
        _ => 8,
    };
    if atom.body.len() < header.max(8) {
        return Err(atom.short());
    }
    let reference = u16::from_be_bytes([atom.body[6], atom.body[7]]);
    let (mut code, mut protection, mut by_default) = (atom.kind, None, None);
    if matches!(&code, b"encv" | b"enca" | b"enct") {
        let Some(sinf) = find(atom, header, b"sinf")? else {
            return Err(fail(atom.at, format!("the {} sample entry has no sinf box", name(code))));
        };
        let frma = sinf.need(b"frma")?;
        code = frma.fields().code().ok_or_else(|| frma.short())?;
        match crypt::sinf(&sinf)? {
            Sinf::Common { track, by_default: protected } => {
                by_default = protected.then(|| track.clone());
                protection = Some(track);
            }
            Sinf::Foreign(scheme) => {
                return Ok(Err(format!("it is protected by '{scheme}', which is not common encryption")));
            }
        }
    }
    let dolby = if handler == b"vide" { Dolby::of(atom, header)? } else { None };
    if let Some(Dolby { profile, compatible: false }) = dolby {
        let what = "whose colours no other decoder shows as they are; encode it to HDR10";
        return Ok(Err(format!("it is Dolby Vision profile {profile}, {what}")));
    }
    let described = match handler {
        b"vide" => video(atom, header, code)?,
        b"soun" => sound(atom, header, code)?,
        _ => text(atom, header, code)?,
    };
    Ok(described.map(|(config, kind, widen)| {
        let text = (code == *b"tx3g").then(|| tx3g::Style::parse(atom)).flatten();
        Box::new(Entry { at: atom.at, config, kind, protection, by_default, widen, dolby, text, reference })
    }))
}

type Described = Result<(CodecConfig, MediaKind, Option<u8>), String>;

fn find<'a>(atom: &Atom<'a>, header: usize, kind: &Code) -> Result<Option<Atom<'a>>, DemuxError> {
    for child in atom.children_from(header) {
        let child = child?;
        if child.kind == *kind {
            return Ok(Some(child));
        }
    }
    Ok(None)
}

fn need<'a>(atom: &Atom<'a>, header: usize, kind: &Code) -> Result<Atom<'a>, DemuxError> {
    find(atom, header, kind)?
        .ok_or_else(|| fail(atom.at, format!("the {} sample entry has no {} box", name(atom.kind), name(*kind))))
}

fn video(atom: &Atom, header: usize, code: Code) -> Result<Described, DemuxError> {
    let side = |at: usize| u32::from(u16::from_be_bytes([atom.body[at], atom.body[at + 1]]));
    let sample_aspect = match find(atom, header, b"pasp")?.map(|pasp| pasp.fields()) {
        Some(mut fields) => fields.u32().zip(fields.u32()).map_or((1, 1), |(h, v)| reduced(h, v)),
        None => (1, 1),
    };
    let kind = MediaKind::Video { width: side(24), height: side(26), sample_aspect, frame_rate: None };
    let plain = |config| Ok(Ok((config, kind, None)));
    match &code {
        b"avc1" | b"avc2" | b"avc3" | b"avc4" | b"dva1" | b"dvav" => {
            let record = need(atom, header, b"avcC")?;
            if record.body.len() < 7 {
                return Err(record.short());
            }
            Ok(nal_record(record.body, 4, record.body[5] & 31)
                .map(|(bytes, widen)| (CodecConfig::Avc(bytes), kind, widen)))
        }
        b"hvc1" | b"hev1" | b"dvh1" | b"dvhe" => {
            let record = need(atom, header, b"hvcC")?;
            if record.body.len() < 23 {
                return Err(record.short());
            }
            Ok(nal_record(record.body, 21, record.body[22])
                .map(|(bytes, widen)| (CodecConfig::Hevc(bytes), kind, widen)))
        }
        b"av01" => plain(CodecConfig::Av1(copy(&need(atom, header, b"av1C")?, 0, 4)?)),
        b"vp09" => plain(CodecConfig::Vp9(copy(&need(atom, header, b"vpcC")?, 4, 6)?)),
        other => Ok(Err(format!("its video codec '{}' is not one that CMAF carries here", name(*other)))),
    }
}

fn reduced(h: u32, v: u32) -> (u32, u32) {
    let (mut a, mut b) = (h, v);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    if h == 0 || v == 0 { (1, 1) } else { (h / a, v / a) }
}

/// An `avcC` or `hvcC` with 4-byte lengths, and the bytes that lengths have when they must be widened to that.
fn nal_record(record: &[u8], at: usize, sets: u8) -> Result<(Bytes, Option<u8>), String> {
    if sets == 0 {
        return Err("its parameter sets lie in its samples alone; put them into the sample entry".to_owned());
    }
    let length = (record[at] & 3) + 1;
    let mut bytes = record.to_vec();
    bytes[at] |= 3;
    match length {
        3 => Err("its NAL units have lengths of 3 bytes, which the standard forbids".to_owned()),
        _ => Ok((bytes.into(), (length != 4).then_some(length))),
    }
}

fn copy(atom: &Atom, skip: usize, least: usize) -> Result<Bytes, DemuxError> {
    let body = atom.body.get(skip..).filter(|body| body.len() >= least).ok_or_else(|| atom.short())?;
    Ok(Bytes::copy_from_slice(body))
}

/// Where the boxes of a sound entry start: QuickTime's versions 1 and 2 have more fields, ISO's version 1 has not.
fn sound_header(atom: &Atom, stsd_version: u8) -> Option<usize> {
    let version = u16::from_be_bytes([*atom.body.get(8)?, *atom.body.get(9)?]);
    let length = match version {
        1 if stsd_version == 0 => 44,
        2 if stsd_version == 0 => 64,
        _ => 28,
    };
    (atom.body.len() >= length).then_some(length)
}

/// Samples per second and channels of what is heard, by the codec's own configuration: sample entries often state others.
type Heard = (u32, u32);

fn sound(atom: &Atom, header: usize, code: Code) -> Result<Described, DemuxError> {
    let (config, heard): (CodecConfig, Option<Heard>) = match &code {
        b"mp4a" => match specific_config(atom, header)? {
            Ok(config) => {
                let stated = u32::from(u16::from_be_bytes([atom.body[16], atom.body[17]]));
                let heard = aac::Config::parse(&config).map(|read| match read.channels() {
                    0 => (read.output_rate, stated),
                    channels => (read.output_rate, channels),
                });
                (CodecConfig::Aac(config), heard)
            }
            Err(reason) => return Ok(Err(reason)),
        },
        b"ac-3" => {
            let config = copy(&need(atom, header, b"dac3")?, 0, 3)?;
            let heard = ac3::Ac3Config::parse(&config).map(|read| (read.rate(), read.channels()));
            (CodecConfig::Ac3(config), heard)
        }
        b"ec-3" => {
            let config = copy(&need(atom, header, b"dec3")?, 0, 5)?;
            let heard = ac3::Eac3Config::parse(&config).map(|read| (eac3_rate(&read), read.channels()));
            (CodecConfig::Eac3(config), heard)
        }
        b"Opus" => {
            let config = copy(&need(atom, header, b"dOps")?, 0, 11)?;
            let heard = opus::Config::parse(&config).map(|read| (48_000, read.channels.into()));
            (CodecConfig::Opus(config), heard)
        }
        b"fLaC" => {
            let config = copy(&need(atom, header, b"dfLa")?, 4, 38)?;
            let heard = flac::StreamInfo::parse(&config).map(|read| (read.rate, read.channels.into()));
            (CodecConfig::Flac(config), heard)
        }
        other => return Ok(Err(format!("its audio codec '{}' is not one that CMAF carries here", name(*other)))),
    };
    Ok(match heard.filter(|(rate, channels)| *rate > 0 && *channels > 0) {
        Some((sample_rate, channels)) => Ok((config, MediaKind::Audio { sample_rate, channels }, None)),
        None => Err(format!("its {} configuration cannot be understood", name(code))),
    })
}

/// Samples per second of the main substream (ETSI TS 102 366 §F.6.2.4).
fn eac3_rate(config: &ac3::Eac3Config) -> u32 {
    let code = config.substreams().first().map_or(usize::MAX, |main| main.fscod.into());
    [48_000, 44_100, 32_000].get(code).copied().unwrap_or(0)
}

/// The `AudioSpecificConfig` of an `mp4a` entry, which QuickTime puts one box deeper, into `wave`.
fn specific_config(atom: &Atom, header: usize) -> Result<Result<Bytes, String>, DemuxError> {
    let esds = match (find(atom, header, b"esds")?, find(atom, header, b"wave")?) {
        (Some(esds), _) => esds,
        (None, Some(wave)) => wave.need(b"esds")?,
        (None, None) => return Ok(Err("its mp4a sample entry has no esds box".to_owned())),
    };
    let (_, _, fields) = esds.full()?;
    let Some((object, config)) = decoder_config(fields.0) else {
        return Err(fail(esds.at, "the esds box has no decoder configuration"));
    };
    Ok(match (object, config) {
        (0x40 | 0x66..=0x68, Some(config)) => Ok(Bytes::copy_from_slice(config)),
        (0x40 | 0x66..=0x68, None) => Err("its esds box has no AudioSpecificConfig".to_owned()),
        (0x69 | 0x6b, _) => Err("it is MP3, which CMAF does not carry; encode it to AAC".to_owned()),
        (other, _) => Err(format!("its MPEG-4 object type {other:#04x} is not AAC")),
    })
}

/// Object type and decoder-specific information of an `ES_Descriptor` (ISO/IEC 14496-1 §7.2.6.5, §7.2.6.6).
fn decoder_config(bytes: &[u8]) -> Option<(u8, Option<&[u8]>)> {
    let mut fields = Fields(descriptor(&mut Fields(bytes), 3)?);
    fields.skip(2)?;
    let flags = fields.u8()?;
    fields.skip(if flags & 0x80 != 0 { 2 } else { 0 })?;
    if flags & 0x40 != 0 {
        let length = fields.u8()?;
        fields.skip(length.into())?;
    }
    fields.skip(if flags & 0x20 != 0 { 2 } else { 0 })?;
    let mut config = Fields(descriptor(&mut fields, 4)?);
    let object = config.u8()?;
    config.skip(12)?;
    Some((object, descriptor(&mut config, 5).filter(|specific| !specific.is_empty())))
}

/// Contents of the first descriptor with a tag (§8.3.3: its size has 7 bits in each byte). One that claims more than
/// there is gets what there is.
fn descriptor<'a>(fields: &mut Fields<'a>, wanted: u8) -> Option<&'a [u8]> {
    loop {
        let tag = fields.u8()?;
        let mut size = 0usize;
        for _ in 0..4 {
            let byte = fields.u8()?;
            size = size << 7 | usize::from(byte & 0x7f);
            if byte & 0x80 == 0 {
                break;
            }
        }
        let body = fields.take(size.min(fields.0.len()))?;
        if tag == wanted {
            return Some(body);
        }
    }
}

fn text(atom: &Atom, header: usize, code: Code) -> Result<Described, DemuxError> {
    let config = match &code {
        b"wvtt" => CodecConfig::Wvtt(copy(&need(atom, header, b"vttC")?, 0, 0)?),
        b"stpp" => {
            let mut bytes = atom.body[8..header].to_vec();
            // The last string may lack its end in an entry without boxes.
            let ends = bytes.iter().filter(|&&byte| byte == 0).count();
            bytes.resize(bytes.len() + 3usize.saturating_sub(ends), 0);
            CodecConfig::Stpp(bytes.into())
        }
        b"tx3g" if atom.kind != code => return Ok(Err("it is encrypted 3GPP text".to_owned())),
        b"tx3g" if tx3g::Style::parse(atom).is_none() => return Err(atom.short()),
        b"tx3g" => CodecConfig::Wvtt(Bytes::from_static(b"WEBVTT")),
        b"text" => {
            return Ok(Err("it is QuickTime text, which neither HLS nor DASH plays; give it as WebVTT".to_owned()));
        }
        b"c608" | b"c708" => {
            return Ok(Err(
                "it has closed captions outside of the pictures, which are carried inside them alone".to_owned()
            ));
        }
        other => return Ok(Err(format!("its text format '{}' is not one that CMAF carries here", name(*other)))),
    };
    Ok(Ok((config, MediaKind::Text, None)))
}
