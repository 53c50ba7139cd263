//! What somebody may, why, and what a change would do.

use super::*;

const ACCESS: &str = "/api/v1/access";

fn question(user: &str, kind: &str, action: &str) -> Value {
    json!({
        "subject": { "type": "user", "id": user, "properties": { "department": "Sales" } },
        "action": { "name": action },
        "resource": { "type": kind, "id": "any" },
        "context": { "time": "1985-10-26T01:22-07:00" },
        "unknown": true,
    })
}

impl Process {
    async fn evaluate(&self, question: Value) -> Value {
        self.ask(200, "POST", &format!("{ACCESS}/evaluation"), question).await
    }

    async fn several(&self, request: Value) -> Value {
        self.ask(200, "POST", &format!("{ACCESS}/evaluations"), request).await
    }
}

#[tokio::test]
async fn a_decision_is_told_with_its_reason_and_is_what_the_guard_would_do() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let id = process.person("default", "anna@example.com", &["api_key.read"]).await;
        let (token, _) = process.tokens("anna@example.com").await;
        let role = process.role("people", &["user.*"]).await;
        process.grant(&id, &role, None).await;
        let told = |is_allowed: bool, reason: &str, by: &[&str]| json!({ "decision": is_allowed, "context": { "reason": reason, "by": by } });
        for (kind, action, path, expected) in [
            ("api_key", "read", KEYS, told(true, "granted", &["own"])),
            ("user", "read", USERS, told(true, "granted", &[&role])),
            ("role", "read", ROLES, told(false, "not_granted", &[])),
        ] {
            let decided = process.evaluate(question(&id, kind, action)).await;
            let opened = process.anew(&token, "GET", path, Value::Null).await.0 == 200;
            assert_eq!((&decided, decided["decision"] == json!(opened)), (&expected, true), "{kind}.{action}");
        }
        assert_eq!(process.evaluate(question(&id, "user", "reads")).await, told(false, "unknown_permission", &[]));
        for other in ["usr_none", "usr\u{0}", ""] {
            assert_eq!(process.evaluate(question(other, "user", "read")).await, told(false, "unknown_subject", &[]));
        }
        let mut of_another_kind = question(&id, "user", "read");
        of_another_kind["subject"]["type"] = json!("robot");
        assert_eq!(process.evaluate(of_another_kind).await, told(false, "unknown_subject", &[]));
        process.ask(422, "POST", &format!("{ACCESS}/evaluation"), json!({ "subject": {} })).await;
        let elsewhere = [("lectern-tenant", "north")];
        process.ask(201, "POST", TENANTS, json!({ "slug": "north", "name": "North" })).await;
        let at = format!("{ACCESS}/evaluation");
        let asked = process.send(TOKEN, ("POST", &at), &elsewhere, question(&id, "user", "read")).await;
        assert_eq!(asked.body, told(false, "unknown_subject", &[]), "people of other tenants are nobody");

        let at = format!("{ACCESS}/explain?subject={id}&permission=user.read");
        let explained = process.ask(200, "GET", &at, Value::Null).await;
        assert_eq!((&explained["is_allowed"], &explained["grounds"][0]["entry"]), (&json!(true), &json!("user.*")));
        assert_eq!((&explained["grounds"][0]["role_id"], &explained["grounds"][0]["role_name"]), (&json!(role), &json!("people")));
        let change = json!({ "state": "suspended" });
        assert_eq!(process.anew(TOKEN, "PATCH", &format!("{USERS}/{id}"), change).await.0, 200);
        let explained = process.ask(200, "GET", &at, Value::Null).await;
        assert_eq!((&explained["reason"], &explained["grounds"]), (&json!("suspended"), &json!([])));
        for (query, reason) in [
            ("subject=usr_none&permission=user.read".to_owned(), "unknown_subject"),
            ("subject=%00&permission=user.read".to_owned(), "unknown_subject"),
        ] {
            assert_eq!(process.ask(200, "GET", &format!("{ACCESS}/explain?{query}"), Value::Null).await["reason"], reason);
        }
    })
    .await;
}

#[tokio::test]
async fn several_questions_share_what_they_leave_out_and_end_where_they_are_told_to() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let id = process.person("default", "anna@example.com", &["user.read", "role.read"]).await;
        let parts = ["user", "bell", "role"].map(|kind| json!({ "resource": { "type": kind, "id": "1" } }));
        let mut request = json!({
            "subject": { "type": "user", "id": id }, "action": { "name": "read" }, "evaluations": parts,
        });
        let decisions = |answer: Value| -> Vec<bool> {
            let all = answer["evaluations"].as_array().unwrap();
            all.iter().map(|one| one["decision"].as_bool().unwrap()).collect()
        };
        assert_eq!(decisions(process.several(request.clone()).await), [true, false, true]);
        for (semantic, expected) in [
            ("execute_all", &[true, false, true][..]),
            ("deny_on_first_deny", &[true, false]),
            ("permit_on_first_permit", &[true]),
        ] {
            request["options"] = json!({ "evaluations_semantic": semantic, "other": 1 });
            assert_eq!(decisions(process.several(request.clone()).await), expected, "{semantic}");
        }
        request["options"] = Value::Null;
        request["evaluations"][0]["subject"] = json!({ "type": "user", "id": "usr_none" });
        assert_eq!(decisions(process.several(request.clone()).await), [false, false, true], "its own goes before");
        let one = process.several(question(&id, "user", "read")).await;
        assert_eq!((&one["decision"], &one["evaluations"]), (&json!(true), &Value::Null), "as a single one");

        let refused = async |request: &Value| {
            let refused = process.ask(422, "POST", &format!("{ACCESS}/evaluations"), request.clone()).await;
            (refused["code"].as_str().unwrap().to_owned(), refused["errors"][0]["pointer"].as_str().unwrap().to_owned())
        };
        let pair = |code: &str, pointer: &str| (code.to_owned(), pointer.to_owned());
        assert_eq!(refused(&json!({})).await, pair("access.incomplete", "/subject"));
        request["action"] = Value::Null;
        request["evaluations"][0]["action"] = json!({ "name": "read" });
        assert_eq!(refused(&request).await, pair("access.incomplete", "/evaluations/1/action"));
        request["evaluations"] = vec![json!({}); 101].into();
        assert_eq!(refused(&request).await, pair("access.too_many", "/evaluations"));
    })
    .await;
}

#[tokio::test]
async fn a_dry_run_tells_what_a_change_would_do_and_does_nothing() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let (role, other) =
            (process.role("a", &["user.*", "bell.read"]).await, process.role("b", &["user.read"]).await);
        for (number, own, more) in [(0, json!([]), false), (1, json!(["user.read"]), false), (2, json!([]), true)] {
            let new = json!({ "email": format!("p{number}@b.c"), "name": "p", "permissions": own });
            let made = process.ask(201, "POST", USERS, new).await;
            let id = made["id"].as_str().unwrap();
            process.grant(id, &role, (number == 0).then_some(60)).await;
            if more {
                process.grant(id, &other, None).await;
            }
        }
        let at = format!("{ROLES}/{role}/dry-run");
        let told = process.ask(200, "POST", &at, json!({ "permissions": ["user.create", "role.read"] })).await;
        let share = |permission: &str, people: u64| json!({ "permission": permission, "people": people });
        let counts = [
            ("bell.read", 3),
            ("user.delete", 3),
            ("user.export", 3),
            ("user.import", 3),
            ("user.read", 1),
            ("user.search", 3),
            ("user.update", 3),
        ];
        let lost = counts.map(|(permission, people)| share(permission, people));
        assert_eq!(
            told,
            json!({
                "people": 3,
                "gained": { "people": 3, "permissions": [share("role.read", 3)] },
                "lost": { "people": 3, "permissions": lost },
            })
        );
        process.pass(Duration::from_secs(60));
        let told = process.ask(200, "POST", &at, json!({ "permissions": [] })).await;
        assert_eq!(
            (&told["people"], &told["gained"]["people"], &told["lost"]["people"]),
            (&json!(2), &json!(0), &json!(2))
        );
        let shown = process.ask(200, "GET", &format!("{ROLES}/{role}"), Value::Null).await;
        assert_eq!(shown["permissions"], json!(["bell.read", "user.*"]), "it is as it was");
        let refused = process.ask(422, "POST", &at, json!({ "permissions": ["user.fly"] })).await;
        assert_eq!(refused["code"], "role.invalid_permissions");
        process.ask(404, "POST", &format!("{ROLES}/rol_none/dry-run"), json!({ "permissions": [] })).await;
    })
    .await;
}

#[tokio::test]
async fn an_export_has_the_tenants_own_and_nobody_who_is_suspended() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let anna = process.person("default", "anna@example.com", &["user.read"]).await;
        let bob = process.person("default", "bob@example.com", &["user.read"]).await;
        let role = process.role("\"a\u{fc}\"", &["bell.*"]).await;
        process.grant(&anna, &role, None).await;
        let timed = process.grant(&bob, &role, Some(60)).await;
        let at = format!("{ACCESS}/export");
        let both = process.send(TOKEN, ("GET", &at), &[], Value::Null).await;
        let entity = |export: &Value, id: &str| {
            export["entities"]
                .as_array()
                .unwrap()
                .iter()
                .find(|of| of["uid"]["id"] == id)
                .map(|of| of["parents"].clone())
        };
        let parents = json!([{ "type": "Grant", "id": "user.read" }, { "type": "Role", "id": role }]);
        assert_eq!((both.status, entity(&both.body, &anna)), (200, Some(parents)));
        let policies = both.body["policies"].as_str().unwrap();
        assert!(policies.contains(&format!("@id(\"{timed}\")")) && !policies.contains('\u{fc}'), "{policies}");
        let known = [("if-none-match", both.headers["etag"].to_str().unwrap())];
        assert_eq!(process.send(TOKEN, ("GET", &at), &known, Value::Null).await.status, 304);
        let change = json!({ "state": "suspended" });
        assert_eq!(process.anew(TOKEN, "PATCH", &format!("{USERS}/{bob}"), change).await.0, 200);
        let one = process.ask(200, "GET", &at, Value::Null).await;
        assert!(!one.to_string().contains(&bob) && one.to_string().contains(&anna));
        process.ask(201, "POST", TENANTS, json!({ "slug": "north", "name": "North" })).await;
        let other = process.send(TOKEN, ("GET", &at), &[("lectern-tenant", "north")], Value::Null).await.body;
        assert_eq!((&other["policies"], entity(&other, &role)), (&json!(""), None));
    })
    .await;
}
