//! Remove what nobody will ever read again.

use std::collections::BTreeSet;

use asset_flow::{GENERATION_KEPT_MS, Phase};
use asset_store::AssetRow;
use job_queue::{ClaimedJob, Lease};
use media_store::MAX_LISTED_KEYS;
use media_types::{GenerationIndex, publication};
use serde_json::json;

use super::objects::{attempt_prefix, learned_prefix};
use super::{Workshop, now_ms};
use crate::error::WorkError;

impl Workshop {
    /// Removes generations that are half written or were superseded long ago, then what attempts wrote that no remaining
    /// generation refers to.
    pub(super) async fn tidy(&self, job: &ClaimedJob, lease: &Lease) -> Result<(), WorkError> {
        let asset = self.asset(job).await?;
        // While other jobs work on the asset, nothing refers yet to what they wrote.
        if asset.state == Phase::Errored && asset.source_sha256.is_none() {
            // It never was whole: what was made of its beginning is of no use to anybody.
            self.media.delete_prefix(&publication::published_prefix(&asset.playback_id)).await?;
            self.media.delete_prefix(&publication::work_prefix(&asset.id)).await?;
        } else if matches!(asset.state, Phase::Ready | Phase::Errored) {
            let mut kept = self.tidy_generations(&asset, lease).await?;
            kept.extend(folder_of(&asset, &learned_prefix(&asset)));
            self.tidy_attempts(&asset, &kept, lease).await?;
        }
        self.commit(job, json!({}), None).await
    }

    /// Removes what an attempt wrote, unless its result counts.
    pub(super) async fn discard_attempt(&self, job: &ClaimedJob) {
        let discarded = async {
            if !self.store.counts(job).await? {
                self.media.delete_prefix(&attempt_prefix(job)).await?;
            }
            Ok::<(), WorkError>(())
        };
        if let Err(error) = discarded.await {
            // The asset is tidied when it is complete.
            tracing::warn!(asset_id = %job.asset_id, job_id = %job.fence.job_id, %error, "a lost attempt's files stay for now");
        }
    }

    /// Returns the attempts' prefixes that the remaining generations refer to.
    async fn tidy_generations(&self, asset: &AssetRow, lease: &Lease) -> Result<BTreeSet<String>, WorkError> {
        let current = media_store::pointer::current(self.media.as_ref(), &asset.playback_id).await?;
        // What was played before it was made, and never will be, is served to nobody.
        let current = current.filter(|_| asset.flow.playable_generation.is_some());
        let current = current.map_or(0, |pointer| pointer.generation);
        let long_ago = asset.complete_ms.is_some_and(|at| now_ms() - at >= GENERATION_KEPT_MS);
        let mut kept = BTreeSet::new();
        for generation in self.generations(asset).await? {
            lease.touch();
            let index = publication::index_key(&asset.playback_id, generation);
            let served = generation == current || (generation < current && !long_ago);
            match self.settled_json::<GenerationIndex>(&index).await? {
                Some(index) if served => {
                    kept.extend(index.files.values().filter_map(|file| folder_of(asset, &file.key)));
                }
                None if generation == current => {
                    return Err(WorkError::Storage(format!("{index} is not in the store")));
                }
                _ => {
                    let folder = publication::generation_key(&asset.playback_id, generation, "");
                    self.media.delete_prefix(&folder).await?;
                }
            }
        }
        Ok(kept)
    }

    /// Every generation of which something is stored.
    async fn generations(&self, asset: &AssetRow) -> Result<BTreeSet<u64>, WorkError> {
        let prefix = publication::published_prefix(&asset.playback_id);
        let mut found = BTreeSet::new();
        let mut after: Option<String> = None;
        loop {
            let keys = self.media.list(&prefix, after.as_deref(), MAX_LISTED_KEYS).await?;
            let folders = keys.iter().filter_map(|key| key[prefix.len()..].split_once('/'));
            found.extend(folders.filter_map(|(folder, _)| folder.strip_prefix('g')?.parse::<u64>().ok()));
            match keys.last() {
                Some(last) if keys.len() == MAX_LISTED_KEYS => after = Some(last.clone()),
                _ => return Ok(found),
            }
        }
    }

    async fn tidy_attempts(&self, asset: &AssetRow, kept: &BTreeSet<String>, lease: &Lease) -> Result<(), WorkError> {
        let prefix = publication::work_prefix(&asset.id);
        let mut after: Option<String> = None;
        loop {
            let keys = self.media.list(&prefix, after.as_deref(), MAX_LISTED_KEYS).await?;
            for key in &keys {
                // What lies in no folder was learned of the first take.
                if folder_of(asset, key).map_or(asset.flow.take > 0, |folder| !kept.contains(&folder)) {
                    self.media.delete(key).await?;
                    lease.touch();
                }
            }
            match keys.last() {
                Some(last) if keys.len() == MAX_LISTED_KEYS => after = Some(last.clone()),
                _ => return Ok(()),
            }
        }
    }
}

/// The folder of an attempt, or of a later take, that a key lies in; `None` for the first take's report and plan, and for what
/// is not the asset's work.
fn folder_of(asset: &AssetRow, key: &str) -> Option<String> {
    let inside = key.strip_prefix(&publication::work_prefix(&asset.id))?;
    inside.split_once('/').map(|(folder, _)| folder.to_owned())
}

#[cfg(test)]
mod tests;
