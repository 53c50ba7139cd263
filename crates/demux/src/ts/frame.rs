//! Where frames of sound begin and end, and what they say about their stream.

use bitstream::audio::aac::adts;
use bitstream::audio::ac3::{Ac3Config, Eac3Config, Kind, SyncFrame};
use media_types::CodecConfig;

use crate::MediaKind;

/// How a stream is cut into frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Codec {
    /// AAC in ADTS.
    Aac,
    /// AC-3 or E-AC-3, as the frames themselves say.
    Dolby,
}

/// What stays the same in all frames of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Setup {
    /// Samples per second.
    pub(super) rate: u32,
    details: [u8; 4],
}

/// A frame, or all frames of one access unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Bytes, and how many of them at the front are no part of the sample.
    pub(super) length: usize,
    pub(super) skip: usize,
    /// Samples per channel.
    pub(super) samples: u32,
    pub(super) setup: Setup,
}

/// What begins where a frame is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Head {
    Frame(Found),
    /// More bytes are needed to tell.
    Short,
    Not,
}

impl Codec {
    /// Looks at the start of `bytes`; `last` says that nothing follows them.
    pub(super) fn head(self, bytes: &[u8], last: bool) -> Head {
        match self {
            Self::Aac => aac(bytes),
            Self::Dolby => dolby(bytes, last),
        }
    }

    /// The configuration of a stream that begins with the frame or access unit `unit`.
    pub(super) fn configure(self, unit: &[u8]) -> Option<(MediaKind, CodecConfig)> {
        let (sample_rate, channels, config) = match self {
            Self::Aac => {
                let config = adts::Header::parse(unit)?.config()?;
                (config.output_rate, config.channels(), CodecConfig::Aac(config.to_bytes()?.into()))
            }
            Self::Dolby => {
                let frame = SyncFrame::parse(unit)?;
                match Ac3Config::new(&frame) {
                    Some(config) => (frame.rate, config.channels(), CodecConfig::Ac3(config.to_bytes().into())),
                    None => {
                        let config = Eac3Config::new(unit)?;
                        (frame.rate, config.channels(), CodecConfig::Eac3(config.to_bytes().into()))
                    }
                }
            }
        };
        Some((MediaKind::Audio { sample_rate, channels }, config))
    }
}

/// A frame of several raw data blocks cannot become one sample, and hardly anybody writes such.
fn aac(bytes: &[u8]) -> Head {
    if bytes.len() < adts::Header::LENGTH {
        return prefix(bytes, &[0xff]);
    }
    match adts::Header::parse(bytes) {
        Some(header) if header.blocks == 1 => Head::Frame(Found {
            length: header.frame_length,
            skip: header.header_length,
            samples: 1024,
            setup: Setup { rate: header.rate, details: [header.object_type, header.channel_config, 0, 0] },
        }),
        _ => Head::Not,
    }
}

/// One frame of AC-3; of E-AC-3 the frames of all substreams for 1536 samples (ETSI TS 102 366 §F.6).
fn dolby(bytes: &[u8], last: bool) -> Head {
    let mut found: Option<Found> = None;
    loop {
        let at = found.map_or(0, |found| found.length);
        let Some(rest) = bytes.get(at..) else { return Head::Short };
        if rest.len() < SyncFrame::LENGTH {
            return match found {
                Some(found) if last => Head::Frame(found),
                Some(_) => Head::Short,
                None => prefix(rest, &[0x0b, 0x77]),
            };
        }
        let Some(frame) = SyncFrame::parse(rest) else { return found.map_or(Head::Not, Head::Frame) };
        // The first independent substream carries the time.
        let leads = frame.kind != Kind::Dependent && frame.substream == 0;
        let details = [u8::from(frame.kind == Kind::Ac3), frame.bsid, frame.acmod, u8::from(frame.lfe)];
        let setup = Setup { rate: frame.rate, details };
        let mut unit = match found {
            None if !leads => return Head::Not,
            None => Found { length: 0, skip: 0, samples: 0, setup },
            Some(unit) if unit.length > LONGEST || leads && unit.samples >= 1536 => return Head::Frame(unit),
            Some(unit) => unit,
        };
        unit.length += frame.length;
        unit.samples += if leads { frame.samples() } else { 0 };
        if frame.kind == Kind::Ac3 {
            return Head::Frame(unit);
        }
        found = Some(unit);
    }
}

/// The most bytes of an access unit: more than 9 frames of 4 KiB have no use.
const LONGEST: usize = 128 << 10;

/// Whether the few `bytes` there are may begin a frame.
fn prefix(bytes: &[u8], sync: &[u8]) -> Head {
    let common = bytes.len().min(sync.len());
    if bytes[..common] == sync[..common] { Head::Short } else { Head::Not }
}
