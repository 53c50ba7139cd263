//! Codecs by their Matroska names (RFC 9559 §5.1.4.1.21 and the Matroska codec mappings), and what is needed of them.

use bitstream::audio::{aac, flac, opus};
use bitstream::{av1, avc, hevc};
use bytes::Bytes;
use media_types::{CodecConfig, FrameRate};

use super::cue::Form;
use super::entry::Entry;
use super::pictures::Reorder;

/// A track's codec.
#[derive(Debug)]
pub(super) struct Coded {
    pub(super) format: Format,
    /// `None` until a frame tells it.
    pub(super) config: Option<CodecConfig>,
    pub(super) facts: Facts,
}

/// How frames are formed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Format {
    /// NAL units, each behind its length of so many bytes.
    Nal {
        length_size: u8,
    },
    /// H.264 between start codes.
    ByteStream {
        /// Whether other parameter sets than the configuration's are in force.
        changed: bool,
    },
    Av1,
    Vp9,
    Aac,
    Ac3,
    Eac3,
    Opus,
    Flac,
    Text(Form),
}

/// What the codec says about all its frames.
#[derive(Debug)]
pub(super) enum Facts {
    Video(VideoFacts),
    Audio(AudioFacts),
    Text,
}

/// Of pictures.
#[derive(Clone, Copy, Debug)]
pub(super) struct VideoFacts {
    pub(super) size: (u32, u32),
    pub(super) sample_aspect: Option<(u32, u32)>,
    pub(super) rate: Option<FrameRate>,
    pub(super) reorder: Reorder,
}

/// Of sound.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct AudioFacts {
    /// Of what is heard.
    pub(super) rate: u32,
    pub(super) channels: u32,
    /// Ticks per second in which frames are counted.
    pub(super) timescale: u32,
    /// Ticks of a frame; 0 when each says its own.
    pub(super) samples: u32,
    /// `pre-skip` of Opus.
    pre_skip: u32,
}

impl AudioFacts {
    pub(super) fn new(rate: u32, channels: u32, samples: u32) -> Self {
        Self { rate, channels, timescale: rate, samples, pre_skip: 0 }
    }

    /// Ticks before time 0: `CodecDelay`, which every timestamp of the track lies behind (RFC 9559 §5.1.4.1.26). That of
    /// Opus is rounded to nanoseconds from its `pre-skip`.
    pub(super) fn priming(&self, entry: &Entry) -> i64 {
        let Some(delay) = entry.codec_delay else { return 0 };
        let ticks = (u128::from(delay.min(10_000_000_000)) * u128::from(self.timescale) + 500_000_000) / 1_000_000_000;
        let ticks = ticks as i64;
        let pre_skip = i64::from(self.pre_skip);
        if pre_skip > 0 && (ticks - pre_skip).abs() <= i64::from(self.timescale) / 1000 { pre_skip } else { ticks }
    }
}

/// No reordering: presentation order is decoding order.
const IN_ORDER: Reorder = Reorder { depth: 0, stated: true };

/// Opens a track by its codec, or says why it cannot be carried.
pub(super) fn open(entry: &Entry, private: &Bytes) -> Result<Coded, String> {
    let (kind, opened) = match entry.codec.as_str() {
        "V_MPEG4/ISO/AVC" => (1, open_avc(entry, private)?),
        "V_MPEGH/ISO/HEVC" => (1, open_hevc(private)?),
        "V_AV1" => (1, open_av1(entry, private)?),
        "V_VP9" => (1, Coded { format: Format::Vp9, config: None, facts: Facts::Video(container_facts(entry)?) }),
        name if name == "A_AAC" || name.starts_with("A_AAC/") => (2, open_aac(entry, private)?),
        "A_AC3" | "A_AC3/BSID9" | "A_AC3/BSID10" => (2, unlearned(Format::Ac3)),
        "A_EAC3" => (2, unlearned(Format::Eac3)),
        "A_OPUS" => (2, open_opus(private)?),
        "A_FLAC" => (2, open_flac(private)?),
        "S_TEXT/UTF8" | "S_TEXT/ASCII" => (17, open_text(Form::SubRip, "")),
        "S_TEXT/ASS" | "S_TEXT/SSA" | "S_ASS" | "S_SSA" => (17, open_text(Form::Ass, "")),
        "S_TEXT/WEBVTT" => (17, open_text(Form::WebVtt, &String::from_utf8_lossy(private))),
        "D_WEBVTT/SUBTITLES" | "D_WEBVTT/CAPTIONS" => (17, open_text(Form::Lines, &String::from_utf8_lossy(private))),
        "D_WEBVTT/DESCRIPTIONS" | "D_WEBVTT/METADATA" => return Err("is WebVTT that is not shown".into()),
        name => return Err(refusal(name).into()),
    };
    if entry.kind != kind && kind != 17 {
        return Err(format!("has the track type {}, which does not fit its codec", entry.kind));
    }
    Ok(opened)
}

fn refusal(name: &str) -> &'static str {
    match name {
        "V_VP8" => "is VP8 video, which CMAF does not carry",
        "A_VORBIS" => "is Vorbis sound, which CMAF does not carry",
        "S_VOBSUB" | "S_HDMV/PGS" | "S_DVBSUB" => "has subtitles that are pictures, which are not carried",
        "A_MPEG/L3" | "A_MPEG/L2" | "A_MPEG/L1" => "is MPEG audio, which is not carried",
        _ if name.starts_with("A_PCM/") => "is uncompressed sound, which is not carried",
        _ if name.starts_with("A_DTS") => "is DTS sound, which is not carried",
        _ => "has a codec that is not carried",
    }
}

fn open_avc(entry: &Entry, private: &Bytes) -> Result<Coded, String> {
    if private.is_empty() {
        let facts = Facts::Video(container_facts(entry)?);
        return Ok(Coded { format: Format::ByteStream { changed: false }, config: None, facts });
    }
    let record = avc::Record::parse(private).ok_or("has no H.264 configuration that can be read")?;
    let sps = record.first_sps().ok_or("has no H.264 sequence parameter set that can be read")?;
    let length_size = record.length_size;
    let facts = VideoFacts::of_avc(&sps);
    let config = CodecConfig::Avc(with_four_byte_lengths(private, 4));
    Ok(Coded { format: Format::Nal { length_size }, config: Some(config), facts: Facts::Video(facts) })
}

fn open_hevc(private: &Bytes) -> Result<Coded, String> {
    let record = hevc::Record::parse(private).ok_or("has no HEVC configuration that can be read")?;
    let sps = record.first_sps().ok_or("has no HEVC sequence parameter set that can be read")?;
    let length_size = record.length_size;
    let facts = VideoFacts {
        size: (sps.width, sps.height),
        sample_aspect: sps.sample_aspect.map(|(x, y)| (x.into(), y.into())),
        rate: sps.frame_rate.and_then(|(num, den)| FrameRate::new(num, den)),
        reorder: Reorder { depth: sps.reorder_pics as usize, stated: true },
    };
    let config = CodecConfig::Hevc(with_four_byte_lengths(private, 21));
    Ok(Coded { format: Format::Nal { length_size }, config: Some(config), facts: Facts::Video(facts) })
}

/// The record with `lengthSizeMinusOne`, the lowest bits of byte `at`, as 3: samples are made so.
fn with_four_byte_lengths(record: &Bytes, at: usize) -> Bytes {
    match record.get(at) {
        Some(byte) if byte & 3 != 3 => {
            let mut record = record.to_vec();
            record[at] |= 3;
            record.into()
        }
        _ => record.clone(),
    }
}

/// NAL units behind lengths of `from` bytes, behind lengths of four instead. `None` when they do not fit.
pub(super) fn relength(frame: &[u8], from: u8) -> Option<Bytes> {
    let mut out = Vec::with_capacity(frame.len() + 16);
    let mut rest = frame;
    while !rest.is_empty() {
        let (length, tail) = rest.split_at_checked(from.into())?;
        let length = length.iter().fold(0u32, |length, &byte| length << 8 | u32::from(byte));
        let (unit, tail) = tail.split_at_checked(length as usize)?;
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(unit);
        rest = tail;
    }
    Some(out.into())
}

fn open_av1(entry: &Entry, private: &Bytes) -> Result<Coded, String> {
    let mut facts = container_facts(entry)?;
    let record = av1::Record::parse(private);
    if let Some(header) = record.as_ref().and_then(av1::Record::sequence_header) {
        facts.take_sequence(&header);
    }
    let config = record.map(|_| CodecConfig::Av1(private.clone()));
    Ok(Coded { format: Format::Av1, config, facts: Facts::Video(facts) })
}

/// The size that the container states.
fn container_facts(entry: &Entry) -> Result<VideoFacts, String> {
    let side = |pixels: u64| u32::try_from(pixels).ok().filter(|pixels| (1..=65_535).contains(pixels));
    let size = side(entry.video.width).zip(side(entry.video.height)).ok_or("states no picture size that can be")?;
    Ok(VideoFacts { size, sample_aspect: None, rate: None, reorder: IN_ORDER })
}

impl VideoFacts {
    pub(super) fn of_avc(sps: &avc::Sps) -> Self {
        let (depth, limit) = (sps.reorder_frames, sps.max_reorder());
        Self {
            size: (sps.width, sps.height),
            sample_aspect: sps.sample_aspect.map(|(x, y)| (x.into(), y.into())),
            rate: sps.frame_rate.and_then(|(num, den)| FrameRate::new(num, den)),
            reorder: Reorder { depth: depth.unwrap_or(limit) as usize, stated: depth.is_some() || limit == 0 },
        }
    }

    pub(super) fn take_sequence(&mut self, header: &av1::SequenceHeader) {
        self.size = (header.max_width, header.max_height);
        self.rate = header.frame_rate.and_then(|(num, den)| FrameRate::new(num, den));
    }
}

fn open_aac(entry: &Entry, private: &Bytes) -> Result<Coded, String> {
    let config = match private.is_empty() {
        false => private.clone(),
        true => aac_by_name(entry).ok_or("has no AAC configuration")?.into(),
    };
    let parsed = aac::Config::parse(&config).ok_or("has no AAC configuration that can be read")?;
    let mut facts = AudioFacts::new(parsed.output_rate, parsed.channels(), parsed.output_frame_length());
    // SBR that only its frames and the container tell (ISO/IEC 14496-3 §1.6.6.1).
    if parsed.may_hide_sbr() && entry.audio.output_rate == Some(f64::from(parsed.core_rate) * 2.0) {
        facts = AudioFacts::new(parsed.core_rate * 2, parsed.channels(), parsed.frame_length * 2);
    }
    Ok(Coded { format: Format::Aac, config: Some(CodecConfig::Aac(config)), facts: Facts::Audio(facts) })
}

/// The configuration that old names such as `A_AAC/MPEG4/LC/SBR` stand for.
fn aac_by_name(entry: &Entry) -> Option<Vec<u8>> {
    let object_type = match entry.codec.strip_prefix("A_AAC/")?.split('/').nth(1)? {
        "MAIN" => 1,
        "LC" => 2,
        "SSR" => 3,
        "LTP" => 4,
        _ => return None,
    };
    let channels = match entry.audio.channels {
        count @ 1..=6 => count as u8,
        8 => 7,
        _ => return None,
    };
    aac::Config::new(object_type, entry.audio.rate as u32, channels)?.to_bytes()
}

fn unlearned(format: Format) -> Coded {
    Coded { format, config: None, facts: Facts::Audio(AudioFacts::default()) }
}

fn open_opus(private: &Bytes) -> Result<Coded, String> {
    let head = opus::Config::from_head(private).ok_or("has no Opus configuration that can be read")?;
    let mut facts = AudioFacts::new(48_000, head.channels.into(), 0);
    facts.pre_skip = head.pre_skip.into();
    let config = CodecConfig::Opus(head.to_bytes().into());
    Ok(Coded { format: Format::Opus, config: Some(config), facts: Facts::Audio(facts) })
}

fn open_flac(private: &Bytes) -> Result<Coded, String> {
    let blocks = flac::metadata(private);
    let info = blocks.as_deref().and_then(flac::StreamInfo::parse);
    let (blocks, info) = blocks.zip(info).ok_or("has no FLAC configuration that can be read")?;
    let facts = AudioFacts::new(info.rate, info.channels.into(), 0);
    Ok(Coded { format: Format::Flac, config: Some(CodecConfig::Flac(blocks.into())), facts: Facts::Audio(facts) })
}

fn open_text(form: Form, header: &str) -> Coded {
    let header = header.replace("\r\n", "\n").replace('\r', "\n");
    let header = header.trim_start_matches('\u{feff}').trim_end();
    let text = match header {
        "" => "WEBVTT".to_owned(),
        header if header.starts_with("WEBVTT") => header.to_owned(),
        header => format!("WEBVTT\n\n{header}"),
    };
    Coded { format: Format::Text(form), config: Some(CodecConfig::Wvtt(text.into())), facts: Facts::Text }
}
