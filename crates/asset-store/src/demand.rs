//! What viewers wait for while a recording is made.

use asset_flow::{Ahead, Phase, Stage, ahead};
use media_types::{AssetId, TenantId};
use serde_json::Value;

use crate::apply::{lock, new_jobs};
use crate::{AssetStore, StoreError};

/// Jobs of one asset that may wait, or run, for viewers at a time. Who asks for more asks again.
pub const MAX_DEMANDED: usize = 16;
/// Segments of an order that are made before a viewer who goes right there would lose patience.
const SOON: u32 = 4;
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
        let orders = self.queue.open_payloads(&mut tx, tenant, asset, ENCODE_AHEAD).await?;
        if !is_wanted(orders, of, first_segment) {
            return Ok(false);
        }
        self.queue.enqueue(&mut tx, now_ms, &new_jobs(&row, &ahead(of, first_segment, segment_count))?).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// Whether a segment has to be asked for: no order comes to it soon, and there are not too many.
fn is_wanted(orders: Vec<Value>, wanted: Ahead, segment: u32) -> bool {
    let covers = |order: Value| match serde_json::from_value(order) {
        Ok(Stage::EncodeAhead { of, first_segment, segment_count }) => {
            let soon = segment_count.min(SOON);
            of == wanted && (first_segment..first_segment.saturating_add(soon)).contains(&segment)
        }
        _ => false,
    };
    orders.len() < MAX_DEMANDED && !orders.into_iter().any(covers)
}
