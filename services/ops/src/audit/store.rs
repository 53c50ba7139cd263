//! Logs in their tables.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use database::{Database, DbError, Row, Tx, Val, args};
use kernel::audit::transit::{self, Ended};
use kernel::{Clock, Cursor, Idempotency, Keyring, Sealed, SecretError};
use media_types::TenantId;

use super::entry::{AuditEntry, EXPIRED};
use super::model::{EntryRow, LogRow, Pack, Wanted};
use super::note::{Checkpoint, NoteError, Signer};
use super::sql;
use super::stream::Outlet;
use super::subjects::Keys;
use super::tree::{self, Frontier, Hash, Node, empty_root, leaf_hash};

/// Entries that one transaction appends, under one checkpoint.
pub(crate) const BATCH: usize = 256;
/// Logs that one step of the rewrapping reads.
const PAGE: i64 = 100;

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// There is no such entry.
    #[error("the log has no entry {0}")]
    NoEntry(u64),
    /// Its time was over.
    #[error("the time of entry {0} was over: its hash is what is left of it")]
    Expired(u64),
    /// A state that the log has not had, or what was not in it.
    #[error("there is no such proof: the log has {0} entries")]
    NoProof(u64),
    /// The tables lack something, or hold what cannot be: somebody has changed them.
    #[error("the tables of the log were changed: {0}")]
    Damaged(&'static str),
    /// What should be a checkpoint of this log.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The signing key: it does not open, or there is no randomness for one.
    #[error(transparent)]
    Key(#[from] SecretError),
    /// The database.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// The audit logs of a database, one of each tenant. Cheap to clone.
#[derive(Clone)]
pub struct Audit {
    pub(crate) db: Database,
    pub(super) clock: Clock,
    pub(super) keyring: Arc<Keyring>,
    pub(super) idempotency: Idempotency,
    pub(super) outlet: Outlet,
}

/// Where hashes are read: inside a transaction, or outside of any.
enum Source<'a> {
    Outside(&'a Database),
    Inside(&'a mut Tx),
}

impl Source<'_> {
    async fn all<T: Row>(&mut self, sql: &'static str, args: Vec<Val>) -> Result<Vec<T>, DbError> {
        match self {
            Self::Outside(db) => db.all(sql, args).await,
            Self::Inside(tx) => tx.all(sql, args).await,
        }
    }
}

impl Audit {
    /// Logs in `db`, whose keys are wrapped by `keyring`. They are sent to public machines alone.
    pub fn new(db: Database, clock: Clock, keyring: Keyring) -> Self {
        let idempotency = Idempotency::new(db.clone(), Arc::clone(&clock));
        Self { db, clock, keyring: Arc::new(keyring), idempotency, outlet: Outlet::public() }
    }

    /// A tenant's log; it is begun, with a key of its own, when there is none.
    pub(crate) async fn log(&self, tenant: &TenantId) -> Result<LogRow, AuditError> {
        if let Some(log) = self.db.optional(sql::LOG, args![tenant]).await? {
            return Ok(log);
        }
        let (seed, Sealed { bytes, is_wrapped }) = self.keyring.draw()?;
        let signer = Signer::new(&seed);
        let checkpoint = signer.sign(&Checkpoint { size: 0, root: empty_root() });
        let public_key = &signer.verifier().public_key()[..];
        let mut tx = self.db.begin().await?;
        tx.execute(sql::INSERT_LOG, args![tenant, checkpoint, public_key, bytes, is_wrapped, (self.clock)()]).await?;
        // Another process may have been first.
        let log = tx.optional(sql::LOG, args![tenant]).await?.ok_or(DbError::NoRow)?;
        tx.commit().await?;
        Ok(log)
    }

    /// Appends what waits of a tenant, up to [`BATCH`] entries, and signs the state after them; how many there were. One process does so at
    /// a time; others wait for it.
    pub(crate) async fn append(&self, tenant: &TenantId) -> Result<usize, AuditError> {
        self.log(tenant).await?;
        let mut tx = self.db.begin().await?;
        let log: LogRow = tx.optional(sql::LOCK_LOG, args![tenant]).await?.ok_or(DbError::NoRow)?;
        let mut ended = transit::take(&mut tx, tenant, BATCH as i64).await?;
        // What the log says of itself no request can say: who has written that into the transit has done so behind everybody's back.
        ended.iter_mut().filter(|one| one.action == EXPIRED).for_each(|one| one.state = "unknown".to_owned());
        if ended.is_empty() {
            return Ok(0);
        }
        let count = self.append_in(&mut tx, tenant, &log, ended).await?;
        tx.commit().await?;
        Ok(count)
    }

    /// Appends these to a log whose row the transaction has locked, and signs the state after them; how many there were.
    pub(super) async fn append_in(
        &self,
        tx: &mut Tx,
        tenant: &TenantId,
        log: &LogRow,
        ended: Vec<Ended>,
    ) -> Result<usize, AuditError> {
        let signer = Signer::new(&*self.keyring.open(&log.sealed())?);
        let source = Source::Inside(tx);
        let mut frontier = with_nodes(source, tenant, |nodes| Frontier::of(log.size(), nodes)).await?;
        let (count, mut whole, mut keys) = (ended.len(), Vec::new(), Keys::new());
        for (seq, ended) in (log.size..).zip(ended) {
            let time_ms = ended.time_ms;
            let (mut entry, personal) = AuditEntry::of(tenant.as_str(), ended);
            self.seal(tx, &mut keys, &mut entry, personal).await?;
            let text = entry.text();
            let leaf = leaf_hash(text.as_bytes());
            frontier.push(leaf, &mut whole);
            let AuditEntry { actor, action, resource, request_id, session, subject, .. } = entry;
            let mut args = args![tenant, seq, text, &leaf[..], actor, action, resource, request_id];
            args.extend(args![session, subject, time_ms]);
            tx.execute(sql::INSERT_ENTRY, args).await?;
        }
        for (Node { level, index }, hash) in whole {
            tx.execute(sql::INSERT_NODE, args![tenant, i64::from(level), stored(index), &hash[..]]).await?;
        }
        let checkpoint = Checkpoint { size: frontier.size(), root: frontier.root() };
        let args = args![tenant, log.size, stored(checkpoint.size), signer.sign(&checkpoint)];
        tx.execute(sql::ADVANCE, args).await?;
        Ok(count)
    }

    /// Entries that a search finds, newest first.
    pub(crate) async fn search(
        &self,
        tenant: &TenantId,
        wanted: &Wanted,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Vec<EntryRow>, AuditError> {
        let (time_ms, seq) = after.map_or((i64::MAX, i64::MAX), |place| (place.time_ms, place.id.parse().unwrap_or(0)));
        let Wanted { request_id, resource, action, actor, session, subject, pack, from_ms, to_ms } = wanted.clone();
        let sql = match (&request_id, &session, &resource, &subject, &action, &actor) {
            _ if pack == Some(Pack::Access) => sql::SEARCH_ACCESS,
            _ if pack == Some(Pack::Admin) => sql::SEARCH_ADMIN,
            (Some(_), ..) => sql::SEARCH_REQUEST,
            (_, Some(_), ..) => sql::SEARCH_SESSION,
            (_, _, Some(_), ..) => sql::SEARCH_RESOURCE,
            (_, _, _, Some(_), ..) => sql::SEARCH_SUBJECT,
            (.., Some(_), _) => sql::SEARCH_ACTION,
            (.., Some(_)) => sql::SEARCH_ACTOR,
            _ => sql::SEARCH,
        };
        let (from_ms, to_ms) = (from_ms.unwrap_or(i64::MIN), to_ms.unwrap_or(i64::MAX));
        let limit = i64::from(limit);
        let mut args = args![tenant, time_ms, seq, from_ms, to_ms, request_id, resource, action, actor];
        args.extend(args![session, subject, limit]);
        Ok(self.db.all(sql, args).await?)
    }

    /// One entry.
    pub(crate) async fn entry(&self, tenant: &TenantId, index: u64) -> Result<EntryRow, AuditError> {
        let row: Option<EntryRow> = self.db.optional(sql::ENTRY, args![tenant, stored(index)]).await?;
        let row = row.ok_or(AuditError::NoEntry(index))?;
        if row.entry.is_empty() { Err(AuditError::Expired(index)) } else { Ok(row) }
    }

    /// Entries in their order.
    pub(crate) async fn entries(&self, tenant: &TenantId, start: u64, limit: i64) -> Result<Vec<EntryRow>, DbError> {
        self.db.all(sql::ENTRIES, args![tenant, stored(start), limit]).await
    }

    /// That the entry of this index is in the state of `size` entries: its hash, and those beside its way to the root.
    pub(crate) async fn inclusion(
        &self,
        tenant: &TenantId,
        index: u64,
        size: u64,
    ) -> Result<(Hash, Vec<Hash>), AuditError> {
        let prove = |nodes: &mut dyn FnMut(Node) -> Hash| {
            (nodes(Node { level: 0, index }), tree::inclusion(index, size, nodes))
        };
        with_nodes(Source::Outside(&self.db), tenant, prove).await
    }

    /// That the state of `size` entries begins as that of `old` did.
    pub(crate) async fn consistency(&self, tenant: &TenantId, old: u64, size: u64) -> Result<Vec<Hash>, AuditError> {
        let prove = |nodes: &mut dyn FnMut(Node) -> Hash| tree::consistency(old, size, nodes);
        with_nodes(Source::Outside(&self.db), tenant, prove).await
    }

    /// Wraps every key of a log and of whom it is about under the current key-encryption key; how many were not.
    ///
    /// # Errors
    /// One that does not open, or the database.
    pub async fn rewrap(&self) -> Result<u64, AuditError> {
        let (mut after, mut changed) = (String::new(), self.rewrap_subjects().await?);
        loop {
            let page: Vec<(String, Vec<u8>, bool)> = self.db.all(sql::LOGS, args![after, PAGE]).await?;
            let Some((last, ..)) = page.last() else { return Ok(changed) };
            after = last.clone();
            for (tenant, bytes, is_wrapped) in page {
                let sealed = Sealed { bytes, is_wrapped };
                let Some(now) = self.keyring.resealed(&sealed)? else { continue };
                let mut tx = self.db.begin().await?;
                changed += tx.execute(sql::RESEAL, args![tenant, now.bytes, now.is_wrapped, sealed.bytes]).await?;
                tx.commit().await?;
            }
        }
    }
}

/// Makes something of stored hashes: once to learn which are needed, and once with them.
async fn with_nodes<T>(
    mut source: Source<'_>,
    tenant: &TenantId,
    make: impl Fn(&mut dyn FnMut(Node) -> Hash) -> T,
) -> Result<T, AuditError> {
    let mut needed = BTreeSet::new();
    make(&mut |node: Node| {
        needed.insert(node);
        [0; 32]
    });
    let mut known = BTreeMap::new();
    for (level, first, last) in tree::runs(&needed) {
        let (first, last) = (stored(first), stored(last));
        let rows: Vec<(i64, Vec<u8>)> = match level {
            0 => source.all(sql::LEAVES, args![tenant, first, last]).await?,
            _ => source.all(sql::NODES, args![tenant, i64::from(level), first, last]).await?,
        };
        for (index, hash) in rows {
            let hash: Hash = hash.try_into().map_err(|_| AuditError::Damaged("a hash has another length"))?;
            known.insert(Node { level, index: u64::try_from(index).unwrap_or_default() }, hash);
        }
    }
    if needed.iter().any(|node| !known.contains_key(node)) {
        return Err(AuditError::Damaged("a hash is missing"));
    }
    Ok(make(&mut |node: Node| known[&node]))
}

/// A count as it is stored.
pub(crate) fn stored(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
