//! Lectures: their slides are chapters, and begin with key frames.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::encode::encode;
use crate::judge;
use crate::server::{Server, fresh};

/// When another slide is shown, in milliseconds; the last one fades in for 0.6 s before that.
const SLIDES_MS: [u64; 4] = [7_400, 16_200, 24_800, 33_000];
const LENGTH_S: u32 = 40;
/// How long a picture is shown.
const PICTURE_MS: u64 = 40;
const WORDS: [&str; 5] = [
    "Sums of two squares\nLet p be a prime\nthat leaves 1 when\ndivided by 4",
    "Descent\nThere are whole\nnumbers a and b",
    "After Euler\nTake the least m for\nwhich m times p is\na sum of two squares",
    "Exercise\nFind a and b for 97\nand for 101",
    "Next week\nFour squares",
];

/// A lecture as a meeting's recorder writes it: slides, a pointer, a small camera picture that moves.
fn lecture(folder: &Path) -> PathBuf {
    let mut command = Command::new("ffmpeg");
    command.current_dir(folder).args(["-nostdin", "-v", "error"]);
    let mut filters = Vec::new();
    for (slide, words) in WORDS.iter().enumerate() {
        std::fs::write(folder.join(format!("{slide}.txt")), words).unwrap();
        command.args(["-f", "lavfi", "-i", &format!("color=0xf7f5ef:s=854x480:r=25:d={LENGTH_S}")]);
        let font = "fontfile=/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf";
        filters.push(format!(
            "[{slide}]drawtext={font}:textfile={slide}.txt:fontsize=52:x={}:y=70[s{slide}]",
            60 + 9 * slide
        ));
    }
    // Each slide lies over the one before it from its time on; the last one fades in.
    let mut below = "s0".to_owned();
    for (slide, ms) in (1..).zip(SLIDES_MS) {
        let (start, out) = (ms as f64 / 1000.0, format!("o{slide}"));
        if slide < WORDS.len() - 1 {
            filters.push(format!("[{below}][s{slide}]overlay=enable=gte(t\\,{})[{out}]", start - 0.01));
        } else {
            let fade = format!("[s{slide}]format=yuva420p,fade=in:st={}:d=0.6:alpha=1[f]", start - 0.6);
            filters.push(format!("{fade};[{below}][f]overlay[{out}]"));
        }
        below = out;
    }
    let camera = "testsrc2=s=120x80:r=25";
    let pointer = "color=red:s=8x8:r=25";
    command.args(["-f", "lavfi", "-i", camera, "-f", "lavfi", "-i", pointer]);
    command.args(["-f", "lavfi", "-i", &format!("sine=f=300:d={LENGTH_S}")]);
    filters.push(format!("[{below}][5]overlay=x=720:y=390[c];[c][6]overlay=x=400+200*sin(t):y=240+90*cos(t)[v]"));
    command.args(["-filter_complex", &filters.join(";"), "-map", "[v]", "-map", "7", "-t", &LENGTH_S.to_string()]);
    command.args(["-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-g", "250", "-pix_fmt", "yuv420p"]);
    judge::run(command.args(["-c:a", "aac", "lecture.mp4"]));
    folder.join("lecture.mp4")
}

/// The first instants of the cues of a WebVTT file, in milliseconds, and their texts.
fn cues(text: &str) -> Vec<(u64, String)> {
    let lines: Vec<&str> = text.lines().collect();
    let starts = lines.windows(2).filter_map(|pair| Some((pair[0].split_once(" --> ")?.0, pair[1])));
    let ms = |clock: &str| {
        let parts = clock.split([':', '.']).map(|part| part.parse::<u64>().unwrap()).collect::<Vec<_>>();
        let [hours, minutes, seconds, ms] = parts[..] else { panic!("{clock}") };
        ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms
    };
    starts.map(|(start, name)| (ms(start), name.to_owned())).collect()
}

fn check_chapters(vtt: &str) -> Vec<u64> {
    let cues = cues(vtt);
    let names: Vec<_> = cues.iter().map(|(_, name)| name.as_str()).collect();
    assert_eq!(names, ["Slide 1", "Slide 2", "Slide 3", "Slide 4", "Slide 5"], "{vtt}");
    for ((start, _), expected) in cues.iter().zip(std::iter::once(0).chain(SLIDES_MS)) {
        assert!(start.abs_diff(expected) <= PICTURE_MS, "{start} ms instead of {expected}: {vtt}");
    }
    cues.into_iter().map(|(start, _)| start).collect()
}

fn keyframes_ms(target: &str) -> Vec<u64> {
    let shown = judge::ffprobe(&["-select_streams", "v:0", "-show_entries", "packet=pts_time,flags"], target);
    let keys = shown["packets"].as_array().unwrap().iter().filter(|at| at["flags"].as_str().unwrap().starts_with('K'));
    keys.map(|at| (at["pts_time"].as_str().unwrap().parse::<f64>().unwrap() * 1000.0).round() as u64).collect()
}

#[test]
fn slides_of_an_upload_become_chapters_with_a_key_frame_in_every_rendition() {
    let (folder, data) = fresh();
    let server = Server::start(&data);
    let id = server.upload(&lecture(folder.path()), "lecture.mp4");
    let asset = server.settled(&id, 400);
    assert_eq!((&asset["state"], &asset["scenes"]["slides"]), (&json!("ready"), &json!(1.0)), "{asset}");
    let playback = format!("/api/v1/playback/{}", asset["playback_id"].as_str().unwrap());
    let addresses = server.call("GET", &playback, &[], None).unwrap().json();
    let get = |path: &str| String::from_utf8(server.call("GET", path, &[], None).unwrap().body).unwrap();
    let starts = check_chapters(&get(addresses["chapters"].as_str().expect("chapters")));

    let hls = addresses["hls"].as_str().unwrap();
    let (root, master) = (hls.rsplit_once('/').unwrap().0, get(hls));
    let playlists: Vec<_> = master.lines().filter(|line| line.contains("/video-") && !line.starts_with('#')).collect();
    assert!(playlists.len() > 1, "{master}");
    let mut early_ones = 0;
    for playlist in &playlists {
        let keys = keyframes_ms(&format!("{}{root}/{playlist}", server.base));
        for start in &starts {
            assert!(keys.contains(start), "{playlist}: no key frame at {start} ms: {keys:?}");
        }
        assert_eq!(keys.len(), LENGTH_S as usize / 2 + SLIDES_MS.len(), "{playlist}: {keys:?}");
        // What viewers got before the rest was made has the same key frames.
        let early = playlist.replace("g2/", "g1/");
        if server.call("GET", &format!("{root}/{early}"), &[], None).unwrap().status == 200 {
            assert_eq!(keyframes_ms(&format!("{}{root}/{early}", server.base)), keys, "{early}");
            early_ones += 1;
        }
    }
    assert_eq!(early_ones, 1, "the lowest rendition was played before the rest was made");
    judge::run(Command::new(judge::lectern()).arg("lint").arg(format!("{}{hls}", server.base)));
}

#[test]
fn a_local_encode_has_the_chapters_of_the_lecture_and_none_of_a_film() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("lecture");
    let made = encode(&lecture(folder.path()), &out, "low-bandwidth");
    check_chapters(&std::fs::read_to_string(out.join("chapters.vtt")).unwrap());
    judge::run(Command::new(judge::lectern()).arg("lint").arg(&out));
    assert_eq!(made["scenes"]["slide_changes"].as_array().map(Vec::len), Some(4), "{made}");
    assert_eq!(made["scenes"]["shares"]["slides"], json!(1.0), "{made}");

    let out = folder.path().join("film");
    let made: Value = encode(&judge::media("video-only.mp4"), &out, "low-bandwidth");
    assert_eq!(made["scenes"]["slide_changes"], json!([]), "{made}");
    assert!(made["scenes"]["shares"]["slides"].as_f64().unwrap() < 0.1, "{made}");
    assert!(!out.join("chapters.vtt").exists());
}
