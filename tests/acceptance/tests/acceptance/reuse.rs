//! What was made of a source once is not made again, and no recording depends on another one.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::renewal::{self, Session, house};
use crate::server::{Server, fresh, wait_for};
use crate::{judge, topology};

const KEK: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

/// How many results each stage of an asset has taken over, as the workers' log tells.
fn copied(server: &Server, asset: &str) -> BTreeMap<String, u64> {
    let log = std::fs::read_to_string(server.data.with_extension("log")).unwrap();
    let mut found = BTreeMap::new();
    for line in log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        if line["message"] == "made before, and copied" && line["asset_id"] == asset {
            *found.entry(line["stage"].as_str().unwrap().to_owned()).or_default() += line["found"].as_u64().unwrap();
        }
    }
    found
}

/// Every media segment by its place in a generation, from the rendition's folder on.
fn segments(server: &Server, asset: &Value) -> BTreeMap<String, Vec<u8>> {
    let files = Session::begin(server, asset).files;
    let place = |path: &str| path.split('/').skip(4).collect::<Vec<_>>().join("/");
    files.iter().map(|path| (place(path), renewal::get(server, path))).collect()
}

fn uploaded(server: &Server, file: &Path, protection: Option<&str>) -> Value {
    let announced = json!({ "filename": "talk.mp4", "ladder": "house", "protection": protection });
    let asset = server.settled(&server.upload_as(file, announced), 300);
    assert_eq!(asset["state"], "ready", "{asset}");
    asset
}

fn count(server: &Server, asset: &str, stage: &str) -> u64 {
    server.jobs(asset).iter().filter(|job| job["stage"] == stage).count() as u64
}

#[test]
fn a_recording_that_is_sent_again_is_copied_and_neither_copy_needs_the_other() {
    let (_folder, data) = fresh();
    house(&data, "", &[180, 270], 23);
    let mut command = Command::new(judge::lectern());
    command.env("LECTERN_KEK", KEK);
    let server = Server::launch(command, &data, &[]);
    let film = judge::media("counter.mp4");
    let first = uploaded(&server, &film, None);
    assert_eq!(copied(&server, renewal::id(&first)), BTreeMap::new());

    let second = uploaded(&server, &film, None);
    let ranges = count(&server, renewal::id(&second), "encode_range");
    let expected = BTreeMap::from([("encode_audio".to_owned(), 1), ("encode_range".to_owned(), 2 * ranges)]);
    assert_eq!(copied(&server, renewal::id(&second)), expected);
    let made = segments(&server, &first);
    assert!(made == segments(&server, &second) && made.len() > 10);

    let protected = uploaded(&server, &film, Some("cbcs"));
    assert_eq!(copied(&server, renewal::id(&protected)), expected, "it is encrypted anew, not encoded");
    let encrypted = segments(&server, &protected);
    assert!(encrypted.keys().eq(made.keys()) && encrypted.iter().all(|(path, bytes)| made[path] != *bytes));

    let other = uploaded(&server, &judge::media("counter15.mp4"), None);
    assert_eq!(copied(&server, renewal::id(&other)), BTreeMap::new(), "another source");

    server.admin("DELETE", &format!("/api/v1/assets/{}", renewal::id(&first)), None, 202);
    wait_for("the first one to go", 60, || {
        let listed = server.admin("GET", "/api/v1/assets?limit=50", None, 200).json();
        (!listed.to_string().contains(renewal::id(&first))).then_some(())
    });
    assert!(segments(&server, &second) == made && segments(&server, &protected) == encrypted);
    let again = uploaded(&server, &film, None);
    assert_eq!(copied(&server, renewal::id(&again)), expected, "of the second one");
    assert!(segments(&server, &again) == made);
}

#[test]
fn only_what_a_ladder_asks_for_anew_is_encoded_and_a_damaged_rendition_when_a_person_says_so() {
    let (_folder, data) = fresh();
    house(&data, "", &[180, 270], 23);
    let server = Server::start(&data);
    let before = uploaded(&server, &judge::media("counter.mp4"), None);
    let id = renewal::id(&before);
    let made = segments(&server, &before);
    let ranges = count(&server, id, "encode_range");

    house(&data, "", &[144, 180, 270], 23);
    server.admin("POST", &format!("/api/v1/assets/{id}/renew"), None, 202);
    let wider = renewal::renewed(&server, id, &renewal::sha256(&server));
    let taken = BTreeMap::from([("encode_audio".to_owned(), 1), ("encode_range".to_owned(), 2 * ranges)]);
    assert_eq!(copied(&server, id), taken);
    let now = segments(&server, &wider);
    assert!(made.iter().all(|(path, bytes)| now[path] == *bytes));
    assert_eq!(now.len(), made.len() / 2 * 3);

    let unknown = server.admin("POST", &format!("/api/v1/assets/{id}/renew?rendition=999p"), None, 422).json();
    assert!(unknown.to_string().contains("rendition.unknown"), "{unknown}");
    let session = Session::begin(&server, &wider);
    let mut command = topology::beside(&data);
    command.args(["jobs", "retry", id, "--rendition", "180p", "--data"]).arg(&data);
    judge::run(&mut command);
    let after = wait_for("the rendition to be encoded again", 300, || {
        let asset = server.asset(id);
        let newer = asset["renewal"].is_null() && asset["renewed_at"] != wider["renewed_at"];
        newer.then_some(asset)
    });
    let taken = BTreeMap::from([("encode_audio".to_owned(), 2), ("encode_range".to_owned(), 4 * ranges)]);
    assert_eq!(copied(&server, id), taken, "all but the one that was named");
    assert_eq!(segments(&server, &after).len(), now.len());
    assert!(Session::begin(&server, &after).files != session.files, "a generation of its own");
    session.goes_on(&server);
}
