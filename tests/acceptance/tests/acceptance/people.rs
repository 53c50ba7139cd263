//! People who sign in, judged by somebody else's verifier of their tokens.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::judge;
use crate::server::{Answer, Server, TOKEN, fresh, log_of, wait_for};

pub const PASSWORD: &str = "a horse of another colour";

fn post(server: &Server, path: &str, body: &Value, status: u16) -> Value {
    let headers = [("Content-Type", "application/json"), ("User-Agent", "acceptance")];
    let answer = server.call("POST", path, &headers, Some(body.to_string().as_bytes())).unwrap();
    assert_eq!(answer.status, status, "{path}: {}", String::from_utf8_lossy(&answer.body));
    if answer.body.is_empty() { Value::Null } else { answer.json() }
}

fn as_person(server: &Server, tokens: &Value, method: &str, path: &str) -> Answer {
    let authorization = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    server.call(method, path, &[("Authorization", &authorization)], None).unwrap()
}

/// A person of the default tenant who has set a password; the id.
pub fn person(server: &Server, email: &str, permissions: &[&str]) -> String {
    let new = json!({ "email": email, "name": "Anna", "permissions": permissions });
    let id = server.admin("POST", "/api/v1/users", Some(new), 201).json()["id"].as_str().unwrap().to_owned();
    let link = server.admin("POST", &format!("/api/v1/users/{id}/password-link"), None, 200).json();
    let chosen = json!({ "token": link["token"], "password": PASSWORD });
    post(server, "/api/v1/auth/password", &chosen, 204);
    id
}

#[test]
fn a_person_signs_in_is_verified_by_others_and_is_signed_out_everywhere_once_he_is_suspended() {
    let (_folder, data) = fresh();
    let server = Server::start(&data);
    let id = person(&server, "anna@example.com", &["flag.create", "flag.read"]);
    let who = json!({ "tenant": "default", "email": "Anna@Example.com", "password": PASSWORD });
    let tokens = post(&server, "/api/v1/auth/sessions", &who, 201);
    let mut command = Command::new(judge::root().join(".cache/venv/bin/python3"));
    command.arg(judge::root().join("tests/people/verify.py"));
    command.args([&server.base, tokens["access_token"].as_str().unwrap()]);
    let claims: Value = serde_json::from_slice(&judge::run(&mut command).stdout).unwrap();
    assert_eq!((&claims["sub"], &claims["sid"]), (&json!(id), &tokens["session_id"]), "{claims}");

    let authorization = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
    let made = server.call("POST", "/api/v1/flags", &headers, Some(br#"{"key":"by-anna"}"#)).unwrap();
    assert_eq!(made.status, 201, "{}", String::from_utf8_lossy(&made.body));
    let refused = as_person(&server, &tokens, "GET", "/api/v1/assets");
    assert_eq!(
        (refused.status, &refused.json()["detail"]),
        (403, &json!("this person lacks the permission asset.read"))
    );
    let log = format!("/api/v1/audit/entries?actor={id}&action=create_flag");
    wait_for("the log to name the person", 60, || {
        let found = server.admin("GET", &log, None, 200).json();
        (found["items"].as_array().unwrap().len() == 1).then_some(())
    });

    server.kill();
    let server = Server::start(&data);
    let again = json!({ "refresh_token": tokens["refresh_token"] });
    let tokens = post(&server, "/api/v1/auth/sessions/refresh", &again, 200);
    let sessions = as_person(&server, &tokens, "GET", "/api/v1/auth/sessions").json();
    let [session] = &sessions["items"].as_array().unwrap()[..] else { panic!("it is one session: {sessions}") };
    assert_eq!((&session["user_agent"], &session["is_current"]), (&json!("acceptance"), &json!(true)));
    let authorization = format!("Bearer {TOKEN}");
    let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json"), ("If-Match", "*")];
    let change = server.call("PATCH", &format!("/api/v1/users/{id}"), &headers, Some(br#"{"state":"suspended"}"#));
    assert_eq!(change.unwrap().status, 200);
    wait_for("the person to be signed out", 5, || {
        (as_person(&server, &tokens, "GET", "/api/v1/flags").status == 401).then_some(())
    });
    let again = json!({ "refresh_token": tokens["refresh_token"] });
    assert_eq!(post(&server, "/api/v1/auth/sessions/refresh", &again, 401)["code"], "session.invalid_token");
}

#[test]
fn codes_of_somebody_elses_authenticator_are_asked_for_behind_the_password_and_taken_once() {
    let (_folder, data) = fresh();
    let server = Server::start(&data);
    let id = person(&server, "anna@example.com", &[]);
    let mut command = Command::new(judge::root().join(".cache/venv/bin/python3"));
    command.arg(judge::root().join("tests/people/factors.py"));
    command.args([&server.base, "default", "anna@example.com", PASSWORD]);
    let claims: Value = serde_json::from_slice(&judge::run(&mut command).stdout).unwrap();
    assert_eq!((&claims["sub"], &claims["acr"]), (&json!(id), &json!("aal2")), "{claims}");
    assert_eq!(claims["amr"], json!(["pwd", "otp", "mfa"]));
    server.admin("DELETE", &format!("/api/v1/users/{id}/factors"), None, 204);
    let who = json!({ "tenant": "default", "email": "anna@example.com", "password": PASSWORD });
    post(&server, "/api/v1/auth/sessions", &who, 201);
}

#[test]
fn a_letter_that_was_promised_comes_though_the_server_was_killed_and_its_link_signs_in_once_where_it_was_asked_for() {
    let (_folder, data) = fresh();
    // Nobody listens there yet.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let smtp = format!("smtp://127.0.0.1:{port}");
    let arguments = ["--smtp-url", smtp.as_str(), "--mail-from", "Lectern <no-reply@lectern.example>"];
    let start = || Server::spawn(Command::new(judge::lectern()), &data, &arguments);
    let server = start();
    let id = person(&server, "anna@example.com", &["flag.read"]);
    let who = json!({ "tenant": "default", "email": "anna@example.com" }).to_string();
    let headers = [("Content-Type", "application/json")];
    let asked = server.call("POST", "/api/v1/auth/sign-in-links", &headers, Some(who.as_bytes())).unwrap();
    assert_eq!(asked.status, 202, "{}", String::from_utf8_lossy(&asked.body));
    server.kill();
    let kept = asked.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("set-cookie"));
    let cookie = kept.unwrap().1.split(';').next().unwrap();

    let mut command = Command::new(judge::root().join(".cache/venv/bin/python3"));
    command.arg(judge::root().join("tests/people/letters.py")).args([port.as_str(), cookie]);
    let mut reader = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut told = BufReader::new(reader.stdout.take().unwrap());
    let mut line = String::new();
    told.read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    let server = start();
    writeln!(reader.stdin.take().unwrap(), "{}", server.base).unwrap();
    line.clear();
    told.read_line(&mut line).unwrap();
    assert!(reader.wait().unwrap().success(), "{line}; {}", log_of(&data));
    let told: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(told["statuses"], json!([401, 201, 401]), "{told}");
    assert_eq!((&told["last"]["code"], &told["tokens"]["user_id"]), (&json!("session.invalid_link"), &json!(id)));
    assert_eq!(as_person(&server, &told["tokens"], "GET", "/api/v1/flags").status, 200);
    let left = server.admin("GET", "/api/v1/auth/letters", None, 200).json();
    assert_eq!(left["items"], json!([]), "none was given up");
}

#[test]
fn a_browser_makes_a_passkey_and_it_lets_its_person_in_and_nobody_else() {
    let (_folder, data) = fresh();
    // One process: passkeys are for the address that it listens at.
    let server = Server::spawn(Command::new(judge::lectern()), &data, &[]);
    let id = person(&server, "anna@example.com", &["flag.read"]);
    let who = json!({ "tenant": "default", "email": "anna@example.com", "password": PASSWORD });
    let tokens = post(&server, "/api/v1/auth/sessions", &who, 201);
    let mut command = judge::harness("passkeys.mjs");
    command.args(["--base", &server.base, "--token", tokens["access_token"].as_str().unwrap()]);
    let told = String::from_utf8(judge::run(&mut command).stdout).unwrap();
    println!("{told}");
    let session: Value = serde_json::from_str(told.lines().last().unwrap()).unwrap();
    assert_eq!(session["user_id"], json!(id));
    assert_eq!(as_person(&server, &session, "GET", "/api/v1/flags").status, 200);
    let listed = as_person(&server, &session, "GET", "/api/v1/auth/passkeys").json();
    assert_eq!((&listed["items"][0]["name"], listed["items"].as_array().unwrap().len()), (&json!("Chromium"), 1));
}
