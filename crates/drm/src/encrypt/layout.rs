//! Which bytes of a sample stay clear, by codec.

use std::ops::Range;

use bitstream::{av1, avc, hevc, vp9};
use media_types::CodecConfig;

use super::EncryptError;
use super::map::Runs;
use crate::types::ProtectionScheme;

/// How the samples of a track are protected, with what is known of its stream so far.
pub(super) enum Layout {
    /// As a whole.
    Whole,
    /// Slice data (§9.5.2.2).
    Avc(Box<avc::ParameterSets>),
    /// Slice segment data (§9.5.2.2).
    Hevc(Box<hevc::ParameterSets>),
    /// Tiles (AV1 Codec ISO Media File Format Binding §4.2).
    Av1 { frames: Box<av1::Frames>, tiles: Vec<Range<usize>> },
    /// Frames behind their uncompressed headers (VP Codec ISO Media File Format Binding, Common Encryption).
    Vp9 { frames: Box<vp9::Frames>, headers: Vec<vp9::Frame> },
}

/// What does not conform, and where in the sample.
#[derive(Debug)]
pub(super) struct Fault {
    offset: usize,
    what: &'static str,
}

impl Fault {
    pub(super) fn in_sample(self, sample: usize) -> EncryptError {
        EncryptError::Sample { sample, offset: self.offset, what: self.what }
    }
}

impl Layout {
    pub(super) fn of(config: &CodecConfig) -> Result<Self, EncryptError> {
        let malformed = |codec| EncryptError::Config { codec };
        Ok(match config {
            CodecConfig::Avc(record) => {
                Self::Avc(Box::new(avc::ParameterSets::from_record(record).ok_or(malformed("AVC"))?))
            }
            CodecConfig::Hevc(record) => {
                Self::Hevc(Box::new(hevc::ParameterSets::from_record(record).ok_or(malformed("HEVC"))?))
            }
            CodecConfig::Av1(record) => {
                Self::Av1 { frames: Box::new(av1::Frames::with_record(record)), tiles: Vec::new() }
            }
            CodecConfig::Vp9(_) => Self::Vp9 { frames: Box::default(), headers: Vec::new() },
            CodecConfig::Wvtt(_) | CodecConfig::Stpp(_) => return Err(EncryptError::Text),
            CodecConfig::Aac(_)
            | CodecConfig::Ac3(_)
            | CodecConfig::Eac3(_)
            | CodecConfig::Opus(_)
            | CodecConfig::Flac(_) => Self::Whole,
        })
    }

    /// Whether samples have subsamples.
    pub(super) fn is_mapped(&self) -> bool {
        !matches!(self, Self::Whole)
    }

    /// Whether protected runs are whole blocks, what is over lying clear before them: in the schemes without partial blocks (§10.2, §10.3), under `cenc` because
    /// CMAF asks for it (ISO/IEC 23000-19 §8.2.2.1), and in VP9 always, so that each frame's counter can be told.
    pub(super) fn aligned(&self, scheme: ProtectionScheme) -> bool {
        scheme != ProtectionScheme::Cbcs || matches!(self, Self::Vp9 { .. })
    }

    /// The runs of the next sample in decode order.
    pub(super) fn runs(&mut self, sample: &[u8], runs: &mut Runs) -> Result<(), Fault> {
        match self {
            Self::Whole => Ok(()),
            Self::Avc(sets) => nal_runs(sample, runs, |nal| avc_clear(sets, nal)),
            Self::Hevc(sets) => nal_runs(sample, runs, |nal| hevc_clear(sets, nal)),
            Self::Av1 { frames, tiles } => {
                tiles.clear();
                frames.tiles(sample, tiles).ok_or(Fault { offset: 0, what: "an AV1 frame header cannot be read" })?;
                let mut at = 0;
                for tile in &*tiles {
                    runs.add(tile.start.saturating_sub(at), tile.len());
                    at = tile.end;
                }
                runs.add(sample.len().saturating_sub(at), 0);
                Ok(())
            }
            Self::Vp9 { frames, headers } => {
                headers.clear();
                frames
                    .headers(sample, headers)
                    .ok_or(Fault { offset: 0, what: "a VP9 frame header cannot be read" })?;
                let mut at = 0;
                for header in &*headers {
                    let clear = header.clear.min(header.range.len());
                    runs.add(header.range.start.saturating_sub(at) + clear, header.range.len() - clear);
                    at = header.range.end;
                }
                runs.add(sample.len().saturating_sub(at), 0);
                Ok(())
            }
        }
    }
}

/// Bytes of the length before each NAL unit.
const LENGTH: usize = 4;

/// `clear` tells how many bytes of a NAL unit stay clear, `None` when its header cannot be read.
fn nal_runs(sample: &[u8], runs: &mut Runs, mut clear: impl FnMut(&[u8]) -> Option<usize>) -> Result<(), Fault> {
    let mut offset = 0;
    for nal in bitstream::bits::length_prefixed(sample) {
        let nal = nal.ok_or(Fault { offset, what: "the length of a NAL unit runs past the end" })?;
        let lead =
            clear(nal).ok_or(Fault { offset, what: "the slice header of a NAL unit cannot be read" })?.min(nal.len());
        runs.add(LENGTH + lead, nal.len() - lead);
        offset += LENGTH + nal.len();
    }
    Ok(())
}

/// Parameter sets are learned, slices clear up to their data, all else clear. Data partitions and slices of enhancement
/// layers stay clear.
fn avc_clear(sets: &mut avc::ParameterSets, nal: &[u8]) -> Option<usize> {
    let Some(kind) = avc::NalType::of(nal) else { return Some(nal.len()) };
    if kind.is_slice() {
        return sets.slice_header_length(nal);
    }
    if kind.is_sps() || kind.is_pps() {
        sets.learn(nal);
    }
    Some(nal.len())
}

/// As of AVC; slices of layers above the base one stay clear.
fn hevc_clear(sets: &mut hevc::ParameterSets, nal: &[u8]) -> Option<usize> {
    let Some(kind) = hevc::NalType::of(nal) else { return Some(nal.len()) };
    let base_layer = nal.len() >= 2 && nal[0] & 1 == 0 && nal[1] >> 3 == 0;
    if kind.is_slice() && base_layer {
        return sets.slice_header_length(nal);
    }
    if (kind.is_vps() || kind.is_sps() || kind.is_pps()) && base_layer {
        sets.learn(nal);
    }
    Some(nal.len())
}
