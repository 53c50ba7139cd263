//! What arrives, and how it is tried again.

use axum::body::{Body, Bytes};
use axum::http::HeaderValue;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use database::testing::for_each_engine;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tokio::io::AsyncReadExt;

use super::receiver::{Receiver, Seen, with_status};
use super::*;

/// Checks a signature as a receiver does, from the text of the secret.
fn verifies(seen: &Seen, secret: &str) -> bool {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&key).unwrap();
    mac.update(format!("{}.{}.", seen.header("webhook-id"), seen.header("webhook-timestamp")).as_bytes());
    mac.update(&seen.body);
    let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    seen.header("webhook-signature").split(' ').any(|signature| signature == expected)
}

#[tokio::test]
async fn events_arrive_signed_where_they_are_asked_for_and_in_order() {
    for_each_engine(|db| async move {
        let (time, receiver) = (Time::new(), Receiver::answering(204).await);
        let hooks = hooks(&db, &time);
        happens(&db, "evt_0", "asset.ready", "ast_0").await;
        let all = endpoint(&hooks, receiver.url("/all"), &["*"]).await;
        let some = endpoint(&hooks, receiver.url("/some"), &["asset.ready"]).await;
        let running = Running::start(&hooks);
        for (id, kind) in [("evt_1", "asset.created"), ("evt_2", "asset.ready"), ("evt_3", "asset.deleted")] {
            happens(&db, id, kind, "ast_1").await;
        }
        let seen = receiver.wait(4).await;
        running.stop().await;
        let of = |path: &str| seen.iter().filter(|seen| seen.path == path).cloned().collect::<Vec<_>>();
        let kinds = |seen: &[Seen]| seen.iter().map(|seen| seen.json()["type"].clone()).collect::<Vec<_>>();
        assert_eq!(kinds(&of("/all")), ["asset.created", "asset.ready", "asset.deleted"]);
        assert_eq!(kinds(&of("/some")), ["asset.ready"], "what was before it, it does not get");
        let one = &of("/some")[0];
        let body = json!({
            "type": "asset.ready", "timestamp": "1970-01-01T00:00:00.250Z", "seq": 3, "id": "evt_2",
            "kind": "asset.ready", "subject": "ast_1", "time": "1970-01-01T00:00:00.250Z", "data": { "id": "ast_1" },
        });
        assert_eq!((one.json(), one.header("content-type")), (body, "application/json".to_owned()));
        assert_eq!(one.header("webhook-id"), format!("evt_2_{}", some.endpoint.id));
        assert_eq!(one.header("webhook-timestamp"), (time.now() / 1000).to_string());
        for (issued, seen) in [(&all, of("/all")), (&some, of("/some"))] {
            let (right, wrong) = if issued.endpoint.id == all.endpoint.id { (&all, &some) } else { (&some, &all) };
            assert!(seen.iter().all(|seen| verifies(seen, &right.secret.text())));
            assert!(!seen.iter().any(|seen| verifies(seen, &wrong.secret.text())));
        }
        assert_eq!(receiver.seen().len(), 4);
    })
    .await;
}

#[tokio::test]
async fn what_failed_is_sent_again_after_a_pause_under_the_same_id() {
    for_each_engine(|db| async move {
        let answer = |number: usize, _: Seen| {
            let mut response = with_status([503, 500, 200][number.min(2)]);
            if number == 0 {
                response.headers_mut().insert("retry-after", HeaderValue::from_static("60"));
            }
            Box::pin(std::future::ready(response)) as _
        };
        let (time, receiver) = (Time::new(), Receiver::start(answer).await);
        let hooks = hooks(&db, &time);
        let issued = endpoint(&hooks, receiver.url("/"), &["*"]).await;
        let running = Running::start(&hooks);
        happens(&db, "evt_1", "asset.ready", "ast_1").await;
        let row = wait_for("the first failure", || async {
            Some(settled(&hooks, &issued, "pending").await).filter(|row| row.attempt == 1)
        })
        .await;
        assert_eq!(row.next_ms, time.now() + 60_000, "as long as the receiver asks for");
        time.pass(Duration::from_secs(59));
        poke(&db).await;
        assert!(hooks.due().await.unwrap().is_empty());
        for attempts in 2..=3 {
            time.pass(Duration::from_secs(60));
            poke(&db).await;
            receiver.wait(attempts).await;
            let state = if attempts == 3 { "delivered" } else { "pending" };
            wait_for(state, || async {
                Some(settled(&hooks, &issued, state).await).filter(|row| row.attempts.0.len() == attempts)
            })
            .await;
        }
        let row = settled(&hooks, &issued, "delivered").await;
        let statuses: Vec<_> = row.attempts.0.iter().map(|attempt| (attempt.number, attempt.status)).collect();
        assert_eq!(statuses, [(1, Some(503)), (2, Some(500)), (3, Some(200))]);
        assert_eq!(row.attempts.0[1].response.as_deref(), Some("as you say"));
        let seen = receiver.seen();
        let ids: Vec<_> = seen.iter().map(|seen| seen.header("webhook-id")).collect();
        assert!(ids.iter().all(|id| *id == row.id) && ids.len() == 3);
        assert!(seen.iter().all(|seen| verifies(seen, &issued.secret.text())), "each at its own time");
        assert_ne!(seen[0].header("webhook-timestamp"), seen[2].header("webhook-timestamp"));
        running.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_later_event_waits_for_an_earlier_one_about_the_same_and_for_no_other() {
    for_each_engine(|db| async move {
        let answer = |_, seen: Seen| {
            let status = if seen.json()["id"] == "evt_1" { 500 } else { 200 };
            Box::pin(std::future::ready(with_status(status))) as _
        };
        let (time, receiver) = (Time::new(), Receiver::start(answer).await);
        let hooks = hooks(&db, &time);
        endpoint(&hooks, receiver.url("/"), &["*"]).await;
        for (id, subject) in [("evt_1", "ast_1"), ("evt_2", "ast_1"), ("evt_3", "ast_2")] {
            happens(&db, id, "asset.ready", subject).await;
        }
        let running = Running::start(&hooks);
        let mut came = 2;
        for _ in 1..crate::schedule::HOLDING_TRIES {
            receiver.wait(came).await;
            wait_for("the failure", || async { hooks.sending(9).await.unwrap().is_empty().then_some(()) }).await;
            assert!(!receiver.seen().iter().any(|seen| seen.json()["id"] == "evt_2"), "after {came}");
            time.pass(Duration::from_secs(3600));
            poke(&db).await;
            came += 1;
        }
        let seen = receiver.wait(came + 1).await;
        assert!(seen.iter().any(|seen| seen.json()["id"] == "evt_2"), "it does not wait for ever");
        running.stop().await;
    })
    .await;
}

#[tokio::test]
async fn receivers_that_misbehave_are_told_from_those_that_do_not() {
    let answer = |_, seen: Seen| -> futures::future::BoxFuture<'static, Response> {
        Box::pin(async move {
            match seen.path.as_str() {
                "/redirect" => {
                    let mut response = with_status(302);
                    response.headers_mut().insert("location", HeaderValue::from_static("/elsewhere"));
                    response
                }
                "/hang" => std::future::pending().await,
                "/endless" => {
                    let zeros =
                        futures::stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[0; 4096])));
                    Response::new(Body::from_stream(zeros))
                }
                _ => panic!("{}", seen.path),
            }
        })
    };
    let receiver = Receiver::start(answer).await;
    let resetting = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let reset = format!("http://{}/", resetting.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = resetting.accept().await {
            // Closed in the middle of the answer's head.
            let _ = stream.read(&mut [0; 64]).await;
        }
    });
    let scratch = database::testing::Scratch::migrated(database::EngineKind::Sqlite).await;
    let (db, time) = (&scratch.db, Time::new());
    let egress = Egress::allowing("127.0.0.1").unwrap();
    let hooks = with(db, &time, Options { egress, deadline: Duration::from_millis(1500), ..Options::default() });
    let mut issued = Vec::new();
    for url in [receiver.url("/redirect"), receiver.url("/hang"), receiver.url("/endless"), reset] {
        issued.push(endpoint(&hooks, url, &["*"]).await);
    }
    happens(db, "evt_1", "asset.ready", "ast_1").await;
    let running = Running::start(&hooks);
    for (issued, (state, status, error)) in issued.iter().zip([
        ("pending", Some(302), ""),
        ("pending", None, "there was no whole answer within 1500 ms"),
        ("delivered", Some(200), ""),
        ("pending", None, "the exchange with 127.0.0.1"),
    ]) {
        let row = wait_for("an attempt", || async {
            Some(settled(&hooks, issued, state).await).filter(|row| !row.attempts.0.is_empty())
        })
        .await;
        let attempt = &row.attempts.0[0];
        assert_eq!(attempt.status, status, "{attempt:?}");
        assert!(attempt.error.as_deref().unwrap_or_default().starts_with(error), "{attempt:?}");
        assert!(attempt.response.as_deref().unwrap_or_default().chars().count() <= 512);
    }
    assert!(receiver.seen().iter().all(|seen| seen.path != "/elsewhere"));
    running.stop().await;
}

#[tokio::test]
async fn a_receiver_that_hangs_delays_no_other() {
    for_each_engine(|db| async move {
        let hanging = Receiver::start(|_, _| Box::pin(std::future::pending())).await;
        let (time, receiver) = (Time::new(), Receiver::answering(200).await);
        let hooks = hooks(&db, &time);
        for number in 0..20 {
            endpoint(&hooks, hanging.url(&format!("/{number}")), &["*"]).await;
        }
        endpoint(&hooks, receiver.url("/"), &["*"]).await;
        let running = Running::start(&hooks);
        let begun = tokio::time::Instant::now();
        for number in 0..20 {
            happens(&db, &format!("evt_{number}"), "asset.ready", &format!("ast_{number}")).await;
        }
        receiver.wait(20).await;
        assert!(begun.elapsed() < Duration::from_secs(5), "the deadline of an attempt is 10 s");
        let begun = tokio::time::Instant::now();
        running.stop().await;
        assert!(begun.elapsed() < Duration::from_secs(9), "nor does it hold up the end");
        assert_eq!(hooks.sending(100).await.unwrap(), [], "what hung was given back");
    })
    .await;
}
