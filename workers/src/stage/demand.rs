//! What viewers wait for: from a file of a planned generation to an encode ahead of its range.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use asset_flow::{Ahead, Phase};
use asset_store::{AssetRow, AssetStore};
use media_store::MediaStore;
use media_types::{EncodePlan, PlaybackId, VideoPlan};
use packager::segment_path;

use super::early::early_tracks;
use super::objects;
use super::plans::Plans;
use crate::error::WorkError;

/// How far ahead of a viewer the lowest rendition is made alone. What lies further on comes with all renditions.
const AHEAD_MS: u64 = 60_000;
/// The same in segments, however short they are.
const MOST_AHEAD: u32 = 60;
/// A wish that was heard is not passed on again for so long: players ask again and again, and many at once.
const HEARD: Duration = Duration::from_secs(2);
/// Wishes remembered at a time.
const MOST_HEARD: usize = 4_096;

/// What was asked for a moment ago, and when.
#[derive(Default)]
struct Heard(Mutex<HashMap<(PlaybackId, String), Instant>>);

impl Heard {
    fn is_news(&self, playback: &PlaybackId, path: &str) -> bool {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (playback.clone(), path.to_owned());
        if heard.get(&key).is_some_and(|at| at.elapsed() < HEARD) {
            return false;
        }
        if heard.len() >= MOST_HEARD {
            heard.retain(|_, at| at.elapsed() < HEARD);
        }
        if heard.len() < MOST_HEARD {
            heard.insert(key, Instant::now());
        }
        true
    }
}

/// Takes what viewers wait for to the queue. Any process that has database and store can: whichever works does it.
pub struct Wishes {
    store: AssetStore,
    plans: Plans,
    heard: Heard,
}

impl Wishes {
    /// Wishes about the assets of `store`, whose media lie in `media`.
    pub fn new(store: AssetStore, media: Arc<dyn MediaStore>) -> Self {
        Self { store, plans: Plans::new(media), heard: Heard::default() }
    }

    /// Somebody waits for a file of a planned generation: its segment, and those that follow, are made next. Pictures to look at
    /// are on their way anyway. Returns whether it will come, as things stand.
    ///
    /// # Errors
    /// When the database or the store fails.
    pub async fn demand(&self, playback: &PlaybackId, path: &str) -> Result<bool, WorkError> {
        let underway = |asset: &AssetRow| asset.state == Phase::Processing;
        let Some(asset) = self.store.by_playback_id(playback).await?.filter(underway) else { return Ok(false) };
        let plan = self.plans.at(objects::plan_key(&asset)).await?;
        let Some((of, segment, segments)) = place(&plan, path) else { return Ok(true) };
        if !self.heard.is_news(playback, path) {
            return Ok(true);
        }
        // Segments of a presentation are equally long, but for the last.
        let length_ms = u64::try_from(plan.duration_ms).unwrap_or(0) / u64::from(segments).max(1);
        let count = u32::try_from(AHEAD_MS / length_ms.max(1)).unwrap_or(u32::MAX).clamp(1, MOST_AHEAD);
        if self.store.demand(&asset.tenant_id, &asset.id, (of, segment, count), self.store.now_ms()).await? {
            tracing::info!(asset_id = %asset.id, path, "a viewer waits");
        }
        Ok(true)
    }
}

/// Which segment a path means, and how many there are of its track; `None` for what is on its way anyway.
fn place(plan: &EncodePlan, path: &str) -> Option<(Ahead, u32, u32)> {
    let pictures = plan.video.as_ref().map(VideoPlan::segment_count);
    // One border lies between two segments.
    let sound =
        plan.audio.first().map(|audio| u32::try_from(audio.borders.len()).unwrap_or(u32::MAX).saturating_add(1));
    let (video, audio) = early_tracks(plan);
    [(Ahead::Pictures, video, pictures), (Ahead::Sound, audio, sound)].into_iter().find_map(|(of, track, segments)| {
        let (track, segments) = (track?, segments?);
        let segment = (0..segments).find(|&index| segment_path(&track, index) == path)?;
        Some((of, segment, segments))
    })
}
