//! What one order may bring, and what must have come before its end.

use media_types::{AudioCodec, CodecConfig, Sample, VideoCodec};
use pipeline::{
    AudioOrder, MAX_CUE_BYTES, MAX_CUES, MAX_TEXT_BYTES, POSTER, RangeOrder, STORYBOARD, StillsOrder, TextCue,
    TextOrder,
};

use crate::protocol::{Limits, ProtocolError};

/// More than any encoder of sound puts before the first sample.
const MAX_PRIMING_SAMPLES: u32 = 1 << 14;
/// An ADTS header has 13 bits for a frame's length (ISO/IEC 14496-3 §1.A.2.2); a packet of Opus is no longer.
const MAX_SOUND_FRAME_BYTES: u64 = (1 << 13) - 1;
/// How many times over an encoder may break the cap on its bitrate, which is quality's last resort and not exact.
const OVERSHOOT: u128 = 8;

/// What is still to come. The order alone says how much that is, so that a child cannot fill its parent's memory.
pub(super) struct Expected {
    tracks: Vec<Track>,
    images: Vec<&'static str>,
    /// Cues that may come, for each text track.
    cues_left: Vec<u64>,
    text_bytes_left: u64,
    /// What progress counts to, at most.
    total: u64,
    done: Option<u64>,
}

struct Track {
    form: Form,
    /// What is to come, in frames of the grid or in coded frames of sound. `None` before the configuration.
    frames_left: Option<u64>,
}

enum Form {
    Video { codec: VideoCodec, frames: u64, frame_ticks: u32, bytes_left: u64 },
    Audio { codec: AudioCodec, samples: u64 },
}

impl Expected {
    pub(super) fn nothing() -> Self {
        Self { tracks: Vec::new(), images: Vec::new(), cues_left: Vec::new(), text_bytes_left: 0, total: 0, done: None }
    }

    pub(super) fn of_range(order: &RangeOrder) -> Self {
        let frames = order.frame_count();
        let rate = order.video.frame_rate;
        let tracks = order.renditions.iter().map(|rendition| {
            let cap = &rendition.encoding;
            let bits = u128::from(cap.max_bitrate_bps) * u128::from(frames) * u128::from(rate.den())
                / u128::from(rate.num())
                + u128::from(cap.buffer_bits);
            let bytes = bits.saturating_mul(OVERSHOOT) / 8 + u128::from(Limits::FROM_CHILD.payload_bytes);
            let bytes_left = u64::try_from(bytes).unwrap_or(u64::MAX);
            let frame_ticks = order.video.frame_ticks.max(1);
            Track { form: Form::Video { codec: cap.codec, frames, frame_ticks, bytes_left }, frames_left: None }
        });
        Self { tracks: tracks.collect(), total: frames, ..Self::nothing() }
    }

    pub(super) fn of_audio(order: &AudioOrder) -> Self {
        let samples = order.plan.sample_count;
        let codecs = order.plan.codings().map(|coding| coding.codec);
        let tracks = codecs.map(|codec| Track { form: Form::Audio { codec, samples }, frames_left: None });
        Self { tracks: tracks.collect(), total: samples, ..Self::nothing() }
    }

    pub(super) fn of_stills(order: &StillsOrder) -> Self {
        let (poster, sheet) = (order.poster.map(|_| POSTER), order.sheet.as_ref().map(|_| STORYBOARD));
        Self { images: poster.into_iter().chain(sheet).collect(), total: order.pictures(), ..Self::nothing() }
    }

    pub(super) fn of_text(order: &TextOrder, source_bytes: u64) -> Self {
        let cues_left = vec![MAX_CUES; order.tracks.len()];
        Self { cues_left, text_bytes_left: MAX_TEXT_BYTES, total: source_bytes, ..Self::nothing() }
    }

    pub(super) fn config(&mut self, track: u32, config: &CodecConfig, priming: u32) -> Result<(), ProtocolError> {
        let track = self.tracks.get_mut(track as usize).filter(|track| track.frames_left.is_none());
        let track = track.ok_or(ProtocolError::Unexpected("the configuration of another track"))?;
        track.frames_left = match (&track.form, config) {
            (Form::Video { codec, frames, .. }, config) if priming == 0 && is_of(config, *codec) => Some(*frames),
            (Form::Audio { codec, samples }, config)
                if priming <= MAX_PRIMING_SAMPLES && AudioCodec::of(config) == Some(*codec) =>
            {
                Some(samples.saturating_add(priming.into()).div_ceil(codec.frame_samples().into()))
            }
            _ => return Err(ProtocolError::Unexpected("a configuration that was not ordered")),
        };
        Ok(())
    }

    /// A sample may show several frames; at least one is what it takes from those to come.
    pub(super) fn sample(&mut self, track: u32, sample: &Sample) -> Result<(), ProtocolError> {
        let track = self.tracks.get_mut(track as usize);
        let Some(Track { form, frames_left: Some(frames_left) }) = track else {
            return Err(ProtocolError::Unexpected("a sample of a track without configuration"));
        };
        let bytes = sample.data.len() as u64;
        let (fits, frames) = match form {
            Form::Video { frame_ticks, bytes_left, .. } => {
                let rest = bytes_left.checked_sub(bytes);
                *bytes_left = rest.unwrap_or(0);
                (rest.is_some(), sample.duration / *frame_ticks)
            }
            Form::Audio { .. } => (bytes <= MAX_SOUND_FRAME_BYTES, 1),
        };
        let rest = frames_left.checked_sub(frames.max(1).into()).filter(|_| fits);
        *frames_left = rest.ok_or(ProtocolError::Unexpected("more than was ordered"))?;
        Ok(())
    }

    pub(super) fn image(&mut self, name: &str) -> Result<(), ProtocolError> {
        let at = self.images.iter().position(|wanted| *wanted == name);
        self.images.swap_remove(at.ok_or(ProtocolError::Unexpected("an image that was not ordered"))?);
        Ok(())
    }

    pub(super) fn cue(&mut self, track: u32, cue: &TextCue) -> Result<(), ProtocolError> {
        let left = self.cues_left.get_mut(track as usize).ok_or(ProtocolError::Unexpected("text of another track"))?;
        let length = cue.length();
        let rest = left.checked_sub(1).filter(|_| length <= MAX_CUE_BYTES);
        let bytes = self.text_bytes_left.checked_sub(length as u64);
        let (rest, bytes) = rest.zip(bytes).ok_or(ProtocolError::Unexpected("more than was ordered"))?;
        (*left, self.text_bytes_left) = (rest, bytes);
        Ok(())
    }

    /// Whether the work moves: a child that says the same again and again does not.
    pub(super) fn progress(&mut self, done: u64, total: u64) -> Result<bool, ProtocolError> {
        if done > total || total > self.total {
            return Err(ProtocolError::Unexpected("progress beyond what was ordered"));
        }
        let moved = self.done.is_none_or(|before| done > before);
        self.done = Some(done);
        Ok(moved)
    }

    /// That everything came.
    pub(super) fn end(&self) -> Result<(), ProtocolError> {
        let whole = |track: &Track| track.frames_left == Some(0);
        if self.images.is_empty() && self.tracks.iter().all(whole) {
            return Ok(());
        }
        Err(ProtocolError::Unexpected("the end before all that was ordered came"))
    }
}

fn is_of(config: &CodecConfig, codec: VideoCodec) -> bool {
    match codec {
        VideoCodec::H264 => matches!(config, CodecConfig::Avc(_)),
        VideoCodec::Hevc => matches!(config, CodecConfig::Hevc(_)),
        VideoCodec::Av1 => matches!(config, CodecConfig::Av1(_)),
        VideoCodec::Vp9 => matches!(config, CodecConfig::Vp9(_)),
    }
}
