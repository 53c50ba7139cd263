//! What is answered and what is not, and what answers say of that.
#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request};
use futures::future::BoxFuture;
use http_body_util::BodyExt;
use media_types::TenantId;
use serde_json::{Value, json};
use tower::ServiceExt;
use utoipa::openapi::OpenApiBuilder;
use utoipa_axum::routes;

use super::*;
use crate::principal::{ApiKey, Directory, Holder};
use crate::{AdminToken, Client, Grants, Guard, Permission, Policy, Principal, Problem, Routes};

const ADMIN: &str = "0123456789abcdef";
const SERVICE: &str = "service-0123456789";
const RING: Permission = Permission::new("bell", "ring");
const HERE: &str = "192.0.2.1";
const THERE: &str = "198.51.100.7";

/// Two keys of one tenant and a third one of another; counts what it is asked.
#[derive(Default)]
struct Three(AtomicUsize);

impl Directory for Three {
    fn holder<'a>(&'a self, secret: &'a str) -> BoxFuture<'a, Result<Option<Holder>, Problem>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        let tenant = TenantId::from_unique(if secret == "lk_c" { "south" } else { "north" });
        let grants = Grants::new(vec!["*".to_owned()]).unwrap();
        let principal =
            Principal::Key(Arc::new(ApiKey { id: format!("key_{secret}"), tenant, grants, expires_ms: None }));
        let found = ["lk_a", "lk_b", "lk_c"].contains(&secret).then_some(Holder { principal, is_suspended: false });
        Box::pin(std::future::ready(Ok(found)))
    }

    fn tenant<'a>(&'a self, _slug: &'a str) -> BoxFuture<'a, Result<Option<TenantId>, Problem>> {
        Box::pin(std::future::ready(Ok(None)))
    }
}

#[utoipa::path(get, path = "/bells", operation_id = "bells", responses((status = 200, body = String)))]
async fn bells() -> &'static str {
    "there are two"
}

#[utoipa::path(
    post, path = "/bells", operation_id = "ring", responses((status = 200, body = String)),
    extensions(("x-audit" = json!("none")))
)]
async fn ring() -> &'static str {
    "ding"
}

#[utoipa::path(get, path = "/door", operation_id = "door", responses((status = 200, body = String)))]
async fn door() -> &'static str {
    "open"
}

#[utoipa::path(
    get, path = "/pulse", operation_id = "pulse", responses((status = 200, body = String)),
    extensions(("x-rate-limits" = json!("none")))
)]
async fn pulse() -> &'static str {
    "it beats"
}

/// A process with these rates and the usual others.
struct House {
    router: Router,
    asked: Arc<Three>,
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl House {
    fn new(rates: &[&str]) -> Self {
        let asked = Arc::<Three>::default();
        let token = |text: &str| AdminToken::new(text).unwrap();
        let limiter = Limiter::new(Rates::with(rates.iter().copied()).unwrap());
        let guard = Guard::new(token(ADMIN)).with_service(Some(token(SERVICE)));
        let guard = guard.with_directory(asked.clone()).with_limiter(limiter);
        let routes = Routes::new(guard, None, OpenApiBuilder::new().build())
            .mount(Policy::May(RING), routes!(bells, ring))
            .mount(Policy::Public, routes!(door))
            .mount(Policy::Public, routes!(pulse));
        Self { router: routes.finish(()).0, asked }
    }

    async fn ask(&self, method: Method, path: &str, token: &str, from: &str) -> Answer {
        let mut request = Request::builder().method(method).uri(path).extension(Client(from.parse().unwrap()));
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.body(Body::empty()).unwrap();
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&body).unwrap_or_default();
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    async fn get(&self, path: &str, token: &str, from: &str) -> u16 {
        self.ask(Method::GET, path, token, from).await.status
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_is_answered_what_there_is_at_once_and_then_as_it_comes_back() {
    let house = House::new(&["caller-read=3/6"]);
    let read = || house.ask(Method::GET, "/bells", "lk_a", HERE);
    for left in [2, 1, 0] {
        let answer = read().await;
        assert_eq!(answer.status, 200);
        let both = format!("\"caller-read\";r={left};t=2, \"tenant-read\";r={};t=1", 9_997 + left);
        assert_eq!(answer.header("ratelimit"), both);
        assert_eq!(answer.header("ratelimit-policy"), "\"caller-read\";q=3;w=6, \"tenant-read\";q=10000;w=10");
    }
    let refused = read().await;
    assert_eq!((refused.status, &refused.body["code"]), (429, &json!("rate.limited")));
    assert_eq!(refused.body["detail"], "you may send 3 requests that read in 6 s, and sent more");
    assert_eq!((refused.header("retry-after"), refused.body["retryable"].as_bool()), ("2", Some(true)));
    assert_eq!(
        (refused.header("ratelimit"), refused.header("ratelimit-policy")),
        ("\"caller-read\";r=0;t=2", "\"caller-read\";q=3;w=6")
    );

    assert_eq!(house.get("/bells", "lk_b", HERE).await, 200, "another key is not concerned");
    assert_eq!(house.ask(Method::POST, "/bells", "lk_a", HERE).await.status, 200, "changes are counted apart");
    assert_eq!(house.get("/nope", "lk_a", HERE).await, 429, "and what is not there is counted too");
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!((read().await.status, read().await.status), (200, 429));
}

#[tokio::test(start_paused = true)]
async fn the_keys_of_a_tenant_share_what_it_has_and_what_is_refused_costs_nothing() {
    let house = House::new(&["tenant-read=3/6", "caller-read=100/100"]);
    for key in ["lk_a", "lk_b", "lk_a"] {
        assert_eq!(house.get("/bells", key, HERE).await, 200);
    }
    for key in ["lk_a", "lk_b", "lk_a", "lk_a", "lk_a"] {
        let refused = house.ask(Method::GET, "/bells", key, HERE).await;
        assert_eq!((refused.status, refused.header("ratelimit")), (429, "\"tenant-read\";r=0;t=2"));
    }
    assert_eq!(house.get("/bells", "lk_c", HERE).await, 200, "another tenant is not concerned");
    tokio::time::advance(Duration::from_secs(2)).await;
    let answer = house.ask(Method::GET, "/bells", "lk_a", HERE).await;
    assert_eq!(answer.header("ratelimit"), "\"caller-read\";r=99;t=1, \"tenant-read\";r=0;t=2");
}

#[tokio::test(start_paused = true)]
async fn guesses_are_stopped_before_anybody_is_asked_and_known_keys_are_not() {
    let house = House::new(&["unknown-token=2/60"]);
    assert_eq!(house.get("/bells", "lk_a", HERE).await, 200, "that was none");
    for left in [1, 0] {
        let refused = house.ask(Method::GET, "/bells", "lk_guess", HERE).await;
        assert_eq!((refused.status, refused.header("ratelimit")), (401, &*format!("\"unknown-token\";r={left};t=30")));
    }
    let refused = house.ask(Method::GET, "/nope", "lk_other", HERE).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, "30"));
    assert_eq!(
        refused.body["detail"],
        "your address may send 2 requests with tokens that nobody has in 60 s, and sent more"
    );
    assert_eq!(house.asked.0.load(Ordering::Relaxed), 3);
    assert_eq!(house.get("/bells", "lk_b", HERE).await, 429, "it might be one");
    tokio::time::advance(Duration::from_secs(3)).await;
    for (token, from, status) in
        [("lk_a", HERE, 200), (ADMIN, HERE, 200), ("lk_b", THERE, 200), ("lk_guess", THERE, 401)]
    {
        assert_eq!(house.get("/bells", token, from).await, status, "{token} from {from}");
    }
    tokio::time::advance(Duration::from_secs(30)).await;
    assert_eq!(house.get("/bells", "lk_c", HERE).await, 200);
}

#[tokio::test(start_paused = true)]
async fn what_asks_for_no_key_is_counted_by_address_and_health_is_not() {
    let house = House::new(&["address-read=2/60"]);
    for from in [HERE, THERE, "2001:db8::1"] {
        assert_eq!(house.ask(Method::GET, "/door", "", from).await.header("ratelimit"), "\"address-read\";r=1;t=30");
        assert_eq!(house.get("/bells", "", from).await, 401, "neither does this, as far as it is known");
        for path in ["/door", "/bells", "/nope"] {
            assert_eq!(house.get(path, "", from).await, 429, "{path} from {from}");
        }
    }
    assert_eq!(house.get("/door", "", "2001:db8::ffff:1").await, 429, "all of a network of 64 bits are one");
    assert_eq!(house.get("/door", "", "2001:db8:0:1::1").await, 200);
    assert_eq!(house.get("/bells", "lk_a", HERE).await, 200, "who says who he is, is counted as himself");
    for _ in 0..10 {
        let pulse = house.ask(Method::GET, "/pulse", "", HERE).await;
        assert_eq!((pulse.status, pulse.header("ratelimit")), (200, ""));
    }
}

#[tokio::test(start_paused = true)]
async fn the_operator_and_other_processes_are_not_counted() {
    let all = ["caller-read=1/60", "tenant-read=1/60", "address-read=1/60", "unknown-token=1/60"];
    let house = House::new(&all);
    for _ in 0..5 {
        let answer = house.ask(Method::GET, "/bells", ADMIN, HERE).await;
        assert_eq!((answer.status, answer.header("ratelimit")), (200, ""));
        assert_eq!(house.get("/nope", SERVICE, HERE).await, 404);
    }
}

#[tokio::test(start_paused = true)]
async fn where_a_rate_is_none_any_number_is_answered() {
    let house = House::new(&["caller-read=none", "tenant-read=none"]);
    for _ in 0..2_500 {
        let answer = house.ask(Method::GET, "/bells", "lk_a", HERE).await;
        assert_eq!((answer.status, answer.header("ratelimit")), (200, ""));
    }
}

#[test]
fn rates_are_named_one_by_one_and_the_others_stay() {
    let usual = "caller-read=2000/10,caller-change=1000/10,tenant-read=10000/10,tenant-change=4000/10,\
        address-read=12000/40,address-change=4000/40,unknown-token=300/60";
    assert_eq!(Rates::default().to_string(), usual);
    assert_eq!(Rates::with([""]).unwrap(), Rates::default());
    let some = Rates::with(["caller-read=5/60", "unknown-token=none"]).unwrap().to_string();
    let expected =
        usual.replace("caller-read=2000/10", "caller-read=5/60").replace("unknown-token=300/60", "unknown-token=none");
    assert_eq!(some, expected);
    for wrong in [
        "caller-read",
        "caller-read=",
        "caller-read=0/1",
        "caller-read=1/0",
        "caller-read=1000001/1",
        "caller-read=1/86401",
        "caller-read=-1/1",
    ] {
        assert_eq!(Rates::with([wrong]), Err(RatesTextError::Rate(wrong.to_owned())));
    }
    assert_eq!(Rates::with(["everything=1/1"]), Err(RatesTextError::Name("everything".to_owned())));
    assert_eq!(Rates::with(["caller-read=1/1", "caller-read=2/1"]), Err(RatesTextError::Twice("caller-read")));
}
