//! Opus beside AAC: the same sound in both, in step with the pictures, offered so that players which do not know it lose nothing.

use std::path::Path;
use std::process::Command;

use crate::encode::{StaticServer, encode};
use crate::judge;

/// Two rungs, small and quick, and sound in both codecs.
const LADDER: &str = r#"
name = "both"
description = "AAC and Opus."
[video]
codec = "h264"
preset = "ultrafast"
crf = 26
[audio]
bitrate_kbps = 64
opus_bitrate_kbps = 48
channels = 1
[[rung]]
name = "180p"
height = 180
max_bitrate_kbps = 400
[[rung]]
name = "360p"
height = 360
max_bitrate_kbps = 1000
"#;
const TRACKS: [(&str, &str); 2] = [("audio-und", "aac"), ("audio-opus-und", "opus")];
const PICTURES: u64 = 600;
/// From one flash to the next, in pictures.
const APART: usize = 120;
/// The rate of both.
const RATE: f64 = 48_000.0;

fn picture_s(picture: f64) -> f64 {
    picture * 1001.0 / 24_000.0
}

/// A white picture every 120, of 24000/1001 a second, and a beep that begins with each; sound of 44.1 kHz.
fn flashes_and_beeps(folder: &Path) -> std::path::PathBuf {
    let file = folder.join("flashes.mp4");
    let flash = format!("drawbox=color=white:t=fill:enable=lt(mod(n\\,{APART})\\,1)");
    let beep = "0.4*sin(2*PI*1000*t)*lt(mod(t\\,5.005)\\,0.05)";
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=640x360:r=24000/1001"]);
    command.args(["-f", "lavfi", "-i", &format!("aevalsrc={beep}:s=44100")]);
    command.args(["-vf", &flash, "-frames:v", &PICTURES.to_string(), "-t", &picture_s(PICTURES as f64).to_string()]);
    judge::run(command.args(["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", "-b:a", "128k"]).arg(&file));
    file
}

/// The brightness of every picture.
fn brightness(playlist: &Path) -> Vec<u8> {
    let mut command = Command::new(judge::ffmpeg_9());
    command.args(["-nostdin", "-v", "error", "-i"]).arg(playlist).args(["-map", "0:v:0"]);
    judge::run(command.args(["-vf", "scale=1:1:flags=area,format=gray", "-f", "rawvideo", "-"])).stdout
}

fn samples(program: &Path, target: &Path) -> Vec<f32> {
    let mut command = Command::new(program);
    command.args(["-nostdin", "-v", "warning", "-i"]).arg(target).args(["-map", "0:a:0"]);
    let output = judge::run(command.args(["-f", "f32le", "-ac", "1", "-"]));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

/// Where beeps begin, in samples.
fn beeps(samples: &[f32]) -> Vec<usize> {
    let mut found: Vec<usize> = Vec::new();
    for (at, sample) in samples.iter().enumerate() {
        if sample.abs() > 0.1 && found.last().is_none_or(|last| at > last + 48_000) {
            found.push(at);
        }
    }
    found
}

fn check_entry_points(out: &Path) {
    let master = std::fs::read_to_string(out.join("master.m3u8")).unwrap();
    for (group, codec, folder) in [("audio-aac", "mp4a.40.2", "audio-und"), ("audio-opus", "opus", "audio-opus-und")] {
        let rendition =
            |line: &&str| line.starts_with("#EXT-X-MEDIA:") && line.contains(&format!("GROUP-ID=\"{group}\""));
        let [line] = master.lines().filter(rendition).collect::<Vec<_>>()[..] else { panic!("{master}") };
        assert!(line.contains("DEFAULT=YES") && line.contains(&format!("URI=\"{folder}/media.m3u8\"")), "{line}");
        let of_group = |line: &&str| line.contains(&format!(",AUDIO=\"{group}\""));
        let variants: Vec<_> = master.lines().filter(of_group).collect();
        assert_eq!(variants.len(), 2, "{master}");
        assert!(variants.iter().all(|line| line.contains(&format!(",{codec}\""))), "{master}");
    }
    let first = master.lines().find(|line| line.starts_with("#EXT-X-STREAM-INF")).unwrap();
    assert!(first.contains("mp4a.40.2"), "what all players play comes first: {master}");
    let mpd = std::fs::read_to_string(out.join("manifest.mpd")).unwrap();
    let sets: Vec<_> = mpd.split("<AdaptationSet ").filter(|set| set.contains("contentType=\"audio\"")).collect();
    assert!(sets.len() == 2 && sets[0].contains("mp4a.40.2") && sets[1].contains("codecs=\"opus\""), "{mpd}");
    assert!(sets.iter().all(|set| set.contains("value=\"main\"") && set.contains("lang=\"und\"")), "{mpd}");
}

#[test]
fn sound_in_two_codecs_is_exact_in_both_and_in_step_with_the_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let (ladder, out) = (folder.path().join("both.toml"), folder.path().join("out"));
    std::fs::write(&ladder, LADDER).unwrap();
    let result = encode(&flashes_and_beeps(folder.path()), &out, ladder.to_str().unwrap());
    let names: Vec<_> = result["tracks"].as_array().unwrap().iter().map(|track| track["name"].clone()).collect();
    assert_eq!(names[2..], ["audio-und", "audio-opus-und"]);
    judge::run(Command::new(judge::lectern()).arg("lint").arg(&out));
    check_entry_points(&out);

    let pictures = brightness(&out.join("video-360p/media.m3u8"));
    let flashes: Vec<usize> = (0..pictures.len()).filter(|&picture| pictures[picture] > 200).collect();
    assert_eq!(flashes, [0, 1, 2, 3, 4].map(|flash| flash * APART));
    let wanted = (picture_s(PICTURES as f64) * RATE).round() as usize;
    let mut loudness = Vec::new();
    for (track, codec) in TRACKS {
        let playlist = out.join(track).join("media.m3u8");
        let shown = judge::ffprobe(&["-show_entries", "stream=codec_name,sample_rate"], playlist.to_str().unwrap());
        assert_eq!(
            (shown["streams"][0]["codec_name"].as_str(), shown["streams"][0]["sample_rate"].as_str()),
            (Some(codec), Some("48000"))
        );
        // The older one leaves the priming of AAC in.
        let newest = judge::ffmpeg_9();
        for program in [&newest, Path::new(if codec == "opus" { "ffmpeg" } else { newest.to_str().unwrap() })] {
            let heard = samples(program, &playlist);
            let what = format!("{track} in {}", program.display());
            assert!((wanted..wanted + 1024).contains(&heard.len()), "{what}: {} samples of {wanted}", heard.len());
            let found = beeps(&heard);
            assert_eq!(found.len(), flashes.len(), "{what}");
            for (flash, beep) in flashes.iter().zip(found) {
                let off_ms = (beep as f64 / RATE - picture_s(*flash as f64)) * 1000.0;
                assert!(off_ms.abs() < 3.0, "{what}: the beep is {off_ms:.1} ms from its flash");
            }
        }
        let said = std::fs::read_to_string(&playlist).unwrap();
        let lengths =
            said.lines().filter_map(|line| line.strip_prefix("#EXTINF:")?.trim_end_matches(',').parse::<f64>().ok());
        let said_s: f64 = lengths.sum();
        assert!((said_s - wanted as f64 / RATE).abs() < 2e-6, "{track} ends with the pictures: {said_s} s");
        loudness.push(judge::loudness(playlist.to_str().unwrap()).0);
    }
    assert!((loudness[0] - loudness[1]).abs() < 0.3, "one gain for both: {loudness:?} LUFS");
}

/// A multivariant playlist and a manifest in which there is no sound but Opus.
fn without_aac(out: &Path) {
    let master = std::fs::read_to_string(out.join("master.m3u8")).unwrap();
    let (mut kept, mut lines) = (String::new(), master.lines());
    while let Some(line) = lines.next() {
        if line.contains("\"audio-aac\"") {
            line.starts_with("#EXT-X-STREAM-INF").then(|| lines.next());
            continue;
        }
        kept.extend([line, "\n"]);
    }
    std::fs::write(out.join("opus.m3u8"), kept).unwrap();
    let mpd = std::fs::read_to_string(out.join("manifest.mpd")).unwrap();
    let (from, to) = ("<AdaptationSet ", "</AdaptationSet>");
    let aac = mpd.match_indices(from).map(|(at, _)| &mpd[at..at + mpd[at..].find(to).unwrap() + to.len()]);
    let aac = aac.filter(|set| set.contains("mp4a")).collect::<Vec<_>>();
    assert_eq!(aac.len(), 1);
    std::fs::write(out.join("opus.mpd"), mpd.replace(aac[0], "")).unwrap();
}

#[test]
fn players_play_opus_where_there_is_nothing_else_and_lose_nothing_where_there_is_aac() {
    let folder = tempfile::tempdir().unwrap();
    let (ladder, out) = (folder.path().join("both.toml"), folder.path().join("out"));
    std::fs::write(&ladder, LADDER).unwrap();
    encode(&judge::media("counter.mp4"), &out, ladder.to_str().unwrap());
    without_aac(&out);
    let server = StaticServer::start(&out);
    let play = |lists: &str, arguments: &[&str]| {
        let (hls, dash) = (format!("/{lists}.m3u8"), format!("/{lists}.mpd"));
        judge::players_with(&server.base, &hls, &dash, 576, "24000/1001", &[&["--brief"], arguments].concat());
    };
    play("opus", &["--sound", "audio-opus-und"]);
    std::fs::copy(out.join("manifest.mpd"), out.join("master.mpd")).unwrap();
    // Renditions are listed with either sound; seeks and playback go from one to the other.
    play("master", &[]);
}
