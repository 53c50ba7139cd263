//! Judges that share no code with what they judge: ffprobe, FFmpeg, the three players.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// A fixture made by `tests/media/make.sh`.
pub fn media(name: &str) -> PathBuf {
    let path = root().join(".cache/media").join(name);
    assert!(path.exists(), "{} is missing: run `make test`, which makes it", path.display());
    path
}

/// The built `lectern`.
pub fn lectern() -> PathBuf {
    if let Some(named) = std::env::var_os("LECTERN_BIN") {
        return named.into();
    }
    let running = std::env::current_exe().unwrap();
    let beside = running.parent().unwrap().parent().unwrap().join("lectern");
    assert!(beside.exists(), "{} is missing: run `make test`, which builds it", beside.display());
    beside
}

/// Runs a command to its end and gives its output; the command must succeed.
pub fn run(command: &mut Command) -> Output {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?} ended with {}\n{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// What ffprobe says, as JSON.
pub fn ffprobe(arguments: &[&str], target: &str) -> Value {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-of", "json"]).args(arguments).arg(target);
    let output = run(&mut command);
    assert!(output.stderr.is_empty(), "ffprobe {target}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The newest FFmpeg that `make test` installs, with decoders and checks newer than Debian's.
pub fn ffmpeg_9() -> PathBuf {
    let found = std::fs::read_to_string(root().join(".cache/ffmpeg-path")).expect("run `make test`, which installs it");
    PathBuf::from(found.trim())
}

/// The libvmaf that `make test` builds.
pub fn libvmaf() -> String {
    let found = std::fs::read_to_string(root().join(".cache/libvmaf-path")).expect("run `make test`, which builds it");
    found.trim().to_owned()
}

/// Decodes everything with `program`, which must print nothing; answers the number of decoded frames.
pub fn decode_silently(program: &Path, target: &str, map: &str) -> u64 {
    let mut command = Command::new(program);
    command.args(["-nostdin", "-hide_banner", "-v", "warning", "-xerror", "-i", target, "-map", map]);
    command.args(["-f", "null", "-progress", "pipe:1", "-"]);
    let output = run(&mut command);
    assert!(output.stderr.is_empty(), "{} {target}: {}", program.display(), String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().rev().find_map(|line| line.strip_prefix("frame="));
    last.map_or(0, |frames| frames.trim().parse().unwrap())
}

/// How many pictures a video has, and how long they last in all, in seconds. They are decoded one after the other.
pub fn coded_pictures(target: &str) -> (u64, f64) {
    let shown = ffprobe(&["-select_streams", "v:0", "-show_entries", "packet=dts_time,duration_time"], target);
    let number = |packet: &Value, field: &str| packet[field].as_str().unwrap().parse::<f64>().unwrap();
    let packets = shown["packets"].as_array().unwrap();
    let (first, last) = (&packets[0], packets.last().unwrap());
    let times: Vec<f64> = packets.iter().map(|packet| number(packet, "dts_time")).collect();
    assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "{target}: a picture is decoded twice, or late");
    (packets.len() as u64, number(last, "dts_time") + number(last, "duration_time") - number(first, "dts_time"))
}

/// When each picture of a video is shown, in milliseconds, in order.
pub fn picture_times_ms(target: &str) -> Vec<u64> {
    let shown = ffprobe(&["-select_streams", "v:0", "-show_entries", "packet=pts_time"], target);
    let ms = |packet: &Value| (packet["pts_time"].as_str().unwrap().parse::<f64>().unwrap() * 1000.0).round() as u64;
    let mut times: Vec<u64> = shown["packets"].as_array().unwrap().iter().map(ms).collect();
    times.sort_unstable();
    times
}

/// The three players read the burned-in frame counter on every rendition and across every switch.
pub fn players(base_url: &str, hls: &str, dash: &str, frames: u64, rate: &str) {
    players_with(base_url, hls, dash, frames, rate, &[]);
}

/// The same with further arguments for the harness.
pub fn players_with(base_url: &str, hls: &str, dash: &str, frames: u64, rate: &str, arguments: &[&str]) {
    let mut command = harness("run.mjs");
    command.args([
        "--base-url",
        base_url,
        "--hls",
        hls,
        "--dash",
        dash,
        "--rate",
        rate,
        "--frames",
        &frames.to_string(),
    ]);
    watch(command.args(arguments));
}

/// A script of `tests/browser`.
pub fn harness(script: &str) -> Command {
    let mut command = Command::new("node");
    command.current_dir(root().join("tests/browser")).arg(script);
    command
}

/// Runs a script that opens players, which must end well.
pub fn watch(command: &mut Command) {
    println!("{}", String::from_utf8_lossy(&run(command).stdout));
}

/// Uses the page of the server at `base_url` as a person does (`tests/browser/page.mjs`); `picture` names the screenshot that
/// is left in `.cache`.
pub fn page(base_url: &str, picture: &str, arguments: &[&str]) {
    let mut command = harness("page.mjs");
    command.args(["--url", &format!("{base_url}/#token={}", crate::server::TOKEN)]);
    command.arg("--screenshot").arg(root().join(".cache").join(picture)).args(arguments);
    watch(&mut command);
}

/// Fast playback of a counter in Shaka Player. `wanted` is what `tests/browser/tricks.mjs` looks for.
pub fn fast_playback(base_url: &str, (hls, dash): (&str, &str), frames: u64, wanted: &Value, arguments: &[&str]) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), wanted.to_string()).unwrap();
    let trick = ["--trick", file.path().to_str().unwrap(), "--players"];
    players_with(base_url, hls, dash, frames, "24000/1001", &[&trick[..], arguments].concat());
}

/// A hundred seconds of noise, as a source of FFmpeg's: loud for a moment every five seconds, where none of the twenty
/// windows lies that its loudness is estimated by.
pub const LOUD_MOMENTS: &str = "anoisesrc=c=pink:r=48000:a=0.5:d=100:seed=1,lowpass=f=4000,\
                                volume=volume=if(lt(abs(mod(t\\,5)-2.5)\\,1.7)\\,0.1\\,1):eval=frame";

/// Integrated loudness and true peak of the sound at `target`, as FFmpeg finds them.
pub fn loudness(target: &str) -> (f64, f64) {
    let mut command = Command::new(ffmpeg_9());
    command.args(["-nostdin", "-v", "info", "-nostats", "-i", target, "-map", "0:a:0"]);
    let output = run(command.args(["-af", "ebur128=peak=true", "-f", "null", "-"]));
    let text = String::from_utf8_lossy(&output.stderr);
    let summary = text.rsplit_once("Summary:").unwrap_or_else(|| panic!("{text}")).1;
    let value = |name: &str| -> f64 {
        let line = summary.lines().find_map(|line| line.trim().strip_prefix(name)).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    };
    (value("I:"), value("Peak:"))
}
