//! Flags, read by clients of others: Unleash's for Node, for Python and for pages, and OpenFeature's providers of OFREP.

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::judge;
use crate::server::{Server, fresh};

/// A client that says what it has come to, line by line.
struct Client {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Client {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    fn says(&mut self, word: &str) {
        let said = self.lines.by_ref().map(Result::unwrap).find(|line| line == word);
        assert!(said.is_some(), "it ended before it said {word}");
    }

    fn end(mut self) {
        assert!(self.child.wait().unwrap().success());
    }
}

fn secret(server: &Server, path: &str, wish: Value, name: &str) -> String {
    server.admin("POST", path, Some(wish), 201).json()[name].as_str().unwrap().to_owned()
}

#[test]
fn clients_of_others_read_all_types_and_keep_what_they_know_when_the_server_is_gone() {
    let (folder, data) = fresh();
    let server = Server::spawn(Command::new(judge::lectern()), &data, &[]);
    for (key, value_type, value) in [
        ("boolean", "boolean", json!(true)),
        ("float", "float", json!(1.5)),
        ("integer", "integer", json!(7)),
        ("object", "object", json!({ "a": [1, null] })),
        ("string", "string", json!("42")),
    ] {
        let on = json!({ "production": { "enabled": true, "on_value": value } });
        let new = json!({ "key": key, "value_type": value_type, "public": key == "string", "environments": on });
        server.admin("POST", "/api/v1/flags", Some(new), 201);
    }
    let off = json!({ "key": "off", "environments": { "production": { "enabled": false } } });
    server.admin("POST", "/api/v1/flags", Some(off), 201);
    let wish = json!({ "name": "clients", "permissions": ["flag.evaluate"] });
    let key = secret(&server, "/api/v1/api-keys", wish, "secret");
    let public = secret(&server, "/api/v1/flag-keys", json!({ "environment": "production" }), "id");

    let mut node = Command::new("node");
    node.current_dir(judge::root().join("tests/flags")).args(["clients.mjs", &server.base, &key, &public]);
    let mut python = Command::new(judge::root().join(".cache/venv/bin/python3"));
    python.arg(judge::root().join("tests/flags/clients.py")).args([&server.base, &key]).arg(folder.path());
    let mut clients = [Client::start(node), Client::start(python)];
    for client in &mut clients {
        client.says("read");
    }
    server.kill();
    for mut client in clients {
        client.says("held");
        client.end();
    }
}
