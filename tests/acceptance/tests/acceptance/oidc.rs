//! People sign in to programs of others, which are somebody else's clients of OpenID Connect, in a browser.

use std::process::Command;

use serde_json::{Value, json};

use crate::judge;
use crate::people::{PASSWORD, person};
use crate::server::{Server, fresh};

/// A client of the default tenant: what it says of itself.
fn client(server: &Server, new: Value) -> Value {
    let made = server.admin("POST", "/api/v1/oauth-clients", Some(new), 201).json();
    json!({ "id": made["id"], "secret": made["client_secret"] })
}

#[test]
fn a_person_signs_in_to_programs_of_others_in_a_browser_and_lets_a_device_in() {
    let (folder, data) = fresh();
    // One process, which is known by the address that it listens at.
    let server = Server::spawn(Command::new(judge::lectern()), &data, &[]);
    let id = person(&server, "anna@example.com", &[]);
    let back = ["http://127.0.0.1/callback"];
    let new = |name: &str, is_confidential: bool| json!({ "name": name, "is_confidential": is_confidential, "redirect_uris": back });
    let mut confidential = new("Library", true);
    confidential["post_logout_redirect_uris"] = json!(["http://127.0.0.1/left"]);
    let television =
        json!({ "name": "Television", "is_confidential": false, "grants": ["device_code", "refresh_token"] });
    let clients = json!({
        "public": client(&server, new("Notes", false)),
        "confidential": client(&server, confidential),
        "device": client(&server, television),
    });
    let configuration = folder.path().join("clients.json");
    let told = json!({ "base": server.base, "email": "anna@example.com", "password": PASSWORD, "clients": clients });
    std::fs::write(&configuration, told.to_string()).unwrap();
    let mut relying = Command::new("node");
    relying.current_dir(judge::root().join("tests/oidc")).arg("relying.mjs").arg(&configuration);
    relying.arg("--screenshot").arg(judge::root().join(".cache/sign-in.png"));
    let output = String::from_utf8(judge::run(&mut relying).stdout).unwrap();
    println!("{output}");
    let said: Value = serde_json::from_str(output.lines().last().unwrap()).unwrap();

    let text = |name: &str| said[name].as_str().unwrap().to_owned();
    let mut verify = Command::new(judge::root().join(".cache/venv/bin/python3"));
    verify.arg(judge::root().join("tests/oidc/verify.py"));
    verify.args([server.base.clone(), text("id_token"), text("client_id"), text("nonce")]);
    let claims: Value = serde_json::from_slice(&judge::run(&mut verify).stdout).unwrap();
    assert_eq!(claims["sub"], json!(id), "{claims}");
}
