#![allow(clippy::unwrap_used)]

use demux::Roles;
use media_types::CodecConfig;

use super::*;

const MOVIE: Timescale = Timescale::new(12_800).expect("not zero");
const SOUND: Timescale = Timescale::new(48_000).expect("not zero");

/// A file with pictures and sound that start at these ticks, in clocks of 12,800 and 48,000 Hz.
fn file(pictures: Option<i64>, sound: Option<i64>) -> Scanned {
    let (mut tracks, mut passes) = (Vec::new(), Vec::new());
    let video = MediaKind::Video { width: 64, height: 48, sample_aspect: (1, 1), frame_rate: None };
    let audio = MediaKind::Audio { sample_rate: 48_000, channels: 2 };
    for (start, kind, timescale) in [(pictures, video, MOVIE), (sound, audio, SOUND)] {
        let Some(start) = start else { continue };
        let track = Track {
            id: 1,
            kind,
            config: CodecConfig::Aac(bytes::Bytes::new()),
            timescale,
            end: None,
            language: "und".to_owned(),
            label: None,
            roles: Roles::default(),
            protection: None,
        };
        let mut pass = Pass::new(&track);
        for packet in 0..3 {
            let at = start + packet * 1024;
            pass.survey.add(PacketTimes { dts: at, pts: at, duration: Some(1024), keyframe: true }).unwrap();
        }
        tracks.push(track);
        passes.push(pass);
    }
    Scanned { tracks, passes, origin: MediaTime::new(0, MOVIE), markers: Vec::new(), chapters: Vec::new() }
}

#[test]
fn a_late_start_is_that_of_the_first_picture_or_sound_of_all_files() {
    let at = |ticks, scale| Some(MediaTime::new(ticks, scale));
    for (files, expected) in [
        (vec![file(Some(0), Some(0))], None),
        (vec![file(Some(1024), Some(0))], None),
        // One of them starts at 0: the other's delay is meant.
        (vec![file(Some(128_000), None), file(None, Some(0))], None),
        (vec![file(Some(128_000), Some(960_000))], at(128_000, MOVIE)),
        (vec![file(Some(128_000), Some(96_000))], at(96_000, SOUND)),
        // 21 ms of priming before the first picture.
        (vec![file(Some(128_000), Some(480_000 - 1024))], at(128_000, MOVIE)),
        (vec![file(None, Some(960_000))], at(960_000, SOUND)),
        (vec![file(Some(1_600), None)], None),
        (vec![], None),
    ] {
        assert_eq!(late(&files), expected);
    }
}

#[test]
fn what_starts_late_is_moved_with_all_that_belongs_to_it() {
    let video_start = 1_700_000_000 * 12_800;
    let files = [file(Some(video_start), Some(1_700_000_000 * 48_000 - 1024))];
    let late = late(&files);
    let path = std::env::temp_dir().join(format!("lectern-survey-{}", std::process::id()));
    std::fs::write(&path, b"x").unwrap();
    let source = Source::open(&path, &Default::default()).unwrap();
    std::fs::remove_file(&path).unwrap();
    let (mut heard, mut named, mut warnings) = (Heard::default(), Named::default(), Vec::new());
    let [file] = files;
    let settled = file.settle(0, &source, late, (&mut heard, &mut named), &mut warnings).unwrap();
    let [video, audio] = &settled[..] else { panic!("two tracks") };
    assert_eq!((video.offset, video.shape.first_pts, video.shape.hidden_ticks), (-video_start, 0, 0));
    assert_eq!((audio.shape.first_pts, audio.shape.shift, audio.shape.hidden_ticks), (-1024, 1024, 1024));
    assert_eq!(warnings, Vec::<String>::new());
}
