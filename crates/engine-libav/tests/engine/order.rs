//! Times, key frames and repeatability of what comes out.

use std::collections::BTreeMap;

use pipeline::{CollectingSink, Engine, RangeOrder};

use crate::decoding::{annex_b, encode};
use crate::media::{Folder, moving, planned};

#[test]
fn a_samples_time_is_that_of_the_picture_in_it() {
    let folder = Folder::new();
    let file = folder.numbered(&moving("25", 200), "", "-c:v libx264 -preset veryfast -pix_fmt yuv420p a.mp4");
    let (mut engine, _, plan) = planned(&file);
    let video = plan.video.unwrap();
    let mut order = RangeOrder::new(&video, &video.ranges[0], &[0]);
    order.renditions[0].encoding.preset = "fast".to_owned();
    let (sink, _) = encode(&mut engine, &order);
    let samples = &sink.samples[&0];
    assert!(samples.iter().any(|sample| sample.pts < sample.dts), "no picture is reordered");

    // One packet per sample, found again by its place in the stream after decoding.
    let (mut stream, mut by_place) = (Vec::new(), BTreeMap::new());
    for sample in samples {
        let unit = annex_b(&sink.configs[&0].0, std::slice::from_ref(sample));
        by_place.insert(stream.len(), sample.pts);
        stream.extend(unit);
    }
    let out = folder.path("placed.h264");
    std::fs::write(&out, stream).unwrap();
    let shown = places(&out);
    assert_eq!(shown.len(), samples.len());
    let times: Vec<i64> = shown.iter().map(|place| *by_place.range(..=place).next_back().unwrap().1).collect();
    assert!(times.is_sorted(), "{times:?}");
}

/// Byte positions of the packets of a stream's pictures, in the order in which they are shown.
fn places(file: &std::path::Path) -> Vec<usize> {
    let mut command = std::process::Command::new("ffprobe");
    command.args(["-v", "error", "-show_entries", "frame=pkt_pos", "-of", "csv=p=0"]).arg(file);
    let text = String::from_utf8(command.output().expect("ffprobe is installed").stdout).unwrap();
    text.lines().filter_map(|line| line.trim_end_matches(',').parse().ok()).collect()
}

#[test]
fn equal_orders_give_equal_bytes() {
    let folder = Folder::new();
    let sound = "-f lavfi -i sine=frequency=440:duration=6";
    let film = folder.numbered(&moving("25", 150), "", "-c:v libx264 -pix_fmt yuv420p film.mkv");
    let file = folder.make(&format!("-i {} {sound} -c:v copy -c:a aac both.mp4", film.display()));
    let (mut engine, _, plan) = planned(&file);
    let video = plan.video.unwrap();
    let range_order = RangeOrder::new(&video, &video.ranges[0], &[0]);
    let first = encode(&mut engine, &range_order);
    assert_eq!(first, encode(&mut planned(&file).0, &range_order));
    // More threads give other bytes now and then only, so that comparing does not show them.
    let settings = String::from_utf8_lossy(&first.0.samples[&0][0].data).into_owned();
    assert!(settings.contains(" threads=1 "), "{settings}");
    let order = pipeline::AudioOrder { plan: plan.audio[0].clone(), gain_db: 0.0 };
    let mut sound = || {
        let mut sink = CollectingSink::new(10_000);
        engine.encode_audio(&order, &mut sink).unwrap();
        sink
    };
    assert_eq!(sound(), sound());
    assert_eq!(engine.identity(), engine_libav::identity());
}

#[test]
fn all_renditions_come_from_one_decode_and_are_cut_alike() {
    let folder = Folder::new();
    let source = "-f lavfi -i testsrc2=s=1280x720:r=25:d=3 -c:v libx264 -preset ultrafast -pix_fmt yuv420p hd.mp4";
    let (mut engine, _, plan) = planned(&folder.make(source));
    let video = plan.video.unwrap();
    assert_eq!(video.renditions.len(), 3);
    let (sink, summary) = encode(&mut engine, &RangeOrder::new(&video, &video.ranges[0], &[0, 2]));
    assert_eq!(summary.frames_per_track, [75, 75]);
    let keys = |track: u32| -> Vec<i64> {
        sink.samples[&track].iter().filter(|sample| sample.keyframe).map(|sample| sample.pts).collect()
    };
    assert_eq!(keys(0), [0, 50 * i64::from(video.frame_ticks)]);
    assert_eq!(keys(0), keys(1));
}

#[test]
fn the_identity_names_every_library_and_the_build_of_every_encoder() {
    let identity = engine_libav::identity();
    let words: Vec<&str> = identity.split(' ').collect();
    assert_eq!(words[0], "libav");
    let libraries =
        ["avcodec", "avfilter", "avformat", "swresample", "swscale", "x264", "x265", "svt-av1", "libvpx", "libopus"];
    for (word, name) in words[1..].iter().zip(libraries) {
        let version = word.strip_prefix(name).and_then(|rest| rest.strip_prefix('-')).unwrap_or_default();
        assert!(version.trim_start_matches('v').starts_with(|c: char| c.is_ascii_digit()), "{word}");
    }
    assert_eq!(words.len(), 1 + libraries.len());
}
