//! Sub-organizations, who belongs to which, and what holds and is given there.

use super::*;

impl Process {
    /// A new sub-organization of the default tenant; its id.
    pub(super) async fn node(&self, name: &str, parent: &str) -> String {
        let made = self.ask(201, "POST", NODES, json!({ "name": name, "parent_id": parent })).await;
        made["id"].as_str().unwrap().to_owned()
    }

    /// Has a person of the default tenant belong there.
    pub(super) async fn place(&self, user: &str, node: &str) {
        let at = format!("/api/v1/org/people/{user}");
        let (status, body) = self.anew(TOKEN, "PUT", &at, json!({ "node_id": node })).await;
        assert_eq!((status, &body["node_id"]), (200, &json!(node)), "{body}");
    }

    /// Says all settings of a place.
    pub(super) async fn say(&self, node: &str, settings: Value) -> (u16, Value) {
        self.anew(TOKEN, "PUT", &format!("{NODES}/{node}/settings"), json!({ "settings": settings })).await
    }

    /// What holds at a place: the value, and where it is said.
    async fn holds(&self, node: &str, key: &str) -> (Value, Value) {
        let shown = self.ask(200, "GET", &format!("{NODES}/{node}/settings"), Value::Null).await;
        let found = shown["effective"].as_array().unwrap().iter().find(|of| of["key"] == key).unwrap();
        (found["value"].clone(), found["from"].clone())
    }

    async fn gives(&self, node: &str, role: &str) {
        let at = format!("{NODES}/{node}/roles/{role}");
        self.ask(204, "PUT", &at, Value::Null).await;
    }

    /// Whether a person may, and by how much.
    async fn may(&self, user: &str, permission: &str) -> (Value, usize) {
        let at = format!("/api/v1/access/explain?subject={user}&permission={permission}");
        let told = self.ask(200, "GET", &at, Value::Null).await;
        (told["is_allowed"].clone(), told["grounds"].as_array().map_or(0, Vec::len))
    }
}

#[tokio::test]
async fn a_tree_is_built_renamed_and_taken_apart_and_has_bounds() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let once = [("idempotency-key", "k")];
        let new = json!({ "name": "Sciences" });
        let requests = (0..10).map(|_| process.send(TOKEN, ("POST", NODES), &once, new.clone()));
        let answers = futures::future::join_all(requests).await;
        assert!(answers.iter().all(|answer| answer.status == 201 && answer.body == answers[0].body));
        let top = answers[0].body["id"].as_str().unwrap().to_owned();
        assert_eq!(answers[0].body["parent_id"], "root");
        process.ask(409, "POST", NODES, new).await;
        let mut at = top.clone();
        for level in 2..=8 {
            at = process.node(&format!("level {level}"), &at).await;
        }
        let deeper = json!({ "name": "level 9", "parent_id": at });
        assert_eq!(process.ask(422, "POST", NODES, deeper).await["code"], "org.node_too_deep");
        for (body, code) in [
            (json!({ "name": "" }), "org.invalid_name"),
            (json!({ "name": "a", "parent_id": "orn_none" }), "org.node_unknown"),
            (json!({ "name": "a", "parent_id": "a\u{0}" }), "org.node_unknown"),
        ] {
            assert_eq!(process.ask(422, "POST", NODES, body).await["code"], code);
        }
        let below = process.ask(200, "GET", &format!("{NODES}?parent_id={top}"), Value::Null).await;
        assert_eq!(below["items"].as_array().unwrap().len(), 1);
        let place = format!("{NODES}/{top}");
        let (status, refused) = process.anew(TOKEN, "PATCH", &place, json!({ "parent_id": at })).await;
        assert_eq!((status, &refused["code"]), (422, &json!("org.node_below_itself")));
        let other = process.node("Arts", "root").await;
        let (status, refused) = process.anew(TOKEN, "PATCH", &place, json!({ "parent_id": other })).await;
        assert_eq!((status, &refused["code"]), (422, &json!("org.node_too_deep")));
        let (status, refused) = process.anew(TOKEN, "PATCH", &place, json!({ "name": "Arts" })).await;
        assert_eq!((status, &refused["code"]), (409, &json!("org.node_name_taken")));
        let (status, renamed) = process.anew(TOKEN, "PATCH", &place, json!({ "name": "Natural sciences" })).await;
        assert_eq!((status, &renamed["name"]), (200, &json!("Natural sciences")));
        assert_eq!(process.send(TOKEN, ("DELETE", &place), &[], Value::Null).await.status, 428);
        let (status, refused) = process.anew(TOKEN, "DELETE", &place, Value::Null).await;
        assert_eq!((status, &refused["code"]), (409, &json!("org.node_in_use")));
        let user = process.ask(201, "POST", USERS, json!({ "email": "a@b.c", "name": "a" })).await;
        process.place(user["id"].as_str().unwrap(), &other).await;
        let beside = format!("{NODES}/{other}");
        assert_eq!(process.anew(TOKEN, "DELETE", &beside, Value::Null).await.0, 409);
        let people = process.ask(200, "GET", &format!("{beside}/people"), Value::Null).await;
        assert_eq!(people["items"], json!([{ "user_id": user["id"], "node_id": other }]));
        process.place(user["id"].as_str().unwrap(), "root").await;
        assert_eq!(process.anew(TOKEN, "DELETE", &beside, Value::Null).await.0, 204);
        process.ask(404, "GET", &beside, Value::Null).await;
    })
    .await;
}

#[tokio::test]
async fn what_is_set_above_holds_below_until_it_is_said_anew_and_in_any_case_when_it_is_locked() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let top = process.node("Sciences", "root").await;
        let below = process.node("Physics", &top).await;
        assert_eq!(process.holds(&below, "locale").await, (json!("en"), Value::Null));
        let said = json!({ "locale": { "value": "de" } });
        assert_eq!(process.say("root", said).await.0, 200);
        assert_eq!(process.say(&below, json!({ "locale": { "value": "fr" } })).await.0, 200);
        assert_eq!(process.holds(&top, "locale").await, (json!("de"), json!("root")));
        assert_eq!(process.holds(&below, "locale").await, (json!("fr"), json!(below)));
        assert_eq!(process.say(&top, json!({ "locale": { "value": "it", "is_locked": true } })).await.0, 200);
        assert_eq!(process.holds(&below, "locale").await, (json!("it"), json!(top)));
        let (status, refused) = process.say(&below, json!({ "locale": { "value": "es" } })).await;
        assert_eq!((status, &refused["code"]), (409, &json!("org.setting_locked")));
        let (status, refused) = process.say(&below, json!({ "colour": { "value": "red" } })).await;
        assert_eq!((status, &refused["code"]), (422, &json!("org.setting_unknown")));
        assert_eq!(refused["errors"][0]["pointer"], "/settings/colour");
        let at = format!("{NODES}/root/settings");
        let blind = process.send(TOKEN, ("PUT", &at), &[], json!({ "settings": {} })).await;
        assert_eq!(blind.status, 428);

        let id = process.person("default", "anna@example.com", &[]).await;
        process.place(&id, &below).await;
        let (token, _) = process.tokens("anna@example.com").await;
        let (status, own) = process.anew(&token, "GET", "/api/v1/org/me", Value::Null).await;
        assert_eq!((status, &own["node_id"]), (200, &json!(below)));
        let locale = own["effective"].as_array().unwrap().iter().find(|of| of["key"] == "locale").unwrap();
        assert_eq!((&locale["value"], &locale["is_locked"]), (&json!("it"), &json!(true)));
    })
    .await;
}

/// People by the thousand, in one statement.
const MANY: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
    INSERT INTO user_account (tenant_id, id, email, name, search, locale, time_zone, state, permissions, preferences,
        version, created_ms, updated_ms)
    SELECT 'ten_default', 'usr_' || CAST(i AS TEXT), CAST(i AS TEXT) || '@example.com', 'a', 'a', 'en', 'UTC', 'active',
        $1, $2, 1, 1, 1 FROM n";
const PLACED: &str = "INSERT INTO org_member (tenant_id, user_id, node_id)
    SELECT tenant_id, id, $1 FROM user_account WHERE tenant_id = 'ten_default' AND created_ms = 1";
const RECORDED: &str = "SELECT action FROM audit_transit ORDER BY action LIMIT 100";

#[tokio::test]
async fn five_thousand_people_move_at_once_with_their_settings_and_permissions_and_it_is_one_entry() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let (old, new) = (process.node("Old", "root").await, process.node("New", "root").await);
        let moved = process.node("Moved", &old).await;
        let leaf = process.node("Leaf", &moved).await;
        for (node, locale) in [(&old, "de"), (&new, "fr")] {
            assert_eq!(process.say(node, json!({ "locale": { "value": locale } })).await.0, 200);
        }
        let (ring, read) = (process.role("ring", &["bell.read"]).await, process.role("read", &["user.read"]).await);
        process.gives(&old, &ring).await;
        process.gives(&new, &read).await;
        let mut tx = db.begin().await.unwrap();
        assert_eq!(tx.execute(MANY, args![json!([]), json!({})]).await.unwrap(), 5000);
        assert_eq!(tx.execute(PLACED, args![&leaf]).await.unwrap(), 5000);
        tx.commit().await.unwrap();
        let people = ["usr_1", "usr_2500", "usr_5000"];
        for user in people {
            assert_eq!(process.may(user, "bell.read").await, (json!(true), 1));
            assert_eq!(process.may(user, "user.read").await, (json!(false), 0));
        }
        assert_eq!(process.holds(&leaf, "locale").await, (json!("de"), json!(old)));
        let entries = async || {
            let rows: Vec<(String,)> = db.all(RECORDED, args![]).await.unwrap();
            rows.into_iter().filter(|(action,)| action == "update_org_node").count()
        };
        assert_eq!(entries().await, 0);
        let (status, body) =
            process.anew(TOKEN, "PATCH", &format!("{NODES}/{moved}"), json!({ "parent_id": new })).await;
        assert_eq!((status, &body["parent_id"]), (200, &json!(new)));
        for user in people {
            assert_eq!(process.may(user, "bell.read").await, (json!(false), 0));
            assert_eq!(process.may(user, "user.read").await, (json!(true), 1));
        }
        assert_eq!(process.holds(&leaf, "locale").await, (json!("fr"), json!(new)));
        assert_eq!(entries().await, 1);
        let events = outbox::after(&db, &default_tenant(), 0, 100).await.unwrap();
        let told: Vec<_> = events.iter().filter(|event| event.kind == "org_node.moved").collect();
        assert_eq!((told.len(), &told[0].data.0["people"]), (1, &json!(5000)));
        // And it can be said before how many a change of the role concerns.
        let at = format!("{ROLES}/{read}/dry-run");
        assert_eq!(process.ask(200, "POST", &at, json!({ "permissions": ["bell.read"] })).await["people"], 5000);
    })
    .await;
}

#[tokio::test]
async fn nobody_gives_or_takes_by_a_place_what_he_lacks() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let (plain, strong) = (process.node("Plain", "root").await, process.node("Strong", "root").await);
        let below = process.node("Below", &plain).await;
        let role = process.role("strong", &["api_key.*"]).await;
        process.gives(&strong, &role).await;
        process.gives(&strong, &role).await;
        let listed = process.ask(200, "GET", &format!("{NODES}/{strong}/roles"), Value::Null).await;
        assert_eq!(listed["items"].as_array().unwrap().len(), 1);
        let user = process.ask(201, "POST", USERS, json!({ "email": "a@b.c", "name": "a" })).await;
        let user = user["id"].as_str().unwrap();
        let (_, key) = process.key(json!({ "name": "a", "permissions": ["org_node.*"] })).await;
        let place = format!("/api/v1/org/people/{user}");
        let given = format!("{NODES}/{plain}/roles/{role}");
        let taken = format!("{NODES}/{strong}/roles/{role}");
        for (method, at, body) in [
            ("PUT", &given, Value::Null),
            ("DELETE", &taken, Value::Null),
            ("PUT", &place, json!({ "node_id": strong })),
            ("PATCH", &format!("{NODES}/{below}"), json!({ "parent_id": strong })),
        ] {
            let (status, refused) = process.anew(&key, method, at, body).await;
            assert_eq!((status, &refused["code"]), (403, &json!("org.beyond_own")), "{method} {at}");
        }
        process.place(user, &strong).await;
        let (status, refused) = process.anew(&key, "PUT", &place, json!({ "node_id": "root" })).await;
        assert_eq!((status, &refused["code"]), (403, &json!("org.beyond_own")), "nor takes him from there");
        assert_eq!(
            process.anew(&key, "PATCH", &format!("{NODES}/{below}"), json!({ "parent_id": "root" })).await.0,
            200
        );

        assert_eq!(process.may(user, "api_key.read").await, (json!(true), 1));
        process.ask(204, "DELETE", &taken, Value::Null).await;
        assert_eq!(process.ask(404, "DELETE", &taken, Value::Null).await["code"], "org.role_not_found");
        assert_eq!(process.may(user, "api_key.read").await, (json!(false), 0));
    })
    .await;
}
