//! `lectern lint`: nothing is wrong with what is sound, whoever made it, and each fault is found by its rule.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

use super::inputs::{ffmpeg, rungs};
use super::interop::shaka;
use super::text::package_with_text;
use super::{key_file, package};
use crate::judge;

/// Runs `lectern --json lint` with these arguments.
fn attempt(arguments: &[&str]) -> Output {
    Command::new(judge::lectern()).args(["--json", "lint"]).args(arguments).stdin(Stdio::null()).output().unwrap()
}

/// The same; it must end with this code. Gives every line of JSON.
fn lint(arguments: &[&str], exit: i32) -> Vec<Value> {
    let output = attempt(arguments);
    let (told, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(exit), "{arguments:?}: {told} {said}");
    let lines = told.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")));
    lines.collect()
}

/// Resource below `base`, rule and line of everything found in what was told.
fn findings(told: &[Value], base: &str) -> Vec<(String, String, Option<u64>)> {
    let reports = told.iter().filter_map(|line| line["report"]["findings"].as_array());
    let read = reports.flatten().map(|finding| {
        let resource = finding["resource"].as_str().unwrap();
        let resource = resource.strip_prefix(base).unwrap_or_else(|| panic!("{resource} is not below {base}"));
        let rule = finding["rule"]["id"].as_str().unwrap();
        assert!(finding["message"].as_str().is_some_and(|message| message.len() > 5), "{finding}");
        (resource.trim_start_matches('/').to_owned(), rule.to_owned(), finding["line"].as_u64())
    });
    read.collect()
}

/// The rules of severity `error` that were broken.
fn broken(told: &[Value]) -> BTreeSet<String> {
    let reports = told.iter().filter_map(|line| line["report"]["findings"].as_array());
    let errors = reports.flatten().filter(|finding| finding["severity"] == "error");
    errors.map(|finding| finding["rule"]["id"].as_str().unwrap().to_owned()).collect()
}

/// A folder without a fault, of which something was read.
fn sound(folder: &Path, arguments: &[&str]) {
    let told = lint(&[&[folder.to_str().unwrap()], arguments].concat(), 0);
    assert_eq!(broken(&told), BTreeSet::new(), "{}", folder.display());
    assert!(told.len() >= 2, "HLS and DASH are read: {told:?}");
    for line in &told {
        assert!(line["report"]["segments"].as_u64() > Some(0), "{line}");
    }
}

/// A clear package, once for all tests that damage a copy.
fn clear() -> &'static Path {
    static MADE: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let (_, out) = MADE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        let inputs = rungs();
        package(&[&inputs.low, &inputs.high], &out, &["--segment-duration", "2"]);
        (folder, out)
    });
    out
}

/// A copy of the clear package in which the file `name` was changed.
fn damaged(name: &str, change: impl FnOnce(Vec<u8>) -> Option<Vec<u8>>) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    for (path, bytes) in super::tree(clear()) {
        let copy = out.join(path);
        std::fs::create_dir_all(copy.parent().unwrap()).unwrap();
        std::fs::write(copy, bytes).unwrap();
    }
    let file = out.join(name);
    match change(std::fs::read(&file).unwrap()) {
        Some(bytes) => std::fs::write(file, bytes).unwrap(),
        None => std::fs::remove_file(file).unwrap(),
    }
    (folder, out)
}

#[test]
fn our_packages_break_no_rule_clear_encrypted_in_single_files_and_with_text() {
    let folder = tempfile::tempdir().unwrap();
    let keys = key_file(folder.path());
    let keys = keys.to_str().unwrap();
    let inputs = rungs();
    let out = |name: &str| folder.path().join(name);
    sound(clear(), &[]);
    for scheme in ["cbcs", "cenc"] {
        let arguments = ["--segment-duration", "2", "--scheme", scheme, "--key-file", keys];
        package(&[&inputs.low, &inputs.high], &out(scheme), &arguments);
        sound(&out(scheme), &["--key-file", keys]);
        sound(&out(scheme), &[]);
    }
    package(&[&inputs.low, &inputs.high], &out("single"), &["--single-file"]);
    sound(&out("single"), &[]);
    package_with_text(folder.path(), &out("text"), &[]);
    sound(&out("text"), &[]);
    package_with_text(folder.path(), &out("text-single"), &["--single-file", "--scheme", "cbcs", "--key-file", keys]);
    sound(&out("text-single"), &["--key-file", keys]);
}

#[test]
fn shaka_packagers_package_breaks_no_rule_and_ffmpegs_bandwidth_is_too_low() {
    let folder = tempfile::tempdir().unwrap();
    let theirs = folder.path().join("shaka");
    let inputs = rungs();
    let stream = |input: &Path, kind: &str, name: &str| {
        let at = theirs.join(name);
        let at = at.display();
        format!("in={},stream={kind},init_segment={at}/init.mp4,segment_template={at}/$Number$.m4s", input.display())
    };
    let mut arguments = vec![stream(&inputs.low, "video", "low"), stream(&inputs.high, "video", "high")];
    arguments.extend([stream(&inputs.low, "audio", "audio"), "--segment_duration=2".to_owned()]);
    arguments.push(format!("--hls_master_playlist_output={}", theirs.join("master.m3u8").display()));
    arguments.push(format!("--mpd_output={}", theirs.join("manifest.mpd").display()));
    arguments.push("--generate_static_live_mpd".to_owned());
    shaka(&arguments);
    sound(&theirs, &[]);

    let (low, high) = (inputs.low.to_str().unwrap(), inputs.high.to_str().unwrap());
    let mut arguments = vec!["-i", low, "-i", high];
    let rest = "-map 0:v -map 1:v -map 0:a -c copy -f dash -seg_duration 2 -hls_playlist 1 -adaptation_sets";
    arguments.extend(rest.split(' '));
    arguments.extend(["id=0,streams=v id=1,streams=a", "manifest.mpd"]);
    ffmpeg(folder.path(), &arguments);
    // FFmpeg writes averages where RFC 8216 asks for peaks, and that alone is wrong.
    let manifest = folder.path().join("manifest.mpd");
    assert_eq!(broken(&lint(&[manifest.to_str().unwrap()], 0)), BTreeSet::new());
    let master = folder.path().join("master.m3u8");
    assert_eq!(broken(&lint(&[master.to_str().unwrap()], 1)), BTreeSet::from(["hls.bandwidth".to_owned()]));
}

#[test]
fn a_decode_time_a_bandwidth_and_a_missing_segment_are_found_by_their_rules() {
    let third = "video-360p/00003.m4s";
    let (_made, out) = damaged(third, |mut bytes| {
        let tfdt = bytes.windows(4).position(|four| four == b"tfdt").unwrap();
        bytes[tfdt + 14] ^= 1;
        Some(bytes)
    });
    for root in ["master.m3u8", "manifest.mpd"] {
        let told = lint(&[out.join(root).to_str().unwrap()], 1);
        let found = findings(&told, out.to_str().unwrap());
        let here = found.iter().any(|(resource, rule, _)| resource == third && rule == "cmaf.tfdt-continuity");
        assert!(here, "{root}: {found:?}");
    }

    let (_made, out) = damaged("master.m3u8", |bytes| {
        let text = String::from_utf8(bytes).unwrap();
        let (before, rest) = text.split_once("#EXT-X-STREAM-INF:BANDWIDTH=").unwrap();
        Some(format!("{before}#EXT-X-STREAM-INF:BANDWIDTH=1{}", &rest[rest.find(',').unwrap()..]).into_bytes())
    });
    let told = lint(&[out.join("master.m3u8").to_str().unwrap()], 1);
    let text = std::fs::read_to_string(out.join("master.m3u8")).unwrap();
    let line = 1 + text.lines().position(|line| line.contains(":BANDWIDTH=1,")).unwrap() as u64;
    let found = findings(&told, out.to_str().unwrap());
    let wanted = ("master.m3u8".to_owned(), "hls.bandwidth".to_owned(), Some(line));
    assert!(found.contains(&wanted), "{wanted:?} is not in {found:?}");
    assert_eq!(lint(&[out.join("manifest.mpd").to_str().unwrap()], 0).len(), 1, "the manifest has its own");

    let fourth = "audio-und/00004.m4s";
    let (_made, out) = damaged(fourth, |_| None);
    for root in ["master.m3u8", "manifest.mpd"] {
        let told = lint(&[out.join(root).to_str().unwrap()], 1);
        let found = findings(&told, out.to_str().unwrap());
        assert!(
            found.iter().any(|(resource, rule, _)| resource == fourth && rule == "input.fetch"),
            "{root}: {found:?}"
        );
    }
}

/// The players' static file server; ends with the test.
struct Site(Child, String);

impl Site {
    fn of(folder: &Path) -> Self {
        let server = judge::root().join("tests/browser/static-server.mjs");
        let mut child = Command::new("node").arg(server).arg(folder).stdout(Stdio::piped()).spawn().unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        Self(child, url.trim().to_owned())
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn a_folder_its_files_and_their_addresses_give_the_same_findings() {
    let (_made, out) = damaged("video-180p/00002.m4s", |_| None);
    let folder = out.to_str().unwrap();
    let roots = ["manifest.mpd", "master.m3u8"];
    let of_folder = findings(&lint(&[folder], 1), folder);
    assert!(of_folder.iter().any(|(_, rule, _)| rule == "input.fetch"), "{of_folder:?}");
    let files = roots.map(|root| out.join(root).to_str().unwrap().to_owned());
    assert_eq!(findings(&lint(&[&files[0], &files[1]], 1), folder), of_folder);
    let site = Site::of(&out);
    let addresses = roots.map(|root| format!("{}/{root}", site.1));
    assert_eq!(findings(&lint(&[&addresses[0], &addresses[1]], 1), &site.1), of_folder);
}

#[test]
fn a_root_that_is_not_there_and_a_folder_without_one_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.m3u8");
    let told = lint(&[missing.to_str().unwrap()], 1);
    assert_eq!(findings(&told, missing.to_str().unwrap()), [(String::new(), "input.fetch".to_owned(), None)]);
    let told = lint(&[folder.path().to_str().unwrap()], 65);
    assert!(told[0]["error"]["detail"].as_str().unwrap().contains("no .m3u8 and no .mpd"), "{told:?}");
    let site = Site::of(folder.path());
    let told = lint(&[&format!("{}/missing.mpd", site.1)], 1);
    assert!(told[0]["report"]["findings"][0]["message"].as_str().unwrap().contains("404"), "{told:?}");
}

#[test]
fn every_rule_is_listed_once_with_the_clause_that_it_comes_from() {
    let told = lint(&["--rules"], 0);
    let rules = told[0]["rules"].as_array().unwrap();
    let ids: BTreeSet<&str> = rules.iter().map(|rule| rule["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), rules.len(), "ids are unique");
    assert!(ids.len() >= 150, "{} rules", ids.len());
    for rule in rules {
        for field in ["clause", "title", "advice"] {
            assert!(rule[field].as_str().is_some_and(|text| text.len() > 5), "{field} of {rule}");
        }
    }
    let listed = judge::run(Command::new(judge::lectern()).args(["lint", "--rules"])).stdout;
    assert_eq!(String::from_utf8(listed).unwrap().lines().count(), rules.len());
}

#[test]
fn an_encrypted_presentation_is_compared_with_its_twin_in_clear() {
    let inputs = rungs();
    let folder = tempfile::tempdir().unwrap();
    let keys = key_file(folder.path());
    let keys = keys.to_str().unwrap();
    let [sealed, clear, other] = ["sealed", "clear", "other"].map(|name| folder.path().join(name));
    package(&[&inputs.low], &sealed, &["--scheme", "cbcs", "--key-file", keys]);
    package(&[&inputs.low], &clear, &[]);
    package(&[&inputs.high], &other, &[]);
    let [sealed, clear, other] = [&sealed, &clear, &other].map(|path| path.to_str().unwrap());
    lint(&[sealed, "--key-file", keys, "--clear", clear], 0);
    let told = lint(&[sealed, "--key-file", keys, "--clear", other], 1);
    assert_eq!(told.last().unwrap()["error"]["code"], "lint.samples", "{told:?}");
}
