//! Appends what waits, until it is stopped. Any number of processes may do this at once.

use std::time::Duration;

use database::DbError;
use kernel::Standing;
use kernel::audit::transit::{self, Open};
use kernel::problem::chain;
use media_types::TenantId;
use tokio::sync::watch;
use tokio::time::Instant;

use super::store::{Audit, AuditError, BATCH};

/// Between two looks. Nobody is told of records: word of each would call all who wait for word of changes, idle workers among them,
/// at every request, for what nobody waits for.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Tenants that one read returns.
const PAGE: i64 = 200;
/// Open records of all processes that one look for dead ones takes in.
const OPEN: i64 = 4096;

/// Between two looks for entries whose time is over.
const SWEEP_EVERY: Duration = Duration::from_secs(3600);

/// Keeps the logs until `stopped` turns true.
pub(crate) async fn run(audit: Audit, mut stopped: watch::Receiver<bool>) {
    let (mut standing, mut sweep) = (Standing::new(transit::PATIENCE), Instant::now());
    loop {
        if Instant::now() >= sweep {
            sweep = Instant::now() + SWEEP_EVERY;
            if let Err(error) = audit.sweep().await {
                tracing::warn!(error = %chain(&error), "entries of audit logs stay beyond their time");
            }
        }
        if let Err(error) = audit.round(&mut standing, Instant::now()).await {
            tracing::warn!(error = %chain(&error), "entries wait for the audit log");
            // Who could not say that he lives while the database was away has time to.
            standing = Standing::new(transit::PATIENCE);
        }
        if let Err(error) = audit.judge_all().await {
            tracing::warn!(error = %chain(&error), "entries of audit logs wait to be judged");
        }
        tokio::select! {
            // Whoever could stop it is gone: that is an end too.
            _ = stopped.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

impl Audit {
    /// Everything there is to do now: ends the records of dead processes, and appends what has ended. A log that takes nothing, as one
    /// whose key does not open, is told of and keeps no other one waiting.
    pub(crate) async fn round(&self, standing: &mut Standing<Open>, now: Instant) -> Result<(), DbError> {
        let open = transit::open(&self.db, OPEN).await?;
        let mut dead = standing.look(now, open);
        // Two processes that end the same ones lock them in the same order.
        dead.sort();
        transit::abandon(&self.db, &dead).await?;
        let mut after = String::new();
        loop {
            let tenants = transit::tenants(&self.db, &after, PAGE).await?;
            let Some(last) = tenants.last() else { return Ok(()) };
            after = last.clone();
            for tenant in tenants {
                let Ok(tenant) = tenant.parse::<TenantId>() else { continue };
                match self.append_all(&tenant).await {
                    Err(AuditError::Database(error)) => return Err(error),
                    Err(error) => {
                        tracing::warn!(tenant = %tenant, error = %chain(&error), "entries wait for the audit log")
                    }
                    Ok(()) => {}
                }
            }
        }
    }

    async fn append_all(&self, tenant: &TenantId) -> Result<(), AuditError> {
        while self.append(tenant).await? == BATCH {}
        Ok(())
    }
}
