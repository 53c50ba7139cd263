//! Somebody who gets webhooks.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use futures::future::BoxFuture;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// A request as it came.
#[derive(Clone)]
pub(super) struct Seen {
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Seen {
    pub(super) fn header(&self, name: &str) -> String {
        self.headers[name].to_str().unwrap().to_owned()
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

#[derive(Clone)]
pub(super) struct Receiver {
    pub(super) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    count: watch::Sender<usize>,
}

impl Receiver {
    /// Answers what `answer` says to the request of a number, from 0.
    pub(super) async fn start<F>(answer: F) -> Self
    where
        F: Fn(usize, Seen) -> BoxFuture<'static, Response> + Clone + Send + Sync + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let this = Self { address, seen: Arc::default(), count: watch::Sender::new(0) };
        let of = this.clone();
        let router = Router::new().fallback(move |request: axum::extract::Request| {
            let (of, answer) = (of.clone(), answer.clone());
            async move {
                let (parts, body) = request.into_parts();
                let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
                let seen = Seen { path: parts.uri.path().to_owned(), headers: parts.headers, body };
                let number = {
                    let mut all = of.seen.lock().unwrap();
                    all.push(seen.clone());
                    all.len() - 1
                };
                of.count.send_replace(number + 1);
                answer(number, seen).await
            }
        });
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        this
    }

    /// Answers one status to all.
    pub(super) async fn answering(status: u16) -> Self {
        Self::start(move |_, _| Box::pin(std::future::ready(with_status(status)))).await
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Waits for so many requests.
    pub(super) async fn wait(&self, count: usize) -> Vec<Seen> {
        let mut watching = self.count.subscribe();
        let enough = watching.wait_for(|seen| *seen >= count);
        let came = tokio::time::timeout(Duration::from_secs(60), enough).await.is_ok();
        let seen = self.seen();
        assert!(came, "{} of {count} requests came", seen.len());
        seen
    }
}

pub(super) fn with_status(status: u16) -> Response {
    let mut response = Response::new(Body::from("as you say"));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}
