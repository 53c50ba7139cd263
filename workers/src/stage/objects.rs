//! Keys of what stages make, and how they read and write the store.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use engine_host::ReadAt;
use futures::FutureExt;
use futures::future::BoxFuture;
use job_queue::{ClaimedJob, Lease};
use media_store::{MediaStore, PutNew};
use media_types::{AssetId, publication};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Workshop;
use crate::error::WorkError;
use crate::track::{ObjectSink, OnProgress};

/// Key of the probe report.
pub(super) fn report_key(asset: &AssetId) -> String {
    format!("{}probe.json", publication::work_prefix(asset))
}

/// Key of the plan.
pub(super) fn plan_key(asset: &AssetId) -> String {
    format!("{}plan.json", publication::work_prefix(asset))
}

/// Prefix of what one attempt of one job makes; no other attempt ever writes there.
pub(super) fn attempt_prefix(job: &ClaimedJob) -> String {
    format!("{}{}-{}/", publication::work_prefix(&job.asset_id), job.fence.job_id, job.fence.attempt)
}

impl Workshop {
    pub(super) async fn read_json<T: DeserializeOwned>(&self, key: &str) -> Result<T, WorkError> {
        let bytes = self.media.get(key).await?;
        serde_json::from_slice(&bytes).map_err(|error| WorkError::Storage(format!("{key} is damaged: {error}")))
    }

    /// Writes `value` unless the key is taken, and answers what is there: the first writer wins.
    pub(super) async fn settle_json<T: Serialize + DeserializeOwned>(
        &self,
        key: &str,
        value: T,
    ) -> Result<T, WorkError> {
        let bytes = serde_json::to_vec(&value).map_err(|error| WorkError::Storage(format!("{key}: {error}")))?;
        match self.media.put_new(key, bytes.into()).await? {
            PutNew::Created => Ok(value),
            PutNew::Exists => self.read_json(key).await,
        }
    }

    /// The stored value, if there is one.
    pub(super) async fn settled_json<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, WorkError> {
        match self.media.head(key).await? {
            Some(_) => self.read_json(key).await.map(Some),
            None => Ok(None),
        }
    }
}

/// A stored object as the engine reads it; every read shows the lease that work moves.
pub(super) struct StoredSource {
    media: Arc<dyn MediaStore>,
    key: String,
    size: u64,
    lease: Lease,
}

impl StoredSource {
    pub(super) fn new(media: Arc<dyn MediaStore>, key: String, size: u64, lease: Lease) -> Self {
        Self { media, key, size, lease }
    }
}

impl ReadAt for StoredSource {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, length: usize) -> BoxFuture<'_, io::Result<Bytes>> {
        async move {
            let bytes = self.media.get_range(&self.key, offset, length as u64).await.map_err(io::Error::other)?;
            self.lease.touch();
            Ok(bytes)
        }
        .boxed()
    }
}

/// Puts files under one attempt's prefix.
pub(super) struct AttemptSink {
    media: Arc<dyn MediaStore>,
    prefix: String,
}

impl AttemptSink {
    pub(super) fn new(media: Arc<dyn MediaStore>, prefix: String) -> Self {
        Self { media, prefix }
    }
}

impl ObjectSink for AttemptSink {
    fn put(&self, path: String, bytes: Bytes) -> BoxFuture<'_, Result<(), WorkError>> {
        async move {
            let key = format!("{}{path}", self.prefix);
            match self.media.put_new(&key, bytes).await? {
                PutNew::Created => Ok(()),
                PutNew::Exists => Err(WorkError::Storage(format!("{key} was written twice"))),
            }
        }
        .boxed()
    }
}

pub(super) fn report_progress(lease: &Lease) -> OnProgress {
    let lease = lease.clone();
    Arc::new(move |share| lease.progress(share))
}
