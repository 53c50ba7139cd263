//! Accounts of people.

use super::*;

fn anna() -> Value {
    json!({ "email": "Anna@Example.com", "name": "Anna M\u{fc}ller", "permissions": ["bell.read"] })
}

fn ids(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_person_is_made_shown_changed_and_erased_and_events_tell_so_without_his_name() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let made = process.send(TOKEN, ("POST", USERS), &[], anna()).await;
        assert_eq!(
            (made.status, &made.body["email"], &made.body["state"]),
            (201, &json!("anna@example.com"), &json!("active"))
        );
        assert_eq!(
            (&made.body["locale"], &made.body["time_zone"], &made.body["preferences"]),
            (&json!("en"), &json!("UTC"), &json!({}))
        );
        let at = made.headers["location"].to_str().unwrap().to_owned();
        let other = json!({ "email": "ANNA@example.COM", "name": "Other" });
        assert_eq!(process.ask(409, "POST", USERS, other).await["code"], "user.email_taken");

        let shown = process.send(TOKEN, ("GET", &at), &[], Value::Null).await;
        assert_eq!(shown.body, made.body);
        let etag = shown.headers["etag"].to_str().unwrap().to_owned();
        let change = json!({ "name": "Anna", "locale": "de-CH", "time_zone": "Europe/Zurich", "state": "suspended",
            "permissions": [], "preferences": { "captions": true } });
        for (condition, status, code) in
            [(None, 428, "http.precondition_required"), (Some("\"x\""), 412, "http.precondition_failed")]
        {
            let headers: Vec<_> = condition.iter().map(|tag| ("if-match", *tag)).collect();
            for (method, body) in [("PATCH", change.clone()), ("DELETE", Value::Null)] {
                let refused = process.send(TOKEN, (method, &at), &headers, body).await;
                assert_eq!((refused.status, &refused.body["code"]), (status, &json!(code)), "{method}");
            }
        }
        let changed = process.send(TOKEN, ("PATCH", &at), &[("if-match", &etag)], change).await;
        assert_eq!((changed.status, &changed.body["state"]), (200, &json!("suspended")), "{}", changed.body);
        assert_eq!(
            (&changed.body["permissions"], &changed.body["preferences"]),
            (&json!([]), &json!({ "captions": true }))
        );
        let stale = process.send(TOKEN, ("DELETE", &at), &[("if-match", &etag)], Value::Null).await;
        assert_eq!(stale.status, 412);
        let etag = changed.headers["etag"].to_str().unwrap();
        assert_eq!(process.send(TOKEN, ("DELETE", &at), &[("if-match", etag)], Value::Null).await.status, 204);
        assert_eq!(process.ask(404, "GET", &at, Value::Null).await["code"], "user.not_found");

        let events = outbox::after(&db, &default_tenant(), 0, 100).await.unwrap();
        let told: Vec<_> = events.iter().map(|event| (event.kind.as_str(), event.data.0["actor"].as_str())).collect();
        assert_eq!(told, ["user.created", "user.updated", "user.erased"].map(|kind| (kind, Some("admin"))));
        let text = format!("{events:?}").to_lowercase();
        assert!(!text.contains("anna"), "{text}");
        process.ask(201, "POST", USERS, anna()).await;
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_said_of_a_person_is_refused_where_it_stands() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        for (name, value, code, pointer) in [
            ("email", json!("anna"), "user.invalid_email", "/email"),
            ("name", json!(""), "user.invalid_name", "/name"),
            ("name", json!("a\u{0}"), "user.invalid_name", "/name"),
            ("locale", json!("english"), "", ""),
            ("locale", json!("e"), "user.invalid_locale", "/locale"),
            ("time_zone", json!("+02:00"), "user.invalid_time_zone", "/time_zone"),
            ("permissions", json!(["bell.read", "bell"]), "user.invalid_permissions", "/permissions/1"),
            ("permissions", json!(["bell.read", "bell.ring"]), "user.invalid_permissions", "/permissions/1"),
            ("preferences", json!({ "a": "\u{0}" }), "user.invalid_preferences", "/preferences"),
            ("preferences", json!({ "a": "b".repeat(17 << 10) }), "user.invalid_preferences", "/preferences"),
            ("preferences", json!([]), "body.invalid", "/preferences"),
            ("state", json!("active"), "body.invalid", "/state"),
        ] {
            let mut new = anna();
            new[name] = value;
            if code.is_empty() {
                process.ask(201, "POST", USERS, new).await;
                continue;
            }
            let refused = process.ask(422, "POST", USERS, new).await;
            assert_eq!((&refused["code"], &refused["errors"][0]["pointer"]), (&json!(code), &json!(pointer)), "{name}");
        }
        for (query, code) in [("q=", "user.invalid_search"), ("q=%00", "user.invalid_search"), ("w=a", "query.invalid")]
        {
            assert_eq!(process.ask(422, "GET", &format!("{USERS}?{query}"), Value::Null).await["code"], code);
        }
    })
    .await;
}

#[tokio::test]
async fn equal_requests_make_one_person_and_of_two_editors_the_second_is_told_so() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let once = [("idempotency-key", "k")];
        let answers =
            futures::future::join_all((0..20).map(|_| process.send(TOKEN, ("POST", USERS), &once, anna()))).await;
        assert!(answers.iter().all(|answer| answer.status == 201 && answer.body == answers[0].body));
        let at = format!("{USERS}/{}", answers[0].body["id"].as_str().unwrap());
        let shown = process.send(TOKEN, ("GET", &at), &[], Value::Null).await;
        let condition = [("if-match", shown.headers["etag"].to_str().unwrap())];
        let edits = (0..10).map(|at_once| {
            process.send(TOKEN, ("PATCH", &at), &condition, json!({ "name": format!("editor {at_once}") }))
        });
        let edited: Vec<u16> =
            futures::future::join_all(edits.collect::<Vec<_>>()).await.iter().map(|edit| edit.status).collect();
        assert_eq!(edited.iter().filter(|status| **status == 200).count(), 1, "{edited:?}");
        assert!(edited.iter().all(|status| [200, 412].contains(status)), "{edited:?}");
    })
    .await;
}

#[tokio::test]
async fn people_are_found_by_how_their_addresses_and_the_words_of_their_names_begin() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let mut made = Vec::new();
        for (email, name) in [
            ("anna@a.example", "Zo\u{eb} Ander"),
            ("bob@b.example", "Anders 100%"),
            ("carl@c.example", "\u{c4}nne Carl"),
        ] {
            process.pass(Duration::from_millis(1));
            let person = process.ask(201, "POST", USERS, json!({ "email": email, "name": name })).await;
            made.push(person["id"].as_str().unwrap().to_owned());
        }
        let [anna, bob, carl] = [made[0].as_str(), &made[1], &made[2]];
        for (query, found) in [
            ("", vec![carl, bob, anna]),
            ("?q=an", vec![bob, anna]),
            ("?q=AND", vec![bob, anna]),
            ("?q=anders", vec![bob]),
            ("?q=zo%C3%8B", vec![anna]),
            ("?q=%C3%A4nn", vec![carl]),
            ("?q=carl%40", vec![carl]),
            ("?q=100%25", vec![bob]),
            ("?q=%25", vec![]),
            ("?q=_nna", vec![]),
            ("?q=nna", vec![]),
        ] {
            assert_eq!(ids(&process.ask(200, "GET", &format!("{USERS}{query}"), Value::Null).await), found, "{query}");
        }
        let first = process.send(TOKEN, ("GET", &format!("{USERS}?limit=1&q=an")), &[], Value::Null).await;
        assert_eq!(ids(&first.body), [bob]);
        let link = first.headers["link"].to_str().unwrap();
        let next = link.strip_prefix('<').unwrap().split_once('>').unwrap().0;
        let second = process.ask(200, "GET", next, Value::Null).await;
        assert_eq!((ids(&second), &second["has_more"]), (vec![anna], &json!(false)));
    })
    .await;
}

#[tokio::test]
async fn nobody_gives_what_he_lacks_or_sees_to_whoever_has_it() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let (_, key) = process.key(json!({ "name": "desk", "permissions": ["user.*", "bell.read"] })).await;
        process.person("default", "desk@example.com", &["user.*", "bell.read"]).await;
        let (person, _) = process.tokens("desk@example.com").await;
        let chief = process.person("default", "chief@example.com", &["*"]).await;
        let chief = format!("{USERS}/{chief}");
        for (caller, token) in [("key", &key), ("person", &person)] {
            let send = async |method: &str, path: &str, body: Value| {
                let answer = process.send(token, (method, path), &[("if-match", "*")], body).await;
                (answer.status, answer.body)
            };
            let email = format!("{caller}@example.com");
            let (status, pupil) =
                send("POST", USERS, json!({ "email": email, "name": "a", "permissions": ["bell.read"] })).await;
            assert_eq!(status, 201, "{pupil}");
            let pupil = format!("{USERS}/{}", pupil["id"].as_str().unwrap());
            for beyond in [json!(["*"]), json!(["bell.*"]), json!(["api_key.read"])] {
                let new = json!({ "email": "x@example.com", "name": "a", "permissions": beyond });
                for (method, path, body) in
                    [("POST", USERS, new), ("PATCH", pupil.as_str(), json!({ "permissions": beyond }))]
                {
                    let (status, refused) = send(method, path, body).await;
                    assert_eq!((status, &refused["code"]), (403, &json!("user.beyond_own")), "{caller} {method}");
                }
            }
            for (method, path, body) in [
                ("PATCH", chief.clone(), json!({ "email": "mine@example.com" })),
                ("PATCH", chief.clone(), json!({ "permissions": [] })),
                ("DELETE", chief.clone(), Value::Null),
                ("POST", format!("{chief}/password-link"), Value::Null),
            ] {
                let (status, refused) = send(method, &path, body).await;
                assert_eq!((status, &refused["code"]), (403, &json!("user.beyond_own")), "{caller} {method} {path}");
            }
            assert_eq!(send("PATCH", &pupil, json!({ "permissions": ["user.read"] })).await.0, 200);
            assert_eq!(send("POST", &format!("{pupil}/password-link"), Value::Null).await.0, 200);
            assert_eq!(send("DELETE", &pupil, Value::Null).await.0, 204);
        }
        // A person gives to keys what he has himself, too.
        process.person("default", "giver@example.com", &["api_key.create", "bell.read"]).await;
        let (giver, _) = process.tokens("giver@example.com").await;
        for (permission, status) in [("bell.read", 201), ("user.read", 403)] {
            let wish = json!({ "name": "a", "permissions": [permission] });
            assert_eq!(process.send(&giver, ("POST", KEYS), &[], wish).await.status, status, "{permission}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_person_sees_to_what_is_his_own_business_and_to_nothing_else() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let id = process.person("default", "anna@example.com", &[]).await;
        let (token, _) = process.tokens("anna@example.com").await;
        let me = format!("{USERS}/me");
        let shown = process.send(&token, ("GET", &me), &[], Value::Null).await;
        assert_eq!((shown.status, &shown.body["id"]), (200, &json!(id)));
        let condition = [("if-match", shown.headers["etag"].to_str().unwrap())];
        let change = json!({ "name": "Anna", "preferences": { "speed": 1.5 } });
        assert_eq!(process.send(&token, ("PATCH", &me), &[], change.clone()).await.status, 428);
        for forbidden in [json!({ "permissions": ["*"] }), json!({ "email": "a@b.c" }), json!({ "state": "active" })] {
            let refused = process.send(&token, ("PATCH", &me), &condition, forbidden).await;
            assert_eq!((refused.status, &refused.body["errors"][0]["code"]), (422, &json!("field.unknown")));
        }
        let changed = process.send(&token, ("PATCH", &me), &condition, change).await;
        assert_eq!(
            (changed.status, &changed.body["name"], &changed.body["preferences"]["speed"]),
            (200, &json!("Anna"), &json!(1.5))
        );
        for path in [USERS.to_owned(), format!("{USERS}/{id}")] {
            assert_eq!(process.send(&token, ("GET", &path), &[], Value::Null).await.status, 403, "{path}");
        }
        for token in [TOKEN, &process.key(json!({ "name": "a", "permissions": ["*"] })).await.1] {
            assert_eq!(process.send(token, ("GET", &me), &[], Value::Null).await.status, 403, "it is nobody");
        }
    })
    .await;
}

#[tokio::test]
async fn a_search_looks_in_one_part_of_an_index_on_both_engines() {
    const LITE: &str = "EXPLAIN QUERY PLAN
        SELECT user_id FROM user_word WHERE tenant_id = $1 AND word >= $2 AND word < $3";
    const PG: &str = "EXPLAIN SELECT user_id FROM user_word WHERE tenant_id = $1 AND word >= $2 AND word < $3";
    for_each_engine(|db| async move {
        let wanted = || args!["ten_default", b"an".to_vec(), b"an\xff".to_vec()];
        let mut tx = db.begin().await.unwrap();
        let plan: Vec<String> = match db.kind() {
            database::EngineKind::Sqlite => {
                let steps: Vec<(i64, i64, i64, String)> = tx.all(LITE, wanted()).await.unwrap();
                steps.into_iter().map(|(.., step)| step).collect()
            }
            database::EngineKind::Postgres => {
                // Of a table with nothing in it every plan is as good.
                tx.execute("SET LOCAL enable_seqscan = off", args![]).await.unwrap();
                tx.all::<(String,)>(PG, wanted()).await.unwrap().into_iter().map(|(step,)| step).collect()
            }
        };
        let bounds = plan.iter().find(|step| step.contains("word>?") || step.contains("Index Cond"));
        assert!(bounds.is_some_and(|step| step.contains("word")), "{plan:?}");
    })
    .await;
}

#[tokio::test]
async fn links_go_with_the_address_that_they_went_to_and_sessions_with_the_factors_that_began_them() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let id = process.person("default", "anna@example.com", &[]).await;
        let (access, _) = process.tokens("anna@example.com").await;
        let at = format!("{USERS}/{id}");
        let link = process.ask(200, "POST", &format!("{at}/password-link"), Value::Null).await["token"].clone();
        assert_eq!(process.anew(TOKEN, "PATCH", &at, json!({ "email": "anna@other.example" })).await.0, 200);
        let chosen = json!({ "token": link, "password": "another good one" });
        let set = process.send("", ("POST", "/api/v1/auth/password"), &[], chosen).await;
        assert_eq!(
            (set.status, &set.body["code"]),
            (422, &json!("password.invalid_link")),
            "who reads the old letters"
        );
        assert_eq!(process.status(&access).await, 200);
        assert_eq!(process.anew(TOKEN, "DELETE", &format!("{at}/factors"), Value::Null).await.0, 204);
        assert_eq!(process.status(&access).await, 401, "who is in could make all of them anew");
    })
    .await;
}
