//! Storyboards of recordings with a single key frame, as screen recorders write them: every tile shows its own moment.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::encode::encode;
use crate::judge;
use crate::server::{Server, fresh};

const RATE: f64 = 25.0;
const PICTURES: u32 = 1880;
const TILES: usize = 8;
const INTERVAL_S: f64 = 10.0;
/// Cells of the strip that says a picture's number: white, black, twelve bits, their parity, white.
const CELLS: usize = 16;
const SIZE: (usize, usize) = (640, 360);
const TILE: (usize, usize) = (160, 90);

/// Pictures that say their number, and one key frame, at the start.
fn recording(folder: &Path) -> PathBuf {
    let (cell, height) = (SIZE.0 / CELLS, SIZE.1 / 4);
    let white = |x: usize| format!("drawbox=x={}:y=0:w={cell}:h={height}:color=white:t=fill", x * cell);
    let bit = |bit: usize| format!("mod(floor(n/{})\\,2)", 1 << bit);
    let mut filters =
        vec![format!("drawbox=x=0:y=0:w={}:h={height}:color=black:t=fill", SIZE.0), white(0), white(CELLS - 1)];
    filters.extend((0..12).map(|at| format!("{}:enable={}", white(13 - at), bit(at))));
    filters.push(format!("{}:enable=mod({}\\,2)", white(14), (0..12).map(bit).collect::<Vec<_>>().join("+")));
    let input = format!("color=0x405060:s={}x{}:r={RATE},trim=end_frame={PICTURES}", SIZE.0, SIZE.1);
    let file = folder.join("screen.mp4");
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-f", "lavfi", "-i", &input, "-vf", &filters.join(",")]);
    command.args(["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-g", "100000"]);
    judge::run(command.args(["-keyint_min", "100000", "-sc_threshold", "0"]).arg(&file));
    let shown = judge::ffprobe(&["-select_streams", "v:0", "-show_entries", "packet=flags"], file.to_str().unwrap());
    let keys = shown["packets"].as_array().unwrap().iter().filter(|at| at["flags"].as_str().unwrap().starts_with('K'));
    assert_eq!(keys.count(), 1);
    file
}

/// The luma of a JPEG that must have this size.
fn luma(jpeg: &Path, (width, height): (usize, usize)) -> Vec<u8> {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-i"]).arg(jpeg).args(["-f", "rawvideo", "-pix_fmt", "gray", "-"]);
    let luma = judge::run(&mut command).stdout;
    assert_eq!(luma.len(), width * height, "{}", jpeg.display());
    luma
}

/// The number that a picture says whose corner is at `x, y`.
fn number(luma: &[u8], columns: usize, (x, y): (usize, usize), (width, height): (usize, usize)) -> u32 {
    let (cell, line) = (width / CELLS, y + height / 8);
    let on: Vec<bool> = (0..CELLS).map(|at| luma[line * columns + x + at * cell + cell / 2] > 128).collect();
    let ones = on[2..14].iter().filter(|bit| **bit).count();
    assert!(on[0] && !on[1] && on[15] && (ones % 2 == 1) == on[14], "no number: {on:?}");
    on[2..14].iter().fold(0, |number, bit| number * 2 + u32::from(*bit))
}

/// Each tile is of a moment within a second of the middle of what it stands for, and stands where it should.
fn check(vtt: &str, sheet: &Path) {
    let cues: Vec<&str> = vtt.lines().filter(|line| line.contains("#xywh=")).collect();
    assert_eq!(cues.len(), TILES, "{vtt}");
    let columns = TILES * TILE.0;
    let luma = luma(sheet, (columns, TILE.1));
    let end_s = f64::from(PICTURES) / RATE;
    for (tile, cue) in cues.iter().enumerate() {
        assert!(cue.ends_with(&format!("#xywh={},0,{},{}", tile * TILE.0, TILE.0, TILE.1)), "{cue}");
        let (from, to) = (tile as f64 * INTERVAL_S, ((tile + 1) as f64 * INTERVAL_S).min(end_s));
        let shown_s = f64::from(number(&luma, columns, (tile * TILE.0, 0), TILE)) / RATE;
        assert!((shown_s - (from + to) / 2.0).abs() <= 1.04, "tile {tile} is of {shown_s} s");
    }
}

#[test]
fn a_recording_with_one_key_frame_has_tiles_of_their_own_moments() {
    let (folder, data) = fresh();
    let source = recording(folder.path());
    let out = folder.path().join("out");
    encode(&source, &out, "film");
    check(&std::fs::read_to_string(out.join("storyboard.vtt")).unwrap(), &out.join("storyboard.jpg"));
    let poster = luma(&out.join("poster.jpg"), SIZE);
    assert_eq!(number(&poster, SIZE.0, (0, 0), SIZE), 125, "the picture of five seconds");

    let server = Server::start(&data);
    let asset = server.settled(&server.upload(&source, "screen.mp4"), 400);
    assert_eq!(asset["state"], "ready", "{asset}");
    let playback = format!("/api/v1/playback/{}", asset["playback_id"].as_str().unwrap());
    let addresses = server.call("GET", &playback, &[], None).unwrap().json();
    let storyboard = addresses["storyboard"].as_str().expect("a storyboard");
    let get = |path: &str| {
        let answer = server.call("GET", path, &[], None).unwrap();
        assert_eq!(answer.status, 200, "{path}");
        answer.body
    };
    let sheet = folder.path().join("sheet.jpg");
    std::fs::write(&sheet, get(&storyboard.replace("storyboard.vtt", "storyboard.jpg"))).unwrap();
    check(&String::from_utf8(get(storyboard)).unwrap(), &sheet);
}
