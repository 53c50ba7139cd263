//! The resources.

use database::EngineKind;
use database::testing::Scratch;

use super::*;

#[tokio::test]
async fn a_flag_is_made_shown_changed_archived_and_removed() {
    for_each_engine(|db| async move {
        let api = Api::new(&flags(&db));
        let at = format!("{HERE}/player.low-latency");
        let new = json!({ "key": "player.low-latency", "description": "shorter parts",
            "environments": { "production": { "enabled": true } } });
        let made = api.ask(201, "POST", HERE, Some(new.clone())).await;
        assert_eq!(
            (&made["version"], &made["value_type"], &made["purpose"]),
            (&json!(1), &json!("boolean"), &json!("release"))
        );
        assert_eq!(api.ask(409, "POST", HERE, Some(new)).await["code"], "flag.exists");

        let shown = api.call("GET", &at, &[], None).await;
        assert_eq!(shown.body, made);
        assert_eq!(api.call("GET", &at, &[("if-none-match", shown.etag())], None).await.status, 304);
        assert_eq!(api.ask(200, "GET", HERE, None).await["items"], json!([made]));

        let condition = [("if-match", shown.etag())];
        let change = json!({ "purpose": "kill-switch", "archived": true });
        let changed = api.call("PATCH", &at, &condition, Some(change.clone())).await;
        assert_eq!(
            (changed.status, &changed.body["archived"], &changed.body["version"]),
            (200, &json!(true), &json!(2))
        );
        assert_eq!(changed.body["description"], "shorter parts", "what is absent stays");
        let stale = api.call("PATCH", &at, &condition, Some(change)).await;
        assert_eq!((stale.status, &stale.body["code"]), (412, &json!("http.precondition_failed")));
        assert_eq!(api.ask(200, "GET", HERE, None).await["items"], json!([]));
        assert_eq!(api.ask(200, "GET", &format!("{HERE}?archived=true"), None).await["items"], json!([changed.body]));

        assert_eq!(api.call("DELETE", &at, &condition, None).await.status, 412);
        api.ask(200, "PATCH", &at, Some(json!({ "archived": false }))).await;
        assert_eq!(api.ask(409, "DELETE", &at, None).await["code"], "flag.not_archived");
        api.ask(200, "PATCH", &at, Some(json!({ "archived": true }))).await;
        assert_eq!(api.call("DELETE", &at, &[], None).await.body["code"], "http.precondition_required");
        assert_eq!(api.call("DELETE", &at, &[("if-match", "*")], None).await.status, 204);
        assert_eq!(api.ask(404, "GET", &at, None).await["code"], "flag.not_found");

        let history = api.ask(200, "GET", &format!("{at}/history"), None).await;
        let actions: Vec<_> = history["items"].as_array().unwrap().iter().map(|one| one["action"].clone()).collect();
        assert_eq!(actions, ["deleted", "archived", "restored", "archived", "created"], "it outlives the flag");
        assert_eq!(history["items"][0]["after"], json!(null));
        let again = api.ask(201, "POST", HERE, Some(json!({ "key": "player.low-latency" }))).await;
        assert_eq!(again["version"], 6, "a flag that is made anew goes on counting");
    })
    .await;
}

#[tokio::test]
async fn every_change_tells_who_when_and_what_and_can_be_taken_back() {
    for_each_engine(|db| async move {
        let api = Api::new(&flags(&db));
        let at = format!("{HERE}/limit");
        let settings = |value: i64| json!({ "enabled": true, "on_value": value });
        let new = json!({ "key": "limit", "value_type": "integer", "environments": { "production": settings(10) } });
        api.ask(201, "POST", HERE, Some(new)).await;
        let production = format!("{at}/environments/production");
        api.ask(200, "PUT", &production, Some(settings(20))).await;
        api.ask(200, "PATCH", &production, Some(json!({ "enabled": false }))).await;
        api.ask(200, "PUT", &format!("{at}/environments/staging"), Some(settings(1))).await;

        let page = api.ask(200, "GET", &format!("{at}/history?limit=2"), None).await;
        let killed = &page["items"][1];
        assert_eq!(
            (&killed["version"], &killed["action"], &killed["actor"], &killed["at"]),
            (&json!(3), &json!("disabled"), &json!("admin"), &json!("2026-11-21T03:50:00.000Z"))
        );
        let part = |side: &str| killed[side]["environments"]["production"].clone();
        assert_eq!((part("before"), part("after")), (settings(20), json!({ "enabled": false, "on_value": 20 })));
        let next = page["next"].as_str().unwrap();
        let rest = api.ask(200, "GET", &format!("{at}/history?limit=2&after={next}"), None).await;
        assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next"]), (2, &json!(null)));

        let once = [("idempotency-key", "back-to-two")];
        let back = api.call("POST", &format!("{at}/rollback"), &once, Some(json!({ "version": 2 }))).await;
        assert_eq!((back.status, &back.body["version"]), (200, &json!(5)));
        assert_eq!(back.body["environments"], json!({ "production": settings(20) }));
        let same = api.call("POST", &format!("{at}/rollback"), &once, Some(json!({ "version": 2 }))).await;
        assert_eq!((same.body, &same.headers["idempotency-replayed"]), (back.body, &"true".parse().unwrap()));
        let never = api.ask(404, "POST", &format!("{at}/rollback"), Some(json!({ "version": 99 }))).await;
        assert_eq!(never["code"], "flag.no_version");
        assert_eq!(api.ask(404, "GET", &format!("{HERE}/nope/history"), None).await["code"], "flag.not_found");

        api.ask(200, "DELETE", &production, None).await;
        assert_eq!(
            api.ask(404, "PATCH", &production, Some(json!({ "enabled": true }))).await["code"],
            "flag.not_found"
        );
        let events = database::outbox::after(&db, &kernel::default_tenant(), 0, 100).await.unwrap();
        let told: Vec<_> = events.iter().map(|event| event.data.0["action"].clone()).collect();
        assert_eq!(told, ["created", "changed", "disabled", "changed", "rolled_back", "changed"]);
        assert!(events.iter().all(|event| event.kind == "flag.changed" && event.subject == "limit"));
    })
    .await;
}

#[tokio::test]
async fn segments_are_shared_and_stay_while_a_flag_refers_to_them() {
    for_each_engine(|db| async move {
        let api = Api::new(&flags(&db));
        let (all, at) = ("/api/v1/flag-segments", "/api/v1/flag-segments/testers");
        let of =
            |user: &str| json!({ "constraints": [{ "context_name": "userId", "operator": "IN", "values": [user] }] });
        let strategy = json!([{ "name": "default", "segments": ["testers"] }]);
        let new = json!({ "key": "a", "environments": { "production": { "enabled": true, "strategies": strategy } } });
        let refused = api.ask(422, "POST", HERE, Some(new.clone())).await;
        let pointer = "/environments/production/strategies/0/segments/0";
        assert_eq!(
            (&refused["errors"][0]["pointer"], &refused["code"]),
            (&json!(pointer), &json!("flag.invalid_strategy"))
        );

        let made = api.call("PUT", at, &[], Some(of("ann"))).await;
        assert_eq!((made.status, &made.body["version"]), (200, &json!(1)));
        api.ask(201, "POST", HERE, Some(new)).await;
        let is_on = async |user: &str| {
            let asked = json!({ "context": { "targetingKey": user } });
            api.ask(200, "POST", "/ofrep/v1/evaluate/flags/a", Some(asked)).await["value"].clone()
        };
        assert_eq!((is_on("ann").await, is_on("bob").await), (json!(true), json!(false)));
        let changed = api.call("PUT", at, &[("if-match", made.etag())], Some(of("bob"))).await;
        assert_eq!((is_on("ann").await, is_on("bob").await), (json!(false), json!(true)));
        assert_eq!(api.call("PUT", at, &[("if-match", made.etag())], Some(of("eve"))).await.status, 412);
        assert_eq!(api.call("PUT", &format!("{all}/new"), &[("if-match", "*")], Some(of("eve"))).await.status, 404);
        assert_eq!(api.call("GET", at, &[("if-none-match", changed.etag())], None).await.status, 304);
        assert_eq!(api.ask(200, "GET", all, None).await["items"], json!([changed.body]));

        assert_eq!(api.ask(409, "DELETE", at, None).await["code"], "flag.segment_in_use");
        api.ask(200, "DELETE", &format!("{HERE}/a/environments/production"), None).await;
        assert_eq!(api.call("PUT", at, &[], Some(of("eve"))).await.status, 428);
        assert_eq!(api.call("DELETE", at, &[("if-match", changed.etag())], None).await.status, 204);
        assert_eq!(api.ask(404, "DELETE", at, None).await["code"], "flag.segment_not_found");
        let history = api.ask(200, "GET", &format!("{at}/history"), None).await;
        assert_eq!(history["items"].as_array().unwrap().len(), 3);
    })
    .await;
}

#[tokio::test]
async fn pages_and_names_are_bounded_and_nothing_is_open() {
    let scratch = Scratch::migrated(EngineKind::Postgres).await;
    let api = Api::new(&flags(&scratch.db));
    for number in 0..5 {
        api.ask(201, "POST", HERE, Some(json!({ "key": format!("flag-{number}") }))).await;
    }
    let first = api.ask(200, "GET", &format!("{HERE}?limit=3"), None).await;
    let next = first["next"].as_str().unwrap();
    let rest = api.ask(200, "GET", &format!("{HERE}?limit=3&after={next}"), None).await;
    let keys =
        |page: &Value| page["items"].as_array().unwrap().iter().map(|flag| flag["key"].clone()).collect::<Vec<_>>();
    assert_eq!([keys(&first), keys(&rest)].concat(), ["flag-4", "flag-3", "flag-2", "flag-1", "flag-0"]);
    for key in ["", "-a", "a b", "a/b", "\u{fc}", &"a".repeat(101)] {
        let refused = api.ask(422, "POST", HERE, Some(json!({ "key": key }))).await;
        assert_eq!(refused["code"], "flag.invalid_key", "{key:?}");
    }
    // Which PostgreSQL takes for no text.
    for path in ["/api/v1/flags/%00", "/api/v1/flags/%00/history", "/api/v1/flag-segments/%00"] {
        api.ask(404, "GET", path, None).await;
    }
    for (method, path) in [
        ("GET", HERE),
        ("GET", "/api/v1/flag-segments"),
        ("GET", "/api/client/features"),
        ("POST", "/api/client/register"),
        ("POST", "/api/client/metrics"),
        ("POST", "/ofrep/v1/evaluate/flags"),
        ("POST", "/ofrep/v1/evaluate/flags/flag-0"),
    ] {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        assert_eq!(api.send(request).await.status, 401, "{path}");
    }
}

#[tokio::test]
async fn every_schema_that_the_document_names_is_in_it() {
    let scratch = Scratch::migrated(EngineKind::Sqlite).await;
    let (guard, recorder) = (Guard::new(AdminToken::new(TOKEN).unwrap()), Recorder::new(scratch.db.clone()));
    let routes =
        crate::flags::routes::mount(Routes::<Flags>::new(guard, Some(recorder), OpenApiBuilder::new().build()));
    let document = serde_json::to_value(routes.document()).unwrap();
    let text = document.to_string();
    let mut named: Vec<&str> =
        text.split("#/components/schemas/").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    named.sort_unstable();
    named.dedup();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for name in &named {
        assert!(schemas.contains_key(*name), "{name} is missing");
    }
    assert!(schemas["FlagContent"]["additionalProperties"].is_null(), "a FlagView has more than that");
    assert!(named.contains(&"FlagSettings") && named.contains(&"OfrepEvaluation"), "{named:?}");
}
