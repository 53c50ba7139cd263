//! Rungs decided by a recording's own pictures: what is promised is what comes, and who began early is served to the end.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::encode::encode;
use crate::server::{Server, fresh, wait_for};
use crate::{judge, topology};

/// Small and quick, with what is decided per recording.
const LADDER: &str = r#"
name = "small-per-title"
description = "Decided per recording, small and quick."
[video]
codec = "h264"
preset = "veryfast"
crf = 23
[audio]
bitrate_kbps = 64
channels = 2
[per_title]
target_db = 45
step_db = 1.5
[[rung]]
name = "360p"
height = 360
max_bitrate_kbps = 2000
[[rung]]
name = "270p"
height = 270
max_bitrate_kbps = 1200
[[rung]]
name = "180p"
height = 180
max_bitrate_kbps = 600
"#;

/// A minute of film, 360 lines.
fn source() -> PathBuf {
    judge::media("street.mp4")
}

/// A minute of a screen somebody works at, 480 lines: a page that stands still, and figures on it that run.
fn screen(folder: &Path) -> PathBuf {
    let font = "fontfile=/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf";
    let page: Vec<String> = (0..9)
        .map(|line| format!("drawtext={font}:text=let total_{line} =:fontsize=28:x=40:y={}", 30 + 48 * line))
        .collect();
    let run =
        |line: u32| format!("drawtext={font}:text=%{{n}}:fontsize=36:x={}:y={}", 330 + 35 * (line % 3), 26 + 48 * line);
    let runs: Vec<String> = (0..9).map(run).collect();
    let (file, graph) = (folder.join("screen.mp4"), format!("{},{}", page.join(","), runs.join(",")));
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-f", "lavfi", "-i", "color=0xf7f5ef:s=854x480:r=25:d=60", "-vf", &graph]);
    command.args(["-c:v", "libx264", "-preset", "veryfast", "-crf", "10", "-g", "50", "-pix_fmt", "yuv420p"]);
    judge::run(command.arg(&file));
    file
}

/// XPSNR of the luma of a rendition beside its source, as FFmpeg's own filter has it.
fn xpsnr(rendition: &Path, source: &Path) -> f64 {
    let graph = "[0:v]scale=640:360:flags=bicubic[coded];[1:v][coded]xpsnr";
    let mut command = Command::new(judge::ffmpeg_9());
    command.args(["-nostdin", "-hide_banner", "-allowed_extensions", "ALL", "-i"]).arg(rendition).arg("-i").arg(source);
    let output = command.args(["-lavfi", graph, "-f", "null", "-"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let found = said.rsplit_once("XPSNR  y:").unwrap_or_else(|| panic!("{said}")).1;
    found.split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn what_was_decided_is_what_comes_out_and_the_curve_can_be_seen() {
    let folder = tempfile::tempdir().unwrap();
    let (ladder, out) = (folder.path().join("small.toml"), folder.path().join("out"));
    std::fs::write(&ladder, LADDER).unwrap();
    let source = source();
    let result = encode(&source, &out, ladder.to_str().unwrap());
    let decision = &result["decision"];
    let chosen = decision["chosen"].as_array().unwrap();
    assert!(chosen.len() >= 2, "{decision}");
    let tracks: Vec<&Value> = result["tracks"].as_array().unwrap().iter().collect();
    let pictures = tracks.iter().filter(|track| track["name"].as_str().unwrap().starts_with("video-"));
    assert_eq!(pictures.count(), chosen.len(), "{result}");
    let seconds = result["duration_ms"].as_f64().unwrap() / 1000.0;
    for rung in chosen {
        let name = format!("video-{}", rung["name"].as_str().unwrap());
        let track = tracks.iter().find(|track| track["name"] == name.as_str()).unwrap();
        let rate = track["bytes"].as_f64().unwrap() * 8.0 / seconds;
        // One sample of two seconds speaks for the minute.
        let promised = rung["bitrate_bps"].as_f64().unwrap();
        assert!((0.5..2.0).contains(&(rate / promised)), "{name}: {rate} of {promised} bit/s");
        let (found, promised) =
            (xpsnr(&out.join(&name).join("media.m3u8"), &source), rung["quality_db"].as_f64().unwrap());
        assert!((found - promised).abs() < 2.5, "{name}: {found} dB where {promised} were promised");
        let judged = track["xpsnr_db"].as_f64().unwrap();
        assert!((found - judged).abs() < 2.5, "{name}: {found} dB where the engine saw {judged}");
    }
    let run = |arguments: &[&str]| {
        let mut command = Command::new(judge::lectern());
        let output =
            command.args(["ladder"]).args(arguments).arg(&ladder).arg("--source").arg(&source).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let table = run(&["explain"]);
    let last = chosen.last().unwrap()["name"].as_str().unwrap();
    assert!(table.contains("tried ") && table.contains("chosen ") && table.contains(last), "{table}");
    assert!(run(&["plot"]).contains("XPSNR in dB over kbit/s"));
}

#[test]
fn a_screen_on_a_poor_link_has_fewer_pictures_and_all_its_lines() {
    let folder = tempfile::tempdir().unwrap();
    let (ladder, out) = (folder.path().join("screens.toml"), folder.path().join("out"));
    std::fs::write(
        &ladder,
        LADDER.replace("[[rung]]\nname = \"360p\"", "legible_lines = 360\n[[rung]]\nname = \"360p\""),
    )
    .unwrap();
    let result = encode(&screen(folder.path()), &out, ladder.to_str().unwrap());
    let decision = &result["decision"];
    assert_eq!(decision["is_drawn"], true, "{decision}");
    let master = std::fs::read_to_string(out.join("master.m3u8")).unwrap();
    let variants: Vec<&str> = master.lines().filter(|line| line.starts_with("#EXT-X-STREAM-INF")).collect();
    assert!(variants.len() >= 2 && variants.iter().all(|line| line.contains("RESOLUTION=640x360")), "{master}");
    let few = decision["chosen"][0]["name"].as_str().unwrap();
    assert_eq!(few, "360p-6fps", "{decision}");
    let times = |track: &str| judge::picture_times_ms(out.join(format!("video-{track}/media.m3u8")).to_str().unwrap());
    let (few, all) = (times(few), times("360p"));
    assert_eq!(all.len(), 1500);
    assert!((375..=420).contains(&few.len()), "{} pictures of 1500", few.len());
    assert!(few.windows(2).all(|pair| (40..=1000).contains(&(pair[1] - pair[0]))), "{few:?}");
    assert!(few.iter().all(|time| all.contains(time)), "each is shown when another rendition has one");
}

#[test]
fn what_looks_worse_than_the_ladder_allows_is_not_published() {
    let folder = tempfile::tempdir().unwrap();
    let (ladder, out) = (folder.path().join("strict.toml"), folder.path().join("out"));
    let strict = LADDER
        .replace("[per_title]\ntarget_db = 45\nstep_db = 1.5\n", "")
        .replace("crf = 23", "crf = 40\nfloor_db = 45");
    std::fs::write(&ladder, strict).unwrap();
    let mut command = Command::new(judge::lectern());
    command.args(["--json", "encode", "--ladder"]).arg(&ladder).arg("--out").arg(&out).arg(judge::media("counter.mp4"));
    let output = command.output().unwrap();
    let said: Value = serde_json::from_str(String::from_utf8(output.stdout).unwrap().lines().last().unwrap()).unwrap();
    assert_eq!(said["error"]["code"], "quality.below_floor", "{said}");
    assert!(!out.exists(), "nothing is left behind");
}

/// What the server tells of a decision: its curves, what it chose, and how good that came out.
fn check_told(asset: &Value, ladder: &Value) {
    let decision = &ladder["decision"];
    assert_eq!((&ladder["ladder"], &decision["target_db"]), (&json!("small-per-title"), &json!(45.0)), "{ladder}");
    let (trials, chosen) = (decision["trials"].as_array().unwrap(), decision["chosen"].as_array().unwrap());
    assert!(trials.len() >= 3 && chosen.len() >= 2, "{decision}");
    for rung in chosen {
        let of = |list: &Value| {
            let found = list.as_array().unwrap().iter().find(|one| one["name"] == rung["name"]).cloned();
            found.unwrap_or_else(|| panic!("{rung} is not in {list}"))["quality"]["xpsnr_db"].as_f64().unwrap()
        };
        let (measured, promised) = (of(&asset["renditions"]), rung["xpsnr_db"].as_f64().unwrap());
        assert_eq!(measured, of(&ladder["renditions"]));
        assert!((measured - promised).abs() < 2.5, "{rung}: {measured} dB");
    }
}

#[test]
fn on_the_server_who_began_early_keeps_the_lowest_rung_and_all_others_get_what_was_decided() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir_all(data.join("ladders")).unwrap();
    std::fs::write(data.join("ladders/small-per-title.toml"), LADDER).unwrap();
    let server = Server::start(&data);
    let announced = json!({ "filename": "street.mp4", "ladder": "small-per-title" });
    let id = server.upload_as(&source(), announced);
    let early = wait_for("the lowest rung to be playable", 120, || {
        Some(server.asset(&id)).filter(|asset| asset["playable_at"].is_string())
    });
    let playback = early["playback_id"].as_str().unwrap();
    let text = |path: &str| {
        let answer = server.call("GET", path, &[], None).unwrap();
        assert_eq!(answer.status, 200, "{path}");
        String::from_utf8(answer.body).unwrap()
    };
    assert!(text(&format!("/p/{playback}/master.m3u8")).contains("g1/video-180p/media.m3u8"));

    let asset = server.settled(&id, 400);
    assert_eq!(asset["state"], "ready", "{asset}");
    let complete = text(&format!("/p/{playback}/master.m3u8"));
    let variants: Vec<&str> = complete.lines().filter(|line| line.ends_with("media.m3u8")).collect();
    let names: Vec<&str> =
        asset["renditions"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    for variant in &variants {
        assert!(names.iter().any(|name| variant.contains(&format!("video-{name}/"))), "{variant}: {names:?}");
    }
    assert!(variants.iter().any(|variant| variant.contains("g2/video-360p/")), "{complete}");
    let jobs = server.jobs(&id);
    let analysed = jobs.iter().filter(|job| job["stage"] == "analyse" && job["state"] == "done").count();
    assert_eq!(analysed, 1, "{jobs:?}");
    check_told(&asset, &server.admin("GET", &format!("/api/v1/assets/{id}/ladder"), None, 200).json());
    let session = format!("/p/{playback}/g1/video-180p");
    for segment in text(&format!("{session}/media.m3u8")).lines().filter(|line| line.ends_with(".m4s")) {
        assert_eq!(server.call("GET", &format!("{session}/{segment}"), &[], None).unwrap().status, 200, "{segment}");
    }
    for target in variants.iter().copied().chain(["manifest.mpd"]) {
        let url = format!("{}/p/{playback}/{target}", server.base);
        assert!(judge::decode_silently(&judge::ffmpeg_9(), &url, "0:v:0") > 1400, "{url}");
    }
}

/// The job that decides.
fn analysing(server: &Server, id: &str) -> Option<Value> {
    server.jobs(id).into_iter().find(|job| job["stage"] == "analyse")
}

fn upload_small(data: &Path, arguments: &[&str]) -> (Server, String) {
    std::fs::create_dir_all(data.join("ladders")).unwrap();
    std::fs::write(data.join("ladders/small-per-title.toml"), LADDER).unwrap();
    let server = Server::start_with(data, arguments);
    let announced = json!({ "filename": "street.mp4", "ladder": "small-per-title" });
    let id = server.upload_as(&source(), announced);
    (server, id)
}

/// What was decided, as it is kept with the plan.
fn decision(data: &Path, id: &str) -> Value {
    let file = topology::media(data).join("objects/work").join(id).join("decided.json");
    serde_json::from_slice::<Value>(&std::fs::read(file).unwrap()).unwrap()["decision"].clone()
}

/// Names of the variants of what is served in the end, sorted.
fn variants(server: &Server, asset: &Value) -> Vec<String> {
    let path = format!("/p/{}/master.m3u8", asset["playback_id"].as_str().unwrap());
    let master = String::from_utf8(server.call("GET", &path, &[], None).unwrap().body).unwrap();
    let names = master.lines().filter_map(|line| line.strip_suffix("/media.m3u8")?.rsplit_once("/video-"));
    let mut names: Vec<String> = names.map(|(_, name)| name.to_owned()).collect();
    names.sort_unstable();
    names
}

#[test]
fn killed_while_rungs_are_decided_the_recording_gets_them_all_the_same() {
    let (_folder, data) = fresh();
    let (mut server, id) = upload_small(&data, &[]);
    // Milliseconds after deciding began, each in a run of its own: at its start, among the first trials and the further ones.
    for (kills, after) in (1..).zip([0, 200, 500]) {
        wait_for("rungs to be decided", 120, || {
            analysing(&server, &id).filter(|job| job["state"] == "running" && job["attempt"] == kills)
        });
        let until = Instant::now() + Duration::from_millis(after);
        let job = wait_for("the moment of the kill", 30, || {
            let job = analysing(&server, &id)?;
            (Instant::now() >= until || job["state"] != "running").then_some(job)
        });
        assert_eq!(job["state"], "running", "it takes longer than that: {job}");
        server.kill();
        server = Server::start(&data);
    }
    let asset = server.settled(&id, 400);
    assert_eq!(asset["state"], "ready", "{asset}");
    let job = analysing(&server, &id).unwrap();
    assert_eq!((&job["state"], &job["attempt"]), (&json!("done"), &json!(4)), "{job}");
    let decision = decision(&data, &id);
    let mut chosen: Vec<&str> =
        decision["chosen"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    chosen.sort_unstable();
    assert_eq!(variants(&server, &asset), chosen);
}

#[test]
fn when_no_rungs_can_be_decided_the_recording_has_those_of_its_ladder() {
    let (_folder, data) = fresh();
    let (server, id) = upload_small(&data, &["--processors", "1"]);
    let job = wait_for("deciding to be given up", 200, || {
        let job = analysing(&server, &id)?;
        if job["state"] == "running" {
            // Whichever engines there are; one that has ended by itself cannot be killed, which is as good.
            let parents: Vec<String> = server.workshops().iter().map(u32::to_string).collect();
            let _ = Command::new("pkill").args(["-9", "-P", &parents.join(","), "-f", "lectern-engine"]).status();
        }
        (job["state"] == "done").then_some(job)
    });
    assert_eq!((&job["attempt"], decision(&data, &id)), (&json!(2), Value::Null), "{job}");
    let asset = server.settled(&id, 400);
    assert_eq!(asset["state"], "ready", "{asset}");
    assert_eq!(variants(&server, &asset), ["180p", "270p", "360p"]);
}
