//! Units in processes of their own, behind a gateway.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::judge;
use crate::server::{Answer, Server, TOKEN, fresh_and_quick, wait_for};
use crate::topology::{self, Shared};

/// An address of each unit, as its administrator reads it.
const READ: [(&str, &str); 11] = [
    ("gateway", "/api/v1/units"),
    ("user", "/api/v1/users"),
    ("auth", "/api/v1/api-keys"),
    ("media", "/api/v1/assets"),
    ("rbac", "/api/v1/roles"),
    ("org", "/api/v1/tenants"),
    ("processing", "/api/v1/jobs"),
    ("streaming", "/api/v1/playback/pb_none"),
    ("webhook", "/api/v1/webhooks"),
    ("audit", "/api/v1/audit/entries"),
    ("flags", "/api/v1/flags"),
];

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
}

fn read(server: &Server, path: &str) -> Answer {
    let authorization = format!("Bearer {TOKEN}");
    server.call("GET", path, &[("Authorization", &authorization)], None).unwrap()
}

/// How each unit is, as the gateway tells it.
fn states(server: &Server) -> Vec<(String, String)> {
    let units = server.admin("GET", "/api/v1/units", None, 200).json();
    let text = |unit: &Value, field: &str| unit[field].as_str().unwrap().to_owned();
    units["items"].as_array().unwrap().iter().map(|unit| (text(unit, "slug"), text(unit, "state"))).collect()
}

/// Everything that plays, from the playlist of all renditions to a range of the first segment.
fn plays(server: &Server, asset: &Value) {
    let playback = format!("/api/v1/playback/{}", asset["playback_id"].as_str().unwrap());
    let hls = server.call("GET", &playback, &[], None).unwrap().json()["hls"].as_str().unwrap().to_owned();
    let beside = |path: &str, name: &str| format!("{}/{name}", path.rsplit_once('/').unwrap().0);
    let listed = |path: &str, what: &str| {
        let answer = server.call("GET", path, &[], None).unwrap();
        assert_eq!(answer.status, 200, "{path}");
        let text = String::from_utf8(answer.body).unwrap();
        let line = text.lines().find(|line| !line.starts_with('#') && line.contains(what)).unwrap();
        beside(path, line)
    };
    let segment = listed(&listed(&hls, "video-"), ".m4s");
    let whole = server.call("GET", &segment, &[], None).unwrap();
    let part = server.call("GET", &segment, &[("Range", "bytes=8-15")], None).unwrap();
    assert_eq!((whole.status, part.status, &part.body[..]), (200, 206, &whole.body[8..16]));
    assert_eq!(header(&part, "content-range"), format!("bytes 8-15/{}", whole.body.len()));
    let head = server.call("HEAD", &segment, &[], None).unwrap();
    assert_eq!((head.status, header(&head, "content-length")), (200, whole.body.len().to_string().as_str()));
    let same = server.call("GET", &segment, &[("If-None-Match", header(&whole, "etag"))], None).unwrap();
    assert_eq!((same.status, same.body.len()), (304, 0));
}

#[test]
fn a_killed_unit_is_away_with_its_own_addresses_alone_and_comes_back_without_the_gateway_being_told() {
    let (_folder, data) = fresh_and_quick();
    let (command, shared) = (Command::new(judge::lectern()), Shared::of(&data));
    let mut server = topology::split(&command, &shared, &data, &["--processors", "1"]);
    let gateway = server.pid();
    assert!(states(&server).iter().all(|(slug, state)| state == if slug == "gateway" { "here" } else { "ready" }));
    let id = server.upload(&judge::media("video-only.mp4"), "video-only.mp4");
    let asset = server.settled(&id, 120);
    assert_eq!(asset["state"], "ready", "{asset}");
    plays(&server, &asset);
    assert_eq!(server.call("GET", "/", &[], None).unwrap().status, 200, "the page is a unit's too");

    let document = server.call("GET", "/api/openapi.json", &[], None).unwrap().json();
    for path in ["/api/v1/units", "/api/v1/uploads", "/api/v1/jobs", "/api/v1/webhooks", "/ofrep/v1/evaluate/flags"] {
        assert!(document["paths"][path].is_object(), "{path}");
    }
    assert!(document["x-lectern-missing"].is_null() && document["x-lectern-conflicts"].is_null(), "units agree");

    let killed = server.units.iter().position(|(slug, _)| *slug == "flags").unwrap();
    let (slug, unit) = server.units.swap_remove(killed);
    let listen = unit.base.trim_start_matches("http://").to_owned();
    unit.kill();
    // More often than it takes to be left alone.
    for round in 0..8 {
        for (of, path) in READ {
            let answer = read(&server, path);
            let expected = if of == slug {
                503
            } else if of == "streaming" {
                404
            } else {
                200
            };
            assert_eq!(answer.status, expected, "{path} in round {round}: {}", String::from_utf8_lossy(&answer.body));
            if of == slug {
                assert_eq!(header(&answer, "content-type"), "application/problem+json");
                assert!(header(&answer, "retry-after").parse::<u32>().is_ok_and(|seconds| (1..=5).contains(&seconds)));
                assert_eq!(answer.json()["code"], "gateway.unit_away");
            }
        }
    }
    plays(&server, &asset);
    assert!(states(&server).contains(&("flags".to_owned(), "away".to_owned())));
    let figures = String::from_utf8(server.admin("GET", "/metrics", None, 200).body).unwrap();
    assert!(figures.contains("lectern_gateway_circuit_open{unit=\"flags\"} 1"), "{figures}");

    server.units.push((slug, topology::unit(&command, &shared, &data, slug, &listen)));
    let back = Instant::now();
    wait_for("the unit to be back", 20, || (read(&server, "/api/v1/flags").status == 200).then_some(()));
    assert!(back.elapsed() < Duration::from_secs(10), "{:?}", back.elapsed());
    assert!(states(&server).contains(&("flags".to_owned(), "ready".to_owned())));
    assert!(server.is_alive() && server.pid() == gateway);
}
