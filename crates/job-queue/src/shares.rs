//! Where tenants stand: their rows, and what an attempt that ends does to them.

use std::collections::BTreeSet;

use database::{Tx, args};
use media_types::TenantId;

use crate::{JobQueue, QueueError, policy, sql};

/// For how many days it is kept what a tenant's attempts took.
const USAGE_KEPT_DAYS: i64 = 400;

/// A tenant's share, which nobody else changes until the transaction ends.
pub(crate) struct HeldShare<'a> {
    tenant: &'a TenantId,
    /// `None` for a tenant without a row, which stands at the virtual time.
    tag_ms: Option<i64>,
}

impl HeldShare<'_> {
    /// Charges what an attempt that ended took instead of what was estimated, and keeps account of it.
    pub(crate) async fn end(
        &self,
        tx: &mut Tx,
        estimate_ms: i64,
        actual_ms: i64,
        now_ms: i64,
    ) -> Result<(), QueueError> {
        self.settle(tx, estimate_ms, actual_ms).await?;
        tx.execute(sql::USE, args![self.tenant, day(now_ms), actual_ms.max(0)]).await?;
        Ok(())
    }

    /// Charges what an attempt took instead of what was estimated.
    pub(crate) async fn settle(&self, tx: &mut Tx, estimate_ms: i64, actual_ms: i64) -> Result<(), QueueError> {
        let Some(tag_ms) = self.tag_ms else { return Ok(()) };
        let settled_ms = policy::settle(tag_ms, estimate_ms, actual_ms);
        if settled_ms != tag_ms {
            tx.execute(sql::SETTLE, args![self.tenant, settled_ms]).await?;
        }
        Ok(())
    }
}

/// Days since 1970.
fn day(now_ms: i64) -> i64 {
    now_ms.div_euclid(86_400_000)
}

impl JobQueue {
    /// How long the attempts of a tenant took that ended on the day of `now_ms`, in milliseconds. Those that were lost or
    /// handed back are not counted.
    pub async fn took_ms(&self, tenant: &TenantId, now_ms: i64) -> Result<i64, QueueError> {
        let used: Option<(i64,)> = self.database().optional(sql::USED, args![tenant, day(now_ms)]).await?;
        Ok(used.map_or(0, |(took_ms,)| took_ms))
    }

    /// Held before any job of the tenant, so that no two transactions wait for each other.
    pub(crate) async fn hold_share<'a>(&self, tx: &mut Tx, tenant: &'a TenantId) -> Result<HeldShare<'a>, QueueError> {
        let held: Option<(i64,)> = tx.optional(sql::HOLD_SHARE, args![tenant]).await?;
        Ok(HeldShare { tenant, tag_ms: held.map(|(tag_ms,)| tag_ms) })
    }

    /// Gives tenants that have none a share.
    pub(crate) async fn add_shares(
        &self,
        tx: &mut Tx,
        tenants: impl Iterator<Item = &TenantId>,
    ) -> Result<(), QueueError> {
        for tenant in tenants.collect::<BTreeSet<_>>() {
            let there: Option<(String,)> = tx.optional(sql::HAS_SHARE, args![tenant]).await?;
            if there.is_none() {
                tx.execute(sql::ADD_SHARE, args![tenant]).await?;
            }
        }
        Ok(())
    }

    /// Gives a share to tenants whose jobs were enqueued by a version that keeps none, and drops those that say nothing any
    /// more: now and then, by any worker.
    pub async fn tidy_shares(&self) -> Result<(), QueueError> {
        let mut tx = self.database().begin().await?;
        let added = tx.execute(sql::ADD_SHARES, args![]).await?;
        tx.execute(sql::DROP_SHARES, args![policy::MAX_BEHIND_MS]).await?;
        tx.execute(sql::DROP_USAGE, args![day(self.now_ms()) - USAGE_KEPT_DAYS]).await?;
        if added > 0 {
            tx.wake();
        }
        Ok(tx.commit().await?)
    }
}
