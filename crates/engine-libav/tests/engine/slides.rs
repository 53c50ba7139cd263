//! Slides are seen, and begin with a key frame.

use std::path::PathBuf;

use media_types::{VideoCodec, VideoPlan};
use pipeline::{RangeOrder, RangeSummary, SceneKind};

use crate::decoding::encode;
use crate::media::{Folder, moving, planned};

/// Frames from which on another slide is shown: inside of a run between planned key frames, shortly before the next one, and
/// with one; and how many there are. 25 a second.
const CHANGES: [u64; 4] = [70, 195, 250, 415];
const FRAMES: u64 = 500;

/// A filter that draws lines of blocks on plain ground, others from each change on.
fn words() -> String {
    let starts: Vec<u64> = std::iter::once(0).chain(CHANGES).collect();
    let ends = CHANGES.iter().copied().chain([FRAMES]);
    let mut boxes = Vec::new();
    for ((slide, start), end) in (1_u64..).zip(&starts).zip(ends) {
        for line in 0..6 {
            for word in 0..5 {
                let seed = slide * 7919 + line * 131 + word * 31;
                let (x, y, width) = (40 + word * 110 + seed % 37, 30 + line * 52, 30 + seed * 13 % 60);
                let enable = format!("enable=between(n\\,{start}\\,{})", end - 1);
                boxes
                    .push(format!("drawbox=x={x}:y={y}:w={width}:h={}:color=0x203050:t=fill:{enable}", 14 + seed % 11));
            }
        }
    }
    boxes.join(",")
}

/// The lecture in 640x360; `filters` come behind its words, and may have a second input that moves.
fn lecture(folder: &Folder, filters: &str, output: &str) -> PathBuf {
    let drawn = format!("color=0xf4f4f0:s=640x360:r=25,trim=end_frame={FRAMES}");
    let inputs = format!("-f lavfi -i {drawn} -f lavfi -i testsrc2=s=80x60:r=25");
    folder.make(&format!("{inputs} -filter_complex [0:v]{}{filters} {output}", words()))
}

const RECORDER: &str = "-c:v libx264 -preset veryfast -crf 23 -g 250 -pix_fmt yuv420p";

fn changes(summary: &RangeSummary) -> Vec<u64> {
    summary.scenes.changes.iter().map(|change| change.frame).collect()
}

/// Key frames of a rendition that the plan does not have.
fn more_keys(video: &VideoPlan, sink: &pipeline::CollectingSink, track: u32) -> Vec<u64> {
    let keys = sink.samples[&track].iter().filter(|sample| sample.keyframe);
    let frames = keys.map(|sample| sample.pts as u64 / u64::from(video.frame_ticks));
    frames.filter(|frame| !frame.is_multiple_of(video.gop_frames.into())).collect()
}

#[test]
fn every_slide_is_seen_and_has_a_key_frame_in_every_codec_and_size() {
    let folder = Folder::new();
    let file = lecture(&folder, "", &format!("{RECORDER} lecture.mp4"));
    let (mut engine, _, plan) = planned(&file);
    let mut video = plan.video.unwrap();
    assert_eq!(video.gop_frames, 50);
    video.renditions.truncate(1);
    for (codec, preset) in [(VideoCodec::Hevc, "fast"), (VideoCodec::Av1, "9"), (VideoCodec::Vp9, "6")] {
        let mut rendition = video.renditions[0].clone();
        rendition.encoding.codec = codec;
        rendition.encoding.preset = preset.to_owned();
        (rendition.name, rendition.width, rendition.height) = (format!("{codec:?}"), 160, 90);
        video.renditions.push(rendition);
    }
    let range = video.range_of(0..video.segment_count());
    let order = RangeOrder::new(&video, &range, &[0, 1, 2, 3]);
    let (sink, summary) = encode(&mut engine, &order);
    assert_eq!(changes(&summary), CHANGES);
    assert_eq!(summary.scenes.kinds.len(), 1);
    assert_eq!(summary.scenes.kinds[0].kind, SceneKind::Slides);
    // A planned one is due soon after the second, and with the third.
    (0..4).for_each(|track| assert_eq!(more_keys(&video, &sink, track), [70, 415], "{track}"));
    assert_eq!((sink, summary), encode(&mut planned(&file).0, &order), "equal orders give equal results");
}

#[test]
fn key_frames_and_slides_are_the_same_wherever_a_recording_is_cut() {
    let folder = Folder::new();
    // Something that moves all the time beside the slides, and B pictures.
    let camera = "[w];[w][1:v]overlay=x=550:y=290:shortest=1";
    let file = lecture(&folder, camera, &format!("{RECORDER} -bf 3 camera.mp4"));
    let (mut engine, _, plan) = planned(&file);
    let video = plan.video.unwrap();
    for borders in [&[0, 5][..], &[0, 1, 2, 3, 4, 5], &[0, 2, 5]] {
        let (mut keys, mut scenes) = (Vec::new(), Vec::new());
        for pair in borders.windows(2) {
            let order = RangeOrder::new(&video, &video.range_of(pair[0]..pair[1]), &[0]);
            let (sink, summary) = encode(&mut engine, &order);
            keys.extend(more_keys(&video, &sink, 0));
            scenes.push(summary.scenes);
        }
        assert_eq!(keys, [70, 415], "{borders:?}");
        let joined = pipeline::RecordingScenes::join(&scenes);
        assert_eq!(joined.changes.iter().map(|change| change.frame).collect::<Vec<_>>(), CHANGES, "{borders:?}");
    }
}

#[test]
fn a_fade_is_one_slide_and_what_moves_is_none() {
    let folder = Folder::new();
    let still = |name: &str, words: &str| {
        folder
            .make(&format!("-f lavfi -i color=white:s=640x360:r=25:d=6 -vf {words} -c:v ffv1 -pix_fmt yuv420p {name}"))
    };
    still(
        "one.mkv",
        "drawbox=x=60:y=60:w=300:h=40:color=black:t=fill,drawbox=x=60:y=160:w=200:h=120:color=blue:t=fill",
    );
    still(
        "two.mkv",
        "drawbox=x=90:y=50:w=200:h=60:color=navy:t=fill,drawbox=x=300:y=180:w=260:h=90:color=green:t=fill",
    );
    let fade = "-i @one.mkv -i @two.mkv -filter_complex xfade=transition=fade:duration=0.8:offset=2.6";
    let file = folder.make(&format!("{fade} {RECORDER} fade.mp4"));
    let (mut engine, _, plan) = planned(&file);
    let video = plan.video.unwrap();
    let (sink, summary) = encode(&mut engine, &RangeOrder::new(&video, &video.range_of(0..2), &[0]));
    let found = changes(&summary);
    assert_eq!(found.len(), 1, "{found:?}");
    // It begins with frame 65 and takes 20.
    assert!((83..=86).contains(&found[0]), "{found:?}");
    assert_eq!(more_keys(&video, &sink, 0), found);

    let film = folder.numbered(&moving("25", 200), "", &format!("{RECORDER} film.mp4"));
    let (mut engine, _, plan) = planned(&film);
    let video = plan.video.unwrap();
    let (sink, summary) = encode(&mut engine, &RangeOrder::new(&video, &video.range_of(0..2), &[0]));
    assert_eq!((changes(&summary), more_keys(&video, &sink, 0)), (vec![], vec![]));
}

#[test]
fn a_recorder_of_one_picture_a_second_has_its_slides_seen() {
    let folder = Folder::new();
    let file = lecture(&folder, ",fps=1", &format!("{RECORDER} -r 1 slow.mkv"));
    let (mut engine, _, plan) = planned(&file);
    let video = plan.video.unwrap();
    let (_, summary) = encode(&mut engine, &RangeOrder::new(&video, &video.range_of(0..9), &[0]));
    assert_eq!(summary.scenes.changes.len(), CHANGES.len(), "{:?}", summary.scenes);
}
