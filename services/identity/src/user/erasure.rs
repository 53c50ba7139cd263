//! Erasing people in all units: at once, or after a while in which it can be taken back.
//!
//! What is due is first noted, with the person locked out, and then done unit by unit, each in a transaction of its own; his account goes
//! last. So whoever dies on the way leaves it to [`run`], which any process of the unit goes on with.

pub(super) mod routes;

use std::time::Duration;

use axum::http::StatusCode;
use database::{DbError, Tx, args};
use kernel::conditional::stale;
use kernel::problem::chain;
use kernel::rights::Subject;
use kernel::{Personal, Problem, audit, idempotency};
use media_types::TenantId;
use tokio::sync::watch;

use super::codes;
use super::rights::{self, HOOKS};
use super::store::{UserRow, Users, tell};
use super::words;
use crate::auth::sessions;

/// Between two looks at who is due.
const LOOK_EVERY: Duration = Duration::from_secs(60);

const LOCK_OUT: &str = "UPDATE user_account SET state = 'erasing', version = version + 1, updated_ms = $4
    WHERE tenant_id = $1 AND id = $2 AND version = $3";
/// Whoever asks again, after a process died, has waited long enough.
const LOCK_OUT_DUE: &str = "UPDATE user_account SET state = 'erasing', version = version + 1, updated_ms = $3
    WHERE tenant_id = $1 AND id = $2 AND EXISTS
        (SELECT 1 FROM user_erasure WHERE tenant_id = $1 AND user_id = $2 AND due_ms <= $3)";
/// An update that changes nothing locks the row on both engines.
const STAYS: &str = "UPDATE user_account SET state = state WHERE tenant_id = $1 AND id = $2 AND state <> 'erasing'";
const PUT: &str =
    "INSERT INTO user_erasure (tenant_id, user_id, asked_by, asked_ms, due_ms) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (tenant_id, user_id) DO UPDATE
    SET asked_by = excluded.asked_by, asked_ms = excluded.asked_ms, due_ms = excluded.due_ms
    RETURNING asked_by, asked_ms, due_ms";
const ONE: &str = "SELECT asked_by, asked_ms, due_ms FROM user_erasure WHERE tenant_id = $1 AND user_id = $2";
const CANCEL: &str = "DELETE FROM user_erasure WHERE tenant_id = $1 AND user_id = $2 AND due_ms > $3";
const DUE: &str = "SELECT tenant_id, user_id, asked_by FROM user_erasure WHERE due_ms <= $1
    ORDER BY due_ms, tenant_id, user_id LIMIT 100";
/// Locks the row, too.
const BEGIN: &str = "UPDATE user_account SET state = 'erasing' WHERE tenant_id = $1 AND id = $2";

pub(super) const STATEMENTS: &[&str] = &[BEGIN, LOCK_OUT, LOCK_OUT_DUE, STAYS, PUT, ONE, CANCEL, DUE];

database::row! {
    /// That somebody is to be erased.
    pub(super) struct ErasureRow {
        pub(super) asked_by: String,
        pub(super) asked_ms: i64,
        pub(super) due_ms: i64,
    }
}

impl Users {
    /// Notes that a person is to be erased, in the place of what was noted of him before.
    pub(super) async fn ask_erasure(
        &self,
        tenant: &TenantId,
        of: &UserRow,
        (actor, after_ms): (&str, i64),
    ) -> Result<ErasureRow, Problem> {
        let now_ms = self.now_ms();
        let mut tx = self.db.begin().await?;
        if tx.execute(STAYS, args![tenant, &of.id]).await? == 0 {
            return Err(under_way());
        }
        let noted = put(&mut tx, (tenant, &of.id), actor, (now_ms, now_ms.saturating_add(after_ms))).await?;
        tell(&mut tx, tenant, of, ("user.erasure_asked", actor), now_ms).await?;
        tx.commit().await?;
        Ok(noted)
    }

    /// What is noted of a person.
    pub(super) async fn erasure(&self, tenant: &TenantId, id: &str) -> Result<ErasureRow, Problem> {
        self.noted(tenant, id).await?.ok_or_else(not_asked)
    }

    async fn noted(&self, tenant: &TenantId, id: &str) -> Result<Option<ErasureRow>, DbError> {
        self.db.optional(ONE, args![tenant, id]).await
    }

    /// That nobody else has asked that a person be erased, who could otherwise put it off for himself.
    pub(super) async fn check_own(&self, tenant: &TenantId, id: &str) -> Result<(), Problem> {
        if self.noted(tenant, id).await?.is_none_or(|noted| noted.asked_by == id) {
            return Ok(());
        }
        let detail = "whoever has asked that this person be erased changes it or takes it back";
        Err(Problem::new(StatusCode::FORBIDDEN, codes::USER_NOT_ASKED_BY_SELF, detail))
    }

    /// Takes back that a person is to be erased, as long as it is not due.
    pub(super) async fn cancel_erasure(&self, tenant: &TenantId, of: &UserRow, actor: &str) -> Result<(), Problem> {
        let now_ms = self.now_ms();
        let mut tx = self.db.begin().await?;
        if tx.execute(CANCEL, args![tenant, &of.id, now_ms]).await? == 0 {
            return Err(not_asked());
        }
        tell(&mut tx, tenant, of, ("user.erasure_cancelled", actor), now_ms).await?;
        Ok(tx.commit().await?)
    }

    /// Removes a person for good, in all units.
    pub(super) async fn erase(&self, tenant: &TenantId, of: &UserRow, actor: &str) -> Result<(), Problem> {
        self.check_units().await?;
        audit::unsaid();
        let now_ms = self.now_ms();
        let mut tx = self.db.begin().await?;
        if tx.execute(LOCK_OUT, args![tenant, &of.id, of.version, now_ms]).await? == 0 {
            return Err(stale());
        }
        put(&mut tx, (tenant, &of.id), actor, (now_ms, now_ms)).await?;
        sessions::end_all(&mut tx, tenant, &of.id).await?;
        tx.commit().await?;
        self.finish(tenant, &of.id, actor).await
    }

    /// Erases everybody who is due; how many that were. Whom it fails with is tried again at the next look.
    pub(crate) async fn erase_due(&self) -> Result<usize, Problem> {
        let due: Vec<(String, String, String)> = self.db.all(DUE, args![self.now_ms()]).await?;
        if due.is_empty() {
            return Ok(0);
        }
        self.check_units().await?;
        let mut erased = 0;
        for (tenant, id, actor) in due {
            let tenant = tenant.parse::<TenantId>().map_err(|error| Problem::internal(&error))?;
            match self.go_on(&tenant, &id, &actor).await {
                Ok(()) => erased += 1,
                Err(problem) => {
                    tracing::warn!(user = %id, why = problem.detail(), "a person who is to be erased is still there");
                }
            }
        }
        Ok(erased)
    }

    async fn go_on(&self, tenant: &TenantId, id: &str, actor: &str) -> Result<(), Problem> {
        let mut tx = self.db.begin().await?;
        if tx.execute(LOCK_OUT_DUE, args![tenant, id, self.now_ms()]).await? == 0 {
            // Somebody else was faster.
            return Ok(());
        }
        sessions::end_all(&mut tx, tenant, id).await?;
        tx.commit().await?;
        self.finish(tenant, id, actor).await
    }

    /// Erases a person who is locked out.
    pub(super) async fn finish(&self, tenant: &TenantId, id: &str, actor: &str) -> Result<(), Problem> {
        let Some(row) = self.find(tenant, id).await? else { return Ok(()) };
        let subject = self.subject(tenant, &row).await?;
        for unit in self.units {
            let Some(hooks) = unit.rights.hooks() else { continue };
            if unit.slug == super::UNIT.slug {
                continue;
            }
            let mut tx = self.db.begin().await?;
            hooks.erase(&mut tx, &subject).await?;
            tx.commit().await?;
        }
        idempotency::forget(&self.db, &subject).await?;
        let now_ms = self.now_ms();
        let mut tx = self.db.begin().await?;
        if tx.execute(BEGIN, args![tenant, id]).await? == 0 {
            // Somebody else was faster, and has told so.
            return Ok(());
        }
        rights::leave_groups(&mut tx, &subject, now_ms).await?;
        HOOKS.erase(&mut tx, &subject).await?;
        tell(&mut tx, tenant, &row, ("user.erased", actor), now_ms).await?;
        tx.commit().await?;
        if let Err(error) = self.db.scrub().await {
            tracing::debug!(error = %chain(&error), "the log of the database is not emptied yet");
        }
        Ok(())
    }

    /// Whose data is meant.
    pub(super) async fn subject(&self, tenant: &TenantId, of: &UserRow) -> Result<Subject, DbError> {
        let mut addresses = rights::addresses(&self.db, tenant, &of.id).await?;
        addresses.push(of.email.clone());
        Ok(Subject { tenant: tenant.clone(), id: of.id.clone(), addresses, now_ms: self.now_ms() })
    }

    /// That all units of the build have their tables here, so that nobody is told that he has been given, or that there is erased, all
    /// that there is.
    pub(super) async fn check_units(&self) -> Result<(), Problem> {
        let tables: Vec<&str> = self.units.iter().flat_map(|unit| unit.tables).copied().collect();
        if self.db.check_modules(&tables).await.is_ok() {
            return Ok(());
        }
        let mut elsewhere = Vec::new();
        for unit in self.units {
            match self.db.check_modules(unit.tables).await {
                Ok(()) => {}
                Err(error) if error.is_transient() => return Err(error.into()),
                Err(_not_here) => elsewhere.push(unit.slug),
            }
        }
        let detail = format!("the tables of these units are not in this database: {}", elsewhere.join(", "));
        Err(Problem::unavailable(codes::USER_UNITS_ELSEWHERE, detail, 60))
    }
}

async fn put(
    tx: &mut Tx,
    (tenant, id): (&TenantId, &str),
    actor: &str,
    (asked_ms, due_ms): (i64, i64),
) -> Result<ErasureRow, DbError> {
    tx.optional(PUT, args![tenant, id, actor, asked_ms, due_ms]).await?.ok_or(DbError::NoRow)
}

/// Notes of a person, whom the transaction has locked, that he goes now.
pub(super) async fn begin(
    tx: &mut Tx,
    (tenant, id): (&TenantId, &str),
    actor: &str,
    now_ms: i64,
) -> Result<(), DbError> {
    tx.execute(BEGIN, args![tenant, id]).await?;
    put(tx, (tenant, id), actor, (now_ms, now_ms)).await.map(drop)
}

fn under_way() -> Problem {
    Problem::conflict(codes::USER_ERASING, "this person is just being erased")
}

fn not_asked() -> Problem {
    Problem::not_found(codes::USER_NO_ERASURE, "nobody has asked that this person be erased, or it is due already")
}

/// Erases whoever is due, every minute until `stopped` turns true. Before that it sees to it that everybody is found.
pub(super) async fn run(users: Users, mut stopped: watch::Receiver<bool>) {
    if let Err(error) = words::complete(&users.db).await {
        tracing::warn!(error = %chain(&error), "people of an earlier version are not all found");
    }
    loop {
        if let Err(problem) = users.erase_due().await {
            tracing::warn!(why = problem.detail(), "nobody who is to be erased is");
        }
        if tokio::time::timeout(LOOK_EVERY, stopped.wait_for(|stop| *stop)).await.is_ok() {
            return;
        }
    }
}
