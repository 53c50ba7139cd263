//! Flags on both engines.
#![allow(clippy::unwrap_used)]

mod clients;
mod experiments;
mod frontend;
mod http;
mod memory;
mod requests;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request};
use database::Database;
use database::testing::{for_each_engine, prepare_all};
use http_body_util::BodyExt;
use kernel::{AdminToken, ApiKey, Directory, Grants, Guard, Holder, Person, Principal, Problem, Recorder, Routes};
use media_types::TenantId;
use serde_json::{Value, json};
use tower::ServiceExt;
use utoipa::openapi::OpenApiBuilder;

use super::{Flags, TenantFlags};

const TOKEN: &str = "test-token-0123456789";
const HERE: &str = "/api/v1/flags";
const NOW_MS: i64 = 1_795_233_000_000;

fn flags(db: &Database) -> TenantFlags {
    Flags::new(db.clone(), Arc::new(|| NOW_MS)).of(&kernel::default_tenant())
}

/// Knows people by `person-NAME`, somebody who acts as another one by `person-NAME-NAME`, and keys by `key-NAME`, who may everything.
struct Everybody;

type Found<'a, T> = Pin<Box<dyn Future<Output = Result<Option<T>, Problem>> + Send + 'a>>;

impl Directory for Everybody {
    fn holder<'a>(&'a self, token: &'a str) -> Found<'a, Holder> {
        let grants = Grants::new(vec!["*".to_owned()]).unwrap();
        let (tenant, expires_ms) = (kernel::default_tenant(), None);
        let principal = match token.split_once('-') {
            Some(("person", name)) => {
                let (name, by) = name.split_once('-').map_or((name, None), |(by, name)| (name, Some(by)));
                let (id, session, lasting) = (format!("usr_{name}"), "ses_1".to_owned(), grants.clone());
                let (client, acted_by, authenticated_ms) = (None, by.map(|by| format!("usr_{by}")), 0);
                let person = Person { id, tenant, grants, lasting, session, client, acted_by, authenticated_ms };
                Some(Principal::Person(Arc::new(person)))
            }
            Some(("key", name)) => {
                Some(Principal::Key(Arc::new(ApiKey { id: format!("key_{name}"), tenant, grants, expires_ms })))
            }
            _ => None,
        };
        let holder = principal.map(|principal| Holder { principal, is_suspended: false });
        Box::pin(std::future::ready(Ok(holder)))
    }

    fn tenant<'a>(&'a self, _slug: &'a str) -> Found<'a, TenantId> {
        Box::pin(std::future::ready(Ok(None)))
    }
}

/// The routes of a process.
struct Api(Router);

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    fn etag(&self) -> &str {
        self.headers["etag"].to_str().unwrap()
    }
}

impl Api {
    fn new(flags: &TenantFlags) -> Self {
        let guard = Guard::new(AdminToken::new(TOKEN).unwrap()).with_directory(Arc::new(Everybody));
        let recorder = Recorder::new(flags.of.store.db.clone());
        let routes = super::routes::mount(Routes::new(guard, Some(recorder), OpenApiBuilder::new().build()));
        Self(routes.finish(flags.all().clone()).0)
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.0.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or_default();
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    async fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<Value>) -> Answer {
        self.call_as(TOKEN, method, path, headers, body).await
    }

    async fn call_as(
        &self,
        token: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        let mut request = Request::builder().method(Method::from_bytes(method.as_bytes()).unwrap()).uri(path);
        request = request.header("authorization", format!("Bearer {token}")).header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.send(request.body(body).unwrap()).await
    }

    /// A call that answers with this status; its body. What is there is changed in whatever state it is.
    async fn ask(&self, status: u16, method: &str, path: &str, body: Option<Value>) -> Value {
        let changes = ["PATCH", "DELETE"].contains(&method) || (method == "PUT" && path.starts_with(HERE));
        let condition: &[_] = if changes { &[("if-match", "*")] } else { &[] };
        let answer = self.call(method, path, condition, body).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.body);
        answer.body
    }

    /// The same of somebody else.
    async fn ask_as(&self, token: &str, status: u16, path: &str, body: Option<Value>) -> Value {
        let answer = self.call_as(token, "POST", path, &[], body).await;
        assert_eq!(answer.status, status, "POST {path} as {token}: {}", answer.body);
        answer.body
    }

    /// Makes a flag with these settings in production.
    async fn make(&self, key: &str, value_type: &str, production: Value) {
        let new = json!({ "key": key, "value_type": value_type, "environments": { "production": production } });
        self.ask(201, "POST", HERE, Some(new)).await;
    }
}

/// Waits until `check` holds; how long that was.
async fn wait_for(what: &str, mut check: impl FnMut() -> bool) -> Duration {
    let begun = tokio::time::Instant::now();
    let found = async {
        let mut look = tokio::time::interval(Duration::from_millis(5));
        while !check() {
            look.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), found).await.unwrap_or_else(|_| panic!("in vain: {what}"));
    begun.elapsed()
}

#[tokio::test]
async fn every_statement_prepares() {
    for_each_engine(|db| async move { prepare_all(&db, super::STATEMENTS).await.unwrap() }).await;
}
