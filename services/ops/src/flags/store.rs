//! Flags and segments in their tables, with every version they had.

mod experiments;
mod keys;
pub(crate) mod reports;
pub(crate) mod requests;
pub(crate) mod segments;

use std::collections::BTreeMap;

use database::{Database, DbError, Tx, args, outbox};
use kernel::{Clock, Cursor, request_id};
use media_types::TenantId;
use serde::Serialize;
use serde_json::{Value, json};

use super::evaluate::Unreadable;
use super::model::{ChangeRow, Content, FlagRow, MAX_FLAGS, MAX_HISTORY, MAX_SEGMENTS, SegmentRow};
use super::sql;

pub(crate) use experiments::unit_of;

/// Whose flags are changed, and by whom: a word of [`kernel::Principal::actor`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct By<'a> {
    pub(crate) tenant: &'a TenantId,
    pub(crate) actor: &'a str,
}

/// What a change is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Flag,
    Segment,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Flag => "flag",
            Self::Segment => "segment",
        }
    }

    /// The event that tells of it.
    fn event(self) -> &'static str {
        match self {
            Self::Flag => "flag.changed",
            Self::Segment => "flag.segment_changed",
        }
    }
}

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FlagError {
    /// There is no such flag.
    #[error("there is no flag with this key")]
    NotFound,
    /// There is no such segment.
    #[error("there is no segment with this name")]
    NoSegment,
    /// It never had this version, or that is forgotten.
    #[error("there is no such version")]
    NoVersion,
    /// There is one already.
    #[error("there is a flag with this key already")]
    Exists,
    /// It was changed since it was read.
    #[error("it has changed since it was read")]
    Changed,
    /// There are as many as a tenant may have.
    #[error("there are {0} already, which is all that one tenant may have")]
    TooMany(i64),
    /// A flag refers to the segment.
    #[error("the flag {0} refers to the segment")]
    InUse(String),
    /// Somebody else has to approve what is changed in this environment.
    #[error("changes in the environment {0} need approval")]
    Guarded(String),
    /// Flags may not change.
    #[error("flags may only be turned off at the moment: {0}")]
    Frozen(String),
    /// There is no such request.
    #[error("there is no request with this id")]
    NoRequest,
    /// There is no such experiment.
    #[error("there is no experiment with this id")]
    NoExperiment,
    /// It is running, or one with the same flag is.
    #[error("an experiment with this flag is running in this environment")]
    Running,
    /// There is no such key of pages and apps.
    #[error("there is no such key of pages and apps")]
    NoKey,
    /// Somebody has decided on the request already, or its time has come.
    #[error("the request is {0}")]
    Decided(String),
    /// Nobody approves what he asks for.
    #[error("whoever has asked for it does not approve it")]
    OwnRequest,
    /// The database.
    #[error(transparent)]
    Database(#[from] DbError),
    /// They cannot be compiled, not even as flags that are off.
    #[error("flags could not be compiled")]
    Uncompiled(#[from] tokio::task::JoinError),
    /// What is stored is no flag.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
}

/// A version that a change makes.
struct Change<'a> {
    kind: Kind,
    name: &'a str,
    version: i64,
    action: &'a str,
    was: Option<Value>,
    became: Option<Value>,
}

/// The tables.
#[derive(Clone)]
pub(crate) struct Store {
    pub(super) db: Database,
    clock: Clock,
}

impl Store {
    pub(crate) fn new(db: Database, clock: Clock) -> Self {
        Self { db, clock }
    }

    pub(crate) fn now_ms(&self) -> i64 {
        (self.clock)()
    }

    /// The number of the latest change, 0 before the first.
    pub(crate) async fn head(&self, tenant: &TenantId) -> Result<i64, DbError> {
        let head: Option<(i64,)> = self.db.optional(sql::HEAD, args![tenant]).await?;
        Ok(head.map_or(0, |(seq,)| seq))
    }

    /// The number of the latest change of each tenant that has changed anything, read so many at a time.
    pub(crate) async fn heads(&self, page: i64) -> Result<BTreeMap<String, i64>, DbError> {
        let (mut heads, mut after) = (BTreeMap::new(), String::new());
        loop {
            let rows: Vec<(String, i64)> = self.db.all(sql::HEADS, args![&after, page]).await?;
            let is_last = i64::try_from(rows.len()).is_ok_and(|count| count < page);
            // By the engine's own order, which need not be that of the map.
            after = rows.last().map(|(tenant, _)| tenant.clone()).unwrap_or_default();
            heads.extend(rows);
            if is_last {
                return Ok(heads);
            }
        }
    }

    /// All flags by their keys, archived ones included.
    pub(crate) async fn contents(&self, tenant: &TenantId) -> Result<BTreeMap<String, Content>, DbError> {
        let rows: Vec<FlagRow> = self.db.all(sql::ALL_FLAGS, args![tenant, MAX_FLAGS]).await?;
        Ok(rows.into_iter().map(|row| (row.key, row.content.0)).collect())
    }

    pub(crate) async fn flag(&self, tenant: &TenantId, key: &str) -> Result<FlagRow, FlagError> {
        self.db.optional(sql::FLAG, args![tenant, key]).await?.ok_or(FlagError::NotFound)
    }

    /// Newest first.
    pub(crate) async fn flags(
        &self,
        tenant: &TenantId,
        archived: bool,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Vec<FlagRow>, FlagError> {
        let (time_ms, key) = Cursor::below(after);
        Ok(self.db.all(sql::LIST_FLAGS, args![tenant, archived, time_ms, key, i64::from(limit)]).await?)
    }

    pub(crate) async fn create(&self, by: By<'_>, key: &str, content: &Content) -> Result<FlagRow, FlagError> {
        let tenant = by.tenant;
        let mut tx = self.begin(tenant).await?;
        if tx.optional::<FlagRow>(sql::FLAG, args![tenant, key]).await?.is_some() {
            return Err(FlagError::Exists);
        }
        let (count,): (i64,) = tx.optional(sql::COUNT_FLAGS, args![tenant]).await?.ok_or(DbError::NoRow)?;
        if count >= MAX_FLAGS {
            return Err(FlagError::TooMany(count));
        }
        requests::permit(&mut tx, tenant, None, Some(content)).await?;
        check_segments(&mut tx, tenant, content).await?;
        let version = last_version(&mut tx, tenant, Kind::Flag, key).await? + 1;
        let became = json_of(content);
        let args = args![tenant, key, version, content.archived, became.clone(), self.now_ms()];
        let row = tx.optional(sql::INSERT_FLAG, args).await?.ok_or(DbError::NoRow)?;
        let change =
            Change { kind: Kind::Flag, name: key, version, action: "created", was: None, became: Some(became) };
        self.record(&mut tx, by, change).await?;
        tx.commit().await?;
        Ok(row)
    }

    /// Makes `content` of what `of` was.
    pub(crate) async fn change(
        &self,
        by: By<'_>,
        of: &FlagRow,
        action: &str,
        content: &Content,
    ) -> Result<FlagRow, FlagError> {
        let mut tx = self.begin(by.tenant).await?;
        requests::permit(&mut tx, by.tenant, Some(&of.content.0), Some(content)).await?;
        let row = self.change_in(&mut tx, by, of, action, content).await?;
        tx.commit().await?;
        Ok(row)
    }

    /// The same within a transaction, for what somebody has permitted.
    async fn change_in(
        &self,
        tx: &mut Tx,
        by: By<'_>,
        of: &FlagRow,
        action: &str,
        content: &Content,
    ) -> Result<FlagRow, FlagError> {
        let tenant = by.tenant;
        check_segments(tx, tenant, content).await?;
        let became = json_of(content);
        let args = args![tenant, &of.key, of.version, content.archived, became.clone(), self.now_ms()];
        let row: FlagRow = tx.optional(sql::UPDATE_FLAG, args).await?.ok_or(FlagError::Changed)?;
        let (kind, was) = (Kind::Flag, Some(json_of(&of.content.0)));
        let change = Change { kind, name: &of.key, version: row.version, action, was, became: Some(became) };
        self.record(tx, by, change).await?;
        Ok(row)
    }

    /// Removes a flag with what clients have reported of it; its history stays.
    pub(crate) async fn delete(&self, by: By<'_>, of: &FlagRow) -> Result<(), FlagError> {
        let tenant = by.tenant;
        let mut tx = self.begin(tenant).await?;
        requests::check_freeze(&mut tx).await?;
        if tx.execute(sql::DELETE_FLAG, args![tenant, &of.key, of.version]).await? == 0 {
            return Err(FlagError::Changed);
        }
        let (kind, was) = (Kind::Flag, Some(json_of(&of.content.0)));
        let change = Change { kind, name: &of.key, version: of.version + 1, action: "deleted", was, became: None };
        self.record(&mut tx, by, change).await?;
        Ok(tx.commit().await?)
    }

    /// Changes, newest first.
    pub(crate) async fn changes(
        &self,
        tenant: &TenantId,
        (kind, name): (Kind, &str),
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Vec<ChangeRow>, FlagError> {
        let below = after.map_or(i64::MAX, |cursor| cursor.time_ms);
        Ok(self.db.all(sql::CHANGES, args![tenant, kind.as_str(), name, below, i64::from(limit)]).await?)
    }

    /// What a flag was in one of its versions.
    pub(crate) async fn content_of(&self, tenant: &TenantId, key: &str, version: i64) -> Result<Content, FlagError> {
        let args = args![tenant, Kind::Flag.as_str(), key, version];
        let row: Option<ChangeRow> = self.db.optional(sql::CHANGE, args).await?;
        let content = row.and_then(|row| row.became).ok_or(FlagError::NoVersion)?;
        // Written by a version of this program that knew other fields, if it does not fit.
        serde_json::from_value(content.0).map_err(|_| FlagError::NoVersion)
    }

    /// A transaction that no other change of the tenant's flags runs beside.
    async fn begin(&self, tenant: &TenantId) -> Result<Tx, DbError> {
        let mut tx = self.db.begin().await?;
        bump(&mut tx, tenant).await?;
        Ok(tx)
    }

    async fn record(&self, tx: &mut Tx, By { tenant, actor }: By<'_>, change: Change<'_>) -> Result<(), DbError> {
        let Change { kind, name, version, action, was, became } = change;
        let (now_ms, request) = (self.now_ms(), request_id::current());
        let args = args![tenant, kind.as_str(), name, version, action, actor, request, was, became, now_ms];
        tx.execute(sql::INSERT_CHANGE, args).await?;
        tx.execute(sql::FORGET_CHANGES, args![tenant, kind.as_str(), name, version - MAX_HISTORY]).await?;
        let data = json!({ "key": name, "version": version, "action": action, "actor": actor });
        let kind = kind.event();
        let event = outbox::NewEvent { tenant_id: tenant, kind, subject: name, data, time_ms: now_ms };
        outbox::append(tx, &event).await?;
        Ok(())
    }
}

/// Has the changes of a tenant's flags come one after the other, and every process look for this one.
async fn bump(tx: &mut Tx, tenant: &TenantId) -> Result<(), DbError> {
    tx.optional::<(i64,)>(sql::BUMP, args![tenant]).await.map(drop)
}

async fn last_version(tx: &mut Tx, tenant: &TenantId, kind: Kind, name: &str) -> Result<i64, DbError> {
    let args = args![tenant, kind.as_str(), name];
    let (version,): (i64,) = tx.optional(sql::LAST_VERSION, args).await?.ok_or(DbError::NoRow)?;
    Ok(version)
}

/// Refuses what refers to a segment that somebody has just removed.
async fn check_segments(tx: &mut Tx, tenant: &TenantId, content: &Content) -> Result<(), FlagError> {
    if segments::named(content).next().is_none() {
        return Ok(());
    }
    let rows: Vec<SegmentRow> = tx.all(sql::SEGMENTS, args![tenant, MAX_SEGMENTS]).await?;
    let is_there = |name: &str| rows.iter().any(|row| row.name == name);
    if segments::named(content).all(is_there) { Ok(()) } else { Err(FlagError::Changed) }
}

fn json_of(content: &impl Serialize) -> Value {
    serde_json::to_value(content).expect("flags are plain data, which always has a JSON form")
}
