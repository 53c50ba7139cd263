//! How long a log keeps what its entries say, and what is held all the same.
//!
//! An entry whose time is over loses its text and keeps its hash, so everything that is proven of the others holds on. Each time the
//! log says itself, in an entry, below which index that was: what lost its text beyond that has lost it to somebody else.

mod routes;
mod views;

use database::{DbError, Tx, args};
use kernel::audit::transit::Ended;
use kernel::{Cursor, Problem};
use media_types::TenantId;
use uuid::Uuid;

use super::entry::{AuditEntry, EXPIRED};
use super::model::LogRow;
use super::store::{Audit, AuditError};
use super::{codes, sql};

pub(super) use routes::{HOLD, RETAIN, mount};

/// The most holds of a tenant.
const MAX_HOLDS: i64 = 200;
/// Entries that one transaction empties.
const AT_ONCE: i64 = 500;
/// The fewest days: nobody gets rid of what he has just done.
const LEAST_DAYS: i64 = 90;
const DAY_MS: i64 = 24 * 3_600_000;
/// Rows that one read returns.
const PAGE: i64 = 200;

database::row! {
    /// How long a log keeps what its entries say.
    #[derive(Clone, Debug)]
    pub(super) struct RetentionRow {
        pub(super) days: i64,
        pub(super) swept_ms: i64,
        pub(super) updated_ms: i64,
    }
}

database::row! {
    /// What is kept for longer.
    #[derive(Clone, Debug)]
    pub(super) struct HoldRow {
        pub(super) id: String,
        pub(super) reason: String,
        pub(super) resource: Option<String>,
        pub(super) person: Option<String>,
        pub(super) from_ms: Option<i64>,
        pub(super) to_ms: Option<i64>,
        pub(super) created_by: String,
        pub(super) created_ms: i64,
    }
}

impl Audit {
    async fn retention(&self, tenant: &TenantId) -> Result<Option<RetentionRow>, DbError> {
        self.db.optional(sql::RETENTION, args![tenant]).await
    }

    /// Keeps what entries say for so many days from now on, or for good.
    pub(super) async fn retain(&self, tenant: &TenantId, days: Option<i64>) -> Result<Option<RetentionRow>, DbError> {
        let mut tx = self.db.begin().await?;
        match days {
            Some(days) => tx.execute(sql::RETAIN, args![tenant, days, (self.clock)()]).await?,
            None => tx.execute(sql::RETAIN_FOR_GOOD, args![tenant]).await?,
        };
        let row = tx.optional(sql::RETENTION, args![tenant]).await?;
        tx.commit().await?;
        Ok(row)
    }

    async fn holds(&self, tenant: &TenantId, after: Option<Cursor>, limit: u32) -> Result<Vec<HoldRow>, DbError> {
        let (time_ms, id) = Cursor::below(after);
        self.db.all(sql::HOLDS, args![tenant, time_ms, id, i64::from(limit)]).await
    }

    async fn hold(&self, tenant: &TenantId, id: &str) -> Result<HoldRow, Problem> {
        let row = self.db.optional(sql::HOLD, args![tenant, id]).await?;
        row.ok_or_else(|| Problem::not_found(codes::AUDIT_HOLD_NOT_FOUND, "there is no such hold"))
    }

    /// Ends a hold: what it alone has held is emptied by the next sweep.
    pub(super) async fn release(&self, tenant: &TenantId, id: &str) -> Result<(), Problem> {
        let mut tx = self.db.begin().await?;
        if tx.execute(sql::RELEASE, args![tenant, id]).await? == 0 {
            return Err(Problem::not_found(codes::AUDIT_HOLD_NOT_FOUND, "there is no such hold"));
        }
        tx.execute(sql::SWEEP_ANEW, args![tenant]).await?;
        Ok(tx.commit().await?)
    }

    /// Erases whom no hold keeps any more, and empties the entries of all tenants whose time is over. A log that does not take the word
    /// of that keeps them, and no other one waiting.
    pub(crate) async fn sweep(&self) -> Result<(), DbError> {
        self.erase_released().await?;
        let mut after = String::new();
        loop {
            let page: Vec<(String,)> = self.db.all(sql::RETENTIONS, args![&after, PAGE]).await?;
            let Some((last,)) = page.last() else { return Ok(()) };
            after = last.clone();
            for (tenant,) in page {
                let Ok(tenant) = tenant.parse::<TenantId>() else { continue };
                match self.empty_all(&tenant).await {
                    Err(AuditError::Database(error)) => return Err(error),
                    Err(error) => {
                        let error = kernel::problem::chain(&error);
                        tracing::warn!(tenant = %tenant, error = %error, "entries of the audit log stay beyond their time");
                    }
                    Ok(()) => {}
                }
            }
        }
    }

    pub(super) async fn empty_all(&self, tenant: &TenantId) -> Result<(), AuditError> {
        while self.empty(tenant).await? {}
        Ok(())
    }

    /// Empties some entries and says so in the log, in one transaction; whether there may be more.
    async fn empty(&self, tenant: &TenantId) -> Result<bool, AuditError> {
        let mut tx = self.db.begin().await?;
        let Some(log) = tx.optional::<LogRow>(sql::LOCK_LOG, args![tenant]).await? else { return Ok(false) };
        let Some(kept) = tx.optional::<RetentionRow>(sql::RETENTION, args![tenant]).await? else { return Ok(false) };
        let now_ms = (self.clock)();
        // Whoever has written fewer into the row did so behind everybody's back.
        let until_ms = now_ms - kept.days.max(LEAST_DAYS) * DAY_MS;
        let emptied: Vec<(i64,)> = tx.all(sql::EMPTY, args![tenant, kept.swept_ms, until_ms, AT_ONCE]).await?;
        let Some((last,)) = emptied.iter().max() else {
            tx.execute(sql::SWEPT, args![tenant, until_ms]).await?;
            tx.commit().await?;
            return Ok(false);
        };
        let told = Ended {
            id: Uuid::now_v7().simple().to_string(),
            actor: "service".to_owned(),
            action: EXPIRED.to_owned(),
            resource: AuditEntry::expired(last + 1),
            request_id: None,
            state: "done".to_owned(),
            status: None,
            time_ms: now_ms,
            context: None,
            changes: None,
        };
        self.append_in(&mut tx, tenant, &log, vec![told]).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// A hold that is to be made.
pub(super) struct NewHold {
    pub(super) tenant: TenantId,
    pub(super) row: HoldRow,
}

/// Makes a hold: what is there when this is committed stays.
pub(super) async fn make(tx: &mut Tx, new: NewHold) -> Result<HoldRow, Problem> {
    let NewHold { tenant, row } = new;
    // Who empties entries has this row.
    let _: Option<LogRow> = tx.optional(sql::LOCK_LOG, args![&tenant]).await?;
    let (count,): (i64,) = tx.optional(sql::COUNT_HOLDS, args![&tenant]).await?.ok_or(DbError::NoRow)?;
    if count >= MAX_HOLDS {
        let detail = format!("there are {MAX_HOLDS} holds, which is all that one tenant may have");
        return Err(Problem::invalid("", codes::AUDIT_TOO_MANY, detail));
    }
    let HoldRow { id, reason, resource, person, from_ms, to_ms, created_by, created_ms } = row.clone();
    let args = args![&tenant, id, reason, resource, person, from_ms, to_ms, created_by, created_ms];
    tx.execute(sql::INSERT_HOLD, args).await?;
    Ok(row)
}
