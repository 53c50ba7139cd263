//! Somebody acts as another person, in the open.

use super::factors::{STEP_UP, claims};
use super::*;

const POLICY: &str = "/api/v1/auth/policy";
const AT: &str = "/api/v1/auth/impersonations";

impl Process {
    async fn allow(&self, is_allowed: bool) {
        let wish = json!({ "allows_impersonation": is_allowed });
        assert_eq!(self.send(TOKEN, ("PUT", POLICY), &[("if-match", "*")], wish).await.status, 200);
    }

    async fn act(&self, token: &str, as_whom: &str) -> (u16, String, Value) {
        self.call(token, "POST", &format!("{AT}/{as_whom}"), json!({ "reason": "Request 4711" })).await
    }
}

#[tokio::test]
async fn whoever_acts_as_another_person_may_what_that_one_may_for_ten_minutes_and_is_named_wherever_it_is_seen() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let anna = process.person("default", "anna@example.com", &["user.read", "user.update", "api_key.create"]).await;
        let bob = process.person("default", "bob@example.com", &["*"]).await;
        process.allow(true).await;
        let (bobs, bobs_refresh) = process.tokens("bob@example.com").await;
        let (status, _, begun) = process.act(&bobs, &anna).await;
        assert_eq!((status, &begun["expires_in"], &begun["user_id"]), (201, &json!(600), &json!(anna)), "{begun}");
        let token = begun["access_token"].as_str().unwrap();
        let said = claims(token);
        assert_eq!((&said["sub"], &said["act"], &said["auth_time"]), (&json!(anna), &json!({ "sub": bob }), &json!(0)));
        let own = process.another().send(token, ("GET", "/api/v1/users/me"), &[], Value::Null).await;
        assert_eq!(own.body["id"], json!(anna));
        assert_eq!(process.anew(token, "GET", USERS, Value::Null).await.0, 200);
        assert_eq!(process.anew(token, "GET", ROLES, Value::Null).await.0, 403, "not what he himself may");

        for (method, path, body, code) in [
            ("POST", "/api/v1/auth/totp", Value::Null, "session.impersonated"),
            ("POST", "/api/v1/auth/passkeys/challenge", Value::Null, "session.impersonated"),
            ("POST", "/api/v1/auth/identities/challenge", json!({ "provider_id": "a" }), "session.impersonated"),
            ("POST", STEP_UP, json!({ "password": PASSWORD }), "session.impersonated"),
            ("POST", &format!("{USERS}/{anna}/password-link"), Value::Null, "user.beyond_own"),
            ("POST", KEYS, json!({ "name": "a", "permissions": ["user.read"] }), "api_key.beyond_own"),
            ("POST", &format!("{AT}/{bob}"), json!({ "reason": "a" }), "auth.forbidden"),
        ] {
            let (status, refused) = process.anew(token, method, path, body).await;
            assert_eq!((status, refused["code"].as_str()), (403, Some(code)), "{method} {path}");
        }
        let new = json!({ "email": "plain@example.com", "name": "Plain" });
        let plain = process.ask(201, "POST", USERS, new).await["id"].as_str().unwrap().to_owned();
        for (method, path) in [("POST", "password-link"), ("DELETE", "factors")] {
            let (status, refused) = process.anew(token, method, &format!("{USERS}/{plain}/{path}"), Value::Null).await;
            assert_eq!((status, refused["code"].as_str()), (403, Some("user.impersonated")), "{path}");
        }

        let (annas, _) = process.tokens("anna@example.com").await;
        let listed = process.send(&annas, ("GET", SESSIONS), &[], Value::Null).await.body;
        let seen = listed["items"].as_array().unwrap().iter().find(|one| one["id"] == begun["session_id"]).unwrap();
        assert_eq!((&seen["impersonated_by"], &seen["reason"]), (&json!(bob), &json!("Request 4711")));
        let events = outbox::after(&db, &default_tenant(), 0, 100).await.unwrap();
        let told = events.iter().find(|event| event.kind == "session.impersonated").unwrap();
        assert_eq!((&told.data.0["user_id"], &told.data.0["actor"]), (&json!(anna), &json!(bob)));

        // In the log both are named.
        let change = json!({ "name": "Plain again" });
        assert_eq!(process.anew(token, "PATCH", &format!("{USERS}/{plain}"), change).await.0, 200);
        let statement = "SELECT actor, context FROM audit_transit WHERE action = 'update_user' LIMIT 9";
        let recorded: Vec<(String, String)> = db.all(statement, args![]).await.unwrap();
        let [(actor, context)] = &recorded[..] else { panic!("{recorded:?}") };
        let context: Value = serde_json::from_str(context).unwrap();
        assert_eq!((actor, &context["on_behalf_of"]), (&bob, &json!(anna)));

        let at = format!("{SESSIONS}/{}", begun["session_id"].as_str().unwrap());
        assert_eq!(process.call(&annas, "DELETE", &at, Value::Null).await.0, 204, "she ends it");
        assert_eq!(process.status(token).await, 401);
        let (_, _, begun) = process.act(&bobs, &anna).await;
        let token = begun["access_token"].as_str().unwrap();
        assert_eq!(process.status(token).await, 200);
        assert_eq!(process.send(&bobs, ("DELETE", &format!("{SESSIONS}/current")), &[], Value::Null).await.status, 204);
        assert_eq!(process.status(token).await, 401, "it ends with the session that it was asked for in");
        assert_eq!(process.refresh(&bobs_refresh).await.status, 401);
        let (bobs, _) = process.tokens("bob@example.com").await;
        let (_, _, begun) = process.act(&bobs, &anna).await;
        process.pass(Duration::from_secs(600));
        assert_eq!(process.status(begun["access_token"].as_str().unwrap()).await, 401);
    })
    .await;
}

#[tokio::test]
async fn nobody_acts_as_another_person_unless_the_tenant_allows_it_and_he_has_just_proved_himself_and_lacks_nothing() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let anna = process.person("default", "anna@example.com", &["role.read"]).await;
        let may = ["impersonation.create", "user.*"];
        process.person("default", "bob@example.com", &may).await;
        let plain = process.person("default", "plain@example.com", &[]).await;
        process.person("default", "carol@example.com", &["user.*"]).await;
        let (bobs, refresh) = process.tokens("bob@example.com").await;
        let (carols, _) = process.tokens("carol@example.com").await;
        let (_, key) = process.key(json!({ "name": "a", "permissions": ["*"] })).await;
        assert_eq!(process.act(&bobs, &plain).await.1, "impersonation.not_allowed");
        process.allow(true).await;
        assert_eq!(process.act(&bobs, &plain).await.0, 201);
        assert_eq!(process.act(&carols, &plain).await.1, "auth.forbidden", "it is no permission for people");
        assert_eq!(process.act(&bobs, &anna).await.1, "impersonation.beyond_own");
        for token in [&*key, TOKEN] {
            assert_eq!(process.act(token, &plain).await.1, "impersonation.not_in_person");
        }
        for nobody in ["usr_none", "%00"] {
            assert_eq!(process.act(&bobs, nobody).await.0, 404, "{nobody}");
        }
        for reason in [String::new(), "r".repeat(501), "a\0".to_owned()] {
            let wish = json!({ "reason": reason });
            let refused = process.call(&bobs, "POST", &format!("{AT}/{plain}"), wish).await;
            assert_eq!((refused.0, refused.1.as_str()), (422, "impersonation.invalid_reason"));
        }
        process.pass(Duration::from_secs(601));
        let (later, _) = process.refreshed(&refresh).await;
        assert_eq!(process.act(&later, &plain).await.1, "session.step_up_required");
        process.allow(false).await;
        let (fresh, _) = process.tokens("bob@example.com").await;
        assert_eq!(process.act(&fresh, &plain).await.1, "impersonation.not_allowed");
    })
    .await;
}
