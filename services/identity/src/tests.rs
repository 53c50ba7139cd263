//! Tenants, people, roles, keys and sessions on both engines.
#![allow(clippy::unwrap_used)]

mod beyond;
mod counted;
mod decisions;
mod domains;
mod erasing;
mod exported;
mod factors;
mod fields;
mod groups;
mod guarded;
mod impersonation;
mod imported;
mod invitations;
mod mail;
mod merged;
mod oidc;
mod passkeys;
mod people;
mod provisioned;
mod roles;
mod rolls;
mod sessions;
mod tokens;
mod tree;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request};
use database::testing::{for_each_engine, prepare_all};
use database::{Database, args, outbox};
use http_body_util::BodyExt;
use http_client::Egress;
use kernel::{AdminToken, Clock, Guard, Keyring, Permission, Recorder, Routes, default_tenant};
use serde_json::{Value, json};
use tower::ServiceExt;
use utoipa::openapi::OpenApiBuilder;

use crate::auth::{Keys, Mail, PublicAddress, Sessions};
use crate::org::{Dns, Tenants};
use crate::rbac::Roles;
use crate::user::Users;
use crate::{Registry, auth, org, rbac, user};

const TOKEN: &str = "test-token-0123456789";
const TENANTS: &str = "/api/v1/tenants";
const KEYS: &str = "/api/v1/api-keys";
const USERS: &str = "/api/v1/users";
const SESSIONS: &str = "/api/v1/auth/sessions";
const ROLES: &str = "/api/v1/roles";
const BINDINGS: &str = "/api/v1/role-bindings";
const PASSWORD: &str = "a horse of another colour";
const ISSUER: &str = "https://lectern.example";
const NODES: &str = "/api/v1/org/nodes";
const READ: Permission = Permission::new("bell", "read");

/// A process, whose time a test moves.
struct Process {
    router: Router,
    db: Database,
    now_ms: Arc<AtomicI64>,
    sessions: Sessions,
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Process {
    fn new(db: &Database, now_ms: &Arc<AtomicI64>) -> Self {
        Self::known_as(db, now_ms, Some(PublicAddress::new(ISSUER).unwrap()))
    }

    /// The same at an address that others know, or at none.
    fn known_as(db: &Database, now_ms: &Arc<AtomicI64>, address: Option<PublicAddress>) -> Self {
        Self::made_of(db, now_ms, address, None, None)
    }

    /// The same that writes letters, or asks a name server.
    fn made_of(
        db: &Database,
        now_ms: &Arc<AtomicI64>,
        address: Option<PublicAddress>,
        mail: Option<Mail>,
        dns: Option<SocketAddr>,
    ) -> Self {
        let time = Arc::clone(now_ms);
        let clock: Clock = Arc::new(move || time.load(Ordering::Relaxed));
        let registry = Arc::new(Registry::new(db.clone(), Arc::clone(&clock)));
        let guard = Guard::new(AdminToken::new(TOKEN).unwrap()).with_directory(registry);
        let units = || [&auth::UNIT, &org::UNIT, &user::UNIT, &rbac::UNIT].into_iter();
        let catalogue = || units().flat_map(|unit| unit.permissions).copied().chain([READ]);
        let keys = Keys::new(db.clone(), Arc::clone(&clock), catalogue());
        let sessions = Sessions::new(db.clone(), Arc::clone(&clock), Keyring::default());
        let sessions = sessions.asking(Egress::allowing("127.0.0.0/8").unwrap(), None).unwrap();
        let users = Users::new(db.clone(), Arc::clone(&clock), catalogue());
        let (sessions, users) = match mail {
            Some(mail) => (sessions.with_mail(mail), users.telling_people()),
            None => (sessions, users),
        };
        let users = user::serve(users);
        let roles = rbac::serve(Roles::new(db.clone(), Arc::clone(&clock), catalogue()));
        let keys = auth::serve(keys, sessions.clone(), address);
        let tenants = Tenants::new(db.clone(), clock);
        let tenants = match dns {
            Some(server) => tenants.asking(Arc::new(Dns::at(server))),
            None => tenants,
        };
        let tenants = org::serve(tenants);
        let routes = Routes::new(guard, Some(Recorder::new(db.clone())), OpenApiBuilder::new().build());
        let routes = [keys, tenants, users, roles].into_iter().fold(routes, |routes, served| served.mount(routes));
        Self { router: routes.finish(()).0, db: db.clone(), now_ms: Arc::clone(now_ms), sessions }
    }

    fn first(db: &Database) -> Self {
        Self::new(db, &Arc::new(AtomicI64::new(1_795_233_000_000)))
    }

    /// Another process on the same database, at the same time, that knows no keys yet.
    fn another(&self) -> Self {
        Self::new(&self.db, &self.now_ms)
    }

    fn pass(&self, duration: Duration) {
        self.now_ms.fetch_add(i64::try_from(duration.as_millis()).unwrap(), Ordering::Relaxed);
    }

    async fn send(&self, token: &str, call: (&str, &str), headers: &[(&str, &str)], body: Value) -> Answer {
        let (method, path) = call;
        let mut request = Request::builder().method(Method::from_bytes(method.as_bytes()).unwrap()).uri(path);
        request = request.header("authorization", format!("Bearer {token}")).header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let response = self.router.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: serde_json::from_slice(&bytes).unwrap_or_default(),
        }
    }

    /// The operator's call, which answers with this status; its body.
    async fn ask(&self, status: u16, method: &str, path: &str, body: Value) -> Value {
        let answer = self.send(TOKEN, (method, path), &[], body).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.body);
        answer.body
    }

    /// A new key of the default tenant: its id and its secret.
    async fn key(&self, body: Value) -> (String, String) {
        let made = self.ask(201, "POST", KEYS, body).await;
        (made["id"].as_str().unwrap().to_owned(), made["secret"].as_str().unwrap().to_owned())
    }

    /// A new person of a tenant, with a password; the id.
    async fn person(&self, slug: &str, email: &str, permissions: &[&str]) -> String {
        let named = [("lectern-tenant", slug)];
        let new = json!({ "email": email, "name": email, "permissions": permissions });
        let made = self.send(TOKEN, ("POST", USERS), &named, new).await;
        assert_eq!(made.status, 201, "{}", made.body);
        let id = made.body["id"].as_str().unwrap().to_owned();
        let link = self.send(TOKEN, ("POST", &format!("{USERS}/{id}/password-link")), &named, Value::Null).await;
        let chosen = json!({ "token": link.body["token"], "password": PASSWORD });
        self.ask(204, "POST", "/api/v1/auth/password", chosen).await;
        id
    }

    async fn sign_in(&self, slug: &str, email: &str, password: &str) -> Answer {
        let who = json!({ "tenant": slug, "email": email, "password": password });
        self.send("", ("POST", SESSIONS), &[("user-agent", "a test")], who).await
    }

    /// Somebody of the default tenant who has just signed in: his access and his refresh token.
    async fn tokens(&self, email: &str) -> (String, String) {
        let begun = self.sign_in("default", email, PASSWORD).await;
        assert_eq!(begun.status, 201, "{}", begun.body);
        let text = |name: &str| begun.body[name].as_str().unwrap().to_owned();
        (text("access_token"), text("refresh_token"))
    }

    async fn refresh(&self, token: &str) -> Answer {
        self.send("", ("POST", &format!("{SESSIONS}/refresh")), &[], json!({ "refresh_token": token })).await
    }

    /// What a process that knows no tokens yet answers to whom this token is from.
    async fn status(&self, token: &str) -> u16 {
        self.another().send(token, ("GET", SESSIONS), &[], Value::Null).await.status
    }

    /// A new role of the default tenant; its id.
    async fn role(&self, name: &str, permissions: &[&str]) -> String {
        let made = self.ask(201, "POST", ROLES, json!({ "name": name, "permissions": permissions })).await;
        made["id"].as_str().unwrap().to_owned()
    }

    /// Gives a role to a person; the id of the binding.
    async fn grant(&self, user: &str, role: &str, expires_in_s: Option<i64>) -> String {
        let wish = json!({ "user_id": user, "role_id": role, "expires_in_s": expires_in_s });
        self.ask(201, "POST", BINDINGS, wish).await["id"].as_str().unwrap().to_owned()
    }

    /// What is answered to a call that any state is fine for, by a process that knows no tokens yet: status and body.
    async fn anew(&self, token: &str, method: &str, path: &str, body: Value) -> (u16, Value) {
        let answer = self.another().send(token, (method, path), &[("if-match", "*")], body).await;
        (answer.status, answer.body)
    }

    async fn kinds(&self, tenant: &str) -> Vec<String> {
        let events = outbox::after(&self.db, &tenant.parse().unwrap(), 0, 100).await.unwrap();
        events.into_iter().map(|event| event.kind).collect()
    }
}

#[tokio::test]
async fn every_statement_prepares() {
    for_each_engine(|db| async move {
        for statements in crate::STATEMENTS.concat() {
            prepare_all(&db, statements).await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn the_default_tenant_is_there_from_the_start_and_others_are_made_renamed_suspended_and_resumed() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let found = process.ask(200, "GET", TENANTS, Value::Null).await;
        assert_eq!((&found["items"][0]["id"], &found["items"][0]["slug"]), (&json!("ten_default"), &json!("default")));
        assert_eq!(found["items"].as_array().unwrap().len(), 1);

        let made = process.send(TOKEN, ("POST", TENANTS), &[], json!({ "slug": "north", "name": "North" })).await;
        assert_eq!((made.status, &made.body["state"]), (201, &json!("active")));
        let at = made.headers["location"].to_str().unwrap().to_owned();
        assert_eq!(at, format!("{TENANTS}/{}", made.body["id"].as_str().unwrap()));
        let taken = process.ask(409, "POST", TENANTS, json!({ "slug": "north", "name": "Other" })).await;
        assert_eq!(taken["code"], "tenant.slug_taken");
        for (body, code) in [
            (json!({ "slug": "No", "name": "a" }), "tenant.invalid_slug"),
            (json!({ "slug": "no", "name": "" }), "tenant.invalid_name"),
            (json!({ "slug": "no", "name": "a\u{0}" }), "tenant.invalid_name"),
        ] {
            assert_eq!(process.ask(422, "POST", TENANTS, body).await["code"], code);
        }

        let shown = process.send(TOKEN, ("GET", &at), &[], Value::Null).await;
        let condition = [("if-match", shown.headers["etag"].to_str().unwrap())];
        let blind = process.send(TOKEN, ("PATCH", &at), &[], json!({ "name": "North School" })).await;
        assert_eq!((blind.status, &blind.body["code"]), (428, &json!("http.precondition_required")));
        let renamed = process.send(TOKEN, ("PATCH", &at), &condition, json!({ "name": "North School" })).await;
        assert_eq!((renamed.status, &renamed.body["name"]), (200, &json!("North School")));
        for call in [("PATCH", at.clone()), ("POST", format!("{at}/suspend")), ("POST", format!("{at}/resume"))] {
            let stale = process.send(TOKEN, (call.0, &call.1), &condition, json!({})).await;
            assert_eq!((stale.status, &stale.body["code"]), (412, &json!("http.precondition_failed")), "{call:?}");
        }
        for (what, state) in [("suspend", "suspended"), ("suspend", "suspended"), ("resume", "active")] {
            assert_eq!(process.ask(200, "POST", &format!("{at}/{what}"), Value::Null).await["state"], state);
        }
        let told = process.kinds(made.body["id"].as_str().unwrap()).await;
        assert_eq!(told, ["tenant.created", "tenant.updated", "tenant.suspended", "tenant.resumed"]);
        for missing in ["ten_none", "a%20b"] {
            let missing = process.ask(404, "GET", &format!("{TENANTS}/{missing}"), Value::Null).await;
            assert_eq!(missing["code"], "tenant.not_found");
        }
    })
    .await;
}

#[tokio::test]
async fn equal_requests_make_one_tenant_and_pages_show_each_once() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let once = [("idempotency-key", "k")];
        let new = json!({ "slug": "north", "name": "North" });
        let requests = (0..20).map(|_| process.send(TOKEN, ("POST", TENANTS), &once, new.clone()));
        let answers = futures::future::join_all(requests).await;
        assert!(answers.iter().all(|answer| answer.status == 201 && answer.body == answers[0].body));
        for slug in ["a", "b", "c"] {
            process.pass(Duration::from_millis(1));
            process.ask(201, "POST", TENANTS, json!({ "slug": slug, "name": slug })).await;
        }
        let (mut path, mut seen) = (format!("{TENANTS}?limit=2"), Vec::new());
        loop {
            let page = process.ask(200, "GET", &path, Value::Null).await;
            seen.extend(page["items"].as_array().unwrap().iter().map(|tenant| tenant["slug"].clone()));
            let Some(next) = page["next"].as_str() else { break };
            path = format!("{TENANTS}?limit=2&after={next}");
        }
        assert_eq!(seen, ["c", "b", "a", "north", "default"]);
    })
    .await;
}

#[tokio::test]
async fn the_secret_of_a_key_is_nowhere_but_in_the_answer_that_made_it() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let once = [("idempotency-key", "k")];
        let new = json!({ "name": "uploader", "permissions": ["bell.read"] });
        let made = process.send(TOKEN, ("POST", KEYS), &once, new.clone()).await;
        let secret = made.body["secret"].as_str().unwrap().to_owned();
        assert_eq!(made.headers["cache-control"], "no-store");
        let again = process.send(TOKEN, ("POST", KEYS), &once, new).await;
        assert_eq!((again.status, &again.body["id"], &again.body["secret"]), (201, &made.body["id"], &Value::Null));
        // Behind `lk_`, 32 digits and `_`.
        let random = &secret[36..];
        let bodies: Vec<(Vec<u8>,)> = db.all("SELECT body FROM idempotency LIMIT 9", args![]).await.unwrap();
        let keys: Vec<(Vec<u8>,)> = db.all("SELECT secret_sha256 FROM api_key LIMIT 9", args![]).await.unwrap();
        assert_eq!((bodies.len(), keys.len(), keys[0].0.len()), (1, 1, 32));
        for (bytes,) in bodies.iter().chain(&keys) {
            assert!(!bytes.windows(8).any(|window| random.as_bytes().starts_with(window)));
        }
        let events = outbox::after(&db, &default_tenant(), 0, 100).await.unwrap();
        assert!(!events.iter().any(|event| event.data.0.to_string().contains(random)));
        let at = format!("{KEYS}/{}", made.body["id"].as_str().unwrap());
        let shown = process.ask(200, "GET", &at, Value::Null).await;
        assert!(shown["secret"].is_null() && shown["created_by"] == "admin", "{shown}");
    })
    .await;
}

#[tokio::test]
async fn a_keys_last_use_is_noted_once_a_minute() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let (id, secret) = process.key(json!({ "name": "a", "permissions": ["api_key.read"] })).await;
        let last = async || process.ask(200, "GET", &format!("{KEYS}/{id}"), Value::Null).await["last_used_at"].clone();
        assert_eq!(last().await, Value::Null);
        let mut noted = BTreeSet::new();
        for seconds in [0, 30, 45] {
            process.pass(Duration::from_secs(seconds));
            let used = process.another().send(&secret, ("GET", KEYS), &[], Value::Null).await;
            assert_eq!(used.status, 200);
            // Of the second time nothing is noted, which the third shows: that is written behind it.
            if seconds != 30 {
                let before = noted.len();
                let written = async {
                    while noted.len() == before {
                        noted.extend(last().await.as_str().map(str::to_owned));
                        tokio::task::yield_now().await;
                    }
                };
                tokio::time::timeout(Duration::from_secs(30), written).await.expect("the use is noted in time");
            }
        }
        assert_eq!(Vec::from_iter(noted), ["2026-11-21T03:50:00.000Z", "2026-11-21T03:51:15.000Z"]);
    })
    .await;
}

#[tokio::test]
async fn a_key_that_has_expired_opens_nothing_and_one_that_was_changed_never_did() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let wish = json!({ "name": "a", "permissions": ["api_key.read"], "expires_in_s": 60 });
        let (_, secret) = process.key(wish).await;
        let status = async |secret: &str| process.another().send(secret, ("GET", KEYS), &[], Value::Null).await.status;
        assert_eq!(status(&secret).await, 200);
        let other = if secret.ends_with('A') { "B" } else { "A" };
        for changed in [format!("{}{other}", &secret[..secret.len() - 1]), secret.replacen("lk_0", "lk_f", 1)] {
            assert_eq!(status(&changed).await, 401, "{changed}");
        }
        process.pass(Duration::from_secs(60));
        assert_eq!(status(&secret).await, 401);
        for (wish, code) in [
            (json!({ "name": "", "permissions": ["*"] }), "api_key.invalid_name"),
            (json!({ "name": "a", "permissions": [] }), "api_key.invalid_permissions"),
            (json!({ "name": "a", "permissions": ["bell"] }), "api_key.invalid_permissions"),
            (json!({ "name": "a", "permissions": ["bell.ring"] }), "api_key.invalid_permissions"),
            (json!({ "name": "a", "permissions": ["*"], "expires_in_s": 0 }), "api_key.invalid_expiry"),
            (json!({ "name": "a", "permissions": ["*"], "expires_in_s": i64::MAX }), "api_key.invalid_expiry"),
        ] {
            assert_eq!(process.ask(422, "POST", KEYS, wish).await["code"], code);
        }
        let missing = process.ask(404, "DELETE", &format!("{KEYS}/key_none"), Value::Null).await;
        assert_eq!(missing["code"], "api_key.not_found");
    })
    .await;
}

#[tokio::test]
async fn who_made_and_who_revoked_a_key_is_told() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let (giver, secret) = process.key(json!({ "name": "giver", "permissions": ["api_key.*"] })).await;
        let wish = json!({ "name": "child", "permissions": ["api_key.read"] });
        let child = process.send(&secret, ("POST", KEYS), &[], wish).await.body;
        assert_eq!(child["created_by"], json!(giver));
        let at = format!("{KEYS}/{}", child["id"].as_str().unwrap());
        let stale = process.send(&secret, ("DELETE", &at), &[("if-match", "\"x\"")], Value::Null).await;
        assert_eq!(stale.status, 412);
        assert_eq!(process.send(&secret, ("DELETE", &at), &[], Value::Null).await.status, 204);
        let events = outbox::after(&db, &default_tenant(), 0, 100).await.unwrap();
        let told: Vec<_> = events.iter().map(|event| (event.kind.as_str(), event.data.0["actor"].clone())).collect();
        let by = |actor: &str| json!(actor);
        assert_eq!(
            told,
            [("api_key.created", by("admin")), ("api_key.created", by(&giver)), ("api_key.revoked", by(&giver))]
        );
    })
    .await;
}
