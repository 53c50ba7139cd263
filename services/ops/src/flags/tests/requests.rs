//! Changes that are asked for, and those that are refused.

use std::sync::atomic::{AtomicI64, Ordering};

use database::EngineKind;
use database::testing::Scratch;

use super::*;

const REQUESTS: &str = "/api/v1/flag-requests";
const PRODUCTION: &str = "/api/v1/flags/a/environments/production";

fn wish(settings: Value) -> Value {
    json!({ "flag_key": "a", "environment": "production", "settings": settings, "reason": "it is time" })
}

/// What becomes of a request: its id and its state.
fn of(request: &Value) -> (String, &str) {
    (request["id"].as_str().unwrap().to_owned(), request["state"].as_str().unwrap())
}

#[tokio::test]
async fn where_changes_need_approval_only_somebody_elses_lets_one_through_and_turning_off_needs_none() {
    for_each_engine(|db| async move {
        let api = Api::new(&flags(&db));
        let on = || json!({ "enabled": true });
        let segment =
            |user: &str| json!({ "constraints": [{ "context_name": "userId", "operator": "IN", "values": [user] }] });
        let testers = "/api/v1/flag-segments/testers";
        api.ask(200, "PUT", testers, Some(segment("ann"))).await;
        let aimed = json!({ "enabled": true, "strategies": [{ "name": "default", "segments": ["testers"] }] });
        api.make("a", "boolean", aimed.clone()).await;
        api.ask(204, "PUT", "/api/v1/flag-approvals/production", Some(json!({ "needed": true }))).await;
        let listed = api.ask(200, "GET", "/api/v1/flag-approvals", None).await;
        assert_eq!(listed["items"][0]["environment"], "production");

        let refused = async |method: &str, path: &str, body: Value| {
            assert_eq!(
                api.ask(409, method, path, Some(body)).await["code"],
                "flag.approval_required",
                "{method} {path}"
            );
        };
        refused("PUT", PRODUCTION, on()).await;
        refused("PATCH", &format!("{HERE}/a"), json!({ "archived": true })).await;
        refused("POST", HERE, json!({ "key": "b", "environments": { "production": on() } })).await;
        let condition = [("if-match", "*")];
        let others = api.call("PUT", testers, &condition, Some(segment("bob"))).await;
        assert_eq!((others.status, &others.body["code"]), (409, &json!("flag.approval_required")));
        api.ask(409, "DELETE", PRODUCTION, None).await;
        api.ask(200, "PUT", &format!("{HERE}/a/environments/staging"), Some(on())).await;
        api.ask(200, "PATCH", PRODUCTION, Some(json!({ "enabled": false }))).await;
        refused("PATCH", PRODUCTION, json!({ "enabled": true })).await;
        refused("POST", &format!("{HERE}/a/rollback"), json!({ "version": 1 })).await;

        let asked = api.ask_as("person-ann", 201, REQUESTS, Some(wish(on()))).await;
        let (id, state) = of(&asked);
        assert_eq!(
            (state, &asked["before"]["enabled"], &asked["asked_by"]),
            ("asked", &json!(false), &json!("usr_ann"))
        );
        let approve = format!("{REQUESTS}/{id}/approve");
        for nobody in ["person-ann", "person-ann-bob", "key-1"] {
            assert_eq!(api.ask_as(nobody, 403, &approve, None).await["code"], "flag.not_approver", "{nobody}");
        }
        let applied = api.ask_as("person-bob", 200, &approve, None).await;
        assert_eq!(
            (of(&applied).1, &applied["decided_by"], &applied["version"]),
            ("applied", &json!("usr_bob"), &json!(4))
        );
        let flag = api.ask(200, "GET", &format!("{HERE}/a"), None).await;
        assert_eq!((&flag["version"], &flag["environments"]["production"]), (&json!(4), &on()));
        let history = api.ask(200, "GET", &format!("{HERE}/a/history?limit=1"), None).await;
        assert_eq!(
            (&history["items"][0]["action"], &history["items"][0]["actor"]),
            (&json!("applied"), &json!("usr_ann"))
        );
        assert_eq!(api.ask_as("person-eve", 409, &approve, None).await["code"], "flag.request_decided", "once");

        let stale = api.ask_as("person-ann", 201, REQUESTS, Some(wish(aimed))).await;
        api.ask(200, "PATCH", PRODUCTION, Some(json!({ "enabled": false }))).await;
        let stale = api.ask_as("person-bob", 200, &format!("{REQUESTS}/{}/approve", of(&stale).0), None).await;
        assert_eq!((of(&stale).1, &stale["version"]), ("stale", &json!(null)), "it is not what it was asked about");
        for (what, state) in [("decline", "declined"), ("withdraw", "withdrawn")] {
            let (id, _) = of(&api.ask_as("person-ann", 201, REQUESTS, Some(wish(on()))).await);
            assert_eq!(of(&api.ask_as("person-bob", 200, &format!("{REQUESTS}/{id}/{what}"), None).await).1, state);
            let again = api.ask_as("person-bob", 409, &format!("{REQUESTS}/{id}/approve"), None).await;
            assert_eq!(again["code"], "flag.request_decided");
        }
        let all = api.ask(200, "GET", REQUESTS, None).await;
        assert_eq!(all["items"].as_array().unwrap().len(), 4);
        let declined = api.ask(200, "GET", &format!("{REQUESTS}?state=declined&flag_key=a"), None).await;
        assert_eq!(declined["items"].as_array().unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_scheduled_change_takes_effect_once_when_its_time_has_come() {
    for_each_engine(|db| async move {
        let now = Arc::new(AtomicI64::new(NOW_MS));
        let clock = Arc::clone(&now);
        let flags = Flags::new(db.clone(), Arc::new(move || clock.load(Ordering::Relaxed)));
        let flags = flags.of(&kernel::default_tenant());
        let api = Api::new(&flags);
        api.make("a", "boolean", json!({ "enabled": false })).await;
        let scheduled = |settings: Value| {
            let mut wish = wish(settings);
            wish["due_at"] = json!("2026-11-21T04:50:00+00:00");
            wish
        };
        let asked = api.ask(201, "POST", REQUESTS, Some(scheduled(json!({ "enabled": true })))).await;
        assert_eq!((of(&asked).1, &asked["due_at"]), ("approved", &json!("2026-11-21T04:50:00.000Z")));
        let late = api.ask(201, "POST", REQUESTS, Some(scheduled(json!({ "enabled": true, "on_value": true })))).await;
        let state = async |request: &Value| {
            let shown = api.ask(200, "GET", &format!("{REQUESTS}/{}", of(request).0), None).await;
            of(&shown).1.to_owned()
        };
        flags.all().take_due().await.unwrap();
        assert_eq!(state(&asked).await, "approved");
        now.store(NOW_MS + 3_600_000, Ordering::Relaxed);
        api.ask(200, "PUT", "/api/v1/flag-freeze", Some(json!({ "frozen": true }))).await;
        flags.all().take_due().await.unwrap();
        assert_eq!(state(&asked).await, "approved", "it waits");
        api.ask(200, "PUT", "/api/v1/flag-freeze", Some(json!({ "frozen": false }))).await;
        for _ in 0..2 {
            flags.all().take_due().await.unwrap();
        }
        assert_eq!((state(&asked).await, state(&late).await), ("applied".to_owned(), "stale".to_owned()));
        let flag = api.ask(200, "GET", &format!("{HERE}/a"), None).await;
        assert_eq!((&flag["version"], &flag["environments"]["production"]["enabled"]), (&json!(2), &json!(true)));

        now.store(NOW_MS, Ordering::Relaxed);
        let asked = api.ask(201, "POST", REQUESTS, Some(scheduled(json!({ "enabled": false })))).await;
        api.ask(204, "PUT", "/api/v1/flag-approvals/production", Some(json!({ "needed": true }))).await;
        now.store(NOW_MS + 3_600_000, Ordering::Relaxed);
        flags.all().take_due().await.unwrap();
        assert_eq!(state(&asked).await, "stale", "nobody has approved it");
    })
    .await;
}

#[tokio::test]
async fn while_flags_are_frozen_they_are_turned_off_and_changed_in_no_other_way() {
    for_each_engine(|db| async move {
        let api = Api::new(&flags(&db));
        api.make("a", "boolean", json!({ "enabled": true })).await;
        let freeze = "/api/v1/flag-freeze";
        assert_eq!(api.ask(200, "GET", freeze, None).await["frozen"], false);
        let why = json!({ "frozen": true, "reason": "the database moves" });
        let frozen = api.ask(200, "PUT", freeze, Some(why)).await;
        assert_eq!((&frozen["reason"], &frozen["by"]), (&json!("the database moves"), &json!("admin")));
        let on = json!({ "enabled": true, "on_value": true });
        for (method, path, body) in [
            ("PUT", PRODUCTION, Some(on.clone())),
            ("PATCH", "/api/v1/flags/a", Some(json!({ "description": "x" }))),
            ("PATCH", PRODUCTION, Some(json!({ "enabled": true }))),
            ("DELETE", PRODUCTION, None),
            ("POST", HERE, Some(json!({ "key": "b" }))),
            ("POST", "/api/v1/flags/a/rollback", Some(json!({ "version": 1 }))),
            ("PUT", "/api/v1/flag-segments/s", Some(json!({ "constraints": [] }))),
        ] {
            let refused = api.ask(409, method, path, body).await;
            assert_eq!(refused["code"], "flag.read_only", "{method} {path}");
            assert!(refused["detail"].as_str().unwrap().ends_with("the database moves"));
        }
        let asked = api.ask_as("person-ann", 201, REQUESTS, Some(wish(on.clone()))).await;
        let approve = format!("{REQUESTS}/{}/approve", of(&asked).0);
        assert_eq!(api.ask_as("person-bob", 409, &approve, None).await["code"], "flag.read_only");
        let killed = api.ask(200, "PATCH", PRODUCTION, Some(json!({ "enabled": false }))).await;
        assert_eq!(killed["version"], 2);
        let denied = api.call_as("person-ann", "PUT", freeze, &[], Some(json!({ "frozen": false }))).await;
        assert_eq!(denied.status, 403, "it is the operator's");
        api.ask(200, "PUT", freeze, Some(json!({ "frozen": false }))).await;
        api.ask(200, "PUT", PRODUCTION, Some(on)).await;
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_is_not_asked_for() {
    let scratch = Scratch::migrated(EngineKind::Sqlite).await;
    let api = Api::new(&flags(&scratch.db));
    api.make("a", "boolean", json!({ "enabled": true })).await;
    let with = |name: &str, value: Value| {
        let mut wish = wish(json!({ "enabled": true }));
        wish[name] = value;
        wish
    };
    for (wish, pointer, code) in [
        (with("settings", json!({ "enabled": true, "on_value": 1 })), "/settings/on_value", "flag.invalid_value"),
        (with("environment", json!("No")), "/environment", "flag.invalid_environment"),
        (with("reason", json!("a".repeat(501))), "/reason", "flag.invalid_request"),
        (with("due_at", json!("tomorrow")), "/due_at", "flag.invalid_request"),
        (with("due_at", json!("2026-11-21T03:49:59Z")), "/due_at", "flag.invalid_request"),
        (with("due_at", json!("2028-01-01T00:00:00Z")), "/due_at", "flag.invalid_request"),
    ] {
        let refused = api.ask(422, "POST", REQUESTS, Some(wish)).await;
        assert_eq!((&refused["errors"][0]["pointer"], &refused["code"]), (&json!(pointer), &json!(code)));
    }
    let removes = json!({ "flag_key": "a", "environment": "staging" });
    assert_eq!(api.ask(404, "POST", REQUESTS, Some(removes)).await["code"], "flag.not_found");
    assert_eq!(api.ask(404, "POST", REQUESTS, Some(with("flag_key", json!("b")))).await["code"], "flag.not_found");
    assert_eq!(api.ask(404, "GET", &format!("{REQUESTS}/frq_1"), None).await["code"], "flag.request_not_found");
    assert_eq!(api.ask(422, "GET", &format!("{REQUESTS}?state=lost"), None).await["code"], "flag.invalid_request");
}
