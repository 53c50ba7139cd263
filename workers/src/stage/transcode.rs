//! Encode one range or a sound track, make the stills, read the text.

use std::time::Instant;

use job_queue::{ClaimedJob, Lease, Outcome};
use pipeline::{RangeOrder, StillsOrder};
use serde::{Deserialize, Serialize};

use super::Workshop;
use super::early::{early_poster_key, early_tracks};
use super::objects::{AttemptSink, again_prefix, attempt_prefix, report_progress};
use crate::error::WorkError;
use crate::track::{self, Manner, RangeParts, SoundParts, TextPart, text_grid, video_track};

/// A media job's result: what was made, and under which prefix of the store.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Made<T> {
    /// Store prefix of the files' paths.
    pub(super) prefix: String,
    /// The engine that made it.
    pub(super) engine: String,
    /// Wall time of the work in milliseconds.
    pub(super) duration_ms: u64,
    /// What was made.
    pub(super) made: T,
}

impl Workshop {
    pub(super) async fn encode_range(&self, job: &ClaimedJob, lease: &Lease, range: u32) -> Result<(), WorkError> {
        let (began, prefix) = (Instant::now(), attempt_prefix(job));
        let asset = self.asset(job).await?;
        let plan = self.final_plan(&asset).await?;
        let video = plan.video.as_ref().ok_or_else(|| unplanned("video"))?;
        let gop_range = video.ranges.get(range as usize).ok_or_else(|| unplanned("this range"))?;
        let media = self.media_of(&asset).await?;
        let early = self.early_track(&asset, early_tracks(&plan).0).await?;
        let sink = AttemptSink::new(media.clone(), prefix.clone(), early);
        let mut session = self.range_session(job, &media, lease).await?;
        let engine = session.identity().to_owned();
        let order = track::whole_order(video, gop_range);
        let key =
            media.work_key("range", &engine, &(RangeOrder { renditions: Vec::new(), ..order.clone() }, gop_range));
        let found = self.renditions_again((job, lease), key.as_ref(), (&plan, gop_range, &order), &sink).await?;
        let is_found =
            |name: &str| found.iter().flat_map(|made| &made.parts).any(|part| part.track == video_track(name));
        let missing = video.renditions.iter().enumerate().filter(|(_, rendition)| !is_found(&rendition.name));
        let missing: Vec<usize> = missing.map(|(index, _)| index).collect();
        let encoded = match missing[..] {
            [] => None,
            _ => {
                let how = (gop_range, Manner::Usual.at_attempt(job.tried));
                Some(track::encode_range(&mut session, video, how, &missing, &sink, report_progress(lease)).await?)
            }
        };
        session.close().await;
        let mut parts = found.into_iter().chain(encoded);
        let first = parts.next().ok_or_else(|| unplanned("renditions"))?;
        let made = parts.try_fold(first, RangeParts::with)?;
        self.commit_made(job, key, Made { prefix, engine, duration_ms: elapsed_ms(began), made }).await
    }

    pub(super) async fn encode_audio(&self, job: &ClaimedJob, lease: &Lease, track: u32) -> Result<(), WorkError> {
        let (began, prefixes) = (Instant::now(), [attempt_prefix(job), again_prefix(job)]);
        let asset = self.asset(job).await?;
        let plan = self.stored_plan(&asset).await?;
        let audio = plan.audio.get(track as usize).ok_or_else(|| unplanned("this sound"))?;
        let media = self.media_of(&asset).await?;
        let mut session = self.session(job, &media, lease).await?;
        let engine = session.identity().to_owned();
        let key = media.work_key("sound", &engine, &(track > 0, audio));
        // Who listens meanwhile goes on with the gain that they began with.
        let copy = (&AttemptSink::new(media.clone(), prefixes[0].clone(), None), &prefixes[0][..]);
        if let Some(made) = self.made_again::<Option<SoundParts>>((job, lease), key.as_ref(), copy).await? {
            session.close().await;
            return self.commit_made(job, key, Made { duration_ms: elapsed_ms(began), ..made }).await;
        }
        // Who listens already keeps the gain that they began with.
        let of_first = early_tracks(&plan).1.filter(|_| track == 0);
        let early = self.early_track(&asset, of_first).await?;
        let [first, again] = prefixes.clone();
        let first = AttemptSink::new(media.clone(), first, early);
        let again = AttemptSink::new(media.clone(), again, None);
        let made = track::encode_audio(&mut session, audio, &first, &again, report_progress(lease)).await;
        let made = track::unless_dispensable(track as usize, made)?;
        session.close().await;
        let [first, again] = prefixes;
        let Some(made) = made else {
            let nothing = Made { prefix: first, engine, duration_ms: elapsed_ms(began), made: None::<SoundParts> };
            return self.commit_made(job, key, nothing).await;
        };
        let prefix = if made.again { again } else { first };
        let level = made.level;
        tracing::info!(asset_id = %job.asset_id, track = %audio.name, source_lufs = level.source.integrated_lufs, gain_db = level.gain_db,
            lufs = level.coded.integrated_lufs, true_peak_dbtp = level.coded.true_peak_dbtp, twice = made.again, "sound encoded");
        self.commit_made(job, key, Made { prefix, engine, duration_ms: elapsed_ms(began), made: made.parts }).await
    }

    pub(super) async fn stills(&self, job: &ClaimedJob, lease: &Lease) -> Result<(), WorkError> {
        let (began, prefix) = (Instant::now(), attempt_prefix(job));
        let asset = self.asset(job).await?;
        let plan = self.stored_plan(&asset).await?;
        let (video, stills) = plan.video.as_ref().zip(plan.stills.as_ref()).ok_or_else(|| unplanned("stills"))?;
        let media = self.media_of(&asset).await?;
        let sink = AttemptSink::of_stills(media.clone(), prefix.clone(), early_poster_key(&asset));
        let mut session = self.session(job, &media, lease).await?;
        let engine = session.identity().to_owned();
        let made =
            track::make_stills(&mut session, StillsOrder::poster(video, stills), &sink, report_progress(lease)).await?;
        session.close().await;
        self.commit_made(job, None, Made { prefix, engine, duration_ms: elapsed_ms(began), made }).await
    }

    pub(super) async fn read_text(&self, job: &ClaimedJob, lease: &Lease) -> Result<(), WorkError> {
        let (began, prefix) = (Instant::now(), attempt_prefix(job));
        let asset = self.asset(job).await?;
        let plan = self.stored_plan(&asset).await?;
        let media = self.media_of(&asset).await?;
        let sink = AttemptSink::new(media.clone(), prefix.clone(), None);
        let mut session = self.session(job, &media, lease).await?;
        let engine = session.identity().to_owned();
        let grid = text_grid(&plan)?;
        let key = media.work_key("text", &engine, &(&plan.text, grid.scale, &grid.borders));
        let copy = (&sink, &prefix[..]);
        if let Some(made) = self.made_again::<Vec<TextPart>>((job, lease), key.as_ref(), copy).await? {
            session.close().await;
            return self.commit_made(job, key, Made { duration_ms: elapsed_ms(began), ..made }).await;
        }
        let made = track::read_text(&mut session, &plan, &sink, report_progress(lease)).await?;
        session.close().await;
        self.commit_made(job, key, Made { prefix, engine, duration_ms: elapsed_ms(began), made }).await
    }

    /// Commits what was made, with what it follows from.
    async fn commit_made<T: Serialize>(
        &self,
        job: &ClaimedJob,
        key: Option<String>,
        made: Made<T>,
    ) -> Result<(), WorkError> {
        let result = serde_json::to_value(made).map_err(|error| WorkError::Engine(error.to_string()))?;
        self.commit(job, Outcome { result, key }, None).await
    }
}

fn elapsed_ms(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

fn unplanned(what: &str) -> WorkError {
    WorkError::Engine(format!("the plan has no {what}"))
}
