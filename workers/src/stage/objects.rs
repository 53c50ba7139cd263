//! Keys of what stages make, and how they read and write the store.

use std::sync::Arc;

use asset_store::AssetRow;
use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use job_queue::{ClaimedJob, Lease};
use media_store::PutNew;
use media_types::publication;
use pipeline::POSTER;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Workshop;
use super::early::EarlyTrack;
use super::plans::read_json;
use crate::error::WorkError;
use crate::sealed::AssetMedia;
use crate::track::{FinishedSegment, ObjectSink, OnProgress, TrackHead};

/// Prefix of what is learned of the asset's source as it is now.
pub(super) fn learned_prefix(asset: &AssetRow) -> String {
    publication::take_prefix(&asset.id, asset.flow.take)
}

/// Key of the probe report.
pub(super) fn report_key(asset: &AssetRow) -> String {
    format!("{}probe.json", learned_prefix(asset))
}

/// Prefix of what is planned for the asset's making: the first one lies with what was learned of the source.
fn planned_prefix(asset: &AssetRow) -> String {
    match asset.flow.making {
        0 => learned_prefix(asset),
        making => publication::making_prefix(&asset.id, making),
    }
}

/// Key of the plan.
pub(super) fn plan_key(asset: &AssetRow) -> String {
    format!("{}plan.json", planned_prefix(asset))
}

/// Key of the plan with the renditions that were decided for the recording.
pub(super) fn decided_key(asset: &AssetRow) -> String {
    format!("{}decided.json", planned_prefix(asset))
}

/// Prefix of what one attempt of one job makes; no other attempt ever writes there.
pub(super) fn attempt_prefix(job: &ClaimedJob) -> String {
    format!("{}{}-{}/", publication::work_prefix(&job.asset_id), job.fence.job_id, job.fence.attempt)
}

/// Prefix of what the same attempt makes when its first result will not do. That one is tidied away like a lost attempt's.
pub(super) fn again_prefix(job: &ClaimedJob) -> String {
    format!("{}{}-{}-again/", publication::work_prefix(&job.asset_id), job.fence.job_id, job.fence.attempt)
}

impl Workshop {
    pub(super) async fn read_json<T: DeserializeOwned>(&self, key: &str) -> Result<T, WorkError> {
        read_json(&*self.media, key).await
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

/// Puts files under one attempt's prefix, and what viewers wait for where they find it.
pub(super) struct AttemptSink {
    media: AssetMedia,
    prefix: String,
    early: Option<EarlyTrack>,
    early_poster: Option<String>,
}

impl AttemptSink {
    /// `early` is the track that viewers get at once, segment by segment.
    pub(super) fn new(media: AssetMedia, prefix: String, early: Option<EarlyTrack>) -> Self {
        Self { media, prefix, early, early_poster: None }
    }

    /// A sink of stills, with the key under which viewers find the poster as soon as it is there.
    pub(super) fn of_stills(media: AssetMedia, prefix: String, early_poster: Option<String>) -> Self {
        Self { media, prefix, early: None, early_poster }
    }
}

impl ObjectSink for AttemptSink {
    fn put(&self, path: String, bytes: Bytes) -> BoxFuture<'_, Result<(), WorkError>> {
        async move {
            if let Some(early) = self.early_poster.as_ref().filter(|_| path == POSTER) {
                // Another attempt may have put its own there, which is as good.
                self.media.put_new(early, bytes.clone()).await?;
            }
            let key = format!("{}{path}", self.prefix);
            match self.media.put_new(&key, bytes).await? {
                PutNew::Created => Ok(()),
                PutNew::Exists => Err(WorkError::Storage(format!("{key} was written twice"))),
            }
        }
        .boxed()
    }

    fn configured<'a>(&'a self, head: &'a TrackHead) -> BoxFuture<'a, Result<(), WorkError>> {
        async move {
            match &self.early {
                Some(early) if early.is(&head.track) => early.begin(head).await,
                _ => Ok(()),
            }
        }
        .boxed()
    }

    fn put_segment<'a>(&'a self, segment: FinishedSegment<'a>) -> BoxFuture<'a, Result<(), WorkError>> {
        async move {
            if let Some(early) = self.early.as_ref().filter(|early| early.is(segment.track)) {
                early.publish(&segment).await?;
            }
            self.put(packager::segment_path(segment.track, segment.record.index), segment.bytes).await
        }
        .boxed()
    }
}

pub(super) fn report_progress(lease: &Lease) -> OnProgress {
    let lease = lease.clone();
    Arc::new(move |share| lease.progress(share))
}
