//! Events to a broker of somebody else's, and those that units learn from.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::server::{Server, fresh, wait_for};
use crate::{judge, topology};

/// What a command of `lectern events` says, a line each.
fn events(data: &Path, arguments: &[&str]) -> Vec<Value> {
    let mut command = topology::beside(data);
    let said = judge::run(command.args(["--json", "events"]).args(arguments).arg("--data").arg(data)).stdout;
    String::from_utf8(said).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A reader that has read everything.
fn done(data: &Path, name: &str) -> Value {
    wait_for(name, 60, || {
        let readers = events(data, &["readers"]);
        readers.into_iter().find(|one| one["reader"] == name && one["seq"] == one["head"])
    })
}

#[test]
fn what_happens_reaches_a_broker_and_who_reads_events_is_listed_and_begins_anew_when_he_is_told() {
    let mut command = Command::new(judge::root().join(".cache/venv/bin/python3"));
    command.arg(judge::root().join("tests/brokers/broker.py")).arg("nats");
    let mut broker = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut answers = BufReader::new(broker.stdout.take().unwrap()).lines();
    let mut orders = broker.stdin.take().unwrap();
    let address = answers.next().unwrap().unwrap();

    let (_folder, data) = fresh();
    let mut command = Command::new(judge::lectern());
    command.env("LECTERN_BRIDGE", format!("{address}?kinds=flag.*&from=start"));
    let server = Server::launch(command, &data, &[]);
    let user = json!({ "email": "anna@example.com", "name": "Anna" });
    server.admin("POST", "/api/v1/users", Some(user), 201);
    for key in ["one", "two"] {
        server.admin("POST", "/api/v1/flags", Some(json!({ "key": key })), 201);
    }
    writeln!(orders, "take 2").unwrap();
    let told: Vec<Value> = serde_json::from_str(&answers.next().unwrap().unwrap()).unwrap();
    let subjects: Vec<_> = told.iter().map(|event| (&event["type"], &event["subject"])).collect();
    let changed = json!("flag.changed");
    assert_eq!(subjects, [(&changed, &json!("one")), (&changed, &json!("two"))], "{told:?}");

    assert_eq!(done(&data, "bridge.nats")["error"], Value::Null);
    let people = || server.admin("GET", "/api/v1/tenants/ten_default/people", None, 200).json();
    done(&data, "org.people");
    assert_eq!(people(), json!({ "active": 1, "suspended": 0 }));
    let anew = events(&data, &["replay", "--unit", "org"]);
    assert_eq!((anew.len(), &anew[0]["reader"]), (1, &json!("org.people")));
    done(&data, "org.people");
    assert_eq!(people(), json!({ "active": 1, "suspended": 0 }));
    drop(orders);
    broker.wait().unwrap();
}
