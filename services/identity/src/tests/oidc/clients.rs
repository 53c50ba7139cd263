//! Clients, and where browsers are sent.

use super::*;

#[tokio::test]
async fn a_client_is_made_with_a_secret_that_is_told_once_changed_and_removed() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let new = json!({ "name": "Library", "is_confidential": true, "redirect_uris": [CALLBACK, CALLBACK] });
        let once = [("idempotency-key", "k")];
        let made = process.send(TOKEN, ("POST", CLIENTS), &once, new.clone()).await;
        assert_eq!((made.status, &made.body["scopes"]), (201, &json!(["openid", "profile", "email"])));
        assert_eq!((&made.body["redirect_uris"], &made.body["is_confidential"]), (&json!([CALLBACK]), &json!(true)));
        let secret = made.body["client_secret"].as_str().unwrap().to_owned();
        let at = made.headers["location"].to_str().unwrap().to_owned();
        assert_eq!(at, format!("{CLIENTS}/{}", made.body["id"].as_str().unwrap()));
        let again = process.send(TOKEN, ("POST", CLIENTS), &once, new).await;
        assert_eq!((&again.body["id"], &again.body["client_secret"]), (&made.body["id"], &Value::Null));
        let stored: Vec<(Option<Vec<u8>>,)> =
            db.all("SELECT secret_sha256 FROM oauth_client LIMIT 9", args![]).await.unwrap();
        assert!(stored.len() == 1 && stored[0].0.as_ref().is_some_and(|hash| hash.len() == 32));

        let shown = process.send(TOKEN, ("GET", &at), &[], Value::Null).await;
        assert!(!shown.body.to_string().contains(&secret));
        let condition = [("if-match", shown.headers["etag"].to_str().unwrap())];
        assert_eq!(process.send(TOKEN, ("PATCH", &at), &[], json!({ "name": "a" })).await.status, 428);
        let changed = process.send(TOKEN, ("PATCH", &at), &condition, json!({ "name": "Books" })).await;
        assert_eq!((changed.status, &changed.body["name"]), (200, &json!("Books")));
        for call in [("PATCH", &*at), ("DELETE", &*at)] {
            assert_eq!(process.send(TOKEN, call, &condition, json!({})).await.status, 412, "{call:?}");
        }
        assert_eq!(process.send(TOKEN, ("DELETE", &at), &[("if-match", "*")], Value::Null).await.status, 204);
        assert_eq!(process.send(TOKEN, ("GET", &at), &[], Value::Null).await.body["code"], "oauth_client.not_found");
        let told = process.kinds("ten_default").await;
        assert_eq!(told, ["oauth_client.created", "oauth_client.updated", "oauth_client.deleted"]);
    })
    .await;
}

#[tokio::test]
async fn what_can_be_no_client_is_refused_and_each_mistake_named() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        for (more, code, pointer) in [
            (json!({ "name": "" }), "oauth_client.invalid_name", "/name"),
            (json!({ "redirect_uris": [] }), "oauth_client.invalid_uri", "/redirect_uris"),
            (json!({ "redirect_uris": [CALLBACK, "http://app.example/"] }), "oauth_client.invalid_uri", "/redirect_uris/1"),
            (json!({ "redirect_uris": vec![CALLBACK; 21] }), "oauth_client.invalid_uri", "/redirect_uris"),
            (
                json!({ "post_logout_redirect_uris": ["javascript:a"] }),
                "oauth_client.invalid_uri",
                "/post_logout_redirect_uris/0",
            ),
            (json!({ "grants": ["refresh_token"] }), "oauth_client.invalid_grants", "/grants"),
            (json!({ "grants": ["password"] }), "body.invalid", "/grants/0"),
            (json!({ "scopes": [] }), "oauth_client.invalid_scopes", "/scopes"),
            (json!({ "scopes": ["everything"] }), "body.invalid", "/scopes/0"),
        ] {
            let mut new = json!({ "name": "Library", "is_confidential": true, "redirect_uris": [CALLBACK] });
            new.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let refused = process.ask(422, "POST", CLIENTS, new).await;
            assert_eq!((&refused["code"], &refused["errors"][0]["pointer"]), (&json!(code), &json!(pointer)), "{more}");
        }
        let (_, some) = process.key(json!({ "name": "a", "permissions": ["oauth_client.*"] })).await;
        let new = |scopes: &[&str]| {
            json!({ "name": "a", "is_confidential": true, "redirect_uris": [CALLBACK], "scopes": scopes })
        };
        assert_eq!(process.send(&some, ("POST", CLIENTS), &[], new(&["openid"])).await.status, 201);
        let refused = process.send(&some, ("POST", CLIENTS), &[], new(&["openid", "api"])).await;
        assert_eq!((refused.status, &refused.body["code"]), (403, &json!("oauth_client.beyond_own")));
        let at = format!("{CLIENTS}/{}", process.program(json!({ "scopes": ["api"] })).await.id);
        let redirected = json!({ "redirect_uris": ["https://evil.example/"] });
        let refused = process.send(&some, ("PATCH", &at), &[("if-match", "*")], redirected).await;
        assert_eq!((refused.status, &refused.body["code"]), (403, &json!("oauth_client.beyond_own")));
    })
    .await;
}

#[tokio::test]
async fn nobody_is_sent_to_where_a_client_has_not_registered_and_a_client_is_told_the_rest() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let program = process.program(json!({ "redirect_uris": [CALLBACK, "http://127.0.0.1/cb"] })).await;
        let come = async |more: &[(&str, &str)]| {
            Browser::default().get(&process, &format!("{AUTHORIZE}?{}", asked(&program, more))).await
        };
        for (more, code) in [
            (&[("client_id", "cli_none")][..], "oauth.unknown_client"),
            (&[("client_id", "")], "oauth.unknown_client"),
            (&[("client_id", "%00")], "oauth.unknown_client"),
            (&[("redirect_uri", "https://evil.example/")], "oauth.invalid_redirect"),
            (&[("redirect_uri", "https://app.example/callback/..")], "oauth.invalid_redirect"),
            (&[("redirect_uri", "https://app.example/callback?x=1")], "oauth.invalid_redirect"),
            (&[("redirect_uri", "")], "oauth.invalid_redirect"),
            (&[("state", "a"), ("state", "b")], "oauth.invalid_request"),
            (&[("state", "\0")], "oauth.invalid_request"),
        ] {
            let refused = come(more).await;
            assert_eq!((refused.status, refused.header("location")), (400, ""), "{more:?}");
            assert_eq!(refused.json()["code"], code, "{more:?}");
        }
        for (more, error) in [
            (&[("response_type", "token")][..], "unsupported_response_type"),
            (&[("code_challenge", "")], "invalid_request"),
            (&[("code_challenge_method", "plain")], "invalid_request"),
            (&[("scope", "api")], "invalid_scope"),
        ] {
            let told = come(more).await;
            assert_eq!(told.told("error").as_deref(), Some(error), "{more:?}");
            assert_eq!((told.told("state").as_deref(), told.told("iss").as_deref()), (Some("st&te"), Some(ISSUER)));
        }
        let own = come(&[("redirect_uri", "http://127.0.0.1:50123/cb")]).await;
        assert_eq!(own.status, 200, "of a program on the person's own machine the port is whichever");
        let posted = Browser::default().post(&process, AUTHORIZE, &[("client_id", &*program.id)]).await;
        assert_eq!(posted.json()["code"], "oauth.invalid_redirect");

        let at = format!("{TENANTS}/ten_default");
        process.ask(200, "POST", &format!("{at}/suspend"), Value::Null).await;
        assert_eq!(come(&[]).await.json()["code"], "tenant.suspended");
    })
    .await;
}

#[tokio::test]
async fn where_nobody_has_said_an_address_there_is_no_provider() {
    for_each_engine(|db| async move {
        let time = Arc::new(AtomicI64::new(1_795_233_000_000));
        let process = Process::known_as(&db, &time, None);
        let program = process.program(json!({})).await;
        for (method, path) in [
            ("GET", "/.well-known/openid-configuration"),
            ("GET", &*format!("{AUTHORIZE}?{}", asked(&program, &[]))),
            ("POST", "/oauth2/token"),
            ("GET", "/device"),
        ] {
            let refused = process.fetch(method, path, &[], "").await;
            if path == "/oauth2/token" {
                assert_eq!(refused.error(), (404, "invalid_request".to_owned()), "in the words of OAuth");
                assert_eq!(refused.header("link"), "</api/docs#oidc.not_configured>; rel=\"type\"");
            } else {
                assert_eq!((refused.status, &refused.json()["code"]), (404, &json!("oidc.not_configured")), "{path}");
            }
        }
    })
    .await;
}
