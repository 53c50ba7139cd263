//! Derived from tracks of synthetic samples.
#![allow(clippy::unwrap_used)]

use std::cell::RefCell;
use std::collections::BTreeMap;

use futures::FutureExt;
use futures::future::BoxFuture;
use media_types::{AudioProbe, CodecConfig, PacketTime, ProbeReport, Rational, Sample, TrackKind, VideoProbe};
use packager::{PackagedSegment, media_segment};
use pipeline::{AudioOrder, CollectingSink, Engine, FakeEngine, RangeOrder, RangeScenes};

use super::*;
use crate::segmenter::{Builder, Cuts, SoundPart};
use crate::track::ObjectSink;

/// `avcC` of a High profile stream, level 4.0.
const AVCC: &str = "01640028ffe1001a67640028acd940780227e584000003000400000300f03c60c65801000568ebecb22cfdf8f800";

/// Three segments of four seconds at 25 pictures a second, an IDR picture every two seconds.
fn rung(height: u32) -> (TrackRecord, BTreeMap<String, Bytes>) {
    let (name, timescale) = (format!("video-{height}p"), Timescale::new(12_800).unwrap());
    let kind = TrackKind::Video { width: height * 16 / 9, height, rate_num: 25, rate_den: 1, sample_aspect: (1, 1) };
    let config = CodecConfig::Avc(hex::decode(AVCC).unwrap().into());
    let hidden_ticks = packager::composition_delay(&kind, timescale, &config).unwrap().unwrap_or(0);
    let sample = |frame: i64| {
        let keyframe = frame % 50 == 0;
        let data = Bytes::from(vec![frame as u8; if keyframe { 2000 } else { 100 }]);
        Sample { dts: frame * 512, pts: frame * 512, duration: 512, keyframe, data }
    };
    let (mut segments, mut files) = (Vec::new(), BTreeMap::new());
    for index in 0..3u32 {
        let samples: Vec<Sample> = (0..100).map(|at| sample(i64::from(index) * 100 + at)).collect();
        let PackagedSegment { record, bytes } = media_segment(&kind, index, &samples, hidden_ticks).unwrap();
        files.insert(segment_path(&name, index), bytes);
        segments.push(record);
    }
    let track = TrackRecord {
        name,
        kind,
        language: NO_LANGUAGE.to_owned(),
        timescale,
        config,
        max_bitrate_bps: 1_000_000,
        hidden_ticks,
        shown_ticks: 300 * 512,
        segments,
        label: None,
        roles: Roles::default(),
        captions: None,
        webvtt_sizes: Vec::new(),
    };
    (track, files)
}

fn text<'a>(files: &'a [OutputFile], path: &str) -> &'a str {
    let file = files.iter().find(|file| file.path == path).unwrap_or_else(|| panic!("{path} is missing"));
    std::str::from_utf8(&file.bytes).unwrap()
}

fn derived(tracks: &[TrackRecord], keyframes: Vec<FinishedTrick>, uri_prefix: &str) -> Vec<OutputFile> {
    let plan = pipeline::plan(&talk(1440, 2_882_880, 48_000), &ladders::builtin("film").unwrap()).unwrap();
    let scenes = &RecordingScenes::default();
    Derived { plan: &plan, scenes, tracks, keyframes, storyboard: None, uri_prefix, protection: None }.files().unwrap()
}

#[tokio::test]
async fn keyframes_of_the_smallest_rendition_are_told_by_playlist_and_manifest() {
    let ((high, _), (low, stored)) = (rung(720), rung(360));
    let tracks = [high, low];
    let asked = RefCell::new(Vec::new());
    let read = |path: String| {
        let found = stored.get(&path).cloned().ok_or_else(|| WorkError::Storage(format!("{path} is not there")));
        asked.borrow_mut().push(path);
        async { found }
    };
    let keyframes = clear_keyframes(&tracks, read).await.unwrap();
    assert_eq!(*asked.borrow(), stored.keys().cloned().collect::<Vec<_>>(), "each segment once, no other");
    let files = derived(&tracks, keyframes, "g2/");
    let keyframes = files.iter().find(|file| file.path == "video-360p/trick.mp4").unwrap();
    assert_eq!(keyframes.media_type, "video/mp4");
    for frame in [0u8, 50, 100, 150, 200, 250] {
        assert!(keyframes.bytes.windows(2000).any(|part| part.iter().all(|&byte| byte == frame)), "picture {frame}");
    }
    let manifest = text(&files, "manifest.mpd");
    assert!(manifest.contains("<BaseURL>g2/video-360p/trick.mp4</BaseURL>"), "{manifest}");
    let playlist = text(&files, "video-360p/iframes.m3u8");
    assert_eq!(playlist.matches("#EXTINF:2.000000,\n").count(), 6, "{playlist}");
    assert_eq!(playlist.matches("\ntrick.mp4\n").count(), 6, "{playlist}");
    assert!(text(&files, "master.m3u8").contains("URI=\"g2/video-360p/iframes.m3u8\""));
}

#[tokio::test]
async fn a_first_generation_tells_of_no_keyframes_in_a_file() {
    let tracks = [rung(360).0];
    let files = derived(&tracks, Vec::new(), "g1/");
    assert!(!files.iter().any(|file| file.path.ends_with("trick.mp4")));
    assert!(!text(&files, "manifest.mpd").contains("trickmode"));
    assert!(!text(&files, "video-360p/iframes.m3u8").contains("trick.mp4"));
}

#[tokio::test]
async fn a_segment_that_cannot_be_read_or_is_another_fails_the_whole() {
    let (track, mut stored) = rung(360);
    let tracks = [track];
    let missing = clear_keyframes(&tracks, |path| async { Err(WorkError::Storage(path)) }).await;
    assert!(matches!(missing, Err(WorkError::Storage(path)) if path == "video-360p/00001.m4s"));
    let first = stored["video-360p/00001.m4s"].clone();
    stored.insert("video-360p/00002.m4s".to_owned(), first);
    let other = clear_keyframes(&tracks, |path| std::future::ready(Ok(stored[&path].clone()))).await;
    assert!(matches!(other, Err(WorkError::Package(_))), "{other:?}");
}

/// A talk of so many pictures, 24000 of them in 1001 seconds, and of so many samples.
fn talk(pictures: i64, samples: i64, sample_rate: u32) -> ProbeReport {
    let audio = AudioProbe {
        clock: Default::default(),
        stream_index: 1,
        codec: "aac".to_owned(),
        sample_rate,
        channels: 2,
        language: None,
        title: None,
        roles: Roles::default(),
        time_base: Rational { num: 1, den: sample_rate.cast_signed() },
        span: Some((0, samples)),
    };
    let packets = (0..pictures).map(|pts| PacketTime { pts, keyframe: pts % 48 == 0 }).collect();
    let video = VideoProbe::plain("h264", (640, 360), Rational { num: 1001, den: 24_000 }, packets);
    ProbeReport { audio: vec![audio], ..ProbeReport::of_pictures("mov", video) }
}

/// Keeps nothing but what is known of a track before it is made.
#[derive(Default)]
struct Heads(std::sync::Mutex<Vec<TrackHead>>);

impl ObjectSink for Heads {
    fn put(&self, _: String, _: Bytes) -> BoxFuture<'_, Result<(), WorkError>> {
        async { Ok(()) }.boxed()
    }

    fn configured<'a>(&'a self, head: &'a TrackHead) -> BoxFuture<'a, Result<(), WorkError>> {
        self.0.lock().unwrap().push(head.clone());
        async { Ok(()) }.boxed()
    }
}

async fn made(mut builder: Builder<'_>, given: &CollectingSink, heads: &Heads) -> TrackPart {
    let (config, priming) = given.configs[&0].clone();
    builder.configure(config, priming, heads).await.unwrap();
    for sample in &given.samples[&0] {
        builder.push(sample.clone(), heads).await.unwrap();
    }
    builder.flush(heads).await.unwrap();
    builder.finish().unwrap()
}

fn grid(segments: &[SegmentRecord]) -> Vec<(u32, u64, u64, u32)> {
    let place =
        |segment: &SegmentRecord| (segment.index, segment.start_ticks, segment.duration_ticks, segment.sample_count);
    segments.iter().map(place).collect()
}

#[tokio::test]
async fn what_is_promised_of_a_track_is_what_is_made() {
    for (pictures, samples, rate) in
        [(1440, 2_882_880, 48_000), (1441, 2_650_000, 44_100), (2000, 4_000_123, 48_000), (97, 100_000, 24_000)]
    {
        let report = talk(pictures, samples, rate);
        let plan = pipeline::plan(&report, &ladders::builtin("film").unwrap()).unwrap();
        let (video, audio) = (plan.video.unwrap(), plan.audio[0].clone());
        let (mut engine, heads) = (FakeEngine::new(report), Heads::default());

        let mut given = CollectingSink::new(100_000);
        engine.encode_audio(&AudioOrder { plan: audio.clone(), gain_db: 0.0 }, &mut given).unwrap();
        let timescale = Timescale::new(audio.sample_rate).unwrap();
        let builder = Builder::new(
            crate::track::audio_track(&audio, AudioCodec::Aac),
            timescale,
            Cuts::Audio { plan: &audio, grid: None, gain_db: 0.0, part: SoundPart::default() },
        );
        let record = audio_record(&audio, &made(builder, &given, &heads).await).unwrap();
        let promised = planned_audio(&audio, &heads.0.lock().unwrap().pop().unwrap()).unwrap();
        assert_eq!(grid(&promised.segments), grid(&record.segments), "{samples} samples of {rate}");
        assert_eq!((promised.hidden_ticks, promised.shown_ticks), (record.hidden_ticks, record.shown_ticks));
        assert_eq!((promised.name, promised.config), (record.name, record.config));

        let (mut ranges, name) = (Vec::new(), video_track(&video.renditions[0].name));
        for range in &video.ranges {
            let mut given = CollectingSink::new(100_000);
            engine.encode_range(&RangeOrder::new(&video, range, &[0]), &mut given).unwrap();
            let cuts = Cuts::Video { plan: &video, range: *range, kind: video_kind(&video, &video.renditions[0]) };
            let part = made(Builder::new(name.clone(), video.timescale, cuts), &given, &heads).await;
            ranges.push(RangeParts {
                parts: vec![part],
                missing_pictures: 0,
                scenes: RangeScenes::default(),
                quality: Vec::new(),
                losses: Vec::new(),
                ordered: Vec::new(),
            });
        }
        let record = video_record(&video, 0, ranges.iter()).unwrap();
        let promised = planned_video(&video, &heads.0.lock().unwrap().pop().unwrap()).unwrap();
        assert_eq!(grid(&promised.segments), grid(&record.segments), "{pictures} pictures");
        assert_eq!((promised.hidden_ticks, promised.shown_ticks), (record.hidden_ticks, record.shown_ticks));
        assert_eq!((promised.name, promised.kind, promised.config), (record.name, record.kind, record.config));
    }
}
