//! What a tenant asks of its people, in whatever way they sign in.

use super::*;
use crate::tests::factors::STEP_UP;

const POLICY: &str = "/api/v1/auth/policy";

impl Process {
    async fn demand(&self, wish: Value) {
        let answer = self.send(TOKEN, ("PUT", POLICY), &[("if-match", "*")], wish).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
}

#[tokio::test]
async fn whoever_lacks_a_second_factor_that_is_asked_for_is_in_to_add_one_and_for_nothing_else() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        process.person("default", "anna@example.com", &["user.read"]).await;
        let program = process.program(json!({ "scopes": ["openid", "api"] })).await;
        let asked_for = asked(&program, &[("scope", "openid api")]);
        let granted = process.granted(&program, "openid api").await;
        let (before, _) = process.tokens("anna@example.com").await;
        let people = async |token: &str| process.anew(token, "GET", USERS, Value::Null).await.0;
        let theirs = granted["access_token"].as_str().unwrap();
        assert_eq!((people(&before).await, people(theirs).await), (200, 200));

        process.demand(json!({ "needs_second_factor": true })).await;
        assert_eq!((people(&before).await, process.status(&before).await), (403, 200), "at once, wherever one is in");
        assert_eq!((people(theirs).await, process.userinfo(theirs).await.status), (401, 401));
        let renewed = process.renew(&program, granted["refresh_token"].as_str().unwrap()).await;
        assert_eq!(renewed.error(), (400, "invalid_grant".to_owned()));
        let (token, _) = process.tokens("anna@example.com").await;
        assert_eq!((people(&token).await, process.status(&token).await), (403, 200));
        let mut browser = Browser::default();
        let sent = browser.sign_in(&process, &asked_for).await;
        assert_eq!(sent.told("error").as_deref(), Some("access_denied"));
        let silent = format!("{AUTHORIZE}?{}", asked(&program, &[("prompt", "none")]));
        assert_eq!(browser.get(&process, &silent).await.told("error").as_deref(), Some("login_required"));
        let again = process.call(&token, "POST", STEP_UP, json!({ "password": PASSWORD })).await;
        assert_eq!(
            (again.0, people(again.2["access_token"].as_str().unwrap()).await),
            (200, 403),
            "it is the same factor"
        );

        let (authenticator, _) = process.enrol(&token).await;
        assert_eq!(people(&token).await, 200, "the first code is the second factor");
        let half = process.half_way("anna@example.com").await;
        let (_, _, whole) = process.finish(&half, &authenticator.code(&process, 1)).await;
        assert_eq!(people(whole["access_token"].as_str().unwrap()).await, 200);
        process.demand(json!({})).await;
        process.person("default", "bob@example.com", &["user.read"]).await;
        assert_eq!(people(&process.tokens("bob@example.com").await.0).await, 200);
    })
    .await;
}

#[tokio::test]
async fn only_addresses_of_a_tenants_domains_let_in_and_sessions_last_and_passwords_are_as_long_as_it_says() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let anna = process.person("default", "anna@school.example", &[]).await;
        process.person("default", "bob@example.com", &[]).await;
        let program = process.program(json!({})).await;
        process
            .demand(json!({ "email_domains": ["School.example"], "session_s": 300, "min_password_length": 30 }))
            .await;
        let refused = process.sign_in("default", "bob@example.com", PASSWORD).await;
        assert_eq!((refused.status, &refused.body["code"]), (401, &json!("session.invalid_credentials")));
        let page = Browser::default().sign_in_as(&process, "bob@example.com", &asked(&program, &[])).await;
        assert_eq!((page.status, page.header("location")), (401, ""));
        let begun = process.sign_in("default", "anna@school.example", PASSWORD).await.body;
        assert_eq!(begun["session_expires_at"], "2026-11-21T03:55:00.000Z");
        let mut browser = Browser::default();
        let sent = browser.sign_in_as(&process, "anna@school.example", &asked(&program, &[])).await;
        let granted = process.redeem(&program, &sent.told("code").unwrap()).await.json();
        process.pass(Duration::from_secs(300));
        assert_eq!(process.refresh(begun["refresh_token"].as_str().unwrap()).await.status, 401);
        let late = process.renew(&program, granted["refresh_token"].as_str().unwrap()).await;
        assert_eq!(late.error(), (400, "invalid_grant".to_owned()));
        let silent = format!("{AUTHORIZE}?{}", asked(&program, &[("prompt", "none")]));
        assert_eq!(browser.get(&process, &silent).await.told("error").as_deref(), Some("login_required"));

        let link = process.ask(200, "POST", &format!("{USERS}/{anna}/password-link"), Value::Null).await;
        for (length, status) in [(29, 422), (30, 204)] {
            let chosen = json!({ "token": link["token"], "password": "p".repeat(length) });
            assert_eq!(process.send("", ("POST", "/api/v1/auth/password"), &[], chosen).await.status, status);
        }
        for (wish, code) in [
            (json!({ "email_domains": ["a b"] }), "auth_policy.invalid_domains"),
            (json!({ "min_password_length": 7 }), "auth_policy.invalid_password_length"),
            (json!({ "min_password_length": 65 }), "auth_policy.invalid_password_length"),
            (json!({ "session_s": 299 }), "auth_policy.invalid_session"),
            (json!({ "session_s": i64::MAX }), "auth_policy.invalid_session"),
        ] {
            let answer = process.send(TOKEN, ("PUT", POLICY), &[("if-match", "*")], wish.clone()).await;
            assert_eq!((answer.status, answer.body["code"].as_str()), (422, Some(code)), "{wish}");
        }
    })
    .await;
}
