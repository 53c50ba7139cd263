//! What viewers wait for while a recording is made.

use std::ops::Range;

use asset_flow::{Ahead, GONE_TO, Phase, Stage, WAITED_FOR, WATCHED, ahead};
use job_queue::{JobRow, JobState};
use media_types::{AssetId, TenantId};

use crate::apply::{lock, new_jobs};
use crate::{AssetStore, StoreError};

/// Jobs of one asset that may wait, or run, for viewers at a time. Who asks for more asks again.
pub const MAX_DEMANDED: usize = 16;
/// The same of all assets of a tenant.
pub const MAX_DEMANDED_OF_TENANT: i64 = 64;
/// Segments of an order that are made before a viewer who goes right there would lose patience.
const SOON: usize = 4;
/// The name of [`Stage::EncodeAhead`].
const ENCODE_AHEAD: &str = "encode_ahead";

impl AssetStore {
    /// Has `segment_count` segments of the lowest rendition, or of the sound, made next, beginning with `first_segment`, unless
    /// that one is on its way already. Returns whether they were added.
    ///
    /// Does nothing for an asset that is not being processed or not played before it is made.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the tenant has no such asset.
    pub async fn demand(
        &self,
        tenant: &TenantId,
        asset: &AssetId,
        (of, first_segment, segment_count): (Ahead, u32, u32),
        now_ms: i64,
    ) -> Result<bool, StoreError> {
        let mut tx = self.db().begin().await?;
        let row = lock(&mut tx, tenant, asset).await?;
        let early = row.flow.plan.as_ref().is_some_and(|plan| plan.planned_generation.is_some());
        if row.state != Phase::Processing || !early {
            return Ok(false);
        }
        let jobs = self.queue.open_jobs(&mut tx, tenant, asset, ENCODE_AHEAD).await?;
        let full = jobs.len() >= MAX_DEMANDED;
        let orders: Vec<_> = jobs.into_iter().filter_map(|job| Order::from(job, of)).collect();
        if full || orders.iter().any(|order| order.comes_soon_to(first_segment)) {
            return Ok(false);
        }
        // What follows may be on its way, with others before it: then only what is waited for overtakes them.
        let then = first_segment.saturating_add(WAITED_FOR);
        let ordered = orders.iter().any(|order| order.segments.contains(&then));
        let count = if ordered { segment_count.min(WAITED_FOR) } else { segment_count };
        let at_once = self.queue.count_at(&mut tx, tenant, ENCODE_AHEAD, GONE_TO).await?;
        if at_once >= MAX_DEMANDED_OF_TENANT {
            return Ok(false);
        }
        let mut requests = ahead(of, first_segment, count);
        requests.iter_mut().filter(|job| job.priority == WATCHED).for_each(|job| job.priority = GONE_TO);
        self.queue.enqueue(&mut tx, now_ms, &new_jobs(&row, &requests)?).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// An encode ahead that is not done.
struct Order {
    segments: Range<u32>,
    /// Nothing that could be done next comes before it.
    next: bool,
}

impl Order {
    /// `None` for orders of the other kind.
    fn from(job: JobRow, wanted: Ahead) -> Option<Self> {
        match serde_json::from_value(job.payload) {
            Ok(Stage::EncodeAhead { of, first_segment, segment_count }) if of == wanted => Some(Self {
                segments: first_segment..first_segment.saturating_add(segment_count),
                next: job.state == JobState::Running || job.priority >= WATCHED,
            }),
            _ => None,
        }
    }

    /// Whether asking for a segment by itself would not bring it any sooner.
    fn comes_soon_to(&self, segment: u32) -> bool {
        self.next && self.segments.clone().take(SOON).any(|coming| coming == segment)
    }
}
