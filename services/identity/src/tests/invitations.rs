//! Invitations, and what becomes of them.

use super::*;

const INVITATIONS: &str = "/api/v1/org/invitations";
const ACCEPT: &str = "/api/v1/org/invitations/accept";

impl Process {
    async fn accept(&self, token: &Value) -> Answer {
        self.send("", ("POST", ACCEPT), &[], json!({ "token": token })).await
    }
}

#[tokio::test]
async fn who_accepts_an_invitation_has_an_account_with_all_that_it_promises_once() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let node = process.node("Physics", "root").await;
        let said = json!({ "locale": { "value": "de-CH" }, "invitation_days": { "value": 3 } });
        assert_eq!(process.say(&node, said).await.0, 200);
        let role = process.role("people", &["user.read"]).await;
        let gone = process.role("gone", &["user.read"]).await;
        let team = process.ask(201, "POST", "/api/v1/org/teams", json!({ "name": "A" })).await;
        let wish = json!({
            "email": "Bruno@Example.com", "name": "Bruno", "node_id": node, "role_ids": [role, gone], "team_ids": [team["id"]],
        });
        let once = [("idempotency-key", "k")];
        let made = process.send(TOKEN, ("POST", INVITATIONS), &once, wish.clone()).await;
        assert_eq!((made.status, &made.body["email"]), (201, &json!("bruno@example.com")), "{}", made.body);
        assert_eq!(made.body["expires_at"], "2026-11-24T03:50:00.000Z");
        let again = process.send(TOKEN, ("POST", INVITATIONS), &once, wish.clone()).await;
        assert_eq!((&again.body["id"], &again.body["token"]), (&made.body["id"], &Value::Null));
        assert_eq!(process.ask(409, "POST", INVITATIONS, wish).await["code"], "invitation.exists");
        assert_eq!(process.anew(TOKEN, "DELETE", &format!("{ROLES}/{gone}"), Value::Null).await.0, 204);

        let accepted = process.accept(&made.body["token"]).await;
        assert_eq!((accepted.status, &accepted.body["tenant"]), (201, &json!("default")), "{}", accepted.body);
        assert_eq!(accepted.headers["cache-control"], "no-store");
        let user = accepted.body["user_id"].as_str().unwrap();
        let shown = process.ask(200, "GET", &format!("{USERS}/{user}"), Value::Null).await;
        assert_eq!((&shown["name"], &shown["locale"], &shown["permissions"]), (&json!("Bruno"), &json!("de-CH"), &json!([])));
        let chosen = json!({ "token": accepted.body["password_token"], "password": PASSWORD });
        process.ask(204, "POST", "/api/v1/auth/password", chosen).await;
        let (token, _) = process.tokens("bruno@example.com").await;
        assert_eq!(process.anew(&token, "GET", USERS, Value::Null).await.0, 200, "he has the role");
        let (_, me) = process.anew(&token, "GET", "/api/v1/org/me", Value::Null).await;
        assert_eq!((&me["node_id"], &me["teams"][0]["id"]), (&json!(node), &team["id"]));
        let twice = process.accept(&made.body["token"]).await;
        assert_eq!((twice.status, &twice.body["code"]), (422, &json!("invitation.invalid")));
        let taken = process.ask(409, "POST", INVITATIONS, json!({ "email": "bruno@example.com" })).await;
        assert_eq!(taken["code"], "invitation.has_account");
        let kinds = process.kinds("ten_default").await;
        assert!(kinds.contains(&"invitation.accepted".to_owned()) && kinds.contains(&"role.granted".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn an_invitation_that_was_revoked_or_has_ended_or_is_of_a_suspended_tenant_opens_nothing() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let invite = async |email: &str, slug: &str, seconds: i64| {
            let wish = json!({ "email": email, "expires_in_s": seconds });
            let named = [("lectern-tenant", slug)];
            let made = process.send(TOKEN, ("POST", INVITATIONS), &named, wish).await;
            assert_eq!(made.status, 201, "{}", made.body);
            made.body
        };
        let revoked = invite("a@b.c", "default", 60).await;
        let at = format!("{INVITATIONS}/{}", revoked["id"].as_str().unwrap());
        assert_eq!(process.send(TOKEN, ("DELETE", &at), &[], Value::Null).await.status, 428);
        assert_eq!(process.anew(TOKEN, "DELETE", &at, Value::Null).await.0, 204);
        let ended = invite("b@b.c", "default", 60).await;
        let known = invite("c@b.c", "default", 600).await;
        process.somebody("c@b.c").await;
        process.pass(Duration::from_secs(60));
        let token = known["token"].as_str().unwrap();
        let changed = format!("{}{}", &token[..token.len() - 1], if token.ends_with('A') { "B" } else { "A" });
        for (token, status) in [
            (&revoked["token"], 422),
            (&ended["token"], 422),
            (&json!(changed), 422),
            (&json!(""), 422),
            (&known["token"], 409),
        ] {
            assert_eq!(process.accept(token).await.status, status, "{token}");
        }
        let school = process.ask(201, "POST", TENANTS, json!({ "slug": "school", "name": "School" })).await;
        let there = invite("a@b.c", "school", 60).await;
        let school = format!("{TENANTS}/{}", school["id"].as_str().unwrap());
        process.ask(200, "POST", &format!("{school}/suspend"), Value::Null).await;
        assert_eq!(process.accept(&there["token"]).await.status, 403);
        process.ask(200, "POST", &format!("{school}/resume"), Value::Null).await;
        let accepted = process.accept(&there["token"]).await;
        assert_eq!((accepted.status, &accepted.body["tenant"]), (201, &json!("school")));
    })
    .await;
}

#[tokio::test]
async fn many_who_accept_at_once_are_one() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let made = process.ask(201, "POST", INVITATIONS, json!({ "email": "a@b.c" })).await;
        let all = (0..8).map(|_| process.accept(&made["token"]));
        let statuses: Vec<u16> = futures::future::join_all(all).await.iter().map(|answer| answer.status).collect();
        assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
        assert!(statuses.iter().all(|status| [201, 422].contains(status)), "{statuses:?}");
    })
    .await;
}

#[tokio::test]
async fn nobody_invites_to_what_he_lacks_nor_where_nobody_is_invited() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let (strong, closed) = (process.node("Strong", "root").await, process.node("Closed", "root").await);
        let role = process.role("strong", &["api_key.*"]).await;
        let given = format!("{NODES}/{strong}/roles/{role}");
        process.ask(204, "PUT", &given, Value::Null).await;
        assert_eq!(process.say(&closed, json!({ "invitations_allowed": { "value": false } })).await.0, 200);
        let (_, weak) = process.key(json!({ "name": "a", "permissions": ["invitation.*"] })).await;
        let able = json!({ "name": "b", "permissions": ["invitation.*", "api_key.*"] });
        let (_, able) = process.key(able).await;
        let ending = json!({ "name": "c", "permissions": ["invitation.*", "api_key.*"], "expires_in_s": 600 });
        let (_, ending) = process.key(ending).await;
        for (key, wish, status, code) in [
            (&weak, json!({ "email": "a@b.c", "role_ids": [role] }), 403, "org.beyond_own"),
            (&weak, json!({ "email": "a@b.c", "node_id": strong }), 403, "org.beyond_own"),
            (&ending, json!({ "email": "a@b.c", "role_ids": [role] }), 403, "org.beyond_own"),
            (&able, json!({ "email": "a@b.c", "node_id": closed }), 409, "invitation.not_allowed"),
            (&able, json!({ "email": "a@b.c", "node_id": "orn_none" }), 422, "org.node_unknown"),
            (&able, json!({ "email": "a@b.c", "role_ids": ["rol_none"] }), 422, "invitation.unknown"),
            (&able, json!({ "email": "a@b.c", "team_ids": ["a\u{0}"] }), 422, "invitation.unknown"),
            (&able, json!({ "email": "a" }), 422, "invitation.invalid_email"),
            (&able, json!({ "email": "a@b.c", "expires_in_s": 0 }), 422, "invitation.invalid_expiry"),
        ] {
            let (answered, refused) = process.anew(key, "POST", INVITATIONS, wish.clone()).await;
            assert_eq!((answered, &refused["code"]), (status, &json!(code)), "{wish}");
        }
        let both = json!({ "email": "a@b.c", "node_id": strong, "role_ids": [role] });
        assert_eq!(process.anew(&able, "POST", INVITATIONS, both).await.0, 201);
        assert_eq!(process.anew(&weak, "POST", INVITATIONS, json!({ "email": "b@b.c" })).await.0, 201);
    })
    .await;
}
