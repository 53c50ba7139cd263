//! A published recording, a store that can fail, a server on a real port and a client.

#![allow(clippy::unwrap_used, dead_code, unreachable_pub)]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::{HeaderMap, Method, Request, StatusCode};
use bytes::Bytes;
use futures::future::BoxFuture;
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use media_store::{
    FolderStore, MediaStore, MemoryStore, ObjectMeta, PutNew, StagedObject, StoreError, StoreFuture, Version, pointer,
};
use media_types::publication::{generation_key, index_key};
use media_types::{GenerationIndex, PlaybackId, PublishedFile};
use origin_server::{Demand, Demanded, Origin, OriginOptions, Outlook, ServeLimits};
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

pub const HLS: &str = "application/vnd.apple.mpegurl";

pub fn playback() -> PlaybackId {
    PlaybackId::from_unique("1")
}

/// Bytes without a period that a wrong offset would meet.
pub fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..length).map(|_| next()).collect()
}

/// Writes a generation and moves the pointer to it.
pub async fn publish(store: &dyn MediaStore, generation: u64, files: &[(&str, &str, Vec<u8>)]) {
    publish_planned(store, generation, files, &[]).await;
}

/// The same, with paths and media types of files that are still to be made.
pub async fn publish_planned(
    store: &dyn MediaStore,
    generation: u64,
    files: &[(&str, &str, Vec<u8>)],
    planned: &[(&str, &str)],
) {
    let planned = planned.iter().map(|(path, media_type)| ((*path).to_owned(), (*media_type).to_owned())).collect();
    let mut index = GenerationIndex { generation, duration_ms: 1000, files: BTreeMap::new(), planned };
    for (path, media_type, bytes) in files {
        let key = generation_key(&playback(), generation, path);
        assert_eq!(store.put_new(&key, bytes.clone().into()).await.unwrap(), PutNew::Created);
        let blake3 = blake3::hash(bytes).to_hex().to_string();
        let size_bytes = bytes.len() as u64;
        let file = PublishedFile { key, size_bytes, blake3, media_type: (*media_type).to_owned() };
        index.files.insert((*path).to_owned(), file);
    }
    let json = serde_json::to_vec(&index).unwrap();
    store.put_new(&index_key(&playback(), generation), json.into()).await.unwrap();
    pointer::advance(store, &playback(), generation).await.unwrap();
}

pub fn etag(bytes: &[u8]) -> String {
    format!("\"{}\"", &blake3::hash(bytes).to_hex()[..32])
}

/// A store that counts reads and fails when told to.
#[derive(Default)]
pub struct FaultyStore {
    pub inner: MemoryStore,
    pub fails: AtomicBool,
    pub reads: AtomicUsize,
}

impl FaultyStore {
    fn read<'a, T: Send + 'a>(&self, read: StoreFuture<'a, T>) -> StoreFuture<'a, T> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        if !self.fails.load(Ordering::SeqCst) {
            return read;
        }
        let source = std::io::Error::other("the cable was pulled");
        Box::pin(std::future::ready(Err(StoreError::Io { doing: "read", source })))
    }
}

impl MediaStore for FaultyStore {
    fn put_new<'a>(&'a self, key: &'a str, bytes: Bytes) -> StoreFuture<'a, PutNew> {
        self.inner.put_new(key, bytes)
    }
    fn get<'a>(&'a self, key: &'a str) -> StoreFuture<'a, Bytes> {
        self.read(self.inner.get(key))
    }
    fn get_range<'a>(&'a self, key: &'a str, offset: u64, length: u64) -> StoreFuture<'a, Bytes> {
        self.read(self.inner.get_range(key, offset, length))
    }
    fn head<'a>(&'a self, key: &'a str) -> StoreFuture<'a, Option<ObjectMeta>> {
        self.read(self.inner.head(key))
    }
    fn read_file<'a>(&'a self, key: &'a str) -> StoreFuture<'a, Option<std::fs::File>> {
        self.read(self.inner.read_file(key))
    }
    fn list<'a>(&'a self, prefix: &'a str, after: Option<&'a str>, limit: usize) -> StoreFuture<'a, Vec<String>> {
        self.inner.list(prefix, after, limit)
    }
    fn delete<'a>(&'a self, key: &'a str) -> StoreFuture<'a, ()> {
        self.inner.delete(key)
    }
    fn delete_prefix<'a>(&'a self, prefix: &'a str) -> StoreFuture<'a, ()> {
        self.inner.delete_prefix(prefix)
    }
    fn swap<'a>(&'a self, key: &'a str, expected: Option<&'a Version>, bytes: Bytes) -> StoreFuture<'a, Version> {
        self.inner.swap(key, expected, bytes)
    }
    fn get_versioned<'a>(&'a self, key: &'a str) -> StoreFuture<'a, Option<(Bytes, Version)>> {
        self.read(self.inner.get_versioned(key))
    }
    fn stage_append<'a>(&'a self, upload_key: &'a str, offset: u64, bytes: Bytes) -> StoreFuture<'a, u64> {
        self.inner.stage_append(upload_key, offset, bytes)
    }
    fn stage_offset<'a>(&'a self, upload_key: &'a str) -> StoreFuture<'a, Option<u64>> {
        self.inner.stage_offset(upload_key)
    }
    fn stage_range<'a>(&'a self, upload_key: &'a str, offset: u64, length: u64) -> StoreFuture<'a, Bytes> {
        self.inner.stage_range(upload_key, offset, length)
    }
    fn stage_finish<'a>(&'a self, upload_key: &'a str, final_key: &'a str) -> StoreFuture<'a, StagedObject> {
        self.inner.stage_finish(upload_key, final_key)
    }
    fn stage_discard<'a>(&'a self, upload_key: &'a str) -> StoreFuture<'a, ()> {
        self.inner.stage_discard(upload_key)
    }
}

#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Reply {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn code(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem: serde_json::Value = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(problem["status"], self.status.as_u16());
        assert_eq!(problem["title"], self.status.canonical_reason().unwrap());
        for field in ["detail", "hint"] {
            let text = problem[field].as_str().unwrap();
            assert!(text.starts_with(|first: char| first.is_ascii_lowercase()) && !text.ends_with('.'), "{text}");
        }
        problem["code"].as_str().unwrap().to_owned()
    }
}

/// Keeps what viewers wait for.
#[derive(Default)]
pub struct Wishes {
    /// Whether what is asked for will never come.
    pub hopeless: AtomicBool,
    pub wanted: Mutex<Vec<Demanded>>,
    pub told: Notify,
}

impl Demand for Wishes {
    fn demand(&self, wanted: Demanded) -> BoxFuture<'_, Outlook> {
        self.wanted.lock().unwrap().push(wanted);
        self.told.notify_one();
        let outlook = if self.hopeless.load(Ordering::SeqCst) { Outlook::Never } else { Outlook::Coming };
        Box::pin(std::future::ready(outlook))
    }
}

/// An origin on a port of its own, until it is dropped.
pub struct Server {
    pub address: SocketAddr,
    client: Client<HttpConnector, Empty<Bytes>>,
    /// What was demanded of whoever makes planned files.
    pub demand: Arc<Wishes>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

/// Without waiting for pointers to age.
pub fn eager() -> OriginOptions {
    OriginOptions { pointer_ttl: Duration::ZERO, ..OriginOptions::default() }
}

impl Server {
    pub async fn start(store: Arc<dyn MediaStore>, options: OriginOptions) -> Self {
        Self::start_with(store, options, ServeLimits::default()).await
    }

    pub async fn start_with(store: Arc<dyn MediaStore>, options: OriginOptions, limits: ServeLimits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let demand = Arc::new(Wishes::default());
        let origin = Origin::new(store, options).with_demand(demand.clone());
        let task = tokio::spawn(origin_server::serve_with(listener, origin.standalone(), limits, async {
            let _ = stopped.await;
        }));
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { address, client, demand, stop: Some(stop), task }
    }

    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Reply {
        let mut request = Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.client.request(request.body(Empty::new()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Reply { status: parts.status, headers: parts.headers, body }
    }

    pub async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        self.send(Method::GET, path, headers).await
    }

    pub fn begin_stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    pub async fn stopped(self) {
        self.task.await.unwrap();
    }
}

/// A folder store and what keeps its folder.
pub fn folder_store() -> (tempfile::TempDir, Arc<dyn MediaStore>) {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(FolderStore::open(folder.path()).unwrap());
    (folder, store)
}

pub fn stores() -> Vec<(Option<tempfile::TempDir>, Arc<dyn MediaStore>)> {
    let (folder, store) = folder_store();
    vec![(Some(folder), store), (None, Arc::new(MemoryStore::default()))]
}
