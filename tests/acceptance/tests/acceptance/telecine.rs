//! Film under pulldown comes out as film: every picture of it once and in order, whole, and in step with its sound.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::corpus::measure::Sound;
use crate::encode::encode;
use crate::judge;

const SIZE: (usize, usize) = (640, 480);
/// Pictures of the film: 60 s, which are three ranges.
const FRAMES: u32 = 1440;
/// The picture at which there is a beep.
const LOUD: u32 = 1200;
/// Bits of the number that `film-numbered.mp4` shows, in a row of cells between a white one and a black one; upper and lower
/// fields show it alike.
const BITS: usize = 12;
const CELLS: usize = BITS + 2;
/// One rung of all lines: what is shown when is looked at, not how well.
const LADDER: &str = r#"
name = "whole"
description = "All lines, quickly."
[video]
codec = "h264"
preset = "ultrafast"
crf = 20
[audio]
bitrate_kbps = 64
channels = 2
[[rung]]
name = "480p"
height = 480
max_bitrate_kbps = 6000
"#;

/// Numbered natural film with a beep, spread over fields, and stored.
fn source(folder: &Path, name: &str, spread: &str, coding: &str) -> PathBuf {
    let out = folder.join(name);
    let loud = f64::from(LOUD) * 1.001 / 24.0;
    let beep = format!("aevalsrc=0.4*sin(2*PI*1000*t)*between(t\\,{loud}\\,{}):s=48000:d=60.06", loud + 0.2);
    let spread = format!("setsar=1,{spread}");
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-i"]).arg(judge::media("film-numbered.mp4"));
    command.args(["-f", "lavfi", "-i", &beep]);
    command.args(["-map", "0:v", "-map", "1:a", "-vf", &spread, "-pix_fmt", "yuv420p", "-flags", "+ilme+ildct"]);
    judge::run(command.args(coding.split(' ')).arg(&out));
    out
}

/// The numbers that the pictures of a rendition show, and whether they are alike in the lines of both fields.
fn numbers(playlist: &Path) -> Vec<u32> {
    let (width, height) = SIZE;
    let mut command = Command::new(judge::ffmpeg_9());
    command.args(["-nostdin", "-v", "error", "-i"]).arg(playlist);
    command.args(["-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "gray", "-"]);
    let pictures = judge::run(&mut command).stdout;
    let number = |picture: &[u8], y: usize| {
        let lit = |cell: usize| picture[y * width + (2 * cell + 1) * width / (2 * CELLS)] > 128;
        assert!(lit(0) && !lit(CELLS - 1), "a picture without a number");
        (1..=BITS).fold(0, |number, cell| number << 1 | u32::from(lit(cell)))
    };
    let read = |picture: &[u8]| {
        let found = number(picture, 32);
        assert_eq!(found, number(picture, 33), "a picture of two moments");
        found
    };
    pictures.chunks_exact(width * height).map(read).collect()
}

/// What FFmpeg takes pictures for: of two moments, with either field first, and whole.
fn moments(target: &Path) -> [u64; 3] {
    let mut command = Command::new(judge::ffmpeg_9());
    command.args(["-nostdin", "-hide_banner", "-nostats", "-i"]).arg(target);
    let output = judge::run(command.args(["-map", "0:v:0", "-vf", "idet", "-f", "null", "-"]));
    let text = String::from_utf8_lossy(&output.stderr);
    let line = text.lines().rev().find_map(|line| line.split_once("Multi frame detection:")).unwrap().1;
    let count = |name: &str| {
        let (_, rest) = line.split_once(name).unwrap();
        rest.split_whitespace().next().unwrap().parse().unwrap()
    };
    ["TFF:", "BFF:", "Progressive:"].map(count)
}

/// Encodes a recording; what is said of it, and its rendition.
fn encoded(source: &Path, out: &Path) -> (Value, PathBuf) {
    let ladder = out.with_file_name("whole.toml");
    std::fs::write(&ladder, LADDER).unwrap();
    (encode(source, out, ladder.to_str().unwrap()), out.join("video-480p/media.m3u8"))
}

/// Encodes film and demands that it is what comes out.
fn demand_film(folder: &Path, source: &Path) {
    let out = folder.join("out");
    let (result, playlist) = encoded(source, &out);
    assert_eq!(result["missing_pictures"], 0, "{result}");
    assert_eq!(numbers(&playlist), (0..FRAMES).collect::<Vec<_>>(), "{}", source.display());
    let [upper, lower, whole] = moments(&playlist);
    assert!(upper + lower == 0 && whole * 10 > u64::from(FRAMES) * 9, "{upper}, {lower}, {whole}");
    let master = std::fs::read_to_string(out.join("master.m3u8")).unwrap();
    assert!(master.contains("FRAME-RATE=23.976"), "{master}");
    let mpd = std::fs::read_to_string(out.join("manifest.mpd")).unwrap();
    assert!(mpd.contains("frameRate=\"24000/1001\""), "{mpd}");
    let sound = out.join("audio-und").join("media.m3u8");
    let [beep] = Sound::decode(&sound).beeps_ms()[..] else { panic!("one beep") };
    let shown = f64::from(LOUD) * 1001.0 / 24.0;
    // Pulldown shows a picture up to half a field late; four of five places are up to a picture of the source off.
    assert!((beep - shown).abs() <= 34.0 + 24.0, "the beep is heard at {beep} ms, its picture seen at {shown} ms");
    judge::run(Command::new(judge::lectern()).arg("lint").arg(&out));
    std::fs::remove_dir_all(&out).unwrap();
}

#[test]
fn film_burned_into_the_fields_is_film_again() {
    let folder = tempfile::tempdir().unwrap();
    for (name, coding) in [
        ("dvd.mpg", "-c:v mpeg2video -b:v 6M -maxrate 8M -bufsize 1835k -g 15 -bf 2 -top 1 -c:a mp2 -b:a 128k"),
        ("broadcast.ts", "-c:v libx264 -preset ultrafast -crf 16 -g 60 -bf 2 -x264opts tff=1 -c:a aac"),
    ] {
        let source = source(folder.path(), name, "telecine=pattern=23,setfield=tff", coding);
        let [upper, lower, _] = moments(&source);
        assert!(upper + lower > 500, "{name} is of no two moments: {upper}, {lower}");
        demand_film(folder.path(), &source);
    }
}

#[test]
fn film_that_says_which_fields_are_repeated_is_shown_as_it_is_coded() {
    let folder = tempfile::tempdir().unwrap();
    let whole = source(folder.path(), "film.mkv", "null", "-c:v mpeg2video -q:v 3 -g 15 -bf 0 -c:a mp2 -b:a 128k");
    let (coded, said) = (folder.path().join("film.m2v"), folder.path().join("said.m2v"));
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-i"]).arg(&whole);
    judge::run(command.args(["-map", "0:v", "-c", "copy"]).arg(&coded));
    let script = judge::root().join("tests/media/corpus.py");
    judge::run(Command::new("python3").arg(script).arg("pulldown").arg(&coded).arg(&said));
    let disc = folder.path().join("disc.mpg");
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-fflags", "+genpts", "-f", "mpegvideo", "-i"]).arg(&said);
    command.arg("-i").arg(&whole).args(["-map", "0:v", "-map", "1:a", "-c", "copy"]);
    judge::run(command.arg(&disc));
    demand_film(folder.path(), &disc);
}

#[test]
fn recordings_of_two_moments_a_picture_and_those_mixed_with_film_are_deinterlaced() {
    let folder = tempfile::tempdir().unwrap();
    let coding = "-c:v libx264 -preset ultrafast -crf 16 -g 60 -bf 2 -x264opts tff=1 -c:a aac";
    let scroll = "fps=60000/1001,scroll=h=0.01,tinterlace=interleave_top,setfield=tff";
    let halves = format!(
        "split[a][b];[a]trim=end_frame=720,telecine=pattern=23[film];\
         [b]trim=start_frame=720,setpts=PTS-STARTPTS,{scroll}[video];[film][video]concat=n=2,setfield=tff"
    );
    for (name, spread) in [("video.ts", scroll), ("mixed.ts", halves.as_str())] {
        let source = source(folder.path(), name, spread, coding);
        let out = folder.path().join("out");
        let (_, playlist) = encoded(&source, &out);
        assert!(std::fs::read_to_string(out.join("master.m3u8")).unwrap().contains("FRAME-RATE=29.97"), "{name}");
        let (pictures, seconds) = judge::coded_pictures(playlist.to_str().unwrap());
        assert!(pictures.abs_diff(1800) <= 2 && (seconds - 60.06).abs() < 0.1, "{name}: {pictures}, {seconds}");
        let ([upper, lower, _], [was_upper, _, _]) = (moments(&playlist), moments(&source));
        assert!(was_upper > 500 && upper + lower <= 20, "{name}: {upper}, {lower} of {was_upper}");
        std::fs::remove_dir_all(&out).unwrap();
    }
}
