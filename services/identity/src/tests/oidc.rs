//! People sign in to programs of their tenant.

mod backchannel;
mod clients;
mod codes;
mod devices;
mod federation;
mod halves;
mod own;
mod policy;
mod sessions;

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use url::{Url, form_urlencoded};

use super::factors::claims;
use super::*;

const CLIENTS: &str = "/api/v1/oauth-clients";
const AUTHORIZE: &str = "/oauth2/authorize";
const CALLBACK: &str = "https://app.example/callback";
/// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// An answer of any kind.
struct Fetched {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Fetched {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The word of OAuth that it is refused with.
    fn error(&self) -> (u16, String) {
        (self.status, self.json()["error"].as_str().unwrap_or_default().to_owned())
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// What the client is told in the address that the browser is sent to.
    fn told(&self, name: &str) -> Option<String> {
        assert_eq!(self.status, 303, "{}", self.text);
        let address = Url::parse(self.header("location")).unwrap();
        address.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    }

    /// What the page has put into its form under this name.
    fn hidden(&self, name: &str) -> String {
        let begin = format!("name=\"{name}\" value=\"");
        let (_, rest) = self.text.split_once(&begin).unwrap_or_else(|| panic!("{}", self.text));
        rest.split('"').next().unwrap().to_owned()
    }

    fn csrf(&self) -> String {
        self.hidden("csrf")
    }

    /// Whether it is a page that asks for a code, or for the password.
    fn asks_for(&self) -> &'static str {
        match ["autocomplete=\"one-time-code\"", "name=\"password\""].map(|input| self.text.contains(input)) {
            [true, false] => "a code",
            [false, true] => "the password",
            _ => "neither",
        }
    }
}

fn form(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// A client as it knows itself.
#[derive(Clone)]
struct Program {
    id: String,
    secret: Option<String>,
}

impl Program {
    fn basic(&self) -> String {
        format!("Basic {}", STANDARD.encode(format!("{}:{}", self.id, self.secret.as_deref().unwrap_or_default())))
    }
}

/// What a browser keeps.
#[derive(Clone, Default)]
struct Browser(BTreeMap<String, String>);

impl Browser {
    async fn get(&mut self, process: &Process, path: &str) -> Fetched {
        self.ask(process, "GET", path, "").await
    }

    async fn post(&mut self, process: &Process, path: &str, pairs: &[(&str, &str)]) -> Fetched {
        self.ask(process, "POST", path, &form(pairs)).await
    }

    async fn ask(&mut self, process: &Process, method: &str, path: &str, body: &str) -> Fetched {
        let cookies: Vec<String> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let fetched = process.fetch(method, path, &[("cookie", &cookies.join("; "))], body).await;
        for line in fetched.headers.get_all("set-cookie") {
            let (name, rest) = line.to_str().unwrap().split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            assert!(
                name.starts_with("__Host-") && rest.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"),
                "{rest}"
            );
            if rest.contains("Max-Age=0") {
                self.0.remove(name);
            } else {
                self.0.insert(name.to_owned(), value.to_owned());
            }
        }
        fetched
    }

    /// Comes from a client, and signs in as Anna; the answer that sends it back.
    async fn sign_in(&mut self, process: &Process, asked: &str) -> Fetched {
        self.sign_in_as(process, "anna@example.com", asked).await
    }

    async fn sign_in_as(&mut self, process: &Process, email: &str, asked: &str) -> Fetched {
        let page = self.get(process, &format!("{AUTHORIZE}?{asked}")).await;
        assert_eq!(page.status, 200, "{}", page.text);
        let filled = [("csrf", &*page.csrf()), ("email", email), ("password", PASSWORD)];
        self.post(process, &format!("/oauth2/sign-in?{asked}"), &filled).await
    }
}

impl Process {
    async fn fetch(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Fetched {
        let mut request = Request::builder().method(method).uri(path).header("user-agent", "a test");
        if method == "POST" && !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header("content-type", "application/x-www-form-urlencoded");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Fetched { status: parts.status.as_u16(), headers: parts.headers, text }
    }

    /// A client of the default tenant that is called Library.
    async fn program(&self, more: Value) -> Program {
        let mut new = json!({ "name": "Library", "is_confidential": true, "redirect_uris": [CALLBACK] });
        new.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let made = self.ask(201, "POST", CLIENTS, new).await;
        Program {
            id: made["id"].as_str().unwrap().to_owned(),
            secret: made["client_secret"].as_str().map(str::to_owned),
        }
    }

    /// A client asks at an address of OAuth's.
    async fn called(&self, program: &Program, path: &str, pairs: &[(&str, &str)]) -> Fetched {
        match &program.secret {
            Some(_) => self.fetch("POST", path, &[("authorization", &program.basic())], &form(pairs)).await,
            None => {
                let pairs: Vec<_> = pairs.iter().copied().chain([("client_id", program.id.as_str())]).collect();
                self.fetch("POST", path, &[], &form(&pairs)).await
            }
        }
    }

    /// The client comes with a code.
    async fn redeem(&self, program: &Program, code: &str) -> Fetched {
        let pairs = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        self.called(program, "/oauth2/token", &pairs).await
    }

    async fn renew(&self, program: &Program, token: &str) -> Fetched {
        self.called(program, "/oauth2/token", &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    /// Anna signs in to a client in a new browser; what the client gets.
    async fn granted(&self, program: &Program, scope: &str) -> Value {
        let sent = Browser::default().sign_in(self, &asked(program, &[("scope", scope)])).await;
        let granted = self.redeem(program, &sent.told("code").unwrap()).await;
        assert_eq!(granted.status, 200, "{}", granted.text);
        granted.json()
    }

    async fn userinfo(&self, token: &str) -> Fetched {
        self.fetch("GET", "/oauth2/userinfo", &[("authorization", &format!("Bearer {token}"))], "").await
    }
}

/// What a client sends a browser with; what is said once more takes the place of what is usual.
fn asked(program: &Program, more: &[(&str, &str)]) -> String {
    let usual = [
        ("client_id", program.id.as_str()),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "openid profile email"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("state", "st&te"),
        ("nonce", "n-0S6"),
    ];
    let kept = usual.into_iter().filter(|(name, _)| !more.iter().any(|(other, _)| other == name));
    form(&kept.chain(more.iter().copied()).collect::<Vec<_>>())
}

#[tokio::test]
async fn a_person_signs_in_at_the_page_and_the_client_knows_who_it_is() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let anna = process.person("default", "anna@example.com", &["bell.read"]).await;
        let program = process.program(json!({})).await;
        let mut browser = Browser::default();
        let hinted = asked(&program, &[("login_hint", "\"><b>")]);
        let page = browser.get(&process, &format!("{AUTHORIZE}?{hinted}")).await;
        assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
        assert!(page.header("content-security-policy").contains("form-action 'self' https://app.example;"));
        assert!(page.text.contains("<strong>Library</strong>") && !page.text.contains("<b>"), "{}", page.text);
        assert!(!page.text.contains("<script") && page.text.contains("<label for=\"password\">"));

        let (path, asked_for) = (format!("/oauth2/sign-in?{hinted}"), asked(&program, &[]));
        let csrf = page.csrf();
        let wrong = [("csrf", csrf.as_str()), ("email", "anna@example.com"), ("password", "wrong")];
        let refused = browser.post(&process, &path, &wrong).await;
        assert_eq!((refused.status, refused.header("location")), (401, ""));
        assert!(refused.text.contains("role=\"alert\"") && refused.text.contains("value=\"anna@example.com\""));
        let sent = browser.sign_in(&process, &asked_for).await;
        assert!(
            sent.header("location").starts_with("https://app.example/callback?code="),
            "{}",
            sent.header("location")
        );
        assert_eq!((sent.told("state").as_deref(), sent.told("iss").as_deref()), (Some("st&te"), Some(ISSUER)));

        let granted = process.redeem(&program, &sent.told("code").unwrap()).await;
        assert_eq!((granted.status, granted.header("cache-control")), (200, "no-store"), "{}", granted.text);
        let granted = granted.json();
        assert_eq!((&granted["token_type"], &granted["expires_in"]), (&json!("Bearer"), &json!(600)));
        assert_eq!(granted["scope"], "openid profile email");
        let said = claims(granted["id_token"].as_str().unwrap());
        let now_s = process.now_ms.load(Ordering::Relaxed) / 1000;
        assert_eq!((&said["iss"], &said["aud"], &said["sub"]), (&json!(ISSUER), &json!(program.id), &json!(anna)));
        assert_eq!((&said["nonce"], &said["auth_time"], &said["iat"]), (&json!("n-0S6"), &json!(now_s), &json!(now_s)));
        let access = granted["access_token"].as_str().unwrap();
        let known = process.userinfo(access).await.json();
        assert_eq!(
            (&known["sub"], &known["email"], &known["zoneinfo"]),
            (&json!(anna), &json!("anna@example.com"), &json!("UTC"))
        );
        assert_eq!(process.status(access).await, 401, "it says who she is and opens nothing");
        assert_eq!(process.status(granted["id_token"].as_str().unwrap()).await, 401, "nor does an ID token");
        let metadata = process.fetch("GET", "/.well-known/openid-configuration", &[], "").await.json();
        assert_eq!(
            (&metadata["issuer"], &metadata["token_endpoint"]),
            (&json!(ISSUER), &json!("https://lectern.example/oauth2/token"))
        );
    })
    .await;
}

#[tokio::test]
async fn whoever_has_signed_in_in_a_browser_need_not_do_so_again_unless_the_client_asks_for_it() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        process.person("default", "anna@example.com", &[]).await;
        let (one, other) =
            (process.program(json!({})).await, process.program(json!({ "is_confidential": false })).await);
        let mut browser = Browser::default();
        let silent = [("prompt", "none")];
        let nobody = browser.get(&process, &format!("{AUTHORIZE}?{}", asked(&one, &silent))).await;
        assert_eq!((nobody.told("error").as_deref(), nobody.told("code")), (Some("login_required"), None));
        let first = browser.sign_in(&process, &asked(&one, &[])).await;
        let hint = process.redeem(&one, &first.told("code").unwrap()).await.json();
        let hint = hint["id_token"].as_str().unwrap().to_owned();
        process.pass(Duration::from_secs(100));
        let mut come = async |more: &[(&str, &str)]| {
            let answer = browser.get(&process, &format!("{AUTHORIZE}?{}", asked(&other, more))).await;
            if answer.status == 200 {
                "the page".to_owned()
            } else {
                answer.told("error").unwrap_or("a code".to_owned())
            }
        };
        for (more, answered) in [
            (&[][..], "a code"),
            (&silent[..], "a code"),
            (&[("max_age", "100")], "a code"),
            (&[("max_age", "99")], "the page"),
            (&[("max_age", "0")], "the page"),
            (&[("prompt", "login")], "the page"),
            (&[("prompt", "consent")], "a code"),
            (&[("prompt", "none"), ("max_age", "99")], "login_required"),
            (&[("id_token_hint", &*hint)], "a code"),
            (&[("id_token_hint", "a.b.c"), ("prompt", "none")], "login_required"),
        ] {
            assert_eq!(come(more).await, answered, "{more:?}");
        }
        process.person("default", "bob@example.com", &[]).await;
        let hinted = asked(&other, &[("id_token_hint", &*hint)]);
        let another = Browser::default().sign_in_as(&process, "bob@example.com", &hinted).await;
        assert_eq!(another.told("error").as_deref(), Some("login_required"), "it has to be Anna");
        let own = process.tokens("anna@example.com").await.0;
        let listed = process.send(&own, ("GET", SESSIONS), &[], Value::Null).await.body;
        let of_client =
            listed["items"].as_array().unwrap().iter().filter(|session| session["client_id"] == json!(one.id));
        assert_eq!(of_client.count(), 1, "{listed}");
        process.pass(Duration::from_secs(12 * 3600));
        assert_eq!(come(&silent).await, "login_required", "a browser is known for twelve hours");
    })
    .await;
}

#[tokio::test]
async fn a_browser_is_one_persons_of_one_tenant_and_is_forgotten_with_his_sessions() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        process.ask(201, "POST", TENANTS, json!({ "slug": "north", "name": "North" })).await;
        process.person("default", "anna@example.com", &[]).await;
        let program = process.program(json!({})).await;
        let new = json!({ "name": "North", "is_confidential": false, "redirect_uris": [CALLBACK] });
        let elsewhere = process.send(TOKEN, ("POST", CLIENTS), &[("lectern-tenant", "north")], new).await.body;
        let elsewhere = Program { id: elsewhere["id"].as_str().unwrap().to_owned(), secret: None };
        let mut browser = Browser::default();
        let silent = [("prompt", "none")];
        browser.sign_in(&process, &asked(&program, &[])).await;
        let path = |program: &Program| format!("{AUTHORIZE}?{}", asked(program, &silent));
        assert!(browser.get(&process, &path(&program)).await.told("code").is_some());
        let foreign = browser.get(&process, &path(&elsewhere)).await;
        assert_eq!(foreign.told("error").as_deref(), Some("login_required"), "another tenant's is nobody here");
        let mut forged = browser.clone();
        let cookie = forged.0.get_mut("__Host-lectern-session").unwrap();
        let other = if &cookie[60..62] == "AA" { "BB" } else { "AA" };
        cookie.replace_range(60..62, other);
        assert_eq!(forged.get(&process, &path(&program)).await.told("error").as_deref(), Some("login_required"));

        let begun = browser.get(&process, &format!("{AUTHORIZE}?{}", asked(&program, &[]))).await;
        let found = process.ask(200, "GET", &format!("{USERS}?q=anna"), Value::Null).await;
        let anna = format!("{USERS}/{}", found["items"][0]["id"].as_str().unwrap());
        let suspended =
            process.send(TOKEN, ("PATCH", &anna), &[("if-match", "*")], json!({ "state": "suspended" })).await;
        assert_eq!(suspended.status, 200);
        let late = process.redeem(&program, &begun.told("code").unwrap()).await;
        assert_eq!(late.error(), (400, "invalid_grant".to_owned()), "a code ends with the session that it is of");
        assert_eq!(browser.get(&process, &path(&program)).await.told("error").as_deref(), Some("login_required"));
    })
    .await;
}

#[tokio::test]
async fn a_form_counts_in_the_browser_alone_that_it_was_shown_in() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        process.person("default", "anna@example.com", &[]).await;
        let program = process.program(json!({})).await;
        let asked = asked(&program, &[]);
        let (mut own, mut other) = (Browser::default(), Browser::default());
        let page = own.get(&process, &format!("{AUTHORIZE}?{asked}")).await;
        other.get(&process, &format!("{AUTHORIZE}?{asked}")).await;
        let csrf = page.csrf();
        let filled = [("csrf", csrf.as_str()), ("email", "anna@example.com"), ("password", PASSWORD)];
        let path = format!("/oauth2/sign-in?{asked}");
        for (mut browser, filled) in [(other, &filled[..]), (Browser::default(), &filled), (own.clone(), &filled[1..])]
        {
            let refused = browser.post(&process, &path, filled).await;
            assert_eq!((refused.status, refused.header("location")), (403, ""));
            assert!(!browser.0.contains_key("__Host-lectern-session"));
        }
        assert_eq!(own.post(&process, &path, &filled).await.status, 303);
    })
    .await;
}
