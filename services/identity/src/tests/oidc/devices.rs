//! Devices that somebody lets in.

use super::*;

const BY_DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";

impl Process {
    pub(super) async fn television(&self) -> Program {
        let grants = ["device_code", "refresh_token"];
        self.program(json!({ "name": "Television", "is_confidential": false, "redirect_uris": [], "grants": grants }))
            .await
    }

    /// A device that waits: what it asks with, and what it shows.
    pub(super) async fn waiting(&self, program: &Program) -> (String, String) {
        let begun = self.called(program, "/oauth2/device", &[("scope", "openid email")]).await;
        assert_eq!(begun.status, 200, "{}", begun.text);
        let text = |name: &str| begun.json()[name].as_str().unwrap().to_owned();
        assert_eq!(text("verification_uri_complete"), format!("{ISSUER}/device?user_code={}", text("user_code")));
        (text("device_code"), text("user_code"))
    }

    pub(super) async fn poll(&self, program: &Program, code: &str) -> Fetched {
        self.called(program, "/oauth2/token", &[("grant_type", BY_DEVICE), ("device_code", code)]).await
    }
}

/// Somebody enters a code, and decides with what else the form has.
pub(super) async fn decide(browser: &mut Browser, process: &Process, code: &str, more: &[(&str, &str)]) -> Fetched {
    let page = browser.get(process, &format!("/device?user_code={code}")).await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(page.text.contains("Television") && page.text.contains(code), "{}", page.text);
    let csrf = page.csrf();
    let pairs: Vec<_> =
        [("csrf", csrf.as_str()), ("user_code", code)].into_iter().chain(more.iter().copied()).collect();
    browser.post(process, "/device", &pairs).await
}

#[tokio::test]
async fn a_device_asks_until_somebody_has_let_it_in_and_gets_its_tokens_once() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let anna = process.person("default", "anna@example.com", &[]).await;
        let (program, other) = (process.television().await, process.television().await);
        let (device, shown) = process.waiting(&program).await;
        let refused = |code: &str| (400, code.to_owned());
        assert_eq!(process.poll(&program, &device).await.error(), refused("authorization_pending"));
        process.pass(Duration::from_secs(4));
        assert_eq!(process.poll(&program, &device).await.error(), refused("slow_down"));
        process.pass(Duration::from_secs(9));
        assert_eq!(process.poll(&program, &device).await.error(), refused("slow_down"), "it is to wait longer now");
        process.pass(Duration::from_secs(15));
        assert_eq!(process.poll(&program, &device).await.error(), refused("authorization_pending"));
        assert_eq!(process.poll(&other, &device).await.error(), refused("expired_token"), "another client's");

        let mut browser = Browser::default();
        let wrong =
            decide(&mut browser, &process, &shown, &[("email", "anna@example.com"), ("password", "wrong")]).await;
        assert_eq!(wrong.status, 401);
        let who = [("email", "anna@example.com"), ("password", PASSWORD)];
        let allowed = decide(&mut browser, &process, &shown.to_uppercase(), &who).await;
        assert_eq!(allowed.status, 200, "{}", allowed.text);
        assert_eq!(browser.get(&process, &format!("/device?user_code={shown}")).await.status, 404, "it waits no more");
        process.pass(Duration::from_secs(15));
        let here_and_there = [process.another(), process.another()];
        let all = (0..10).map(|at| here_and_there[at % 2].poll(&program, &device));
        let answers = futures::future::join_all(all).await;
        let fine: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
        assert_eq!(fine.len(), 1, "{:?}", answers.iter().map(|answer| &answer.text).collect::<Vec<_>>());
        let granted = fine[0].json();
        assert_eq!(claims(granted["id_token"].as_str().unwrap())["sub"], json!(anna));
        assert_eq!(
            process.userinfo(granted["access_token"].as_str().unwrap()).await.json()["email"],
            "anna@example.com"
        );
        assert_eq!(process.renew(&program, granted["refresh_token"].as_str().unwrap()).await.status, 200);

        // In a browser where somebody has signed in he need not do so again.
        let (device, shown) = process.waiting(&program).await;
        assert_eq!(decide(&mut browser, &process, &shown, &[]).await.status, 200);
        assert_eq!(process.poll(&program, &device).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn a_device_is_sent_away_and_waits_ten_minutes_at_most() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        process.person("default", "anna@example.com", &[]).await;
        let program = process.television().await;
        let (device, shown) = process.waiting(&program).await;
        let mut browser = Browser::default();
        assert_eq!(decide(&mut browser, &process, &shown, &[("decision", "deny")]).await.status, 200);
        assert_eq!(process.poll(&program, &device).await.error(), (400, "access_denied".to_owned()));
        let (device, shown) = process.waiting(&program).await;
        let foreign = browser.post(&process, "/device", &[("user_code", &*shown), ("csrf", "x")]).await;
        assert_eq!(foreign.status, 403);
        process.pass(Duration::from_secs(600));
        assert_eq!(process.poll(&program, &device).await.error(), (400, "expired_token".to_owned()));
        assert_eq!(browser.get(&process, &format!("/device?user_code={shown}")).await.status, 404);
        let by_code = process.program(json!({})).await;
        let refused = process.called(&by_code, "/oauth2/device", &[("scope", "openid")]).await;
        assert_eq!(refused.error(), (400, "unauthorized_client".to_owned()));
        process.waiting(&program).await;
        let rows: Vec<(String,)> = db.all("SELECT id FROM oauth_device LIMIT 9", args![]).await.unwrap();
        assert_eq!(rows.len(), 1, "what has ended goes");
    })
    .await;
}

#[tokio::test]
async fn who_guesses_codes_is_stopped_though_he_has_one_of_his_own() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        process.person("default", "anna@example.com", &[]).await;
        let program = process.television().await;
        let (_, own) = process.waiting(&program).await;
        let mut browser = Browser::default();
        for _ in 0..10 {
            assert_eq!(browser.get(&process, &format!("/device?user_code={own}")).await.status, 200);
            assert_eq!(browser.get(&process, "/device?user_code=BCDF-GHJK").await.status, 404);
        }
        let stopped = browser.get(&process, "/device?user_code=BCDF-GHJL").await;
        assert_eq!((stopped.status, stopped.header("content-type")), (429, "text/html; charset=utf-8"));
        assert_eq!(stopped.header("retry-after"), "901");
        assert_eq!(browser.get(&process, &format!("/device?user_code={own}")).await.status, 429);
        assert_eq!(browser.get(&process, "/device").await.status, 200);
    })
    .await;
}
