//! The S3 server to test with, in this process and in a folder of its own.

use std::net::SocketAddr;
use std::path::PathBuf;

use aws_config::retry::RetryConfig;
use aws_sdk_s3::config::{BehaviorVersion, Builder, Credentials, Region};
use aws_smithy_async::time::TimeSource;

use crate::s3::bucket::Bucket;
use crate::s3::connect::{https, plain};
use crate::s3::layout;
use crate::s3::server::Core;
use crate::{BucketSource, S3Store};

pub(super) use crate::s3::server::{Blow, KEYS};

pub(super) const BUCKET: &str = "lectures";
const LOCATION: &str = "s3://lectures/some/where";

/// A server, until dropped.
pub(super) struct Server {
    _root: tempfile::TempDir,
    address: SocketAddr,
    core: Core,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub(super) async fn start() -> Self {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join(BUCKET)).unwrap();
        let core = Core::open(root.path());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(core.clone().serve(listener));
        Self { _root: root, address, core, task }
    }

    pub(super) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A store as another process would open it, which asks so many times.
    pub(super) fn store(&self, attempts: u32) -> S3Store {
        self.store_for(BUCKET, KEYS.1, attempts)
    }

    pub(super) fn store_for(&self, bucket: &str, secret: &str, attempts: u32) -> S3Store {
        let (_, layout) = layout::parse(LOCATION).unwrap();
        S3Store::new(self.bucket_for(bucket, secret, attempts), layout)
    }

    /// What others put below a prefix, which ends with a slash.
    pub(super) fn source(&self, prefix: &str) -> BucketSource {
        BucketSource::new(self.bucket_for(BUCKET, KEYS.1, 1), prefix.to_owned())
    }

    /// A store as a process on a machine with this clock would open it.
    pub(super) fn store_on(&self, clock: impl TimeSource + 'static) -> S3Store {
        let (_, layout) = layout::parse(LOCATION).unwrap();
        S3Store::new(Bucket::new(self.config(KEYS.1, 2).time_source(clock), BUCKET, true), layout)
    }

    fn bucket_for(&self, bucket: &str, secret: &str, attempts: u32) -> Bucket {
        Bucket::new(self.config(secret, attempts), bucket, true)
    }

    fn config(&self, secret: &str, attempts: u32) -> Builder {
        let retry = RetryConfig::standard().with_max_attempts(attempts);
        let config = Builder::new()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(Credentials::new(KEYS.0, secret, None, None, "tests"))
            .region(Region::from_static("us-east-1"))
            .endpoint_url(self.endpoint())
            .force_path_style(true)
            .http_client(https())
            .retry_config(retry.with_initial_backoff(std::time::Duration::from_millis(1)));
        plain(config)
    }

    /// Strikes the `nth` request from now on, counted from 1.
    pub(super) fn strike(&self, nth: usize, blow: Blow) {
        self.core.state.lock().unwrap().blow = Some((nth, blow));
    }

    /// Has it refuse every write from now on, as servers with quotas do.
    pub(super) fn fill(&self) {
        self.core.state.lock().unwrap().full = true;
    }

    /// Has it take bytes that do not hash to what is said of them, and keep no hashes.
    pub(super) fn be_careless(&self) {
        self.core.state.lock().unwrap().careless = true;
    }

    /// Ends once a request was struck that kills.
    pub(super) async fn kill(&self) {
        self.core.killed.notified().await;
    }

    /// Whether a blow is still to fall; it does not any more.
    pub(super) fn spare(&self) -> bool {
        self.core.state.lock().unwrap().blow.take().is_some()
    }

    pub(super) fn requests(&self) -> usize {
        self.core.state.lock().unwrap().requests
    }

    pub(super) fn multiparts(&self) -> usize {
        self.core.state.lock().unwrap().begun.len()
    }

    /// Every object of the bucket, by whatever prefix.
    pub(super) fn bucket(&self) -> PathBuf {
        self.core.root.join(BUCKET)
    }

    /// Every key below the prefix and `below`.
    pub(super) fn keys(&self, below: &str) -> Vec<String> {
        let root = self.core.root.join(BUCKET).join("some/where");
        let mut folders = vec![root.join(below)];
        let mut keys = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => folders.push(path),
                    false => keys.push(path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned()),
                }
            }
        }
        keys.sort();
        keys
    }

    pub(super) fn path(&self, key: &str) -> PathBuf {
        self.core.root.join(BUCKET).join("some/where").join(key)
    }
}
