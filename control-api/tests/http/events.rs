//! The stream of events.

use std::time::Duration;

use asset_flow::FlowEvent;
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::Response;
use hyper::body::Incoming;
use serde_json::{Value, json};

use crate::server::{Server, TOKEN};

struct Stream {
    body: Incoming,
    text: String,
}

#[derive(Debug)]
struct Event {
    id: String,
    kind: String,
    data: Value,
}

impl Stream {
    async fn open(server: &Server, query: &str, last: Option<&str>) -> Self {
        let bearer = format!("Bearer {TOKEN}");
        let mut headers = vec![("authorization", bearer.as_str())];
        headers.extend(last.map(|last| ("last-event-id", last)));
        let path = format!("/api/v1/events{query}");
        let response: Response<Incoming> = server.send("GET", &path, &headers, Bytes::new()).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { body: response.into_body(), text: String::new() }
    }

    async fn next(&mut self) -> Event {
        tokio::time::timeout(Duration::from_secs(30), self.read()).await.expect("an event comes in time")
    }

    async fn read(&mut self) -> Event {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    let line = block.lines().find_map(|line| line.strip_prefix(name));
                    line.unwrap_or("").trim_start().to_owned()
                };
                let (id, kind, data) = (field("id:"), field("event:"), field("data:"));
                self.text = rest.to_owned();
                if !kind.is_empty() {
                    return Event { id, kind, data: serde_json::from_str(&data).unwrap() };
                }
                continue;
            }
            let frame = self.body.frame().await.expect("the stream goes on").unwrap();
            self.text.push_str(std::str::from_utf8(frame.data_ref().unwrap()).unwrap());
        }
    }

    async fn until(&mut self, kind: &str) -> Event {
        loop {
            let event = self.next().await;
            if event.kind == kind {
                return event;
            }
        }
    }
}

#[tokio::test]
async fn a_listener_takes_up_where_it_left_and_sees_progress_without_numbers() {
    let server = Server::start().await;
    let mut live = Stream::open(&server, "", None).await;
    let asset = server.uploaded().await;
    let created = live.until("asset.created").await;
    assert_eq!((&created.data["subject"], &created.data["kind"]), (&json!(asset), &json!("asset.created")));
    let processing = live.until("asset.processing").await;
    assert_eq!(processing.data["data"]["state"], "processing");
    let progress = live.until("asset.progress").await;
    assert_eq!((&progress.data["asset_id"], progress.id.as_str()), (&json!(asset), ""));
    server.plan(&asset).await;
    let progress = live.until("asset.progress").await;
    assert_eq!(progress.data["renditions"][1]["name"], "720p");
    drop(live);

    server.apply(&asset, &FlowEvent::Complete { generation: 1, losses: Vec::new() }).await;
    let mut resumed = Stream::open(&server, "", Some(&processing.id)).await;
    let missed = resumed.until("asset.ready").await;
    assert!(missed.id.parse::<i64>().unwrap() > processing.id.parse().unwrap());
    let mut all = Stream::open(&server, "?after=0", None).await;
    assert_eq!(all.until("asset.created").await.id, created.id);
}

#[tokio::test]
async fn a_listener_of_one_asset_hears_of_no_other() {
    let server = Server::start().await;
    let (one, other) = (server.uploaded().await, server.uploaded().await);
    let mut stream = Stream::open(&server, &format!("?asset_id={one}&after=0"), None).await;
    server.fail(&other).await;
    server.fail(&one).await;
    loop {
        let event = stream.next().await;
        let about = if event.kind == "asset.progress" { &event.data["asset_id"] } else { &event.data["subject"] };
        assert_eq!(*about, json!(one), "{event:?}");
        if event.kind == "asset.errored" {
            break;
        }
    }
    for query in ["?after=-1", "?after=x", "?asset_id=%20", "?nope=1"] {
        let answer = server.get(&format!("/api/v1/events{query}")).await;
        assert!([400, 404, 422].contains(&answer.status), "{query}");
    }
}

#[tokio::test]
async fn a_renewal_is_told_with_its_progress_while_its_asset_stays_ready() {
    let server = Server::start().await;
    let asset = server.uploaded().await;
    server.plan(&asset).await;
    server.apply(&asset, &FlowEvent::Complete { generation: 1, losses: Vec::new() }).await;
    let mut streams = Vec::new();
    for query in [String::new(), format!("?asset_id={asset}")] {
        streams.push(Stream::open(&server, &query, None).await);
    }
    let path = format!("/api/v1/assets/{asset}");
    assert_eq!(server.call("POST", &format!("{path}/renew"), &[], "").await.status, 202);
    for stream in &mut streams {
        let told = stream.until("asset.renewing").await.data;
        let data = &told["data"];
        assert_eq!((&data["state"], &data["renewal"]["state"]), (&json!("ready"), &json!("processing")));
        let progress = stream.until("asset.progress").await.data;
        assert_eq!((&progress["state"], &progress["renewal"]["stage"]), (&json!("ready"), &json!("plan")));
    }
    assert_eq!(server.call("POST", &format!("{path}/cancel"), &[], "").await.status, 202);
    for stream in &mut streams {
        let told = stream.until("asset.renewal_errored").await.data;
        assert_eq!(told["data"]["renewal"]["error"]["code"], "asset.cancelled");
    }
}
