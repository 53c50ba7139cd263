//! Sessions of clients: refreshed, asked about, given back, and ended by signing out.

use super::*;
use crate::tests::factors::STEP_UP;

#[tokio::test]
async fn a_client_goes_on_by_refresh_tokens_that_hold_once_each() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let anna = process.person("default", "anna@example.com", &[]).await;
        let (program, other) = (process.program(json!({})).await, process.program(json!({})).await);
        let granted = process.granted(&program, "openid email").await;
        let refresh = granted["refresh_token"].as_str().unwrap();
        assert_eq!(process.refresh(refresh).await.status, 401, "it is of no session of a person's own");
        let (_, own) = process.tokens("anna@example.com").await;
        assert_eq!(process.renew(&program, &own).await.error(), (400, "invalid_grant".to_owned()), "nor the other way");
        assert_eq!(process.renew(&other, refresh).await.error(), (400, "invalid_grant".to_owned()));
        let wider = [("grant_type", "refresh_token"), ("refresh_token", refresh), ("scope", "openid api")];
        let wider = process.called(&program, "/oauth2/token", &wider).await;
        assert_eq!(wider.error(), (400, "invalid_scope".to_owned()));

        process.pass(Duration::from_secs(3600));
        let renewed = process.renew(&program, refresh).await.json();
        let said = claims(renewed["id_token"].as_str().unwrap());
        let first = claims(granted["id_token"].as_str().unwrap());
        assert_eq!(
            (&said["sub"], &said["auth_time"], &said["sid"]),
            (&json!(anna), &first["auth_time"], &first["sid"])
        );
        assert_eq!((&said["nonce"], &renewed["scope"]), (&Value::Null, &json!("openid email")));
        let access = renewed["access_token"].as_str().unwrap();
        assert_eq!(process.userinfo(access).await.status, 200);
        assert_eq!(process.renew(&program, refresh).await.error(), (400, "invalid_grant".to_owned()));
        let refused = process.userinfo(access).await;
        assert_eq!(refused.error(), (401, "invalid_token".to_owned()), "its session has ended");
        assert!(refused.header("www-authenticate").contains("error=\"invalid_token\""));
        let second = renewed["refresh_token"].as_str().unwrap();
        assert_eq!(process.renew(&program, second).await.error(), (400, "invalid_grant".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn a_client_that_may_not_go_on_is_given_ten_minutes() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        process.person("default", "anna@example.com", &[]).await;
        let program = process.program(json!({ "grants": ["authorization_code"], "scopes": ["openid", "api"] })).await;
        let granted = process.granted(&program, "api").await;
        assert_eq!((&granted["refresh_token"], &granted["id_token"]), (&Value::Null, &Value::Null));
        let access = granted["access_token"].as_str().unwrap();
        assert_eq!(process.userinfo(access).await.error(), (403, "insufficient_scope".to_owned()));
        assert_eq!(process.status(access).await, 200);
        for (path, body) in
            [("/api/v1/auth/totp", Value::Null), (STEP_UP, json!({ "password": crate::tests::PASSWORD }))]
        {
            let refused = process.send(access, ("POST", path), &[], body).await;
            assert_eq!((refused.status, refused.body["code"].as_str()), (403, Some("session.of_client")), "{path}");
        }
        process.pass(Duration::from_secs(600));
        assert_eq!(process.status(access).await, 401);
        let (own, _) = process.tokens("anna@example.com").await;
        let listed = process.send(&own, ("GET", SESSIONS), &[], Value::Null).await.body;
        assert!(!listed.to_string().contains(&program.id), "{listed}");
    })
    .await;
}

#[tokio::test]
async fn a_session_ends_when_its_client_gives_back_a_token_and_when_the_client_is_removed() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        process.person("default", "anna@example.com", &[]).await;
        let (program, other) = (process.program(json!({})).await, process.program(json!({})).await);
        for name in ["access_token", "refresh_token"] {
            let granted = process.granted(&program, "openid").await;
            let (token, access) = (granted[name].as_str().unwrap(), granted["access_token"].as_str().unwrap());
            assert_eq!(process.called(&other, "/oauth2/revoke", &[("token", token)]).await.status, 200);
            assert_eq!(process.userinfo(access).await.status, 200, "another one's is none of its business");
            for _ in 0..2 {
                let revoked = process.called(&program, "/oauth2/revoke", &[("token", token)]).await;
                assert_eq!((revoked.status, revoked.text.as_str()), (200, ""));
            }
            assert_eq!(process.userinfo(access).await.status, 401, "{name}");
        }
        for unknown in ["", "a", "a.b.c", "lr_a.b"] {
            let answer = process.called(&program, "/oauth2/revoke", &[("token", unknown)]).await;
            assert_eq!(answer.status, if unknown.is_empty() { 400 } else { 200 }, "{unknown}");
        }
        let granted = process.granted(&program, "openid").await;
        let at = format!("{CLIENTS}/{}", program.id);
        assert_eq!(process.send(TOKEN, ("DELETE", &at), &[("if-match", "*")], Value::Null).await.status, 204);
        assert_eq!(process.userinfo(granted["access_token"].as_str().unwrap()).await.status, 401);
        let refused = process.renew(&program, granted["refresh_token"].as_str().unwrap()).await;
        assert_eq!(refused.error(), (401, "invalid_client".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn a_service_of_the_tenant_learns_whether_a_token_holds_and_whose_it_is() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let anna = process.person("default", "anna@example.com", &[]).await;
        let (program, service) = (process.program(json!({})).await, process.program(json!({})).await);
        let public = process.program(json!({ "is_confidential": false })).await;
        let granted = process.granted(&program, "openid email").await;
        let (access, refresh) = (granted["access_token"].as_str().unwrap(), granted["refresh_token"].as_str().unwrap());
        let ask = async |program: &Program, token: &str| {
            process.called(program, "/oauth2/introspect", &[("token", token)]).await.json()
        };
        let known = ask(&service, access).await;
        assert_eq!(
            (&known["active"], &known["sub"], &known["client_id"]),
            (&json!(true), &json!(anna), &json!(program.id))
        );
        assert_eq!((&known["scope"], &known["aud"]), (&json!("openid email"), &json!("lectern-userinfo")));
        let (own, _) = process.tokens("anna@example.com").await;
        assert_eq!(ask(&service, &own).await["aud"], "lectern-api");
        assert_eq!(ask(&program, refresh).await["active"], true);
        for (program, token) in
            [(&service, refresh), (&service, "a.b.c"), (&service, granted["id_token"].as_str().unwrap())]
        {
            assert_eq!(ask(program, token).await, json!({ "active": false }));
        }
        assert_eq!(ask(&public, access).await["error"], "invalid_client");
        process.pass(Duration::from_secs(600));
        assert_eq!(ask(&service, access).await, json!({ "active": false }));

        process.ask(201, "POST", TENANTS, json!({ "slug": "north", "name": "North" })).await;
        let new = json!({ "name": "a", "is_confidential": true, "redirect_uris": [CALLBACK] });
        let elsewhere = process.send(TOKEN, ("POST", CLIENTS), &[("lectern-tenant", "north")], new).await.body;
        let text = |name: &str| elsewhere[name].as_str().unwrap().to_owned();
        let elsewhere = Program { id: text("id"), secret: Some(text("client_secret")) };
        let granted = process.granted(&program, "openid").await;
        assert_eq!(ask(&elsewhere, granted["access_token"].as_str().unwrap()).await, json!({ "active": false }));
    })
    .await;
}

#[tokio::test]
async fn whoever_signs_out_at_a_client_is_signed_out_there_and_in_the_browser() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        process.person("default", "anna@example.com", &[]).await;
        let left = "https://app.example/left";
        let program = process.program(json!({ "post_logout_redirect_uris": [left] })).await;
        let mut browser = Browser::default();
        let silent = format!("{AUTHORIZE}?{}", asked(&program, &[("prompt", "none")]));
        let sent = browser.sign_in(&process, &asked(&program, &[])).await;
        let granted = process.redeem(&program, &sent.told("code").unwrap()).await.json();
        let (access, hint) = (granted["access_token"].as_str().unwrap(), granted["id_token"].as_str().unwrap());
        let logout = |pairs: &[(&str, &str)]| format!("/oauth2/logout?{}", form(pairs));
        for pairs in [
            &[("id_token_hint", hint), ("post_logout_redirect_uri", "https://evil.example/")][..],
            &[("id_token_hint", hint), ("client_id", "cli_none")],
            &[("post_logout_redirect_uri", left)],
        ] {
            let refused = browser.get(&process, &logout(pairs)).await;
            assert_eq!((refused.status, refused.header("location")), (400, ""), "{pairs:?}");
        }
        assert_eq!(process.userinfo(access).await.status, 200);
        let pairs = [("id_token_hint", hint), ("post_logout_redirect_uri", left), ("state", "s")];
        process.pass(Duration::from_secs(700));
        let gone = browser.get(&process, &logout(&pairs)).await;
        assert_eq!((gone.status, gone.header("location")), (303, "https://app.example/left?state=s"));
        assert!(!browser.0.contains_key("__Host-lectern-session"));
        assert_eq!(browser.get(&process, &silent).await.told("error").as_deref(), Some("login_required"));
        let refresh = granted["refresh_token"].as_str().unwrap();
        assert_eq!(process.renew(&program, refresh).await.error(), (400, "invalid_grant".to_owned()));

        process.person("default", "bob@example.com", &[]).await;
        let mut bobs = Browser::default();
        bobs.sign_in_as(&process, "bob@example.com", &asked(&program, &[])).await;
        assert_eq!(bobs.get(&process, &logout(&[("id_token_hint", hint)])).await.status, 200);
        assert!(bobs.get(&process, &silent).await.told("code").is_some(), "it is not his");

        // Without an ID token he is asked.
        browser.sign_in(&process, &asked(&program, &[])).await;
        let question =
            browser.get(&process, &logout(&[("client_id", &*program.id), ("post_logout_redirect_uri", left)])).await;
        assert_eq!(question.status, 200);
        assert!(browser.get(&process, &silent).await.told("code").is_some(), "nothing has happened yet");
        let pairs = [("csrf", &*question.csrf()), ("client_id", &*program.id), ("post_logout_redirect_uri", left)];
        let gone = browser.post(&process, "/oauth2/logout", &pairs).await;
        assert_eq!((gone.status, gone.header("location")), (303, left));
        assert_eq!(browser.get(&process, &silent).await.told("error").as_deref(), Some("login_required"));
    })
    .await;
}
