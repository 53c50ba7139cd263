//! Real streams through the packager, judged by FFmpeg's demuxers and decoders. Passes without a word where the
//! `ffmpeg` program is not installed.
#![allow(clippy::unwrap_used)]

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Packed, bare, scale};
use media_types::{AudioPlan, CodecConfig, FrameRate, Rational, Sample, TrackKind, TrackRecord};
use packager::{
    Presentation, StoryboardRef, audio_segments, iframe_playlist_path, init_path, segment_path, text_files,
};

const FRAMES: u64 = 250;
const GOP: u64 = 48;
const SEGMENT: u64 = 96;
const PRIMING: u32 = 1024;

fn run(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.trim().is_empty(), "{program} {arguments:?}: {errors}");
    Some(String::from_utf8(output.stdout).unwrap())
}

/// A ten-second source with B frames at 24000/1001 and sound at 44.1 kHz, or `None` without FFmpeg.
fn source(folder: &Path, height: u32) -> Option<PathBuf> {
    Command::new("ffmpeg").arg("-version").output().ok()?;
    let file = folder.join(format!("source-{height}.mp4"));
    let picture = format!("testsrc2=s={}x{height}:r=24000/1001", height * 16 / 9);
    let gop = format!("keyint={GOP}:min-keyint={GOP}:scenecut=0");
    let frames = FRAMES.to_string();
    let mut command = vec!["-v", "error", "-y", "-f", "lavfi", "-i", &picture];
    command.extend(["-f", "lavfi", "-i", "sine=440:r=44100:d=10.427083"]);
    command.extend(["-frames:v", &frames, "-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "veryfast"]);
    command.extend(["-bf", "2", "-x264-params", &gop, "-c:a", "aac", "-ac", "2", "-bitexact", file.to_str()?]);
    run("ffmpeg", &command)?;
    Some(file)
}

struct Packet {
    pts: i64,
    keyframe: bool,
    data: bytes::Bytes,
}

/// The coded packets of one stream, cut from the file by position.
fn packets(file: &Path, stream: &str) -> Vec<Packet> {
    let bytes = bytes::Bytes::from(std::fs::read(file).unwrap());
    let list = ["-v", "error", "-select_streams", stream, "-show_entries", "packet=pts,pos,size,flags"];
    let table = run("ffprobe", &[&list[..], &["-of", "csv=p=0", file.to_str().unwrap()]].concat()).unwrap();
    let row = |line: &str| {
        let fields: Vec<_> = line.split(',').collect();
        let (size, pos): (usize, usize) = (fields[1].parse().unwrap(), fields[2].parse().unwrap());
        let keyframe = fields[3].starts_with('K');
        Packet { pts: fields[0].parse().unwrap(), keyframe, data: bytes.slice(pos..pos + size) }
    };
    // Side data makes rows of its own.
    table.lines().filter(|line| line.split(',').count() >= 4).map(row).collect()
}

/// The body of the first box of this kind.
fn body(file: &Path, kind: &[u8; 4]) -> Vec<u8> {
    let bytes = std::fs::read(file).unwrap();
    let at = bytes.windows(4).position(|window| window == kind).unwrap();
    let size = u32::from_be_bytes(bytes[at - 4..at].try_into().unwrap()) as usize;
    bytes[at + 4..at - 4 + size].to_vec()
}

fn video(file: &Path, height: u32) -> Packed {
    let packets = packets(file, "v");
    let ranks: Vec<i64> = {
        let mut shown: Vec<_> = packets.iter().map(|packet| packet.pts).collect();
        shown.sort_unstable();
        packets.iter().map(|packet| shown.binary_search(&packet.pts).unwrap() as i64).collect()
    };
    let samples: Vec<_> = packets
        .into_iter()
        .zip(ranks)
        .enumerate()
        .map(|(k, (packet, rank))| Sample {
            dts: k as i64 * 1001,
            pts: rank * 1001,
            duration: 1001,
            keyframe: packet.keyframe,
            data: packet.data,
        })
        .collect();
    assert_eq!(samples.len() as u64, FRAMES);
    let kind =
        TrackKind::Video { width: height * 16 / 9, height, rate_num: 24_000, rate_den: 1001, sample_aspect: (1, 1) };
    let config = CodecConfig::Avc(body(file, b"avcC").into());
    let segments = samples.chunks(SEGMENT as usize).map(<[Sample]>::to_vec);
    Packed::new(bare(&format!("video-{height}p"), kind, scale(24_000), config), segments)
}

fn audio(file: &Path) -> Packed {
    let packets = packets(file, "a");
    let plan = AudioPlan {
        name: "und".to_owned(),
        label: None,
        roles: Default::default(),
        clock: Default::default(),
        stream_index: 1,
        source_time_base: Rational { num: 1, den: 44_100 },
        origin_pts: 0,
        sample_rate: 44_100,
        channels: 2,
        bitrate_bps: 128_000,
        opus_bitrate_bps: None,
        sample_count: (packets.len() as u64) * 1024 - u64::from(PRIMING),
        borders: (1..FRAMES.div_ceil(SEGMENT)).map(|k| k * SEGMENT * 1001 * 44_100 / 24_000).collect(),
        language: "eng".into(),
        loudness: None,
    };
    let grid = audio_segments(&plan, media_types::AudioCodec::Aac, PRIMING);
    assert_eq!(grid.frame_count(), packets.len() as u64);
    let sample = |frame: u64| {
        let at = i64::try_from(frame * 1024).unwrap();
        let pts = at - i64::from(PRIMING);
        Sample { dts: at, pts, duration: 1024, keyframe: true, data: packets[frame as usize].data.clone() }
    };
    let segments = (0..grid.segment_count()).map(|segment| {
        let first = grid.first_frame(segment);
        (first..first + grid.frames_in_segment(segment)).map(sample).collect()
    });
    let kind = TrackKind::Audio { sample_rate: 44_100, channels: 2 };
    let esds = body(file, b"esds");
    let at = esds.iter().position(|&byte| byte == 5).unwrap();
    let length = esds[at + 4] as usize;
    let config = CodecConfig::Aac(esds[at + 5..at + 5 + length].to_vec().into());
    let track = TrackRecord {
        language: plan.language.clone(),
        hidden_ticks: PRIMING,
        shown_ticks: plan.sample_count,
        ..bare("audio-eng", kind, scale(44_100), config)
    };
    Packed::new(track, segments)
}

fn write(folder: &Path, packed: &[Packed]) {
    let tracks: Vec<_> = packed.iter().map(|packed| packed.track.clone()).collect();
    let storyboard = StoryboardRef {
        uri: "storyboard.jpg",
        tile_width: 160,
        tile_height: 90,
        columns: 2,
        rows: 1,
        tile_count: 2,
        interval_ms: 10_000,
        starts_ms: &[],
        duration_ms: 10_427,
        sheet_bytes: 10_000,
    };
    let presentation =
        Presentation { tracks: &tracks, uri_prefix: "", storyboard: Some(storyboard), ..Presentation::default() };
    let files = text_files(&presentation).unwrap();
    let put = |path: &str, bytes: &[u8]| {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    };
    for file in &files {
        put(&file.path, &file.bytes);
    }
    for packed in packed {
        put(&init_path(&packed.track.name), &packed.init);
        for (index, bytes) in packed.segments.iter().enumerate() {
            put(&segment_path(&packed.track.name, index as u32), bytes);
        }
    }
}

/// Presentation time and hash of every decoded frame of one stream.
fn decoded(file: &Path, stream: &str) -> Vec<String> {
    let map = format!("0:{stream}");
    let arguments = ["-v", "error", "-i", file.to_str().unwrap(), "-map", &map, "-fps_mode", "passthrough", "-f"];
    let text = run("ffmpeg", &[&arguments[..], &["framemd5", "-"]].concat()).unwrap();
    text.lines().filter(|line| !line.starts_with('#')).map(|line| line.rsplit(',').next().unwrap().into()).collect()
}

#[test]
fn ffmpeg_decodes_hls_and_dash_to_the_frames_of_the_source() {
    let folder = tempfile::tempdir().unwrap();
    let (Some(small), Some(large)) = (source(folder.path(), 180), source(folder.path(), 360)) else { return };
    let packed = [video(&small, 180), video(&large, 360), audio(&small)];
    write(folder.path(), &packed);
    let expected = [decoded(&small, "v:0"), decoded(&large, "v:0")];
    for (manifest, order) in [("master.m3u8", [1, 0]), ("manifest.mpd", [0, 1])] {
        let manifest = folder.path().join(manifest);
        for (position, rendition) in order.into_iter().enumerate() {
            let frames = decoded(&manifest, &format!("v:{position}"));
            assert_eq!(frames.len() as u64, FRAMES);
            assert_eq!(frames, expected[rendition], "{}", manifest.display());
        }
        let list = ["-v", "error", "-select_streams", "a:0", "-count_packets", "-show_entries"];
        let rest = ["stream=nb_read_packets", "-of", "csv=p=0", manifest.to_str().unwrap()];
        let counted = run("ffprobe", &[&list[..], &rest].concat()).unwrap();
        let coded: u32 = packed[2].track.segments.iter().map(|segment| segment.sample_count).sum();
        assert!(counted.lines().any(|line| line.trim_end_matches(',') == coded.to_string()), "{counted} {coded}");
    }
}

#[test]
fn a_decoder_gets_each_i_frame_from_its_byte_range_alone() {
    let folder = tempfile::tempdir().unwrap();
    let Some(file) = source(folder.path(), 180) else { return };
    let packed = video(&file, 180);
    let playlist = packager::iframe_playlist(&Presentation::default(), &packed.track).unwrap();
    assert_eq!(iframe_playlist_path(&packed.track.name), "video-180p/iframes.m3u8");
    let ranges: Vec<_> = playlist.lines().filter_map(|line| line.strip_prefix("#EXT-X-BYTERANGE:")).collect();
    let whole = decoded(&file, "v:0");
    assert_eq!(ranges.len(), 3);
    for (segment, range) in ranges.into_iter().enumerate() {
        let length: usize = range.split('@').next().unwrap().parse().unwrap();
        let alone = folder.path().join("alone.mp4");
        std::fs::write(&alone, [&packed.init, &packed.segments[segment][..length]].concat()).unwrap();
        // The samples after the picture are absent, so the demuxer's complaints are expected and not judged.
        let arguments = ["-v", "quiet", "-i", alone.to_str().unwrap(), "-frames:v", "1", "-f", "framemd5", "-"];
        let output = Command::new("ffmpeg").args(arguments).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let hash = text.lines().rfind(|line| !line.starts_with('#')).unwrap().rsplit(',').next().unwrap().to_owned();
        assert_eq!(hash, whole[segment * SEGMENT as usize]);
    }
}

/// The track as one fragmented file.
fn join(folder: &Path, packed: &Packed) -> PathBuf {
    let file = folder.join(format!("{}.mp4", packed.track.name));
    std::fs::write(&file, [std::slice::from_ref(&packed.init), &packed.segments[..]].concat().concat()).unwrap();
    file
}

/// Presentation times of all packets in seconds, ascending.
fn times(file: &Path) -> Vec<f64> {
    let list = ["-v", "error", "-show_entries", "packet=pts_time", "-of", "csv=p=0", file.to_str().unwrap()];
    let text = run("ffprobe", &list).unwrap();
    let mut times: Vec<f64> = text.lines().filter_map(|line| line.split(',').next()?.parse().ok()).collect();
    times.sort_by(f64::total_cmp);
    times
}

#[test]
fn a_demuxer_sees_even_pictures_and_sound_that_starts_before_zero_by_its_priming() {
    let folder = tempfile::tempdir().unwrap();
    let Some(file) = source(folder.path(), 180) else { return };
    assert_eq!(FrameRate::new(24_000, 1001).and_then(FrameRate::video_timescale), Some(scale(24_000)));
    for (packed, step) in [(video(&file, 180), 1001.0 / 24_000.0), (audio(&file), 1024.0 / 44_100.0)] {
        let times = times(&join(folder.path(), &packed));
        let coded: u32 = packed.track.segments.iter().map(|segment| segment.sample_count).sum();
        assert_eq!(times.len(), coded as usize);
        // FFmpeg moves decode times, not ours, to keep them below presentation times, so only spacing is judged.
        for (k, time) in times.iter().enumerate() {
            let off = (time - times[0] - k as f64 * step).abs();
            assert!(off < 2e-6, "{} sample {k} is off by {off} s", packed.track.name);
        }
        if packed.track.name == "audio-eng" {
            assert!((times[0] + f64::from(PRIMING) / 44_100.0).abs() < 2e-6, "{}", times[0]);
        }
    }
}
