//! What is taken in: limits of a tenant, and of all together.
//!
//! They are looked at when an upload is announced, and never again: what was taken in is seen through.

use database::{Tx, args};
use media_types::TenantId;

use crate::{AssetStore, StoreError, sql};

const DAY_MS: i64 = 86_400_000;

/// Limits; without a number there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Assets that are not ready yet, uploads under way among them. Of all together: those that are processed.
    pub open_assets: Option<u64>,
    /// Bytes of sources, as announced. Not of all together.
    pub stored_bytes: Option<u64>,
    /// Seconds that attempts at jobs may take in a day (UTC), as long as one place of a worker is theirs. Not of all together.
    pub cpu_s_per_day: Option<u64>,
}

/// Whose limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Of all tenants together.
    All,
    /// Of each tenant that has none of its own.
    Each,
    /// Of one tenant.
    Tenant(TenantId),
}

/// What a tenant has of what limits count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Assets that are not ready yet.
    pub open_assets: u64,
    /// Bytes of sources.
    pub stored_bytes: u64,
    /// Seconds that attempts which ended today have taken.
    pub cpu_s_today: u64,
}

/// A limit that stands in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OverLimit {
    /// So many of the tenant's assets are not ready yet.
    OpenAssets(u64),
    /// So many assets are processed, of all tenants.
    Processing(u64),
    /// So many bytes of sources are the most.
    StoredBytes(u64),
    /// So many seconds a day; the next one begins in so many.
    CpuSeconds {
        /// The limit.
        a_day: u64,
        /// Until there is more.
        again_in_s: u32,
    },
}

type Stored = (String, String, Option<i64>, Option<i64>, Option<i64>);

impl Whose {
    fn stored(&self) -> (&'static str, &str) {
        match self {
            Whose::All => ("all", ""),
            Whose::Each => ("each", ""),
            Whose::Tenant(tenant) => ("tenant", tenant.as_str()),
        }
    }

    fn read(scope: &str, name: &str) -> Result<Self, StoreError> {
        match scope {
            "all" => Ok(Whose::All),
            "each" => Ok(Whose::Each),
            "tenant" => Ok(Whose::Tenant(name.parse().map_err(|_| StoreError::Corrupt("limit"))?)),
            _ => Err(StoreError::Corrupt("limit")),
        }
    }
}

fn count(stored: i64) -> u64 {
    u64::try_from(stored).unwrap_or(0)
}

fn read((scope, name, open_assets, stored_bytes, cpu_s_per_day): Stored) -> Result<(Whose, Limits), StoreError> {
    let limits = Limits {
        open_assets: open_assets.map(count),
        stored_bytes: stored_bytes.map(count),
        cpu_s_per_day: cpu_s_per_day.map(count),
    };
    Ok((Whose::read(&scope, &name)?, limits))
}

impl AssetStore {
    /// All limits that are set, at most 10,000.
    pub async fn limits(&self) -> Result<Vec<(Whose, Limits)>, StoreError> {
        let rows: Vec<Stored> = self.db().all(sql::LIMITS, args![]).await?;
        rows.into_iter().map(read).collect()
    }

    /// The limits that hold for a tenant.
    pub async fn limits_of(&self, tenant: &TenantId) -> Result<Limits, StoreError> {
        let rows: Vec<Stored> = self.db().all(sql::LIMITS_OF, args![tenant]).await?;
        Ok(Held::of(rows)?.tenant)
    }

    /// Sets limits in place of former ones; without any number there are none, and for a tenant those of
    /// [`Whose::Each`] hold again.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for numbers beyond 63 bits, and for all together for more than `open_assets`.
    pub async fn set_limits(&self, whose: &Whose, limits: &Limits) -> Result<(), StoreError> {
        let Limits { open_assets, stored_bytes, cpu_s_per_day } = *limits;
        if *whose == Whose::All && (stored_bytes.is_some() || cpu_s_per_day.is_some()) {
            return Err(StoreError::Invalid { field: "limits", reason: "of all together count open assets alone" });
        }
        let stored = |number: Option<u64>| number.map(i64::try_from).transpose();
        let too_large = |_| StoreError::Invalid { field: "limits", reason: "fit in 63 bits" };
        let (scope, name) = whose.stored();
        let mut tx = self.db().begin().await?;
        if *limits == Limits::default() {
            tx.execute(sql::DROP_LIMITS, args![scope, name]).await?;
        } else {
            let (open, bytes) = (stored(open_assets).map_err(too_large)?, stored(stored_bytes).map_err(too_large)?);
            let cpu = stored(cpu_s_per_day).map_err(too_large)?;
            tx.execute(sql::SET_LIMITS, args![scope, name, open, bytes, cpu]).await?;
        }
        Ok(tx.commit().await?)
    }

    /// What a tenant has of what limits count.
    pub async fn usage(&self, tenant: &TenantId, now_ms: i64) -> Result<Usage, StoreError> {
        let db = self.db();
        let open: Option<(i64,)> = db.optional(sql::OPEN_ASSETS, args![tenant]).await?;
        let stored: Option<(i64,)> = db.optional(sql::STORED_BYTES, args![tenant]).await?;
        let (open, stored) = (open.map_or(0, |(open,)| open), stored.map_or(0, |(stored,)| stored));
        let took_ms = self.queue.took_ms(tenant, now_ms).await?;
        Ok(Usage { open_assets: count(open), stored_bytes: count(stored), cpu_s_today: count(took_ms / 1_000) })
    }

    /// Refuses an upload for which there is no room. Until `tx` ends no other one is let in under the same limits.
    pub(crate) async fn admit(
        &self,
        tx: &mut Tx,
        tenant: &TenantId,
        size_bytes: u64,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let rows: Vec<Stored> = tx.all(sql::HOLD_LIMITS, args![tenant]).await?;
        if rows.is_empty() {
            return Ok(());
        }
        let Held { all, tenant: limits } = Held::of(rows)?;
        let full = |of: OverLimit| Err(StoreError::OverLimit(of));
        if let Some(most) = all.open_assets {
            let processed: Option<(i64,)> = tx.optional(sql::PROCESSED_ASSETS, args![]).await?;
            if processed.is_some_and(|(processed,)| count(processed) >= most) {
                return full(OverLimit::Processing(most));
            }
        }
        if let Some(most) = limits.open_assets {
            let open: Option<(i64,)> = tx.optional(sql::OPEN_ASSETS, args![tenant]).await?;
            if open.is_some_and(|(open,)| count(open) >= most) {
                return full(OverLimit::OpenAssets(most));
            }
        }
        if let Some(most) = limits.stored_bytes {
            let stored: Option<(i64,)> = tx.optional(sql::STORED_BYTES, args![tenant]).await?;
            if stored.map_or(0, |(stored,)| count(stored)).saturating_add(size_bytes) > most {
                return full(OverLimit::StoredBytes(most));
            }
        }
        if let Some(a_day) = limits.cpu_s_per_day {
            // Read beside the transaction: a moment more or less of work changes nothing.
            if count(self.queue.took_ms(tenant, now_ms).await? / 1_000) >= a_day {
                let left_ms = DAY_MS - now_ms.rem_euclid(DAY_MS);
                let again_in_s = u32::try_from(left_ms / 1_000 + 1).unwrap_or(u32::MAX);
                return full(OverLimit::CpuSeconds { a_day, again_in_s });
            }
        }
        Ok(())
    }
}

/// What holds for one tenant.
#[derive(Default)]
struct Held {
    all: Limits,
    tenant: Limits,
}

impl Held {
    /// Of the rows that may concern it: its own go before those of each.
    fn of(rows: Vec<Stored>) -> Result<Self, StoreError> {
        let (mut held, mut own) = (Self::default(), None);
        for row in rows {
            match read(row)? {
                (Whose::All, limits) => held.all = limits,
                (Whose::Each, limits) => held.tenant = limits,
                (Whose::Tenant(_), limits) => own = Some(limits),
            }
        }
        held.tenant = own.unwrap_or(held.tenant);
        Ok(held)
    }
}
