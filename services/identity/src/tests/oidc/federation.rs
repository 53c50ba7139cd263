//! People sign in by a provider of others, and by nobody who claims to be one.

use std::net::SocketAddr;
use std::sync::Mutex;

use axum::body::Bytes;
use axum::http::Response;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http_client::testing::{Body as Answered, full, serve};
use sha2::{Digest, Sha256};

use super::*;
use crate::auth::jwt::{Signer, thumbprint};

const PROVIDERS: &str = "/api/v1/auth/providers";
const CHALLENGE_AT: &str = "/api/v1/auth/sessions/provider-challenge";
const ANSWER_AT: &str = "/api/v1/auth/sessions/provider";
const IDENTITIES: &str = "/api/v1/auth/identities";

/// What a provider of somebody else's says and has heard.
struct Said {
    /// Seeds of the keys that it publishes, and of the one that it signs with.
    published: Vec<u8>,
    signs: u8,
    /// Claims beside those that are usual, in their place.
    claims: Value,
    /// In the place of a token.
    token: Option<String>,
    keys_asked: usize,
    /// What it was asked for tokens by last, and whether that said who asks.
    form: Vec<(String, String)>,
    authorization: String,
}

/// A provider on this machine.
#[derive(Clone)]
struct Elsewhere {
    at: SocketAddr,
    said: Arc<Mutex<Said>>,
}

fn public(seed: u8) -> Value {
    let signer = Signer::new(&[seed; 32]);
    let (kid, x) = (thumbprint(signer.public_key()), URL_SAFE_NO_PAD.encode(signer.public_key()));
    json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid, "use": "sig" })
}

fn answer(said: &Mutex<Said>, request: &Request<Bytes>) -> Response<Answered> {
    let issuer = format!("http://{}", request.headers()["host"].to_str().unwrap());
    let mut said = said.lock().unwrap();
    let body = match request.uri().path() {
        "/.well-known/openid-configuration" => json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize?kept=1"),
            "token_endpoint": format!("{issuer}/token"),
            "jwks_uri": format!("{issuer}/jwks"),
            "authorization_response_iss_parameter_supported": true,
        }),
        "/jwks" => {
            said.keys_asked += 1;
            json!({ "keys": said.published.iter().map(|seed| public(*seed)).collect::<Vec<_>>() })
        }
        "/token" => {
            said.form = form_urlencoded::parse(request.body()).into_owned().collect();
            let authorization = request.headers().get("authorization");
            said.authorization = authorization.map_or("", |value| value.to_str().unwrap()).to_owned();
            let mut claims = json!({ "iss": issuer, "aud": "lectern", "sub": "u-1" });
            claims.as_object_mut().unwrap().extend(said.claims.as_object().unwrap().clone());
            let token = said.token.clone().unwrap_or_else(|| Signer::new(&[said.signs; 32]).sign(&claims));
            json!({ "access_token": "a", "token_type": "Bearer", "id_token": token })
        }
        other => panic!("{other}"),
    };
    Response::new(full(body.to_string()))
}

impl Elsewhere {
    async fn new() -> Self {
        let said = Said {
            published: vec![1],
            signs: 1,
            claims: json!({}),
            token: None,
            keys_asked: 0,
            form: Vec::new(),
            authorization: String::new(),
        };
        let said = Arc::new(Mutex::new(said));
        let shared = Arc::clone(&said);
        let at = serve(move |request: Request<Bytes>| {
            let said = Arc::clone(&shared);
            async move { answer(&said, &request) }
        })
        .await;
        Self { at, said }
    }

    fn issuer(&self) -> String {
        format!("http://{}", self.at)
    }

    /// Lets somebody in, of whom it says this, where a browser was sent to it so; what the browser comes back with.
    fn lets_in(&self, process: &Process, sent: &str, more: Value) -> String {
        let address = Url::parse(sent).unwrap();
        let asked: BTreeMap<String, String> = address.query_pairs().into_owned().collect();
        assert!(sent.starts_with(&format!("{}/authorize?kept=1&", self.issuer())), "{sent}");
        assert_eq!((asked["response_type"].as_str(), asked["code_challenge_method"].as_str()), ("code", "S256"));
        assert_eq!((asked["client_id"].as_str(), asked["scope"].as_str()), ("lectern", "email openid profile"));
        assert_eq!(asked["redirect_uri"], format!("{ISSUER}/oauth2/provider/callback"));
        let now_s = process.now_ms.load(Ordering::Relaxed) / 1000;
        let mut claims = json!({ "nonce": asked["nonce"], "iat": now_s, "exp": now_s + 300 });
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.said.lock().unwrap().claims = claims;
        form(&[("code", "c-1"), ("state", &*asked["state"]), ("iss", &*self.issuer())])
    }
}

/// Where a button of the page leads.
fn button(page: &Fetched) -> String {
    let (_, rest) = page.text.split_once("href=\"/oauth2/provider?").unwrap_or_else(|| panic!("{}", page.text));
    format!("/oauth2/provider?{}", rest.split('"').next().unwrap().replace("&amp;", "&"))
}

/// What an address of the callback is, with this behind it.
fn callback(query: &str) -> String {
    format!("/oauth2/provider/callback?{query}")
}

impl Process {
    /// A provider that the default tenant trusts; its id.
    async fn trusted(&self, elsewhere: &Elsewhere, more: Value) -> String {
        let mut new = json!({
            "name": "School <b>", "issuer": elsewhere.issuer(), "client_id": "lectern", "client_secret": "s:cret+1",
            "domains": ["School.example"],
        });
        new.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let made = self.ask(201, "POST", PROVIDERS, new).await;
        made["id"].as_str().unwrap().to_owned()
    }

    /// A browser that a client has sent goes to the provider by the button of the page; where it is sent.
    async fn leave(&self, browser: &mut Browser, asked: &str) -> String {
        let page = browser.get(self, &format!("{AUTHORIZE}?{asked}")).await;
        assert!(!page.text.contains("<b>"), "{}", page.text);
        let sent = browser.get(self, &button(&page)).await;
        assert_eq!(sent.status, 303, "{}", sent.text);
        sent.header("location").to_owned()
    }

    /// A program asks where to send somebody; that, and what it keeps.
    async fn challenged(&self, token: &str, path: &str, provider: &str) -> (String, String) {
        let mut wish = json!({ "provider_id": provider });
        if token.is_empty() {
            wish["tenant"] = json!("default");
        }
        let (status, _, begun) = self.call(token, "POST", path, wish).await;
        assert_eq!(status, 200, "{begun}");
        let text = |name: &str| begun[name].as_str().unwrap().to_owned();
        (text("address"), text("provider_token"))
    }
}

/// What a program sends of what a browser has come back with.
fn came_back(query: &str, token: &str) -> Value {
    let came: BTreeMap<String, String> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    json!({ "provider_token": token, "state": came["state"], "code": came["code"], "iss": came["iss"] })
}

fn anna() -> Value {
    json!({ "email": "Anna@School.example", "email_verified": true, "name": "Anna" })
}

#[tokio::test]
async fn whoever_a_provider_lets_in_is_in_at_the_page_once_and_in_his_browser_alone() {
    for_each_engine(|db| async move {
        let (process, elsewhere) = (Process::first(&db), Elsewhere::new().await);
        let id = process.person("default", "anna@school.example", &[]).await;
        process.trusted(&elsewhere, json!({})).await;
        let program = process.program(json!({})).await;
        let asked = asked(&program, &[]);
        let mut browser = Browser::default();
        let sent = process.leave(&mut browser, &asked).await;
        let back = elsewhere.lets_in(&process, &sent, anna());
        let mut other = Browser::default();
        other.get(&process, &format!("{AUTHORIZE}?{asked}")).await;
        let stolen = other.get(&process, &callback(&back)).await;
        assert_eq!((stolen.status, stolen.header("location")), (400, ""), "another browser was not sent");
        let returned = browser.get(&process, &callback(&back)).await;
        assert!(returned.header("location").starts_with(CALLBACK), "{} {}", returned.status, returned.text);
        let granted = process.redeem(&program, &returned.told("code").unwrap()).await.json();
        let said = claims(granted["id_token"].as_str().unwrap());
        assert_eq!((&said["sub"], &said["amr"], &said["acr"]), (&json!(id), &json!(["fed"]), &json!("aal1")));
        assert_eq!(browser.get(&process, &callback(&back)).await.status, 400, "it holds once");
        {
            let said = elsewhere.said.lock().unwrap();
            let form: BTreeMap<&str, &str> = said.form.iter().map(|(name, value)| (&**name, &**value)).collect();
            let sent = Url::parse(&sent).unwrap();
            let (_, challenge) = sent.query_pairs().find(|(name, _)| name == "code_challenge").unwrap();
            assert_eq!(URL_SAFE_NO_PAD.encode(Sha256::digest(form["code_verifier"])), challenge);
            assert_eq!(form["redirect_uri"], format!("{ISSUER}/oauth2/provider/callback"));
            assert_eq!(said.authorization, format!("Basic {}", STANDARD.encode("lectern:s%3Acret%2B1")));
        }

        // By his identity from now on, whatever address he has.
        let mut later = Browser::default();
        let sent = process.leave(&mut later, &asked).await;
        let back = elsewhere.lets_in(&process, &sent, json!({}));
        assert!(later.get(&process, &callback(&back)).await.told("code").is_some());
        let mut heir = anna();
        heir["sub"] = json!("u-9");
        let mut browser = Browser::default();
        let sent = process.leave(&mut browser, &asked).await;
        let back = elsewhere.lets_in(&process, &sent, heir);
        let refused = browser.get(&process, &callback(&back)).await;
        assert_eq!((refused.status, refused.asks_for()), (403, "the password"), "who has her address now is not she");
    })
    .await;
}

#[tokio::test]
async fn what_a_provider_did_not_say_of_this_sign_in_lets_nobody_in() {
    for_each_engine(|db| async move {
        let (process, elsewhere) = (Process::first(&db), Elsewhere::new().await);
        process.person("default", "anna@school.example", &[]).await;
        let provider = process.trusted(&elsewhere, json!({})).await;
        let now_s = process.now_ms.load(Ordering::Relaxed) / 1000;
        let tried = async |more: Value, token: Option<String>, change: (&str, &str)| {
            let (sent, kept) = process.challenged("", CHALLENGE_AT, &provider).await;
            let mut said = anna();
            said.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let mut answer = came_back(&elsewhere.lets_in(&process, &sent, said), &kept);
            elsewhere.said.lock().unwrap().token = token;
            if !change.0.is_empty() {
                answer[change.0] = if change.1.is_empty() { Value::Null } else { json!(change.1) };
            }
            let (status, code, _) = process.call("", "POST", ANSWER_AT, answer).await;
            (status, code)
        };
        let refused = (403, "provider_sign_in.refused".to_owned());
        for (name, value) in [
            ("iss", json!("https://evil.example")),
            ("aud", json!("another")),
            ("aud", json!(["lectern", "another"])),
            ("nonce", json!("another")),
            ("nonce", Value::Null),
            ("exp", json!(now_s - 61)),
            ("iat", json!(now_s + 3600)),
            ("sub", json!("")),
        ] {
            assert_eq!(tried(json!({ name: value }), None, ("", "")).await, refused, "{name}");
        }
        let unsigned = |alg: &str| {
            let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
            let header = json!({ "alg": alg, "kid": public(1)["kid"], "typ": "JWT" });
            format!("{}.{}.", part(header), part(json!({ "iss": elsewhere.issuer(), "sub": "u-1" })))
        };
        for token in [unsigned("none"), unsigned("HS256"), unsigned("EdDSA"), Signer::new(&[2; 32]).sign(&anna())] {
            assert_eq!(tried(json!({}), Some(token.clone()), ("", "")).await, refused, "{token}");
        }
        for change in [("iss", "https://evil.example"), ("iss", ""), ("code", "")] {
            assert_eq!(tried(json!({}), None, change).await, refused, "{change:?}");
        }
        let none = (400, "provider_sign_in.invalid".to_owned());
        for change in [("state", "another"), ("provider_token", "another")] {
            assert_eq!(tried(json!({}), None, change).await, none, "{change:?}");
        }
        assert_eq!(tried(json!({}), None, ("", "")).await.0, 201);

        // A key that it has made since is found; who sends unknown ones has it asked once a minute.
        let asked = || elsewhere.said.lock().unwrap().keys_asked;
        let before = asked();
        process.pass(Duration::from_secs(120));
        elsewhere.said.lock().unwrap().signs = 3;
        for _ in 0..5 {
            assert_eq!(tried(json!({}), None, ("", "")).await, refused);
        }
        assert_eq!(asked(), before + 1);
        process.pass(Duration::from_secs(60));
        elsewhere.said.lock().unwrap().published = vec![1, 3];
        assert_eq!(tried(json!({}), None, ("", "")).await.0, 201);
        assert_eq!(asked(), before + 2);
    })
    .await;
}

#[tokio::test]
async fn an_account_is_found_by_an_address_that_the_provider_is_believed_about_and_made_only_where_it_may() {
    for_each_engine(|db| async move {
        let (process, elsewhere) = (Process::first(&db), Elsewhere::new().await);
        let provider = process.trusted(&elsewhere, json!({})).await;
        for email in ["anna@school.example", "anna@elsewhere.example"] {
            process.person("default", email, &[]).await;
        }
        let tried = async |more: Value| {
            let (sent, kept) = process.challenged("", CHALLENGE_AT, &provider).await;
            let answer = came_back(&elsewhere.lets_in(&process, &sent, more), &kept);
            let (status, code, body) = process.call("", "POST", ANSWER_AT, answer).await;
            (status, if status == 201 { body["user_id"].as_str().unwrap().to_owned() } else { code })
        };
        let nobody = (403, "provider_sign_in.nobody".to_owned());
        for said in [
            json!({}),
            json!({ "email": "anna@school.example" }),
            json!({ "email": "anna@school.example", "email_verified": false }),
            json!({ "email": "anna@elsewhere.example", "email_verified": true }),
            json!({ "email": "anna@sub.school.example", "email_verified": true }),
            json!({ "email": "new@school.example", "email_verified": true }),
            json!({ "email": "no address", "email_verified": true }),
        ] {
            assert_eq!(tried(said.clone()).await, nobody, "{said}");
        }
        let at = format!("{PROVIDERS}/{provider}");
        let any = [("if-match", "*")];
        let change = async |change: Value| process.send(TOKEN, ("PATCH", &at), &any, change).await.status;
        assert_eq!(change(json!({ "provisions": true })).await, 200);
        let new = json!({ "sub": "u-2", "email": "new@school.example", "email_verified": true, "name": "New" });
        let (status, id) = tried(new.clone()).await;
        assert_eq!(status, 201, "{id}");
        let made = process.ask(200, "GET", &format!("{USERS}/{id}"), Value::Null).await;
        assert_eq!((&made["name"], &made["permissions"]), (&json!("New"), &json!([])), "he may nothing yet");
        assert_eq!(tried(json!({ "sub": "u-2" })).await, (201, id.clone()), "the same by his identity");
        let user = format!("{USERS}/{id}");
        let suspended = process.send(TOKEN, ("PATCH", &user), &any, json!({ "state": "suspended" })).await;
        assert_eq!(suspended.status, 200);
        assert_eq!(tried(new).await, nobody, "nor is another account made for him");

        assert_eq!(change(json!({ "is_enabled": false })).await, 200);
        let wish = json!({ "tenant": "default", "provider_id": provider });
        assert_eq!(process.call("", "POST", CHALLENGE_AT, wish).await.1, "identity_provider.not_found");
        let offered = process.ask(200, "GET", "/api/v1/auth/sessions/providers?tenant=default", Value::Null).await;
        assert_eq!(offered["items"], json!([]));
    })
    .await;
}

#[tokio::test]
async fn a_person_says_himself_who_he_is_at_a_provider_and_his_codes_are_asked_for_there_too() {
    for_each_engine(|db| async move {
        let (process, elsewhere) = (Process::first(&db), Elsewhere::new().await);
        let provider = process.trusted(&elsewhere, json!({ "domains": [] })).await;
        for email in ["anna@example.com", "bob@example.com"] {
            process.person("default", email, &[]).await;
        }
        let (annas, _) = process.tokens("anna@example.com").await;
        let (bobs, _) = process.tokens("bob@example.com").await;
        let link_at = format!("{IDENTITIES}/challenge");
        let linked = async |begins: &str, ends: &str| {
            let (sent, kept) = process.challenged(begins, &link_at, &provider).await;
            let answer = came_back(&elsewhere.lets_in(&process, &sent, json!({})), &kept);
            let (status, code, body) = process.call(ends, "POST", IDENTITIES, answer.clone()).await;
            let as_sign_in = process.call("", "POST", ANSWER_AT, answer).await.1;
            assert_eq!(as_sign_in, "provider_sign_in.invalid", "it lets nobody in");
            (status, code, body)
        };
        assert_eq!(linked(&annas, &bobs).await.1, "provider_sign_in.invalid", "who ends it is who began it");
        let (status, _, listed) = linked(&annas, &annas).await;
        assert_eq!((status, &listed["items"][0]["provider_id"]), (200, &json!(provider)), "{listed}");
        assert_eq!(linked(&bobs, &bobs).await.1, "identity.taken");
        let come = async || {
            let (sent, kept) = process.challenged("", CHALLENGE_AT, &provider).await;
            let answer = came_back(&elsewhere.lets_in(&process, &sent, json!({})), &kept);
            process.call("", "POST", ANSWER_AT, answer).await
        };
        assert_eq!(come().await.0, 201);
        let (authenticator, _) = process.enrol(&annas).await;
        let (status, _, half) = come().await;
        assert_eq!((status, &half["access_token"]), (200, &Value::Null), "{half}");
        let code = authenticator.code(&process, 1);
        let (status, _, begun) = process.finish(half["code_token"].as_str().unwrap(), &code).await;
        assert_eq!(status, 201, "{begun}");
        let access = begun["access_token"].as_str().unwrap();
        assert_eq!(claims(access)["amr"], json!(["fed", "otp", "mfa"]));

        process.pass(Duration::from_secs(601));
        let (later, _) = process.tokens("bob@example.com").await;
        process.pass(Duration::from_secs(599));
        assert_eq!(process.call(&later, "GET", IDENTITIES, Value::Null).await.2["items"], json!([]));
        let at = format!("{IDENTITIES}/{}", listed["items"][0]["id"].as_str().unwrap());
        assert_eq!(process.call(&later, "DELETE", &at, Value::Null).await.0, 404, "it is not his");
        let half = process.half_way("anna@example.com").await;
        process.pass(Duration::from_secs(30));
        let (_, _, begun) = process.finish(&half, &authenticator.code(&process, 0)).await;
        let annas = begun["access_token"].as_str().unwrap();
        assert_eq!(process.call(annas, "DELETE", &at, Value::Null).await.0, 204);
        assert_eq!(come().await.1, "provider_sign_in.nobody");
    })
    .await;
}

#[tokio::test]
async fn a_provider_is_for_those_to_see_to_who_may_everything_and_its_secret_is_shown_and_stored_nowhere() {
    for_each_engine(|db| async move {
        let (process, elsewhere) = (Process::first(&db), Elsewhere::new().await);
        let (_, some) = process.key(json!({ "name": "a", "permissions": ["identity_provider.*"] })).await;
        let new =
            |issuer: &str| json!({ "name": "a", "issuer": issuer, "client_id": "a", "client_secret": "sesame-1" });
        let beyond = process.send(&some, ("POST", PROVIDERS), &[], new(&elsewhere.issuer())).await;
        assert_eq!((beyond.status, &beyond.body["code"]), (403, &json!("identity_provider.beyond_own")));
        let made = process.ask(201, "POST", PROVIDERS, new(&elsewhere.issuer())).await;
        assert_eq!(
            (&made["has_secret"], &made["provisions"], &made["domains"]),
            (&json!(true), &json!(false), &json!([]))
        );
        assert!(!made.to_string().contains("sesame"), "{made}");
        let stored: Vec<(Vec<u8>,)> = db.all("SELECT secret FROM auth_provider LIMIT 9", args![]).await.unwrap();
        assert!(stored.len() == 1 && !stored[0].0.windows(6).any(|part| part == b"sesame"));
        let at = format!("{PROVIDERS}/{}", made["id"].as_str().unwrap());
        for (status, method) in [(403, "PATCH"), (204, "DELETE")] {
            let answer = process.send(&some, (method, &at), &[("if-match", "*")], json!({})).await;
            assert_eq!(answer.status, status, "{method}: {}", answer.body);
        }
        for (change, code) in [
            (json!({ "name": "" }), "identity_provider.invalid_name"),
            (json!({ "issuer": "http://10.0.0.1" }), "identity_provider.invalid_issuer"),
            (json!({ "issuer": "https://10.0.0.1" }), "identity_provider.invalid_issuer"),
            (json!({ "issuer": "https://id.example/?a" }), "identity_provider.invalid_issuer"),
            (json!({ "issuer": "id.example" }), "identity_provider.invalid_issuer"),
            (json!({ "issuer": "https://id.example/\0" }), "identity_provider.invalid_issuer"),
            (json!({ "client_id": "" }), "identity_provider.invalid_client"),
            (json!({ "client_secret": "a\nb" }), "identity_provider.invalid_client"),
            (json!({ "scopes": ["email"] }), "identity_provider.invalid_scopes"),
            (json!({ "scopes": ["openid", "a b"] }), "identity_provider.invalid_scopes"),
            (json!({ "domains": ["@school.example"] }), "identity_provider.invalid_domains"),
            (json!({ "domains": [""] }), "identity_provider.invalid_domains"),
        ] {
            let mut wish = new("https://id.example");
            wish.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            assert_eq!(process.ask(422, "POST", PROVIDERS, wish).await["code"], code, "{change}");
        }
        let told = process.kinds("ten_default").await;
        assert!(told.iter().any(|kind| kind == "identity_provider.created"), "{told:?}");
    })
    .await;
}
