//! From one key-encryption key to the next. Media stay as they are: content keys do not change, only their wrapping.

use database::args;
use drm::WrappedKey;
use media_types::TenantId;

use crate::rows::{KeyName, parse_key_id};
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
    pub failures: Vec<KeyName>,
}

/// How far the rewrapping got; where the next step begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    kind: Kind,
    tenant: String,
    name: String,
}

/// The two tables of wrapped keys, in the order in which they are gone through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Content,
    Data,
}

impl Kind {
    const ALL: [Kind; 2] = [Kind::Content, Kind::Data];

    fn wrapped_under(self) -> &'static str {
        match self {
            Kind::Content => sql::CONTENT_KEYS_UNDER,
            Kind::Data => sql::DATA_KEYS_UNDER,
        }
    }

    fn save_rewrapped(self) -> &'static str {
        match self {
            Kind::Content => sql::SAVE_REWRAPPED,
            Kind::Data => sql::SAVE_REWRAPPED_DATA_KEY,
        }
    }

    fn name(self, text: &str) -> Result<KeyName, VaultError> {
        match self {
            Kind::Content => parse_key_id(text).map(KeyName::Content),
            Kind::Data => text.parse().map(KeyName::Data).map_err(|_| VaultError::Corrupt),
        }
    }
}

/// A key that lies under another key-encryption key than the current one.
struct Found {
    at: Position,
    wrapped: WrappedKey,
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
        let found = self.found_under(old, after).await?;
        let next = if found.len() == BATCH { found.last().map(|key| key.at.clone()) } else { None };
        let (mut done, mut updates) = (Rewrapped::default(), Vec::with_capacity(found.len()));
        for Found { at, wrapped } in found {
            let tenant: TenantId = at.tenant.parse().map_err(|_| VaultError::Corrupt)?;
            match self.rewrap(old, at.kind.name(&at.name)?, wrapped).await {
                Ok((kek_id, wrapped)) => {
                    let args = args![&tenant, at.name, old.as_str(), wrapped.as_bytes(), kek_id.as_str()];
                    updates.push((at.kind.save_rewrapped(), args));
                }
                Err(VaultError::Key { name, source }) if source.is_of_the_key() => {
                    tracing::warn!(%tenant, key = %name, kek_id = %old, "a key does not open and is left as it is");
                    done.failed += 1;
                    if done.failures.len() < NAMED_FAILURES {
                        done.failures.push(name);
                    }
                }
                Err(other) => return Err(other),
            }
        }
        if !updates.is_empty() {
            let mut tx = self.db.begin().await?;
            for (save, args) in updates {
                done.rewrapped += tx.execute(save, args).await?;
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

    /// The next keys that lie under `old`, at most [`BATCH`].
    async fn found_under(&self, old: &KekId, after: Option<Position>) -> Result<Vec<Found>, VaultError> {
        let mut found = Vec::new();
        for kind in Kind::ALL.into_iter().filter(|kind| after.as_ref().is_none_or(|after| after.kind <= *kind)) {
            let from = after.as_ref().filter(|after| after.kind == kind);
            let (tenant, name) = from.map_or(("", ""), |from| (&from.tenant, &from.name));
            let room = i64::try_from(BATCH - found.len()).unwrap_or(i64::MAX);
            let args = args![old.as_str(), tenant, name, room];
            let rows: Vec<(String, String, Vec<u8>)> = self.db.all(kind.wrapped_under(), args).await?;
            found.extend(rows.into_iter().map(|(tenant, name, wrapped)| Found {
                at: Position { kind, tenant, name },
                wrapped: WrappedKey::from_bytes(wrapped),
            }));
        }
        Ok(found)
    }

    /// A key's new wrapping, after it has been opened again: the old one is about to be overwritten.
    async fn rewrap(&self, old: &KekId, name: KeyName, wrapped: WrappedKey) -> Result<(KekId, WrappedKey), VaultError> {
        let failed = |source| VaultError::Key { name: name.clone(), source };
        let key = self.keks.unwrap(old, &wrapped).await.map_err(failed)?;
        let new = self.keks.wrap(&key).await.map_err(failed)?;
        let again = self.keks.unwrap(&new.kek_id, &new.wrapped).await.ok();
        if again.is_some_and(|again| again == key) {
            Ok((new.kek_id, new.wrapped))
        } else {
            Err(VaultError::Rewrap(name))
        }
    }
}
