//! From one key-encryption key to the next. Media stay as they are: content keys do not change, only their wrapping.

use database::args;
use drm::{KeyId, WrappedKey};
use media_types::TenantId;

use crate::rows::parse_key_id;
use crate::{KekId, KeyVault, VaultError, sql};

/// Keys that are rewrapped between two looks at the database.
const BATCH: usize = 100;
/// Keys that do not open, of which the report has the names.
const NAMED_FAILURES: usize = 16;
/// Key-encryption keys that one count lists.
const MAX_COUNTED: i64 = 100;

/// What was rewrapped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rewrapped {
    /// Keys that are wrapped under the current key-encryption key now and were not before.
    pub rewrapped: u64,
    /// Keys that did not open and stay as they are.
    pub failed: u64,
    /// The names of the first of those, at most 16.
    pub failures: Vec<KeyId>,
}

/// How far the rewrapping got; where the next step begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    tenant: String,
    key_id: String,
}

/// One bounded step of rewrapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RewrapStep {
    /// What this step did.
    pub done: Rewrapped,
    /// Where to go on; `None` at the end.
    pub next: Option<Position>,
}

impl KeyVault {
    /// Wraps every key that lies under `old` under the current key-encryption key instead, in steps of 100. It may be
    /// stopped and begun again at any time, also on several machines at once: what is done stays done. A key that does not
    /// open stays as it is, and is counted. Media are not touched.
    ///
    /// Keys that another process stores under `old` meanwhile may be left: [`count_by_kek`](Self::count_by_kek) says when
    /// `old` is no longer needed.
    ///
    /// # Errors
    /// `old` is the current one, either is not available, or the database refuses.
    pub async fn rewrap_all(&self, old: &KekId) -> Result<Rewrapped, VaultError> {
        let (mut total, mut after) = (Rewrapped::default(), None);
        loop {
            let RewrapStep { done, next } = self.rewrap_step(old, after).await?;
            total.rewrapped += done.rewrapped;
            total.failed += done.failed;
            total.failures.extend(done.failures);
            total.failures.truncate(NAMED_FAILURES);
            after = next;
            if after.is_none() {
                return Ok(total);
            }
        }
    }

    /// One step of [`rewrap_all`](Self::rewrap_all), from the beginning when `after` is `None`.
    ///
    /// # Errors
    /// As there; nothing of the step is kept then.
    pub async fn rewrap_step(&self, old: &KekId, after: Option<Position>) -> Result<RewrapStep, VaultError> {
        if self.keks.current_id().await.map_err(VaultError::Kek)? == *old {
            return Err(VaultError::Invalid("already lie under the current key-encryption key"));
        }
        let from = after.unwrap_or(Position { tenant: String::new(), key_id: String::new() });
        let args = args![old.as_str(), from.tenant, from.key_id, i64::try_from(BATCH).unwrap_or(i64::MAX)];
        let rows: Vec<(String, String, Vec<u8>)> = self.db.all(sql::WRAPPED_UNDER, args).await?;
        let last = rows.last().map(|(tenant, key_id, _)| Position { tenant: tenant.clone(), key_id: key_id.clone() });
        let next = if rows.len() == BATCH { last } else { None };
        let (mut done, mut updates) = (Rewrapped::default(), Vec::with_capacity(rows.len()));
        for (tenant, key_id, wrapped) in rows {
            let tenant: TenantId = tenant.parse().map_err(|_| VaultError::Corrupt)?;
            let id = parse_key_id(&key_id)?;
            match self.rewrap(old, id, WrappedKey::from_bytes(wrapped)).await {
                Ok((kek_id, wrapped)) => {
                    updates.push(args![&tenant, key_id, old.as_str(), wrapped.as_bytes(), kek_id.as_str()])
                }
                Err(VaultError::Key { key_id, source }) if source.is_of_the_key() => {
                    tracing::warn!(%tenant, %key_id, kek_id = %old, "a content key does not open and is left as it is");
                    done.failed += 1;
                    if done.failures.len() < NAMED_FAILURES {
                        done.failures.push(key_id);
                    }
                }
                Err(other) => return Err(other),
            }
        }
        if !updates.is_empty() {
            let mut tx = self.db.begin().await?;
            for args in updates {
                done.rewrapped += tx.execute(sql::SAVE_REWRAPPED, args).await?;
            }
            tx.commit().await?;
        }
        Ok(RewrapStep { done, next })
    }

    /// Under which key-encryption keys how many keys lie, by their names. One that is not listed may be removed.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn count_by_kek(&self) -> Result<Vec<(KekId, u64)>, VaultError> {
        let (mut counts, mut after) = (Vec::new(), String::new());
        loop {
            let rows: Vec<(String, i64)> = self.db.all(sql::COUNT_BY_KEK, args![after, MAX_COUNTED]).await?;
            let Some((last, _)) = rows.last() else { return Ok(counts) };
            after = last.clone();
            for (kek_id, count) in rows {
                let kek_id = KekId::new(kek_id).ok_or(VaultError::Corrupt)?;
                counts.push((kek_id, u64::try_from(count).map_err(|_| VaultError::Corrupt)?));
            }
        }
    }

    /// A key's new wrapping, after it has been opened again: the old one is about to be overwritten.
    async fn rewrap(&self, old: &KekId, key_id: KeyId, wrapped: WrappedKey) -> Result<(KekId, WrappedKey), VaultError> {
        let failed = |source| VaultError::Key { key_id, source };
        let key = self.keks.unwrap(old, &wrapped).await.map_err(failed)?;
        let new = self.keks.wrap(&key).await.map_err(failed)?;
        let again = self.keks.unwrap(&new.kek_id, &new.wrapped).await.map_err(|_| VaultError::Rewrap(key_id))?;
        if again == key { Ok((new.kek_id, new.wrapped)) } else { Err(VaultError::Rewrap(key_id)) }
    }
}
