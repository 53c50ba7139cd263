//! Letters to people, and what they ask for by those.

use std::sync::Mutex;

use futures::future::BoxFuture;
use postbox::{Carrier, NotCarried, Written};

use super::*;

const ASK: &str = "/api/v1/auth/sign-in-links";
const FORGOTTEN: &str = "/api/v1/auth/password-links";
const BY_LINK: &str = "/api/v1/auth/sessions/link";

/// Takes every letter.
#[derive(Default)]
struct Tray(Mutex<Vec<Written>>);

impl Carrier for Tray {
    fn carry<'a>(&'a self, letter: &'a Written) -> BoxFuture<'a, Result<(), NotCarried>> {
        Box::pin(async move {
            self.0.lock().unwrap().push(letter.clone());
            Ok(())
        })
    }
}

/// A process that sends letters, and what has come of them.
struct Post {
    process: Process,
    tray: Arc<Tray>,
}

impl Post {
    fn new(db: &Database) -> Self {
        let (now_ms, tray) = (Arc::new(AtomicI64::new(1_795_233_000_000)), Arc::new(Tray::default()));
        let address = PublicAddress::new(ISSUER).unwrap();
        let carrier: Arc<dyn Carrier> = tray.clone();
        let mail = Mail::new(address.clone(), carrier);
        let process = Process::made_of(db, &now_ms, Some(address), Some(mail), None);
        Self { process, tray }
    }

    /// Everything that has come since this was asked last.
    async fn letters(&self) -> Vec<Written> {
        while self.process.sessions.answer().await.unwrap() > 0 {}
        self.process.sessions.postbox().unwrap().send_due().await.unwrap();
        std::mem::take(&mut *self.tray.0.lock().unwrap())
    }

    /// Asks for a link that signs in; the cookie of the browser that has.
    async fn ask(&self, email: &str, cookie: &str) -> String {
        let who = json!({ "tenant": "default", "email": email });
        let asked = self.process.send("", ("POST", ASK), &[("cookie", cookie)], who).await;
        assert_eq!((asked.status, &asked.body), (202, &json!({ "expires_in": 900 })));
        let kept = asked.headers["set-cookie"].to_str().unwrap();
        let (pair, rest) = kept.split_once(';').unwrap();
        assert_eq!(rest, " Path=/; HttpOnly; SameSite=Strict; Max-Age=900; Secure");
        pair.to_owned()
    }

    async fn open(&self, token: &str, cookie: &str) -> Answer {
        self.process.send("", ("POST", BY_LINK), &[("cookie", cookie)], json!({ "token": token })).await
    }

    async fn refused(&self, token: &str, cookie: &str) {
        let answer = self.open(token, cookie).await;
        assert_eq!((answer.status, &answer.body["code"]), (401, &json!("session.invalid_link")), "{token} {cookie}");
    }
}

/// What stands behind `#` in the link of a letter.
fn token(letter: &Written) -> String {
    let begins = format!("{ISSUER}/api/v1/auth/link#");
    let line = letter.text.lines().find_map(|line| line.strip_prefix(&begins)).unwrap();
    assert!(letter.html.contains(&format!("href=\"{begins}{line}\"")), "{}", letter.html);
    line.to_owned()
}

#[tokio::test]
async fn a_link_signs_in_once_within_a_quarter_of_an_hour_and_in_the_browser_that_has_asked_for_it() {
    for_each_engine(|db| async move {
        let post = Post::new(&db);
        let id = post.process.person("default", "anna@example.com", &[]).await;
        post.letters().await;
        let cookie = post.ask(" Anna@Example.com", "").await;
        assert!(cookie.starts_with("__Host-lectern-link="));
        assert_eq!(post.ask("anna@example.com", &cookie).await, cookie, "a browser stays the same one");
        let letters = post.letters().await;
        let [first, second] = &letters[..] else { panic!("two letters: {letters:?}") };
        assert_eq!((first.recipient.as_str(), first.subject.as_str()), ("anna@example.com", "Your link to sign in"));
        let (first, second) = (token(first), token(second));
        let stored: Vec<(Vec<u8>, Vec<u8>)> =
            db.all("SELECT token_sha256, browser_sha256 FROM auth_sign_in_link LIMIT 9", args![]).await.unwrap();
        assert!(stored.len() == 2 && stored.iter().all(|(one, other)| one.len() == 32 && other.len() == 32));

        let other = post.ask("anna@example.com", "").await;
        assert_ne!(other, cookie);
        for wrong in ["", &other, "lectern-link=x", &cookie.replace("__Host-", "")] {
            post.refused(&first, wrong).await;
        }
        for wrong in ["", "lm_", &first.replace("lm_", "lp_"), &first.to_uppercase(), &first[..first.len() - 1]] {
            post.refused(wrong, &cookie).await;
        }
        let racing = futures::future::join_all((0..5).map(|_| post.open(&first, &cookie))).await;
        let fine: Vec<_> = racing.iter().filter(|answer| answer.status == 201).collect();
        assert_eq!((fine.len(), &fine[0].body["user_id"]), (1, &json!(id)));
        post.refused(&first, &cookie).await;
        post.process.pass(Duration::from_secs(15 * 60));
        post.refused(&second, &cookie).await;
    })
    .await;
}

#[tokio::test]
async fn who_asks_learns_nothing_of_who_there_is_and_gets_few_letters() {
    for_each_engine(|db| async move {
        let post = Post::new(&db);
        post.process.person("default", "anna@example.com", &[]).await;
        post.process.person("default", "gone@example.com", &[]).await;
        let gone = post.process.ask(200, "GET", &format!("{USERS}?q=gone"), Value::Null).await;
        let gone = format!("{USERS}/{}", gone["items"][0]["id"].as_str().unwrap());
        let suspended = json!({ "state": "suspended" });
        assert_eq!(post.process.send(TOKEN, ("PATCH", &gone), &[("if-match", "*")], suspended).await.status, 200);
        post.letters().await;
        for path in [ASK, FORGOTTEN] {
            let told = async |slug: &str, email: &str| {
                let who = json!({ "tenant": slug, "email": email });
                let mut answer = post.process.send("", ("POST", path), &[], who).await;
                answer.headers.remove("set-cookie");
                let headers: Vec<_> =
                    answer.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
                (answer.status, answer.body, headers)
            };
            let known = told("default", "anna@example.com").await;
            assert_eq!(known.0, 202);
            for (slug, email) in [
                ("default", "nobody@example.com"),
                ("default", "gone@example.com"),
                ("default", "no address"),
                ("default", "anna@example.com\0"),
                ("default", "anna@example.com\r\nBcc: eve@example.com"),
                ("nowhere", "anna@example.com"),
                ("no slug\0", "anna@example.com"),
            ] {
                assert_eq!(told(slug, email).await, known, "{slug} {email:?}");
            }
            let waiting: Vec<(i64,)> = db.all("SELECT COUNT(*) FROM auth_mail_ask", args![]).await.unwrap();
            assert_eq!(waiting, [(8,)], "whoever asks, the same is written");
            let letters = post.letters().await;
            assert_eq!(letters.len(), 1, "{letters:?}");
            assert_eq!(letters[0].recipient, "anna@example.com");
        }
        let another = Post::new(&db);
        for email in ["anna@example.com", "nobody@example.com"] {
            let who = json!({ "tenant": "default", "email": email });
            for _ in 0..10 {
                assert_eq!(another.process.send("", ("POST", FORGOTTEN), &[], who.clone()).await.status, 202);
            }
            let many = another.process.send("", ("POST", ASK), &[], who).await;
            assert_eq!((many.status, &many.body["code"]), (429, &json!("session.too_many_tries")), "{email}");
        }
        let late = Post::new(&db);
        late.process.pass(Duration::from_secs(15 * 60));
        assert_eq!(late.letters().await.len(), 0, "nobody waits for those any more");
    })
    .await;
}

#[tokio::test]
async fn who_has_codes_is_asked_for_one_behind_a_link_too() {
    for_each_engine(|db| async move {
        let post = Post::new(&db);
        let id = post.process.person("default", "anna@example.com", &[]).await;
        let mut tx = db.begin().await.unwrap();
        let enrolled =
            "INSERT INTO auth_totp (tenant_id, user_id, secret, is_wrapped, last_step, confirmed_ms, created_ms)
            VALUES ('ten_default', $1, $2, FALSE, 0, 1, 1)";
        tx.execute(enrolled, args![&id, vec![7_u8; 32]]).await.unwrap();
        // Of `abcdefghijklmnop`, as recovery codes are known.
        let code = crate::auth::secret::sha256("abcdefghijklmnop");
        let recovery = "INSERT INTO auth_recovery_code (tenant_id, user_id, sha256) VALUES ('ten_default', $1, $2)";
        tx.execute(recovery, args![&id, &code[..]]).await.unwrap();
        tx.commit().await.unwrap();
        post.letters().await;
        let cookie = post.ask("anna@example.com", "").await;
        let token = token(&post.letters().await[0]);
        let half = post.open(&token, &cookie).await;
        assert_eq!((half.status, half.body.get("access_token")), (200, None), "{}", half.body);
        post.refused(&token, &cookie).await;
        let finish = json!({ "code_token": half.body["code_token"], "code": "abcd-efgh-ijkl-mnop" });
        let whole = post.process.send("", ("POST", &format!("{SESSIONS}/code")), &[], finish).await;
        assert_eq!(whole.status, 201, "{}", whole.body);
        let methods: Vec<(String,)> = db.all("SELECT methods FROM auth_session LIMIT 9", args![]).await.unwrap();
        assert_eq!(methods, [("mail otp mfa".to_owned(),)]);
    })
    .await;
}

#[tokio::test]
async fn a_person_sets_a_new_password_by_himself_and_is_written_to_when_what_lets_him_in_changes() {
    for_each_engine(|db| async move {
        let post = Post::new(&db);
        let id = post.process.person("default", "anna@example.com", &[]).await;
        let subjects = async || post.letters().await.into_iter().map(|letter| letter.subject).collect::<Vec<_>>();
        assert_eq!(subjects().await, ["Your password was changed"]);
        let (at, german) = (format!("{USERS}/{id}"), json!({ "locale": "de-CH" }));
        assert_eq!(post.process.send(TOKEN, ("PATCH", &at), &[("if-match", "*")], german).await.status, 200);

        let who = json!({ "tenant": "default", "email": "anna@example.com" });
        assert_eq!(post.process.send("", ("POST", FORGOTTEN), &[], who).await.status, 202);
        let letters = post.letters().await;
        assert_eq!((letters.len(), letters[0].language), (1, "de"));
        let token = token(&letters[0]);
        let chosen = json!({ "token": token, "password": "another good one" });
        for (status, code) in [(204, Value::Null), (422, json!("password.invalid_link"))] {
            let set = post.process.send("", ("POST", "/api/v1/auth/password"), &[], chosen.clone()).await;
            assert_eq!((set.status, &set.body["code"]), (status, &code));
        }
        assert_eq!(subjects().await, ["Ihr Passwort wurde ge\u{e4}ndert"]);
        assert_eq!(post.process.sign_in("default", "anna@example.com", "another good one").await.status, 201);

        post.process.ask(204, "DELETE", &format!("{USERS}/{id}/factors"), Value::Null).await;
        assert_eq!(subjects().await, ["Ein Nachweis wurde entfernt"]);
    })
    .await;
}

#[tokio::test]
async fn where_no_letters_go_out_nothing_is_offered_that_needs_one_and_what_did_not_go_is_the_operators_to_see() {
    for_each_engine(|db| async move {
        let silent = Process::first(&db);
        silent.person("default", "anna@example.com", &[]).await;
        let who = json!({ "tenant": "default", "email": "anna@example.com" });
        for (path, body) in [(ASK, who.clone()), (FORGOTTEN, who), (BY_LINK, json!({ "token": "" }))] {
            let refused = silent.send("", ("POST", path), &[], body).await;
            assert_eq!((refused.status, &refused.body["code"]), (404, &json!("mail.not_configured")));
            assert!(refused.body["hint"].as_str().unwrap().contains("LECTERN_SMTP_URL"), "{}", refused.body);
        }
        let left: Vec<(String,)> = db.all("SELECT id FROM letter LIMIT 9", args![]).await.unwrap();
        assert_eq!(left, [], "nor is anything written");

        let mut tx = db.begin().await.unwrap();
        let failed = "INSERT INTO letter (tenant_id, id, template, locale, recipient, vars, is_wrapped, state, attempt, tries,
            next_ms, until_ms, error, created_ms, updated_ms) VALUES
            ('ten_north', 'let_1', 'sign_in', 'en', 'bob@example.com', '{}', FALSE, 'failed', 3, 3, 0, 0, 'no such mailbox', 1, 2),
            ('ten_default', 'let_2', 'password', 'en', 'anna@example.com', '{}', FALSE, 'failed', 1, 1, 0, 0, NULL, 1, 3),
            ('ten_default', 'let_3', 'password', 'en', 'anna@example.com', '{}', FALSE, 'pending', 0, 0, 0, 0, NULL, 1, 4)";
        tx.execute(failed, args![]).await.unwrap();
        tx.commit().await.unwrap();
        let page = silent.ask(200, "GET", "/api/v1/auth/letters?limit=1", Value::Null).await;
        assert_eq!((&page["items"][0]["id"], page["items"].as_array().unwrap().len()), (&json!("let_2"), 1));
        let next = format!("/api/v1/auth/letters?limit=1&after={}", page["next"].as_str().unwrap());
        let page = silent.ask(200, "GET", &next, Value::Null).await;
        let row = &page["items"][0];
        assert_eq!((&row["recipient"], &row["error"]), (&json!("bob@example.com"), &json!("no such mailbox")));
        assert_eq!((&row["given_up_at"], page["next"].is_null()), (&json!("1970-01-01T00:00:00.002Z"), true));
        let (_, key) = silent.key(json!({ "name": "a", "permissions": ["*"] })).await;
        assert_eq!(silent.send(&key, ("GET", "/api/v1/auth/letters"), &[], Value::Null).await.status, 403);
    })
    .await;
}
