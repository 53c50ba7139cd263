//! Roles, and who has them.

use super::*;

fn teacher() -> Value {
    json!({ "name": "Teacher", "permissions": ["user.read", "bell.read", "user.read"] })
}

#[tokio::test]
async fn a_role_is_made_once_changed_and_removed_by_those_who_have_seen_it() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let once = [("idempotency-key", "k")];
        let answers =
            futures::future::join_all((0..20).map(|_| process.send(TOKEN, ("POST", ROLES), &once, teacher()))).await;
        assert!(answers.iter().all(|answer| answer.status == 201 && answer.body == answers[0].body));
        let made = &answers[0];
        let at = made.headers["location"].to_str().unwrap().to_owned();
        assert_eq!(at, format!("{ROLES}/{}", made.body["id"].as_str().unwrap()));
        assert_eq!(
            (&made.body["permissions"], &made.body["description"]),
            (&json!(["bell.read", "user.read"]), &json!(""))
        );
        let shown = process.send(TOKEN, ("GET", &at), &[], Value::Null).await;
        assert_eq!((shown.status, &shown.body), (200, &made.body));
        let etag = shown.headers["etag"].to_str().unwrap().to_owned();

        process.role("Other", &["*"]).await;
        assert_eq!(process.ask(409, "POST", ROLES, teacher()).await["code"], "role.name_taken");
        let (status, taken) = process.anew(TOKEN, "PATCH", &at, json!({ "name": "Other" })).await;
        assert_eq!((status, &taken["code"]), (409, &json!("role.name_taken")));
        let change = json!({ "description": "who teaches", "permissions": ["bell.*"] });
        for (condition, status) in [(None, 428), (Some("\"x\""), 412)] {
            let headers: Vec<_> = condition.iter().map(|tag| ("if-match", *tag)).collect();
            for (method, body) in [("PATCH", change.clone()), ("DELETE", Value::Null)] {
                assert_eq!(process.send(TOKEN, (method, &at), &headers, body).await.status, status, "{method}");
            }
        }
        let condition = [("if-match", etag.as_str())];
        let changed = process.send(TOKEN, ("PATCH", &at), &condition, change).await;
        assert_eq!((changed.status, &changed.body["name"]), (200, &json!("Teacher")), "{}", changed.body);
        assert_eq!(
            (&changed.body["permissions"], &changed.body["description"]),
            (&json!(["bell.*"]), &json!("who teaches"))
        );
        assert_eq!(process.send(TOKEN, ("DELETE", &at), &condition, Value::Null).await.status, 412);
        let etag = changed.headers["etag"].to_str().unwrap();
        assert_eq!(process.send(TOKEN, ("DELETE", &at), &[("if-match", etag)], Value::Null).await.status, 204);
        assert_eq!(process.ask(404, "GET", &at, Value::Null).await["code"], "role.not_found");
        let listed = process.ask(200, "GET", &format!("{ROLES}?limit=1"), Value::Null).await;
        assert_eq!((&listed["items"][0]["name"], &listed["has_more"]), (&json!("Other"), &json!(false)));
        let told = process.kinds("ten_default").await;
        assert_eq!(told, ["role.created", "role.created", "role.updated", "role.deleted"]);
    })
    .await;
}

#[tokio::test]
async fn what_can_be_no_role_and_no_binding_is_refused_where_it_stands() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        for (name, value, code, pointer) in [
            ("name", json!(""), "role.invalid_name", "/name"),
            ("name", json!("a\u{0}"), "role.invalid_name", "/name"),
            ("description", json!("a".repeat(1001)), "role.invalid_description", "/description"),
            ("permissions", json!([]), "role.invalid_permissions", "/permissions"),
            ("permissions", json!(["bell.read", "bell"]), "role.invalid_permissions", "/permissions/1"),
            ("permissions", json!(["bell.read", "bell.ring"]), "role.invalid_permissions", "/permissions/1"),
            ("title", json!("a"), "body.invalid", "/title"),
        ] {
            let mut new = teacher();
            new[name] = value;
            let refused = process.ask(422, "POST", ROLES, new).await;
            assert_eq!((&refused["code"], &refused["errors"][0]["pointer"]), (&json!(code), &json!(pointer)), "{name}");
        }
        let (role, user) = (process.role("a", &["bell.read"]).await, process.person("default", "a@b.c", &[]).await);
        for (name, value, code) in [
            ("user_id", json!("usr_none"), "role_binding.unknown"),
            ("user_id", json!("usr\u{0}"), "role_binding.unknown"),
            ("role_id", json!("rol_none"), "role_binding.unknown"),
            ("role_id", json!(""), "role_binding.unknown"),
            ("expires_in_s", json!(0), "role_binding.invalid_expiry"),
            ("expires_in_s", json!(i64::MAX), "role_binding.invalid_expiry"),
        ] {
            let mut new = json!({ "user_id": user, "role_id": role });
            new[name] = value;
            let refused = process.ask(422, "POST", BINDINGS, new).await;
            let pointer = json!(format!("/{name}"));
            assert_eq!((&refused["code"], &refused["errors"][0]["pointer"]), (&json!(code), &pointer), "{name}");
        }
        for query in ["user_id=%00", "role_id=a%20b"] {
            let refused = process.ask(422, "GET", &format!("{BINDINGS}?{query}"), Value::Null).await;
            assert_eq!(refused["code"], "role_binding.unknown", "{query}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_a_role_gives_is_had_until_it_is_taken_changed_removed_or_has_ended() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let id = process.person("default", "anna@example.com", &["api_key.read"]).await;
        let (token, _) = process.tokens("anna@example.com").await;
        let may = async || {
            let mut answers = Vec::new();
            for path in [KEYS, USERS, ROLES] {
                answers.push(process.anew(&token, "GET", path, Value::Null).await.0 == 200);
            }
            answers
        };
        assert_eq!(may().await, [true, false, false]);
        let (people, roles) = (process.role("people", &["user.read"]).await, process.role("roles", &["role.*"]).await);
        let first = process.grant(&id, &people, None).await;
        process.grant(&id, &roles, Some(60)).await;
        assert_eq!(may().await, [true, true, true]);
        let twice = json!({ "user_id": id, "role_id": people });
        assert_eq!(process.ask(409, "POST", BINDINGS, twice).await["code"], "role_binding.exists");
        process.pass(Duration::from_secs(60));
        assert_eq!(may().await, [true, true, false], "it has ended");
        let listed = process.ask(200, "GET", &format!("{BINDINGS}?user_id={id}&role_id={roles}"), Value::Null).await;
        assert_eq!(listed["items"].as_array().unwrap().len(), 1, "it is still listed");
        assert_eq!(listed["items"][0]["expires_at"], "2026-11-21T03:51:00.000Z");
        let again = process.grant(&id, &roles, None).await;
        assert_eq!(may().await, [true, true, true], "and can be given again");

        let (status, _) =
            process.anew(TOKEN, "PATCH", &format!("{ROLES}/{roles}"), json!({ "permissions": ["bell.read"] })).await;
        assert_eq!((status, may().await), (200, vec![true, true, false]));
        let at = format!("{BINDINGS}/{first}");
        assert_eq!(process.send(TOKEN, ("DELETE", &at), &[], Value::Null).await.status, 428);
        assert_eq!(process.anew(TOKEN, "DELETE", &at, Value::Null).await.0, 204);
        assert_eq!(may().await, [true, false, false]);
        assert_eq!(process.ask(404, "GET", &at, Value::Null).await["code"], "role_binding.not_found");
        assert_eq!(process.anew(TOKEN, "DELETE", &format!("{ROLES}/{roles}"), Value::Null).await.0, 204);
        process.ask(404, "GET", &format!("{BINDINGS}/{again}"), Value::Null).await;
        let third = process.grant(&id, &people, None).await;
        assert_eq!(process.anew(TOKEN, "DELETE", &format!("{USERS}/{id}"), Value::Null).await.0, 204);
        process.ask(404, "GET", &format!("{BINDINGS}/{third}"), Value::Null).await;

        let events = outbox::after(&db, &default_tenant(), 0, 100).await.unwrap();
        let given: Vec<_> = events.iter().filter(|event| event.kind == "role.granted").collect();
        let taken: Vec<_> = events.iter().filter(|event| event.kind == "role.revoked").collect();
        assert_eq!((given.len(), taken.len()), (4, 1));
        assert_eq!((&given[0].subject, &given[0].data.0["user_id"]), (&first, &json!(id)));
        assert_eq!(given[1].data.0["expires_at"], "2026-11-21T03:51:00.000Z");
    })
    .await;
}

#[tokio::test]
async fn equal_wishes_at_once_are_one_binding_and_a_person_has_a_bounded_number_of_roles() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let user = process.ask(201, "POST", USERS, json!({ "email": "a@b.c", "name": "a" })).await;
        let role = process.role("first", &["bell.read"]).await;
        let wish = json!({ "user_id": user["id"], "role_id": role });
        let wishes = (0..10).map(|_| process.send(TOKEN, ("POST", BINDINGS), &[], wish.clone()));
        let statuses: Vec<u16> =
            futures::future::join_all(wishes.collect::<Vec<_>>()).await.iter().map(|answer| answer.status).collect();
        assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
        assert!(statuses.iter().all(|status| [201, 409].contains(status)), "{statuses:?}");
        let id = user["id"].as_str().unwrap();
        for number in 1..32 {
            let role = process.role(&format!("{number}"), &["bell.read"]).await;
            process.grant(id, &role, (number == 1).then_some(60)).await;
        }
        let last = json!({ "user_id": id, "role_id": process.role("last", &["bell.read"]).await });
        assert_eq!(process.ask(422, "POST", BINDINGS, last.clone()).await["code"], "role_binding.too_many");
        process.pass(Duration::from_secs(60));
        process.ask(201, "POST", BINDINGS, last).await;
        let mut path = format!("{BINDINGS}?user_id={id}&limit=20");
        let mut seen = BTreeSet::new();
        loop {
            let page = process.send(TOKEN, ("GET", &path), &[], Value::Null).await;
            seen.extend(page.body["items"].as_array().unwrap().iter().map(|of| of["role_id"].to_string()));
            let Some(link) = page.headers.get("link") else { break };
            path = link.to_str().unwrap().strip_prefix('<').unwrap().split_once('>').unwrap().0.to_owned();
        }
        assert_eq!(seen.len(), 32, "what has ended has made room");
    })
    .await;
}
