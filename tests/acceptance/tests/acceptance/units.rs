//! Units of one installation in processes of their own.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::judge;
use crate::server::{Server, TOKEN, fresh, fresh_and_quick, wait_for};
use crate::topology::{self, Shared};
use crate::webhooks::receive;

/// All that this build has but webhooks.
const ENGINE: &str = "user,auth,media,rbac,org,processing,streaming,audit,flags";

/// Migrates, and starts a server of recordings that sends no webhooks, with who works on them.
fn engine(data: &Path) -> Server {
    judge::run(topology::beside(data).args(["migrate", "--data"]).arg(data));
    let command = Command::new(judge::lectern());
    if !topology::is_fleet() {
        return Server::spawn(command, data, &["--only", ENGINE, "--roles", "api,origin,worker"]);
    }
    let shared = Shared::of(data);
    let mut server = topology::serve(&command, &shared, data, &["--only", ENGINE, "--roles", "api,origin"]);
    server.workers.push(topology::worker(&command, &shared, data, &[]));
    server
}

/// Starts one unit beside the server on a data folder.
fn alone(data: &Path, unit: &str) -> Server {
    let mut command = topology::beside(data);
    command.env("LECTERN_WEBHOOK_ALLOW", "127.0.0.0/8");
    if unit == "webhook" {
        // It has no business with media, wherever they lie.
        command.env("LECTERN_STORE", "s3://no-bucket-of-ours");
    }
    Server::spawn(command, data, &["--unit", unit])
}

/// What `lectern units` says, by slug.
fn units() -> BTreeMap<String, Value> {
    let output = judge::run(Command::new(judge::lectern()).args(["--json", "units"]));
    let lines = String::from_utf8(output.stdout).unwrap();
    let units = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    units.map(|unit| (unit["slug"].as_str().unwrap().to_owned(), unit)).collect()
}

/// The words behind `/api/v1/` at which a server answers, by its own document, each with the unit. Whether a unit is closed every
/// process tells.
fn answers(server: &Server, unit: &str) -> BTreeMap<String, String> {
    let document = server.call("GET", "/api/openapi.json", &[], None).unwrap().json();
    let paths = document["paths"].as_object().unwrap();
    let own = paths.keys().filter(|path| *path != "/api/v1/units/{slug}/maintenance");
    let words = own.filter_map(|path| path.strip_prefix("/api/v1/")?.split('/').next());
    words.map(|word| (word.to_owned(), unit.to_owned())).collect()
}

fn not_found(server: &Server, path: &str) {
    assert_eq!(server.admin("GET", path, None, 404).json()["code"], "http.not_found", "{path}");
}

#[test]
fn a_recording_uploaded_to_one_process_is_told_to_a_webhook_of_another_and_each_answers_for_its_own_units() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (address, messages) = receive(&runtime, "nothing", None);
    let (_folder, data) = fresh_and_quick();
    let engine = engine(&data);
    let webhooks = alone(&data, "webhook");
    not_found(&webhooks, "/api/v1/assets");
    not_found(&engine, "/api/v1/webhooks");
    let wish = json!({ "url": format!("http://{address}/hook"), "events": ["asset.ready"] });
    let webhook = webhooks.admin("POST", "/api/v1/webhooks", Some(wish), 201).json();
    let asset = engine.upload(&judge::media("video-only.mp4"), "video-only.mp4");

    // While that is made: every unit that is said to be ready is served alone, and nothing is served that is not.
    let units = units();
    let mut owners = BTreeMap::new();
    for unit in units.values().filter(|unit| unit["state"] == "ready" && unit["within"].is_null()) {
        let slug = unit["slug"].as_str().unwrap();
        if slug == "gateway" {
            // It answers for others, where they are.
            continue;
        }
        let server = if slug == "webhook" { &webhooks } else { &alone(&data, slug) };
        for (word, slug) in answers(server, slug) {
            assert_eq!(owners.insert(word.clone(), slug), None, "/api/v1/{word} belongs to one unit");
        }
    }
    let together: Vec<String> = answers(&engine, "").into_keys().chain(answers(&webhooks, "").into_keys()).collect();
    assert_eq!(owners.len(), together.len());
    assert!(together.iter().all(|word| owners.contains_key(word)), "{owners:?}");
    assert_eq!((owners["assets"].as_str(), owners["webhooks"].as_str()), ("media", "webhook"));
    assert_eq!(
        (&units["ott-transcoding"]["state"], &units["ott-transcoding"]["within"]),
        (&json!("ready"), &json!("processing"))
    );
    assert_eq!(owners["transcoding"], "processing");
    for (slug, unit) in units.iter().filter(|(_, unit)| unit["state"] == "planned") {
        assert!(unit["port"].as_u64().is_some_and(|port| (3000..=3050).contains(&port)), "{unit}");
        not_found(&engine, &format!("/api/v1/{slug}"));
    }

    assert_eq!(engine.settled(&asset, 120)["state"], "ready");
    let message = wait_for("the message", 60, || messages.lock().unwrap().first().cloned()).json();
    assert_eq!((&message["type"], message["subject"].as_str()), (&json!("asset.ready"), Some(asset.as_str())));
    let deliveries = format!("/api/v1/webhooks/{}/deliveries", webhook["id"].as_str().unwrap());
    wait_for("the delivery to be recorded", 20, || {
        let page = webhooks.admin("GET", &deliveries, None, 200).json();
        (page["items"][0]["state"] == "delivered").then_some(())
    });
}

/// How `lectern serve` ends with these arguments, at once.
fn refused(data: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(judge::lectern());
    command.args(["serve", "--data"]).arg(data).args(arguments).env("LECTERN_ADMIN_TOKEN", TOKEN);
    let output = command.stdin(Stdio::null()).output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_unit_alone_has_its_own_port_looks_for_its_own_tables_and_migrates_nothing() {
    let (_folder, data) = fresh();
    let at = ["--listen", "127.0.0.1:0"];
    for _ in 0..2 {
        let (code, words) = refused(&data, &["--unit", "webhook", at[0], at[1]]);
        assert!(code == Some(69) && words.contains("lectern migrate"), "{code:?} {words}");
    }
    judge::run(Command::new(judge::lectern()).args(["migrate", "--data"]).arg(&data));
    let forget = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); \
        c.execute(\"DELETE FROM lectern_migrations WHERE module = 'queue'\"); c.commit()";
    judge::run(Command::new("python3").args(["-c", forget]).arg(data.join("lectern.db")));
    for arguments in [["--unit", "media"], ["--only", "processing,webhook"]] {
        let (code, words) = refused(&data, &[arguments[0], arguments[1], at[0], at[1]]);
        assert!(code == Some(69) && words.contains("lectern migrate"), "{arguments:?}: {code:?} {words}");
    }
    let server = Server::spawn(Command::new(judge::lectern()), &data, &["--unit", "webhook"]);
    assert_eq!(server.call("GET", "/readyz", &[], None).unwrap().status, 200);
    server.admin("GET", "/api/v1/webhooks", None, 200);

    let _taken = wait_for("the port of webhooks", 60, || TcpListener::bind("127.0.0.1:3027").ok());
    let (code, words) = refused(&data, &["--unit", "webhook"]);
    assert!(code == Some(69) && words.contains("127.0.0.1:3027"), "{code:?} {words}");
}

#[test]
fn a_unit_that_is_not_there_and_a_role_without_its_unit_are_refused_in_a_sentence() {
    let (_folder, data) = fresh();
    let all = "this build serves gateway, ";
    let cases: [(&[&str], &str); 4] = [
        (&["--unit", "chat"], all),
        (&["--only", "webhook,nothing"], all),
        (&["--unit", "webhook", "--roles", "api,worker"], "processing"),
        (&["--only", "media", "--roles", "origin"], "api"),
    ];
    for (arguments, words) in cases {
        let (code, said) = refused(&data, arguments);
        assert!(code == Some(78) && said.contains(words) && said.contains("help"), "{arguments:?}: {code:?} {said}");
    }
    assert!(!data.exists(), "nothing was begun");
}
