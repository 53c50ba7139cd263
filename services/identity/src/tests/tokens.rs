//! Access tokens, and the keys that sign them.

use kernel::Directory;
use zeroize::Zeroizing;

use super::*;
use crate::auth::jwt::{Claims, Signer};

const JWKS: &str = "/api/v1/auth/jwks.json";
const ROTATE: &str = "/api/v1/auth/signing-keys/rotate";

impl Process {
    /// The key that signs now, out of the table.
    async fn signer(&self) -> Signer {
        let sql = "SELECT secret FROM auth_signing_key WHERE state = 'current' LIMIT 1";
        let (secret,): (Vec<u8>,) = self.db.optional(sql, args![]).await.unwrap().unwrap();
        Signer::new(&secret.try_into().unwrap())
    }

    /// The names of the keys that are published.
    async fn published(&self) -> Vec<String> {
        let answer = self.send("", ("GET", JWKS), &[], Value::Null).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.headers["content-type"], "application/jwk-set+json");
        let keys = answer.body["keys"].as_array().unwrap();
        keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
    }

    async fn rotate(&self, has_leaked: bool) -> Value {
        self.ask(200, "POST", ROTATE, json!({ "has_leaked": has_leaked })).await
    }
}

fn part(token: &str, at: usize) -> Value {
    use base64::Engine;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(token.split('.').nth(at).unwrap()).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

#[tokio::test]
async fn only_what_the_key_has_signed_of_a_session_that_goes_on_opens_anything() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        process.ask(201, "POST", TENANTS, json!({ "slug": "north", "name": "North" })).await;
        let anna = process.person("default", "anna@example.com", &[]).await;
        let bob = process.person("north", "bob@example.com", &[]).await;
        let (token, _) = process.tokens("anna@example.com").await;
        let bobs = process.sign_in("north", "bob@example.com", PASSWORD).await.body;
        let claims: Claims = serde_json::from_value(part(&token, 1)).unwrap();
        let of_bob: Claims = serde_json::from_value(part(bobs["access_token"].as_str().unwrap(), 1)).unwrap();
        let signer = process.signer().await;
        assert_eq!((claims.sub.as_str(), claims.exp - claims.iat), (anna.as_str(), 600));
        assert_eq!((part(&token, 0)["alg"].as_str(), of_bob.sub.as_str()), (Some("EdDSA"), bob.as_str()));
        assert_eq!(process.status(&signer.sign(&claims)).await, 200);
        let stranger = Signer::new(&[7; 32]);
        assert_eq!(process.status(&stranger.sign(&claims)).await, 401, "another key");
        let other = |change: fn(&mut Claims, &Claims)| {
            let mut changed = claims.clone();
            change(&mut changed, &of_bob);
            signer.sign(&changed)
        };
        for (what, token) in [
            ("another person", other(|claims, bob| claims.sub = bob.sub.clone())),
            ("another session", other(|claims, bob| claims.sid = bob.sid.clone())),
            ("another tenant", other(|claims, bob| claims.tenant = bob.tenant.clone())),
            (
                "another tenant's session",
                other(|claims, bob| {
                    claims.sid = bob.sid.clone();
                    claims.sub = bob.sub.clone();
                }),
            ),
            ("another audience", other(|claims, _| claims.aud = "another".to_owned())),
            ("another issuer", other(|claims, _| claims.iss = "another".to_owned())),
            ("its end", other(|claims, _| claims.exp = claims.iat)),
        ] {
            assert_eq!(process.status(&token).await, 401, "{what}");
        }
        let unsigned = token.rsplit_once('.').unwrap().0;
        for token in [unsigned, &format!("{unsigned}."), "a.b.c", "...", &"a.".repeat(3000)] {
            assert_eq!(process.status(token).await, 401, "{token}");
        }
        process.pass(Duration::from_secs(599));
        assert_eq!(process.status(&token).await, 200);
        process.pass(Duration::from_secs(1));
        assert_eq!(process.status(&token).await, 401);
    })
    .await;
}

#[tokio::test]
async fn processes_that_begin_at_once_agree_on_the_keys() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let others: Vec<_> = (0..5).map(|_| process.another()).collect();
        let published = futures::future::join_all(others.iter().map(Process::published)).await;
        assert!(published.iter().all(|keys| keys.len() == 2 && *keys == published[0]), "{published:?}");
    })
    .await;
}

#[tokio::test]
async fn the_next_key_is_published_before_it_signs_and_a_retired_one_for_an_hour() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        process.person("default", "anna@example.com", &[]).await;
        let (token, _) = process.tokens("anna@example.com").await;
        let before = process.published().await;
        assert_eq!((before.len(), &part(&token, 0)["kid"]), (2, &json!(before[0])));
        let rotated = process.rotate(false).await;
        let states: Vec<_> = rotated["items"].as_array().unwrap().iter().map(|key| &key["state"]).collect();
        assert_eq!(states, ["current", "next", "retired"]);
        let after = process.published().await;
        assert_eq!((&after[0], &after[2]), (&before[1], &before[0]));
        let (new, _) = process.tokens("anna@example.com").await;
        assert_eq!(part(&new, 0)["kid"], json!(after[0]));
        assert_eq!((process.status(&token).await, process.status(&new).await), (200, 200), "both hold");
        process.pass(Duration::from_secs(3601));
        assert_eq!(process.published().await, after[..2]);

        for _ in 0..12 {
            process.pass(Duration::from_secs(1));
            process.rotate(false).await;
        }
        assert_eq!(process.published().await.len(), 10, "eight retired ones are kept");
        let (token, refresh) = process.tokens("anna@example.com").await;
        let leaked = process.rotate(true).await;
        assert_eq!(leaked["items"].as_array().unwrap().len(), 2);
        assert_eq!(process.status(&token).await, 401, "nothing that they have signed holds");
        let again = process.refresh(&refresh).await;
        assert_eq!(process.status(again.body["access_token"].as_str().unwrap()).await, 200, "and sessions go on");
        for token in ["", &process.key(json!({ "name": "a", "permissions": ["*"] })).await.1] {
            let refused = process.send(token, ("POST", ROTATE), &[], json!({ "has_leaked": true })).await;
            assert!([401, 403].contains(&refused.status), "{}", refused.status);
        }
    })
    .await;
}

#[tokio::test]
async fn signing_keys_are_wrapped_and_wrapped_anew() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        process.person("default", "anna@example.com", &[]).await;
        let (token, _) = process.tokens("anna@example.com").await;
        let seeds: Vec<(Vec<u8>, bool)> =
            db.all("SELECT secret, is_wrapped FROM auth_signing_key LIMIT 9", args![]).await.unwrap();
        assert!(seeds.len() == 2 && seeds.iter().all(|(_, is_wrapped)| !is_wrapped));
        let clock = || {
            let now_ms = Arc::clone(&process.now_ms);
            let clock: Clock = Arc::new(move || now_ms.load(Ordering::Relaxed));
            clock
        };
        let under = |keys: &[u8]| {
            let keyring = Keyring::new(keys.iter().map(|&byte| Zeroizing::new([byte; 32])));
            Sessions::new(db.clone(), clock(), keyring)
        };
        assert_eq!(under(&[1]).rewrap().await.unwrap(), 2);
        assert_eq!(under(&[1]).rewrap().await.unwrap(), 0);
        assert_eq!(under(&[2, 1]).rewrap().await.unwrap(), 2);
        assert!(under(&[1]).rewrap().await.is_err(), "what does not open is not taken for a key");
        let stored: Vec<(Vec<u8>, bool)> =
            db.all("SELECT secret, is_wrapped FROM auth_signing_key LIMIT 9", args![]).await.unwrap();
        for (secret, is_wrapped) in &stored {
            assert!(*is_wrapped && !seeds.iter().any(|(seed, _)| secret.windows(8).any(|part| part == &seed[..8])));
        }
        // Verifying asks for no secret.
        let holder = Registry::new(db.clone(), clock()).holder(&token).await.unwrap();
        assert!(holder.is_some_and(|holder| !holder.is_suspended));
        assert_eq!(process.sign_in("default", "anna@example.com", PASSWORD).await.status, 500, "and signing does");
    })
    .await;
}
