//! Recordings of high dynamic range: beside the standard renditions others that keep the source's numbers and say so.

mod served;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::codecs::{elements, of_codec};
use crate::encode::{StaticServer, encode};
use crate::judge;
use crate::package::interop::shaka;

/// Heights of their own, by which the harness tells what is shown.
const LADDER: &str = r#"
name = "both"
description = "Both ranges, small and quick."
[video]
codec = "h264"
preset = "veryfast"
crf = 18
[audio]
bitrate_kbps = 64
channels = 2
[[rung]]
name = "360p"
height = 360
max_bitrate_kbps = 4000
[[rung]]
name = "240p"
height = 240
max_bitrate_kbps = 2000
[[rung]]
name = "hevc-hdr"
codec = "hevc"
preset = "veryfast"
crf = 16
height = 360
max_bitrate_kbps = 6000
dynamic_range = "hdr"
[[rung]]
name = "av1-hdr-low"
codec = "av1"
preset = 11
crf = 24
height = 256
max_bitrate_kbps = 2000
dynamic_range = "hdr"
[[rung]]
name = "av1-hdr-high"
codec = "av1"
preset = 11
crf = 20
height = 352
max_bitrate_kbps = 4000
dynamic_range = "hdr"
"#;

const SIZE: (usize, usize) = (640, 360);
/// Patches along the lower edge: 80 pixels wide, so many high.
const STRIP: usize = 96;
/// Code values of 10 bits in video range. The greys are 0, 1, 10, 50, 100, 203, 1000 cd/m² in PQ; the last patch is a colour of
/// BT.2020 that no standard screen has.
const PATCHES: [[u16; 3]; 8] = [
    [64, 512, 512],
    [195, 512, 512],
    [327, 512, 512],
    [450, 512, 512],
    [509, 512, 512],
    [573, 512, 512],
    [723, 512, 512],
    [520, 300, 280],
];
const SCREEN: &str =
    "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50):max-cll=1000,203";

/// The counter's recording under a transfer of BT.2100 at paper white, with [`PATCHES`] below.
fn source(folder: &Path, counter: &str, (transfer, parameters): (&str, &str)) -> PathBuf {
    let value = |plane: usize| {
        let terms = PATCHES.iter().enumerate().map(|(at, patch)| format!("{}*eq(floor(X/80)\\,{at})", patch[plane]));
        let chroma = PATCHES.iter().enumerate().map(|(at, patch)| format!("{}*eq(floor(X/40)\\,{at})", patch[plane]));
        if plane == 0 { terms.collect::<Vec<_>>().join("+") } else { chroma.collect::<Vec<_>>().join("+") }
    };
    let strip = format!(
        "color=black:s={}x{STRIP}:r=1:d=1,format=yuv420p10le,geq=lum={}:cb={}:cr={},loop=-1:1:0,setpts=N*1001/24000/TB",
        SIZE.0,
        value(0),
        value(1),
        value(2)
    );
    let scene = format!(
        "[0:v]scale={}:{}:flags=bicubic,setparams=colorspace=bt709:color_primaries=bt709:color_trc=bt709:range=tv,\
         zscale=t=linear:npl=203,format=gbrpf32le,zscale=p=bt2020:t={transfer}:m=bt2020nc:r=tv:npl=203,\
         format=yuv420p10le[scene];{strip}[strip];\
         [scene][strip]overlay=0:H-h:format=yuv420p10:shortest=1,setsar=1,\
         setparams=colorspace=bt2020nc:color_primaries=bt2020:color_trc={transfer}:range=tv[v]",
        SIZE.0, SIZE.1
    );
    let out = folder.join(format!("{transfer}.mp4"));
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-i"]).arg(judge::media(counter));
    command.args(["-filter_complex", &scene, "-map", "[v]", "-map", "0:a", "-c:a", "copy", "-tag:v", "hvc1"]);
    let parameters = format!("log-level=none:pools=2:{parameters}");
    command.args(["-c:v", "libx265", "-preset", "ultrafast", "-crf", "4", "-x265-params", &parameters]).arg(&out);
    judge::run(&mut command);
    out
}

/// The 100th picture of a file, in a format, as the `ffmpeg` program decodes it.
fn picture(file: &Path, format: &str) -> Vec<u8> {
    let mut command = Command::new(judge::ffmpeg_9());
    command.args(["-nostdin", "-v", "error", "-i"]).arg(file);
    command.args(["-vf", "select=eq(n\\,99)", "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", format, "-"]);
    judge::run(&mut command).stdout
}

/// Means of the three planes in the middle of a patch, of a picture of 10 bits.
fn patch(picture: &[u8], (width, height): (usize, usize), at: usize) -> [f64; 3] {
    let plane = 2 * width * height;
    let (x, y) = ((at * 80 + 40) * width / SIZE.0, height - STRIP / 2 * height / SIZE.1);
    [(0, width, 1), (plane, width / 2, 2), (plane + plane / 4, width / 2, 2)].map(|(start, columns, by)| {
        let sample = |dx: usize, dy: usize| {
            let at = start + 2 * ((y / by + dy) * columns + x / by + dx);
            f64::from(u16::from_le_bytes([picture[at], picture[at + 1]]))
        };
        (0..6).flat_map(|dx| (0..6).map(move |dy| (dx, dy))).map(|(dx, dy)| sample(dx, dy)).sum::<f64>() / 36.0
    })
}

/// A whole track as one file.
fn joined(track: &Path) -> PathBuf {
    let mut bytes = std::fs::read(track.join("init.mp4")).unwrap();
    for number in 1.. {
        let Ok(segment) = std::fs::read(track.join(format!("{number:05}.m4s"))) else { break };
        bytes.extend(segment);
    }
    let out = track.with_extension("joined.mp4");
    std::fs::write(&out, bytes).unwrap();
    out
}

/// Numbers that a stream or its first picture states of light, as decimals by name.
fn light(target: &Path, of: &str) -> Vec<(String, f64)> {
    let entries = format!("{of}_side_data");
    let mut arguments = vec!["-select_streams", "v:0", "-show_entries", &entries];
    if of == "frame" {
        arguments.extend(["-read_intervals", "%+#1"]);
    }
    let shown = judge::ffprobe(&arguments, target.to_str().unwrap());
    let list = shown[format!("{of}s")][0]["side_data_list"].as_array().cloned().unwrap_or_default();
    let mut found: Vec<(String, f64)> = list.iter().filter_map(Value::as_object).flatten().filter_map(number).collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found.dedup_by(|a, b| a.0 == b.0);
    found
}

fn number((name, value): (&String, &Value)) -> Option<(String, f64)> {
    let value = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => {
            let (num, den) = text.split_once('/')?;
            num.parse::<f64>().ok()? / den.parse::<f64>().ok()?
        }
        _ => return None,
    };
    let known = ["_x", "_y", "_luminance", "max_content", "max_average"];
    known.iter().any(|end| name.ends_with(end)).then(|| (name.clone(), value))
}

fn same(left: &[(String, f64)], right: &[(String, f64)]) -> bool {
    left.len() == right.len() && left.iter().zip(right).all(|(a, b)| a.0 == b.0 && (a.1 - b.1).abs() <= 1e-4)
}

/// What every rendition of high dynamic range keeps: its numbers, its colours, its metadata.
fn check_high(out: &Path, source: &Path, transfer: &str) {
    for (name, tag, profile, height) in [
        ("hevc-hdr", "hvc1", "Main 10", 360),
        ("av1-hdr-low", "av01", "Main", 256),
        ("av1-hdr-high", "av01", "Main", 352),
    ] {
        check_track((out, name), (source, transfer), (tag, profile, height));
    }
}

fn check_track(
    (out, name): (&Path, &str),
    (source, transfer): (&Path, &str),
    (tag, profile, height): (&str, &str, usize),
) {
    let (original, stated) = (picture(source, "yuv420p10le"), light(source, "frame"));
    assert_eq!(stated.is_empty(), transfer != "smpte2084", "{stated:?}");
    let file = joined(&out.join(format!("video-{name}")));
    let shown = judge::ffprobe(&["-select_streams", "v:0", "-show_streams"], file.to_str().unwrap());
    let stream = &shown["streams"][0];
    for (field, wanted) in [
        ("codec_tag_string", tag),
        ("profile", profile),
        ("pix_fmt", "yuv420p10le"),
        ("color_transfer", transfer),
        ("color_primaries", "bt2020"),
        ("color_space", "bt2020nc"),
        ("color_range", "tv"),
    ] {
        assert_eq!(stream[field], wanted, "{name}: {field}");
    }
    for of in ["frame", "stream"] {
        let said = light(&file, of);
        assert!(same(&said, &stated), "{name}: the {of} says {said:?}, the source {stated:?}");
    }
    let size = (stream["width"].as_u64().unwrap() as usize, height);
    let made = picture(&file, "yuv420p10le");
    for at in 0..PATCHES.len() {
        let (found, wanted) = (patch(&made, size, at), patch(&original, SIZE, at));
        let near = found.iter().zip(wanted).all(|(found, wanted)| (found - wanted).abs() <= 2.0);
        assert!(near, "{name}, patch {at}: {found:?} in place of {wanted:?}");
    }
}

/// What a grey is on a standard screen, of 255: the curve of Möbius above 0.3 of paper white, with 1,000 cd/m² at the top.
fn toned(nits: f64) -> f64 {
    let linear = nits / 203.0;
    let (j, peak) = (0.3, 1_000.0 / 203.0);
    let a = -j * j * (peak - 1.0) / (j * j - 2.0 * j + peak);
    let b = (j * j - 2.0 * j * peak + peak) / (peak - 1.0);
    let kept = (b * b + 2.0 * b * j + j * j) / (b - a) * (linear + a) / (linear + b);
    255.0 * (if linear <= j { linear } else { kept }).powf(1.0 / 2.4)
}

/// The standard rendition shows the patches as a standard screen does.
fn check_standard(out: &Path) {
    let file = joined(&out.join("video-360p"));
    let made = picture(&file, "rgb24");
    let pixel = |at: usize| {
        let place = ((SIZE.1 - STRIP / 2) * SIZE.0 + at * 80 + 40) * 3;
        [made[place], made[place + 1], made[place + 2]].map(f64::from)
    };
    for (at, nits) in [0.0, 1.0, 10.0, 50.0, 100.0, 203.0, 1_000.0].into_iter().enumerate() {
        let (found, wanted) = (pixel(at), toned(nits));
        assert!(found.iter().all(|one| (one - wanted).abs() <= 6.0), "{nits} cd/m² became {found:?}, not {wanted:.0}");
    }
    let [red, green, blue] = pixel(7);
    assert!(red < 60.0 && green > 150.0 && blue < 60.0, "the deepest green became {red}, {green}, {blue}");
}

fn check_entry_points(out: &Path, range: &str, transfer: u8) {
    let master = std::fs::read_to_string(out.join("master.m3u8")).unwrap();
    for (tag, all) in [("#EXT-X-STREAM-INF", 5), ("#EXT-X-I-FRAME-STREAM-INF", 5)] {
        let lines: Vec<&str> = master.lines().filter(|line| line.starts_with(tag)).collect();
        let ranges: Vec<bool> = lines.iter().map(|line| line.contains(&format!("VIDEO-RANGE={range}"))).collect();
        assert_eq!((lines.len(), ranges), (all, vec![false, false, true, true, true]), "{master}");
        assert!(lines[..2].iter().all(|line| line.contains("VIDEO-RANGE=SDR") && line.contains("avc1.64")), "{master}");
        assert!(lines[2].contains("hvc1.2.4.L"), "{master}");
        let name = format!(".10.0.111.09.{transfer}.09.0");
        assert!(lines[3..].iter().all(|line| line.contains("av01.0.") && line.contains(&name)), "{master}");
    }
    let mpd = std::fs::read_to_string(out.join("manifest.mpd")).unwrap();
    let sets: Vec<&str> =
        elements(&mpd, "AdaptationSet").into_iter().filter(|set| set.contains("contentType=\"video\"")).collect();
    let plain: Vec<&&str> = sets.iter().filter(|set| !set.contains("trickmode")).collect();
    assert_eq!((sets.len(), plain.len()), (6, 3), "{mpd}");
    let property = |name: &str, value: u8| {
        format!("<EssentialProperty schemeIdUri=\"urn:mpeg:mpegB:cicp:{name}\" value=\"{value}\"")
    };
    let wanted = [("ColourPrimaries", 9), ("TransferCharacteristics", transfer), ("MatrixCoefficients", 9)];
    for set in &sets {
        let says = wanted.iter().filter(|(name, value)| set.contains(&property(name, *value))).count();
        assert_eq!(says, if set.contains("avc1.") { 0 } else { 3 }, "{set}");
    }
    // Between HEVC and AV1 of one range a player may switch, between ranges not.
    let switching: Vec<bool> = plain.iter().map(|set| set.contains("adaptation-set-switching")).collect();
    assert_eq!(switching, [false, true, true], "{mpd}");
}

/// Shaka Packager gives each rendition the codec and the range that its variant here has.
fn check_against_shaka(out: &Path) {
    let named = |text: &str| -> Vec<(String, String)> {
        let of = |line: &str, name: &str| {
            let value = line.split(&format!("{name}=")).nth(1).unwrap_or_default().trim_start_matches('"');
            value.split(['"', ',']).next().unwrap_or_default().to_owned()
        };
        let variants = text.lines().filter(|line| line.starts_with("#EXT-X-STREAM-INF"));
        let mut all: Vec<_> = variants.map(|line| (of(line, "CODECS"), of(line, "VIDEO-RANGE"))).collect();
        all.sort();
        all
    };
    let mut arguments = Vec::new();
    for name in ["360p", "240p", "hevc-hdr", "av1-hdr-low", "av1-hdr-high"] {
        let file = joined(&out.join(format!("video-{name}")));
        let copy = file.with_extension("shaka.mp4");
        arguments.push(format!(
            "in={},stream=video,output={},playlist_name={name}.m3u8",
            file.display(),
            copy.display()
        ));
    }
    let theirs = out.join("shaka.m3u8");
    arguments.extend(["--hls_master_playlist_output".to_owned(), theirs.display().to_string()]);
    shaka(&arguments);
    let read = |path: &Path| named(&std::fs::read_to_string(path).unwrap());
    let ours = read(&out.join("master.m3u8"));
    assert_eq!((ours.len(), ours), (5, read(&theirs)));
}

#[test]
fn an_hdr10_recording_keeps_its_numbers_and_its_metadata_and_plays_in_both_ranges() {
    let folder = tempfile::tempdir().unwrap();
    let (ladder, out) = (folder.path().join("both.toml"), folder.path().join("out"));
    std::fs::write(&ladder, LADDER).unwrap();
    let source = source(folder.path(), "counter15.mp4", ("smpte2084", SCREEN));
    encode(&source, &out, ladder.to_str().unwrap());
    check_high(&out, &source, "smpte2084");
    check_standard(&out);
    check_entry_points(&out, "PQ", 16);
    judge::run(Command::new(judge::lectern()).arg("lint").arg(&out));
    check_against_shaka(&out);
    let (hls, dash) = of_codec(&out, "av01");
    let server = StaticServer::start(&out);
    for (hls, dash) in [(hls.as_str(), dash.as_str()), ("/master.m3u8", "/manifest.mpd")] {
        judge::players_with(&server.base, hls, dash, 360, "24000/1001", &["--brief"]);
    }
}

#[test]
fn an_hlg_recording_keeps_its_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let (ladder, out) = (folder.path().join("both.toml"), folder.path().join("out"));
    std::fs::write(&ladder, LADDER).unwrap();
    let source = source(folder.path(), "counter15.mp4", ("arib-std-b67", "aq-mode=1"));
    encode(&source, &out, ladder.to_str().unwrap());
    check_high(&out, &source, "arib-std-b67");
    check_entry_points(&out, "HLG", 18);
    judge::run(Command::new(judge::lectern()).arg("lint").arg(&out));
    check_against_shaka(&out);
}

#[test]
fn a_standard_recording_gets_the_standard_rungs_alone_and_is_told_why() {
    let mut command = Command::new(judge::lectern());
    command.args(["ladder", "explain", "film-hdr", "--source"]).arg(judge::media("counter.mp4"));
    let text = String::from_utf8(judge::run(&mut command).stdout).unwrap();
    assert!(text.contains("\n720p ") && !text.contains(", HDR"), "{text}");
    for name in ["480p-hdr", "720p-hdr", "1080p-hdr", "1440p-hdr", "2160p-hdr"] {
        let line = format!("  {name}: the source is not HDR (PQ or HLG in BT.2020, 10 bits)\n");
        assert!(text.contains(&line), "{text}");
    }
}
