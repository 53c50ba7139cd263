//! What pages and apps are told.

use super::*;

const FRONT: &str = "/api/frontend";
const BULK: &str = "/api/frontend/ofrep/v1/evaluate/flags";

#[tokio::test]
async fn a_page_is_told_what_public_flags_come_to_in_its_environment_and_no_rule() {
    for_each_engine(|db| async move {
        let flags = flags(&db);
        let api = Api::new(&flags);
        let aimed = json!([{ "name": "userWithId", "parameters": { "userIds": "ann-the-first" } }]);
        for (key, public) in [("colour", true), ("hidden", false)] {
            let production = json!({ "enabled": true, "on_value": "red", "off_value": "grey", "strategies": aimed });
            let new = json!({ "key": key, "value_type": "string", "public": public,
                "environments": { "production": production, "staging": { "enabled": true, "on_value": "blue" } } });
            api.ask(201, "POST", HERE, Some(new)).await;
        }
        let made = api.ask(201, "POST", "/api/v1/flag-keys", Some(json!({ "name": "site", "environment": "production" }))).await;
        let key = made["id"].as_str().unwrap();
        let ann = format!("{FRONT}?userId=ann-the-first&appName=site&properties%5Bplan%5D=paid");
        let told = api.call_as(key, "GET", &ann, &[], None).await;
        let variant = json!({ "name": "on", "enabled": true, "feature_enabled": true, "payload": { "type": "string", "value": "red" } });
        let toggle = json!({ "name": "colour", "enabled": true, "variant": variant, "impressionData": false });
        assert_eq!((told.status, &told.body), (200, &json!({ "toggles": [toggle] })));
        assert_eq!((&told.headers["access-control-allow-origin"], &told.headers["access-control-expose-headers"]), (&"*".parse().unwrap(), &"ETag".parse().unwrap()));
        let unchanged = [("if-none-match", told.etag())];
        assert_eq!(api.call_as(key, "GET", &ann, &unchanged, None).await.status, 304);
        let posted = json!({ "context": { "userId": "ann-the-first", "properties": { "plan": "paid" } } });
        assert_eq!(api.call_as(key, "POST", FRONT, &[], Some(posted)).await.body, told.body);
        let bob = api.call_as(key, "GET", &format!("{FRONT}?userId=bob"), &[], None).await;
        assert_eq!(bob.body, json!({ "toggles": [] }), "what is off is not told of");

        let elsewhere = [("lectern-environment", "staging")];
        let asked = json!({ "context": { "targetingKey": "ann-the-first" } });
        let bulk = api.call_as(key, "POST", BULK, &elsewhere, Some(asked.clone())).await;
        let red = json!({ "key": "colour", "value": "red", "reason": "TARGETING_MATCH", "variant": "on" });
        assert_eq!((bulk.status, &bulk.body), (200, &json!({ "flags": [red] })), "the key says which environment");
        assert_eq!(api.call_as(key, "POST", BULK, &[("if-none-match", bulk.etag())], Some(asked)).await.status, 304);

        let count = json!({ "yes": 2, "no": 1 });
        let counts = json!({ "bucket": { "toggles": { "colour": count, "hidden": count } } });
        assert_eq!(api.call_as(key, "POST", &format!("{FRONT}/client/metrics"), &[], Some(counts)).await.status, 202);
        flags.all().write_counts().await.unwrap();
        let usage = async |of: &str| api.ask(200, "GET", &format!("{HERE}/{of}/usage"), None).await["items"].clone();
        assert_eq!((&usage("colour").await[0]["yes"], &usage("hidden").await), (&json!(2), &json!([])));

        for path in [HERE, "/api/client/features", "/api/v1/flag-keys"] {
            assert_eq!(api.call_as(key, "GET", path, &[], None).await.status, 401, "{path} is not for pages");
        }
        let listed = api.ask(200, "GET", "/api/v1/flag-keys", None).await;
        assert_eq!(listed["items"], json!([made]));
        assert_eq!(api.ask(404, "DELETE", "/api/v1/flag-keys/lfp_x", None).await["code"], "flag.key_not_found");
        api.ask(204, "DELETE", &format!("/api/v1/flag-keys/{key}"), None).await;
        let refused = api.call_as(key, "GET", FRONT, &[], None).await;
        assert_eq!((refused.status, &refused.body["code"]), (401, &json!("flag.unknown_client")));
        assert_eq!(refused.headers["access-control-allow-origin"], "*", "pages read why");
    })
    .await;
}

#[tokio::test]
async fn pages_of_any_origin_may_ask_and_keys_are_known_while_the_database_is_away() {
    for_each_engine(|db| async move {
        let api = Api::new(&flags(&db));
        let request = Request::builder().method("OPTIONS").uri(FRONT).header("origin", "https://page.example");
        let request = request.header("access-control-request-headers", "authorization,unleash-sdk");
        let preflight = api.send(request.body(Body::empty()).unwrap()).await;
        let told = |name: &str| preflight.headers[name].to_str().unwrap().to_owned();
        assert_eq!((preflight.status, told("access-control-allow-origin")), (204, "*".to_owned()));
        assert_eq!(told("access-control-allow-headers"), "authorization,unleash-sdk");
        assert_eq!(told("access-control-max-age"), "172800");

        api.ask(
            201,
            "POST",
            HERE,
            Some(json!({ "key": "a", "public": true, "environments": { "production": { "enabled": true } } })),
        )
        .await;
        let made = api.ask(201, "POST", "/api/v1/flag-keys", Some(json!({ "environment": "production" }))).await;
        let raw = async || {
            let request = Request::builder().uri(FRONT).header("authorization", made["id"].as_str().unwrap());
            api.send(request.body(Body::empty()).unwrap()).await
        };
        let told = raw().await;
        assert_eq!(told.body["toggles"][0]["name"], "a", "without the word Bearer, as clients of Unleash send it");
        db.close().await;
        assert_eq!(raw().await.body, told.body);
        let unknown = api.call_as("lfp_0", "GET", FRONT, &[], None).await;
        assert!(unknown.status >= 500, "whether there is such a key cannot be said: {}", unknown.status);
    })
    .await;
}
