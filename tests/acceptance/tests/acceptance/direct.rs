//! Bytes that go straight into the bucket, and come straight from it.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::bucket::{self, Buckets};
use crate::judge;
use crate::server::{Answer, Server, TOKEN, ask, fresh_and_quick, log_of};
use crate::upload::asset_frames;

const BLOCK_BYTES: usize = 8 << 20;

/// A short recording of more than one block: nobody reads its end.
fn long_file() -> Vec<u8> {
    let mut all = std::fs::read(judge::media("video-only.mp4")).unwrap();
    let free = 8 + BLOCK_BYTES as u32;
    all.extend_from_slice(&[&free.to_be_bytes()[..], b"free", &vec![0; BLOCK_BYTES][..]].concat());
    all
}

fn start(data: &Path, store: &str, buckets: &Buckets) -> Server {
    let mut command = Command::new(judge::lectern());
    command.env("LECTERN_STORE", store);
    bucket::access(&mut command, buckets.address());
    Server::spawn(command, data, &[])
}

fn sha256(bytes: &[u8]) -> String {
    media_store::Version::of(bytes).as_str().to_owned()
}

/// Makes a signed request as a client does that has no token.
fn put(signed: &Value, body: &[u8]) -> u16 {
    let header = |header: &'_ Value, of: &str| header[of].as_str().unwrap().to_owned();
    let headers = signed["headers"].as_array().unwrap().iter();
    let headers: Vec<_> = headers.map(|told| (header(told, "name"), header(told, "value"))).collect();
    // The length is what is sent, whatever a client says.
    let named = headers.iter().filter(|(name, _)| name != "content-length");
    let headers: Vec<_> = named.map(|(name, value)| (name.as_str(), value.as_str())).collect();
    ask(signed["method"].as_str().unwrap(), signed["url"].as_str().unwrap().to_owned(), &headers, Some(body))
        .unwrap()
        .status
}

#[test]
fn blocks_sent_straight_to_the_bucket_become_a_recording_though_the_server_is_killed() {
    let (folder, data) = fresh_and_quick();
    let buckets = Buckets::start();
    let store = buckets.new_store(&folder.path().join("bucket"));
    let server = start(&data, &store, &buckets);
    let all = long_file();
    let blocks: Vec<&[u8]> = all.chunks(BLOCK_BYTES).collect();
    let hashes: Vec<String> = blocks.iter().map(|block| sha256(block)).collect();
    let announced = json!({ "filename": "Vorlesung ä.mp4", "size": all.len(), "direct": true });
    let upload = server.admin("POST", "/api/v1/uploads", Some(announced), 201).json();
    let blocks_url = upload["direct"]["blocks_url"].as_str().unwrap();
    assert_eq!(upload["direct"]["block_bytes"], BLOCK_BYTES);
    let wanted: Vec<Value> =
        hashes.iter().enumerate().map(|(index, hash)| json!({ "index": index, "sha256": hash })).collect();
    let signed = server.admin("POST", blocks_url, Some(json!({ "blocks": wanted })), 200).json();
    let received = format!("{blocks_url}/received");
    let sent = json!({ "blocks": hashes });

    assert_eq!(put(&signed["blocks"][1], blocks[1]), 200);
    assert_eq!(put(&signed["blocks"][0], &vec![7; BLOCK_BYTES]), 400, "other bytes");
    assert_eq!(put(&signed["blocks"][0], b"short"), 403, "another length");
    let early = server.admin("POST", &received, Some(sent.clone()), 409).json();
    assert_eq!(early["code"], "upload.block_missing", "{early}");
    server.kill();
    assert_eq!(put(&signed["blocks"][0], blocks[0]), 200, "what is signed needs no server");
    let server = start(&data, &store, &buckets);
    let first = json!({ "blocks": [hashes[0]] });
    let part = server.admin("POST", &received, Some(first), 200).json();
    assert_eq!((&part["state"], &part["received_bytes"]), (&"receiving".into(), &BLOCK_BYTES.into()), "{part}");
    let whole = server.admin("POST", &received, Some(sent.clone()), 200).json();
    assert_eq!(whole["state"], "attached", "{whole}");
    assert_eq!(server.admin("POST", &received, Some(sent), 200).json()["state"], "attached", "asked again");

    let id = upload["asset_id"].as_str().unwrap();
    fetched(&server, id, &all);
    let asset = server.settled(id, 120);
    assert_eq!(asset["state"], "ready", "{asset}");
    plays(&server, &asset);
    let log = std::fs::read_to_string(data.with_extension("log")).unwrap();
    assert!(!log.contains("X-Amz-Signature"), "{}", log_of(&data));
}

fn plays(server: &Server, asset: &Value) {
    let playback = format!("/api/v1/playback/{}", asset["playback_id"].as_str().unwrap());
    let addresses = server.call("GET", &playback, &[], None).unwrap().json();
    let hls = addresses["hls"].as_str().unwrap();
    let master = String::from_utf8(server.call("GET", hls, &[], None).unwrap().body).unwrap();
    let (pictures, _) = judge::coded_pictures(judge::media("video-only.mp4").to_str().unwrap());
    assert_eq!(asset_frames(server, &master, hls), pictures);
}

/// The source is fetched from the bucket, at an address that was signed for that.
fn fetched(server: &Server, id: &str, all: &[u8]) {
    let path = format!("/api/v1/assets/{id}/source");
    let header = |answer: &Answer, name: &str| {
        let found = answer.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let away = server.admin("GET", &path, None, 307);
    assert_eq!(header(&away, "cache-control"), "no-store");
    let location = header(&away, "location");
    let source = ask("GET", location.clone(), &[], None).unwrap();
    assert!(source.status == 200 && source.body == all, "{}", source.status);
    assert!(header(&source, "content-disposition").ends_with("filename*=UTF-8''Vorlesung%20%C3%A4.mp4"));
    let range = ask("GET", location, &[("range", "bytes=8388600-8388615")], None).unwrap();
    assert_eq!((range.status, &range.body[..]), (206, &all[8_388_600..8_388_616]));
    let link = server.admin("GET", &format!("{path}?link=true"), None, 200).json();
    assert_eq!(ask("GET", link["url"].as_str().unwrap().to_owned(), &[], None).unwrap().status, 200);
    let authorization = format!("Bearer {}x", TOKEN);
    let stranger = server.call("GET", &path, &[("Authorization", &authorization)], None).unwrap();
    assert_eq!(stranger.status, 401);
}
