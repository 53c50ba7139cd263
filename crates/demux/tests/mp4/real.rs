//! Files that ffmpeg makes, compared packet by packet with what ffprobe says of them.

use std::path::PathBuf;
use std::process::Command;

use demux::{Data, MediaKind};
use media_types::CodecConfig;

use crate::driver::{Outcome, demux};

/// What ffprobe says of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Probed {
    pts: i64,
    dts: i64,
    size: usize,
    offset: Option<u64>,
    keyframe: bool,
    hash: u32,
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("mp4-{}-{name}", std::process::id()))
}

/// Runs ffmpeg on a test picture and a test tone with these arguments, and returns the file it makes.
pub(crate) fn make(name: &str, arguments: &str) -> Vec<u8> {
    let path = path(name);
    let mut command = Command::new("ffmpeg");
    command.args("-nostdin -v error -y -f lavfi -i testsrc2=s=64x48:r=25:d=2 -f lavfi -i sine=r=48000:d=2".split(' '));
    let status = command.args(arguments.split_whitespace()).arg(&path).status().unwrap();
    assert!(status.success(), "{arguments}");
    let file = std::fs::read(&path).unwrap();
    std::fs::remove_file(path).unwrap();
    file
}

fn adler(bytes: &[u8]) -> u32 {
    let (a, b) = bytes.iter().fold((1u32, 0u32), |(a, b), &byte| {
        let a = (a + u32::from(byte)) % 65521;
        (a, (a + b) % 65521)
    });
    b << 16 | a
}

/// Packets of each stream. Fields that ffprobe does not know are 0.
fn probe(name: &str, file: &[u8]) -> Vec<Vec<Probed>> {
    let path = path(&format!("probe-{name}"));
    std::fs::write(&path, file).unwrap();
    let mut command = Command::new("ffprobe");
    command.args("-v error -of compact=p=0 -show_data_hash adler32 -show_entries".split(' '));
    command.arg("packet=stream_index,pts,dts,size,pos,flags,data_hash");
    let output = command.arg(&path).output().unwrap();
    assert!(output.status.success());
    std::fs::remove_file(path).unwrap();
    let mut streams: Vec<Vec<Probed>> = vec![];
    // Side data stand on lines of their own, in the middle of their packet's.
    for line in String::from_utf8(output.stdout).unwrap().replace("|\n|", "|").lines() {
        let field = |key: &str| line.split('|').find_map(|field| field.strip_prefix(key)?.strip_prefix('='));
        let number = |key| field(key).and_then(|text| text.parse::<i64>().ok());
        let Some(stream) = number("stream_index") else { continue };
        let stream = stream as usize;
        streams.resize_with(streams.len().max(stream + 1), Vec::new);
        let hash = field("data_hash").and_then(|hash| hash.rsplit(':').next()).unwrap();
        streams[stream].push(Probed {
            pts: number("pts").unwrap(),
            dts: number("dts").unwrap(),
            size: number("size").unwrap() as usize,
            offset: number("pos").map(|at| at as u64),
            keyframe: field("flags").unwrap().contains('K'),
            hash: u32::from_str_radix(hash, 16).unwrap(),
        });
    }
    streams
}

/// That every packet is what ffprobe says.
fn agrees(name: &str, file: &[u8]) -> Outcome {
    let probed = probe(name, file);
    let out = demux(file, true);
    assert_eq!(out.error, None, "{name}");
    assert_eq!(out.tracks.len(), probed.len(), "{name}");
    for (track, probed) in probed.iter().enumerate() {
        let reads = out.of(track);
        assert_eq!(reads.len(), probed.len(), "{name}, track {track}");
        for (read, expected) in reads.iter().zip(probed) {
            let packet = &read.packet;
            let Data::At(range) = packet.data else { panic!("{name}: not in the file") };
            let found = Probed {
                pts: packet.pts,
                dts: packet.dts,
                size: read.bytes.len(),
                offset: Some(range.offset),
                keyframe: packet.keyframe,
                hash: adler(&read.bytes),
            };
            assert_eq!(&found, expected, "{name}, track {track}");
        }
    }
    let untold = demux(file, false);
    assert_eq!(untold.error, None);
    assert!(untold.reads.iter().map(|read| &read.packet).eq(out.reads.iter().map(|read| &read.packet)), "{name}");
    out
}

const X264: &str = "-c:v libx264 -preset veryfast -bf 3 -g 20 -c:a aac -b:a 64k -threads 1";

#[test]
fn whole_files_are_read_as_ffprobe_reads_them() {
    for (name, arguments) in [
        ("plain.mp4", ""),
        ("faststart.mp4", "-movflags +faststart"),
        ("odd.mp4", "-video_track_timescale 30011 -movie_timescale 601"),
        ("quicktime.mov", ""),
        ("brand.m4v", "-brand mp42"),
    ] {
        let out = agrees(name, &make(name, &format!("{X264} {arguments}")));
        let [video, audio] = out.tracks.as_slice() else { panic!("{name}") };
        assert_eq!(out.warnings, [], "{name}");
        assert!(matches!(video.config, CodecConfig::Avc(_)) && matches!(audio.config, CodecConfig::Aac(_)));
        assert!(
            matches!(video.kind, MediaKind::Video { width: 64, height: 48, sample_aspect: (1, 1), .. }),
            "{video:?}"
        );
        assert_eq!(audio.kind, MediaKind::Audio { sample_rate: 48_000, channels: 1 });
        // B-frames put decoding before 0; AAC has 1024 samples of priming.
        assert!(out.times(0)[0].0 < 0 && out.times(0)[0].1 == 0, "{name}");
        assert_eq!(out.times(1)[0].1, -1024, "{name}");
        assert_eq!(audio.end, None, "{name}: the edit list ends where the media do");
        assert_eq!(video.end, None, "{name}");
    }
}

#[test]
fn the_frame_rate_is_what_all_samples_share() {
    let out = demux(&make("rate.mp4", X264), true);
    let MediaKind::Video { frame_rate, .. } = out.tracks[0].kind else { panic!() };
    assert_eq!(frame_rate.map(|rate| (rate.num(), rate.den())), Some((25, 1)));
}

#[test]
fn fragmented_files_are_read_as_ffprobe_reads_them() {
    for (name, arguments) in [
        ("frag.mp4", "-movflags frag_keyframe+empty_moov+default_base_moof"),
        ("base.mp4", "-movflags frag_keyframe+empty_moov"),
        ("omit.mp4", "-movflags frag_keyframe+empty_moov+omit_tfhd_offset"),
        ("separate.mp4", "-movflags frag_keyframe+empty_moov+default_base_moof+separate_moof"),
        ("dash.mp4", "-movflags dash+global_sidx -frag_duration 300000"),
        ("hybrid.mp4", "-movflags frag_keyframe"),
        ("delayed.mp4", "-movflags frag_keyframe+delay_moov+default_base_moof"),
    ] {
        let file = make(name, &format!("{X264} {arguments}"));
        let out = agrees(name, &file);
        assert!(out.of(0).len() == 50 && out.of(1).len() > 90, "{name}");
        assert_eq!(out.warnings, [], "{name}");
        assert_eq!((out.tracks[0].end, out.tracks[1].end), (None, None), "{name}");
    }
}

#[test]
fn fragments_that_share_a_decode_time_are_read_with_a_warning() {
    // ffmpeg 5 gives pairs of such fragments the same time.
    let out =
        demux(&make("every.mp4", &format!("{X264} -movflags frag_every_frame+empty_moov+default_base_moof")), true);
    assert_eq!(out.error, None);
    assert!(out.of(0).len() == 50 && out.of(1).len() > 90);
    assert!(out.warnings.iter().all(|warning| warning.what.contains("do not grow here")), "{:?}", out.warnings);
}

#[test]
fn negative_composition_offsets_are_kept() {
    let file = make("negative.mp4", &format!("{X264} -movflags negative_cts_offsets -an"));
    let out = demux(&file, true);
    let probed = probe("negative.mp4", &file);
    let first = &out.reads[0].packet;
    assert_eq!((first.dts, first.pts), (0, 0));
    assert!(out.reads.iter().any(|read| read.packet.pts < read.packet.dts));
    assert!(out.reads.iter().map(|read| read.packet.pts).eq(probed[0].iter().map(|probed| probed.pts)));
}

#[test]
fn every_codec_of_cmaf_is_known() {
    for (name, arguments) in [
        ("hevc.mp4", "-c:v libx265 -preset ultrafast -x265-params log-level=none:pools=1 -tag:v hvc1 -c:a ac3"),
        ("hev1.mp4", "-c:v libx265 -preset ultrafast -x265-params log-level=none:pools=1 -tag:v hev1 -c:a eac3"),
        ("av1.mp4", "-c:v libaom-av1 -cpu-used 8 -usage realtime -t 0.4 -c:a libopus"),
        ("vp9.mp4", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -c:a flac -strict -2"),
        ("frag.mp4", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -c:a libopus -ac 2 -movflags dash"),
    ] {
        let out = agrees(&format!("codec-{name}"), &make(&format!("codec-{name}"), arguments));
        let configs = (&out.tracks[0].config, &out.tracks[1].config);
        let expected = match name {
            "hevc.mp4" => matches!(configs, (CodecConfig::Hevc(_), CodecConfig::Ac3(_))),
            "hev1.mp4" => matches!(configs, (CodecConfig::Hevc(_), CodecConfig::Eac3(_))),
            "av1.mp4" => matches!(configs, (CodecConfig::Av1(_), CodecConfig::Opus(_))),
            "vp9.mp4" => matches!(configs, (CodecConfig::Vp9(_), CodecConfig::Flac(_))),
            _ => matches!(configs, (CodecConfig::Vp9(_), CodecConfig::Opus(_))),
        };
        assert!(expected, "{name}: {configs:?}");
        let channels = if name == "frag.mp4" { 2 } else { 1 };
        assert_eq!(out.tracks[1].kind, MediaKind::Audio { sample_rate: 48_000, channels }, "{name}");
    }
}

#[test]
fn sound_that_cmaf_does_not_carry_is_passed_over_with_a_warning() {
    let out = demux(&make("mp3.mp4", "-c:v libx264 -preset ultrafast -c:a libmp3lame"), true);
    assert_eq!((out.tracks.len(), out.error), (1, None));
    assert!(out.warnings[0].what.contains("track 2 is passed over: it is MP3"), "{:?}", out.warnings);
    let out = demux(&make("text.mov", "-map 1:a -c:a pcm_s16le"), true);
    assert!(out.error.unwrap().reason.contains("no track that can be carried: track 1 is passed over"));
}

#[test]
fn delays_cuts_languages_labels_and_roles_are_those_of_the_file() {
    let file = make(
        "edits.mp4",
        "-c:v libx264 -preset ultrafast -c:a aac -map 0:v -map 1:a -map 1:a \
         -metadata:s:1 language=deu -metadata:s:2 language=gsw -metadata:s:2 title=Regie \
         -disposition:1 default -disposition:2 comment",
    );
    let out = agrees("edits.mp4", &file);
    let [_, first, second] = out.tracks.as_slice() else { panic!() };
    assert_eq!((first.language.as_str(), second.language.as_str()), ("de", "gsw"));
    assert_eq!((first.label.as_deref(), second.label.as_deref()), (None, Some("Regie")));
    assert!(first.roles.default && !first.roles.commentary);
    assert!(!second.roles.default && second.roles.commentary);
}

#[test]
fn a_cut_without_encoding_hides_what_precedes_it() {
    // Copying from the middle leaves pictures before the cut that only decoding needs.
    let whole = path("whole.mp4");
    std::fs::write(&whole, make("cut-source.mp4", X264)).unwrap();
    let cut = path("cut.mp4");
    let status = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-y", "-ss", "1.2", "-i"])
        .arg(&whole)
        .args(["-t", "0.4", "-c", "copy"])
        .arg(&cut)
        .status()
        .unwrap();
    assert!(status.success());
    let file = std::fs::read(&cut).unwrap();
    std::fs::remove_file(whole).unwrap();
    std::fs::remove_file(cut).unwrap();
    let out = agrees("cut.mp4", &file);
    let first = &out.of(0)[0].packet;
    assert!(first.keyframe && first.pts < 0, "{first:?}");
}
