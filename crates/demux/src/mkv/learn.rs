//! What only frames tell: configurations that the container lacks, and the samples of a frame.

use bitstream::audio::{ac3, flac, opus};
use bitstream::{av1, avc, vp9};
use bytes::Bytes;
use media_types::CodecConfig;

use super::byte_stream;
use super::codec::{AudioFacts, Coded, Facts, Format, VideoFacts};
use super::entry::{Colour, Entry};

impl Coded {
    /// Learns the configuration from a frame.
    pub(super) fn learn(&mut self, frame: &[u8], keyframe: bool, entry: &Entry) -> Result<(), String> {
        let config = match (&self.format, &mut self.facts) {
            (Format::Av1, Facts::Video(facts)) => {
                let header = av1::SequenceHeader::find(frame).ok_or("a frame before the first AV1 sequence header")?;
                facts.take_sequence(&header);
                let record = av1::record(frame).ok_or("an AV1 sequence header that cannot be read")?;
                CodecConfig::Av1(record.into())
            }
            (Format::ByteStream { .. }, Facts::Video(facts)) => {
                let record = byte_stream::record(frame).ok_or("a frame before the first H.264 parameter sets")?;
                let sps = avc::Record::parse(&record).and_then(|record| record.first_sps());
                *facts = VideoFacts::of_avc(&sps.ok_or("H.264 parameter sets that cannot be read")?);
                CodecConfig::Avc(record)
            }
            (Format::Vp9, Facts::Video(facts)) if keyframe => learn_vp9(frame, facts, &entry.video.colour)?,
            (Format::Vp9, _) => return Err("a frame before the first VP9 key frame".into()),
            (Format::Ac3 | Format::Eac3, Facts::Audio(facts)) => learn_ac3(frame, facts)?,
            _ => return Err("a frame of a track without configuration".into()),
        };
        match &config {
            CodecConfig::Ac3(_) => self.format = Format::Ac3,
            CodecConfig::Eac3(_) => self.format = Format::Eac3,
            _ => {}
        }
        self.config = Some(config);
        Ok(())
    }

    /// Ticks of an audio frame, of which the bytes that are needed are there; 0 of others.
    pub(super) fn samples(&self, frame: &[u8]) -> Result<u32, String> {
        let Facts::Audio(facts) = &self.facts else { return Ok(0) };
        match self.format {
            Format::Opus => opus::duration(frame).ok_or_else(|| "a damaged Opus packet".into()),
            Format::Flac => flac::block_size(frame).ok_or_else(|| "a damaged FLAC frame".into()),
            Format::Eac3 => eac3_samples(frame).ok_or_else(|| "a damaged E-AC-3 frame".into()),
            _ => Ok(facts.samples),
        }
    }
}

/// The key frame gives the format; colours that the container states are more exact.
fn learn_vp9(frame: &[u8], facts: &mut VideoFacts, colour: &Colour) -> Result<CodecConfig, String> {
    let mut frames = Vec::new();
    vp9::Frames::new().headers(frame, &mut frames).ok_or("a damaged VP9 key frame")?;
    let first = frames.iter().find(|frame| frame.keyframe).ok_or("a frame before the first VP9 key frame")?;
    let format = first.format.as_ref().ok_or("a damaged VP9 key frame")?;
    facts.size = (first.width, first.height);
    let mut record = vp9::Record::new(format, first.width, first.height, None);
    let code = |value: Option<u64>| value.and_then(|value| u8::try_from(value).ok()).filter(|&value| value != 2);
    record.primaries = code(colour.primaries).unwrap_or(record.primaries);
    record.transfer = code(colour.transfer).unwrap_or(record.transfer);
    record.matrix = code(colour.matrix).unwrap_or(record.matrix);
    record.full_range = colour.range.map_or(record.full_range, |range| range == 2 || record.full_range);
    Ok(CodecConfig::Vp9(record.to_bytes().into()))
}

/// A `vpcC` with the level that its size and rate ask for, which is learnt after the first frame.
pub(super) fn with_level(config: Bytes, size: (u32, u32), rate: Option<(u32, u32)>) -> Bytes {
    match vp9::Record::parse(&config) {
        Some(record) => vp9::Record { level: vp9::level(size.0, size.1, rate), ..record }.to_bytes().into(),
        None => config,
    }
}

/// The first frame tells which of both it is: files name one and hold the other.
fn learn_ac3(frame: &[u8], facts: &mut AudioFacts) -> Result<CodecConfig, String> {
    let first = ac3::SyncFrame::parse(frame).ok_or("no AC-3 frame")?;
    if first.kind == ac3::Kind::Ac3 {
        let config = ac3::Ac3Config::new(&first).ok_or("an AC-3 frame that cannot be described")?;
        *facts = AudioFacts::new(first.rate, first.channels(), first.samples());
        return Ok(CodecConfig::Ac3(config.to_bytes().into()));
    }
    let config = ac3::Eac3Config::new(frame).ok_or("an E-AC-3 frame that cannot be described")?;
    *facts = AudioFacts::new(first.rate, config.channels(), 0);
    Ok(CodecConfig::Eac3(config.to_bytes().into()))
}

/// The samples of the first independent substream, which carries the time.
fn eac3_samples(unit: &[u8]) -> Option<u32> {
    let (mut at, mut samples) = (0, 0u32);
    while at < unit.len() {
        let Some(frame) = unit.get(at..).and_then(ac3::SyncFrame::parse) else { break };
        if frame.kind != ac3::Kind::Dependent && frame.substream == 0 {
            samples = samples.checked_add(frame.samples())?;
        }
        at = at.checked_add(frame.length.max(1))?;
    }
    (samples > 0).then_some(samples)
}
