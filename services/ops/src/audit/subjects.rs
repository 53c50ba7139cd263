//! What is personal in entries: sealed under a key of whom it is about, opened for whoever may read the log, and gone with the key.

use std::collections::HashMap;

use database::{DbError, Tx, args};
use kernel::{Keyring, Sealed};
use media_types::TenantId;
use zeroize::Zeroizing;

use super::entry::{AuditChanges, AuditEntry, AuditOrigin, Personal};
use super::model::{EntryRow, LogRow};
use super::seal::{Place, open, seal};
use super::sql;
use super::store::{Audit, AuditError};
use super::views::EntryView;

/// Rows that one step of the rewrapping reads.
const PAGE: i64 = 100;

/// The parts of an entry that are sealed: where it came from, by the key of whoever asked, and what it changed, by that of whom it was
/// done to.
const ORIGIN: &str = "origin";
const CHANGE: &str = "change";

/// A key; `None` of somebody who was erased.
type Key = Option<Zeroizing<[u8; 32]>>;

/// The keys that are in use at the moment, by the ids of subjects.
pub(crate) type Keys = HashMap<String, Key>;

database::row! {
    struct SubjectRow {
        secret: Option<Vec<u8>>,
        is_wrapped: bool,
    }
}

database::row! {
    struct WrappedRow {
        tenant_id: String,
        id: String,
        secret: Vec<u8>,
        is_wrapped: bool,
    }
}

impl SubjectRow {
    fn opened(self, keyring: &Keyring) -> Result<Key, AuditError> {
        let Some(bytes) = self.secret else { return Ok(None) };
        Ok(Some(keyring.open(&Sealed { bytes, is_wrapped: self.is_wrapped })?))
    }
}

/// Under whose key an entry has what it changed: that of the person it was done to, or of the tenant.
fn changed(entry: &AuditEntry) -> &str {
    entry.subject.as_deref().unwrap_or(&entry.tenant_id)
}

/// Erases what is personal of somebody from a tenant's log, by destroying the key that it is sealed under: entries stay as they are, with
/// all that is proven of them, and nothing that comes later of him is kept either. While a hold names him, or entries by or about him, it
/// is noted, and done by the first sweep behind that. Says whether he is gone.
pub(super) async fn erase(tx: &mut Tx, tenant: &TenantId, subject: &str, now_ms: i64) -> Result<bool, DbError> {
    // Who appends has this row: what he seals he has sealed before, or finds no key for.
    let _: Option<LogRow> = tx.optional(sql::LOCK_LOG, args![tenant]).await?;
    let (held,): (i64,) = tx.optional(sql::HELD, args![tenant, subject]).await?.ok_or(DbError::NoRow)?;
    let statement = if held > 0 { sql::ERASE_LATER } else { sql::ERASE };
    tx.execute(statement, args![tenant, subject, now_ms]).await?;
    Ok(held == 0)
}

impl Audit {
    /// Seals what is personal of an entry that is to be appended, within the transaction that appends it. Of somebody who was erased
    /// nothing is kept.
    pub(crate) async fn seal(
        &self,
        tx: &mut Tx,
        keys: &mut Keys,
        entry: &mut AuditEntry,
        personal: Personal,
    ) -> Result<(), AuditError> {
        let place = |part| Place { tenant: &entry.tenant_id, entry: &entry.id, part };
        let (mut origin, mut change) = (None, None);
        if let Some(text) = personal.origin {
            let key = self.key(tx, keys, &entry.tenant_id, &entry.actor).await?;
            origin = key.as_deref().map(|key| seal(key, place(ORIGIN), &text)).transpose()?;
        }
        if let Some(text) = personal.change {
            let key = self.key(tx, keys, &entry.tenant_id, changed(entry)).await?;
            change = key.as_deref().map(|key| seal(key, place(CHANGE), &text)).transpose()?;
        }
        (entry.sealed_origin, entry.sealed_change) = (origin, change);
        Ok(())
    }

    /// The key of a subject, which is drawn when there is none.
    async fn key<'k>(
        &self,
        tx: &mut Tx,
        keys: &'k mut Keys,
        tenant: &str,
        subject: &str,
    ) -> Result<&'k Key, AuditError> {
        if !keys.contains_key(subject) {
            let found: Option<SubjectRow> = tx.optional(sql::SUBJECT, args![tenant, subject]).await?;
            let key = match found {
                Some(row) => row.opened(&self.keyring)?,
                None => {
                    let (secret, Sealed { bytes, is_wrapped }) = self.keyring.draw()?;
                    let now_ms = (self.clock)();
                    tx.execute(sql::INSERT_SUBJECT, args![tenant, subject, bytes, is_wrapped, now_ms]).await?;
                    Some(secret)
                }
            };
            keys.insert(subject.to_owned(), key);
        }
        Ok(&keys[subject])
    }

    /// Entries for whoever may read the log, with what is personal in them as far as it was not erased.
    pub(crate) async fn views(&self, tenant: &TenantId, rows: Vec<EntryRow>) -> Result<Vec<EntryView>, AuditError> {
        let (mut keys, mut views) = (Keys::new(), Vec::with_capacity(rows.len()));
        for row in rows {
            // What somebody has changed is shown as it is: that is for the proof to say.
            let Ok(entry) = serde_json::from_str::<AuditEntry>(&row.entry) else {
                views.push(EntryView::from(row));
                continue;
            };
            let origin =
                self.opened(tenant, &mut keys, &entry, (ORIGIN, entry.actor.as_str(), &entry.sealed_origin)).await?;
            let change =
                self.opened(tenant, &mut keys, &entry, (CHANGE, changed(&entry), &entry.sealed_change)).await?;
            let is_erased = [(&entry.sealed_origin, &origin), (&entry.sealed_change, &change)];
            let is_erased = is_erased.into_iter().any(|(sealed, opened)| sealed.is_some() && opened.is_none());
            let origin: Option<AuditOrigin> = origin.and_then(|text| serde_json::from_str(&text).ok());
            let change: Option<AuditChanges> = change.and_then(|text| serde_json::from_str(&text).ok());
            views.push(EntryView { origin, change, is_erased, ..EntryView::from(row) });
        }
        Ok(views)
    }

    /// A part of an entry; `None` when it has none, or it was erased.
    async fn opened(
        &self,
        tenant: &TenantId,
        keys: &mut Keys,
        entry: &AuditEntry,
        (part, subject, sealed): (&'static str, &str, &Option<String>),
    ) -> Result<Option<String>, AuditError> {
        let Some(sealed) = sealed else { return Ok(None) };
        if !keys.contains_key(subject) {
            let found: Option<SubjectRow> = self.db.optional(sql::SUBJECT, args![tenant, subject]).await?;
            let key = found.map(|row| row.opened(&self.keyring)).transpose()?.flatten();
            keys.insert(subject.to_owned(), key);
        }
        let place = Place { tenant: tenant.as_str(), entry: &entry.id, part };
        Ok(keys[subject].as_deref().and_then(|key| open(key, place, sealed)))
    }

    /// Seals what is a secret of the log itself, under a key of its own.
    pub(super) async fn seal_text(
        &self,
        tx: &mut Tx,
        (tenant, subject): (&str, &str),
        part: &'static str,
        text: &str,
    ) -> Result<Option<String>, AuditError> {
        let mut keys = Keys::new();
        let key = self.key(tx, &mut keys, tenant, subject).await?;
        let place = Place { tenant, entry: subject, part };
        Ok(key.as_deref().map(|key| seal(key, place, text)).transpose()?)
    }

    /// What [`Audit::seal_text`] has sealed; `None` when its key is gone.
    pub(super) async fn open_text(
        &self,
        (tenant, subject): (&str, &str),
        part: &'static str,
        sealed: &str,
    ) -> Result<Option<String>, AuditError> {
        let found: Option<SubjectRow> = self.db.optional(sql::SUBJECT, args![tenant, subject]).await?;
        let key = found.map(|row| row.opened(&self.keyring)).transpose()?.flatten();
        let place = Place { tenant, entry: subject, part };
        Ok(key.as_deref().and_then(|key| open(key, place, sealed)))
    }

    /// Erases whom a hold has kept so far, where it does no more. Without word of that the keys would stay for good.
    pub(super) async fn erase_released(&self) -> Result<(), DbError> {
        let (mut tenant, mut subject) = (String::new(), String::new());
        loop {
            let page: Vec<(String, String)> = self.db.all(sql::TO_ERASE, args![&tenant, &subject, PAGE]).await?;
            let Some(last) = page.last() else { return Ok(()) };
            (tenant, subject) = last.clone();
            for (tenant, subject) in page {
                let Ok(tenant) = tenant.parse::<TenantId>() else { continue };
                let mut tx = self.db.begin().await?;
                erase(&mut tx, &tenant, &subject, (self.clock)()).await?;
                tx.commit().await?;
            }
        }
    }

    /// Wraps the keys of all subjects under the current key-encryption key; how many were not.
    pub(crate) async fn rewrap_subjects(&self) -> Result<u64, AuditError> {
        let (mut tenant, mut subject, mut changed) = (String::new(), String::new(), 0);
        loop {
            let page: Vec<WrappedRow> = self.db.all(sql::SUBJECTS, args![&tenant, &subject, PAGE]).await?;
            let Some(last) = page.last() else { return Ok(changed) };
            (tenant, subject) = (last.tenant_id.clone(), last.id.clone());
            for WrappedRow { tenant_id, id, secret, is_wrapped } in page {
                let sealed = Sealed { bytes: secret, is_wrapped };
                let Some(now) = self.keyring.resealed(&sealed)? else { continue };
                let mut tx = self.db.begin().await?;
                let args = args![tenant_id, id, now.bytes, now.is_wrapped, sealed.bytes];
                changed += tx.execute(sql::RESEAL_SUBJECT, args).await?;
                tx.commit().await?;
            }
        }
    }
}
