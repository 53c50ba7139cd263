//! Work that was done before is not done again: what the tenant already has of the same source, made by the same order, is
//! copied ([`crate::work_key`]). Copies belong to the asset that they were made for, so that no asset's end is another one's.

use asset_flow::Phase;
use bytes::Bytes;
use job_queue::{ClaimedJob, JobRow, Lease};
use media_types::{EncodePlan, GopRange, Rendition, VideoPlan};
use pipeline::RangeOrder;
use serde::de::DeserializeOwned;
use telemetry::figures;

use super::Workshop;
use super::objects::AttemptSink;
use super::publish::{Files, Stored, enter_segments};
use super::transcode::Made;
use crate::error::WorkError;
use crate::sealed::AssetMedia;
use crate::track::{FinishedSegment, ObjectSink, RangeParts, TrackHead, TrackPart, video_kind};

/// A result that follows from the same, and the media of the asset that it belongs to.
struct Alike<T> {
    media: AssetMedia,
    made: Made<T>,
}

impl Workshop {
    /// What is there of the renditions of a range, one of them each, copied to `sink`. What cannot be had any more is left out.
    pub(super) async fn renditions_again(
        &self,
        (job, lease): (&ClaimedJob, &Lease),
        key: Option<&String>,
        (plan, range, order): (&EncodePlan, &GopRange, &RangeOrder),
        sink: &AttemptSink,
    ) -> Result<Vec<RangeParts>, WorkError> {
        let Some(video) = &plan.video else { return Ok(Vec::new()) };
        let mut found: Vec<RangeParts> = Vec::new();
        let mut wanted: Vec<&Rendition> =
            order.renditions.iter().filter(|rendition| plan.again.as_ref() != Some(&rendition.name)).collect();
        for alike in self.alike::<RangeParts>(job, key).await? {
            let mut left = Vec::new();
            for rendition in wanted {
                let part = alike.made.made.only(rendition, order.judge.is_some());
                // Renditions of one range come from the same pictures, whoever decoded them.
                let part = part.filter(|part| found.first().is_none_or(|first| first.shows_the_same(part)));
                match part {
                    Some(part) if alike.copy_part((video, range, rendition), &part, sink, lease).await? => {
                        found.push(part)
                    }
                    _ => left.push(rendition),
                }
            }
            wanted = left;
        }
        count(job, lease, found.len());
        Ok(found)
    }

    /// A whole result that is there already, with its files copied below `prefix`.
    pub(super) async fn made_again<T: DeserializeOwned + Stored>(
        &self,
        (job, lease): (&ClaimedJob, &Lease),
        key: Option<&String>,
        (sink, prefix): (&AttemptSink, &str),
    ) -> Result<Option<Made<T>>, WorkError> {
        for alike in self.alike::<T>(job, key).await? {
            if alike.copy_all(sink, lease).await? {
                count(job, lease, 1);
                return Ok(Some(Made { prefix: prefix.to_owned(), ..alike.made }));
            }
        }
        Ok(None)
    }

    /// What was decided for another recording that is the same.
    pub(super) async fn decided_before(
        &self,
        (job, lease): (&ClaimedJob, &Lease),
        key: Option<&String>,
    ) -> Result<Option<EncodePlan>, WorkError> {
        for row in self.rows_alike(job, key).await? {
            let plan = row.result.as_ref().and_then(|result| result["plan"].as_str());
            if let Some(plan) = plan
                && let Some(plan) = self.settled_json::<EncodePlan>(plan).await?
            {
                count(job, lease, 1);
                return Ok(Some(plan));
            }
        }
        Ok(None)
    }

    async fn rows_alike(&self, job: &ClaimedJob, key: Option<&String>) -> Result<Vec<JobRow>, WorkError> {
        match key {
            // What a copy may have been at fault for is made once more.
            Some(key) if job.tried <= 1 => Ok(self.store.queue().done_with(&job.tenant_id, key).await?),
            _ => Ok(Vec::new()),
        }
    }

    async fn alike<T: DeserializeOwned>(
        &self,
        job: &ClaimedJob,
        key: Option<&String>,
    ) -> Result<Vec<Alike<T>>, WorkError> {
        let mut found = Vec::new();
        for row in self.rows_alike(job, key).await? {
            // A result of an older build that this one cannot read is none.
            let made = row.result.and_then(|result| serde_json::from_value::<Made<T>>(result).ok());
            let asset = self.store.asset(&row.tenant_id, &row.asset_id).await?;
            let there = asset.filter(|asset| !matches!(asset.state, Phase::Deleting | Phase::Deleted));
            let Some((made, asset)) = made.zip(there) else { continue };
            match self.media_of(&asset).await {
                Ok(media) => found.push(Alike { media, made }),
                // Sealed, and not for this worker to open.
                Err(WorkError::Keys(why)) => {
                    tracing::debug!(asset_id = %asset.id, why, "what was made before is sealed")
                }
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }
}

impl Alike<RangeParts> {
    /// Copies the segments of a rendition that `part` has alone. `false`, and nothing was written, when they are gone.
    async fn copy_part(
        &self,
        (plan, range, rendition): (&VideoPlan, &GopRange, &Rendition),
        part: &RangeParts,
        sink: &AttemptSink,
        lease: &Lease,
    ) -> Result<bool, WorkError> {
        let Some(part) = part.parts.first().filter(|part| part.segments.len() == range.segment_count as usize) else {
            return Ok(false);
        };
        let kind = video_kind(plan, rendition);
        let hidden_ticks = packager::composition_delay(&kind, plan.timescale, &part.config)?.unwrap_or(0);
        let TrackPart { track, config, priming_samples, segments } = part;
        let mut files = Files::new();
        enter_segments(&mut files, &self.made.prefix, track, segments);
        let head = TrackHead {
            track: track.clone(),
            kind,
            config: config.clone(),
            priming_samples: *priming_samples,
            gain_db: 0.0,
        };
        for (nth, record) in segments.iter().enumerate() {
            let path = packager::segment_path(track, record.index);
            let Some(bytes) = self.read((nth, &path), &files).await? else { return Ok(false) };
            if nth == 0 {
                sink.configured(&head).await?;
            }
            sink.put_segment(FinishedSegment { track, record, hidden_ticks, bytes }).await?;
            lease.touch();
        }
        Ok(true)
    }
}

impl<T: Stored> Alike<T> {
    /// Copies every file. `false`, and nothing was written, when they are gone.
    async fn copy_all(&self, sink: &AttemptSink, lease: &Lease) -> Result<bool, WorkError> {
        let mut files = Files::new();
        self.made.made.enter(&self.made.prefix, &mut files);
        for (nth, path) in files.keys().enumerate() {
            let Some(bytes) = self.read((nth, path), &files).await? else { return Ok(false) };
            sink.put(path.clone(), bytes).await?;
            lease.touch();
        }
        Ok(true)
    }
}

impl<T> Alike<T> {
    /// The `nth` file, when its bytes are those that were recorded. `None` when that is the first one and not to be had: what is
    /// tidied away goes as a whole.
    async fn read(&self, (nth, path): (usize, &str), files: &Files) -> Result<Option<Bytes>, WorkError> {
        let file = files.get(path).ok_or_else(|| WorkError::Storage(format!("{path} was not recorded")))?;
        match self.media.verified(path, file).await {
            Err(WorkError::Storage(why)) if nth == 0 => {
                tracing::debug!(path, why, "what was made before is gone");
                Ok(None)
            }
            read => read.map(Some),
        }
    }
}

fn count(job: &ClaimedJob, lease: &Lease, found: usize) {
    if found > 0 {
        lease.unusual();
        figures::RESULTS_REUSED.add(&[&job.stage], found as u64);
        tracing::info!(asset_id = %job.asset_id, job_id = %job.fence.job_id, found, "made before, and copied");
    }
}
