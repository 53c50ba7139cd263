//! Bodies that are long, slow, or never end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{any, get};
use control_api::{Bounds, MEDIA};
use futures::stream::{self, StreamExt};
use http_body_util::BodyExt;
use tokio::sync::{Mutex, mpsc};

use super::front::{Front, unit, until};

const GIB: u64 = 1 << 30;
const CHUNK: usize = 64 << 10;
/// What the sockets of both connections hold between them.
const ON_THE_WAY: u64 = 48 << 20;

/// A gibibyte, made while it is sent, and how much of it there is so far.
fn gibibyte() -> (Body, Arc<AtomicU64>) {
    let made = Arc::new(AtomicU64::new(0));
    let (count, chunk) = (Arc::clone(&made), Bytes::from(vec![7; CHUNK]));
    let chunks = stream::iter(0..GIB / CHUNK as u64).map(move |_| {
        count.fetch_add(CHUNK as u64, Ordering::Relaxed);
        Ok::<_, std::io::Error>(chunk.clone())
    });
    (Body::from_stream(chunks), made)
}

/// Takes a body to its end; its length. Never is much more of it made than taken.
async fn taken<B>(mut body: B, made: &AtomicU64) -> u64
where
    B: axum::body::HttpBody<Data = Bytes> + Unpin,
    B::Error: std::fmt::Debug,
{
    let mut taken = 0;
    while let Some(frame) = body.frame().await {
        taken += frame.unwrap().into_data().map_or(0, |data| data.len() as u64);
        let on_the_way = made.load(Ordering::Relaxed).saturating_sub(taken);
        assert!(on_the_way <= ON_THE_WAY, "{on_the_way} bytes were gathered");
    }
    taken
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gibibyte_passes_both_ways_and_none_of_it_is_gathered() {
    let (up, made_up) = gibibyte();
    let takes = move |body: Body| async move { taken(body, &made_up).await.to_string() };
    let down = Arc::new(Mutex::new(None));
    let gives = Arc::clone(&down);
    let give = move || async move {
        let (body, made) = gibibyte();
        *gives.lock().await = Some(made);
        body
    };
    let router = Router::new().route("/api/v1/uploads/{id}", any(takes)).route("/api/v1/assets", get(give));
    let front = Front::before(&[(&MEDIA, unit(router).await)], Bounds::default()).await;
    let answer = front.send("PUT", "/api/v1/uploads/up_1", &[], up).await;
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), GIB.to_string());
    let answer = front.send("GET", "/api/v1/assets", &[], Body::empty()).await;
    let made = down.lock().await.take().unwrap();
    assert_eq!(taken(answer.into_body(), &made).await, GIB);
}

#[tokio::test]
async fn an_answer_to_head_has_the_length_that_the_unit_gives_it_or_none() {
    let endless = || async { Body::from_stream(stream::iter([Ok::<_, std::io::Error>("some"), Ok("more")])) };
    let router = Router::new().route("/api/v1/events", get(endless)).route("/api/v1/assets", get(|| async { "there" }));
    let front = Front::before(&[(&MEDIA, unit(router).await)], Bounds::default()).await;
    for (path, length) in [("/api/v1/events", None), ("/api/v1/assets", Some("5"))] {
        let answer = front.send("HEAD", path, &[], Body::empty()).await;
        assert_eq!(answer.headers().get("content-length").map(|length| length.to_str().unwrap()), length, "{path}");
    }
}

/// Says when it is gone.
struct Guard(Arc<AtomicBool>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn events_come_one_by_one_for_longer_than_a_silence_and_end_at_the_unit_when_the_client_leaves() {
    let (tell, told) = mpsc::channel::<String>(1);
    let (gone, told) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Some(told))));
    let guard = Arc::clone(&gone);
    let events = move || async move {
        let told = told.lock().await.take().unwrap();
        let guard = Guard(guard);
        let events = stream::unfold((told, guard), |(mut told, guard)| async move {
            told.recv().await.map(|event| (Ok::<_, std::io::Error>(event), (told, guard)))
        });
        Response::builder().header("content-type", "text/event-stream").body(Body::from_stream(events)).unwrap()
    };
    let at = unit(Router::new().route("/api/v1/events", get(events))).await;
    let silence = Duration::from_millis(1_500);
    let front = Front::before(&[(&MEDIA, at)], Bounds { silence, ..Bounds::default() }).await;
    let mut answer = front.send("GET", "/api/v1/events", &[], Body::empty()).await;
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let began = tokio::time::Instant::now();
    let mut beat = tokio::time::interval(silence / 10);
    let mut number = 0;
    while began.elapsed() < silence * 3 / 2 {
        beat.tick().await;
        number += 1;
        let event = format!("data: {number}\n\n");
        tell.send(event.clone()).await.unwrap();
        let came = answer.body_mut().frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(came, event, "before the next one is there");
    }
    drop(answer);
    until("the unit to hear of it", async || gone.load(Ordering::SeqCst)).await;
    until("the place to be free", async || front.figure(r#"lectern_gateway_requests_in_flight{unit="media"} 0"#).await)
        .await;
}

#[tokio::test]
async fn a_client_that_leaves_before_the_answer_ends_the_work_on_it() {
    let (began, gone) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let states = (Arc::clone(&began), Arc::clone(&gone));
    let work = |State((began, gone)): State<(Arc<AtomicBool>, Arc<AtomicBool>)>| async move {
        let _guard = Guard(gone);
        began.store(true, Ordering::SeqCst);
        std::future::pending::<()>().await;
    };
    let at = unit(Router::new().route("/api/v1/assets", get(work)).with_state(states)).await;
    let front = Arc::new(Front::before(&[(&MEDIA, at)], Bounds::default()).await);
    let asking = Arc::clone(&front);
    let asking = tokio::spawn(async move { asking.get("/api/v1/assets").await.status });
    until("the work to begin", async || began.load(Ordering::SeqCst)).await;
    asking.abort();
    until("the work to end", async || gone.load(Ordering::SeqCst)).await;
    assert!(front.figure(r#"lectern_gateway_circuit_open{unit="media"} 0"#).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_requests_at_once_get_a_hundred_answers_of_their_own() {
    let own = async |Path(id): Path<String>, body: String| format!("{id} {body}");
    let at = unit(Router::new().route("/api/v1/assets/{id}", any(own))).await;
    let front = Arc::new(Front::before(&[(&MEDIA, at)], Bounds::default()).await);
    let asking: Vec<_> = (0..100)
        .map(|number| {
            let front = Arc::clone(&front);
            tokio::spawn(async move {
                for round in 0..5 {
                    let (path, body) = (format!("/api/v1/assets/{number}"), format!("round {round}"));
                    let answer = front.send("POST", &path, &[], Body::from(body.clone())).await;
                    let came = answer.into_body().collect().await.unwrap().to_bytes();
                    assert_eq!(came, format!("{number} {body}"));
                }
            })
        })
        .collect();
    for one in asking {
        one.await.unwrap();
    }
}
