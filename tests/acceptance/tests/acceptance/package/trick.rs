//! Fast playback and thumbnails: keyframes in a file of their own, and sheets of tiles, as players use them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::{Value, json};

use super::inputs::{GROUP, ffmpeg};
use super::{boxes, content, hashes, key_file, key_of, package, tree};
use crate::judge;

/// Pictures of all inputs here: the whole of counter.mp4.
const FRAMES: u64 = 576;
const TRICK: &str = "video-180p/trick.mp4";

/// Two rungs of twelve groups of pictures, each of which lasts 2.002 s.
fn inputs() -> &'static [PathBuf; 2] {
    static MADE: OnceLock<(tempfile::TempDir, [PathBuf; 2])> = OnceLock::new();
    let (_, paths) = MADE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let counter = judge::media("counter.mp4");
        let split = "[0:v]split[a][b];[a]scale=320:180[low];[b]scale=640:360[high]";
        let video = "-c:v libx264 -preset ultrafast -bf 2 -g 48 -keyint_min 48 -sc_threshold 0 -crf 30";
        let mut arguments = vec!["-i", counter.to_str().unwrap(), "-filter_complex", split];
        arguments.extend("-map [low] -map 0:a -c:a aac -b:a 64k".split(' ').chain(video.split(' ')));
        arguments.extend("low.mp4 -map [high]".split(' ').chain(video.split(' ')));
        arguments.push("high.mp4");
        ffmpeg(folder.path(), &arguments);
        let paths = ["low.mp4", "high.mp4"].map(|name| folder.path().join(name));
        (folder, paths)
    });
    paths
}

fn packaged(out: &Path, arguments: &[&str]) -> Value {
    let [low, high] = inputs();
    package(&[low, high], out, &[&["--segment-duration", "2"], arguments].concat())
}

/// Players look at a folder; what is wanted of them lies in a file beside it.
pub(super) fn players(folder: &Path, name: &str, wanted: &Value, arguments: &[&str]) {
    let file = folder.with_extension(name);
    std::fs::write(&file, wanted.to_string()).unwrap();
    let mut command = judge::harness("run.mjs");
    command.arg("--folder").arg(folder);
    command.args(["--hls", "/master.m3u8", "--dash", "/manifest.mpd", "--rate", "24000/1001"]);
    command.args(["--segment-s", "2.002", "--frames", &FRAMES.to_string(), &format!("--{name}")]).arg(&file);
    judge::watch(command.args(arguments));
}

fn fast_playback(folder: &Path, height: u32, from: &str, arguments: &[&str]) {
    players(folder, "trick", &json!({ "group": GROUP, "height": height, "from": [from] }), arguments);
}

/// Presentation time in 24,000ths of a second and hash of the keyframes of a file.
fn keyframes(before: &[&str], file: &Path) -> Vec<(i64, String)> {
    let program = judge::ffmpeg_9();
    let mut all = hashes(&program, &[before, &["-skip_frame", "nokey"]].concat(), file, "0:v", false);
    let first = all[0].0;
    all.iter_mut().for_each(|(pts, _)| *pts -= first);
    all
}

#[test]
fn the_file_of_keyframes_holds_every_one_once_at_its_time_in_any_layout_and_under_any_scheme() {
    let folder = tempfile::tempdir().unwrap();
    let keys = key_file(folder.path());
    let keys = keys.to_str().unwrap();
    let wanted = keyframes(&[], &inputs()[0]);
    assert_eq!(wanted.len() as u64, FRAMES / GROUP);
    let clear = folder.path().join("clear");
    packaged(&clear, &[]);
    for (name, arguments) in [
        ("clear", &[][..]),
        ("single", &["--single-file"]),
        ("cenc", &["--scheme", "cenc", "--key-file", keys]),
        ("cbcs", &["--scheme", "cbcs", "--key-file", keys, "--single-file"]),
        ("lead", &["--scheme", "cenc", "--key-file", keys, "--clear-lead", "5"]),
    ] {
        let out = folder.path().join(name);
        if name != "clear" {
            packaged(&out, arguments);
        }
        let again = folder.path().join(format!("{name}-again"));
        packaged(&again, arguments);
        assert!(tree(&out) == tree(&again), "{name}: the same again is the same");
        let encrypted = arguments.contains(&"--scheme");
        let before = if encrypted { &["-decryption_key", key_of("video").1][..] } else { &[] };
        // FFmpeg knows nothing of samples that are left clear.
        if name != "lead" {
            let found = keyframes(before, &out.join(TRICK));
            assert_eq!(content(&found), content(&wanted), "{name}");
            // All are 2.002 s apart, whatever the ticks are called.
            let apart: Vec<i64> = found.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
            assert!(apart.iter().all(|&ticks| ticks == apart[0]), "{name}: {apart:?}");
        }
        let file = std::fs::read(out.join(TRICK)).unwrap();
        assert_eq!(boxes(&file, b"moof").len() as u64, FRAMES / GROUP, "{name}: a fragment each");
        // Three keyframes lie within the five seconds that stay clear.
        assert!(name != "lead" || boxes(&file, b"senc").len() as u64 == FRAMES / GROUP - 3);
        let low =
            out.join(if arguments.contains(&"--single-file") { "video-180p/media.mp4" } else { "video-180p/init.mp4" });
        let low = std::fs::read(low).unwrap();
        assert!(!arguments.contains(&"cbcs") || boxes(&low, b"tenc")[0] != boxes(&file, b"tenc")[0], "its own vector");
        let biggest = std::fs::metadata(out.join(TRICK)).unwrap().len();
        assert!(biggest < 300_000, "{name}: one small file, not {biggest} bytes");
    }
    assert!(!clear.join("video-360p/trick.mp4").exists(), "of the lowest rung alone");
}

#[test]
fn shaka_player_shows_keyframes_alone_of_playlists_and_manifests_clear_and_encrypted() {
    let folder = tempfile::tempdir().unwrap();
    let keys = key_file(folder.path());
    let keys = keys.to_str().unwrap();
    let out = |name: &str| folder.path().join(name);
    packaged(&out("clear"), &[]);
    fast_playback(&out("clear"), 180, "trick.mp4", &["--players", "shaka"]);
    // Where a rendition has a playlist of keyframes of its own size, that one is taken.
    fast_playback(&out("clear"), 360, "video-360p/iframes.m3u8", &["--players", "shaka-hls"]);
    packaged(&out("cenc"), &["--scheme", "cenc", "--key-file", keys, "--single-file"]);
    fast_playback(&out("cenc"), 180, "trick.mp4", &["--players", "shaka", "--keys", keys]);
    packaged(&out("cbcs"), &["--scheme", "cbcs", "--key-file", keys]);
    fast_playback(&out("cbcs"), 180, "trick.mp4", &["--players", "shaka,shaka-hls", "--keys", keys]);
}

#[test]
fn players_find_the_right_tile_of_a_storyboard_at_every_time() {
    let folder = tempfile::tempdir().unwrap();
    // Twelve tiles of ten seconds: a second row of two, the last of which stands for less.
    let long = folder.path().join("long.mp4");
    let counter = judge::media("counter.mp4");
    let arguments = "-filter:v scale=320:180,loop=loop=4:size=576,setpts=N*1001/24000/TB -an -frames:v 2760 -c:v libx264 -preset ultrafast -g 48 -crf 30";
    let input = ["-i", counter.to_str().unwrap()];
    ffmpeg(folder.path(), &[&input[..], &arguments.split(' ').collect::<Vec<_>>(), &["long.mp4"]].concat());
    let ladder = folder.path().join("small.toml");
    let text = "name = \"small\"\ndescription = \"One small rung.\"\n[video]\ncodec = \"h264\"\npreset = \"ultrafast\"\ncrf = 30\n\
                max_frame_rate = 30\n[audio]\nbitrate_kbps = 64\nchannels = 2\n[[rung]]\nname = \"180p\"\nheight = 180\nmax_bitrate_kbps = 400\n";
    std::fs::write(&ladder, text).unwrap();
    let out = folder.path().join("out");
    judge::run(
        Command::new(judge::lectern()).arg("encode").arg("--ladder").arg(&ladder).arg("--out").arg(&out).arg(&long),
    );
    let playlist = std::fs::read_to_string(out.join("storyboard.m3u8")).unwrap();
    assert!(
        playlist
            .contains("#EXTINF:115.115,\n#EXT-X-TILES:RESOLUTION=160x90,LAYOUT=10x2,DURATION=10.000\nstoryboard.jpg\n"),
        "{playlist}"
    );
    let tile = |time: f64, x: u32, y: u32| json!({ "time_s": time, "x": x * 160, "y": y * 90 });
    let tiles = [
        tile(0.0, 0, 0),
        tile(9.99, 0, 0),
        tile(10.01, 1, 0),
        tile(55.5, 5, 0),
        tile(99.9, 9, 0),
        tile(100.1, 0, 1),
        tile(110.1, 1, 1),
        tile(114.9, 1, 1),
    ];
    let wanted = json!({ "width": 160, "height": 90, "interval_s": 10, "repeats": FRAMES, "tiles": tiles });
    players(&out, "thumbs", &wanted, &["--players", "dash,shaka,shaka-hls", "--no-audio"]);
}
