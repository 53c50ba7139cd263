//! Codes behind the password, at the pages.

use super::devices::decide;
use super::*;

/// Shows a code where a page has asked for one.
async fn show(browser: &mut Browser, process: &Process, path: &str, question: &Fetched, code: &str) -> Fetched {
    let (csrf, half) = (question.csrf(), question.hidden("code_token"));
    let filled = [("csrf", csrf.as_str()), ("code_token", half.as_str()), ("code", code)];
    browser.post(process, path, &filled).await
}

#[tokio::test]
async fn whoever_has_codes_is_asked_for_one_at_the_same_page_and_clients_are_told_what_was_shown_and_when() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let anna = process.person("default", "anna@example.com", &[]).await;
        let (token, _) = process.tokens("anna@example.com").await;
        let (authenticator, recovery) = process.enrol(&token).await;
        let program = process.program(json!({})).await;
        let asked = asked(&program, &[]);
        let path = format!("/oauth2/sign-in?{asked}");
        let mut browser = Browser::default();
        let question = browser.sign_in(&process, &asked).await;
        assert_eq!((question.status, question.header("location"), question.asks_for()), (200, "", "a code"));
        assert!(!browser.0.contains_key("__Host-lectern-session"), "half is not in");
        for wrong in [authenticator.code(&process, 9), authenticator.code(&process, 0), String::new()] {
            let again = show(&mut browser, &process, &path, &question, &wrong).await;
            assert_eq!((again.status, again.asks_for()), (401, "a code"), "{wrong}");
            assert!(again.text.contains("role=\"alert\"") && again.header("location").is_empty());
            assert_eq!(again.hidden("code_token"), question.hidden("code_token"), "it may be tried again");
        }

        let next = authenticator.code(&process, 1);
        let mut other = Browser::default();
        let page = other.get(&process, &format!("{AUTHORIZE}?{asked}")).await;
        let (csrf, half) = (page.csrf(), question.hidden("code_token"));
        let filled = [("csrf", csrf.as_str()), ("code_token", half.as_str()), ("code", next.as_str())];
        let elsewhere = other.post(&process, &path, &filled).await;
        assert_eq!((elsewhere.status, elsewhere.asks_for()), (401, "the password"), "it is of the other browser");
        assert_eq!(process.finish(&half, &next).await.1, "session.invalid_code_token", "nor is it a program's");
        let own = process.half_way("anna@example.com").await;
        let filled = [("csrf", question.csrf()), ("code_token", own), ("code", next.clone())];
        let filled: Vec<_> = filled.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(browser.post(&process, &path, &filled).await.asks_for(), "the password", "and not the other way");

        let sent = show(&mut browser, &process, &path, &question, &next).await;
        let granted = process.redeem(&program, &sent.told("code").unwrap()).await.json();
        let now_s = process.now_ms.load(Ordering::Relaxed) / 1000;
        for name in ["id_token", "access_token"] {
            let said = claims(granted[name].as_str().unwrap());
            assert_eq!((&said["sub"], &said["auth_time"]), (&json!(anna), &json!(now_s)), "{name}");
            assert_eq!((&said["amr"], &said["acr"]), (&json!(["pwd", "otp", "mfa"]), &json!("aal2")), "{name}");
        }
        let over = show(&mut browser, &process, &path, &question, &recovery[0]).await;
        assert_eq!((over.status, over.asks_for()), (401, "the password"), "it is used up");

        process.pass(Duration::from_secs(60));
        let code = browser.get(&process, &format!("{AUTHORIZE}?{asked}")).await.told("code").unwrap();
        let later = process.redeem(&program, &code).await.json();
        let renewed = process.renew(&program, later["refresh_token"].as_str().unwrap()).await.json();
        for answer in [&later, &renewed] {
            let said = claims(answer["id_token"].as_str().unwrap());
            assert_eq!((&said["acr"], &said["auth_time"]), (&json!("aal2"), &json!(now_s)), "as it was shown then");
            assert_eq!(said["iat"], json!(now_s + 60));
        }
    })
    .await;
}

#[tokio::test]
async fn tries_at_the_page_count_with_all_others_and_a_recovery_code_stands_in() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        process.person("default", "anna@example.com", &[]).await;
        let (token, _) = process.tokens("anna@example.com").await;
        let (authenticator, recovery) = process.enrol(&token).await;
        let program = process.program(json!({})).await;
        let asked = asked(&program, &[]);
        let path = format!("/oauth2/sign-in?{asked}");
        let mut browser = Browser::default();
        let question = browser.sign_in(&process, &asked).await;
        let wrong = authenticator.code(&process, 9);
        for at in 0..10 {
            assert_eq!(show(&mut browser, &process, &path, &question, &wrong).await.status, 401, "{at}");
        }
        let many = show(&mut browser, &process, &path, &question, &authenticator.code(&process, 1)).await;
        assert_eq!((many.status, many.header("retry-after"), many.asks_for()), (429, "901", "a code"));
        let own = process.half_way("anna@example.com").await;
        assert_eq!(process.finish(&own, &recovery[0]).await.1, "session.too_many_tries");
        process.pass(Duration::from_secs(15 * 60));
        let late = show(&mut browser, &process, &path, &question, &recovery[0]).await;
        assert_eq!((late.status, late.asks_for()), (401, "the password"), "it waits for five minutes");
        let question = browser.sign_in(&process, &asked).await;
        assert_eq!(show(&mut browser, &process, &path, &question, &recovery[0]).await.status, 303);
    })
    .await;
}

#[tokio::test]
async fn what_the_password_alone_has_begun_ends_when_codes_are_asked_for() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        process.person("default", "anna@example.com", &[]).await;
        let program = process.program(json!({})).await;
        let mut browser = Browser::default();
        let asked_for = asked(&program, &[]);
        let code = browser.sign_in(&process, &asked_for).await.told("code").unwrap();
        let granted = process.granted(&program, "openid").await;
        let said = claims(granted["id_token"].as_str().unwrap());
        assert_eq!((&said["amr"], &said["acr"]), (&json!(["pwd"]), &json!("aal1")));
        let (token, _) = process.tokens("anna@example.com").await;
        process.enrol(&token).await;
        assert_eq!(process.redeem(&program, &code).await.error(), (400, "invalid_grant".to_owned()));
        assert_eq!(process.userinfo(granted["access_token"].as_str().unwrap()).await.status, 401);
        let refresh = granted["refresh_token"].as_str().unwrap();
        assert_eq!(process.renew(&program, refresh).await.error(), (400, "invalid_grant".to_owned()));
        let silent = format!("{AUTHORIZE}?{}", asked(&program, &[("prompt", "none")]));
        assert_eq!(browser.get(&process, &silent).await.told("error").as_deref(), Some("login_required"));
        assert_eq!(browser.sign_in(&process, &asked_for).await.asks_for(), "a code");
    })
    .await;
}

#[tokio::test]
async fn a_device_is_let_in_by_a_code_behind_the_password() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        process.person("default", "anna@example.com", &[]).await;
        let (token, _) = process.tokens("anna@example.com").await;
        let (authenticator, _) = process.enrol(&token).await;
        let program = process.television().await;
        let (device, shown) = process.waiting(&program).await;
        let mut browser = Browser::default();
        let who = [("email", "anna@example.com"), ("password", PASSWORD)];
        let question = decide(&mut browser, &process, &shown, &who).await;
        assert_eq!((question.status, question.asks_for()), (200, "a code"));
        assert!(question.text.contains("Let it in") && question.text.contains(&shown), "{}", question.text);
        assert_eq!(process.poll(&program, &device).await.error(), (400, "authorization_pending".to_owned()));
        let (csrf, half) = (question.csrf(), question.hidden("code_token"));
        for (steps, status) in [(9, 401), (1, 200)] {
            let code = authenticator.code(&process, steps);
            let filled = [("csrf", &csrf), ("user_code", &shown), ("code_token", &half), ("code", &code)];
            let filled = filled.map(|(name, value)| (name, value.as_str()));
            let answer = browser.post(&process, "/device", &filled).await;
            assert_eq!((answer.status, answer.text.contains("is let in")), (status, status == 200), "{}", answer.text);
        }
        process.pass(Duration::from_secs(15));
        let granted = process.poll(&program, &device).await.json();
        let said = claims(granted["id_token"].as_str().unwrap());
        assert_eq!((&said["amr"], &said["acr"]), (&json!(["pwd", "otp", "mfa"]), &json!("aal2")));
    })
    .await;
}
