//! Codes besides a password, and proving once more who one is.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use zeroize::Zeroizing;

use super::*;

const TOTP: &str = "/api/v1/auth/totp";
const CONFIRM: &str = "/api/v1/auth/totp/confirm";
const CODES: &str = "/api/v1/auth/recovery-codes";
const FACTORS: &str = "/api/v1/auth/factors";
const CODE: &str = "/api/v1/auth/sessions/code";
pub(super) const STEP_UP: &str = "/api/v1/auth/sessions/current/step-up";
const STEP_S: u64 = 30;

/// What an access token says.
pub(super) fn claims(token: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

/// An authenticator, as somebody else would make one.
pub(super) struct Authenticator {
    secret: Vec<u8>,
}

impl Authenticator {
    /// From what a person types.
    fn new(base32: &str) -> Self {
        let digit = |letter: u8| if letter.is_ascii_digit() { letter - b'2' + 26 } else { letter - b'A' };
        let bits: String = base32.bytes().map(|letter| format!("{:05b}", digit(letter))).collect();
        let byte = |at: usize| u8::from_str_radix(&bits[8 * at..8 * at + 8], 2).unwrap();
        Self { secret: (0..bits.len() / 8).map(byte).collect() }
    }

    /// What it shows so many steps from now.
    pub(super) fn code(&self, process: &Process, steps: i64) -> String {
        let step = process.now_ms.load(Ordering::Relaxed) / 30_000 + steps;
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.secret), &step.to_be_bytes());
        let at = usize::from(tag.as_ref()[19] & 15);
        let value = u32::from_be_bytes(tag.as_ref()[at..at + 4].try_into().unwrap());
        format!("{:06}", (value & 0x7fff_ffff) % 1_000_000)
    }
}

impl Process {
    /// A call of somebody who has signed in: status, code where it is a refusal, and body.
    pub(super) async fn call(&self, token: &str, method: &str, path: &str, body: Value) -> (u16, String, Value) {
        let answer = self.send(token, (method, path), &[], body).await;
        (answer.status, answer.body["code"].as_str().unwrap_or_default().to_owned(), answer.body)
    }

    /// Has codes asked for of whom the token is from; the authenticator, and recovery codes.
    pub(super) async fn enrol(&self, token: &str) -> (Authenticator, Vec<String>) {
        let (status, _, made) = self.call(token, "POST", TOTP, Value::Null).await;
        assert_eq!(status, 200, "{made}");
        let authenticator = Authenticator::new(made["secret"].as_str().unwrap());
        let first = json!({ "code": authenticator.code(self, 0) });
        let (status, _, confirmed) = self.call(token, "POST", CONFIRM, first).await;
        assert_eq!(status, 200, "{confirmed}");
        (authenticator, serde_json::from_value(confirmed["recovery_codes"].clone()).unwrap())
    }

    /// The first half of a sign-in: its token.
    pub(super) async fn half_way(&self, email: &str) -> String {
        let half = self.sign_in("default", email, PASSWORD).await;
        assert_eq!((half.status, half.headers["cache-control"].to_str().unwrap()), (200, "no-store"));
        assert!(half.body["access_token"].is_null() && half.body["expires_in"] == 300, "{}", half.body);
        half.body["code_token"].as_str().unwrap().to_owned()
    }

    /// The second half.
    pub(super) async fn finish(&self, token: &str, code: &str) -> (u16, String, Value) {
        self.call("", "POST", CODE, json!({ "code_token": token, "code": code })).await
    }

    /// The same session with tokens anew.
    pub(super) async fn refreshed(&self, refresh: &str) -> (String, String) {
        let answer = self.refresh(refresh).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let text = |name: &str| answer.body[name].as_str().unwrap().to_owned();
        (text("access_token"), text("refresh_token"))
    }
}

#[tokio::test]
async fn whoever_has_codes_is_asked_for_one_behind_the_password_and_each_is_taken_once() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let id = process.person("default", "anna@example.com", &[]).await;
        let (token, elsewhere) = process.tokens("anna@example.com").await;
        let first = json!({ "code": "000000" });
        assert_eq!(process.call(&token, "POST", CONFIRM, first.clone()).await.1, "totp.not_begun");
        let (_, _, begun) = process.call(&token, "POST", TOTP, Value::Null).await;
        let wrong = process.call(&token, "POST", CONFIRM, json!({ "code": "12345" })).await;
        assert_eq!((wrong.0, wrong.1.as_str()), (422, "factor.invalid_code"));
        process.pass(Duration::from_secs(600));
        let (token, refresh) = process.tokens("anna@example.com").await;
        assert_eq!(process.call(&token, "POST", CONFIRM, first).await.1, "totp.not_begun", "it waits for ten minutes");
        let uri = begun["uri"].as_str().unwrap();
        assert!(uri.starts_with("otpauth://totp/Lectern:anna%40example.com?secret="), "{uri}");
        assert_eq!(process.sign_in("default", "anna@example.com", PASSWORD).await.status, 201, "nothing is asked yet");
        let (authenticator, recovery) = process.enrol(&token).await;
        assert_eq!(recovery.len(), 10);
        assert_eq!((process.refresh(&elsewhere).await.status, process.refresh(&refresh).await.status), (401, 200));
        let twice = process.call(&token, "POST", TOTP, Value::Null).await;
        assert_eq!((twice.0, twice.1.as_str()), (409, "totp.enrolled"));

        let half = process.half_way("anna@example.com").await;
        let first = authenticator.code(&process, 0);
        let taken = process.finish(&half, &first).await;
        assert_eq!((taken.0, taken.1.as_str()), (401, "factor.invalid_code"), "it has confirmed already");
        let next = authenticator.code(&process, 1);
        let spaced = format!("{} {}", &next[..3], &next[3..]);
        let (status, _, session) = process.finish(&half, &spaced).await;
        assert_eq!(status, 201, "{session}");
        let access = session["access_token"].as_str().unwrap();
        let said = claims(access);
        assert_eq!((&said["amr"], &said["acr"]), (&json!(["pwd", "otp", "mfa"]), &json!("aal2")));
        assert_eq!((&said["sub"], &said["auth_time"]), (&json!(id), &said["iat"]));
        assert_eq!(process.status(access).await, 200);
        let over = process.finish(&half, &recovery[0]).await;
        assert_eq!((over.0, over.1.as_str()), (401, "session.invalid_code_token"), "it is used up");

        let half = process.half_way("anna@example.com").await;
        for code in [next.as_str(), &authenticator.code(&process, 5), &authenticator.code(&process, -1), "", "abcd"] {
            assert_eq!(process.finish(&half, code).await.0, 401, "{code}");
        }
        process.pass(Duration::from_secs(2 * STEP_S));
        let late = authenticator.code(&process, 0);
        let racing = futures::future::join_all((0..5).map(|_| async {
            let half = process.another().half_way("anna@example.com").await;
            process.another().finish(&half, &late).await.0
        }))
        .await;
        assert_eq!(racing.iter().filter(|status| **status == 201).count(), 1, "one of {racing:?}");
        let (_, _, seen) = process.call(access, "GET", FACTORS, Value::Null).await;
        assert_eq!((&seen["has_password"], &seen["recovery_codes_left"]), (&json!(true), &json!(10)));
        assert_eq!((&seen["totp_since"], &seen["passkeys"]), (&json!("2026-11-21T04:00:00.000Z"), &json!(0)));
    })
    .await;
}

#[tokio::test]
async fn a_recovery_code_stands_in_once_until_there_are_others() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        process.person("default", "anna@example.com", &[]).await;
        let (token, _) = process.tokens("anna@example.com").await;
        assert_eq!(process.call(&token, "POST", CODES, Value::Null).await.1, "totp.not_found");
        let (_, recovery) = process.enrol(&token).await;
        let half = process.half_way("anna@example.com").await;
        let shown = recovery[3].to_uppercase().replace('-', "");
        assert_eq!(process.finish(&half, &shown).await.0, 201);
        let half = process.half_way("anna@example.com").await;
        assert_eq!(process.finish(&half, &recovery[3]).await.1, "factor.invalid_code");
        let (_, _, seen) = process.call(&token, "GET", FACTORS, Value::Null).await;
        assert_eq!(seen["recovery_codes_left"], 9);
        let (status, _, others) = process.call(&token, "POST", CODES, Value::Null).await;
        let others: Vec<String> = serde_json::from_value(others["recovery_codes"].clone()).unwrap();
        assert_eq!((status, others.len()), (200, 10));
        assert_eq!(process.finish(&half, &recovery[4]).await.0, 401, "all of them are others");
        assert_eq!(process.finish(&half, &others[4]).await.0, 201);
        let stored: Vec<(Vec<u8>,)> = db.all("SELECT sha256 FROM auth_recovery_code LIMIT 99", args![]).await.unwrap();
        assert!(stored.len() == 9 && stored.iter().all(|(hash,)| hash.len() == 32));
        let kinds = process.kinds("ten_default").await;
        assert_eq!(kinds.iter().filter(|kind| *kind == "user.recovery_code_used").count(), 2, "{kinds:?}");

        assert_eq!(process.call(&token, "DELETE", TOTP, Value::Null).await.0, 204);
        assert_eq!(process.sign_in("default", "anna@example.com", PASSWORD).await.status, 201);
        let left: Vec<(Vec<u8>,)> = db.all("SELECT sha256 FROM auth_recovery_code LIMIT 99", args![]).await.unwrap();
        assert_eq!(
            (left.len(), process.call(&token, "DELETE", TOTP, Value::Null).await.1.as_str()),
            (0, "totp.not_found")
        );
    })
    .await;
}

#[tokio::test]
async fn codes_are_tried_ten_times_and_a_sign_in_waits_five_minutes_for_one() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        process.person("default", "anna@example.com", &[]).await;
        let (token, _) = process.tokens("anna@example.com").await;
        let (authenticator, _) = process.enrol(&token).await;
        let half = process.half_way("anna@example.com").await;
        process.pass(Duration::from_secs(300));
        let late = process.finish(&half, &authenticator.code(&process, 0)).await;
        assert_eq!((late.0, late.1.as_str()), (401, "session.invalid_code_token"));
        let mut waiting = Vec::new();
        for _ in 0..6 {
            process.pass(Duration::from_millis(1));
            waiting.push(process.half_way("anna@example.com").await);
        }
        assert_eq!(process.finish(&waiting[0], "000000").await.1, "session.invalid_code_token", "five wait at once");
        for other in ["", "lf_", &waiting[5].replace("lf_", "lp_"), &waiting[5].to_uppercase(), &token] {
            assert_eq!(process.finish(other, "000000").await.1, "session.invalid_code_token", "{other}");
        }
        let wrong = authenticator.code(&process, 9);
        for at in 0..10 {
            let token = &waiting[1 + at % 5];
            assert_eq!(process.finish(token, &wrong).await.1, "factor.invalid_code", "{at}");
        }
        let many = process.finish(&waiting[5], &authenticator.code(&process, 0)).await;
        assert_eq!((many.0, many.1.as_str()), (429, "session.too_many_tries"));
        let own = process.call(&token, "POST", STEP_UP, json!({ "code": wrong })).await;
        assert_eq!(own.0, 429, "all tries count together");
        process.pass(Duration::from_secs(15 * 60));
        let half = process.half_way("anna@example.com").await;
        assert_eq!(process.finish(&half, &authenticator.code(&process, 0)).await.0, 201);
    })
    .await;
}

#[tokio::test]
async fn what_one_proves_it_by_is_changed_within_ten_minutes_of_a_proof() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        process.person("default", "anna@example.com", &[]).await;
        let (_, refresh) = process.tokens("anna@example.com").await;
        process.pass(Duration::from_secs(601));
        let (token, refresh) = process.refreshed(&refresh).await;
        for (method, path, body) in [
            ("POST", TOTP, Value::Null),
            ("POST", CONFIRM, json!({ "code": "000000" })),
            ("DELETE", TOTP, Value::Null),
            ("POST", CODES, Value::Null),
            ("POST", "/api/v1/auth/passkeys/challenge", Value::Null),
            ("DELETE", "/api/v1/auth/passkeys/psk_none", Value::Null),
        ] {
            let (status, code, _) = process.call(&token, method, path, body).await;
            assert_eq!((status, code.as_str()), (403, "session.step_up_required"), "{method} {path}");
        }
        for (shown, code) in [
            (json!({}), "body.invalid"),
            (json!({ "password": PASSWORD, "code": "000000" }), "body.invalid"),
            (json!({ "password": "another one" }), "session.invalid_credentials"),
            (json!({ "code": "000000" }), "factor.invalid_code"),
        ] {
            let refused = process.call(&token, "POST", STEP_UP, shown).await;
            assert_eq!((refused.0, refused.1.as_str()), (422, code));
        }
        let (status, _, proved) = process.call(&token, "POST", STEP_UP, json!({ "password": PASSWORD })).await;
        assert_eq!(status, 200, "{proved}");
        let fresh = proved["access_token"].as_str().unwrap();
        let said = claims(fresh);
        assert_eq!((&said["amr"], &said["acr"], &said["auth_time"]), (&json!(["pwd"]), &json!("aal1"), &said["iat"]));
        assert_eq!(process.call(&token, "POST", TOTP, Value::Null).await.0, 403, "the token from before says nothing");
        let (authenticator, recovery) = process.enrol(fresh).await;

        process.pass(Duration::from_secs(601));
        let (token, refresh) = process.refreshed(&refresh).await;
        let weak = process.call(&token, "POST", STEP_UP, json!({ "password": PASSWORD })).await;
        assert_eq!((weak.0, weak.1.as_str()), (422, "session.step_up_too_weak"));
        let code = json!({ "code": authenticator.code(&process, 0) });
        let (status, _, proved) = process.call(&token, "POST", STEP_UP, code.clone()).await;
        let said = claims(proved["access_token"].as_str().unwrap());
        assert_eq!((status, &said["amr"], &said["acr"]), (200, &json!(["pwd", "otp", "mfa"]), &json!("aal2")));
        assert_eq!(process.call(&token, "POST", STEP_UP, code).await.1, "factor.invalid_code", "each once, here too");
        assert_eq!(process.call(&token, "POST", STEP_UP, json!({ "code": recovery[0] })).await.0, 200);
        // What was proved stays said as long as the session goes on.
        process.pass(Duration::from_secs(60));
        let again = claims(&process.refreshed(&refresh).await.0);
        assert_eq!((&again["amr"], &again["auth_time"]), (&said["amr"], &said["auth_time"]));
        assert_eq!(again["iat"].as_i64().unwrap() - again["auth_time"].as_i64().unwrap(), 60);
    })
    .await;
}

#[tokio::test]
async fn a_new_password_leaves_the_factors_and_whoever_may_see_to_a_person_takes_them() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let id = process.person("default", "anna@example.com", &["bell.read"]).await;
        let (token, _) = process.tokens("anna@example.com").await;
        process.enrol(&token).await;
        let link = process.ask(200, "POST", &format!("{USERS}/{id}/password-link"), Value::Null).await;
        let chosen = json!({ "token": link["token"], "password": PASSWORD });
        process.ask(204, "POST", "/api/v1/auth/password", chosen).await;
        process.half_way("anna@example.com").await;

        let at = format!("{USERS}/{id}/factors");
        let (_, weak) = process.key(json!({ "name": "a", "permissions": ["user.update"] })).await;
        assert_eq!(process.call(&weak, "DELETE", &at, Value::Null).await.1, "user.beyond_own");
        let (_, desk) = process.key(json!({ "name": "a", "permissions": ["user.update", "bell.read"] })).await;
        for _ in 0..2 {
            assert_eq!(process.call(&desk, "DELETE", &at, Value::Null).await.0, 204);
        }
        let missing = process.call(&desk, "DELETE", &format!("{USERS}/usr_none/factors"), Value::Null).await;
        assert_eq!((missing.0, missing.1.as_str()), (404, "user.not_found"));
        assert_eq!(process.sign_in("default", "anna@example.com", PASSWORD).await.status, 201);
        for left in ["SELECT user_id FROM auth_totp LIMIT 9", "SELECT user_id FROM auth_recovery_code LIMIT 9"] {
            assert_eq!(db.all::<(String,)>(left, args![]).await.unwrap(), [], "{left}");
        }
        let kinds = process.kinds("ten_default").await;
        assert_eq!(kinds.iter().filter(|kind| *kind == "user.factors_reset").count(), 2, "{kinds:?}");
    })
    .await;
}

#[tokio::test]
async fn what_codes_are_made_from_is_wrapped_and_wrapped_anew() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        process.person("default", "anna@example.com", &[]).await;
        let (token, _) = process.tokens("anna@example.com").await;
        let (authenticator, _) = process.enrol(&token).await;
        let stored = async || {
            let rows: Vec<(Vec<u8>, bool)> =
                db.all("SELECT secret, is_wrapped FROM auth_totp LIMIT 9", args![]).await.unwrap();
            rows[0].clone()
        };
        assert_eq!((&stored().await.0[..20], stored().await.1), (&authenticator.secret[..], false));
        let under = |keys: &[u8]| {
            let now_ms = Arc::clone(&process.now_ms);
            let clock: Clock = Arc::new(move || now_ms.load(Ordering::Relaxed));
            let keyring = Keyring::new(keys.iter().map(|&byte| Zeroizing::new([byte; 32])));
            Sessions::new(db.clone(), clock, keyring)
        };
        assert_eq!(under(&[1]).rewrap().await.unwrap(), 3, "two signing keys, and it");
        assert_eq!(under(&[1]).rewrap().await.unwrap(), 0);
        let (wrapped, is_wrapped) = stored().await;
        assert!(is_wrapped && !wrapped.windows(8).any(|part| authenticator.secret.windows(8).any(|own| own == part)));
        assert_eq!(under(&[2, 1]).rewrap().await.unwrap(), 3);
        assert!(under(&[1]).rewrap().await.is_err());
    })
    .await;
}
