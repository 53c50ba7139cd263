//! Recordings put one behind the other: their clock jumps, and every picture and sound is there once.

use std::fs;
use std::path::{Path, PathBuf};

use engine_libav::LibavEngine;
use media_types::VideoPlan;
use pipeline::{CollectingSink, Engine, POSTER, RangeOrder, STORYBOARD};

use crate::decoding::{Encoded, annex_b, assert_shown, encode, encode_all, grey, numbers};
use crate::media::{Folder, SIZE, moving, open, planned};
use crate::sound::{clicks, hear};
use crate::stills::{both, decode, tile};

/// What `cat` makes of these files.
fn cat(folder: &Folder, parts: &[&str], name: &str) -> PathBuf {
    let bytes: Vec<u8> = parts.iter().flat_map(|part| fs::read(folder.path(part)).unwrap()).collect();
    let file = folder.path(name);
    fs::write(&file, bytes).unwrap();
    file
}

/// Two recordings of 600 and 500 numbered pictures, and the first once more.
fn three(folder: &Folder, codec: &str, kind: &str) -> PathBuf {
    folder.numbered(&moving("25", 600), "", &format!("{codec} a.{kind}"));
    folder.numbered(&moving("25", 500), "", &format!("{codec} -output_ts_offset 3600 b.{kind}"));
    let [a, b] = ["a", "b"].map(|name| format!("{name}.{kind}"));
    cat(folder, &[&a, &b, &a], &format!("joined.{kind}"))
}

fn expected() -> Vec<Option<u32>> {
    (0..600).chain(0..500).chain(0..600).map(Some).collect()
}

/// What the frames of some segments show, encoded in a session that has seen nothing else of the file.
fn shown_alone(folder: &Folder, file: &Path, video: &VideoPlan, segments: std::ops::Range<u32>) -> Vec<Option<u32>> {
    let mut engine: LibavEngine = open(file);
    let order = RangeOrder::new(video, &video.range_of(segments), &[0]);
    let (sink, summary) = encode(&mut engine, &order);
    assert_eq!(summary.missing_pictures, 0);
    let stream = annex_b(&sink.configs[&0].0, &sink.samples[&0]);
    numbers(&grey(folder, &stream), SIZE.0, SIZE.1)
}

#[test]
fn every_picture_of_joined_recordings_is_shown_once_in_any_range_and_any_session() {
    let open_gop = "-x264-params open-gop=1:keyint=100:min-keyint=100:scenecut=0:bframes=3";
    for (codec, kind) in [
        (format!("-c:v libx264 -preset veryfast -pix_fmt yuv420p {open_gop}"), "ts"),
        ("-c:v mpeg2video -q:v 4 -bf 2 -g 15".to_owned(), "ts"),
        ("-c:v mpeg2video -q:v 4 -bf 2 -g 15".to_owned(), "mpg"),
        ("-c:v mpeg1video -q:v 4 -bf 0 -g 30".to_owned(), "mpg"),
    ] {
        let folder = Folder::new();
        let file = three(&folder, &codec, kind);
        let made = encode_all(&folder, &file);
        let what = format!("{codec} in {kind}");
        assert_shown(&made, &expected(), &what);
        assert_eq!(made.missing(), 0, "{what}");
        assert_eq!(made.plan.warnings.len(), 1, "{:?}", made.plan.warnings);
        assert!(made.plan.warnings[0].contains("jumps 2 times, at 24.0 s and 44.0 s"), "{:?}", made.plan.warnings);
        // Segments of 100 frames: before, at and behind both jumps.
        for first in [5, 6, 7, 10, 11, 12, 16] {
            let alone = shown_alone(&folder, &file, made.video(), first..first + 1);
            assert_eq!(alone, expected()[first as usize * 100..][..100], "{what}, segment {first}");
        }
        let across = shown_alone(&folder, &file, made.video(), 4..13);
        assert_eq!(across, expected()[400..1300], "{what}");
    }
}

/// Every time of a transport stream from a share of it on, `ticks` of 90 kHz later: PCR, PTS and DTS (ISO/IEC 13818-1 §2.4.3).
fn set_clock(bytes: &mut [u8], share: f64, ticks: i64) {
    let later = |time: u64| time.wrapping_add_signed(ticks) & ((1 << 33) - 1);
    let from = ((bytes.len() / 188) as f64 * share) as usize;
    for packet in bytes.as_chunks_mut::<188>().0.iter_mut().skip(from) {
        let mut payload = 4;
        if packet[3] & 0x20 != 0 {
            payload += 1 + usize::from(packet[4]);
            if packet[4] > 0 && packet[5] & 0x10 != 0 {
                let pcr = packet[6..12].iter().fold(0, |pcr, &byte| pcr << 8 | u64::from(byte));
                let pcr = later(pcr >> 15) << 15 | pcr & 0x7fff;
                packet[6..12].copy_from_slice(&pcr.to_be_bytes()[2..]);
            }
        }
        if packet[1] & 0x40 == 0 || packet[payload..].first_chunk() != Some(&[0, 0, 1]) {
            continue;
        }
        let stamps = usize::from(packet[payload + 7] >> 7) + usize::from(packet[payload + 7] >> 6 & 1);
        for stamp in packet[payload + 9..][..5 * stamps].as_chunks_mut::<5>().0 {
            let bits = stamp.iter().fold(0, |bits, &byte| bits << 8 | u64::from(byte));
            let time = later((bits >> 33 & 7) << 30 | (bits >> 17 & 0x7fff) << 15 | bits >> 1 & 0x7fff);
            let bits = bits & 0xf1_0001_0001 | (time >> 30) << 33 | (time >> 15 & 0x7fff) << 17 | (time & 0x7fff) << 1;
            stamp.copy_from_slice(&bits.to_be_bytes()[3..]);
        }
    }
}

#[test]
fn a_clock_that_is_set_inside_a_gop_changes_nothing() {
    let open_gop = "open-gop=1:keyint=100:min-keyint=100:scenecut=0:bframes=3:b-pyramid=normal";
    let codec = format!("-c:v libx264 -preset veryfast -pix_fmt yuv420p -x264-params {open_gop}");
    let folder = Folder::new();
    let whole = folder.numbered(&moving("24000/1001", 1400), "", &format!("{codec} -output_ts_offset 700 whole.ts"));
    let plain = encode_all(&folder, &whole);
    for (share, ticks) in [(0.43, 324_000_000), (0.52, -900_000), (0.61, -(1 << 32)), (0.5, -95_000)] {
        let mut bytes = fs::read(&whole).unwrap();
        set_clock(&mut bytes, share, ticks);
        let set = folder.path("set.ts");
        fs::write(&set, bytes).unwrap();
        let made = encode_all(&folder, &set);
        let what = format!("{ticks} ticks at {share}");
        let times = |made: &Encoded| -> Vec<i64> {
            made.report.video.as_ref().unwrap().packets.iter().map(|packet| packet.pts).collect()
        };
        // What is stated is rounded to ticks, so what follows from it is.
        let off = times(&made).into_iter().zip(times(&plain)).map(|(made, plain)| (made - plain).abs());
        assert!(times(&made).len() == times(&plain).len() && off.max() <= Some(1), "{what}");
        assert_shown(&made, &plain.numbers, &what);
        assert_eq!(made.missing(), 0, "{what}");
        assert!(made.plan.warnings[0].contains("clock jumps at"), "{:?}", made.plan.warnings);
        let frames = made.video().segment_frames as usize;
        for segment in [5, 6, 7, 8, 9] {
            let alone = shown_alone(&folder, &set, made.video(), segment..segment + 1);
            assert_eq!(alone, plain.numbers[segment as usize * frames..][..frames], "{what}, segment {segment}");
        }
    }
}

#[test]
fn a_pause_during_which_the_streams_own_clock_goes_on_is_none_of_its_jumps() {
    let folder = Folder::new();
    let pause = "setpts=PTS+gte(N\\,50)*120/TB";
    let x264 = "-fps_mode vfr -c:v libx264 -preset veryfast -pix_fmt yuv420p -bf 0";
    for (rate, duration_ms, warnings) in [("-muxrate 200k", 124_000, 0), ("", 4_000, 1)] {
        let file = folder.numbered(&moving("25", 100), pause, &format!("{x264} {rate} pause.ts"));
        let (_, report, plan) = planned(&file);
        assert_eq!(report.video.unwrap().clock.is_empty(), warnings == 0, "{rate}");
        assert_eq!((plan.duration_ms, plan.warnings.len()), (duration_ms, warnings), "{rate}: {:?}", plan.warnings);
    }
}

#[test]
fn stills_behind_a_jump_show_what_was_planned() {
    let folder = Folder::new();
    let file = three(&folder, "-c:v libx264 -preset veryfast -pix_fmt yuv420p -g 50 -bf 2", "ts");
    let (mut engine, report, plan) = planned(&file);
    let (video, mut stills) = (plan.video.unwrap(), plan.stills.unwrap());
    let packets = report.video.unwrap().packets;
    let number = |pts: i64| expected()[packets.iter().position(|packet| packet.pts == pts).unwrap()];
    stills.poster_pts = packets[1133].pts;
    let mut sink = CollectingSink::new(0);
    let keyframes = packets.iter().filter(|packet| packet.keyframe).map(|packet| packet.pts);
    let tile_pts: Vec<i64> = keyframes.step_by(4).take(7).collect();
    engine.stills(&both(&video, &stills, &tile_pts), &mut sink).unwrap();
    let poster = decode(&folder, &sink.images[POSTER], stills.poster_width, stills.poster_height);
    assert_eq!(numbers(&poster, SIZE.0, SIZE.1), [Some(33)]);
    let width = 7 * stills.tile_width;
    let sheet = decode(&folder, &sink.images[STORYBOARD], width, stills.tile_height);
    for (index, &pts) in tile_pts.iter().enumerate() {
        let tile = tile(&sheet, width, &stills, index as u32, 0);
        let shown = numbers(&tile, stills.tile_width as usize, stills.tile_height as usize);
        assert_eq!(shown, [number(pts)], "tile {index}");
    }
}

#[test]
fn sound_stays_in_step_behind_every_jump() {
    let folder = Folder::new();
    let picture = "-f lavfi -i color=gray:s=64x64:r=25:d=6";
    let map = "-map 0:v -map 1:a -c:v libx264 -preset ultrafast -pix_fmt yuv420p";
    for (codec, rate) in [("aac -b:a 128k", 44_100), ("mp2 -b:a 192k", 48_000), ("ac3 -b:a 192k", 48_000)] {
        // Sound of different lengths: one ends before its pictures, one behind them.
        for (name, seconds, offset) in [("a.ts", 5.7, 0), ("b.ts", 6.1, 90_000), ("c.ts", 6.0, 95_441)] {
            clicks(&folder, "clicks.wav", rate, seconds, &[0.5, 3.0, 5.25]);
            let timing = format!("-output_ts_offset {offset}");
            folder.make(&format!("{picture} -i @clicks.wav {map} -c:a {codec} {timing} {name}"));
        }
        let file = cat(&folder, &["a.ts", "b.ts", "c.ts", "a.ts"], "joined.ts");
        let heard = hear(&folder, &file);
        let (_, report, _) = planned(&file);
        let video = report.video.unwrap();
        let origin = video.packets[0].pts;
        let seconds = |pts: i64| (pts - origin) as f64 / 90_000.0;
        let starts: Vec<f64> = [0.0].into_iter().chain(video.clock.jumps().map(seconds)).collect();
        assert_eq!(starts.len(), 4, "{codec}");
        for (start, wanted) in starts.iter().zip([0.0, 6.0, 12.1, 18.1]) {
            assert!((start - wanted).abs() < 0.15, "{codec}: {starts:?}");
        }
        let expected: Vec<f64> = starts.iter().flat_map(|start| [0.5, 3.0, 5.25].map(|click| start + click)).collect();
        heard.demand_clicks(&expected, codec);
    }
}

#[test]
fn sound_alone_runs_on_and_its_windows_are_those_of_the_whole() {
    let folder = Folder::new();
    for (name, volume, offset) in [("a.ts", 0.02, 0), ("b.ts", 0.5, 40_000)] {
        let noise = format!("anoisesrc=c=pink:a={volume}:r=48000:d=90:seed=7");
        folder.make(&format!("-f lavfi -i {noise} -c:a aac -b:a 96k -output_ts_offset {offset} {name}"));
    }
    let file = cat(&folder, &["b.ts", "a.ts", "b.ts"], "joined.ts");
    let heard = hear(&folder, &file);
    assert!((heard.plan.sample_count as f64 / 48_000.0 - 270.0).abs() < 0.1, "{}", heard.plan.sample_count);
    let level = |from: usize| {
        let part = &heard.samples[from * 48_000..][..20 * 48_000];
        (part.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / part.len() as f64).sqrt()
    };
    assert!(level(35) > 10.0 * level(125) && level(215) > 10.0 * level(125));
    let measured = open(&file).measure_audio(&heard.plan).unwrap().integrated_lufs.unwrap();
    let exact = heard.summary.source.integrated_lufs.unwrap();
    assert!((measured - exact).abs() < 0.5, "{measured} instead of {exact}");
    assert!(heard.summary.filled_samples < 4800, "{}", heard.summary.filled_samples);
    let (_, report, plan) = planned(&file);
    assert!(report.video.is_none());
    assert!(plan.warnings[0].contains("jumps 2 times, at 90.0 s and 180.1 s"), "{:?}", plan.warnings);
}

#[test]
fn a_recording_that_numbers_its_streams_otherwise_is_said_to_be_left_out() {
    let folder = Folder::new();
    let codec = "-c:v libx264 -preset veryfast -pix_fmt yuv420p -g 50";
    folder.numbered(&moving("25", 600), "", &format!("{codec} a.ts"));
    folder.numbered(&moving("25", 50), "", &format!("{codec} -mpegts_start_pid 700 b.ts"));
    let (_, report, plan) = planned(&cat(&folder, &["a.ts", "b.ts"], "strange.ts"));
    assert_eq!(report.warnings, ["only one of 2 streams of pictures is used"]);
    assert_eq!(plan.duration_ms, 24_000);
}

#[test]
fn matroska_keeps_its_times_and_says_when_it_is_several_recordings() {
    let folder = Folder::new();
    let x264 = "-c:v libx264 -preset veryfast -pix_fmt yuv420p -g 50";
    folder.numbered(&moving("25", 100), "", &format!("{x264} a.mkv"));
    let joined = cat(&folder, &["a.mkv", "a.mkv"], "joined.mkv");
    let (_, report, _) = planned(&joined);
    assert!(report.warnings.iter().any(|warning| warning.contains("goes back once")), "{:?}", report.warnings);
    let pause = "setpts=PTS+gte(N\\,50)*120/TB";
    let sparse = folder.make(&format!("-i @a.mkv -vf {pause} -fps_mode vfr {x264} sparse.mkv"));
    let (_, report, plan) = planned(&sparse);
    assert!(report.video.unwrap().clock.is_empty());
    assert_eq!(plan.duration_ms, 124_000);
}
