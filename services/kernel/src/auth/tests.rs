//! Who is let in where.
#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::BoxFuture;

use super::*;
use crate::principal::{ApiKey, Person};
use crate::{Grants, Permission};

const READ: Permission = Permission::new("bell", "read");
const RING: Permission = Permission::new("bell", "ring");

/// Two keys, one of them of a tenant that is suspended, and a person; counts what it is asked.
#[derive(Default)]
struct Three(AtomicUsize);

impl Directory for Three {
    fn holder<'a>(&'a self, secret: &'a str) -> BoxFuture<'a, Result<Option<Holder>, Problem>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        let tenant = TenantId::from_unique(secret);
        let grants = Grants::new(vec!["bell.read".to_owned()]).unwrap();
        let principal = if secret == "person" {
            let (id, session) = ("usr_1".to_owned(), "ses_1".to_owned());
            let lasting = grants.clone();
            Principal::Person(Arc::new(Person {
                id,
                tenant,
                grants,
                lasting,
                session,
                client: None,
                acted_by: None,
                authenticated_ms: 0,
            }))
        } else {
            Principal::Key(Arc::new(ApiKey { id: format!("key_{secret}"), tenant, grants, expires_ms: None }))
        };
        let is_suspended = secret == "lk_b";
        let found = ["lk_a", "lk_b", "person"].contains(&secret).then_some(Holder { principal, is_suspended });
        Box::pin(std::future::ready(Ok(found)))
    }

    fn tenant<'a>(&'a self, slug: &'a str) -> BoxFuture<'a, Result<Option<TenantId>, Problem>> {
        Box::pin(std::future::ready(Ok((slug == "school").then(|| TenantId::from_unique("school")))))
    }
}

const ADMIN: &str = "0123456789abcdef";
const SERVICE: &str = "service-0123456789";

fn guard() -> (Guard, Arc<Three>) {
    let three = Arc::<Three>::default();
    let token = |text: &str| AdminToken::new(text).unwrap();
    (Guard::new(token(ADMIN)).with_service(Some(token(SERVICE))).with_directory(three.clone()), three)
}

fn headers(list: &[(HeaderName, &str)]) -> HeaderMap {
    list.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap())).collect()
}

fn with(token: &str) -> HeaderMap {
    headers(&[(header::AUTHORIZATION, &format!("Bearer {token}"))])
}

#[tokio::test]
async fn each_policy_lets_those_pass_whom_it_names() {
    let (guard, _) = guard();
    let (fine, missing, invalid, forbidden) = ("", "auth.missing_token", "auth.invalid_token", "auth.forbidden");
    let suspended = "tenant.suspended";
    let cases = [
        // Nobody, the operator, another process, a key with bell.read, one that is suspended, a person with bell.read, and none
        // that is known.
        (Policy::Public, [fine, fine, fine, fine, fine, fine, fine]),
        (Policy::Operator, [missing, fine, invalid, forbidden, suspended, forbidden, invalid]),
        (Policy::Service, [missing, invalid, fine, forbidden, suspended, forbidden, invalid]),
        (Policy::Person, [missing, forbidden, invalid, forbidden, suspended, fine, invalid]),
        (Policy::May(READ), [missing, fine, invalid, fine, suspended, fine, invalid]),
        (Policy::May(RING), [missing, fine, invalid, forbidden, suspended, forbidden, invalid]),
    ];
    let callers =
        [HeaderMap::new(), with(ADMIN), with(SERVICE), with("lk_a"), with("lk_b"), with("person"), with("lk_c")];
    for (policy, expected) in cases {
        for (caller, expected) in callers.iter().zip(expected) {
            let code =
                guard.admit(policy, caller, &mut Meter::idle()).await.map_or_else(|problem| problem.code(), |_| fine);
            assert_eq!(code, expected, "{policy:?} {caller:?}");
        }
    }
    for (caller, who) in [("lk_a", "this key lacks"), ("person", "this person lacks")] {
        let refused = guard.admit(Policy::May(RING), &with(caller), &mut Meter::idle()).await.unwrap_err();
        assert_eq!(refused.status(), StatusCode::FORBIDDEN);
        assert!(refused.detail().starts_with(who), "{}", refused.detail());
    }
}

#[tokio::test]
async fn a_person_is_the_actor_of_what_he_does_and_gives_no_more_than_he_has() {
    let (guard, _) = guard();
    let person = guard.principal(&with("person"), &mut Meter::idle()).await.unwrap();
    assert_eq!((person.actor(), person.tenant().map(ToString::to_string).as_deref()), ("usr_1", Some("ten_person")));
    let grants = |entry: &str| Grants::new(vec![entry.to_owned()]).unwrap();
    let operator = guard.principal(&with(ADMIN), &mut Meter::idle()).await.unwrap();
    let key = guard.principal(&with("lk_a"), &mut Meter::idle()).await.unwrap();
    for (giver, gives, lacks) in [
        (&person, "bell.read", None),
        (&person, "bell.ring", Some("bell.ring")),
        (&key, "bell.*", Some("bell.*")),
        (&operator, "*", None),
        (&Principal::Nobody, "bell.read", Some("bell.read")),
        (&Principal::Service, "bell.read", Some("bell.read")),
    ] {
        assert_eq!(giver.lacks(&grants(gives)), lacks, "{giver:?} gives {gives}");
    }
}

#[tokio::test]
async fn only_the_exact_token_passes() {
    let (guard, _) = guard();
    let check = async |value: &str| {
        let headers = headers(&[(header::AUTHORIZATION, value)]);
        guard
            .principal(&headers, &mut Meter::idle())
            .await
            .map(|principal| principal.actor().to_owned())
            .map_err(|problem| problem.code())
    };
    for fine in ["Bearer 0123456789abcdef", "bearer  0123456789abcdef"] {
        assert_eq!(check(fine).await, Ok("admin".to_owned()));
    }
    for bad in ["Bearer 0123456789abcdeF", "Bearer 0123456789abcde", "Bearer "] {
        assert_eq!(check(bad).await, Err("auth.invalid_token"), "{bad}");
    }
    for bad in ["Basic 0123456789abcdef", "0123456789abcdef", ""] {
        assert_eq!(check(bad).await, Err("auth.missing_token"), "{bad}");
    }
}

#[tokio::test]
async fn a_request_is_about_the_tenant_of_its_key_or_the_one_that_the_operator_names() {
    let (guard, _) = guard();
    let tenant = async |headers: HeaderMap| {
        let found = guard.principal(&headers, &mut Meter::idle()).await;
        found.map(|principal| principal.tenant().map(ToString::to_string)).map_err(|problem| problem.code())
    };
    let naming = |token: &str, slug: &str| {
        let mut headers = with(token);
        headers.insert(TENANT, HeaderValue::from_str(slug).unwrap());
        headers
    };
    let of = |id: &str| Ok(Some(id.to_owned()));
    assert_eq!(tenant(with(ADMIN)).await, of("ten_default"));
    assert_eq!(tenant(naming(ADMIN, "school")).await, of("ten_school"));
    assert_eq!(tenant(naming(ADMIN, "nobody")).await, Err("tenant.not_found"));
    assert_eq!(tenant(naming(ADMIN, "")).await, Err("tenant.not_found"));
    assert_eq!(tenant(with(SERVICE)).await, Ok(None));
    assert_eq!(tenant(with("lk_a")).await, of("ten_lk_a"));
    assert_eq!(tenant(naming("lk_a", "school")).await, Err("auth.forbidden"), "it belongs to one tenant");
    assert_eq!(tenant(naming("person", "school")).await, Err("auth.forbidden"), "as does a person");
    assert_eq!(tenant(naming("lk_c", "school")).await, Err("auth.invalid_token"), "and strangers learn of none");
}

#[tokio::test(start_paused = true)]
async fn a_key_that_holds_is_asked_for_every_two_seconds_and_one_that_does_not_each_time() {
    let (guard, three) = guard();
    for _ in 0..3 {
        assert!(guard.principal(&with("lk_a"), &mut Meter::idle()).await.is_ok());
    }
    assert_eq!(three.0.load(Ordering::Relaxed), 1);
    tokio::time::advance(std::time::Duration::from_secs(2)).await;
    assert!(guard.principal(&with("lk_a"), &mut Meter::idle()).await.is_ok());
    assert_eq!(three.0.load(Ordering::Relaxed), 2);
    for _ in 0..3 {
        assert!(guard.principal(&with("lk_c"), &mut Meter::idle()).await.is_err());
    }
    assert_eq!(three.0.load(Ordering::Relaxed), 5);
}

const NOW_MS: i64 = 1_000_000;

/// A gateway or a unit whose clock is off by so much, with these secrets; and what it asks by itself.
fn process(off_ms: i64, secrets: &[u8]) -> (Guard, Arc<Three>) {
    let (guard, three) = guard();
    let start = tokio::time::Instant::now();
    let passed = move || i64::try_from(start.elapsed().as_millis()).unwrap();
    let secrets = secrets.iter().map(|&byte| zeroize::Zeroizing::new([byte; 32]));
    let vouching = Vouching::new(secrets, Arc::new(move || NOW_MS + off_ms + passed()));
    (guard.with_vouching(vouching), three)
}

fn errand<'a>(unit: &'a str, method: &'a axum::http::Method, uri: &'a axum::http::Uri) -> Errand<'a> {
    Errand { unit, method, uri }
}

/// The headers of a request with this token, for the unit `bells`, as a gateway hands them on.
async fn handed_on(gateway: &Guard, token: &str) -> HeaderMap {
    let mut headers = with(token);
    let (get, uri) = (axum::http::Method::GET, axum::http::Uri::from_static("/bells?a=1"));
    let vouched = gateway.vouch(&errand("bells", &get, &uri), &headers, &mut Meter::idle()).await;
    if let Some(vouched) = vouched {
        vouched.tell(&mut headers);
    }
    headers
}

/// Whom a unit takes a request for, having been told what it was, and how often it had to ask.
async fn taken_for(unit: &(Guard, Arc<Three>), told: &HeaderMap, what: (&str, &str, &str)) -> (String, usize) {
    let (guard, three) = unit;
    let (method, uri) = (what.1.parse().unwrap(), what.2.parse().unwrap());
    guard.hear(&errand(what.0, &method, &uri), told);
    let before = three.0.load(Ordering::Relaxed);
    let found = guard.principal(told, &mut Meter::idle()).await;
    let who = found.map_or_else(|problem| problem.code().to_owned(), |principal| principal.actor().to_owned());
    (who, three.0.load(Ordering::Relaxed) - before)
}

const READS: (&str, &str, &str) = ("bells", "GET", "/bells?a=1");

#[tokio::test(start_paused = true)]
async fn a_unit_does_not_ask_again_whom_its_gateway_knows() {
    let (gateway, asked) = process(0, &[1]);
    for (token, who) in [("lk_a", "key_lk_a"), ("lk_b", "tenant.suspended"), ("person", "usr_1")] {
        let told = handed_on(&gateway, token).await;
        assert_eq!(taken_for(&process(0, &[1]), &told, READS).await, (who.to_owned(), 0));
        assert_eq!(taken_for(&process(-400, &[2, 1]), &told, READS).await, (who.to_owned(), 0), "a former secret");
        let whole = process(0, &[1]).0;
        whole.hear(&errand(READS.0, &READS.1.parse().unwrap(), &READS.2.parse().unwrap()), &told);
        let (here, there) = (gateway.known.find(&digest(token)), whole.known.find(&digest(token)));
        assert_eq!(here, there, "all that is known of it arrives");
    }
    assert_eq!(asked.0.load(Ordering::Relaxed), 3);
    for token in [ADMIN, SERVICE, "lk_c"] {
        assert_eq!(handed_on(&gateway, token).await, with(token), "of these a unit finds out by itself");
    }
    assert_eq!(handed_on(&guard().0, "lk_a").await, with("lk_a"), "and of all, where there is no secret");
}

#[tokio::test(start_paused = true)]
async fn what_is_forged_replayed_or_old_changes_nothing() {
    let (gateway, _) = process(0, &[1]);
    let told = handed_on(&gateway, "lk_a").await;
    let by_itself = ("key_lk_a".to_owned(), 1);
    for elsewhere in [
        ("wells", "GET", "/bells?a=1"),
        ("bells", "DELETE", "/bells?a=1"),
        ("bells", "GET", "/bells?a=2"),
        ("bells", "GET", "/bells"),
    ] {
        assert_eq!(taken_for(&process(0, &[1]), &told, elsewhere).await, by_itself, "{elsewhere:?}");
    }
    for (off_ms, secrets) in [(0, &[2][..]), (0, &[]), (2_000, &[1]), (-501, &[1])] {
        assert_eq!(taken_for(&process(off_ms, secrets), &told, READS).await, by_itself, "{off_ms} {secrets:?}");
    }
    let mut other = told.clone();
    other.insert(header::AUTHORIZATION, HeaderValue::from_static("Bearer person"));
    assert_eq!(taken_for(&process(0, &[1]), &other, READS).await, ("usr_1".to_owned(), 1), "it is of one token");
    other.remove(header::AUTHORIZATION);
    assert_eq!(taken_for(&process(0, &[1]), &other, READS).await.0, "auth.missing_token", "and nothing without it");

    let text = told["lectern-identity"].to_str().unwrap().to_owned();
    let signature = told["lectern-identity-signature"].to_str().unwrap().to_owned();
    let forged = [
        (text.replace("bell.read", "bell.ring"), signature.clone()),
        (text.clone(), "0".repeat(64)),
        (text.clone(), String::new()),
        (text.clone(), signature[..62].to_owned()),
        ("{}".to_owned(), signature.clone()),
    ];
    for (text, signature) in forged {
        let mut headers = told.clone();
        headers.insert("lectern-identity", HeaderValue::from_str(&text).unwrap());
        headers.insert("lectern-identity-signature", HeaderValue::from_str(&signature).unwrap());
        assert_eq!(taken_for(&process(0, &[1]), &headers, READS).await, by_itself, "{text} {signature}");
    }
    let mut twice = told.clone();
    twice.append("lectern-identity", HeaderValue::from_str(&text).unwrap());
    assert_eq!(taken_for(&process(0, &[1]), &twice, READS).await, by_itself);
}

#[tokio::test(start_paused = true)]
async fn what_a_gateway_knows_gets_no_younger_on_its_way() {
    let second = std::time::Duration::from_secs(1);
    let (gateway, unit) = (process(0, &[1]), process(0, &[1]));
    handed_on(&gateway.0, "lk_a").await;
    tokio::time::advance(second).await;
    let told = handed_on(&gateway.0, "lk_a").await;
    assert_eq!(gateway.1.0.load(Ordering::Relaxed), 1);
    assert_eq!(taken_for(&unit, &told, READS).await.1, 0);
    tokio::time::advance(second).await;
    assert_eq!(
        taken_for(&unit, &told, READS).await.1,
        1,
        "two seconds after the gateway has asked, whoever says so again"
    );
}

#[test]
fn a_token_that_is_easily_guessed_is_refused() {
    for weak in ["", "short", "0123456789abcde", "0123456789 abcdef", "0123456789abcde\n"] {
        assert!(AdminToken::new(weak).is_err(), "{weak:?}");
    }
}
