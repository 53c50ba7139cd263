//! Keys of pages and apps in their table.

use database::{DbError, Tx, args};
use media_types::TenantId;
use uuid::Uuid;

use super::{FlagError, Store, bump};
use crate::flags::fronts::Front;
use crate::flags::model::{KeyRow, MAX_KEYS};
use crate::flags::sql;

impl Store {
    /// All of them, newest first.
    pub(crate) async fn keys(&self, tenant: &TenantId) -> Result<Vec<KeyRow>, DbError> {
        self.db.all(sql::KEYS, args![tenant, MAX_KEYS]).await
    }

    pub(crate) async fn make_key(
        &self,
        tx: &mut Tx,
        tenant: &TenantId,
        (name, environment): (&str, &str),
    ) -> Result<KeyRow, FlagError> {
        bump(tx, tenant).await?;
        let (count,): (i64,) = tx.optional(sql::COUNT_KEYS, args![tenant]).await?.ok_or(DbError::NoRow)?;
        if count >= MAX_KEYS {
            return Err(FlagError::TooMany(count));
        }
        let id = format!("lfp_{}", Uuid::new_v4().simple());
        let args = args![tenant, id, name, environment, self.now_ms()];
        Ok(tx.optional(sql::INSERT_KEY, args).await?.ok_or(DbError::NoRow)?)
    }

    pub(crate) async fn delete_key(&self, tenant: &TenantId, id: &str) -> Result<(), FlagError> {
        let mut tx = self.begin(tenant).await?;
        if tx.execute(sql::DELETE_KEY, args![tenant, id]).await? == 0 {
            return Err(FlagError::NoKey);
        }
        Ok(tx.commit().await?)
    }

    /// What a key opens, of whichever tenant it is.
    pub(crate) async fn front(&self, key: &str) -> Result<Option<Front>, DbError> {
        let found: Option<(String, String)> = self.db.optional(sql::FRONT, args![key]).await?;
        Ok(found.and_then(|(tenant, environment)| Some(Front { tenant: tenant.parse().ok()?, environment })))
    }
}
