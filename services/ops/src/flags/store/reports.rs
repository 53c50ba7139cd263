//! What clients report: who they are, and how often they found a flag on or off.

use std::collections::BTreeMap;

use database::{DbError, args};
use media_types::TenantId;

use super::{FlagError, Store};
use crate::flags::model::{ClientRow, FlagRow, MAX_CLIENTS, MAX_FLAGS, UsageRow};
use crate::flags::sql;

/// How often a flag was found on and off.
pub(crate) struct Counted<'a> {
    pub(crate) key: &'a str,
    pub(crate) yes: i64,
    pub(crate) no: i64,
}

/// The most environments whose figures are shown of one flag.
const MAX_USAGE: i64 = 64;

impl Store {
    /// Adds to what was counted. Flags that are gone are left out.
    pub(crate) async fn count(
        &self,
        tenant: &TenantId,
        environment: &str,
        counted: &[Counted<'_>],
    ) -> Result<(), DbError> {
        let now_ms = self.now_ms();
        let mut tx = self.db.begin().await?;
        for Counted { key, yes, no } in counted {
            tx.execute(sql::COUNT_USE, args![tenant, *key, environment, *yes, *no, now_ms]).await?;
        }
        tx.commit().await
    }

    /// What was counted of a flag, by environment.
    pub(crate) async fn usage(&self, tenant: &TenantId, key: &str) -> Result<Vec<UsageRow>, FlagError> {
        Ok(self.db.all(sql::USAGE, args![tenant, key, MAX_USAGE]).await?)
    }

    /// All flags in the order of their keys, each with when it was asked for last, if ever.
    pub(crate) async fn last_uses(&self, tenant: &TenantId) -> Result<Vec<(FlagRow, Option<i64>)>, DbError> {
        let rows: Vec<FlagRow> = self.db.all(sql::ALL_FLAGS, args![tenant, MAX_FLAGS]).await?;
        let used: Vec<(String, i64)> = self.db.all(sql::LAST_USES, args![tenant, MAX_FLAGS]).await?;
        let used: BTreeMap<_, _> = used.into_iter().collect();
        let with_use = |row: FlagRow| {
            let used_ms = used.get(&row.key).copied();
            (row, used_ms)
        };
        Ok(rows.into_iter().map(with_use).collect())
    }

    /// Remembers an application; those that were silent for longest are forgotten.
    pub(crate) async fn seen(
        &self,
        tenant: &TenantId,
        (app_name, environment, sdk): (&str, &str, &str),
    ) -> Result<(), DbError> {
        let mut tx = self.db.begin().await?;
        tx.execute(sql::SEEN_CLIENT, args![tenant, app_name, environment, sdk, self.now_ms()]).await?;
        tx.execute(sql::FORGET_CLIENTS, args![tenant, MAX_CLIENTS]).await?;
        tx.commit().await
    }

    /// Applications, the latest first.
    pub(crate) async fn clients(&self, tenant: &TenantId) -> Result<Vec<ClientRow>, DbError> {
        self.db.all(sql::CLIENTS, args![tenant, MAX_CLIENTS]).await
    }
}
