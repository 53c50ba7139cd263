//! Ranges made by graphs of elements, beside those of the other engine.
//!
//! The graphs are those of devices; the elements are the processor's, since no device can be counted on. What a device makes
//! is looked at by `a_device_that_is_there_makes_the_same_range`, which says so where there is none.

#![allow(clippy::unwrap_used)]

mod confined;
mod media;

use std::collections::BTreeMap;
use std::path::Path;

use engine_gstreamer::{DeviceEngine, DeviceProfile, prepare};
use media_types::Sample;
use pipeline::{CollectingSink, Engine, EngineError, EngineSink, RangeCheck, RangeOrder, RangeSummary, check_range};

use media::{apart, libav, number, numbered, order, planned, shown};

fn never(why: &str) {
    panic!("it was not made by the graph: {why}");
}

fn ignored(_: &str) {}

fn graph(path: &Path, profile: &str, tell: fn(&str)) -> DeviceEngine<engine_libav::LibavEngine> {
    let profile = if profile.is_empty() { DeviceProfile::software() } else { profile.parse().unwrap() };
    prepare(&profile).unwrap();
    DeviceEngine::new(libav(path), profile, tell)
}

fn made(engine: &mut dyn Engine, order: &RangeOrder) -> (CollectingSink, RangeSummary) {
    let mut sink = CollectingSink::new(10_000);
    let summary = engine.encode_range(order, &mut sink).unwrap();
    judge(order, &summary, &sink.samples);
    (sink, summary)
}

/// That it is what was ordered, as a worker checks it.
fn judge(order: &RangeOrder, summary: &RangeSummary, samples: &BTreeMap<u32, Vec<Sample>>) {
    check_range(order, summary).unwrap();
    let mut check = RangeCheck::new(order);
    for (track, samples) in samples {
        samples.iter().for_each(|sample| check.sample(*track, sample).unwrap());
    }
    check.finish().unwrap();
}

fn keyframes(samples: &[Sample]) -> Vec<i64> {
    samples.iter().filter(|sample| sample.keyframe).map(|sample| sample.pts).collect()
}

/// Makes every range of a source by both engines: the same frames, key frames, configurations and pictures.
fn compare(path: &Path, upright: bool) {
    let video = planned(path);
    for range in 0..video.ranges.len() {
        let order = order(&video, range);
        let (expected, _) = made(&mut libav(path), &order);
        let (found, summary) = made(&mut graph(path, "", never), &order);
        assert_eq!((summary.missing_pictures, found.samples.len()), (0, 2));
        for (track, samples) in &found.samples {
            let beside = &expected.samples[track];
            assert_eq!(keyframes(samples), keyframes(beside), "range {range}");
            let (config, as_libav) = (&found.configs[track], &expected.configs[track]);
            assert_eq!(config, as_libav, "one track has ranges of both");
            let (pictures, others) = (shown(&order, &config.0, samples), shown(&order, &as_libav.0, beside));
            assert_eq!(pictures.len() as u64, order.frame_count(), "range {range}");
            assert_eq!(pictures.len(), others.len());
            for (at, (picture, other)) in pictures.iter().zip(&others).enumerate() {
                assert!(apart(picture, other) < 2.0, "range {range}, track {track}, picture {at}");
                if upright {
                    assert_eq!(number(picture), number(other), "range {range}, picture {at}");
                }
            }
        }
    }
}

/// Pictures that may be shown before the key frame they come behind; 28 s, so that the second range begins in the middle.
#[test]
fn h264_with_open_groups_is_the_same_by_both_engines_in_every_range() {
    let folder = tempfile::tempdir().unwrap();
    let coded = "-c:v libx264 -preset veryfast -x264-params open-gop=1:keyint=70:bframes=3 source.mp4";
    compare(&numbered(folder.path(), 28, "", coded), true);
}

#[test]
fn a_transport_stream_is_the_same_by_both_engines() {
    let folder = tempfile::tempdir().unwrap();
    compare(&numbered(folder.path(), 6, "", "-c:v libx264 -preset veryfast source.ts"), true);
}

#[test]
fn hevc_and_vp9_are_the_same_by_both_engines() {
    let folder = tempfile::tempdir().unwrap();
    let hevc = "-c:v libx265 -preset ultrafast -x265-params log-level=none -tag:v hvc1 source.mp4";
    compare(&numbered(folder.path(), 5, "", hevc), true);
    let vp9 = "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 1M -auto-alt-ref 1 source.webm";
    compare(&numbered(folder.path(), 5, "", vp9), true);
}

#[test]
fn a_variable_rate_is_the_same_by_both_engines() {
    let folder = tempfile::tempdir().unwrap();
    let kept = "select='not(mod(n\\,7))+lt(mod(n\\,13)\\,5)'";
    compare(&numbered(folder.path(), 8, kept, "-vsync vfr -c:v libx264 -preset veryfast source.mkv"), true);
}

#[test]
fn a_turned_picture_is_the_same_by_both_engines() {
    let folder = tempfile::tempdir().unwrap();
    for degrees in ["90", "180"] {
        let stored = numbered(folder.path(), 4, "", "-c:v libx264 -preset veryfast stored.mp4");
        let turned = folder.path().join("turned.mp4");
        let rotate = format!("rotate={degrees}");
        let words = ["-i", stored.to_str().unwrap(), "-c", "copy", "-metadata:s:v", &rotate, turned.to_str().unwrap()];
        media::ffmpeg(words, &[]);
        compare(&turned, false);
    }
}

/// Takes note of all that comes, and of progress that goes back.
struct Watching(CollectingSink, u64);

impl EngineSink for Watching {
    fn config(&mut self, track: u32, config: media_types::CodecConfig, priming: u32) -> Result<(), pipeline::Stop> {
        assert!(!self.0.configs.contains_key(&track), "a second configuration");
        self.0.config(track, config, priming)
    }

    fn sample(&mut self, track: u32, sample: Sample) -> Result<(), pipeline::Stop> {
        self.0.sample(track, sample)
    }

    fn image(&mut self, _: &str, _: bytes::Bytes) -> Result<(), pipeline::Stop> {
        unreachable!("a range has none")
    }

    fn cue(&mut self, _: u32, _: pipeline::TextCue) -> Result<(), pipeline::Stop> {
        unreachable!("a range has none")
    }

    fn progress(&mut self, done: u64, _: u64) -> Result<(), pipeline::Stop> {
        assert!(done > self.1, "progress goes back");
        self.1 = done;
        Ok(())
    }
}

#[test]
fn what_the_graph_does_not_serve_or_fails_at_is_made_by_the_other_engine_as_if_nothing_had_been() {
    let folder = tempfile::tempdir().unwrap();
    let path = numbered(folder.path(), 6, "", "-c:v libx264 -preset veryfast -g 50 source.mp4");
    let order = order(&planned(&path), 0);
    let (expected, _) = made(&mut libav(&path), &order);
    let (found, _) = made(&mut graph(&path, "avdec_h265+x264enc@processor", ignored), &order);
    assert_eq!(found, expected, "there is no decoder for it");

    // Pictures that are gone in the middle, after half of the range was made.
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 20_000].fill(0);
    std::fs::write(&path, bytes).unwrap();
    let (_, summary) = made(&mut libav(&path), &order);
    let mut sink = Watching(CollectingSink::new(10_000), 0);
    let again = graph(&path, "", ignored).encode_range(&order, &mut sink).unwrap();
    judge(&order, &again, &sink.0.samples);
    // What damaged pictures look like depends on what a decoder had at hand, side by side with others.
    let counts = |summary: &RangeSummary| (summary.frames_per_track.clone(), summary.first_missing_pts);
    assert_eq!(counts(&again), counts(&summary));
}

#[test]
fn whoever_no_longer_wants_a_range_ends_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = numbered(folder.path(), 10, "", "-c:v libx264 -preset veryfast source.mp4");
    struct Stops;
    impl EngineSink for Stops {
        fn config(&mut self, _: u32, _: media_types::CodecConfig, _: u32) -> Result<(), pipeline::Stop> {
            Ok(())
        }
        fn sample(&mut self, _: u32, _: Sample) -> Result<(), pipeline::Stop> {
            Ok(())
        }
        fn image(&mut self, _: &str, _: bytes::Bytes) -> Result<(), pipeline::Stop> {
            Ok(())
        }
        fn cue(&mut self, _: u32, _: pipeline::TextCue) -> Result<(), pipeline::Stop> {
            Ok(())
        }
        fn progress(&mut self, done: u64, _: u64) -> Result<(), pipeline::Stop> {
            if done > 20 { Err(pipeline::Stop) } else { Ok(()) }
        }
    }
    let order = order(&planned(&path), 0);
    assert_eq!(graph(&path, "", never).encode_range(&order, &mut Stops), Err(EngineError::Stopped));
}
