//! VMAF where an operator names a libvmaf: what comes is what FFmpeg's own filter says, and what is no libvmaf is said at once.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::judge;

/// Small, quick and coarse, so that there is something to see.
const LADDER: &str = r#"
name = "coarse"
description = "Small, quick and coarse."
[video]
codec = "h264"
preset = "veryfast"
crf = 30
[audio]
bitrate_kbps = 64
channels = 2
[[rung]]
name = "360p"
height = 360
max_bitrate_kbps = 1500
[[rung]]
name = "180p"
height = 180
max_bitrate_kbps = 700
"#;
/// The source's pictures that are judged: 25 a second, a key frame every 50.
const JUDGED: [usize; 2] = [0, 25];

/// Six seconds of film, 360 lines, a little faster than it was: no picture is shown twice.
fn source(folder: &Path) -> PathBuf {
    let file = folder.join("street.mp4");
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-ss", "20", "-i"]).arg(judge::media("film60.mp4"));
    command.args(["-vf", "scale=640:360,setpts=N/25/TB", "-r", "25", "-frames:v", "150", "-an"]);
    judge::run(command.args(["-c:v", "libx264", "-preset", "ultrafast", "-crf", "12"]).arg(&file));
    file
}

fn encode(source: &Path, out: &Path, libvmaf: Option<&str>) -> Output {
    let ladder = out.with_extension("toml");
    std::fs::write(&ladder, LADDER).unwrap();
    let mut command = Command::new(judge::lectern());
    command.env_remove("LECTERN_LIBVMAF").args(["--json", "encode", "--devices", "none", "--ladder"]);
    if let Some(path) = libvmaf {
        command.env("LECTERN_LIBVMAF", path);
    }
    command.arg(&ladder).arg("--out").arg(out).arg(source).output().unwrap()
}

fn said(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(text.lines().last().unwrap_or_default()).unwrap_or_else(|_| panic!("{output:?}"))
}

/// The mean of the judged pictures by FFmpeg's filter over the whole clip. The first picture of all counts as one in which nothing
/// moves there, so the second one is put before it.
fn vmaf(rendition: &Path, source: &Path, log: &Path) -> f64 {
    let led = |input: u32, name: &str| {
        format!(
            "[{input}:v]scale=640:360:flags=bicubic,format=yuv420p,fps=25,setpts=N,split[{name}1][{name}2];\
             [{name}1]trim=start_frame=1:end_frame=2,setpts=N[{name}3];[{name}3][{name}2]concat=n=2[{name}];"
        )
    };
    let graph = format!(
        "{}{}[coded][source]libvmaf=log_fmt=json:log_path={}",
        led(0, "coded"),
        led(1, "source"),
        log.display()
    );
    let mut command = Command::new(judge::ffmpeg_9());
    command.args(["-nostdin", "-v", "error", "-allowed_extensions", "ALL", "-i"]).arg(rendition).arg("-i").arg(source);
    judge::run(command.args(["-lavfi", &graph, "-f", "null", "-"]));
    let log: Value = serde_json::from_str(&std::fs::read_to_string(log).unwrap()).unwrap();
    let frames = log["frames"].as_array().unwrap();
    assert_eq!(frames.len(), 151);
    let scores = JUDGED.map(|frame| frames[frame + 1]["metrics"]["vmaf"].as_f64().unwrap());
    scores.iter().sum::<f64>() / scores.len() as f64
}

#[test]
fn the_vmaf_of_renditions_is_what_ffmpegs_filter_says_of_the_same_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let (source, out) = (source(folder.path()), folder.path().join("out"));
    let result = said(&encode(&source, &out, Some(&judge::libvmaf())));
    let mut found = Vec::new();
    for name in ["video-360p", "video-180p"] {
        let track = result["tracks"].as_array().unwrap().iter().find(|track| track["name"] == name);
        let ours = track.and_then(|track| track["vmaf"].as_f64()).unwrap_or_else(|| panic!("{name}: {result}"));
        let theirs = vmaf(&out.join(name).join("media.m3u8"), &source, &folder.path().join("log.json"));
        println!("{name}: {ours} and {theirs}");
        assert!((ours - theirs).abs() < 0.1, "{name}: {ours} where FFmpeg says {theirs}");
        found.push(ours);
    }
    assert!(found[0] > found[1] + 5.0, "{found:?}");
}

#[test]
fn without_a_libvmaf_nothing_is_said_of_it_and_the_same_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let source = source(folder.path());
    let results = [None, Some(""), Some(&*judge::libvmaf())].map(|libvmaf| {
        let out = folder.path().join(libvmaf.map_or("none", |path| if path.is_empty() { "empty" } else { "named" }));
        let mut result = said(&encode(&source, &out, libvmaf));
        let has_it = result["tracks"].as_array().unwrap().iter().any(|track| track.get("vmaf").is_some());
        assert_eq!(has_it, libvmaf.is_some_and(|path| !path.is_empty()), "{result}");
        for track in result["tracks"].as_array_mut().unwrap() {
            track.as_object_mut().unwrap().remove("vmaf");
        }
        let segment = std::fs::read(out.join("video-180p/00001.m4s")).unwrap();
        (result["tracks"].clone(), segment)
    });
    assert!(results[0] == results[1] && results[0] == results[2], "{results:?}");
}

#[test]
fn what_is_no_libvmaf_is_one_sentence_with_a_cure_before_any_work_begins() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("libvmaf.so");
    std::fs::write(&text, "this is no library\n").unwrap();
    let (text, data) = (text.to_str().unwrap(), folder.path().join("data"));
    let data = data.to_str().unwrap();
    for (path, why) in [("/no/such/libvmaf.so", "No such file"), (text, "libvmaf.so")] {
        for command in [&["serve", "--data", data, "--listen", "127.0.0.1:0"][..], &["worker", "--data", data]] {
            let mut lectern = Command::new(judge::lectern());
            let output = lectern.env("LECTERN_LIBVMAF", path).args(command).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            let sentence = format!("LECTERN_LIBVMAF: {path} cannot be used: ");
            assert_eq!(output.status.code(), Some(78), "{command:?}: {said}");
            assert!(
                said.contains(&sentence) && said.contains(why) && said.contains("help: name a libvmaf.so"),
                "{said}"
            );
        }
        let out = folder.path().join("out");
        let refused = encode(&judge::media("counter.mp4"), &out, Some(path));
        assert_eq!((refused.status.code(), &said(&refused)["error"]["code"]), (Some(78), &"libvmaf.unusable".into()));
        assert!(!out.exists(), "nothing is left behind");
    }
}

#[test]
fn the_doctor_says_which_libvmaf_it_found() {
    let folder = tempfile::tempdir().unwrap();
    let libvmaf = judge::libvmaf();
    let cases = [
        (None, 0, "ok   libvmaf   none is named in LECTERN_LIBVMAF".to_owned()),
        (Some(&*libvmaf), 0, format!("ok   libvmaf   {libvmaf} (3.")),
        (Some("/dev/null"), 69, "FAIL libvmaf   /dev/null cannot be used: ".to_owned()),
    ];
    for (named, code, line) in cases {
        let mut command = Command::new(judge::lectern());
        command.env_remove("LECTERN_LIBVMAF").args(["doctor", "--devices", "none", "--data"]).arg(folder.path());
        if let Some(named) = named {
            command.env("LECTERN_LIBVMAF", named);
        }
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.lines().any(|said| said.starts_with(&line)), "{said}");
    }
}
