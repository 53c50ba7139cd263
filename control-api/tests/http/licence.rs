//! Licences for holders of playback tokens.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use control_api::Licences;
use drm::{ContentKey, KeyEntry, KeyId, ProtectionScheme, TrackClass, WrappedKey};
use futures::future::{BoxFuture, FutureExt, ready};
use key_vault::{KekError, KekId, KeyOwner, KeyVault, Kms, KmsWrapped, LocalKeks, Secret};
use media_store::MemoryStore;
use media_types::PlaybackId;
use playback_token::{Claims, KeyRing, SigningKey};
use serde_json::{Value, json};

use crate::server::{Answer, Server, read};

const KEY: [u8; 16] = *b"a secret content";
const AUDIO: u8 = 1;
const SD: u8 = 2;
const UHD: u8 = 4;

fn keks() -> LocalKeks {
    LocalKeks::parse(&"4f".repeat(32)).unwrap()
}

/// Keys of one recording and one key of another.
struct Protected {
    server: Server,
    vault: KeyVault,
}

impl Protected {
    async fn start() -> Self {
        Self::with(Licences::under).await
    }

    async fn with(licences: impl FnOnce(database::Database, LocalKeks) -> Licences) -> Self {
        let media = Arc::new(MemoryStore::default());
        let server = Server::licensing(media, None, |db| licences(db.clone(), keks())).await;
        let vault = KeyVault::new(server.store.queue().database().clone(), Arc::new(keks()));
        let this = Self { server, vault };
        let class = |number, class| entry(number, Some(class));
        this.store("x", &[class(AUDIO, TrackClass::Audio), class(SD, TrackClass::Sd), class(UHD, TrackClass::Uhd)])
            .await;
        this.store("y", &[entry(9, None)]).await;
        this
    }

    async fn store(&self, playback: &str, entries: &[KeyEntry]) {
        let scheme = ProtectionScheme::Cbcs;
        let owner = KeyOwner { tenant: kernel::default_tenant(), playback: playback_id(playback), scheme, period: 0 };
        let sealed = self.vault.seal(owner, entries).await.unwrap();
        let mut tx = self.server.store.queue().database().begin().await.unwrap();
        self.vault.create_keys(&mut tx, &sealed, 1).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// A token for the recording x, as a site asks for one.
    async fn token(&self, wish: Value) -> String {
        let answer = self.server.post("/api/v1/playback/pb_x/tokens", &wish).await;
        assert_eq!(answer.status, 201, "{:?}", answer.body);
        answer.json()["token"].as_str().unwrap().to_owned()
    }

    async fn ask(&self, playback: &str, headers: &[(&str, &str)], query: &str, body: &str) -> Answer {
        let path = format!("/api/v1/playback/{playback}/licence/clearkey{query}");
        read(self.server.send("POST", &path, headers, body.to_owned().into()).await).await
    }

    /// What the recording x answers to a token and a body.
    async fn licence(&self, token: &str, body: &str) -> Answer {
        self.ask("pb_x", &[("authorization", &format!("Bearer {token}"))], "", body).await
    }
}

fn playback_id(name: &str) -> PlaybackId {
    PlaybackId::from_unique(name)
}

fn entry(number: u8, class: Option<TrackClass>) -> KeyEntry {
    KeyEntry { id: KeyId([number; 16]), key: key(number), class }
}

fn key(number: u8) -> ContentKey {
    let mut key = KEY;
    key[15] = number;
    ContentKey::new(key)
}

fn request(numbers: &[u8]) -> String {
    let kids: Vec<_> = numbers.iter().map(|&number| URL_SAFE_NO_PAD.encode([number; 16])).collect();
    json!({ "kids": kids, "type": "temporary" }).to_string()
}

/// The numbers of the keys of a licence, after checking that each key is the right one.
fn given(answer: &Answer) -> Vec<u8> {
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    let licence = answer.json();
    let keys = licence["keys"].as_array().unwrap().iter().map(|jwk| {
        let bytes = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
        let number = bytes("kid")[0];
        assert_eq!((jwk["kty"].as_str(), bytes("k")[..].to_vec()), (Some("oct"), key(number).expose().to_vec()));
        number
    });
    keys.collect()
}

fn refusal(answer: &Answer) -> (u16, String) {
    assert_eq!((answer.header("cache-control"), answer.header("access-control-allow-origin")), ("no-store", "*"));
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    assert!(!text.contains(&URL_SAFE_NO_PAD.encode(KEY)[..16]) && !text.contains("lpt1."), "{text}");
    (answer.status, answer.code())
}

#[tokio::test]
async fn a_token_opens_the_keys_of_its_recording() {
    let protected = Protected::start().await;
    let issued = protected.server.post("/api/v1/playback/pb_x/tokens", &json!({ "ttl_s": 60 })).await;
    assert_eq!((issued.status, issued.header("cache-control")), (201, "no-store"));
    let issued = issued.json();
    assert_eq!(issued["clearkey_url"], "/api/v1/playback/pb_x/licence/clearkey");
    let token = issued["token"].as_str().unwrap();
    let answer = protected.licence(token, &request(&[SD, AUDIO])).await;
    assert_eq!(given(&answer), [AUDIO, SD]);
    assert_eq!(answer.json()["type"], "temporary");
    for (name, value) in
        [("content-type", "application/json"), ("cache-control", "no-store"), ("access-control-allow-origin", "*")]
    {
        assert_eq!(answer.header(name), value);
    }
    let query = protected.ask("pb_x", &[], &format!("?a=1&token={token}"), &request(&[UHD])).await;
    assert_eq!(given(&query), [UHD]);

    assert_eq!(protected.licence("lpt1.none", &request(&[SD])).await.status, 401);
    let recorded = protected.server.recorded().await;
    let told = recorded.iter().map(|one| (one.actor.as_str(), one.action.as_str(), one.resource.as_str()));
    let licence = ("anyone", "create_clearkey_licence", "/api/v1/playback/pb_x");
    assert_eq!(
        told.collect::<Vec<_>>(),
        [("admin", "create_playback_token", "/api/v1/playback/pb_x"), licence, licence]
    );
    assert!(!format!("{recorded:?}").contains("lpt1."), "{recorded:?}");
}

#[tokio::test]
async fn without_a_good_token_there_is_no_licence() {
    let protected = Protected::start().await;
    let good = protected.token(json!({ "ttl_s": 60 })).await;
    let other = if good.as_bytes()[20] == b'A' { "B" } else { "A" };
    let changed = format!("{}{other}{}", &good[..20], &good[21..]);
    let asked = request(&[SD]);
    let none = protected.ask("pb_x", &[], "", &asked).await;
    assert_eq!(refusal(&none), (401, "licence.missing_token".to_owned()));
    assert_eq!(none.header("www-authenticate"), "Bearer realm=\"playback\"");
    let admin = format!("Bearer {}", crate::server::TOKEN);
    let admin = protected.ask("pb_x", &[("authorization", &admin)], "", &asked).await;
    assert_eq!(refusal(&admin), (401, "licence.invalid_token".to_owned()), "an admin token is no playback token");

    let ring = Licences::under(protected.server.store.queue().database().clone(), keks()).tokens.unwrap();
    let other = KeyRing::new(SigningKey::new("other", &[1; 32]).unwrap());
    let claims = |expires_at_ms| Claims::new(playback_id("x"), expires_at_ms);
    let issue = |ring, claims| playback_token::issue(ring, &claims, [0; 12]).unwrap();
    let early = Claims { not_before_ms: Some(i64::MAX - 1), ..claims(i64::MAX) };
    for (token, code) in [
        ("x".to_owned(), "licence.invalid_token"),
        (good.replacen("lpt1", "lpt2", 1), "licence.invalid_token"),
        (changed, "licence.invalid_token"),
        (issue(&other, claims(i64::MAX)), "licence.invalid_token"),
        (issue(&ring, claims(1_000)), "licence.expired_token"),
        (issue(&ring, early), "licence.expired_token"),
    ] {
        let answer = protected.licence(&token, &asked).await;
        assert_eq!(refusal(&answer), (401, code.to_owned()), "{token}");
        assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"playback\", error=\"invalid_token\"");
    }
    assert_eq!(
        given(&protected.licence(&issue(&ring, claims(i64::MAX)), &asked).await),
        [SD],
        "the ring is the right one"
    );
    for playback in ["pb_y", "pb_nope", "a%20b"] {
        let answer = protected.ask(playback, &[], &format!("?token={good}"), &request(&[9])).await;
        assert_eq!(refusal(&answer), (403, "licence.other_playback".to_owned()), "{playback}");
    }
}

#[tokio::test]
async fn an_unknown_key_and_one_of_another_recording_look_alike() {
    let protected = Protected::start().await;
    let token = protected.token(json!({ "ttl_s": 60 })).await;
    let answers = [protected.licence(&token, &request(&[9])).await, protected.licence(&token, &request(&[77])).await];
    let without_id = answers.map(|answer| {
        assert_eq!(refusal(&answer), (404, "licence.no_keys".to_owned()));
        let mut body = answer.json();
        body["request_id"].take();
        body
    });
    assert_eq!(without_id[0], without_id[1]);
    assert_eq!(given(&protected.licence(&token, &request(&[9, SD, 77])).await), [SD]);
}

#[tokio::test]
async fn a_token_may_allow_less_than_everything() {
    let protected = Protected::start().await;
    let all = request(&[AUDIO, SD, UHD]);
    let uhd = KeyId([UHD; 16]).to_string();
    let dashed = format!("{}-{}-{}-{}-{}", &uhd[..8], &uhd[8..12], &uhd[12..16], &uhd[16..20], &uhd[20..]);
    for (wish, expected) in [
        (json!({ "ttl_s": 60 }), vec![AUDIO, SD, UHD]),
        (json!({ "ttl_s": 60, "max_height": 1080, "session_id": "viewer-1" }), vec![AUDIO, SD]),
        (json!({ "ttl_s": 60, "key_ids": [uhd] }), vec![UHD]),
        (json!({ "ttl_s": 60, "key_ids": [dashed, KeyId([9; 16]).to_string()] }), vec![UHD]),
    ] {
        let token = protected.token(wish.clone()).await;
        assert_eq!(given(&protected.licence(&token, &all).await), expected, "{wish}");
    }
    let keep = all.replace("temporary", "persistent-license");
    let token = protected.token(json!({ "ttl_s": 60 })).await;
    let refused = protected.licence(&token, &keep).await;
    assert_eq!(refusal(&refused), (403, "licence.not_persistent".to_owned()));
    let token = protected.token(json!({ "ttl_s": 60, "may_persist": true })).await;
    let kept = protected.licence(&token, &keep).await;
    assert_eq!((given(&kept).len(), kept.json()["type"].as_str()), (3, Some("persistent-license")));
}

#[tokio::test]
async fn a_request_that_is_none_is_refused_within_its_bound() {
    let protected = Protected::start().await;
    let token = protected.token(json!({ "ttl_s": 60 })).await;
    let large = format!("{}{}", request(&[SD]), " ".repeat(16 << 10));
    for (body, status) in [("", 400), ("{}", 400), ("{\"kids\":[\"AAAA\"]}", 400), ("[]", 400), (large.as_str(), 413)] {
        let answer = protected.licence(&token, body).await;
        assert_eq!(refusal(&answer), (status, "licence.invalid_request".to_owned()), "{}", body.len());
    }
}

#[tokio::test]
async fn pages_of_other_origins_may_ask() {
    let protected = Protected::start().await;
    let path = "/api/v1/playback/pb_x/licence/clearkey";
    let headers = [("origin", "https://school.example"), ("access-control-request-method", "POST")];
    let answer = protected.server.anonymous("OPTIONS", path, &headers).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (204, "*"));
    assert_eq!(answer.header("access-control-allow-headers"), "authorization, content-type");
    assert_eq!(answer.header("access-control-allow-methods"), "POST");
}

#[tokio::test]
async fn tokens_are_made_for_recordings_that_are_there_and_by_the_admin_alone() {
    let protected = Protected::start().await;
    let server = &protected.server;
    let path = "/api/v1/playback/pb_x/tokens";
    assert_eq!(server.anonymous("POST", path, &[]).await.status, 401);
    let playback_token = format!("Bearer {}", protected.token(json!({ "ttl_s": 1 })).await);
    assert_eq!(server.anonymous("POST", path, &[("authorization", &playback_token)]).await.status, 401);
    for (wish, pointer) in [
        (json!({ "ttl_s": 0 }), "/ttl_s"),
        (json!({ "ttl_s": 86_401 }), "/ttl_s"),
        (json!({ "ttl_s": 60, "max_height": 0 }), "/max_height"),
        (json!({ "ttl_s": 60, "key_ids": [] }), "/key_ids"),
        (json!({ "ttl_s": 60, "key_ids": vec!["00".repeat(16); 33] }), "/key_ids"),
        (json!({ "ttl_s": 60, "key_ids": ["00".repeat(16), "zz"] }), "/key_ids/1"),
        (json!({ "ttl_s": 60, "session_id": "a b" }), "/session_id"),
        (json!({ "ttl_s": 60, "min_hdcp": "2.4" }), "/min_hdcp"),
        (json!({ "ttl_s": 60, "licence_ttl_s": 0 }), "/licence_ttl_s"),
        (json!({ "ttl_s": 60, "licence_ttl_s": 7_776_001 }), "/licence_ttl_s"),
        (json!({ "ttl_s": 60, "admin": true }), "/admin"),
    ] {
        let answer = server.post(path, &wish).await;
        answer.code();
        assert_eq!((answer.status, &answer.json()["errors"][0]["pointer"]), (422, &pointer.into()), "{wish}");
    }
    for unknown in ["pb_nope", "a%20b"] {
        let answer = server.post(&format!("/api/v1/playback/{unknown}/tokens"), &json!({ "ttl_s": 60 })).await;
        assert_eq!((answer.status, answer.code().as_str()), (404, "playback.not_found"));
    }
    let asset = server.uploaded().await;
    let asset = server.store.asset(&kernel::default_tenant(), &asset).await.unwrap().unwrap();
    let early = format!("/api/v1/playback/{}/tokens", asset.playback_id);
    assert_eq!(server.post(&early, &json!({ "ttl_s": 60 })).await.status, 201, "before it has keys");
}

#[tokio::test]
async fn without_a_key_encryption_key_the_answer_says_what_to_set() {
    let server = Server::start().await;
    let token = server.post("/api/v1/playback/pb_x/tokens", &json!({ "ttl_s": 60 })).await;
    let licence = server.anonymous("POST", "/api/v1/playback/pb_x/licence/clearkey", &[]).await;
    for answer in [token, licence] {
        assert_eq!((answer.status, answer.code().as_str()), (503, "licence.not_configured"));
        let hint = answer.json()["hint"].as_str().unwrap().to_owned();
        for variable in [key_vault::KEK_FILE_VARIABLE, key_vault::KEK_VARIABLE] {
            assert!(hint.contains(variable), "{hint}");
        }
    }
}

#[tokio::test]
async fn keys_that_do_not_open_are_our_fault_and_not_shown() {
    let stranger = LocalKeks::parse(&"50".repeat(32)).unwrap();
    let protected = Protected::with(|db, keks| {
        let tokens = Licences::under(db.clone(), keks).tokens;
        Licences { vault: Some(KeyVault::new(db, Arc::new(stranger))), tokens, servers: None }
    })
    .await;
    let token = protected.token(json!({ "ttl_s": 60 })).await;
    let answer = protected.licence(&token, &request(&[SD])).await;
    assert_eq!(refusal(&answer), (500, "server.internal".to_owned()));
}

/// A key management service that cannot be reached.
struct Away;

fn away<T: Send + 'static>() -> BoxFuture<'static, Result<T, KekError>> {
    ready(Err(KekError::Service("no route to kms.internal".into()))).boxed()
}

impl Kms for Away {
    fn current_id(&self) -> BoxFuture<'_, Result<KekId, KekError>> {
        away()
    }

    fn wrap<'a>(&'a self, _key: &'a Secret) -> BoxFuture<'a, Result<KmsWrapped, KekError>> {
        away()
    }

    fn unwrap<'a>(&'a self, _: &'a KekId, _: &'a WrappedKey) -> BoxFuture<'a, Result<Secret, KekError>> {
        away()
    }
}

#[tokio::test]
async fn while_keys_cannot_be_opened_players_are_told_to_come_back() {
    let protected = Protected::with(|db, keks| {
        let tokens = Licences::under(db.clone(), keks).tokens;
        Licences { vault: Some(KeyVault::new(db, Arc::new(Away))), tokens, servers: None }
    })
    .await;
    let token = protected.token(json!({ "ttl_s": 60 })).await;
    let answer = protected.licence(&token, &request(&[SD])).await;
    assert_eq!(refusal(&answer), (503, "licence.keys_away".to_owned()));
    assert_eq!((answer.header("retry-after"), &answer.json()["retryable"]), ("5", &json!(true)));
    assert!(!answer.json().to_string().contains("kms.internal"));
}

#[tokio::test]
async fn tokens_outlive_the_change_of_the_key_encryption_key() {
    let protected = Protected::start().await;
    let database = protected.server.store.queue().database();
    let both = LocalKeks::parse(&format!("{}\n{}", "50".repeat(32), "4f".repeat(32))).unwrap();
    let rotated = Licences::under(database.clone(), both).tokens.unwrap();
    let old = protected.token(json!({ "ttl_s": 60 })).await;
    let now_ms = protected.server.store.now_ms();
    assert!(playback_token::verify(&rotated, &old, now_ms, &playback_id("x")).is_ok());
    let new = playback_token::issue(&rotated, &Claims::new(playback_id("x"), i64::MAX), [0; 12]).unwrap();
    let refused = protected.licence(&new, &request(&[SD])).await;
    assert_eq!(refusal(&refused), (401, "licence.invalid_token".to_owned()), "the new key signs");
}
