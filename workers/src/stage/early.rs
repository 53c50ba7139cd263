//! A recording that is played before it is made: its lowest rendition and its sound go to the planned generation segment
//! by segment, as the encoders give them.

use std::sync::{Arc, Mutex, PoisonError};

use asset_store::AssetRow;
use bytes::Bytes;
use drm::SegmentEncryptor;
use media_store::{MediaStore, PutNew};
use media_types::{AudioCodec, EncodePlan, PlaybackId, publication};
use packager::{protected_segment, segment_path};
use pipeline::POSTER;

use super::Workshop;
use super::objects::learned_prefix;
use super::protect::TrackKeys;
use crate::error::WorkError;
use crate::track::{FinishedSegment, TrackHead, audio_track, video_track};

/// Key of what is known of a track before it is made. Every attempt at it says the same.
pub(super) fn head_key(asset: &AssetRow, track: &str) -> String {
    format!("{}tracks/{track}.json", learned_prefix(asset))
}

/// Key under which viewers find an asset's poster before the asset is made, if it is played before that.
pub(super) fn early_poster_key(asset: &AssetRow) -> Option<String> {
    let planned = asset.flow.plan.as_ref().and_then(|plan| plan.planned_generation)?;
    Some(publication::generation_key(&asset.playback_id, planned, POSTER))
}

/// Folder names of the tracks that are played before they are made: the lowest rendition's, and the first sound track's.
pub(super) fn early_tracks(plan: &EncodePlan) -> (Option<String>, Option<String>) {
    let lowest = plan.video.as_ref().and_then(|video| video.renditions.first());
    (
        lowest.map(|rendition| video_track(&rendition.name)),
        plan.audio.first().map(|audio| audio_track(audio, AudioCodec::Aac)),
    )
}

/// One track of a planned generation.
pub(super) struct EarlyTrack {
    media: Arc<dyn MediaStore>,
    asset: AssetRow,
    playback: PlaybackId,
    generation: u64,
    track: String,
    keys: Option<TrackKeys>,
    state: Mutex<State>,
}

enum State {
    /// Nothing is known of the track yet, or it is not the one that was promised.
    Closed,
    Clear,
    Encrypted(Box<SegmentEncryptor>),
}

impl Workshop {
    /// The asset's track of this name, if it is played before it is made.
    pub(super) async fn early_track(
        &self,
        asset: &AssetRow,
        track: Option<String>,
    ) -> Result<Option<EarlyTrack>, WorkError> {
        let planned = asset.flow.plan.as_ref().and_then(|plan| plan.planned_generation);
        let (Some(generation), Some(track)) = (planned, track) else { return Ok(None) };
        let keys = match asset.protection {
            Some(scheme) => Some(self.track_keys(asset, scheme).await?),
            None => None,
        };
        Ok(Some(EarlyTrack {
            media: self.media.clone(),
            asset: asset.clone(),
            playback: asset.playback_id.clone(),
            generation,
            track,
            keys,
            state: Mutex::new(State::Closed),
        }))
    }
}

impl EarlyTrack {
    pub(super) fn is(&self, track: &str) -> bool {
        self.track == track
    }

    /// Learns what the track will be, and says so to those who write its playlists.
    pub(super) async fn begin(&self, head: &TrackHead) -> Result<(), WorkError> {
        let key = head_key(&self.asset, &self.track);
        let bytes = serde_json::to_vec(head).map_err(|error| WorkError::Storage(format!("{key}: {error}")))?;
        if self.media.put_new(&key, bytes.clone().into()).await? == PutNew::Exists
            && self.media.get(&key).await? != bytes
        {
            // A newer build: what it makes is whole by itself, and not what the playlists have promised.
            tracing::warn!(asset_id = %self.asset.id, track = %self.track, "this encoder makes another track than the one before");
            return Ok(());
        }
        let state = match &self.keys {
            None => State::Clear,
            Some(keys) => keys
                .encryptor(&head.track, &head.kind, &head.config)?
                .map_or(State::Clear, |(encryptor, _)| State::Encrypted(Box::new(encryptor))),
        };
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
        Ok(())
    }

    /// Puts a segment where viewers find it, unless another encode was there before: one is as good as the other.
    pub(super) async fn publish(&self, segment: &FinishedSegment<'_>) -> Result<(), WorkError> {
        let Some(bytes) = self.bytes_of(segment)? else { return Ok(()) };
        self.media.put_new(&self.key(segment.record.index), bytes).await?;
        Ok(())
    }

    /// Whether viewers have a segment.
    pub(super) async fn has(&self, index: u32) -> Result<bool, WorkError> {
        Ok(self.media.head(&self.key(index)).await?.is_some())
    }

    fn key(&self, index: u32) -> String {
        publication::generation_key(&self.playback, self.generation, &segment_path(&self.track, index))
    }

    fn bytes_of(&self, segment: &FinishedSegment<'_>) -> Result<Option<Bytes>, WorkError> {
        match &mut *self.state.lock().unwrap_or_else(PoisonError::into_inner) {
            State::Closed => Ok(None),
            State::Clear => Ok(Some(segment.bytes.clone())),
            State::Encrypted(encryptor) => {
                let sealed = protected_segment(segment.record, segment.hidden_ticks, &segment.bytes, encryptor)?;
                Ok(Some(sealed.bytes))
            }
        }
    }
}
