//! Encode segments of the lowest rendition and its sound for who watches already.

use std::ops::Range;

use asset_flow::{Ahead, Phase};
use asset_store::AssetRow;
use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use job_queue::{ClaimedJob, Lease};
use media_types::AudioCodec;
use serde_json::json;

use super::Workshop;
use super::early::{EarlyTrack, early_tracks, head_key};
use super::objects::report_progress;
use crate::error::WorkError;
use crate::track::{
    FinishedSegment, Manner, ObjectSink, TrackHead, audio_track, encode_audio_part, encode_range, first_gain,
};

/// The lowest rendition's place in a plan.
const LOWEST: [usize; 1] = [0];
/// What is taken for a sound encoder's delay, in samples, before it has said its own.
const USUAL_PRIMING: u32 = 1024;

impl Workshop {
    /// Nothing of the complete generation depends on this, so that its failure is no failure of the asset: what cannot be
    /// encoded here is judged when its range is.
    pub(super) async fn encode_ahead(
        &self,
        job: &ClaimedJob,
        lease: &Lease,
        of: Ahead,
        segments: Range<u32>,
    ) -> Result<(), WorkError> {
        match self.ahead(job, lease, of, segments).await {
            Ok(()) => {}
            Err(WorkError::LeaseLost) => return Err(WorkError::LeaseLost),
            Err(error) => {
                tracing::warn!(asset_id = %job.asset_id, job_id = %job.fence.job_id, %error, "viewers have to wait for the range");
            }
        }
        self.commit(job, json!({}), None).await
    }

    async fn ahead(&self, job: &ClaimedJob, lease: &Lease, of: Ahead, segments: Range<u32>) -> Result<(), WorkError> {
        let asset = self.asset(job).await?;
        let made = self.ahead_of(&asset, job, lease, (of, segments.clone())).await;
        if made.is_ok() || !asset.state.is_arriving() {
            return made;
        }
        let asset = self.asset(job).await?;
        match asset.state.is_arriving() {
            true => made,
            // What had not arrived then is there now.
            false => self.ahead_of(&asset, job, lease, (of, segments)).await,
        }
    }

    async fn ahead_of(
        &self,
        asset: &AssetRow,
        job: &ClaimedJob,
        lease: &Lease,
        (of, segments): (Ahead, Range<u32>),
    ) -> Result<(), WorkError> {
        if asset.state != Phase::Processing && !asset.state.is_arriving() {
            return Ok(());
        }
        match of {
            Ahead::Pictures => self.pictures_ahead(job, lease, asset, segments).await,
            Ahead::Sound => self.sound_ahead(job, lease, asset, segments).await,
        }
    }

    async fn pictures_ahead(
        &self,
        job: &ClaimedJob,
        lease: &Lease,
        asset: &AssetRow,
        segments: Range<u32>,
    ) -> Result<(), WorkError> {
        let plan = self.stored_plan(asset).await?;
        let Some(video) = &plan.video else { return Ok(()) };
        let Some(early) = self.early_track(asset, early_tracks(&plan).0).await? else { return Ok(()) };
        let segments = missing(&early, segments.start..segments.end.min(video.segment_count())).await?;
        if segments.is_empty() {
            return Ok(());
        }
        let media = self.media_of(asset).await?;
        let mut session = self.range_session(job, &media, lease).await?;
        let range = video.range_of(segments);
        let manner = Manner::Early.at_attempt(job.tried);
        encode_range(&mut session, video, (&range, manner), &LOWEST, &early, report_progress(lease)).await?;
        session.close().await;
        Ok(())
    }

    /// The whole sound has its own job: what that has not come to is made here in parts.
    async fn sound_ahead(
        &self,
        job: &ClaimedJob,
        lease: &Lease,
        asset: &AssetRow,
        segments: Range<u32>,
    ) -> Result<(), WorkError> {
        let plan = self.stored_plan(asset).await?;
        let Some(audio) = plan.audio.first() else { return Ok(()) };
        let Some(early) = self.early_track(asset, Some(audio_track(audio, AudioCodec::Aac))).await? else {
            return Ok(());
        };
        let head: Option<TrackHead> = self.settled_json(&head_key(asset, &audio_track(audio, AudioCodec::Aac))).await?;
        let priming_samples = head.as_ref().map_or(USUAL_PRIMING, |head| head.priming_samples);
        let grid = packager::audio_segments(audio, AudioCodec::Aac, priming_samples);
        let segments = missing(&early, segments.start..segments.end.min(grid.segment_count())).await?;
        if segments.is_empty() {
            return Ok(());
        }
        let media = self.media_of(asset).await?;
        let mut session = self.session(job, &media, lease).await?;
        let gain_db = match &head {
            Some(head) => head.gain_db,
            None => first_gain(&mut session, audio).await?,
        };
        let part = (segments, priming_samples, gain_db);
        encode_audio_part(&mut session, audio, part, &early, report_progress(lease)).await?;
        session.close().await;
        Ok(())
    }
}

/// The first segments in a row that viewers do not have.
async fn missing(early: &EarlyTrack, segments: Range<u32>) -> Result<Range<u32>, WorkError> {
    let mut wanted = segments.end..segments.end;
    for index in segments {
        match early.has(index).await? {
            true if wanted.is_empty() => {}
            true => return Ok(wanted.start..index),
            false => wanted.start = wanted.start.min(index),
        }
    }
    Ok(wanted)
}

impl ObjectSink for EarlyTrack {
    /// There is nothing but segments.
    fn put(&self, _: String, _: Bytes) -> BoxFuture<'_, Result<(), WorkError>> {
        async { Ok(()) }.boxed()
    }

    fn configured<'a>(&'a self, head: &'a TrackHead) -> BoxFuture<'a, Result<(), WorkError>> {
        self.begin(head).boxed()
    }

    fn put_segment<'a>(&'a self, segment: FinishedSegment<'a>) -> BoxFuture<'a, Result<(), WorkError>> {
        async move { self.publish(&segment).await }.boxed()
    }
}
