//! Units that are away, fall silent, break off or talk nonsense.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::routing::any;
use control_api::{Bounds, MEDIA};
use futures::stream::{self, StreamExt};
use http_body_util::BodyExt;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::front::{Front, nowhere, raw, say, unit, until};
use crate::server::read;

const ASSETS: &str = "/api/v1/assets";
const ANSWER: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nthere";

fn quick() -> Bounds {
    Bounds { pause: Duration::from_millis(50), ..Bounds::default() }
}

fn impatient() -> Bounds {
    Bounds { silence: Duration::from_secs(1), ..quick() }
}

/// For as long as a test lasts, a unit that failed is left alone.
fn resentful() -> Bounds {
    Bounds { pause: Duration::from_secs(600), ..quick() }
}

#[tokio::test]
async fn a_unit_that_is_away_costs_its_own_addresses_alone_and_is_found_when_it_is_back() {
    let (away, there) = (nowhere().await, unit(Router::new().fallback(any(|| async { "there" }))).await);
    let front = Front::before(&[(&MEDIA, away), (&webhook::UNIT, there)], quick()).await;
    for _ in 0..12 {
        for method in ["GET", "POST", "DELETE"] {
            let answer = front.call(method, ASSETS, &[], "").await;
            assert_eq!((answer.status, answer.code().as_str()), (503, "gateway.unit_away"), "{method}");
            assert!(answer.header("retry-after").parse::<u32>().is_ok_and(|seconds| (1..=2).contains(&seconds)));
        }
        assert_eq!(front.get("/api/v1/webhooks").await.status, 200);
    }
    let listener = TcpListener::bind(away).await.unwrap();
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(any(|| async { "back" }))).await.unwrap() });
    until("the unit to be back", async || front.get(ASSETS).await.status == 200).await;
    assert!(front.figure("lectern_gateway_circuit_open{unit=\"media\"} 0").await);
}

#[tokio::test]
async fn a_unit_that_fails_again_and_again_is_not_asked_any_more() {
    let (at, asked) = raw(|stream, _| async move { drop(stream) }).await;
    let front = Front::before(&[(&MEDIA, at)], resentful()).await;
    for _ in 0..5 {
        assert_eq!(front.call("POST", ASSETS, &[], "x").await.code(), "gateway.unit_broken");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 5, "what may have been done is not asked for twice");
    let answer = front.call("POST", ASSETS, &[], "x").await;
    assert_eq!((answer.code().as_str(), answer.header("retry-after")), ("gateway.unit_away", "600"));
    assert_eq!(asked.load(Ordering::SeqCst), 5);
    assert!(front.figure("lectern_gateway_circuit_open{unit=\"media\"} 1").await);
    let state = front.get("/api/v1/units").await.json();
    assert_eq!((&state["items"][1]["circuit"], &state["items"][1]["in_flight"]), (&json!("open"), &json!(0)));
}

#[tokio::test]
async fn a_broken_connection_is_tried_once_more_for_who_only_reads_and_never_for_who_changes_something() {
    let (at, asked) = raw(|stream, number| async move {
        if number % 2 == 0 {
            say(stream, ANSWER).await;
        }
    })
    .await;
    let front = Front::before(&[(&MEDIA, at)], quick()).await;
    for (method, status, requests) in
        [("GET", 200, 2), ("HEAD", 200, 2), ("PUT", 503, 1), ("PUT", 200, 1), ("DELETE", 503, 1)]
    {
        let before = asked.load(Ordering::SeqCst);
        let answer = front.send(method, ASSETS, &[], Body::empty()).await;
        assert_eq!((answer.status().as_u16(), asked.load(Ordering::SeqCst) - before), (status, requests), "{method}");
    }
}

#[tokio::test]
async fn nonsense_is_no_answer_whatever_it_looks_like() {
    let long = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "x".repeat(200 << 10));
    let cases =
        ["hello\r\n\r\n", "HTTP/1.1 999999 no\r\n\r\n", "HTTP/1.1 101 Other\r\nupgrade: x\r\n\r\n", long.as_str()];
    for case in cases {
        let text: Arc<str> = case.into();
        let (at, asked) = raw(move |stream, _| {
            let text = Arc::clone(&text);
            async move {
                let mut stream = stream;
                // Of what is too long the rest is not read.
                let _ = stream.write_all(text.as_bytes()).await;
            }
        })
        .await;
        let front = Front::before(&[(&MEDIA, at)], quick()).await;
        let answer = front.get(ASSETS).await;
        let begins = &case[..case.len().min(40)];
        assert_eq!((answer.status, answer.code().as_str()), (503, "gateway.unit_broken"), "{begins:?}");
        assert_eq!((answer.header("retry-after"), asked.load(Ordering::SeqCst)), ("2", 2), "{begins:?}");
    }
}

#[tokio::test]
async fn a_unit_that_takes_a_request_and_stays_silent_is_given_up_in_time() {
    let (at, asked) = raw(|stream, _| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let front = Front::before(&[(&MEDIA, at)], impatient()).await;
    let began = Instant::now();
    let answer = front.get(ASSETS).await;
    assert_eq!((answer.status, answer.code().as_str()), (504, "gateway.unit_silent"));
    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!(asked.load(Ordering::SeqCst), 1, "it may be at work on it");
}

#[tokio::test]
async fn clients_that_fall_silent_in_the_middle_of_their_requests_are_no_failures_of_the_unit() {
    let at = unit(Router::new().fallback(any(|body: String| async move { body }))).await;
    let front = Front::before(&[(&MEDIA, at)], Bounds { pause: Duration::from_secs(600), ..impatient() }).await;
    let begun = || {
        let some = stream::once(async { Ok::<_, std::io::Error>("some") });
        front.send("POST", ASSETS, &[], Body::from_stream(some.chain(stream::pending())))
    };
    for answer in futures::future::join_all((0..6).map(|_| begun())).await {
        assert_eq!(read(answer).await.code(), "body.incomplete");
    }
    assert_eq!(
        front.call("POST", ASSETS, &[], "whole").await.body,
        "whole",
        "more of them than it takes to be left alone"
    );
}

#[tokio::test]
async fn an_answer_that_breaks_off_or_falls_silent_in_the_middle_is_not_passed_for_a_whole_one() {
    for ends in [true, false] {
        let (at, _asked) = raw(move |mut stream, _| async move {
            let part = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nthere";
            stream.write_all(part.as_bytes()).await.unwrap();
            if !ends {
                std::future::pending::<()>().await;
            }
        })
        .await;
        let front = Front::before(&[(&MEDIA, at)], impatient()).await;
        let answer = front.send("GET", ASSETS, &[], Body::empty()).await;
        assert_eq!(answer.status(), 200, "its head was one");
        assert!(answer.into_body().collect().await.is_err());
        until("its place to be free", async || {
            front.figure(r#"lectern_gateway_requests_in_flight{unit="media"} 0"#).await
        })
        .await;
    }
}

#[tokio::test]
async fn a_unit_gets_no_more_at_once_than_it_may_and_the_rest_is_told_to_come_again() {
    let doors = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&doors);
    let hold = move || {
        let held = Arc::clone(&held);
        async move {
            held.acquire().await.unwrap().forget();
            "there"
        }
    };
    let at = unit(Router::new().fallback(any(hold))).await;
    let bounds = Bounds { at_once: 3, ..Bounds::default() };
    let front = Arc::new(Front::before(&[(&MEDIA, at)], bounds).await);
    let asking: Vec<_> = (0..3)
        .map(|_| {
            let front = Arc::clone(&front);
            tokio::spawn(async move { front.get(ASSETS).await.status })
        })
        .collect();
    until("all places to be taken", async || {
        front.figure(r#"lectern_gateway_requests_in_flight{unit="media"} 3"#).await
    })
    .await;
    let answer = front.get(ASSETS).await;
    assert_eq!((answer.status, answer.code().as_str(), answer.header("retry-after")), (503, "gateway.unit_busy", "1"));
    doors.add_permits(4);
    for answer in asking {
        assert_eq!(answer.await.unwrap(), 200);
    }
    until("the places to be free", async || front.get(ASSETS).await.status == 200).await;
}
