//! After a ladder change the library is encoded again behind all other work, and nobody who watches notices.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::server::{Server, fresh, log_of, wait_for};
use crate::{judge, topology};

/// How often the long recording shows its minute.
const MINUTES: u64 = 2;

/// Writes the ladder `house` of a data folder: rungs of these heights with this rate factor, and lines before all sections.
pub fn house(data: &Path, lines: &str, heights: &[u32], crf: u32) {
    let rung = |height: &u32| {
        format!("[[rung]]\nname = \"{height}p\"\nheight = {height}\nmax_bitrate_kbps = {}\n", height * 4)
    };
    let rungs: String = heights.iter().map(rung).collect();
    let text = format!(
        "name = \"house\"\ndescription = \"Small.\"\n{lines}\n[video]\ncodec = \"h264\"\npreset = \"veryfast\"\n\
         crf = {crf}\n[audio]\nbitrate_kbps = 64\nchannels = 1\n{rungs}"
    );
    std::fs::create_dir_all(data.join("ladders")).unwrap();
    let file = data.join("ladders/house.toml");
    // Whole at every moment, as an editor writes it.
    std::fs::write(file.with_extension("new"), text).unwrap();
    std::fs::rename(file.with_extension("new"), file).unwrap();
}

fn long_recording(folder: &Path) -> PathBuf {
    let out = folder.join("long.mp4");
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-nostdin", "-stream_loop", &(MINUTES - 1).to_string(), "-i"]);
    command.arg(judge::media("kill.mp4")).args(["-map", "0", "-c", "copy"]).arg(&out);
    judge::run(&mut command);
    out
}

pub fn ready(server: &Server, file: &Path) -> Value {
    let id = server.upload_as(file, json!({ "filename": "talk.mp4", "ladder": "house" }));
    let asset = server.settled(&id, 400);
    assert_eq!((&asset["state"], &asset["renewal"]), (&json!("ready"), &Value::Null), "{asset}");
    asset
}

pub fn id(asset: &Value) -> &str {
    asset["id"].as_str().unwrap()
}

pub fn get(server: &Server, path: &str) -> Vec<u8> {
    let answer = server.call("GET", path, &[], None).unwrap();
    assert_eq!(answer.status, 200, "{path}");
    answer.body
}

fn text(server: &Server, path: &str) -> String {
    String::from_utf8(get(server, path)).unwrap()
}

/// What a viewer has who began now: the addresses of every media playlist, and of all that these name.
pub struct Session {
    variants: Vec<String>,
    pub files: Vec<String>,
}

impl Session {
    pub fn begin(server: &Server, asset: &Value) -> Self {
        let master = format!("/p/{}/master.m3u8", asset["playback_id"].as_str().unwrap());
        let base = |path: &str| path.rsplit_once('/').unwrap().0.to_owned();
        let lines = text(server, &master);
        let variants = lines.lines().filter(|line| line.contains("video-") && !line.starts_with('#'));
        let variants: Vec<String> = variants.map(|line| format!("{}/{line}", base(&master))).collect();
        let mut files = Vec::new();
        for variant in &variants {
            let playlist = text(server, variant);
            files.extend(
                playlist.lines().filter(|line| line.ends_with(".m4s")).map(|line| format!("{}/{line}", base(variant))),
            );
        }
        Self { variants, files }
    }

    fn generation(&self) -> u64 {
        let folder = self.variants[0].split('/').find_map(|part| part.strip_prefix('g')?.parse().ok());
        folder.unwrap()
    }

    pub fn goes_on(&self, server: &Server) {
        for path in self.variants.iter().chain(&self.files) {
            get(server, path);
        }
    }
}

fn renewal_jobs(server: &Server, asset: &str) -> Vec<Value> {
    server.jobs(asset).into_iter().filter(|job| job["making"] != 0).collect()
}

pub fn renewed(server: &Server, asset: &str, sha256: &Value) -> Value {
    wait_for(&format!("the renewal; {}", log_of(&server.data)), 400, || {
        let asset = server.asset(asset);
        assert_eq!(asset["state"], "ready", "{asset}");
        assert_ne!(asset["renewal"]["state"], "errored", "{asset}");
        Some(asset).filter(|asset| asset["renewal"].is_null() && asset["ladder_sha256"] == *sha256)
    })
}

pub fn sha256(server: &Server) -> Value {
    server.admin("GET", "/api/v1/ladders/house", None, 200).json()["sha256"].clone()
}

#[test]
fn a_changed_ladder_is_followed_behind_all_else_and_over_a_kill_while_viewers_go_on() {
    let (folder, data) = fresh();
    house(&data, "", &[180, 270], 23);
    let one_at_a_time = ["--processors", "1"];
    let mut server = Server::start_with(&data, &one_at_a_time);
    let before = ready(&server, &long_recording(folder.path()));
    let asset = id(&before).to_owned();
    let session = Session::begin(&server, &before);
    assert_eq!(session.variants.len(), 2);
    let renew = || server.admin("POST", "/api/v1/ladders/house/renew?limit=10", None, 202).json();
    assert_eq!(renew()["items"], json!([]), "nothing has changed");

    house(&data, "", &[144, 180, 270], 26);
    let page = renew();
    let item = &page["items"][0];
    assert_eq!((item["id"].as_str(), &page["has_more"]), (Some(&asset[..]), &json!(false)), "{page}");
    assert_eq!((&item["state"], &item["renewal"]["state"]), (&json!("ready"), &json!("processing")), "{page}");
    assert_eq!(item["renewal"]["ladder_sha256"], sha256(&server));
    renew();
    let done = |server: &Server| -> Vec<Value> {
        renewal_jobs(server, &asset).into_iter().filter(|job| job["state"] == "done").collect()
    };
    let ranges = |jobs: &[Value]| jobs.iter().filter(|job| job["stage"] == "encode_range").count();
    wait_for("a range of the renewal to be made", 120, || (ranges(&done(&server)) > 0).then_some(()));
    session.goes_on(&server);

    // Who comes now goes first.
    let new = ready(&server, &judge::media("counter15.mp4"));
    let during = server.asset(&asset);
    assert_eq!(during["renewal"]["state"], "processing", "the upload waited for the renewal: {during}");
    assert!(during["renewal"]["progress"]["percent"].as_f64().unwrap() < 100.0, "{during}");
    assert_eq!((&during["progress"]["percent"], &during["ladder_sha256"]), (&json!(100.0), &before["ladder_sha256"]));
    assert_eq!(new["ladder_sha256"], sha256(&server));
    let jobs = renewal_jobs(&server, &asset);
    assert!(jobs.iter().all(|job| job["priority"].as_i64().unwrap() < 20), "{jobs:?}");
    let plans = jobs.iter().filter(|job| job["stage"] == "plan").count();
    assert_eq!(plans, 1, "asking twice begins once");
    assert!(!jobs.iter().any(|job| job["stage"] == "probe" || job["stage"] == "publish_first"), "{jobs:?}");

    let made = done(&server);
    server.kill();
    server = Server::start_with(&data, &one_at_a_time);
    session.goes_on(&server);
    let after = renewed(&server, &asset, &new["ladder_sha256"]);
    let jobs = renewal_jobs(&server, &asset);
    for job in &made {
        let now = jobs.iter().find(|now| now["id"] == job["id"]).unwrap();
        assert_eq!(now["attempt"], job["attempt"], "what was made before the kill was made again");
    }
    check_renewed(&server, &before, &after, &session);
    let (seen, old) = (Session::begin(&server, &after), format!("{}{}", server.base, session.variants[0]));
    let expected = judge::coded_pictures(&old);
    for variant in &seen.variants {
        let uri = format!("{}{variant}", server.base);
        assert_eq!(judge::coded_pictures(&uri), expected, "{variant}");
        assert_eq!(judge::decode_silently(&judge::ffmpeg_9(), &uri, "0:v:0"), expected.0, "{variant}");
    }
    assert_eq!(seen.variants.len(), 3);
}

/// The new generation is whole and the one before it still there.
fn check_renewed(server: &Server, before: &Value, after: &Value, session: &Session) {
    let seen = Session::begin(server, after);
    assert!(seen.generation() > session.generation());
    assert!(after["renewed_at"].is_string() && before["renewed_at"].is_null(), "{after}");
    assert_eq!((&after["complete_at"], &after["playback_id"]), (&before["complete_at"], &before["playback_id"]));
    session.goes_on(server);
    seen.goes_on(server);
    let playback = format!("/p/{}", after["playback_id"].as_str().unwrap());
    let targets = ["master.m3u8", "manifest.mpd"].map(|file| format!("{}{playback}/{file}", server.base));
    judge::run(Command::new(judge::lectern()).arg("lint").args(targets));
    let names = |asset: &Value| -> Vec<String> {
        let made = asset["renditions"].as_array().unwrap().iter().filter(|one| one["state"] == "done");
        made.map(|one| one["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(after).len(), seen.variants.len(), "{after}");
    let work = topology::media(&server.data).join("objects/work").join(id(after));
    wait_for("the first plan to go", 60, || (!work.join("plan.json").exists()).then_some(()));
    assert!(work.join("probe.json").exists(), "what is known of the source stays");
}

#[test]
fn a_renewal_that_fails_says_why_and_leaves_what_is_played() {
    let (_folder, data) = fresh();
    house(&data, "", &[180, 270], 23);
    let server = Server::start(&data);
    let before = ready(&server, &judge::media("counter15.mp4"));
    let session = Session::begin(&server, &before);
    let source = topology::media(&data).join("objects/sources").join(id(&before)).join("original");
    let kept = data.join("kept");
    std::fs::rename(&source, &kept).unwrap();
    std::fs::write(&source, vec![0; std::fs::metadata(&kept).unwrap().len() as usize]).unwrap();
    house(&data, "", &[180], 30);
    server.admin("POST", &format!("/api/v1/assets/{}/renew", id(&before)), None, 202);
    let failed = wait_for("the renewal to be given up", 120, || {
        Some(server.asset(id(&before))).filter(|asset| asset["renewal"]["state"] == "errored")
    });
    let error = &failed["renewal"]["error"];
    assert!(error["code"].as_str().is_some_and(|code| code.starts_with("input.")), "{failed}");
    assert!(error["hint"].is_string() && error["detail"].is_string(), "{failed}");
    assert_eq!((&failed["state"], &failed["error"]), (&json!("ready"), &Value::Null));
    assert_eq!((&failed["ladder_sha256"], &failed["renditions"]), (&before["ladder_sha256"], &before["renditions"]));
    session.goes_on(&server);
    assert_eq!(Session::begin(&server, &failed).generation(), session.generation());
    let ended = |job: &Value| job["state"] != "running" && job["state"] != "ready" && job["state"] != "waiting";
    assert!(renewal_jobs(&server, id(&before)).iter().all(ended));

    std::fs::rename(&kept, &source).unwrap();
    let mut command = topology::beside(&data);
    command.args(["--json", "ladder", "renew", "house", "--data"]).arg(&data);
    let said: Value = serde_json::from_slice(&judge::run(&mut command).stdout).unwrap();
    assert_eq!((&said["renewing"], &said["sha256"]), (&json!(1), &sha256(&server)));
    let after = renewed(&server, id(&before), &sha256(&server));
    check_renewed(&server, &before, &after, &session);
    server.admin("POST", "/api/v1/assets/ast_none/renew", None, 404);
    server.admin("POST", &format!("/api/v1/assets/{}/renew?ladder=nope", id(&before)), None, 422);
}

#[test]
fn a_ladder_that_says_so_is_followed_by_itself_and_a_comment_costs_nothing() {
    let (_folder, data) = fresh();
    house(&data, "renew_library = true", &[180, 270], 23);
    let server = Server::start(&data);
    let before = ready(&server, &judge::media("counter15.mp4"));
    let session = Session::begin(&server, &before);
    house(&data, "renew_library = true\n# Nobody has complained.", &[180, 270], 23);
    let same = renewed(&server, id(&before), &sha256(&server));
    assert_ne!(same["ladder_sha256"], before["ladder_sha256"]);
    assert_eq!(Session::begin(&server, &same).generation(), session.generation());
    let jobs = renewal_jobs(&server, id(&before));
    let stages: Vec<_> = jobs.iter().map(|job| job["stage"].as_str().unwrap()).collect();
    assert_eq!(stages, ["plan"], "nothing was encoded");
    house(&data, "renew_library = true", &[180], 23);
    let after = renewed(&server, id(&before), &sha256(&server));
    check_renewed(&server, &before, &after, &session);
}

#[test]
fn a_protected_recording_is_renewed_under_the_keys_it_has() {
    let (_folder, data) = fresh();
    house(&data, "", &[180, 270], 23);
    let mut command = Command::new(judge::lectern());
    command.env("LECTERN_KEK", "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
    let server = Server::launch(command, &data, &[]);
    let announced = json!({ "filename": "talk.mp4", "ladder": "house", "protection": "cbcs" });
    let before = server.settled(&server.upload_as(&judge::media("counter15.mp4"), announced), 400);
    assert_eq!(before["state"], "ready", "{before}");
    let key_ids = || -> Vec<String> {
        let mpd = text(&server, &format!("/p/{}/manifest.mpd", before["playback_id"].as_str().unwrap()));
        let named = mpd.split("default_KID=\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned());
        let mut key_ids: Vec<String> = named.collect();
        key_ids.sort();
        key_ids.dedup();
        key_ids
    };
    let (session, keys) = (Session::begin(&server, &before), key_ids());
    assert!(!keys.is_empty());
    house(&data, "", &[180], 28);
    server.admin("POST", &format!("/api/v1/assets/{}/renew", id(&before)), None, 202);
    let after = renewed(&server, id(&before), &sha256(&server));
    check_renewed(&server, &before, &after, &session);
    assert_eq!(key_ids(), keys);
}
