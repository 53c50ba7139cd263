//! Tracks made of synthetic samples, for every test of the crate.
#![allow(clippy::unwrap_used, dead_code, unreachable_pub)]

use bytes::Bytes;
use media_types::segment::Roles;
use media_types::{CodecConfig, Sample, Timescale, TrackKind, TrackRecord};
use packager::{init_segment, media_segment};

/// `avcC` of a 1920x1080 High profile stream, level 4.0, that states neither shape nor colour.
pub const AVCC: &str = "01640028ffe1001a67640028acd940780227e584000003000400000300f03c60c65801000568ebecb22cfdf8f800";

pub fn avc() -> CodecConfig {
    CodecConfig::Avc(hex::decode(AVCC).unwrap().into())
}

/// AAC-LC, stereo, at one of the two common rates.
pub fn aac(sample_rate: u32) -> CodecConfig {
    CodecConfig::Aac(Bytes::from_static(if sample_rate == 48_000 { &[0x11, 0x90] } else { &[0x12, 0x10] }))
}

pub fn scale(ticks: u32) -> Timescale {
    Timescale::new(ticks).unwrap()
}

/// One access unit: a length and a NAL unit of `size` bytes.
fn access_unit(keyframe: bool, size: usize) -> Bytes {
    let mut unit = (size as u32).to_be_bytes().to_vec();
    unit.push(if keyframe { 0x65 } else { 0x41 });
    unit.resize(4 + size.max(1), 0xa5);
    unit.into()
}

/// Frames `first .. first + count` of `ticks` each, an IDR every `gop`, each later triple reordered as I B P would be.
pub fn video_samples(first: u64, count: u64, ticks: u32, gop: u64, size: impl Fn(u64) -> usize) -> Vec<Sample> {
    let at = |frame: u64| i64::try_from(frame * u64::from(ticks)).unwrap();
    (0..count)
        .map(|k| {
            let in_gop = k % gop;
            let left = (gop - in_gop).min(count - k);
            // Decode order P B: the pair swaps its presentation times when both lie in the GOP.
            let shown = match in_gop {
                0 => k,
                odd if odd % 2 == 1 && left > 1 => k + 1,
                even if even % 2 == 0 => k - 1,
                _ => k,
            };
            Sample {
                dts: at(first + k),
                pts: at(first + shown),
                duration: ticks,
                keyframe: in_gop == 0,
                data: access_unit(in_gop == 0, size(first + k).max(1)),
            }
        })
        .collect()
}

/// Coded AAC frames `first .. first + count`, heard `priming` samples later than they are decoded.
pub fn audio_samples(first: u64, count: u64, priming: i64, size: impl Fn(u64) -> usize) -> Vec<Sample> {
    (first..first + count)
        .map(|frame| Sample {
            dts: i64::try_from(frame * 1024).unwrap(),
            pts: i64::try_from(frame * 1024).unwrap() - priming,
            duration: 1024,
            keyframe: true,
            data: vec![0x21; size(frame)].into(),
        })
        .collect()
}

/// A packaged track with its bytes.
pub struct Packed {
    pub track: TrackRecord,
    pub init: Bytes,
    pub segments: Vec<Bytes>,
}

/// A track without segments.
pub fn bare(name: &str, kind: TrackKind, timescale: Timescale, config: CodecConfig) -> TrackRecord {
    let delay = packager::composition_delay(&kind, timescale, &config).unwrap_or(None);
    TrackRecord {
        name: name.to_owned(),
        kind,
        language: "und".to_owned(),
        timescale,
        config,
        max_bitrate_bps: 3_000_000,
        hidden_ticks: delay.unwrap_or(0),
        shown_ticks: 0,
        segments: Vec::new(),
        label: None,
        roles: Roles::default(),
        captions: None,
        webvtt_sizes: Vec::new(),
    }
}

impl Packed {
    /// Fills in the segments, and how long they are shown unless that is given.
    pub fn new(mut track: TrackRecord, segments: impl Iterator<Item = Vec<Sample>>) -> Packed {
        let init = init_segment(&track, None).unwrap();
        let mut bytes = Vec::new();
        for (index, samples) in segments.enumerate() {
            let packed = media_segment(&track.kind, index as u32, &samples, track.hidden_ticks).unwrap();
            track.segments.push(packed.record);
            bytes.push(packed.bytes);
        }
        if track.shown_ticks == 0 {
            track.shown_ticks = track.segments.iter().map(|segment| segment.duration_ticks).sum();
        }
        Packed { track, init, segments: bytes }
    }
}

/// Video of `frames` frames at 24000/1001 in segments of 96, named `video-{height}p`.
pub fn video(height: u32, frames: u64) -> Packed {
    let kind =
        TrackKind::Video { width: height * 16 / 9, height, rate_num: 24_000, rate_den: 1001, sample_aspect: (1, 1) };
    let segments = (0..frames.div_ceil(96)).map(|segment| {
        let first = segment * 96;
        let size =
            move |frame: u64| height as usize * if frame.is_multiple_of(48) { 40 } else { 2 } + frame as usize % 7;
        video_samples(first, (frames - first).min(96), 1001, 48, size)
    });
    Packed::new(bare(&format!("video-{height}p"), kind, scale(24_000), avc()), segments)
}

/// Stereo AAC at 44.1 kHz that lasts as long as `frames` video frames, cut on the video's grid.
pub fn audio(name: &str, language: &str, frames: u64) -> Packed {
    let samples = |frame: u64| (frame * 1001 * 44_100 + 12_000) / 24_000;
    let plan = media_types::AudioPlan {
        name: "und".to_owned(),
        label: None,
        roles: Default::default(),
        clock: Default::default(),
        stream_index: 1,
        source_time_base: media_types::Rational { num: 1, den: 44_100 },
        origin_pts: 0,
        sample_rate: 44_100,
        channels: 2,
        bitrate_bps: 128_000,
        opus_bitrate_bps: None,
        sample_count: samples(frames),
        borders: (1..frames.div_ceil(96)).map(|segment| samples(segment * 96)).collect(),
        language: language.to_owned(),
        loudness: None,
    };
    let grid = packager::audio_segments(&plan, media_types::AudioCodec::Aac, 1024);
    let kind = TrackKind::Audio { sample_rate: 44_100, channels: 2 };
    let segments = (0..grid.segment_count()).map(|segment| {
        audio_samples(grid.first_frame(segment), grid.frames_in_segment(segment), 1024, |frame| {
            300 + frame as usize % 60
        })
    });
    let track = TrackRecord {
        language: language.to_owned(),
        hidden_ticks: 1024,
        shown_ticks: plan.sample_count,
        ..bare(name, kind, scale(44_100), aac(44_100))
    };
    Packed::new(track, segments)
}
