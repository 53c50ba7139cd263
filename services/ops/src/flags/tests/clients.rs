//! What clients of OFREP and of Unleash are answered.

use database::EngineKind;
use database::testing::Scratch;

use super::*;

const BULK: &str = "/ofrep/v1/evaluate/flags";

#[tokio::test]
async fn providers_of_open_feature_read_all_five_types_and_why() {
    for_each_engine(|db| async move {
        let api = Api::new(&flags(&db));
        for (key, value_type, value) in [
            ("boolean", "boolean", json!(true)),
            ("float", "float", json!(1.5)),
            ("integer", "integer", json!(9_007_199_254_740_993_i64)),
            ("object", "object", json!({ "a": [1, { "b": null }], "c": "d" })),
            ("string", "string", json!("42")),
        ] {
            api.make(key, value_type, json!({ "enabled": true, "on_value": value })).await;
            let told = api.ask(200, "POST", &format!("{BULK}/{key}"), Some(json!({ "context": {} }))).await;
            assert_eq!(told, json!({ "key": key, "value": value, "reason": "STATIC", "variant": "on" }));
        }
        let asked = json!({ "context": { "targetingKey": "ann" } });
        let bulk = api.call("POST", BULK, &[], Some(asked.clone())).await;
        let keys: Vec<_> = bulk.body["flags"].as_array().unwrap().iter().map(|flag| flag["key"].clone()).collect();
        assert_eq!(keys, ["boolean", "float", "integer", "object", "string"]);
        let unchanged = [("if-none-match", bulk.etag())];
        assert_eq!(api.call("POST", BULK, &unchanged, Some(asked.clone())).await.status, 304);
        api.ask(200, "PATCH", &format!("{HERE}/string/environments/production"), Some(json!({ "enabled": false })))
            .await;
        let changed = api.call("POST", BULK, &unchanged, Some(asked.clone())).await;
        assert_eq!(
            (changed.status, &changed.body["flags"][4]),
            (200, &json!({ "key": "string", "reason": "DISABLED", "variant": "off" }))
        );
        let elsewhere = api.call("POST", BULK, &[("lectern-environment", "staging")], Some(asked)).await;
        assert_eq!(
            elsewhere.body["flags"][0],
            json!({ "key": "boolean", "value": false, "reason": "DISABLED", "variant": "off" })
        );
    })
    .await;
}

#[tokio::test]
async fn a_value_says_whether_rules_or_a_share_decided() {
    let scratch = Scratch::migrated(EngineKind::Sqlite).await;
    let api = Api::new(&flags(&scratch.db));
    let rollout = |share: &str| json!([{ "name": "flexibleRollout", "parameters": { "rollout": share } }]);
    let paid = json!({ "context_name": "plan", "operator": "IN", "values": ["paid"] });
    let aimed = json!([{ "name": "default", "constraints": [paid] }]);
    let variants = json!([
        { "name": "red", "weight": 500, "value": "#f00", "overrides": [{ "context_name": "userId", "values": ["rose"] }] },
        { "name": "blue", "weight": 500, "value": "#00f" },
    ]);
    api.make("whole", "boolean", json!({ "enabled": true, "strategies": rollout("100") })).await;
    api.make("part", "boolean", json!({ "enabled": true, "strategies": rollout("50") })).await;
    api.make("aimed", "boolean", json!({ "enabled": true, "strategies": aimed })).await;
    api.make("colour", "string", json!({ "enabled": true, "off_value": "#000", "variants": variants })).await;
    api.make("child", "boolean", json!({ "enabled": true, "parents": [{ "key": "aimed" }] })).await;
    let ask = async |key: &str, context: Value| {
        let answer = api.call("POST", &format!("{BULK}/{key}"), &[], Some(json!({ "context": context }))).await;
        (answer.status, answer.body)
    };
    let told = |key: &str, value: Value, reason: &str| {
        let variant = if value == json!(true) { "on" } else { "off" };
        (200, json!({ "key": key, "value": value, "reason": reason, "variant": variant }))
    };
    let ann = || json!({ "targetingKey": "ann", "plan": "paid" });
    assert_eq!(ask("whole", json!({})).await, told("whole", json!(true), "STATIC"));
    assert_eq!(ask("aimed", ann()).await, told("aimed", json!(true), "TARGETING_MATCH"));
    assert_eq!(ask("aimed", json!({ "plan": "free" })).await, told("aimed", json!(false), "TARGETING_MATCH"));
    assert_eq!(ask("child", ann()).await, told("child", json!(true), "TARGETING_MATCH"));
    assert_eq!(ask("child", json!({})).await, told("child", json!(false), "TARGETING_MATCH"));
    let (_, part) = ask("part", ann()).await;
    assert_eq!(part["reason"], "SPLIT");
    for _ in 0..5 {
        assert_eq!(ask("part", ann()).await.1, part, "it is kept");
    }
    let rose = json!({ "key": "colour", "value": "#f00", "reason": "SPLIT", "variant": "red" });
    assert_eq!(ask("colour", json!({ "targetingKey": "rose" })).await, (200, rose));

    let (status, nobody) = ask("part", json!({ "plan": "paid" })).await;
    assert_eq!((status, &nobody["errorCode"], &nobody["key"]), (400, &json!("TARGETING_KEY_MISSING"), &json!("part")));
    let all = api.ask(200, "POST", BULK, Some(json!({ "context": {} }))).await;
    let codes: Vec<_> = all["flags"].as_array().unwrap().iter().map(|flag| flag["errorCode"].clone()).collect();
    let missing = json!("TARGETING_KEY_MISSING");
    assert_eq!(
        codes,
        [json!(null), json!(null), missing.clone(), missing, json!(null)],
        "one does not spoil the others"
    );
}

#[tokio::test]
async fn what_is_wrong_with_a_question_is_told_by_the_codes_of_the_protocol() {
    let scratch = Scratch::migrated(EngineKind::Sqlite).await;
    let api = Api::new(&flags(&scratch.db));
    api.make("a", "boolean", json!({ "enabled": true })).await;
    let one = format!("{BULK}/a");
    for (body, code) in [
        (json!([]), "INVALID_CONTEXT"),
        (json!({}), "INVALID_CONTEXT"),
        (json!({ "context": 1 }), "INVALID_CONTEXT"),
        (json!({ "context": { "targetingKey": 1 } }), "INVALID_CONTEXT"),
    ] {
        assert_eq!(api.ask(400, "POST", BULK, Some(body.clone())).await["errorCode"], code, "{body}");
        let failed = api.ask(400, "POST", &one, Some(body.clone())).await;
        assert_eq!((&failed["errorCode"], &failed["key"]), (&json!(code), &json!("a")), "{body}");
    }
    let broken = |path: &str| {
        let request = Request::builder().method("POST").uri(path).header("authorization", format!("Bearer {TOKEN}"));
        request.header("content-type", "application/json").body(Body::from("{\"context\":")).unwrap()
    };
    for path in [BULK, &one] {
        let answer = api.send(broken(path)).await;
        assert_eq!((answer.status, &answer.body["errorCode"]), (400, &json!("PARSE_ERROR")), "{path}");
    }
    let unknown = api.ask(404, "POST", &format!("{BULK}/b%20"), Some(json!({ "context": {} }))).await;
    assert_eq!((&unknown["errorCode"], &unknown["key"]), (&json!("FLAG_NOT_FOUND"), &json!("b ")));
    api.ask(200, "PATCH", &format!("{HERE}/a"), Some(json!({ "archived": true }))).await;
    let archived = api.ask(404, "POST", &one, Some(json!({ "context": {} }))).await;
    assert_eq!(archived["errorCode"], "FLAG_NOT_FOUND");
    let elsewhere = api.call("POST", &one, &[("lectern-environment", "No!")], Some(json!({ "context": {} }))).await;
    assert_eq!((elsewhere.status, &elsewhere.body["code"]), (400, &json!("flag.invalid_environment")));
}

#[tokio::test]
async fn clients_of_unleash_fetch_flags_and_report_on_them() {
    for_each_engine(|db| async move {
        let api = Api::new(&flags(&db));
        let segment = json!({ "constraints": [{ "context_name": "appName", "operator": "IN", "values": ["studio"] }] });
        api.ask(200, "PUT", "/api/v1/flag-segments/studio", Some(segment)).await;
        let strategy = json!({ "name": "flexibleRollout", "parameters": { "rollout": "25" }, "segments": ["studio"] });
        api.make("limit", "integer", json!({ "enabled": true, "on_value": 7, "strategies": [strategy] })).await;
        let fetched = api.call("GET", "/api/client/features", &[], None).await;
        let feature = &fetched.body["features"][0];
        assert_eq!((&feature["name"], &feature["enabled"]), (&json!("limit"), &json!(true)));
        assert_eq!(
            feature["strategies"][0]["parameters"],
            json!({ "rollout": "25", "stickiness": "default", "groupId": "limit" })
        );
        assert_eq!(feature["strategies"][0]["segments"], json!([fetched.body["segments"][0]["id"]]));
        assert_eq!(feature["variants"][0]["payload"], json!({ "type": "number", "value": "7" }));
        let unchanged = [("if-none-match", fetched.etag())];
        assert_eq!(api.call("GET", "/api/client/features", &unchanged, None).await.status, 304);
        let staging = api.call("GET", "/api/client/features", &[("lectern-environment", "staging")], None).await;
        assert_eq!(staging.body["features"][0]["enabled"], json!(false));

        let hello = json!({ "appName": "studio", "instanceId": "a", "sdkVersion": "unleash-client-node:6", "strategies": ["default"] });
        api.ask(202, "POST", "/api/client/register", Some(hello)).await;
        let clients = api.ask(200, "GET", "/api/v1/flag-clients", None).await;
        assert_eq!((&clients["items"][0]["app_name"], &clients["items"][0]["sdk"]), (&json!("studio"), &json!("unleash-client-node:6")));

        let counts = json!({ "appName": "studio", "instanceId": "a", "bucket": { "start": "x", "stop": "y", "toggles": {
            "limit": { "yes": 3, "no": 1, "variants": { "on": 3 } }, "gone": { "yes": 1, "no": 0 } } } });
        for _ in 0..2 {
            api.ask(202, "POST", "/api/client/metrics", Some(counts.clone())).await;
        }
        let elsewhere = [("lectern-environment", "nowhere")];
        assert_eq!(api.call("POST", "/api/client/metrics", &elsewhere, Some(counts)).await.status, 202);
        let usage = api.ask(200, "GET", &format!("{HERE}/limit/usage"), None).await;
        let told = json!({ "environment": "production", "yes": 6, "no": 2, "last_at": "2026-11-21T03:50:00.000Z" });
        assert_eq!(usage["items"], json!([told]), "environments that no flag names are not counted");
    })
    .await;
}
