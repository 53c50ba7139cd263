//! Codes, and what clients get by them.

use super::*;

#[tokio::test]
async fn a_code_holds_for_its_client_its_address_its_verifier_and_a_minute() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        process.person("default", "anna@example.com", &[]).await;
        let (program, other) = (process.program(json!({})).await, process.program(json!({})).await);
        let mut browser = Browser::default();
        let code = browser.sign_in(&process, &asked(&program, &[])).await.told("code").unwrap();
        let refused = async |program: &Program, more: &[(&str, &str)]| {
            let usual = [
                ("grant_type", "authorization_code"),
                ("code", code.as_str()),
                ("redirect_uri", CALLBACK),
                ("code_verifier", VERIFIER),
            ];
            let kept = usual.into_iter().filter(|(name, _)| !more.iter().any(|(known, _)| known == name));
            let pairs: Vec<_> = kept.chain(more.iter().copied()).collect();
            process.called(program, "/oauth2/token", &pairs).await.error()
        };
        let wrong = Program { secret: other.secret.clone(), ..program.clone() };
        let none = Program { secret: None, ..program.clone() };
        for (program, more, error) in [
            (&program, &[("code_verifier", "wrong-wrong-wrong-wrong-wrong-wrong-wrong-wr")][..], "invalid_grant"),
            (&program, &[("code_verifier", "")], "invalid_request"),
            (&program, &[("code_verifier", CHALLENGE)], "invalid_grant"),
            (&program, &[("redirect_uri", "https://app.example/other")], "invalid_grant"),
            (&program, &[("code", "lo_none")], "invalid_grant"),
            (&program, &[("code", "")], "invalid_request"),
            (&program, &[("grant_type", "")], "invalid_request"),
            (&program, &[("grant_type", "password")], "unsupported_grant_type"),
            (&program, &[("grant_type", "urn:ietf:params:oauth:grant-type:device_code")], "unauthorized_client"),
            (&program, &[("client_id", &*other.id)], "invalid_request"),
            (&other, &[], "invalid_grant"),
        ] {
            assert_eq!(refused(program, more).await, (400, error.to_owned()), "{more:?}");
        }
        for program in [&wrong, &none] {
            assert_eq!(refused(program, &[]).await, (401, "invalid_client".to_owned()));
        }
        let challenged = process.called(&wrong, "/oauth2/token", &[("grant_type", "refresh_token")]).await;
        assert!(challenged.header("www-authenticate").starts_with("Basic "));
        assert_eq!(process.redeem(&program, &code).await.status, 200, "none of that has used it");

        let again = browser.get(&process, &format!("{AUTHORIZE}?{}", asked(&program, &[]))).await;
        process.pass(Duration::from_secs(60));
        let late = process.redeem(&program, &again.told("code").unwrap()).await;
        assert_eq!(late.error(), (400, "invalid_grant".to_owned()));
        let typed = [("content-type", "application/json")];
        let json = process.fetch("POST", "/oauth2/token", &typed, "{}").await;
        assert_eq!(json.status, 415, "{}", json.text);
    })
    .await;
}

#[tokio::test]
async fn a_code_that_is_shown_again_ends_what_has_come_of_it() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        process.person("default", "anna@example.com", &[]).await;
        let program = process.program(json!({ "is_confidential": false, "scopes": ["openid", "api"] })).await;
        let mut browser = Browser::default();
        let asked = asked(&program, &[("scope", "openid api")]);
        let code = browser.sign_in(&process, &asked).await.told("code").unwrap();
        let granted = process.redeem(&program, &code).await.json();
        let access = granted["access_token"].as_str().unwrap();
        assert_eq!(
            (process.status(access).await, process.userinfo(access).await.status),
            (200, 200),
            "the API is open"
        );
        assert_eq!(process.redeem(&program, &code).await.error(), (400, "invalid_grant".to_owned()));
        assert_eq!((process.status(access).await, process.userinfo(access).await.status), (401, 401));
        let refresh = granted["refresh_token"].as_str().unwrap();
        assert_eq!(process.renew(&program, refresh).await.error(), (400, "invalid_grant".to_owned()));

        let code = browser.get(&process, &format!("{AUTHORIZE}?{asked}")).await.told("code").unwrap();
        let here_and_there = [process.another(), process.another()];
        let all = (0..20).map(|at| here_and_there[at % 2].redeem(&program, &code));
        let answers = futures::future::join_all(all).await;
        let fine: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
        assert_eq!(fine.len(), 1, "{:?}", answers.iter().map(|answer| answer.status).collect::<Vec<_>>());
        assert!(answers.iter().all(|answer| [200, 400].contains(&answer.status)));
        assert_eq!(process.status(fine[0].json()["access_token"].as_str().unwrap()).await, 401);
        let kinds = process.kinds("ten_default").await;
        assert_eq!(kinds.iter().filter(|kind| *kind == "session.reused").count(), 2, "{kinds:?}");
    })
    .await;
}

#[tokio::test]
async fn no_more_codes_are_kept_than_a_browser_can_use_and_none_for_long() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        process.person("default", "anna@example.com", &[]).await;
        let program = process.program(json!({})).await;
        let mut browser = Browser::default();
        let first = browser.sign_in(&process, &asked(&program, &[])).await;
        let path = format!("{AUTHORIZE}?{}", asked(&program, &[]));
        for _ in 0..25 {
            assert!(browser.get(&process, &path).await.told("code").is_some());
        }
        let count = async || {
            let rows: Vec<(String,)> = db.all("SELECT id FROM oauth_code LIMIT 99", args![]).await.unwrap();
            rows.len()
        };
        assert_eq!(count().await, 20);
        assert_eq!(process.redeem(&program, &first.told("code").unwrap()).await.status, 400, "the oldest went first");
        process.pass(Duration::from_secs(700));
        browser.get(&process, &path).await;
        assert_eq!(count().await, 1);
        let hashes: Vec<(Vec<u8>,)> = db.all("SELECT code_sha256 FROM oauth_code LIMIT 99", args![]).await.unwrap();
        assert!(hashes.iter().all(|(hash,)| hash.len() == 32));
    })
    .await;
}
