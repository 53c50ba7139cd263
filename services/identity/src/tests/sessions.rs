//! Signing in, and what comes of it.

use super::*;

const CHOOSE: &str = "/api/v1/auth/password";

impl Process {
    /// A link of a person of the default tenant.
    async fn link(&self, id: &str) -> String {
        let made = self.ask(200, "POST", &format!("{USERS}/{id}/password-link"), Value::Null).await;
        made["token"].as_str().unwrap().to_owned()
    }

    async fn choose(&self, token: &str, password: &str) -> (u16, String) {
        let chosen = self.send("", ("POST", CHOOSE), &[], json!({ "token": token, "password": password })).await;
        (chosen.status, chosen.body["code"].as_str().unwrap_or_default().to_owned())
    }

    async fn sessions(&self, token: &str) -> Vec<Value> {
        let listed = self.send(token, ("GET", SESSIONS), &[], Value::Null).await;
        assert_eq!(listed.status, 200, "{}", listed.body);
        listed.body["items"].as_array().unwrap().clone()
    }
}

#[tokio::test]
async fn a_password_is_set_once_by_the_last_link_within_the_hour() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let new = json!({ "email": "anna@example.com", "name": "Anna" });
        let id = process.ask(201, "POST", USERS, new).await["id"].as_str().unwrap().to_owned();
        let link = format!("{USERS}/{id}/password-link");
        let made = process.send(TOKEN, ("POST", &link), &[], Value::Null).await;
        assert_eq!((made.status, made.headers["cache-control"].to_str().unwrap()), (200, "no-store"));
        let replaced = made.body["token"].as_str().unwrap().to_owned();
        let token = process.link(&id).await;
        let refused = |code: &str| (422, code.to_owned());
        assert_eq!(process.choose(&replaced, PASSWORD).await, refused("password.invalid_link"));
        for weak in ["short", "Anna@Example.com"] {
            assert_eq!(process.choose(&token, weak).await, refused("password.weak"));
        }
        let racing = futures::future::join_all((0..5).map(|_| process.choose(&token, PASSWORD))).await;
        assert_eq!(racing.iter().filter(|(status, _)| *status == 204).count(), 1, "it works once: {racing:?}");
        assert_eq!(process.choose(&token, PASSWORD).await, refused("password.invalid_link"));
        let (_, refresh) = process.tokens("anna@example.com").await;

        let late = process.link(&id).await;
        process.pass(Duration::from_secs(3600));
        assert_eq!(process.choose(&late, PASSWORD).await, refused("password.invalid_link"));
        for other in ["", "lp_", &late.replace("lp_", "lk_"), &late.to_uppercase()] {
            assert_eq!(process.choose(other, PASSWORD).await, refused("password.invalid_link"));
        }
        let again = process.link(&id).await;
        assert_eq!(process.choose(&again, "another good one").await.0, 204);
        assert_eq!(process.refresh(&refresh).await.status, 401, "a new password signs out everywhere");
        assert_eq!(process.sign_in("default", "anna@example.com", PASSWORD).await.status, 401);
        assert_eq!(process.sign_in("default", " ANNA@example.com", "another good one").await.status, 201);
    })
    .await;
}

#[tokio::test]
async fn no_secret_of_a_person_is_stored_as_it_is() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let id = process.person("default", "anna@example.com", &[]).await;
        let link = process.link(&id).await;
        let (_, refresh) = process.tokens("anna@example.com").await;
        let hashes: Vec<(String,)> = db.all("SELECT hash FROM auth_password LIMIT 9", args![]).await.unwrap();
        assert!(hashes.len() == 1 && hashes[0].0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hashes:?}");
        let links: Vec<(Vec<u8>,)> =
            db.all("SELECT token_sha256 FROM auth_password_link LIMIT 9", args![]).await.unwrap();
        let sessions: Vec<(Vec<u8>, Vec<u8>)> =
            db.all("SELECT token_sha256, family_sha256 FROM auth_session LIMIT 9", args![]).await.unwrap();
        let stored = [links[0].0.clone(), sessions[0].0.clone(), sessions[0].1.clone()];
        assert!(stored.iter().all(|hash| hash.len() == 32));
        for secret in [PASSWORD.as_bytes(), &link.as_bytes()[36..], &refresh.as_bytes()[36..]] {
            for hash in stored.iter().map(Vec::as_slice).chain([hashes[0].0.as_bytes()]) {
                assert!(!hash.windows(8).any(|window| secret.windows(8).any(|part| part == window)));
            }
        }
    })
    .await;
}

#[tokio::test]
async fn who_may_not_sign_in_is_told_the_same_whether_there_is_such_a_person_or_not() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        process.ask(201, "POST", TENANTS, json!({ "slug": "north", "name": "North" })).await;
        process.person("default", "anna@example.com", &[]).await;
        process.person("default", "gone@example.com", &[]).await;
        let gone = process.ask(200, "GET", &format!("{USERS}?q=gone"), Value::Null).await;
        let gone = format!("{USERS}/{}", gone["items"][0]["id"].as_str().unwrap());
        let suspended =
            process.send(TOKEN, ("PATCH", &gone), &[("if-match", "*")], json!({ "state": "suspended" })).await;
        assert_eq!(suspended.status, 200);
        process.ask(201, "POST", USERS, json!({ "email": "new@example.com", "name": "Without a password" })).await;
        let told = async |slug: &str, email: &str, password: &str| {
            let answer = process.sign_in(slug, email, password).await;
            let headers: Vec<_> = answer.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
            (answer.status, answer.body, headers)
        };
        let wrong = told("default", "anna@example.com", "wrong").await;
        assert_eq!((wrong.0, &wrong.1["code"]), (401, &json!("session.invalid_credentials")));
        for (slug, email, password) in [
            ("default", "nobody@example.com", PASSWORD),
            ("default", "gone@example.com", PASSWORD),
            ("default", "new@example.com", PASSWORD),
            ("default", "new@example.com", ""),
            ("default", "no address", PASSWORD),
            ("default", "anna@example.com\0", PASSWORD),
            ("north", "anna@example.com", PASSWORD),
            ("nowhere", "anna@example.com", PASSWORD),
            ("no slug\0", "anna@example.com", PASSWORD),
        ] {
            assert_eq!(told(slug, email, password).await, wrong, "{slug} {email}");
        }
        assert_eq!(process.sign_in("default", "anna@example.com", PASSWORD).await.status, 201);

        for email in ["anna@example.com", "nobody@example.com"] {
            let another = process.another();
            for _ in 0..10 {
                assert_eq!(another.sign_in("default", email, "wrong").await.status, 401);
            }
            let many = another.sign_in("default", &email.to_uppercase(), PASSWORD).await;
            assert_eq!((many.status, &many.body["code"]), (429, &json!("session.too_many_tries")));
            assert_eq!(many.headers["retry-after"], "901", "{email}");
            assert_eq!(another.sign_in("north", email, "wrong").await.status, 401, "another tenant's is another one");
        }
    })
    .await;
}

#[tokio::test]
async fn whoever_it_is_that_may_not_sign_in_one_password_is_hashed_for_him() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        process.person("default", "anna@example.com", &[]).await;
        let gone = process.person("default", "gone@example.com", &[]).await;
        let at = format!("{USERS}/{gone}");
        let suspended =
            process.send(TOKEN, ("PATCH", &at), &[("if-match", "*")], json!({ "state": "suspended" })).await;
        assert_eq!(suspended.status, 200);
        process.ask(201, "POST", USERS, json!({ "email": "new@example.com", "name": "Without a password" })).await;
        for (slug, email, password, status) in [
            ("default", "anna@example.com", PASSWORD, 201),
            ("default", "anna@example.com", "wrong", 401),
            ("default", "nobody@example.com", "wrong", 401),
            ("default", "gone@example.com", PASSWORD, 401),
            ("default", "new@example.com", "wrong", 401),
            ("default", "no address", "wrong", 401),
            ("nowhere", "anna@example.com", "wrong", 401),
            ("no slug", "anna@example.com", "wrong", 401),
        ] {
            let before = process.sessions.hashed();
            assert_eq!(process.sign_in(slug, email, password).await.status, status, "{slug} {email}");
            assert_eq!(process.sessions.hashed() - before, 1, "{slug} {email}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_refresh_token_that_is_shown_again_ends_its_session_and_no_other() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        process.person("default", "anna@example.com", &[]).await;
        let (_, other) = process.tokens("anna@example.com").await;
        let (_, first) = process.tokens("anna@example.com").await;
        let second = process.refresh(&first).await;
        assert_eq!((second.status, second.headers["cache-control"].to_str().unwrap()), (200, "no-store"));
        let access = second.body["access_token"].as_str().unwrap();
        assert_eq!(process.status(access).await, 200);
        // Who knows the name of a session alone ends nothing.
        let forged = first.replacen(&first[36..46], "AAAAAAAAAA", 1);
        assert_eq!(process.refresh(&forged).await.status, 401);
        assert_eq!(process.status(access).await, 200);

        let reused = process.refresh(&first).await;
        assert_eq!((reused.status, &reused.body["code"]), (401, &json!("session.invalid_token")));
        assert_eq!(process.status(access).await, 401, "what was made of it opens nothing");
        assert_eq!(process.refresh(second.body["refresh_token"].as_str().unwrap()).await.status, 401);
        assert_eq!(process.refresh(&first).await.status, 401);
        assert_eq!(process.refresh(&other).await.status, 200);
        let kinds = process.kinds("ten_default").await;
        assert_eq!(kinds.iter().filter(|kind| *kind == "session.reused").count(), 1, "{kinds:?}");
    })
    .await;
}

#[tokio::test]
async fn of_fifty_at_once_with_one_refresh_token_one_goes_on_and_the_session_ends() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        process.person("default", "anna@example.com", &[]).await;
        let (access, token) = process.tokens("anna@example.com").await;
        let here_and_there = [process.another(), process.another()];
        let all = (0..50).map(|at| here_and_there[at % 2].refresh(&token));
        let answers = futures::future::join_all(all).await;
        let fine: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
        assert_eq!(fine.len(), 1, "{:?}", answers.iter().map(|answer| answer.status).collect::<Vec<_>>());
        assert!(answers.iter().all(|answer| [200, 401].contains(&answer.status)));
        for token in [&access, fine[0].body["access_token"].as_str().unwrap()] {
            assert_eq!(process.status(token).await, 401);
        }
        assert_eq!(process.refresh(fine[0].body["refresh_token"].as_str().unwrap()).await.status, 401);
        let kinds = process.kinds("ten_default").await;
        assert_eq!(kinds.iter().filter(|kind| *kind == "session.reused").count(), 1, "{kinds:?}");
    })
    .await;
}

#[tokio::test]
async fn a_person_sees_where_he_is_signed_in_and_ends_that_there_or_here() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        process.person("default", "anna@example.com", &[]).await;
        process.person("default", "bob@example.com", &[]).await;
        let (there, there_refresh) = process.tokens("anna@example.com").await;
        process.pass(Duration::from_secs(1));
        let (here, _) = process.tokens("anna@example.com").await;
        let (of_bob, _) = process.tokens("bob@example.com").await;
        let listed = process.sessions(&here).await;
        let current: Vec<_> = listed.iter().map(|session| session["is_current"].as_bool().unwrap()).collect();
        assert_eq!((current, &listed[0]["user_agent"]), (vec![true, false], &json!("a test")));
        assert_eq!(listed[0]["created_at"], "2026-11-21T03:50:01.000Z");
        let at = |session: &Value| format!("{SESSIONS}/{}", session["id"].as_str().unwrap());
        let bobs = at(&process.sessions(&of_bob).await[0]);
        let end = async |token: &str, path: &str| process.send(token, ("DELETE", path), &[], Value::Null).await.status;
        for missing in [bobs.as_str(), &format!("{SESSIONS}/ses_none"), &format!("{SESSIONS}/%00")] {
            assert_eq!(end(&here, missing).await, 404, "{missing}");
        }
        assert_eq!(end(&here, &at(&listed[1])).await, 204);
        assert_eq!((process.status(&there).await, process.refresh(&there_refresh).await.status), (401, 401));
        assert_eq!((process.status(&here).await, process.sessions(&here).await.len()), (200, 1));
        assert_eq!(end(&here, &format!("{SESSIONS}/current")).await, 204);
        assert_eq!((process.status(&here).await, process.status(&of_bob).await), (401, 200));
    })
    .await;
}

#[tokio::test]
async fn a_session_ends_with_its_person_with_his_tenants_standing_and_after_thirty_days() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let north = process.ask(201, "POST", TENANTS, json!({ "slug": "north", "name": "North" })).await;
        let north = format!("{TENANTS}/{}", north["id"].as_str().unwrap());
        let named = [("lectern-tenant", "north"), ("if-match", "*")];
        let id = process.person("north", "anna@example.com", &["bell.read"]).await;
        let at = format!("{USERS}/{id}");
        let begun = process.sign_in("north", "anna@example.com", PASSWORD).await.body;
        let (access, refresh) = (begun["access_token"].as_str().unwrap(), begun["refresh_token"].as_str().unwrap());
        assert_eq!(process.status(access).await, 200);
        process.ask(200, "POST", &format!("{north}/suspend"), Value::Null).await;
        assert_eq!((process.status(access).await, process.refresh(refresh).await.status), (403, 403));
        assert_eq!(process.sign_in("north", "anna@example.com", PASSWORD).await.body["code"], "tenant.suspended");
        process.ask(200, "POST", &format!("{north}/resume"), Value::Null).await;
        assert_eq!(process.status(access).await, 200);

        let state =
            async |state: &str| process.send(TOKEN, ("PATCH", &at), &named, json!({ "state": state })).await.status;
        assert_eq!(state("suspended").await, 200);
        assert_eq!((process.status(access).await, process.refresh(refresh).await.status), (401, 401));
        assert_eq!(state("active").await, 200);
        assert_eq!(process.status(access).await, 401, "what has ended stays so");

        let mut begun = process.sign_in("north", "anna@example.com", PASSWORD).await.body;
        for _ in 0..3 {
            process.pass(Duration::from_secs(10 * 24 * 3600 - 60));
            assert_eq!(process.status(begun["access_token"].as_str().unwrap()).await, 401, "it holds ten minutes");
            begun = process.refresh(begun["refresh_token"].as_str().unwrap()).await.body;
            assert_eq!(process.status(begun["access_token"].as_str().unwrap()).await, 200);
        }
        process.pass(Duration::from_secs(180));
        assert_eq!(process.status(begun["access_token"].as_str().unwrap()).await, 401, "nor longer than its session");
        assert_eq!(process.refresh(begun["refresh_token"].as_str().unwrap()).await.status, 401);

        let begun = process.sign_in("north", "anna@example.com", PASSWORD).await.body;
        assert_eq!(process.send(TOKEN, ("DELETE", &at), &named, Value::Null).await.status, 204);
        assert_eq!(process.status(begun["access_token"].as_str().unwrap()).await, 401);
        for left in [
            "SELECT user_id FROM auth_password LIMIT 9",
            "SELECT user_id FROM auth_password_link LIMIT 9",
            "SELECT user_id FROM auth_session LIMIT 9",
        ] {
            assert_eq!(db.all::<(String,)>(left, args![]).await.unwrap(), [], "{left}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_person_is_signed_in_at_fifty_places_and_the_one_that_was_not_used_for_longest_ends() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        process.person("default", "anna@example.com", &[]).await;
        let mut all = Vec::new();
        for _ in 0..51 {
            process.pass(Duration::from_millis(1));
            all.push(process.tokens("anna@example.com").await);
        }
        assert_eq!(process.sessions(&all[50].0).await.len(), 50);
        assert_eq!((process.status(&all[0].0).await, process.status(&all[1].0).await), (401, 200));
    })
    .await;
}
