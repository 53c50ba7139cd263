//! Publish a generation: read back what it refers to, write it whole, then move the pointer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use asset_flow::{FlowEvent, Stage};
use asset_store::AssetRow;
use bytes::Bytes;
use drm::KeyEntry;
use job_queue::{ClaimedJob, JobRow, JobState, Lease};
use media_store::PutNew;
use media_types::loss::joined;
use media_types::publication::{MPD, MULTIVARIANT_PLAYLIST};
use media_types::{
    Completion, EncodePlan, GenerationIndex, Loss, PublishedFile, SegmentRecord, TrackRecord, publication,
};
use packager::{OutputFile, TRICK_FILE, segment_path};
use pipeline::{POSTER, RecordingScenes};
use serde::de::DeserializeOwned;
use telemetry::figures;

use super::protect::Protected;
use super::transcode::Made;
use super::{Workshop, engine_for};
use crate::assemble::{Derived, Storyboard, audio_record, clear_keyframes, text_record, video_record};
use crate::error::WorkError;
use crate::examine::{SEGMENTS_THROUGH_MPD, examine, part};
use crate::quality;
use crate::sealed::AssetMedia;
use crate::track::{RangeParts, SoundParts, Stills, StoredFile, TextPart, video_track};

/// Public paths and what lies behind them.
pub(super) type Files = BTreeMap<String, PublishedFile>;

impl Workshop {
    /// The generation that has everything.
    pub(super) async fn publish_complete(&self, job: &ClaimedJob, lease: &Lease) -> Result<(), WorkError> {
        let asset = self.asset(job).await?;
        let plan = self.final_plan(&asset).await?;
        let media = self.media_of(&asset).await?;
        let done = Done::of(self.store.queue().jobs_of(&job.tenant_id, &job.asset_id, job.making).await?)?;

        let mut files = Files::new();
        let mut tracks = done.tracks(&plan, &mut files)?;
        let scenes = done.scenes();
        done.enter_poster(&mut files);
        let quality = quality::of_ranges(&plan, done.ranges.values().flatten().map(|made| &made.made));
        quality::check(&plan, &quality)?;
        let generation = self.store.allocate_generation(&job.fence, &job.asset_id, self.store.now_ms()).await?;
        let read = |path: String| read_segment(&media, &files, path, lease);
        let storyboard = self.storyboard((job, lease), (&plan, &scenes), &tracks, read).await?;
        let (storyboard, sheet) = storyboard.unzip();
        let mut keys = Vec::new();
        let mut made = Protected::default();
        if let Some(scheme) = asset.protection {
            let of_tracks = self.track_keys(&asset, scheme).await?;
            let clear = (&mut tracks[..], &mut files);
            made = self.protect((&asset, &media), &of_tracks, generation, clear, lease).await?;
            keys = of_tracks.entries;
        } else {
            let read = |path: String| read_segment(&media, &files, path, lease);
            made.keyframes = clear_keyframes(&tracks, read).await?;
        }
        let Protected { signals, samples, keyframes } = made;
        let prefix = format!("{}/", publication::generation_folder(generation));
        let derived = Derived {
            plan: &plan,
            scenes: &scenes,
            tracks: &tracks,
            keyframes,
            storyboard: storyboard.as_ref(),
            uri_prefix: &prefix,
            protection: Some(&signals),
        };
        for file in derived.files()?.into_iter().chain(sheet) {
            let key = publication::generation_key(&asset.playback_id, generation, &file.path);
            let entry = published(key, &file.bytes, file.media_type);
            self.write_own(&entry.key, file.bytes).await?;
            files.insert(file.path, entry);
            lease.touch();
        }
        self.examine(&media, &files, &prefix, (&keys, &samples), lease).await?;
        let index = GenerationIndex { generation, duration_ms: plan.duration_ms, files, planned: BTreeMap::new() };
        self.announce(&asset, &index).await?;
        figures::PUBLICATIONS.add(&["complete"], 1);
        let losses = done.losses(&plan);
        let found = Completion { generation, scenes: Some(scenes.shares()), quality, losses: losses.clone() };
        let result = serde_json::to_value(found).map_err(|error| WorkError::Storage(error.to_string()))?;
        self.commit(job, result, Some(FlowEvent::Complete { generation, losses })).await
    }

    /// The storyboard of tracks that are in clear, and its sheet.
    async fn storyboard<F, Reading>(
        &self,
        (job, lease): (&ClaimedJob, &Lease),
        of: (&EncodePlan, &RecordingScenes),
        tracks: &[TrackRecord],
        read: F,
    ) -> Result<Option<(Storyboard, OutputFile)>, WorkError>
    where
        F: FnMut(String) -> Reading,
        Reading: Future<Output = Result<Bytes, WorkError>>,
    {
        let engine = engine_for(self.engine.without_devices(), job, lease);
        let lease = lease.clone();
        Storyboard::make(&engine, of, tracks, read, Arc::new(move |_| lease.touch())).await
    }

    /// Writes a generation's index, and moves the pointer to it.
    pub(super) async fn announce(&self, asset: &AssetRow, index: &GenerationIndex) -> Result<(), WorkError> {
        let bytes = serde_json::to_vec(index).map_err(|error| WorkError::Storage(error.to_string()))?;
        self.write_own(&publication::index_key(&asset.playback_id, index.generation), bytes.into()).await?;
        media_store::pointer::advance(self.media.as_ref(), &asset.playback_id, index.generation).await?;
        Ok(())
    }

    /// Reads back everything that will be served, once whole: it has the bytes that were recorded, the linter finds no broken
    /// rule, and what `samples` names decrypts to those.
    async fn examine(
        &self,
        media: &AssetMedia,
        files: &Files,
        prefix: &str,
        (keys, samples): (&[KeyEntry], &BTreeMap<String, String>),
        lease: &Lease,
    ) -> Result<(), WorkError> {
        let unread = &Mutex::new(files.keys().collect::<BTreeSet<_>>());
        let fetch = |uri: String, range: Option<(u64, u64)>| async move {
            let path = uri.strip_prefix(prefix).unwrap_or(&uri);
            let (path, file) = files
                .get_key_value(path)
                .ok_or_else(|| WorkError::Engine(format!("{path} is referred to, and not there")))?;
            lease.touch();
            let known = !lock(unread).contains(path) && !media.is_sealed(&file.key);
            if let (true, Some((start, length))) = (known, range) {
                return Ok(self.media.get_range(&file.key, start, length.min(file.size_bytes)).await?);
            }
            let bytes = media.verified(path, file).await?;
            lock(unread).remove(path);
            Ok(match range {
                Some((start, length)) => part(&bytes, start, length),
                None => bytes,
            })
        };
        let keys: Vec<_> = keys.iter().map(|entry| (entry.id, entry.key.clone())).collect();
        let options = lint::Options { keys, digests: !samples.is_empty(), ..lint::Options::default() };
        let mut seen = examine(MULTIVARIANT_PLAYLIST, options.clone(), fetch).await?.samples;
        // What has keyframes alone is no playlist of a whole track: its file is looked at by itself.
        for file in samples.keys().filter(|path| path.ends_with(TRICK_FILE)) {
            seen.extend(examine(&format!("{prefix}{file}"), options.clone(), fetch).await?.samples);
        }
        let found = |path: &str| {
            let resource = format!("/{prefix}{path}");
            seen.iter().find(|track| track.resource == resource).and_then(|track| track.blake3.as_ref())
        };
        if let Some((path, _)) = samples.iter().find(|(path, samples)| found(path) != Some(*samples)) {
            return Err(WorkError::Engine(format!("{path} does not decrypt to what was encrypted")));
        }
        let options = lint::Options { max_segments_per_track: SEGMENTS_THROUGH_MPD, digests: false, ..options };
        examine(MPD, options, fetch).await?;
        // Pictures, and what no playlist names.
        let unread = lock(unread).clone();
        for path in unread {
            media.verified(path, &files[path]).await?;
            lease.touch();
        }
        Ok(())
    }

    /// A generation's number is given out once, so its own files are written by nobody else.
    pub(super) async fn write_own(&self, key: &str, bytes: Bytes) -> Result<(), WorkError> {
        match self.media.put_new(key, bytes).await? {
            PutNew::Created => Ok(()),
            PutNew::Exists => Err(WorkError::Storage(format!("{key} exists already"))),
        }
    }
}

/// A segment by its path, when its bytes are those that were recorded.
pub(super) async fn read_segment(
    media: &AssetMedia,
    files: &Files,
    path: String,
    lease: &Lease,
) -> Result<Bytes, WorkError> {
    let file = files.get(&path).ok_or_else(|| WorkError::Engine(format!("{path} is not there")))?;
    let bytes = media.verified(&path, file).await?;
    lease.touch();
    Ok(bytes)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn published(key: String, bytes: &[u8], media_type: &str) -> PublishedFile {
    PublishedFile {
        key,
        size_bytes: bytes.len() as u64,
        blake3: crate::blake3(bytes),
        media_type: media_type.to_owned(),
    }
}

/// The results of one making's finished media jobs.
#[derive(Default)]
struct Done {
    ranges: BTreeMap<u32, Vec<Made<RangeParts>>>,
    /// Nothing was made of a further track that could not be decoded.
    audio: BTreeMap<u32, Made<Option<SoundParts>>>,
    stills: Option<Made<Stills>>,
    text: Option<Made<Vec<TextPart>>>,
}

impl Done {
    fn of(jobs: Vec<JobRow>) -> Result<Self, WorkError> {
        let mut done = Done::default();
        for job in jobs.into_iter().filter(|job| job.state == JobState::Done) {
            let Ok(stage) = serde_json::from_value::<Stage>(job.payload.clone()) else { continue };
            match stage {
                Stage::EncodeRange { range } => done.ranges.entry(range).or_default().push(result(job)?),
                Stage::EncodeAudio { track } => {
                    done.audio.insert(track, result(job)?);
                }
                Stage::Stills => done.stills = Some(result(job)?),
                Stage::ReadText => done.text = Some(result(job)?),
                _ => {}
            }
        }
        Ok(done)
    }

    /// The tracks of a generation; the files of their segments are entered in `files`.
    fn tracks(&self, plan: &EncodePlan, files: &mut Files) -> Result<Vec<TrackRecord>, WorkError> {
        let mut tracks = Vec::new();
        if let Some(video) = &plan.video {
            for (index, rendition) in plan.complete_renditions() {
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
        for (track, audio) in (0..).zip(&plan.audio) {
            let undone = || WorkError::Engine(format!("the sound track {} is not done", audio.name));
            let made = self.audio.get(&track).ok_or_else(undone)?;
            made.made.enter(&made.prefix, files);
            for part in made.made.iter().flat_map(SoundParts::iter) {
                tracks.push(audio_record(audio, part)?);
            }
        }
        if let Some(made) = &self.text {
            made.made.enter(&made.prefix, files);
            for part in &made.made {
                tracks.push(text_record(plan, part)?);
            }
        }
        Ok(tracks)
    }

    /// What the pictures show. Whoever encoded a range, and for which renditions, saw the same.
    fn scenes(&self) -> RecordingScenes {
        RecordingScenes::join(self.ranges.values().filter_map(|made| Some(&made.first()?.made.scenes)))
    }

    /// What the source lacks, and what could not be decoded of it.
    fn losses(&self, plan: &EncodePlan) -> Vec<Loss> {
        let pictures = self.ranges.values().filter_map(|made| made.first()).flat_map(|made| made.made.losses.clone());
        let sound = (0..).zip(&plan.audio).filter_map(|(track, audio)| {
            Some(self.audio.get(&track)?.made.as_ref()?.losses(audio).collect::<Vec<_>>())
        });
        joined(plan.losses.iter().cloned().chain(pictures).chain(sound.flatten()).collect())
    }

    fn enter_poster(&self, files: &mut Files) {
        let Some(made) = &self.stills else { return };
        let poster: Vec<_> = made.made.files.iter().filter(|file| file.name == POSTER).cloned().collect();
        enter_files(files, &made.prefix, &poster);
    }
}

fn enter_files(files: &mut Files, prefix: &str, stored: &[StoredFile]) {
    for file in stored {
        let entry = PublishedFile {
            key: format!("{prefix}{}", file.name),
            size_bytes: file.size_bytes,
            blake3: file.blake3.clone(),
            media_type: packager::media_type(&file.name).to_owned(),
        };
        files.insert(file.name.clone(), entry);
    }
}

/// A result whose files can be told from it.
pub(super) trait Stored {
    /// Enters them, which lie below `prefix`.
    fn enter(&self, prefix: &str, files: &mut Files);
}

impl Stored for Option<SoundParts> {
    fn enter(&self, prefix: &str, files: &mut Files) {
        for part in self.iter().flat_map(SoundParts::iter) {
            enter_segments(files, prefix, &part.track, &part.segments);
        }
    }
}

impl Stored for Vec<TextPart> {
    fn enter(&self, prefix: &str, files: &mut Files) {
        for part in self {
            enter_segments(files, prefix, &part.track, &part.segments);
            enter_files(files, prefix, &part.webvtt);
        }
    }
}

pub(super) fn enter_segments(files: &mut Files, prefix: &str, track: &str, segments: &[SegmentRecord]) {
    for segment in segments {
        let path = segment_path(track, segment.index);
        let file = PublishedFile {
            key: format!("{prefix}{path}"),
            size_bytes: segment.size_bytes,
            blake3: segment.blake3.clone(),
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
