//! Publish what is still being made: the playlists of the lowest rendition and its sound, whole, from the plan.

use std::collections::BTreeMap;

use asset_flow::FlowEvent;
use asset_store::AssetRow;
use bytes::Bytes;
use job_queue::{ClaimedJob, Lease};
use media_store::PutNew;
use media_types::publication::MULTIVARIANT_PLAYLIST;
use media_types::{EncodePlan, GenerationIndex, TrackRecord, publication};
use packager::{Protection, segment_path};
use pipeline::{POSTER, RecordingScenes};
use serde_json::json;

use super::Workshop;
use super::early::{early_tracks, head_key};
use super::publish::{Files, published};
use crate::assemble::{Derived, planned_audio, planned_video};
use crate::error::WorkError;
use crate::examine::{examine, part};
use crate::track::TrackHead;

/// Segments of each track that must be there, and are read, before anybody is told of the recording.
const FIRST_SEGMENTS: u32 = 1;

impl Workshop {
    /// The planned generation: everything that is written from the plan, and the first segments.
    pub(super) async fn publish_first(&self, job: &ClaimedJob, lease: &Lease) -> Result<(), WorkError> {
        let asset = self.asset(job).await?;
        let plan = self.stored_plan(&asset).await?;
        let planned = asset.flow.plan.as_ref().and_then(|plan| plan.planned_generation);
        let Some(generation) = planned else {
            return self.commit(job, json!({}), None).await;
        };
        self.check_beginning(&asset, generation, &plan).await?;
        let tracks = self.planned_tracks(&asset, &plan).await?;
        let paths = tracks.iter().flat_map(|track| {
            track.segments.iter().map(|segment| segment_path(&track.name, segment.index)).collect::<Vec<_>>()
        });
        let mut planned: BTreeMap<String, String> =
            paths.map(|path| (path.clone(), packager::media_type(&path).to_owned())).collect();
        if plan.stills.is_some() {
            planned.insert(POSTER.to_owned(), packager::media_type(POSTER).to_owned());
        }
        let files = self.write_planned(&asset, generation, (&plan, &tracks), lease).await?;
        let index = GenerationIndex { generation, duration_ms: plan.duration_ms, files, planned };
        self.examine_planned(&asset, &index).await?;
        self.announce_same(&asset, &index).await?;
        telemetry::figures::PUBLICATIONS.add(&["first"], 1);
        self.commit(job, json!({ "generation": generation }), Some(FlowEvent::FirstPlayable { generation })).await
    }

    /// Whether the first segment of each track is there. One that could not be encoded ahead comes with its range, or with the
    /// whole sound, and is looked for again later.
    async fn check_beginning(&self, asset: &AssetRow, generation: u64, plan: &EncodePlan) -> Result<(), WorkError> {
        let (video, audio) = early_tracks(plan);
        for track in video.iter().chain(&audio) {
            let key = publication::generation_key(&asset.playback_id, generation, &segment_path(track, 0));
            if self.media.head(&key).await?.is_none() {
                return Err(WorkError::NotYet(format!("{track} has not begun")));
            }
        }
        Ok(())
    }

    async fn planned_tracks(&self, asset: &AssetRow, plan: &EncodePlan) -> Result<Vec<TrackRecord>, WorkError> {
        let (video, audio) = early_tracks(plan);
        let mut tracks = Vec::new();
        if let (Some(plan), Some(track)) = (&plan.video, video) {
            tracks.push(planned_video(plan, &self.head(asset, &track).await?)?);
        }
        if let (Some(plan), Some(track)) = (plan.audio.first(), audio) {
            tracks.push(planned_audio(plan, &self.head(asset, &track).await?)?);
        }
        Ok(tracks)
    }

    async fn head(&self, asset: &AssetRow, track: &str) -> Result<TrackHead, WorkError> {
        let head = self.settled_json::<TrackHead>(&head_key(asset, track)).await?;
        head.ok_or_else(|| WorkError::NotYet(format!("{track} has not begun")))
    }

    async fn write_planned(
        &self,
        asset: &AssetRow,
        generation: u64,
        (plan, tracks): (&EncodePlan, &[TrackRecord]),
        lease: &Lease,
    ) -> Result<Files, WorkError> {
        let mut signals = Protection::default();
        if let Some(scheme) = asset.protection {
            let keys = self.track_keys(asset, scheme).await?;
            for track in tracks {
                if let Some((_, signal)) = keys.encryptor(&track.name, &track.kind, &track.config)? {
                    signals.insert(track.name.clone(), signal);
                }
            }
        }
        let prefix = format!("{}/", publication::generation_folder(generation));
        let mut files = Files::new();
        let derived = Derived {
            plan,
            scenes: &RecordingScenes::default(),
            tracks,
            keyframes: Vec::new(),
            storyboard: None,
            uri_prefix: &prefix,
            protection: Some(&signals),
        };
        for file in derived.files()? {
            let key = publication::generation_key(&asset.playback_id, generation, &file.path);
            let bytes = self.settle(&key, file.bytes).await?;
            files.insert(file.path, published(key, &bytes, file.media_type));
            lease.touch();
        }
        Ok(files)
    }

    /// Writes an object unless it is there, and answers what is there: an attempt before this one may have been killed.
    async fn settle(&self, key: &str, bytes: Bytes) -> Result<Bytes, WorkError> {
        match self.media.put_new(key, bytes.clone()).await? {
            PutNew::Created => Ok(bytes),
            PutNew::Exists => Ok(self.media.get(key).await?),
        }
    }

    async fn announce_same(&self, asset: &AssetRow, index: &GenerationIndex) -> Result<(), WorkError> {
        self.settle_json(&publication::index_key(&asset.playback_id, index.generation), index.clone()).await?;
        media_store::pointer::advance(self.media.as_ref(), &asset.playback_id, index.generation).await?;
        Ok(())
    }

    /// Reads the playlists and the first segments of each track through the linter.
    async fn examine_planned(&self, asset: &AssetRow, index: &GenerationIndex) -> Result<(), WorkError> {
        let prefix = format!("{}/", publication::generation_folder(index.generation));
        let fetch = |uri: String, range: Option<(u64, u64)>| {
            let path = uri.strip_prefix(&prefix).unwrap_or(&uri).to_owned();
            async move {
                let bytes =
                    self.media.get(&publication::generation_key(&asset.playback_id, index.generation, &path)).await?;
                Ok(range.map_or(bytes.clone(), |(start, length)| part(&bytes, start, length)))
            }
        };
        let options = lint::Options { max_segments_per_track: FIRST_SEGMENTS as usize, ..lint::Options::default() };
        examine(MULTIVARIANT_PLAYLIST, options, fetch).await?;
        Ok(())
    }
}
