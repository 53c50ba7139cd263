//! One recording in four codecs: exact in each, cut alike in all, and shown by players.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use crate::encode::{StaticServer, check_partial_sums, encode, keyframe_times};
use crate::judge;

const RATE: &str = "24000/1001";
/// Every rung has a height of its own, by which the harness tells what is shown.
const LADDER: &str = r#"
name = "mixed"
description = "Each codec, small and quick."
[video]
codec = "h264"
preset = "veryfast"
crf = 24
[audio]
bitrate_kbps = 64
channels = 2
[[rung]]
name = "352p"
height = 352
max_bitrate_kbps = 1000
[[rung]]
name = "240p"
height = 240
max_bitrate_kbps = 500
[[rung]]
name = "av1-high"
codec = "av1"
preset = 11
crf = 35
height = 368
max_bitrate_kbps = 700
[[rung]]
name = "av1-low"
codec = "av1"
preset = 11
crf = 35
height = 256
max_bitrate_kbps = 350
[[rung]]
name = "hevc"
codec = "hevc"
preset = "veryfast"
crf = 26
height = 272
max_bitrate_kbps = 500
[[rung]]
name = "vp9-low"
codec = "vp9"
preset = 8
crf = 34
height = 288
max_bitrate_kbps = 500
[[rung]]
name = "vp9-high"
codec = "vp9"
preset = 8
crf = 34
height = 384
max_bitrate_kbps = 1000
"#;

#[test]
fn a_recording_in_four_codecs_is_exact_in_each_and_plays_in_three_players() {
    let folder = tempfile::tempdir().unwrap();
    let (ladder, out) = (folder.path().join("mixed.toml"), folder.path().join("out"));
    std::fs::write(&ladder, LADDER).unwrap();
    let source = judge::media("counter15.mp4");
    let result = encode(&source, &out, ladder.to_str().unwrap());
    let (frames, _) = judge::coded_pictures(source.to_str().unwrap());

    let order: Vec<&str> =
        result["tracks"].as_array().unwrap().iter().map(|track| track["name"].as_str().unwrap()).collect();
    let [h264, hevc, av1, vp9] = [&["240p", "352p"][..], &["hevc"], &["av1-low", "av1-high"], &["vp9-low", "vp9-high"]];
    let planned: Vec<_> = [h264, hevc, av1, vp9].concat().iter().map(|name| format!("video-{name}")).collect();
    assert_eq!(order[..planned.len()], planned, "H.264 first, lowest first");
    let mut keyframes = BTreeMap::new();
    for name in &planned {
        let playlist = out.join(name).join("media.m3u8");
        for program in [Path::new("ffmpeg"), &judge::ffmpeg_9()] {
            let decoded = judge::decode_silently(program, playlist.to_str().unwrap(), "0:v:0");
            assert_eq!(decoded, frames, "{name} in {}", program.display());
        }
        keyframes.insert(name.as_str(), keyframe_times(&playlist));
        check_partial_sums(&playlist, |count| (count as u64 * 94).min(frames) as f64 * 1001.0 / 24_000.0 * 1e6);
    }
    let first = keyframes.values().next().unwrap();
    assert!(first.len() as u64 == frames.div_ceil(47), "a key frame every 47 frames: {first:?}");
    assert!(keyframes.values().all(|times| times == first), "key frames differ between codecs: {keyframes:?}");
    check_names(&out);
    judge::run(Command::new(judge::lectern()).arg("lint").arg(&out));
    judge::decode_silently(&judge::ffmpeg_9(), out.join("manifest.mpd").to_str().unwrap(), "0:v:0");
    check_players(&out, frames);
}

/// What ffprobe and the entry points call the tracks.
fn check_names(out: &Path) {
    for (track, codec, tag) in
        [("352p", "h264", "avc1"), ("hevc", "hevc", "hvc1"), ("av1-high", "av1", "av01"), ("vp9-high", "vp9", "vp09")]
    {
        let init = out.join(format!("video-{track}/init.mp4"));
        let shown = judge::ffprobe(
            &["-show_entries", "stream=codec_name,codec_tag_string,profile,pix_fmt"],
            init.to_str().unwrap(),
        );
        let stream = &shown["streams"][0];
        assert_eq!(
            (stream["codec_name"].as_str(), stream["codec_tag_string"].as_str()),
            (Some(codec), Some(tag)),
            "{shown}"
        );
    }
    let master = std::fs::read_to_string(out.join("master.m3u8")).unwrap();
    let variants: Vec<&str> = master.lines().filter(|line| line.starts_with("#EXT-X-STREAM-INF")).collect();
    let named = |prefix: &str| variants.iter().filter(|line| line.contains(&format!("CODECS=\"{prefix}"))).count();
    assert_eq!(
        [named("avc1.6400"), named("hvc1.1.6.L"), named("av01.0.0"), named("vp09.00.")],
        [2, 1, 2, 2],
        "{master}"
    );
    assert!(variants[..2].iter().all(|line| line.contains("avc1.")), "H.264 comes first: {master}");
    assert_eq!(master.matches("#EXT-X-I-FRAME-STREAM-INF").count(), 7);
    let mpd = std::fs::read_to_string(out.join("manifest.mpd")).unwrap();
    let sets: Vec<_> = elements(&mpd, "AdaptationSet")
        .into_iter()
        .filter(|set| set.contains("urn:mpeg:dash:adaptation-set-switching:2016"))
        .collect();
    let codecs = ["avc1.", "hvc1.", "av01.", "vp09."];
    assert!(sets.len() == 4 && sets.iter().zip(codecs).all(|(set, codec)| set.contains(codec)), "{mpd}");
}

/// Each player on the rungs of one codec, of AV1 at each and across the switches between them; then on all those that can be
/// told what to begin with when there are several sets.
fn check_players(out: &Path, frames: u64) {
    for (codec, arguments) in [("av01", &["--heights", "256,368"][..]), ("vp09", &["--heights", "288,384", "--brief"])]
    {
        let (hls, dash) = of_codec(out, codec);
        let server = StaticServer::start(out);
        judge::players_with(&server.base, &hls, &dash, frames, RATE, arguments);
    }
    let server = StaticServer::start(out);
    judge::players_with(
        &server.base,
        "/master.m3u8",
        "/manifest.mpd",
        frames,
        RATE,
        &["--brief", "--players", "hls,shaka"],
    );
}

/// Writes entry points with the pictures of one codec alone; gives their addresses.
pub(crate) fn of_codec(out: &Path, codec: &str) -> (String, String) {
    let (hls, dash) = (format!("{codec}.m3u8"), format!("{codec}.mpd"));
    let master = std::fs::read_to_string(out.join("master.m3u8")).unwrap();
    std::fs::write(out.join(&hls), variants_of(&master, codec)).unwrap();
    let mut mpd = std::fs::read_to_string(out.join("manifest.mpd")).unwrap();
    for set in elements(&mpd.clone(), "AdaptationSet") {
        if set.contains("contentType=\"video\"") && (!set.contains(codec) || set.contains("trickmode")) {
            mpd = mpd.replace(set, "");
        }
    }
    std::fs::write(out.join(&dash), mpd).unwrap();
    (format!("/{hls}"), format!("/{dash}"))
}

/// A multivariant playlist without the variants of other codecs.
fn variants_of(master: &str, codec: &str) -> String {
    let (mut kept, mut lines) = (String::new(), master.lines());
    while let Some(line) = lines.next() {
        let variant = line.starts_with("#EXT-X-STREAM-INF");
        let uri = if variant { lines.next() } else { None };
        if (variant && !line.contains(codec)) || line.starts_with("#EXT-X-I-FRAME-STREAM-INF") {
            continue;
        }
        kept.extend([Some(line), uri].into_iter().flatten().flat_map(|line| [line, "\n"]));
    }
    kept
}

pub(crate) fn elements<'m>(xml: &'m str, name: &str) -> Vec<&'m str> {
    let (open, close) = (format!("<{name} "), format!("</{name}>"));
    let from = |at: usize| xml[at..].find(&close).map(|end| &xml[at..at + end + close.len()]);
    xml.match_indices(&open).filter_map(|(at, _)| from(at)).collect()
}

#[test]
fn a_ladder_without_h264_is_refused_by_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("only.toml");
    std::fs::write(&file, LADDER.replace("codec = \"h264\"\npreset = \"veryfast\"", "codec = \"vp9\"\npreset = 6"))
        .unwrap();
    let output = Command::new(judge::lectern()).args(["ladder", "check"]).arg(&file).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success() && said.contains("only.toml:5:9: no rung is of h264"), "{said}");
}
