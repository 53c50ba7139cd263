//! Every frame of every range shows the planned picture, whatever holds the source.

use std::fs;
use std::path::Path;
use std::sync::atomic::Ordering;

use engine_libav::LibavEngine;
use ladders::Ladder;
use media_types::{ProbeReport, VideoProbe};
use pipeline::Engine;

use crate::decoding::{assert_shown, demand_exact, encode_all, encode_plan, numbers};
use crate::media::{FileSource, Folder, OPEN_GOP, SIZE, moving, planned, run};

#[test]
fn open_gops_are_exact_over_all_ranges_in_mp4_ts_and_matroska() {
    let folder = Folder::new();
    let x264 = format!("-c:v libx264 -preset veryfast -pix_fmt yuv420p -x264-params {OPEN_GOP}");
    folder.numbered(&moving("24000/1001", 1680), "", &format!("{x264} film.mp4"));
    for name in ["film.ts", "film.mkv"] {
        folder.make(&format!("-i @film.mp4 -c copy {name}"));
    }
    for name in ["film.mp4", "film.ts", "film.mkv"] {
        let made = demand_exact(&folder, &folder.path(name));
        let video = made.video();
        assert_eq!((video.ranges.len(), video.frame_count()), (3, 1680), "{name}");
        assert_eq!(video.frame_rate.to_string(), "24000/1001", "{name}");
    }
}

#[test]
fn thirty_pictures_a_second_are_exact_in_a_stream_without_cues() {
    let folder = Folder::new();
    let x264 = "-c:v libx264 -preset veryfast -pix_fmt yuv420p -g 90 -bf 2";
    folder.numbered(&moving("30", 1500), "", &format!("{x264} whole.mkv"));
    let live = folder.make("-i @whole.mkv -c copy -f matroska -live 1 live.mkv");
    let made = demand_exact(&folder, &live);
    assert_eq!((made.video().ranges.len(), made.video().frame_count()), (2, 1500));
}

#[test]
fn avi_without_presentation_times_is_exact() {
    let folder = Folder::new();
    let input = moving("25", 250);
    for codec in ["libx264 -preset veryfast -pix_fmt yuv420p -bf 2 -g 50", "mpeg4 -q:v 3 -bf 0", "mjpeg -q:v 3"] {
        demand_exact(&folder, &folder.numbered(&input, "", &format!("-c:v {codec} old.avi")));
    }
}

#[test]
fn flv_and_vp8_and_vp9_and_hevc_are_exact() {
    let folder = Folder::new();
    let input = moving("25", 150);
    for output in [
        "-c:v libx264 -preset veryfast -pix_fmt yuv420p -bf 2 -g 50 a.flv",
        "-c:v libvpx -deadline realtime -cpu-used 8 -lag-in-frames 16 -auto-alt-ref 1 -b:v 400k -g 60 b.webm",
        "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -lag-in-frames 16 -auto-alt-ref 1 -b:v 400k -g 60 c.webm",
        "-c:v libx265 -preset ultrafast -x265-params log-level=error:open-gop=1:keyint=50:bframes=3 d.mp4",
        "-c:v mpeg2video -q:v 4 -bf 2 -g 15 e.ts",
        "-c:v mpeg2video -q:v 4 -bf 2 -g 15 f.mpg",
    ] {
        demand_exact(&folder, &folder.numbered(&input, "", output));
    }
}

#[test]
fn a_varying_rate_follows_the_frame_map() {
    let folder = Folder::new();
    let uneven = "select=not(mod(n\\,7))+lt(mod(n\\,13)\\,5)";
    let output = "-fps_mode vfr -c:v libx264 -preset veryfast -pix_fmt yuv420p -bf 2";
    for name in ["uneven.mp4", "uneven.mkv"] {
        let file = folder.numbered(&moving("30", 900), uneven, &format!("{output} {name}"));
        let made = demand_exact(&folder, &file);
        assert!(made.video().frame_map.0.iter().any(|shown| shown.frames > 1));
    }
}

#[test]
fn a_halved_rate_shows_every_other_picture_even_in_milliseconds() {
    let folder = Folder::new();
    let output = "-c:v libx264 -preset veryfast -pix_fmt yuv420p -bf 2";
    let ladder = Ladder { max_frame_rate: 30, ..ladders::builtin("film").unwrap() };
    for name in ["fast.mp4", "fast.mkv"] {
        let file = folder.numbered(&moving("60", 360), "", &format!("{output} {name}"));
        let (engine, report, _) = planned(&file);
        let plan = pipeline::plan(&report, &ladder).unwrap();
        let made = encode_plan(&folder, engine, report, plan);
        let every_other: Vec<_> = (0..180).map(|frame| Some(2 * frame)).collect();
        assert_shown(&made, &every_other, name);
        assert_eq!((made.video().frame_rate.to_string().as_str(), made.missing()), ("30", 0));
    }
}

#[test]
fn an_edit_list_that_starts_inside_a_gop_is_obeyed() {
    let folder = Folder::new();
    let x264 = "-c:v libx264 -preset veryfast -pix_fmt yuv420p -g 100 -bf 2";
    folder.numbered(&moving("25", 200), "", &format!("{x264} whole.mp4"));
    let cut = folder.make("-ss 1.2 -i @whole.mp4 -c copy -avoid_negative_ts disabled cut.mp4");
    let made = encode_all(&folder, &cut);
    assert_shown(&made, &made.planned_numbers(30), "cut.mp4");
    let decoded =
        run(["-i", cut.to_str().unwrap(), "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "gray", "-"]);
    assert_eq!(made.numbers, numbers(&decoded, SIZE.0, SIZE.1));
    assert_eq!(made.missing(), 0);
}

#[test]
fn a_file_damaged_in_the_middle_keeps_its_frame_count() {
    let folder = Folder::new();
    let x264 = "-c:v libx264 -preset veryfast -pix_fmt yuv420p -g 50 -bf 2";
    let file = folder.numbered(&moving("25", 1500), "", &format!("{x264} whole.mp4"));
    let mut bytes = fs::read(&file).unwrap();
    // The index lies at the end, so everything stays known of the pictures but what they show. Of the second range
    // nothing is left.
    let (from, to) = (bytes.len() * 35 / 100, bytes.len() * 85 / 100);
    bytes[from..to].fill(0);
    let damaged = folder.path("damaged.mp4");
    fs::write(&damaged, bytes).unwrap();
    let made = encode_all(&folder, &damaged);
    assert_eq!((made.numbers.len(), made.video().ranges.len()), (1500, 3));
    assert_eq!(made.summaries[1].missing_pictures, 600);
    let planned = made.planned_numbers(0);
    assert_eq!(made.numbers[..450], planned[..450]);
    assert_eq!(made.numbers[1350..], planned[1350..]);
    assert!(made.numbers[600..1200].iter().all(|number| *number == made.numbers[599] && number.is_some()));
    let first = made.summaries[0].first_missing_pts.unwrap();
    let packets = &made.report.video.as_ref().unwrap().packets;
    assert!((450..599).contains(&packets.iter().position(|packet| packet.pts == first).unwrap()));
}

#[test]
fn a_file_whose_end_is_missing_is_used_as_far_as_it_goes() {
    let folder = Folder::new();
    let x264 = "-c:v libx264 -preset veryfast -pix_fmt yuv420p -g 50 -bf 2";
    for name in ["a.ts", "a.mkv", "-movflags +faststart a.mp4"] {
        let file = folder.numbered(&moving("25", 300), "", &format!("{x264} {name}"));
        let bytes = fs::read(&file).unwrap();
        fs::write(&file, &bytes[..bytes.len() * 2 / 3]).unwrap();
        let made = encode_all(&folder, &file);
        let planned = made.planned_numbers(0);
        let shown = planned.len() - 4;
        assert!((100..290).contains(&shown), "{name}: {shown}");
        assert_eq!(made.numbers[..shown], planned[..shown], "{name}");
        assert!(made.missing() <= 4, "{name}");
    }
}

#[test]
fn the_size_of_key_frames_is_the_mean_of_theirs_alone() {
    let folder = Folder::new();
    let x264 = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 20 -bf 2";
    for name in ["keys.mp4", "keys.mkv", "keys.ts"] {
        let clip = folder.numbered(&moving("25", 50), "", &format!("{x264} {name}"));
        let video = planned(&clip).1.video.unwrap();
        let mut command = std::process::Command::new("ffprobe");
        command.args(["-v", "error", "-show_entries", "packet=size,flags", "-of", "csv=p=0"]).arg(&clip);
        let text = String::from_utf8(command.output().expect("ffprobe is installed").stdout).unwrap();
        let sizes: Vec<u64> = text.lines().filter_map(|line| line.split_once(",K")?.0.parse().ok()).collect();
        assert_eq!(sizes.len(), 3, "{name}: {text}");
        assert_eq!(video.keyframe_bytes, Some(sizes.iter().sum::<u64>() / 3), "{name}");
        assert!(video.keyframe_bytes.unwrap() * 8 * 25 > 2 * video.bitrate_bps.unwrap(), "{name}: {video:?}");
    }
}

#[test]
fn what_the_index_of_an_mp4_says_is_what_its_packets_say_and_the_media_are_not_read_for_it() {
    let folder = Folder::new();
    let film = "-c:v libx264 -preset veryfast -pix_fmt yuv420p -bf 2 -g 50 -b:v 2M film.mp4";
    folder.numbered(&moving("30000/1001", 600), "", film);
    folder.make("-f lavfi -i sine=r=48000:d=20 -c:a aac tone.m4a");
    // Its packets are found by looking into them.
    folder.make("-f lavfi -i sine=r=48000:d=20 -c:a libmp3lame tone.mp3");
    for (seek, options) in
        [("", ""), ("", "-movflags +faststart"), ("", "-movflags +frag_keyframe+empty_moov"), ("-ss 3.3", "")]
    {
        let inputs = format!("{seek} -i @film.mp4 {seek} -i @tone.m4a");
        let indexed = folder.make(&format!("{inputs} -map 0 -map 1 -c copy {options} indexed.mp4"));
        let read = folder.make(&format!("{inputs} -i @tone.mp3 -map 0 -map 1 -map 2 -c copy {options} read.mp4"));
        let [(indexed, fetched, size), (read, all, _)] = [indexed, read].map(|file| probed(&file));
        assert!(all > size && (fetched < size / 2 || options.contains("frag")), "{options}: {fetched} of {size} bytes");
        let (indexed_video, read_video) = (indexed.video.unwrap(), read.video.unwrap());
        assert_eq!(indexed_video.packets.len(), read_video.packets.len(), "{seek} {options}");
        let other = indexed_video.packets.iter().zip(&read_video.packets).find(|(a, b)| a != b);
        assert_eq!(other, None, "{seek} {options}");
        let without = |video: VideoProbe| VideoProbe { packets: Vec::new(), ..video };
        assert_eq!(without(indexed_video), without(read_video), "{seek} {options}");
        assert_eq!(indexed.audio[..], read.audio[..1], "{seek} {options}");
    }
}

/// A file's report, the bytes that were fetched for it, and its size.
fn probed(file: &Path) -> (ProbeReport, u64, u64) {
    let source = FileSource::new(file);
    let fetched = source.read.clone();
    let report = LibavEngine::open(Box::new(source)).unwrap().probe().unwrap();
    (report, fetched.load(Ordering::Relaxed), file.metadata().unwrap().len())
}
