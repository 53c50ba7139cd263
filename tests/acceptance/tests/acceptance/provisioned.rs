//! A school's directory, judged by somebody else's checks of SCIM.

use std::process::Command;

use serde_json::{Value, json};

use crate::judge;
use crate::server::{Answer, Server, fresh};

const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

/// The key of a directory: its secret.
fn key(server: &Server) -> String {
    let wish = json!({ "name": "directory", "permissions": ["user.*", "group.*"] });
    server.admin("POST", "/api/v1/api-keys", Some(wish), 201).json()["secret"].as_str().unwrap().to_owned()
}

fn ask(server: &Server, key: &str, method: &str, path: &str, condition: &str, body: &Value) -> Answer {
    let authorization = format!("Bearer {key}");
    let headers =
        [("Authorization", authorization.as_str()), ("Content-Type", "application/scim+json"), ("If-Match", condition)];
    let headers = if condition.is_empty() { &headers[..2] } else { &headers[..] };
    let body = if body.is_null() { None } else { Some(body.to_string()) };
    server.call(method, path, headers, body.as_ref().map(String::as_bytes)).unwrap()
}

#[test]
fn somebody_elses_checks_of_a_whole_service_find_nothing_wrong() {
    let (_folder, data) = fresh();
    let server = Server::start(&data);
    let mut command = Command::new(judge::root().join(".cache/venv/bin/python3"));
    command.arg(judge::root().join("tests/people/provision.py")).args([&server.base, &key(&server)]);
    let told: Value = serde_json::from_slice(&judge::run(&mut command).stdout).unwrap();
    assert_eq!(told["failed"], json!([]), "{told}");
    assert!(told["counts"]["SUCCESS"].as_u64() > Some(200), "{told}");
    let left = ask(&server, &key(&server), "GET", "/scim/v2/Groups", "", &Value::Null).json();
    assert_eq!(left["totalResults"], 0, "what the checks made they have removed");
}

#[test]
fn a_directory_finds_changes_and_suspends_a_person_as_the_rfc_has_it() {
    let (_folder, data) = fresh();
    let server = Server::start(&data);
    let key = key(&server);
    let anna = json!({ "schemas": [CORE], "userName": "anna", "emails": [
        { "value": "anna@x.example", "type": "work", "primary": true }, { "value": "anna@home.example", "type": "home" },
    ] });
    let made = ask(&server, &key, "POST", "/scim/v2/Users", "", &anna);
    assert_eq!(made.status, 201, "{}", String::from_utf8_lossy(&made.body));
    let made = made.json();
    let at = made["meta"]["location"].as_str().unwrap();
    let found = |filter: &str| {
        let question = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": filter });
        ask(&server, &key, "POST", "/scim/v2/.search", "", &question).json()["totalResults"].clone()
    };
    assert_eq!(found("emails[type eq \"work\" and value co \"@x\"]"), 1);
    assert_eq!(found("emails[type eq \"home\" and value co \"@x\"]"), 0);

    let version = made["meta"]["version"].as_str().unwrap();
    let operations = json!([
        { "op": "replace", "path": "emails[type eq \"work\"].value", "value": "new@x.example" },
        { "op": "remove", "path": "emails[type eq \"home\"]" },
        { "op": "replace", "path": "active", "value": false },
    ]);
    let change = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations });
    let changed = ask(&server, &key, "PATCH", at, version, &change);
    let expected = json!([{ "value": "new@x.example", "type": "work", "primary": true }]);
    assert_eq!((changed.status, &changed.json()["emails"]), (200, &expected));
    for method in ["PATCH", "PUT", "DELETE"] {
        let body = if method == "PATCH" { &change } else { &anna };
        let stale = ask(&server, &key, method, at, version, body);
        assert_eq!((stale.status, &stale.json()["status"]), (412, &json!("412")), "{method}");
    }
    let account = format!("/api/v1/users/{}", made["id"].as_str().unwrap());
    let account = server.admin("GET", &account, None, 200).json();
    assert_eq!((&account["email"], &account["state"]), (&json!("new@x.example"), &json!("suspended")));
}
