//! Licences from the operator's own licence servers, which here is a strict one on loopback.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use control_api::{LicenceServers, Licences, POLICY_HEADER, PolicyKey};
use drm::signal::System;
use hmac::{Hmac, KeyInit, Mac};
use http_client::testing::{Body, endless, full, serve};
use http_client::{Credential, HttpClient, Limits};
use hyper::{Request, Response};
use key_vault::LocalKeks;
use media_store::MemoryStore;
use media_types::PlaybackId;
use playback_token::{Claims, Hdcp, PlayPolicy, SessionId};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::server::{Answer, Server, read};

const CREDENTIAL: &str = "Bearer operators-own-credential";
const POLICY_KEY: &str = "7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a";
const CERTIFICATE: &[u8] = b"0\x82 a certificate";
const ACQUIRE: &str = "\"http://schemas.microsoft.com/DRM/2007/03/protocols/AcquireLicense\"";
const UPSTREAM_SECRET: &str = "what the licence server tells only us";

fn keks() -> LocalKeks {
    LocalKeks::parse(&"4f".repeat(32)).unwrap()
}

fn playback() -> PlaybackId {
    PlaybackId::from_unique("x")
}

/// What reached the licence server, in its order: path, policy, challenge.
type Seen = Arc<Mutex<Vec<(String, Value, Bytes)>>>;

/// The policy of a request, after its signature was checked by hand.
fn verified(token: &str) -> Result<Value, String> {
    let (signed, signature) = token.rsplit_once('.').ok_or("no signature")?;
    let (header, payload) = signed.split_once('.').ok_or("no payload")?;
    let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|error| error.to_string());
    if bytes(header)? != b"{\"alg\":\"HS256\",\"typ\":\"JWT\"}" {
        return Err("another algorithm".to_owned());
    }
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&[0x7a; 32]).unwrap();
    mac.update(signed.as_bytes());
    mac.verify_slice(&bytes(signature)?).map_err(|_| "a wrong signature")?;
    serde_json::from_slice(&bytes(payload)?).map_err(|error| error.to_string())
}

/// Holds a request against all that the documentation promises a licence server.
fn judge(request: &Request<Bytes>) -> Result<Value, String> {
    let system = request.uri().path().trim_start_matches('/').to_owned();
    let length = request.body().len().to_string();
    let mut expected = vec![("authorization", CREDENTIAL), ("content-length", &length)];
    match system.as_str() {
        "playready" => expected.extend([("content-type", "text/xml; charset=utf-8"), ("soapaction", ACQUIRE)]),
        _ => expected.push(("content-type", "application/octet-stream")),
    }
    for (name, value) in &expected {
        let found: Vec<_> = request.headers().get_all(*name).iter().collect();
        if found != [value] {
            return Err(format!("{name} is {found:?}"));
        }
    }
    let known = ["host", "user-agent", POLICY_HEADER];
    let strange = request
        .headers()
        .keys()
        .find(|name| !known.contains(&name.as_str()) && expected.iter().all(|(e, _)| e != name));
    if let Some(name) = strange {
        return Err(format!("nobody asked for {name}"));
    }
    if request.method() != "POST" || request.uri().query() != Some("site=1") {
        return Err(format!("{} {}", request.method(), request.uri()));
    }
    let policy = verified(request.headers()[POLICY_HEADER].to_str().unwrap())?;
    let digest: String = Sha256::digest(request.body()).iter().map(|byte| format!("{byte:02x}")).collect();
    if policy["challenge_sha256"] != digest || policy["system"] != system || policy["iss"] != "lectern" {
        return Err(format!("a policy for something else: {policy}"));
    }
    Ok(policy)
}

fn licence_for(challenge: &[u8]) -> Vec<u8> {
    challenge.iter().rev().copied().collect()
}

async fn licence_server(seen: Seen) -> SocketAddr {
    serve(move |request: Request<Bytes>| {
        let seen = Arc::clone(&seen);
        async move { respond(&request, &seen).await }
    })
    .await
}

/// A licence; or for some challenges what a server does on a bad day.
async fn respond(request: &Request<Bytes>, seen: &Seen) -> Response<Body> {
    let with = |status: u16, body: Body| Response::builder().status(status).body(body).unwrap();
    let policy = match judge(request) {
        Ok(policy) => policy,
        Err(fault) => return with(418, full(fault)),
    };
    let path = request.uri().path().to_owned();
    seen.lock().unwrap().push((path, policy, request.body().clone()));
    match &request.body()[..] {
        b"slow" => std::future::pending().await,
        b"broken" => with(500, full(UPSTREAM_SECRET)),
        b"unauthorized" => with(401, full(UPSTREAM_SECRET)),
        b"refused" => with(403, full(UPSTREAM_SECRET)),
        b"empty" => with(200, full("")),
        b"huge" => with(200, endless()),
        b"moved" => {
            let mut response = with(302, full(UPSTREAM_SECRET));
            response.headers_mut().insert("location", request.uri().to_string().parse().unwrap());
            response
        }
        challenge => {
            let mut response = with(200, full(licence_for(challenge)));
            for (name, value) in [("content-type", "text/html"), ("set-cookie", "a=b"), ("cache-control", "public")] {
                response.headers_mut().insert(name, value.parse().unwrap());
            }
            response
        }
    }
}

struct Proxied {
    server: Server,
    seen: Seen,
}

impl Proxied {
    /// All three systems, at one strict server.
    async fn start() -> Self {
        Self::with(LicenceServers::limits(), &[System::Widevine, System::PlayReady, System::FairPlay]).await
    }

    async fn with(limits: Limits, systems: &[System]) -> Self {
        let seen = Seen::default();
        let upstream = licence_server(Arc::clone(&seen)).await;
        Self { server: proxying(upstream, limits, systems).await, seen }
    }

    /// A token as a site asks for one.
    async fn token(&self, wish: Value) -> String {
        let answer = self.server.post("/api/v1/playback/pb_x/tokens", &wish).await;
        assert_eq!(answer.status, 201, "{:?}", answer.body);
        answer.json()["token"].as_str().unwrap().to_owned()
    }

    async fn ask(&self, system: &str, token: &str, headers: &[(&str, &str)], challenge: &[u8]) -> Answer {
        let path = format!("/api/v1/playback/pb_x/licence/{system}");
        let bearer = format!("Bearer {token}");
        let headers: Vec<_> = headers.iter().copied().chain([("authorization", bearer.as_str())]).collect();
        read(self.server.send("POST", &path, &headers, challenge.to_vec().into()).await).await
    }

    fn reached(&self) -> usize {
        self.seen.lock().unwrap().len()
    }
}

async fn proxying(upstream: SocketAddr, limits: Limits, systems: &[System]) -> Server {
    let servers = LicenceServers::new(HttpClient::new(limits), PolicyKey::from_hex(POLICY_KEY).unwrap())
        .authorized(Credential::parse(CREDENTIAL).ok().unwrap())
        .certified(CERTIFICATE.to_vec());
    let url = |system: &System| format!("http://{upstream}/{}?site=1", system.as_str());
    let servers = systems.iter().fold(servers, |servers, system| servers.with(*system, url(system)).ok().unwrap());
    let media = Arc::new(MemoryStore::default());
    let server = Server::licensing(media, None, |db| Licences {
        servers: Some(Arc::new(servers)),
        ..Licences::under(db.clone(), keks())
    })
    .await;
    // A recording is there when it has a key.
    let vault = key_vault::KeyVault::new(server.store.queue().database().clone(), Arc::new(keks()));
    let entry = drm::KeyEntry { id: drm::KeyId([1; 16]), key: drm::ContentKey::new([2; 16]), class: None };
    let owner = key_vault::KeyOwner {
        tenant: kernel::default_tenant(),
        playback: playback(),
        scheme: drm::ProtectionScheme::Cbcs,
        period: 0,
    };
    let sealed = vault.seal(owner, &[entry]).await.unwrap();
    let mut tx = server.store.queue().database().begin().await.unwrap();
    vault.create_keys(&mut tx, &sealed, 1).await.unwrap();
    tx.commit().await.unwrap();
    server
}

/// Status and code of a refusal, which says nothing that only we may know.
fn refusal(answer: &Answer) -> (u16, String) {
    assert_eq!((answer.header("cache-control"), answer.header("access-control-allow-origin")), ("no-store", "*"));
    let text = format!("{:?} {}", answer.headers, String::from_utf8_lossy(&answer.body));
    for secret in ["operators-own", UPSTREAM_SECRET, "127.0.0.1", "lpt1.", "7a7a7a7a", "site=1"] {
        assert!(!text.contains(secret), "{text}");
    }
    (answer.status, answer.code())
}

const OCTETS: (&str, &str) = ("content-type", "application/octet-stream");

#[tokio::test]
async fn a_challenge_goes_through_and_the_licence_comes_back_unchanged() {
    let proxied = Proxied::start().await;
    let token = proxied.token(json!({ "ttl_s": 60 })).await;
    let bytes: Vec<u8> = (0..=255).cycle().take(20_000).collect();
    let soap = ("soapaction", ACQUIRE);
    let xml = ("content-type", "text/xml; charset=utf-8");
    let noise = [("cookie", "session=1"), ("x-forwarded-for", "10.1.1.1"), ("referer", "https://school.example/")];
    for (system, headers, given) in [
        ("widevine", vec![OCTETS], "application/octet-stream"),
        ("widevine", vec![], "application/octet-stream"),
        ("fairplay", vec![OCTETS], "application/octet-stream"),
        ("playready", vec![xml, soap], "text/xml; charset=utf-8"),
        ("playready", vec![("content-type", "TEXT/XML")], "text/xml; charset=utf-8"),
        ("playready", vec![xml, ("soapaction", "elsewhere")], "text/xml; charset=utf-8"),
    ] {
        let headers: Vec<_> = headers.into_iter().chain(noise).collect();
        let answer = proxied.ask(system, &token, &headers, &bytes).await;
        assert_eq!(answer.status, 200, "{system} {:?}", String::from_utf8_lossy(&answer.body));
        assert_eq!(&answer.body[..], licence_for(&bytes));
        let shown = ["content-type", "cache-control", "access-control-allow-origin", "set-cookie"];
        assert_eq!(shown.map(|name| answer.header(name)), [given, "no-store", "*", ""], "{system}");
        let (path, _, challenge) = proxied.seen.lock().unwrap().pop().unwrap();
        assert_eq!((path, &challenge[..]), (format!("/{system}"), &bytes[..]));
    }
    let path = format!("/api/v1/playback/pb_x/licence/widevine?token={token}");
    let answer = read(proxied.server.send("POST", &path, &[OCTETS], "abc".into()).await).await;
    assert_eq!((answer.status, &answer.body[..]), (200, &b"cba"[..]), "a token in the address");
}

#[tokio::test]
async fn the_policy_says_what_the_token_allows() {
    let proxied = Proxied::start().await;
    let wish = json!({
        "ttl_s": 60, "may_persist": true, "max_height": 1080, "min_hdcp": "2.2", "licence_ttl_s": 86_400,
        "session_id": "viewer-1", "key_ids": ["01".repeat(16), "02".repeat(16)],
    });
    let before = proxied.server.store.now_ms() / 1000;
    for wish in [json!({ "ttl_s": 60 }), wish] {
        let token = proxied.token(wish).await;
        assert_eq!(proxied.ask("widevine", &token, &[OCTETS], b"abc").await.status, 200);
    }
    let after = proxied.server.store.now_ms() / 1000;
    let seen = proxied.seen.lock().unwrap();
    let [(_, least, _), (_, most, _)] = &seen[..] else { panic!("{seen:?}") };
    for policy in [least, most] {
        let time = |name: &str| policy[name].as_i64().unwrap();
        assert!((before..=after).contains(&time("iat")));
        assert_eq!((time("exp") - time("iat"), &policy["playback_id"]), (60, &json!("pb_x")));
    }
    assert_ne!(least["jti"], most["jti"]);
    let until = |policy: &Value| policy["licence"]["expires_at"].as_i64().unwrap();
    assert!(
        (before + 60..=after + 60).contains(&until(least)) && (before + 86_400..=after + 86_400).contains(&until(most))
    );
    assert_eq!((&least["session_id"], &most["session_id"]), (&Value::Null, &json!("viewer-1")));
    let terms = |policy: &Value| {
        let mut terms = policy["licence"].clone();
        let all = terms.as_object_mut().unwrap();
        all.retain(|name, _| name != "expires_at" && name != "keys");
        terms
    };
    assert_eq!(terms(least), json!({ "offline": false, "max_height": null, "min_hdcp": null, "key_ids": null }));
    let key_ids = ["01".repeat(16), "02".repeat(16)];
    assert_eq!(terms(most), json!({ "offline": true, "max_height": 1080, "min_hdcp": "2.2", "key_ids": key_ids }));
}

#[tokio::test]
async fn a_licence_server_gets_the_keys_that_the_token_allows_wrapped_and_no_other() {
    let proxied = Proxied::start().await;
    for wish in [json!({ "ttl_s": 60 }), json!({ "ttl_s": 60, "key_ids": ["03".repeat(16)] })] {
        let token = proxied.token(wish).await;
        assert_eq!(proxied.ask("widevine", &token, &[OCTETS], b"abc").await.status, 200);
    }
    let seen = proxied.seen.lock().unwrap();
    let [(_, all, _), (_, other, _)] = &seen[..] else { panic!("{seen:?}") };
    assert_eq!(other["licence"]["keys"], json!([]));
    let [key] = &all["licence"]["keys"].as_array().unwrap()[..] else { panic!("{all}") };
    assert_eq!((&key["kid"], &key["class"]), (&json!("01".repeat(16)), &Value::Null));
    // As the documentation says.
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&[0x7a; 32]).unwrap();
    mac.update(b"lectern content keys v1");
    let under = drm::KeyEncryptionKey::new(&mac.finalize().into_bytes()).unwrap();
    let wrapped = URL_SAFE_NO_PAD.decode(key["wrapped"].as_str().unwrap()).unwrap();
    let opened = drm::WrappedKey::from_bytes(wrapped).unwrap(&under).ok().unwrap();
    assert_eq!(opened.expose(), &[2; 16]);
}

#[tokio::test]
async fn without_a_good_token_nothing_is_asked() {
    let proxied = Proxied::start().await;
    let ring = Licences::under(proxied.server.store.queue().database().clone(), keks()).tokens.unwrap();
    let issue = |claims: Claims| playback_token::issue(&ring, &claims, [0; 12]).unwrap();
    let good = proxied.token(json!({ "ttl_s": 60 })).await;
    let early = Claims { not_before_ms: Some(i64::MAX - 1), ..Claims::new(playback(), i64::MAX) };
    let elsewhere = Claims::new(PlaybackId::from_unique("y"), i64::MAX);
    for (token, expected) in [
        (crate::server::TOKEN, (401, "licence.invalid_token")),
        (&format!("{good}A"), (401, "licence.invalid_token")),
        (&issue(Claims::new(playback(), 1_000)), (401, "licence.expired_token")),
        (&issue(early), (401, "licence.expired_token")),
        (&issue(elsewhere), (403, "licence.other_playback")),
    ] {
        for system in ["widevine", "playready", "fairplay"] {
            let answer = proxied.ask(system, token, &[("content-type", "text/xml")], b"abc").await;
            assert_eq!(refusal(&answer), (expected.0, expected.1.to_owned()), "{system} {token}");
        }
    }
    let path = "/api/v1/playback/pb_x/licence/widevine";
    let none = proxied.server.anonymous("POST", path, &[OCTETS]).await;
    assert_eq!(refusal(&none), (401, "licence.missing_token".to_owned()));
    assert_eq!(none.header("www-authenticate"), "Bearer realm=\"playback\"");
    assert_eq!(proxied.reached(), 0);
    assert_eq!(proxied.ask("widevine", &good, &[OCTETS], b"abc").await.status, 200, "the good one is good");
}

#[tokio::test]
async fn what_is_no_challenge_is_not_passed_on() {
    let proxied = Proxied::start().await;
    let token = proxied.token(json!({ "ttl_s": 60 })).await;
    let (xml, form) = (("content-type", "text/xml"), ("content-type", "application/x-www-form-urlencoded"));
    let (fits, large) = (vec![7; 64 << 10], vec![7; (64 << 10) + 1]);
    for (system, headers, body, expected) in [
        ("widevine", &[xml][..], &b"abc"[..], (415, "licence.media_type")),
        ("widevine", &[("content-type", "application/json")], b"abc", (415, "licence.media_type")),
        ("fairplay", &[form], b"spc=abc", (415, "licence.media_type")),
        ("playready", &[OCTETS], b"abc", (415, "licence.media_type")),
        ("playready", &[], b"abc", (415, "licence.media_type")),
        ("widevine", &[OCTETS], b"", (400, "licence.invalid_request")),
        ("widevine", &[OCTETS], &large, (413, "licence.invalid_request")),
    ] {
        let answer = proxied.ask(system, &token, headers, body).await;
        assert_eq!(refusal(&answer), (expected.0, expected.1.to_owned()), "{system} {headers:?}");
    }
    assert_eq!(proxied.reached(), 0);
    assert_eq!(proxied.ask("widevine", &token, &[OCTETS], &fits).await.body.len(), 64 << 10);
}

#[tokio::test]
async fn a_licence_servers_bad_day_is_told_and_nothing_else_of_it() {
    let limits = Limits { whole: Duration::from_millis(500), ..LicenceServers::limits() };
    let proxied = Proxied::with(limits, &[System::Widevine]).await;
    let token = proxied.token(json!({ "ttl_s": 60 })).await;
    for (challenge, expected) in [
        ("slow", (504, "licence.server_slow")),
        ("broken", (502, "licence.server_failed")),
        ("unauthorized", (502, "licence.server_failed")),
        ("moved", (502, "licence.server_failed")),
        ("huge", (502, "licence.server_failed")),
        ("empty", (502, "licence.server_failed")),
        ("refused", (403, "licence.refused")),
    ] {
        let before = proxied.reached();
        let answer = proxied.ask("widevine", &token, &[OCTETS], challenge.as_bytes()).await;
        assert_eq!(refusal(&answer), (expected.0, expected.1.to_owned()), "{challenge}");
        assert_eq!(proxied.reached(), before + 1, "{challenge} is asked once");
        let again = answer.json()["retryable"].as_bool().unwrap();
        assert_eq!((again, answer.header("retry-after")), if expected.0 == 403 { (false, "") } else { (true, "5") });
    }
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let server = proxying(free, LicenceServers::limits(), &[System::Widevine]).await;
    let lost = Proxied { server, seen: Seen::default() };
    let answer = lost.ask("widevine", &token, &[OCTETS], b"abc").await;
    assert_eq!(refusal(&answer), (502, "licence.server_failed".to_owned()));
}

#[tokio::test]
async fn a_system_without_a_server_says_what_to_set() {
    let proxied = Proxied::with(LicenceServers::limits(), &[System::PlayReady]).await;
    let token = proxied.token(json!({ "ttl_s": 60 })).await;
    for system in ["widevine", "fairplay", "common", "Playready", "nope"] {
        let answer = proxied.ask(system, &token, &[OCTETS], b"abc").await;
        assert_eq!(refusal(&answer), (404, "licence.system_not_configured".to_owned()), "{system}");
        let hint = answer.json()["hint"].as_str().unwrap().to_owned();
        assert!(
            hint.contains("LECTERN_LICENCE_WIDEVINE_URL") && hint.contains("LECTERN_LICENCE_FAIRPLAY_URL"),
            "{hint}"
        );
    }
    let view = proxied.server.post("/api/v1/playback/pb_x/tokens", &json!({ "ttl_s": 60 })).await.json();
    assert_eq!(view["playready_url"], "/api/v1/playback/pb_x/licence/playready");
    for absent in ["widevine_url", "fairplay_url", "fairplay_certificate_url"] {
        assert!(view.get(absent).is_none(), "{absent}");
    }
}

#[tokio::test]
async fn the_certificate_is_for_holders_of_a_token() {
    let proxied = Proxied::start().await;
    let view = proxied.server.post("/api/v1/playback/pb_x/tokens", &json!({ "ttl_s": 60 })).await.json();
    let path = view["fairplay_certificate_url"].as_str().unwrap();
    assert_eq!(path, "/api/v1/playback/pb_x/licence/fairplay/certificate");
    let none = proxied.server.anonymous("GET", path, &[]).await;
    assert_eq!(refusal(&none), (401, "licence.missing_token".to_owned()));
    let token = view["token"].as_str().unwrap();
    let answer = proxied.server.anonymous("GET", &format!("{path}?token={token}"), &[]).await;
    assert_eq!((answer.status, &answer.body[..]), (200, CERTIFICATE));
    assert_eq!((answer.header("content-type"), answer.header("cache-control")), ("application/pkix-cert", "no-store"));
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    let path = format!("/api/v1/playback/pb_y/licence/fairplay/certificate?token={token}");
    let other = proxied.server.anonymous("GET", &path, &[]).await;
    assert_eq!(refusal(&other), (403, "licence.other_playback".to_owned()));
    let without = Proxied::with(LicenceServers::limits(), &[System::Widevine]).await;
    let answer = without.server.anonymous("GET", &path, &[]).await;
    assert_eq!(refusal(&answer), (404, "licence.system_not_configured".to_owned()));
}

#[tokio::test]
async fn pages_of_other_origins_may_send_challenges() {
    let proxied = Proxied::start().await;
    let headers = [("origin", "https://school.example"), ("access-control-request-method", "POST")];
    for system in ["widevine", "playready", "fairplay"] {
        let answer =
            proxied.server.anonymous("OPTIONS", &format!("/api/v1/playback/pb_x/licence/{system}"), &headers).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (204, "*"));
        assert_eq!(answer.header("access-control-allow-headers"), "authorization, content-type, soapaction");
    }
}

#[tokio::test]
async fn clear_key_gives_nothing_to_a_token_that_demands_hdcp() {
    let proxied = Proxied::start().await;
    let ring = Licences::under(proxied.server.store.queue().database().clone(), keks()).tokens.unwrap();
    let body = json!({ "kids": [URL_SAFE_NO_PAD.encode([1; 16])], "type": "temporary" }).to_string();
    for (min_hdcp, status) in [(None, 200), (Some(Hdcp::V1_0), 403)] {
        let policy = PlayPolicy { min_hdcp, ..PlayPolicy::default() };
        let claims = Claims { policy, session: SessionId::new("s"), ..Claims::new(playback(), i64::MAX) };
        let token = playback_token::issue(&ring, &claims, [0; 12]).unwrap();
        let answer = proxied.ask("clearkey", &token, &[("content-type", "application/json")], body.as_bytes()).await;
        assert_eq!(answer.status, status, "{:?}", answer.body);
        assert!(min_hdcp.is_none() || answer.code() == "licence.hdcp_required");
    }
}
