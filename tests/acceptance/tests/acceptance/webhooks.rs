//! Events to a receiver outside, over the server's death.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use database::{Database, outbox};
use http_client::testing;
use media_types::TenantId;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::server::{Server, TOKEN, fresh, fresh_and_quick, wait_for};
use crate::{judge, topology};

/// A message as it came.
#[derive(Clone)]
pub struct Message {
    headers: BTreeMap<String, String>,
    body: String,
}

impl Message {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

pub type Messages = Arc<Mutex<Vec<Message>>>;

/// Takes all messages but the first one of a kind, which is answered so, or never.
pub fn receive(runtime: &Runtime, kind: &'static str, first: Option<u16>) -> (SocketAddr, Messages) {
    let messages = Messages::default();
    let kept = messages.clone();
    let answer = move |request: hyper::Request<_>| {
        let (parts, body) = request.into_parts();
        let text = |value: &hyper::header::HeaderValue| value.to_str().unwrap().to_owned();
        let headers = parts.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        let message = Message { headers, body: String::from_utf8(Vec::from(body)).unwrap() };
        let is_first = {
            let of_kind = |all: &[Message]| all.iter().filter(|one| one.json()["type"] == kind).count();
            let mut all = kept.lock().unwrap();
            let before = of_kind(&all);
            all.push(message);
            before == 0 && of_kind(&all) == 1
        };
        async move {
            let mut answer = hyper::Response::new(testing::full("thanks"));
            if is_first {
                let Some(status) = first else { return std::future::pending().await };
                *answer.status_mut() = status.try_into().unwrap();
            }
            answer
        }
    };
    (runtime.block_on(testing::serve(answer)), messages)
}

/// Has the Python library of Standard Webhooks verify every message, and refuse it when it was changed.
pub fn verify(secret: &str, messages: &[Message]) {
    const SCRIPT: &str = r#"
import json, sys
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
given = json.load(sys.stdin)
webhook = Webhook(given["secret"])
for message in given["messages"]:
    webhook.verify(message["body"], message["headers"])
    try:
        webhook.verify(message["body"] + " ", message["headers"])
    except WebhookVerificationError:
        continue
    sys.exit("a changed body was taken")
print(len(given["messages"]))
"#;
    let messages: Vec<Value> =
        messages.iter().map(|message| json!({ "headers": message.headers, "body": message.body })).collect();
    let given = json!({ "secret": secret, "messages": messages }).to_string();
    let mut command = Command::new(judge::root().join(".cache/venv/bin/python3"));
    let mut child = command
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), given.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), messages.len().to_string());
}

fn start(data: &Path, allowed: &str) -> Server {
    let mut command = Command::new(judge::lectern());
    command.env("LECTERN_WEBHOOK_ALLOW", allowed);
    Server::launch(command, data, &[])
}

/// What the outbox holds: ids by number.
fn events(runtime: &Runtime, data: &Path) -> Vec<(i64, String, String)> {
    let address = if topology::is_fleet() {
        topology::Shared::of(data).database
    } else {
        data.join("lectern.db").display().to_string()
    };
    runtime.block_on(async {
        let database = Database::open(&address).await.unwrap();
        let rows = outbox::after(&database, &TenantId::from_unique("default"), 0, outbox::MAX_PAGE).await.unwrap();
        database.close().await;
        rows.into_iter().map(|row| (row.seq, row.id, row.kind)).collect()
    })
}

#[test]
fn the_whole_life_of_an_upload_arrives_signed_over_a_kill_of_the_server() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (address, messages) = receive(&runtime, "asset.playable", None);
    let (_folder, data) = fresh_and_quick();
    let server = start(&data, "127.0.0.0/8");
    let wish = json!({ "url": format!("http://{address}/hook"), "events": ["asset.*"], "description": "a library" });
    let webhook = server.admin("POST", "/api/v1/webhooks", Some(wish), 201).json();
    let (id, secret) = (webhook["id"].as_str().unwrap(), webhook["secret"].as_str().unwrap());
    server.admin("POST", &format!("/api/v1/webhooks/{id}/test"), None, 202);
    let asset = server.upload(&judge::media("kill.mp4"), "kill.mp4");
    let of = |kind: &str| messages.lock().unwrap().iter().filter(|one| one.json()["type"] == kind).count();
    wait_for("the message that hangs", 120, || (of("asset.playable") == 1).then_some(()));
    server.kill();
    let server = start(&data, "127.0.0.0/8");
    assert_eq!(server.settled(&asset, 300)["state"], "ready");
    wait_for("the message again, and the last one", 120, || {
        (of("asset.playable") == 2 && of("asset.ready") == 1).then_some(())
    });
    let arrived = messages.lock().unwrap().clone();
    verify(secret, &arrived);
    let ids = |kind: &str| -> BTreeSet<String> {
        arrived.iter().filter(|one| one.json()["type"] == kind).map(|one| one.headers["webhook-id"].clone()).collect()
    };
    assert_eq!((ids("asset.playable").len(), ids("webhook.test").len()), (1, 1), "the same id for both attempts");
    let mut firsts = BTreeSet::new();
    let order: Vec<i64> = arrived
        .iter()
        .filter(|one| one.json()["subject"] == asset.as_str() && firsts.insert(one.headers["webhook-id"].clone()))
        .map(|one| one.json()["seq"].as_i64().unwrap())
        .collect();
    let happened = events(&runtime, &data);
    assert_eq!(order, happened.iter().map(|(seq, ..)| *seq).collect::<Vec<_>>(), "all of it, in order: {happened:?}");
    let deliveries = server.admin("GET", &format!("/api/v1/webhooks/{id}/deliveries"), None, 200).json();
    for delivery in deliveries["items"].as_array().unwrap() {
        assert_eq!(delivery["state"], "delivered", "{delivery}");
    }
}

#[test]
fn a_machine_of_the_inside_is_not_reached_unless_the_operator_allows_it() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (address, messages) = receive(&runtime, "nothing", None);
    let (_folder, data) = fresh();
    let server = start(&data, "");
    let wish = |url: String| Some(json!({ "url": url }));
    for url in [format!("http://{address}/"), "http://169.254.169.254/latest/meta-data".to_owned()] {
        let refused = server.admin("POST", "/api/v1/webhooks", wish(url), 422).json();
        assert_eq!(refused["code"], "webhook.invalid_url");
    }
    let named = format!("http://localhost:{}/", address.port());
    let webhook = server.admin("POST", "/api/v1/webhooks", wish(named), 201).json();
    let at = format!("/api/v1/webhooks/{}", webhook["id"].as_str().unwrap());
    let test = server.admin("POST", &format!("{at}/test"), None, 202).json();
    let delivery = format!("{at}/deliveries/{}", test["id"].as_str().unwrap());
    let tried = wait_for("an attempt", 30, || {
        let found = server.admin("GET", &delivery, None, 200).json();
        found["attempts"].as_array().is_some_and(|attempts| !attempts.is_empty()).then_some(found)
    });
    assert!(tried["attempts"][0]["error"].as_str().unwrap().contains("is no public address"), "{tried}");
    assert_eq!(messages.lock().unwrap().len(), 0);

    let mut command = topology::beside(&data);
    command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data.with_extension("other"));
    command.env("LECTERN_ADMIN_TOKEN", TOKEN).env("LECTERN_WEBHOOK_ALLOW", "10.0.0.0/33");
    let refused = command.stdin(Stdio::null()).output().unwrap();
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && words.contains("LECTERN_WEBHOOK_ALLOW"), "{words}");
}
