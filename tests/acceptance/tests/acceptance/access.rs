//! Tenants that share a server, each with a key of its own.

use std::process::Command;
use std::thread;

use serde_json::{Value, json};

use crate::judge;
use crate::server::{Answer, Server, fresh, fresh_and_quick, wait_for};

/// A program of a tenant.
struct Program<'a> {
    server: &'a Server,
    key: String,
    authorization: String,
}

impl<'a> Program<'a> {
    /// Of a new tenant, with a key that uploads and looks.
    fn of(server: &'a Server, slug: &str) -> Self {
        server.admin("POST", "/api/v1/tenants", Some(json!({ "slug": slug, "name": slug })), 201);
        let wish = json!({ "name": "recorder", "permissions": ["upload.*", "asset.read"] }).to_string();
        let operators = format!("Bearer {}", crate::server::TOKEN);
        let headers =
            [("Authorization", operators.as_str()), ("Content-Type", "application/json"), ("Lectern-Tenant", slug)];
        let made = server.call("POST", "/api/v1/api-keys", &headers, Some(wish.as_bytes())).unwrap();
        assert_eq!(made.status, 201, "{}", String::from_utf8_lossy(&made.body));
        let made = made.json();
        let authorization = format!("Bearer {}", made["secret"].as_str().unwrap());
        Self { server, key: made["id"].as_str().unwrap().to_owned(), authorization }
    }

    fn call(&self, method: &str, path: &str, body: Option<&[u8]>) -> Answer {
        let headers = [("Authorization", self.authorization.as_str()), ("Content-Type", "application/json")];
        self.server.call(method, path, &headers, body).unwrap()
    }

    /// Sends a recording; its asset's id.
    fn upload(&self, filename: &str) -> String {
        let bytes = std::fs::read(judge::media(filename)).unwrap();
        let announced = json!({ "filename": filename, "size": bytes.len() }).to_string();
        let upload = self.call("POST", "/api/v1/uploads", Some(announced.as_bytes())).json();
        let put = self.call("PUT", upload["put_url"].as_str().unwrap(), Some(&bytes));
        assert_eq!(put.status, 200, "{}", String::from_utf8_lossy(&put.body));
        upload["asset_id"].as_str().unwrap().to_owned()
    }

    fn assets(&self) -> Vec<Value> {
        let page = self.call("GET", "/api/v1/assets", None);
        assert_eq!(page.status, 200);
        page.json()["items"].as_array().unwrap().iter().map(|asset| asset["id"].clone()).collect()
    }
}

/// Who has done this, by the log of a tenant, once there is an entry.
fn logged(server: &Server, slug: &str, action: &str) -> Vec<String> {
    let operators = format!("Bearer {}", crate::server::TOKEN);
    let headers = [("Authorization", operators.as_str()), ("Lectern-Tenant", slug)];
    let path = format!("/api/v1/audit/entries?action={action}");
    wait_for("an entry in the log", 60, || {
        let page = server.call("GET", &path, &headers, None).unwrap().json();
        let actors =
            page["items"].as_array().unwrap().iter().map(|item| item["entry"]["actor"].as_str().unwrap().to_owned());
        Some(actors.collect::<Vec<_>>()).filter(|actors| !actors.is_empty())
    })
}

#[test]
fn two_tenants_upload_with_keys_of_their_own_and_neither_sees_what_the_other_has() {
    let (_folder, data) = fresh_and_quick();
    let server = Server::start(&data);
    let (north, south) = (Program::of(&server, "north"), Program::of(&server, "south"));
    let (of_north, of_south) = (north.upload("video-only.mp4"), south.upload("video-only.mp4"));
    let of_operator = server.upload(&judge::media("video-only.mp4"), "video-only.mp4");
    for (program, own) in [(&north, &of_north), (&south, &of_south)] {
        let ready = wait_for("the recording to be ready", 240, || {
            let asset = program.call("GET", &format!("/api/v1/assets/{own}"), None).json();
            matches!(asset["state"].as_str(), Some("ready" | "errored")).then_some(asset)
        });
        assert_eq!(ready["state"], "ready", "{ready}");
        assert_eq!(program.assets(), [json!(own)]);
        for foreign in [&of_north, &of_south, &of_operator].into_iter().filter(|id| *id != own) {
            assert_eq!(program.call("GET", &format!("/api/v1/assets/{foreign}"), None).status, 404);
        }
        assert_eq!(program.call("DELETE", &format!("/api/v1/assets/{own}"), None).status, 403);
        let playback = format!("/api/v1/playback/{}", ready["playback_id"].as_str().unwrap());
        assert_eq!(server.call("GET", &playback, &[], None).unwrap().status, 200, "who has the id may watch");
    }
    assert_eq!(server.settled(&of_operator, 240)["state"], "ready");
    for (slug, program) in [("north", &north), ("south", &south)] {
        let who = logged(&server, slug, "create_upload");
        assert_eq!(who, [program.key.as_str()], "who has uploaded is in the log of {slug}");
    }
    assert_eq!(logged(&server, "default", "create_upload"), ["admin"]);
    let page = server.admin("GET", "/api/v1/assets", None, 200).json();
    assert_eq!(page["items"].as_array().unwrap().len(), 1, "the operator acts for one tenant: {page}");
}

#[test]
fn cedar_decides_by_what_is_exported_as_the_server_does() {
    let (_folder, data) = fresh();
    let server = Server::start(&data);
    let mut command = Command::new(judge::root().join(".cache/venv/bin/python3"));
    command.arg(judge::root().join("tests/people/decide.py")).args([&server.base, crate::server::TOKEN]);
    let told: Value = serde_json::from_slice(&judge::run(&mut command).stdout).unwrap();
    let count = |name: &str| told[name].as_u64().unwrap();
    assert_eq!(count("asked"), 10_000, "{told}");
    assert!((1_000..9_000).contains(&count("allowed")) && count("for_a_while") > 100, "{told}");
}

#[test]
fn of_a_burst_the_right_share_is_answered_and_nobody_else_notices() {
    let (_folder, data) = fresh_and_quick();
    let mut command = Command::new(judge::lectern());
    command.env("LECTERN_RATE", "caller-read=50/86400,address-read=40/86400");
    let server = Server::launch(command, &data, &[]);
    let (north, south) = (Program::of(&server, "north"), Program::of(&server, "south"));
    // Six at once, three times as many as there are.
    let burst = |each: usize, ask: &(dyn Fn(usize) -> Answer + Sync)| -> Vec<Answer> {
        thread::scope(|scope| {
            let asking: Vec<_> = (0..6)
                .map(|of| scope.spawn(move || (0..each).map(|at| ask(of * each + at)).collect::<Vec<_>>()))
                .collect();
            asking.into_iter().flat_map(|asking| asking.join().unwrap()).collect()
        })
    };
    let header = |answer: &Answer, name: &str| {
        answer.headers.iter().find(|(known, _)| known == name).map_or(String::new(), |(_, value)| value.clone())
    };
    let count = |answers: &[Answer], status: u16| answers.iter().filter(|answer| answer.status == status).count();

    let answers = burst(25, &|_| north.call("GET", "/api/v1/assets", None));
    assert_eq!((count(&answers, 200), count(&answers, 429)), (50, 100));
    for answer in &answers {
        assert!(header(answer, "ratelimit-policy").starts_with("\"caller-read\";q=50;w=86400"), "{:?}", answer.headers);
        assert!(header(answer, "ratelimit").starts_with("\"caller-read\";r="), "{:?}", answer.headers);
        if answer.status == 429 {
            assert_eq!(answer.json()["code"], "rate.limited");
            assert!(header(answer, "retry-after").parse::<u64>().is_ok_and(|seconds| (1..=1_728).contains(&seconds)));
        }
    }
    assert_eq!(south.assets(), [Value::Null; 0], "another tenant is answered");
    server.admin("GET", "/api/v1/assets", None, 200);

    // Each says that it is from somewhere else.
    let answers = burst(10, &|number| {
        let forged = format!("for=203.0.113.{number}");
        server.call("GET", "/api/v1/playback/pb_none", &[("Forwarded", &forged)], None).unwrap()
    });
    assert_eq!((count(&answers, 404), count(&answers, 429)), (40, 20));
    let answers = burst(10, &|_| server.call("GET", "/healthz", &[], None).unwrap());
    assert_eq!(count(&answers, 200), 60, "health is told whoever asks");
    let answers = burst(10, &|_| server.call("GET", "/p/pb_none/master.m3u8", &[], None).unwrap());
    assert_eq!(count(&answers, 404), 60, "media are not counted");
}
