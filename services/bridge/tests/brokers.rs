//! One suite for every broker, each published to as its bridge does and read by its own client (`tests/brokers/broker.py`).
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use bridge::Address;
use database::Json;
use database::outbox::EventRow;
use kernel::CloudEvent;
use serde_json::{Value, json};

const EVENTS: usize = 60;
const SUBJECTS: usize = 5;

/// A broker, and who listens to it.
struct Judge {
    child: Child,
    /// It lives while this is open.
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    address: String,
}

impl Judge {
    fn start(kind: &str) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut command = Command::new(root.join(".cache/venv/bin/python3"));
        command.arg(root.join("tests/brokers/broker.py")).arg(kind).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("`tests/run.sh` makes .cache/venv");
        let (orders, answers) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        let mut judge = Self { child, orders, answers, address: String::new() };
        judge.address = judge.answer();
        judge
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        assert!(line.ends_with('\n'), "the broker's own client has failed, and said why");
        line.trim_end().to_owned()
    }

    /// The next events that were published.
    fn take(&mut self, count: usize) -> Vec<Value> {
        writeln!(self.orders.as_mut().unwrap(), "take {count}").unwrap();
        serde_json::from_str(&self.answer()).unwrap()
    }

    fn stop(&mut self) {
        self.orders = None;
        self.child.wait().unwrap();
    }
}

impl Drop for Judge {
    fn drop(&mut self) {
        self.orders = None;
        let _ = self.child.wait();
    }
}

fn event(round: &str, at: usize) -> CloudEvent {
    let row = EventRow {
        seq: i64::try_from(at).unwrap() + 1,
        id: format!("evt_{round}_{at}"),
        tenant_id: "ten_1".to_owned(),
        kind: if at.is_multiple_of(2) { "asset.ready" } else { "user.erased" }.to_owned(),
        subject: format!("of {} \u{fc}\"%", at % SUBJECTS),
        data: Json(json!({ "n": at, "name": "\u{fc}" })),
        time_ms: 1_795_233_000_250,
    };
    CloudEvent::new(row, "https://learn.example/api/v1/events")
}

/// What every broker has to do; `again` is how often it keeps what was published twice.
async fn suite(kind: &str, again: usize) {
    let mut judge = Judge::start(kind);
    for mode in ["structured", "binary"] {
        let address = Address::parse(&format!("{}?mode={mode}", judge.address)).unwrap();
        let events: Vec<CloudEvent> = (0..EVENTS).map(|at| event(mode, at)).collect();
        for _ in 0..2 {
            // As a process does that was killed before it could count what it has published.
            let mut broker = address.connect().await.unwrap();
            broker.publish(&events).await.unwrap();
        }
        let expected: BTreeMap<String, Value> = events
            .iter()
            .map(|event| (event.id().to_owned(), serde_json::from_slice(&event.structured()).unwrap()))
            .collect();
        let mut seen = BTreeSet::new();
        let mut last: BTreeMap<String, String> = BTreeMap::new();
        for event in judge.take(EVENTS * again) {
            let id = event["id"].as_str().unwrap().to_owned();
            assert_eq!(Some(&event), expected.get(&id), "{kind}, {mode}");
            if seen.insert(id) {
                let sequence = event["sequence"].as_str().unwrap().to_owned();
                let before = last.insert(event["subject"].to_string(), sequence.clone());
                assert!(before.is_none_or(|before| before < sequence), "{kind}, {mode}: {event} is out of order");
            }
        }
        assert_eq!(seen.len(), EVENTS, "{kind}, {mode}");
    }
    let address = Address::parse(&judge.address).unwrap();
    judge.stop();
    assert!(address.connect().await.is_err(), "{kind}: nobody is there");
}

#[tokio::test]
async fn nats_jetstream_keeps_every_event_once_and_in_its_order() {
    suite("nats", 1).await;
}

#[tokio::test]
async fn amqp_keeps_every_event_in_its_order() {
    suite("rabbitmq", 2).await;
}

#[tokio::test]
async fn kafka_keeps_every_event_in_its_order() {
    suite("kafka", 2).await;
}
