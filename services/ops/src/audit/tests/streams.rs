//! Logs that are sent on, to servers that are none of ours.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::http::{Request, Response, StatusCode};
use http_client::Egress;
use http_client::testing::{full, serve};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use super::*;
use crate::audit::sql;
use crate::audit::stream::StreamRow;

/// Logs that may be sent to this machine, at a time that the test says.
fn sending(db: &Database) -> (Audit, Arc<AtomicI64>) {
    let now_ms = Arc::new(AtomicI64::new(NOW_MS));
    let clock = Arc::clone(&now_ms);
    let audit = Audit::new(db.clone(), Arc::new(move || clock.load(Ordering::Relaxed)), Keyring::default());
    (audit.sending_to(Egress::allowing("127.0.0.0/8").unwrap(), None).unwrap(), now_ms)
}

async fn begin(audit: &Audit, id: &str, url: String, has_personal: bool, credential: Option<&str>) {
    let row = StreamRow {
        tenant_id: default_tenant().to_string(),
        id: id.to_owned(),
        url,
        has_personal,
        credential: None,
        next_seq: 0,
        due_ms: NOW_MS,
        failures: 0,
        last_error: None,
        last_ms: None,
        created_by: "admin".to_owned(),
        created_ms: NOW_MS,
    };
    let mut tx = audit.db.begin().await.unwrap();
    audit.begin_stream(&mut tx, row, credential.map(str::to_owned)).await.unwrap();
    tx.commit().await.unwrap();
}

async fn stored(audit: &Audit, id: &str) -> StreamRow {
    audit.db.optional(sql::STREAM, args![&default_tenant(), id]).await.unwrap().unwrap()
}

fn sequences(body: &str) -> Vec<i64> {
    let events = body.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    events.map(|event| event["metadata"]["sequence"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn every_entry_is_sent_in_order_until_it_is_taken_and_the_place_is_kept() {
    for_each_engine(|db| async move {
        let (audit, now_ms) = sending(&db);
        happen(&db, 0..149).await;
        let changes = r#"{"changes":[{"path":"/email","new":"new@example.com"}]}"#;
        personal::record(&db, 149, ("usr_1", "update_user", "/api/v1/users/usr_2"), changes).await;
        while audit.append(&default_tenant()).await.unwrap() > 0 {}
        let seen: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
        let hears = Arc::clone(&seen);
        let address = serve(move |request: Request<bytes::Bytes>| {
            let text = |name: &str| request.headers()[name].to_str().unwrap().to_owned();
            let body = String::from_utf8(request.body().to_vec()).unwrap();
            let mut seen = hears.lock().unwrap();
            seen.push((format!("{} {}", text("authorization"), text("content-type")), body));
            let status = if seen.len() == 1 { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::ACCEPTED };
            async move { Response::builder().status(status).body(full("")).unwrap() }
        })
        .await;
        begin(&audit, "siem_1", format!("http://{address}/ingest"), false, Some("Bearer s3cret")).await;
        assert_eq!(audit.send_due().await.unwrap(), 1);
        let row = stored(&audit, "siem_1").await;
        assert_eq!((row.next_seq, row.failures, row.due_ms, row.last_ms), (0, 1, NOW_MS + 5000, None));
        assert!(row.last_error.unwrap().contains("503") && !row.credential.unwrap().contains("s3cret"));
        assert_eq!(audit.send_due().await.unwrap(), 0, "it is not due");
        now_ms.fetch_add(5000, Ordering::Relaxed);
        let counts =
            [audit.send_due().await.unwrap(), audit.send_due().await.unwrap(), audit.send_due().await.unwrap()];
        let row = stored(&audit, "siem_1").await;
        assert_eq!((counts, row.next_seq, row.failures, row.last_error), ([1, 1, 0], 150, 0, None));

        let seen = seen.lock().unwrap().clone();
        assert!(seen.iter().all(|(head, _)| head == "Bearer s3cret application/x-ndjson"), "{:?}", seen[0].0);
        assert_eq!((seen.len(), &seen[0].1), (3, &seen[1].1), "what was not taken comes again");
        let sent: Vec<i64> = [sequences(&seen[1].1), sequences(&seen[2].1)].concat();
        assert_eq!(sent, (0..150).collect::<Vec<_>>());
        assert!(!seen[2].1.contains("192.0.2") && !seen[2].1.contains("example.com"), "nothing personal is sent");
    })
    .await;
}

#[tokio::test]
async fn an_event_has_what_ocsf_asks_for_and_what_is_personal_where_it_was_asked_for() {
    let scratch = Scratch::migrated(EngineKind::Sqlite).await;
    let (audit, _) = sending(&scratch.db);
    let changes = r#"{"changes":[{"path":"/email","new":"new@example.com"}]}"#;
    personal::record(&scratch.db, 7, ("usr_1", "update_user", "/api/v1/users/usr_2"), changes).await;
    audit.append(&default_tenant()).await.unwrap();
    let seen: Arc<Mutex<String>> = Arc::default();
    let hears = Arc::clone(&seen);
    let address = serve(move |request: Request<bytes::Bytes>| {
        *hears.lock().unwrap() = String::from_utf8(request.body().to_vec()).unwrap();
        async move { Response::new(full("")) }
    })
    .await;
    begin(&audit, "siem_1", format!("http://{address}/"), true, None).await;
    assert_eq!(audit.send_due().await.unwrap(), 1);
    let event: Value = serde_json::from_str(&seen.lock().unwrap()).unwrap();
    let names: BTreeSet<&str> = event.as_object().unwrap().keys().map(String::as_str).collect();
    for required in [
        "activity_id",
        "actor",
        "api",
        "category_uid",
        "class_uid",
        "metadata",
        "severity_id",
        "src_endpoint",
        "time",
        "type_uid",
    ] {
        assert!(names.contains(required), "{required}: {event}");
    }
    assert_eq!(
        (&event["class_uid"], &event["type_uid"], &event["time"]),
        (&json!(6003), &json!(600_303), &json!(NOW_MS + 7000))
    );
    assert_eq!(
        (&event["actor"]["user"]["uid"], &event["actor"]["session"]["uid"]),
        (&json!("usr_1"), &json!("ses_of_usr_1"))
    );
    assert_eq!((&event["src_endpoint"]["ip"], &event["unmapped"]["subject"]), (&json!("192.0.2.7"), &json!("usr_2")));
    assert_eq!(event["unmapped"]["change"]["changes"][0]["new"], "new@example.com");
}

#[tokio::test]
async fn syslog_gets_each_message_behind_its_length_and_what_is_not_public_gets_nothing() {
    let scratch = Scratch::migrated(EngineKind::Sqlite).await;
    let (allowed, now_ms) = sending(&scratch.db);
    happen(&scratch.db, 0..20).await;
    allowed.append(&default_tenant()).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    begin(&allowed, "siem_1", format!("tcp://{}", listener.local_addr().unwrap()), false, None).await;

    let guarded = Audit::new(scratch.db.clone(), Arc::new(|| NOW_MS), Keyring::default());
    assert_eq!(guarded.send_due().await.unwrap(), 1);
    let row = stored(&guarded, "siem_1").await;
    assert_eq!((row.next_seq, row.last_error.as_deref()), (0, Some("127.0.0.1 is no public address")));

    now_ms.fetch_add(5000, Ordering::Relaxed);
    let receiving = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        text
    };
    let (sent, text) = tokio::join!(allowed.send_due(), receiving);
    assert_eq!(sent.unwrap(), 1);
    let (mut rest, mut count) = (text.as_str(), 0_i64);
    while let Some((length, behind)) = rest.split_once(' ') {
        let (message, more) = behind.split_at(length.parse().unwrap());
        let time = format!("<110>1 2026-11-21T03:50:{count:02}.000Z - lectern - ");
        assert!(message.starts_with(&time), "{message}");
        let event: Value = serde_json::from_str(&message[message.find('{').unwrap()..]).unwrap();
        assert_eq!(event["metadata"]["sequence"], count);
        (rest, count) = (more, count + 1);
    }
    assert_eq!((rest, count, stored(&allowed, "siem_1").await.next_seq), ("", 20, 20));
}

#[tokio::test]
async fn a_credential_goes_with_its_stream() {
    for_each_engine(|db| async move {
        let (audit, _) = sending(&db);
        begin(&audit, "siem_1", "https://siem.example/".to_owned(), false, Some("X-Api-Key: s3cret")).await;
        let keys = async || {
            let rows: Vec<(String,)> = db.all("SELECT id FROM audit_subject", args![]).await.unwrap();
            rows.into_iter().map(|(id,)| id).collect::<Vec<_>>()
        };
        assert_eq!(keys().await, ["siem_1"]);
        audit.end_stream(&default_tenant(), "siem_1").await.unwrap();
        assert_eq!(keys().await, [""; 0]);
        assert!(audit.end_stream(&default_tenant(), "siem_1").await.is_err());
    })
    .await;
}
