//! Whether a log is what was signed: all of it is read and hashed again.

use std::fmt;

use database::{DbError, args};
use kernel::rfc3339;
use media_types::TenantId;

use super::entry::AuditEntry;
use super::model::{EntryRow, LogRow};
use super::note::{Checkpoint, NoteError};
use super::sql;
use super::store::{Audit, AuditError, stored};
use super::tree::{Frontier, Hash, Node, leaf_hash};

/// Entries that one read takes in.
const PAGE: i64 = 1000;
/// Faults that are told one by one.
const MAX_TOLD: usize = 100;

/// What is not as it was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The checkpoint of the log.
    Checkpoint(NoteError),
    /// There is another number of entries than the checkpoint says.
    Size {
        /// Entries that there are.
        found: u64,
        /// Entries that were signed.
        signed: u64,
    },
    /// So many entries that nobody has signed.
    Surplus(u64),
    /// There is no entry of this index, though there are later ones.
    Missing(u64),
    /// An entry whose text is not the one that was hashed.
    Edited(u64),
    /// An entry of which a search says something else than its text does.
    Relabelled(u64),
    /// An entry without a text, of which the log does not say that its time was over.
    Emptied(u64),
    /// A stored hash of 256 entries, or a power of that: proofs with it do not hold.
    Hash {
        /// Its entries are a power of 256; of which exponent.
        level: u32,
        /// Which one of those.
        index: u64,
    },
    /// Entries, or their order, are not those that were signed.
    Root,
    /// There are fewer entries than in the checkpoint that was kept elsewhere.
    Truncated {
        /// Entries that there are.
        found: u64,
        /// Entries at the time of that checkpoint.
        kept: u64,
    },
    /// Entries, or their order, are not those of the checkpoint that was kept elsewhere.
    Rewritten {
        /// Entries at the time of that checkpoint.
        kept: u64,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Checkpoint(error) => write!(f, "the log's checkpoint: {error}"),
            Self::Size { found, signed } => write!(f, "there are {found} entries, and {signed} were signed"),
            Self::Surplus(count) => write!(f, "{count} entries were put there that nobody has signed"),
            Self::Missing(index) => write!(f, "entry {index} is missing"),
            Self::Edited(index) => write!(f, "entry {index} was edited"),
            Self::Relabelled(index) => write!(f, "entry {index} is found as something else than it is"),
            Self::Emptied(index) => write!(f, "entry {index} was emptied before its time was over"),
            Self::Hash { level, index } => {
                write!(f, "the stored hash {index} of level {level} is not that of its entries")
            }
            Self::Root => f.write_str("entries were edited, or changed places"),
            Self::Truncated { found, kept } => write!(f, "there are {found} entries, and there were {kept} before"),
            Self::Rewritten { kept } => write!(f, "the first {kept} entries are not those that were there before"),
        }
    }
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Entries that were read.
    pub entries: u64,
    /// Of these, entries whose time was over: there are their hashes.
    pub emptied: u64,
    /// The name of the log and of its key.
    pub origin: String,
    /// The first hundred faults.
    pub faults: Vec<Fault>,
    /// How many there are.
    pub count: u64,
}

impl Verified {
    /// Whether nothing is wrong.
    pub fn is_fine(&self) -> bool {
        self.count == 0
    }

    fn add(&mut self, fault: Fault) {
        self.count += 1;
        if self.faults.len() < MAX_TOLD {
            self.faults.push(fault);
        }
    }
}

/// The log as far as it has been read.
struct Walk {
    frontier: Frontier,
    /// The index of the entry that is to come.
    next: u64,
    found: Verified,
    whole: Vec<(Node, Hash)>,
    /// What was kept elsewhere, until the walk has come there.
    kept: Option<Checkpoint>,
    /// The last entry that has no text, and below which index the log says that there are such.
    last_emptied: Option<u64>,
    expired_below: u64,
}

impl Walk {
    fn take(&mut self, row: &EntryRow) {
        let index = u64::try_from(row.seq).unwrap_or(u64::MAX);
        let gap = index.saturating_sub(self.next);
        (self.next..index).take(MAX_TOLD).for_each(|missing| self.found.add(Fault::Missing(missing)));
        self.found.count = self.found.count.saturating_add(gap.saturating_sub(MAX_TOLD as u64));
        self.next = index.saturating_add(1);
        let leaf = if row.entry.is_empty() { self.emptied(row, index) } else { self.whole(row, index) };
        self.found.entries += 1;
        self.frontier.push(leaf, &mut self.whole);
        self.compare();
    }

    fn whole(&mut self, row: &EntryRow, index: u64) -> Hash {
        let leaf = leaf_hash(row.entry.as_bytes());
        let entry = serde_json::from_str::<AuditEntry>(&row.entry).ok();
        if row.leaf_hash != leaf {
            self.found.add(Fault::Edited(index));
        } else if !entry.as_ref().is_some_and(|entry| is_labelled(row, entry)) {
            self.found.add(Fault::Relabelled(index));
        }
        let below = entry.and_then(|entry| entry.expired_below()).unwrap_or_default();
        self.expired_below = self.expired_below.max(below);
        leaf
    }

    /// One of which there is the hash alone, which the root proves.
    fn emptied(&mut self, row: &EntryRow, index: u64) -> Hash {
        self.last_emptied = Some(index);
        self.found.emptied += 1;
        row.leaf_hash.as_slice().try_into().unwrap_or_default()
    }

    /// Holds what was kept elsewhere against the state of that time.
    fn compare(&mut self) {
        if let Some(kept) = self.kept.take_if(|kept| kept.size == self.frontier.size())
            && kept.root != self.frontier.root()
        {
            self.found.add(Fault::Rewritten { kept: kept.size });
        }
    }
}

/// Whether the columns of an entry say what its text says.
fn is_labelled(row: &EntryRow, entry: &AuditEntry) -> bool {
    let columns = (&row.actor, &row.action, &row.resource, &row.request_id, &row.session, &row.subject);
    let said = (&entry.actor, &entry.action, &entry.resource, &entry.request_id, &entry.session, &entry.subject);
    columns == said && rfc3339(row.time_ms) == entry.time
}

impl Audit {
    /// Reads the whole log of a tenant and compares it with what was signed; with `since`, a checkpoint that was kept where nobody
    /// who can write to the database can write, also with what it was then.
    ///
    /// # Errors
    /// `since` is no checkpoint that this log has signed, there is no log, or the database.
    pub async fn verify(&self, tenant: &TenantId, since: Option<&str>) -> Result<Verified, AuditError> {
        let Some(log) = self.db.optional::<LogRow>(sql::LOG, args![tenant]).await? else {
            // Whoever has a checkpoint had a log.
            since.map_or(Ok(()), |_| Err(NoteError::OtherLog))?;
            let mut found = Verified::default();
            self.surplus(tenant, &mut found).await?;
            return Ok(found);
        };
        let verifier = log.verifier().ok_or(AuditError::Damaged("the public key has another length"))?;
        let kept = since.map(|note| verifier.open(note)).transpose()?;
        let signed = verifier.open(&log.checkpoint);
        let found = Verified { origin: verifier.name().to_owned(), ..Verified::default() };
        let (frontier, whole) = (Frontier::default(), Vec::new());
        let mut walk = Walk { frontier, next: 0, found, whole, kept, last_emptied: None, expired_below: 0 };
        walk.compare();
        // The log goes on meanwhile: what is appended now is not looked at.
        let bound = signed.as_ref().map_or(log.size(), |signed| signed.size);
        self.walk(tenant, bound, &mut walk).await?;
        let Walk { frontier, mut found, kept, last_emptied, expired_below, .. } = walk;
        if let Some(last) = last_emptied.filter(|last| *last >= expired_below) {
            found.add(Fault::Emptied(last));
        }
        match signed {
            Err(error) => found.add(Fault::Checkpoint(error)),
            Ok(signed) if signed.size != frontier.size() => {
                found.add(Fault::Size { found: frontier.size(), signed: signed.size });
            }
            Ok(signed) if signed.size != log.size() => {
                found.add(Fault::Size { found: log.size(), signed: signed.size });
            }
            Ok(signed) if signed.root != frontier.root() => found.add(Fault::Root),
            Ok(_) => {}
        }
        self.surplus(tenant, &mut found).await?;
        if let Some(kept) = kept {
            found.add(Fault::Truncated { found: frontier.size(), kept: kept.size });
        }
        Ok(found)
    }

    async fn surplus(&self, tenant: &TenantId, found: &mut Verified) -> Result<(), DbError> {
        let (count,): (i64,) = self.db.optional(sql::SURPLUS, args![tenant]).await?.ok_or(DbError::NoRow)?;
        if count > 0 {
            found.add(Fault::Surplus(u64::try_from(count).unwrap_or_default()));
        }
        Ok(())
    }

    /// Reads the entries below `bound`, and the hashes that are stored of them.
    async fn walk(&self, tenant: &TenantId, bound: u64, walk: &mut Walk) -> Result<(), DbError> {
        let mut next = 0;
        loop {
            let rows = self.entries(tenant, next, PAGE).await?;
            let rows: Vec<EntryRow> = rows.into_iter().filter(|row| row.seq < stored(bound)).collect();
            let Some(last) = rows.last() else { return Ok(()) };
            next = u64::try_from(last.seq).unwrap_or(u64::MAX).saturating_add(1);
            rows.iter().for_each(|row| walk.take(row));
            for (Node { level, index }, hash) in std::mem::take(&mut walk.whole) {
                let at = args![tenant, i64::from(level), stored(index), stored(index)];
                let there: Option<(i64, Vec<u8>)> = self.db.optional(sql::NODES, at).await?;
                if there.is_none_or(|(_, there)| there != hash) {
                    walk.found.add(Fault::Hash { level, index });
                }
            }
        }
    }
}
