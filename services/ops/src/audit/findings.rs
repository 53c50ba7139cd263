//! What somebody should look at: rules over entries as they come, whose findings are a list and events.

mod routes;
mod rules;

use database::{DbError, args, outbox};
use kernel::Cursor;
use media_types::TenantId;
use serde_json::json;
use uuid::Uuid;

use super::entry::AuditEntry;
use super::sql;
use super::store::{Audit, AuditError};

use rules::{Fact, Found, judge};

pub(super) use routes::mount;

/// Entries that are judged at once, and those before them that rules look back at.
const AT_ONCE: i64 = 256;
const BEFORE: i64 = 500;
/// Tenants that one read returns.
const PAGE: i64 = 200;

database::row! {
    /// What was found.
    #[derive(Clone, Debug, PartialEq)]
    pub(super) struct FindingRow {
        pub(super) id: String,
        pub(super) rule: String,
        pub(super) seq: i64,
        pub(super) actor: String,
        pub(super) count: i64,
        pub(super) time_ms: i64,
    }
}

impl Audit {
    /// Judges all entries that nobody has judged. A log that does not open is told of, and keeps no other one waiting.
    pub(crate) async fn judge_all(&self) -> Result<(), DbError> {
        let mut after = String::new();
        loop {
            let page: Vec<(String,)> = self.db.all(sql::UNJUDGED, args![&after, PAGE]).await?;
            let Some((last,)) = page.last() else { return Ok(()) };
            after = last.clone();
            for (tenant,) in page {
                let Ok(tenant) = tenant.parse::<TenantId>() else { continue };
                match self.judge_tenant(&tenant).await {
                    Err(AuditError::Database(error)) => return Err(error),
                    Err(error) => {
                        let error = kernel::problem::chain(&error);
                        tracing::warn!(tenant = %tenant, error = %error, "entries of the audit log are not judged");
                    }
                    Ok(()) => {}
                }
            }
        }
    }

    async fn judge_tenant(&self, tenant: &TenantId) -> Result<(), AuditError> {
        loop {
            let judged: Option<(i64,)> = self.db.optional(sql::JUDGED, args![tenant]).await?;
            let next = judged.map_or(0, |(next,)| next);
            let start = (next - BEFORE).max(0);
            let rows = self.entries(tenant, start.unsigned_abs(), next - start + AT_ONCE).await?;
            let Some(last) = rows.last().map(|row| row.seq).filter(|last| *last >= next) else { return Ok(()) };
            let mut facts = Vec::with_capacity(rows.len());
            for view in self.views(tenant, rows).await? {
                // What was emptied or changed says nothing.
                let Ok(entry) = serde_json::from_value::<AuditEntry>(view.entry) else { continue };
                facts.push(Fact {
                    index: view.index,
                    time_ms: view.time_ms,
                    actor: entry.actor,
                    action: entry.action,
                    address: view.origin.and_then(|origin| origin.address),
                    changes: view.change.map(|change| change.changes).unwrap_or_default(),
                });
            }
            let first = facts.iter().position(|fact| fact.index >= next).unwrap_or(facts.len());
            if !self.keep(tenant, (next, last + 1), judge(&facts, first)).await? {
                return Ok(());
            }
        }
    }

    /// Keeps what was found at entries from the first index up to the second, and tells of it; `false` when somebody else was first.
    async fn keep(&self, tenant: &TenantId, (next, end): (i64, i64), found: Vec<Found>) -> Result<bool, DbError> {
        let mut tx = self.db.begin().await?;
        if tx.execute(sql::JUDGE, args![tenant, next, end]).await? == 0 {
            return Ok(false);
        }
        let mut events = Vec::new();
        for Found { rule, index, time_ms, actor, count } in found {
            let id = format!("find_{}", Uuid::now_v7().simple());
            let args = args![tenant, &id, rule, index, &actor, count, time_ms];
            if tx.execute(sql::INSERT_FINDING, args).await? > 0 {
                let data = json!({ "id": id, "rule": rule, "index": index, "actor": actor, "count": count });
                events.push((id, data));
            }
        }
        for (id, data) in events {
            let time_ms = (self.clock)();
            let event = outbox::NewEvent { tenant_id: tenant, kind: "audit.finding", subject: &id, data, time_ms };
            outbox::append(&mut tx, &event).await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    pub(super) async fn findings(
        &self,
        tenant: &TenantId,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Vec<FindingRow>, DbError> {
        let (time_ms, id) = Cursor::below(after);
        self.db.all(sql::FINDINGS, args![tenant, time_ms, id, i64::from(limit)]).await
    }
}
