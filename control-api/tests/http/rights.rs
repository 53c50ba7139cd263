//! What is kept of a person, in all units together: that he is given all of it, and that nothing is left when he is erased.

use std::path::Path;
use std::time::{Duration, Instant};

use database::EngineKind;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::server::{ALL, Answer, Server, TOKEN, read};

/// What nobody else is called.
const WORD: &str = "findme8d2f";

/// Has everything that was recorded so far go into the log, where it is sealed.
async fn log_all(server: &Server) {
    let (stop, stopped) = watch::channel(false);
    let mut tasks = JoinSet::new();
    server.audit().begin(&mut tasks, &stopped);
    let deadline = Instant::now() + Duration::from_secs(60);
    while server.places_of(WORD).await.iter().any(|place| place.starts_with("audit_transit")) {
        assert!(Instant::now() < deadline, "records wait for the log");
        tokio::task::yield_now().await;
    }
    stop.send_replace(true);
    while tasks.join_next().await.is_some() {}
}

/// A person of whom every unit that has something of people has something; the id.
async fn seed(server: &Server) -> String {
    const SCIM: &str = "application/scim+json";
    let typed = async |method: &str, path: &str, headers: &[(&str, &str)], body: Value| {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = server.call(method, path, headers, body).await;
        assert!((200..300).contains(&answer.status), "{method} {path}: {:?}", answer.body);
        answer
    };
    let email = format!("{WORD}@example.com");
    let json_typed = ("content-type", "application/json");
    let made = typed("POST", "/scim/v2/Users", &[("content-type", SCIM)], json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": WORD, "externalId": format!("x-{WORD}"),
        "displayName": format!("Anna {WORD}"), "title": WORD,
        "emails": [{ "value": email, "primary": true }, { "value": format!("{WORD}@home.example") }],
    }))
    .await;
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let team = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Choir",
        "members": [{ "value": id }] });
    typed("POST", "/scim/v2/Groups", &[("content-type", SCIM)], team).await;
    let role =
        typed("POST", "/api/v1/roles", &[json_typed], json!({ "name": "Singer", "permissions": ["asset.read"] })).await;
    let has = json!({ "user_id": id, "role_id": role.json()["id"] });
    typed("POST", "/api/v1/role-bindings", &[json_typed, ("idempotency-key", "bind")], has).await;

    let link = typed("POST", &format!("/api/v1/users/{id}/password-link"), &[], Value::Null).await.json();
    let chosen = json!({ "token": link["token"], "password": "a horse of another colour" });
    typed("POST", "/api/v1/auth/password", &[json_typed], chosen).await;
    let who = json!({ "tenant": "default", "email": email, "password": "a horse of another colour" }).to_string();
    let agent = format!("browser of {WORD}");
    let headers = [json_typed, ("user-agent", agent.as_str())];
    let signed_in = read(server.send("POST", "/api/v1/auth/sessions", &headers, who.into()).await).await;
    assert_eq!(signed_in.status, 201, "{:?}", signed_in.body);
    typed("POST", &format!("/api/v1/users/{id}/password-link"), &[], Value::Null).await;
    let token = signed_in.json()["access_token"].as_str().unwrap().to_owned();
    let shown = server.ask(&token, "GET", "/api/v1/users/me", "").await;
    let bearer = format!("Bearer {token}");
    let change = json!({ "preferences": { "nick": WORD } }).to_string();
    let headers = [json_typed, ("authorization", bearer.as_str()), ("if-match", shown.header("etag"))];
    let changed = read(server.send("PATCH", "/api/v1/users/me", &headers, change.into()).await).await;
    assert_eq!(changed.status, 200, "{:?}", changed.body);
    let field = json!({ "key": "nick", "label": "Nick", "kind": "text", "visibility": "self" });
    typed("POST", "/api/v1/users/fields", &[json_typed], field).await;
    let values = json!({ "values": { "nick": WORD } }).to_string();
    let headers = [json_typed, ("authorization", bearer.as_str()), ("if-match", "*")];
    let changed = read(server.send("PATCH", "/api/v1/users/me/fields", &headers, values.into()).await).await;
    assert_eq!(changed.status, 200, "{:?}", changed.body);
    let agrees = json!({ "purpose": "analytics", "version": "1", "is_given": true }).to_string();
    assert_eq!(server.ask(&token, "POST", "/api/v1/users/me/consents", agrees).await.status, 201);
    let school = typed("POST", "/api/v1/org/nodes", &[json_typed], json!({ "name": "North" })).await.json();
    let at = format!("/api/v1/org/people/{id}");
    typed("PUT", &at, &[json_typed, ("if-match", "*")], json!({ "node_id": school["id"] })).await;
    let class = typed("POST", "/api/v1/org/teams", &[json_typed], json!({ "name": "Altos" })).await.json();
    let at = format!("/api/v1/org/teams/{}/people/{id}", class["id"].as_str().unwrap());
    typed("PUT", &at, &[json_typed], json!({ "is_manager": false })).await;
    experiment(server, &id).await;
    let asked = server.ask(&token, "PUT", "/api/v1/users/me/erasure", json!({ "grace_days": 7 }).to_string()).await;
    assert_eq!(asked.status, 200, "{:?}", asked.body);
    id
}

/// Has the person be in an experiment.
async fn experiment(server: &Server, id: &str) {
    let arm = |name: &str| json!({ "name": name, "weight": 500, "value": name });
    let on = json!({ "production": { "enabled": true, "variants": [arm("red"), arm("blue")] } });
    let flag = json!({ "key": "colour", "value_type": "string", "environments": on });
    assert_eq!(server.post("/api/v1/flags", &flag).await.status, 201);
    let design = json!({ "flag_key": "colour", "environment": "production", "goal": "bought" });
    assert_eq!(server.post("/api/v1/flag-experiments", &design).await.status, 201);
    let seen =
        json!({ "flag_key": "colour", "environment": "production", "unit": id, "event": "exposed", "variant": "red" });
    let told = server.post("/api/v1/flag-events", &json!({ "events": [seen] })).await;
    assert_eq!(told.status, 202, "{:?}", told.body);
}

/// The same of one whose making is remembered under a key, and who has told nothing else; the id.
async fn seed_remembered(server: &Server) -> String {
    let headers = [("content-type", "application/json"), ("idempotency-key", "make")];
    let new = json!({ "email": format!("{WORD}.2@example.com"), "name": WORD }).to_string();
    let made = server.call("POST", "/api/v1/users", &headers, new).await;
    assert_eq!(made.status, 201, "{:?}", made.body);
    made.json()["id"].as_str().unwrap().to_owned()
}

async fn erase(server: &Server, id: &str) -> Answer {
    server.call("DELETE", &format!("/api/v1/users/{id}"), &[("if-match", "*")], "").await
}

/// Whether a file of the folder has the text.
fn is_in_files_of(folder: &Path, text: &str) -> bool {
    std::fs::read_dir(folder).unwrap().any(|file| {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        bytes.windows(text.len()).any(|part| part.eq_ignore_ascii_case(text.as_bytes()))
    })
}

#[tokio::test]
async fn nothing_of_an_erased_person_is_left_in_any_table_or_file() {
    for kind in [EngineKind::Sqlite, EngineKind::Postgres] {
        let server = Server::on_engine(kind).await;
        let (one, other) = (seed(&server).await, seed_remembered(&server).await);
        assert!(
            server.places_of(WORD).await.iter().any(|place| place.starts_with("audit_transit")),
            "it says what changed"
        );
        log_all(&server).await;
        let before = server.places_of(WORD).await;
        assert!(!before.iter().any(|place| place.starts_with("audit_")), "the log has it sealed: {before:?}");
        for place in [
            "user_account.email",
            "user_address.address",
            "user_field_value.value",
            "user_word.word",
            "auth_session.user_agent",
            "idempotency.body",
        ] {
            assert!(before.iter().any(|seen| seen == place), "{place} has it before: {before:?}");
        }
        // Under a hash of who it is.
        let in_experiments =
            async || server.places_of("red").await.iter().any(|place| place == "flag_exposure.variant");
        assert!(in_experiments().await);
        let folder = (kind == EngineKind::Sqlite).then(|| Path::new(server.database_url()).parent().unwrap());
        if let Some(folder) = folder {
            assert!(is_in_files_of(folder, WORD), "it is in a file before");
        }
        for id in [&one, &other] {
            let erased = erase(&server, id).await;
            assert_eq!(erased.status, 204, "{:?}", erased.body);
            assert_eq!(server.get(&format!("/api/v1/users/{id}")).await.status, 404);
        }
        assert_eq!(server.places_of(WORD).await, [""; 0], "{kind:?}");
        if let Some(folder) = folder {
            assert!(!is_in_files_of(folder, WORD), "a file still has it");
        }
        assert!(!in_experiments().await);
        // What stays has the id.
        assert!(server.places_of(&one).await.iter().any(|place| place == "outbox.subject"));
    }
}

#[tokio::test]
async fn one_archive_has_what_every_unit_has_of_a_person_and_no_secret() {
    let server = Server::start().await;
    let id = seed(&server).await;
    let archive = server.get(&format!("/api/v1/users/{id}/export")).await;
    assert_eq!((archive.status, archive.header("content-type")), (200, "application/zip"));
    let bytes = archive.body.to_vec();
    let has = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
    // Nothing is compressed in it.
    for file in [
        "about/archive.json",
        "user/profile.json",
        "user/groups.ndjson",
        "user/fields.json",
        "user/consents.ndjson",
        "auth/factors.json",
        "auth/sessions.ndjson",
        "rbac/roles.ndjson",
        "flags/experiments.ndjson",
        "org/place.json",
        "org/rolls.ndjson",
    ] {
        assert!(has(file), "{file}");
    }
    for text in [WORD, "browser of", "Choir", "Singer", "North", "Altos"] {
        assert!(has(text), "{text}");
    }
    for unit in ALL {
        let why = unit.rights.why_nothing().unwrap_or(unit.slug);
        assert!(has(why), "{}", unit.slug);
    }
    assert!(!has("argon2id"), "the hash of a password is nobody's business");
    let (_, key) = server.key("default", &["user.read"]).await;
    assert_eq!(server.ask(&key, "GET", &format!("/api/v1/users/{id}/export"), "").await.status, 403);
    assert_eq!(server.ask(TOKEN, "GET", "/api/v1/users/usr_0/export", "").await.status, 404);
}

#[test]
fn every_unit_has_said_what_it_has_of_people_and_what_it_removes() {
    for unit in ALL {
        assert_ne!(unit.rights.hooks().is_some(), unit.rights.why_nothing().is_some(), "{}", unit.slug);
        if let Some(why) = unit.rights.why_nothing() {
            assert!(why.split(' ').count() > 3, "{} says why it has nothing", unit.slug);
        }
        for retention in unit.rights.retention() {
            assert!(retention.kept_ms >= 0 && retention.remove.contains("LIMIT $2"), "{}", retention.what);
        }
    }
}
