//! Publish a generation: write it whole, see that every object it refers to is there, then move the pointer.

use std::collections::{BTreeMap, BTreeSet};

use asset_flow::{FlowEvent, Stage};
use bytes::Bytes;
use job_queue::{ClaimedJob, JobRow, JobState, Lease};
use media_store::{MAX_LISTED_KEYS, PutNew};
use media_types::{AssetId, EncodePlan, GenerationIndex, PublishedFile, SegmentRecord, TrackRecord, publication};
use serde::de::DeserializeOwned;
use serde_json::json;

use super::Workshop;
use super::transcode::Made;
use crate::assemble::{Storyboard, audio_record, derived_files, video_record};
use crate::error::WorkError;
use crate::track::{RangeParts, Stills, TrackPart, video_track};

type Files = BTreeMap<String, PublishedFile>;

impl Workshop {
    /// `first`: the lowest rendition only; otherwise all of them.
    pub(super) async fn publish(&self, job: &ClaimedJob, lease: &Lease, first: bool) -> Result<(), WorkError> {
        let plan = self.stored_plan(&job.asset_id).await?;
        let playback = self.asset(job).await?.playback_id;
        let done = Done::of(self.store.queue().jobs_of(&job.tenant_id, &job.asset_id).await.map_err(database)?)?;
        let renditions = plan.video.as_ref().map_or(0, |video| if first { 1 } else { video.renditions.len() });

        let mut files = Files::new();
        let tracks = done.tracks(&plan, renditions, &mut files)?;
        let storyboard = done.stills(&plan, &mut files)?;
        self.check_stored(&files, lease).await?;

        let generation =
            self.store.allocate_generation(&job.fence, &job.tenant_id, &job.asset_id, super::now_ms()).await?;
        let prefix = format!("{}/", publication::generation_folder(generation));
        for file in derived_files(&tracks, storyboard.as_ref(), &prefix)? {
            let key = publication::generation_key(&playback, generation, &file.path);
            let entry = published(key, &file.bytes, file.media_type);
            self.write_own(&entry.key, file.bytes).await?;
            files.insert(file.path, entry);
            lease.touch();
        }
        let index = GenerationIndex { generation, duration_ms: plan.duration_ms, files };
        let bytes = serde_json::to_vec(&index).map_err(|error| WorkError::Storage(error.to_string()))?;
        self.write_own(&publication::index_key(&playback, generation), bytes.into()).await?;
        media_store::pointer::advance(self.media.as_ref(), &playback, generation).await?;
        let event = if first { FlowEvent::FirstPlayable { generation } } else { FlowEvent::Complete { generation } };
        self.commit(job, json!({ "generation": generation }), Some(&event)).await?;
        if !first {
            self.remove_lost_attempts(&job.asset_id, &done.prefixes()).await;
        }
        Ok(())
    }

    /// What attempts wrote whose result never counted, because their worker died or lost its lease.
    async fn remove_lost_attempts(&self, asset: &AssetId, kept: &BTreeSet<&str>) {
        let own = publication::work_prefix(asset);
        let mut after: Option<String> = None;
        loop {
            let keys = match self.media.list(&own, after.as_deref(), MAX_LISTED_KEYS).await {
                Ok(keys) => keys,
                // The asset is complete either way; its deletion removes these too.
                Err(error) => return tracing::warn!(asset_id = %asset, %error, "leftovers could not be listed"),
            };
            for key in &keys {
                let attempt = key[own.len()..].split_once('/').map(|(folder, _)| format!("{own}{folder}/"));
                if attempt.is_some_and(|prefix| !kept.contains(prefix.as_str()))
                    && let Err(error) = self.media.delete(key).await
                {
                    return tracing::warn!(asset_id = %asset, %error, "leftovers could not be removed");
                }
            }
            if keys.len() < MAX_LISTED_KEYS {
                return;
            }
            after = keys.last().cloned();
        }
    }

    /// Every object that will be referred to is there, in its recorded size.
    async fn check_stored(&self, files: &Files, lease: &Lease) -> Result<(), WorkError> {
        for (path, file) in files {
            let size = self.media.head(&file.key).await?.map(|meta| meta.size_bytes);
            if size != Some(file.size_bytes) {
                return Err(WorkError::Storage(format!(
                    "{path} should have {} bytes and has {size:?}",
                    file.size_bytes
                )));
            }
            lease.touch();
        }
        Ok(())
    }

    /// A generation's number is given out once, so its own files are written by nobody else.
    async fn write_own(&self, key: &str, bytes: Bytes) -> Result<(), WorkError> {
        match self.media.put_new(key, bytes).await? {
            PutNew::Created => Ok(()),
            PutNew::Exists => Err(WorkError::Storage(format!("{key} exists already"))),
        }
    }
}

fn published(key: String, bytes: &[u8], media_type: &str) -> PublishedFile {
    PublishedFile {
        key,
        size_bytes: bytes.len() as u64,
        sha256: crate::sha256(bytes),
        media_type: media_type.to_owned(),
    }
}

fn database(error: job_queue::QueueError) -> WorkError {
    WorkError::Database(error.to_string())
}

/// The results of an asset's finished media jobs.
#[derive(Default)]
struct Done {
    ranges: BTreeMap<u32, Vec<Made<RangeParts>>>,
    audio: Option<Made<TrackPart>>,
    stills: Option<Made<Stills>>,
}

impl Done {
    fn of(jobs: Vec<JobRow>) -> Result<Self, WorkError> {
        let mut done = Done::default();
        for job in jobs.into_iter().filter(|job| job.state == JobState::Done) {
            let Ok(stage) = serde_json::from_value::<Stage>(job.payload.clone()) else { continue };
            match stage {
                Stage::EncodeRange { range, .. } => done.ranges.entry(range).or_default().push(result(job)?),
                Stage::EncodeAudio => done.audio = Some(result(job)?),
                Stage::Stills => done.stills = Some(result(job)?),
                _ => {}
            }
        }
        Ok(done)
    }

    /// Where everything that counts lies.
    fn prefixes(&self) -> BTreeSet<&str> {
        let ranges = self.ranges.values().flatten().map(|made| made.prefix.as_str());
        let others = [
            self.audio.as_ref().map(|made| made.prefix.as_str()),
            self.stills.as_ref().map(|made| made.prefix.as_str()),
        ];
        ranges.chain(others.into_iter().flatten()).collect()
    }

    /// The tracks of a generation; the files of their segments are entered in `files`.
    fn tracks(&self, plan: &EncodePlan, renditions: usize, files: &mut Files) -> Result<Vec<TrackRecord>, WorkError> {
        let mut tracks = Vec::new();
        if let Some(video) = &plan.video {
            for (index, rendition) in video.renditions.iter().enumerate().take(renditions) {
                let name = video_track(&rendition.name);
                let parts: Vec<_> = self
                    .ranges
                    .values()
                    .filter_map(|made| made.iter().find(|made| made.made.parts.iter().any(|part| part.track == name)))
                    .collect();
                for made in &parts {
                    for part in made.made.parts.iter().filter(|part| part.track == name) {
                        enter_segments(files, &made.prefix, &name, &part.segments);
                    }
                }
                tracks.push(video_record(video, index, parts.iter().map(|made| &made.made))?);
            }
        }
        if let Some(audio) = &plan.audio {
            let made =
                self.audio.as_ref().ok_or_else(|| WorkError::Engine("the sound track is not done".to_owned()))?;
            let record = audio_record(audio, &made.made)?;
            enter_segments(files, &made.prefix, &record.name, &record.segments);
            tracks.push(record);
        }
        Ok(tracks)
    }

    fn stills(&self, plan: &EncodePlan, files: &mut Files) -> Result<Option<Storyboard>, WorkError> {
        let (Some(made), Some(planned)) = (&self.stills, &plan.stills) else { return Ok(None) };
        for still in &made.made.files {
            let file = PublishedFile {
                key: format!("{}{}", made.prefix, still.name),
                size_bytes: still.size_bytes,
                sha256: still.sha256.clone(),
                media_type: packager::media_type(&still.name).to_owned(),
            };
            files.insert(still.name.clone(), file);
        }
        Ok(Storyboard::new(&made.made, planned, plan.duration_ms))
    }
}

fn enter_segments(files: &mut Files, prefix: &str, track: &str, segments: &[SegmentRecord]) {
    for segment in segments {
        let path = packager::segment_path(track, segment.index);
        let file = PublishedFile {
            key: format!("{prefix}{path}"),
            size_bytes: segment.size_bytes,
            sha256: segment.sha256.clone(),
            media_type: packager::media_type(&path).to_owned(),
        };
        files.insert(path, file);
    }
}

fn result<T: DeserializeOwned>(job: JobRow) -> Result<Made<T>, WorkError> {
    let value = job.result.unwrap_or_default();
    serde_json::from_value(value)
        .map_err(|error| WorkError::Engine(format!("the result of {} cannot be read: {error}", job.id)))
}
