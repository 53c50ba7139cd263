//! Units with several processes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::any;
use control_api::{Bounds, MEDIA};
use serde_json::json;

use super::front::{Front, nowhere, raw, unit};

const ASSETS: &str = "/api/v1/assets";

/// For as long as a test lasts, a process that failed is left alone.
fn resentful() -> Bounds {
    Bounds { pause: Duration::from_secs(600), ..Bounds::default() }
}

/// A process that tells its name, or fails while that is so; how often it was asked.
async fn named(name: &'static str, fails: Arc<AtomicBool>) -> (std::net::SocketAddr, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let answer = move || {
        count.fetch_add(1, Ordering::SeqCst);
        let status = if fails.load(Ordering::SeqCst) { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK };
        async move { (status, name) }
    };
    (unit(Router::new().fallback(any(answer))).await, asked)
}

#[tokio::test]
async fn requests_go_to_all_processes_of_a_unit_in_turn() {
    let never = || Arc::new(AtomicBool::new(false));
    let ((one, of_one), (two, of_two)) = (named("one", never()).await, named("two", never()).await);
    let front = Front::before(&[(&MEDIA, one), (&MEDIA, two)], Bounds::default()).await;
    for _ in 0..10 {
        assert_eq!(front.call("POST", ASSETS, &[], "x").await.status, 200);
    }
    assert_eq!((of_one.load(Ordering::SeqCst), of_two.load(Ordering::SeqCst)), (5, 5));
    let told = front.get("/api/v1/units").await.json();
    let media = &told["items"][1];
    assert_eq!((&media["upstream"], &media["circuit"]), (&json!(format!("http://{one}")), &json!("closed")));
    let each = media["processes"].as_array().unwrap().iter().map(|process| process["upstream"].clone());
    assert_eq!(each.collect::<Vec<_>>(), [json!(format!("http://{one}")), json!(format!("http://{two}"))]);
}

#[tokio::test]
async fn one_process_that_is_away_costs_nothing_that_can_be_sent_to_another() {
    let (there, _) = named("there", Arc::default()).await;
    let front = Front::before(&[(&MEDIA, nowhere().await), (&MEDIA, there)], resentful()).await;
    for method in ["GET", "DELETE", "POST", "HEAD", "OPTIONS"].repeat(4) {
        let answer = front.call(method, ASSETS, &[], "").await;
        assert_eq!(answer.status, 200, "{method}: no connection, so nobody has heard of it");
    }
    assert!(front.figure("lectern_gateway_circuit_open{unit=\"media\"} 1").await);
    for _ in 0..4 {
        assert_eq!(front.call("POST", ASSETS, &[], "x").await.status, 200, "it is not asked any more");
    }
    let told = front.get("/api/v1/units").await.json()["items"][1].clone();
    assert_eq!((&told["circuit"], &told["processes"][0]["circuit"]), (&json!("closed"), &json!("open")));
    assert_eq!(told["processes"][0]["state"], "away");
}

#[tokio::test]
async fn what_may_have_been_done_is_not_sent_to_another_process() {
    let (breaks, broken) = raw(|stream, _| async move { drop(stream) }).await;
    let (there, asked) = named("there", Arc::default()).await;
    let front = Front::before(&[(&MEDIA, breaks), (&MEDIA, there)], resentful()).await;
    let mut refused = 0;
    for method in ["DELETE", "PUT", "POST", "PATCH"] {
        refused += usize::from(front.call(method, ASSETS, &[], "").await.status == 503);
    }
    assert_eq!((refused, broken.load(Ordering::SeqCst), asked.load(Ordering::SeqCst)), (2, 2, 2));
    for _ in 0..4 {
        assert_eq!(front.get(ASSETS).await.status, 200, "who only reads is sent on");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 6);
}

#[tokio::test]
async fn a_process_that_fails_where_another_does_not_is_left_alone() {
    let fails = Arc::new(AtomicBool::new(true));
    let ((ill, of_ill), (well, _)) = (named("ill", Arc::clone(&fails)).await, named("well", Arc::default()).await);
    let front = Front::before(&[(&MEDIA, ill), (&MEDIA, well)], resentful()).await;
    let mut failures = 0;
    for _ in 0..30 {
        failures += usize::from(front.call("POST", ASSETS, &[], "x").await.status == 500);
    }
    assert_eq!((failures, of_ill.load(Ordering::SeqCst)), (5, 5), "an answer is an answer, and passed on as it is");
    assert!(front.figure("lectern_gateway_circuit_open{unit=\"media\"} 1").await);

    let alone = Front::before(&[(&MEDIA, ill)], resentful()).await;
    for _ in 0..10 {
        assert_eq!(alone.get(ASSETS).await.status, 500, "there is nobody else to ask");
    }
}
