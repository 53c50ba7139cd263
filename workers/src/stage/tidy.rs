//! Remove what nobody will ever read again.

use std::collections::BTreeSet;

use asset_flow::{GENERATION_KEPT_MS, Phase, RenewalPhase};
use asset_store::AssetRow;
use job_queue::{ClaimedJob, Lease};
use media_store::MAX_LISTED_KEYS;
use media_types::{GenerationIndex, publication};
use serde_json::json;

use super::Workshop;
use super::objects::{attempt_prefix, decided_key, plan_key, report_key};
use crate::error::WorkError;

impl Workshop {
    /// Removes generations that are half written or were superseded long ago, then what attempts wrote that no remaining
    /// generation refers to.
    pub(super) async fn tidy(&self, job: &ClaimedJob, lease: &Lease) -> Result<(), WorkError> {
        let asset = self.asset(job).await?;
        if asset.state == Phase::Errored && asset.source_sha256.is_none() {
            // It never was whole: what was made of its beginning is of no use to anybody.
            self.media.delete_prefix(&publication::published_prefix(&asset.playback_id)).await?;
            self.media.delete_prefix(&publication::work_prefix(&asset.id)).await?;
        } else if may_be_tidied(&asset) {
            let kept = self.tidy_generations(&asset, lease).await?;
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
        let since = asset.renewed_ms.or(asset.complete_ms);
        let long_ago = since.is_some_and(|at| self.store.now_ms() - at >= GENERATION_KEPT_MS);
        let mut kept = BTreeSet::new();
        let generations = self.generations(asset).await?;
        if !self.is_unchanged(asset).await? {
            return Err(WorkError::NotYet("a renewal has begun".to_owned()));
        }
        for generation in generations {
            lease.touch();
            let index = publication::index_key(&asset.playback_id, generation);
            // A renewal that was stopped after the pointer had moved leaves the asset with the one before.
            let known = Some(generation) == asset.flow.complete_generation;
            let served = generation == current || known || (generation < current && !long_ago);
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

    /// Whether nothing has begun to work on the asset since it was read: then what was listed after that belongs to nothing that
    /// is under way.
    async fn is_unchanged(&self, asset: &AssetRow) -> Result<bool, WorkError> {
        let now = self.store.asset(&asset.tenant_id, &asset.id).await?;
        Ok(now.is_some_and(|now| may_be_tidied(&now) && now.flow.making == asset.flow.making))
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
        let learned = [report_key(asset), plan_key(asset), decided_key(asset)];
        let mut after: Option<String> = None;
        loop {
            let keys = self.media.list(&prefix, after.as_deref(), MAX_LISTED_KEYS).await?;
            if !self.is_unchanged(asset).await? {
                return Err(WorkError::NotYet("a renewal has begun".to_owned()));
            }
            for key in keys.iter().filter(|key| !learned.contains(*key)) {
                if folder_of(asset, key).is_none_or(|folder| !kept.contains(&folder)) {
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

/// While other jobs work on the asset, nothing refers yet to what they wrote.
fn may_be_tidied(asset: &AssetRow) -> bool {
    let renewing = asset.flow.renewal.as_ref().is_some_and(|renewal| renewal.phase == RenewalPhase::Processing);
    matches!(asset.state, Phase::Ready | Phase::Errored) && !renewing
}

/// The folder of an attempt, of a later take or of a renewal that a key lies in; `None` for the first take's report and plan,
/// and for what is not the asset's work.
fn folder_of(asset: &AssetRow, key: &str) -> Option<String> {
    let inside = key.strip_prefix(&publication::work_prefix(&asset.id))?;
    inside.split_once('/').map(|(folder, _)| folder.to_owned())
}

#[cfg(test)]
mod tests;
