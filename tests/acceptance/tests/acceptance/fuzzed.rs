//! Schemathesis, which knows nothing of the product but its document, calls every operation of every unit with what that allows and
//! with what it does not. How many requests it makes, and what it holds every answer against, is in `tests/openapi`.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::judge;
use crate::server::{Server, TOKEN, fresh};

/// The operations of a document: id, and whether their answers have no end.
fn operations(document: &Value) -> Vec<(&str, bool)> {
    let items = document["paths"].as_object().unwrap().values();
    let operations = items.flat_map(|item| item.as_object().unwrap().values());
    let told = operations.map(|of| {
        let is_endless = of["responses"]["200"]["content"]["text/event-stream"].is_object();
        (of["operationId"].as_str().unwrap(), is_endless)
    });
    told.collect()
}

/// Something to be found: Schemathesis takes ids from the lists that it reads.
fn furnish(server: &Server, folder: &Path) {
    let on = json!({ "production": { "enabled": true } });
    for (path, body) in [
        ("/api/v1/api-keys", json!({ "name": "camera", "permissions": ["asset.read"] })),
        ("/api/v1/audit/holds", json!({ "reason": "case 4711" })),
        ("/api/v1/audit/streams", json!({ "url": "https://nobody.invalid/ingest" })),
        (
            "/api/v1/auth/providers",
            json!({ "name": "School account", "issuer": "https://nobody.invalid", "client_id": "lectern" }),
        ),
        ("/api/v1/flags", json!({ "key": "colour", "environments": on })),
        ("/api/v1/flag-keys", json!({ "environment": "production" })),
        (
            "/api/v1/flag-requests",
            json!({ "flag_key": "colour", "environment": "staging", "settings": { "enabled": true } }),
        ),
        (
            "/api/v1/oauth-clients",
            json!({ "name": "Library", "is_confidential": false, "redirect_uris": ["http://127.0.0.1/callback"] }),
        ),
        ("/api/v1/org/invitations", json!({ "email": "bruno@example.com" })),
        ("/api/v1/org/licences", json!({ "name": "Advanced Physics", "seats": 2 })),
        ("/api/v1/org/nodes", json!({ "name": "Physics" })),
        ("/api/v1/org/teams", json!({ "name": "Class of 2027" })),
        ("/api/v1/roles", json!({ "name": "Teacher", "permissions": ["asset.read"] })),
        (
            "/scim/v2/Groups",
            json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Physics" }),
        ),
        ("/scim/v2/Users", json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "anna" })),
        ("/api/v1/tenants", json!({ "slug": "north", "name": "North" })),
        ("/api/v1/uploads", json!({ "filename": "half.mp4", "size": 3 })),
        // Where nobody is: nothing leaves this machine.
        ("/api/v1/webhooks", json!({ "url": "https://nobody.invalid/hook" })),
    ] {
        server.admin("POST", path, Some(body), 201);
    }
    let source = folder.join("whole.mp4");
    std::fs::write(&source, "abc").unwrap();
    server.upload(&source, "whole.mp4");
}

#[test]
fn no_operation_of_any_unit_answers_500_or_a_refusal_that_is_no_problem() {
    let (folder, data) = fresh();
    let mut serve = Command::new(judge::lectern());
    serve.env("LECTERN_KEK", "4f".repeat(32));
    let server = Server::spawn(serve, &data, &["--roles", "api,origin"]);
    furnish(&server, folder.path());
    let at = format!("{}/api/openapi.json", server.base);
    let document = server.call("GET", &at, &[], None).unwrap().json();
    let operations = operations(&document);
    let endless: Vec<&str> = operations.iter().filter(|(_, is_endless)| *is_endless).map(|(id, _)| *id).collect();

    let (settings, report) = (judge::root().join("tests/openapi"), folder.path().join("report.json"));
    let mut fuzz = Command::new(judge::root().join(".cache/venv/bin/st"));
    fuzz.current_dir(folder.path()).env("SCHEMATHESIS_HOOKS", settings.join("hooks.py"));
    fuzz.arg("--config-file").arg(settings.join("schemathesis.toml")).args(["run", &at, "--no-color"]);
    fuzz.args(["--header", &format!("Authorization: Bearer {TOKEN}")]);
    fuzz.args(["--report", "json", "--report-json-path"]).arg(&report);
    for id in &endless {
        fuzz.args(["--exclude-operation-id", id]);
    }
    let missing = |error| panic!("{error}: run `make test`, which installs Schemathesis");
    let output = fuzz.stdin(Stdio::null()).output().unwrap_or_else(missing);
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap();
    let called = &report["operations"];
    assert_eq!(
        (&called["total"], &called["tested"]),
        (&json!(operations.len()), &json!(operations.len() - endless.len()))
    );
    assert!(report["test_cases"]["generated"].as_u64() > Some(1000), "{told}");
}
