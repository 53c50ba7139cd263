//! Appends what waits, until it is stopped. Any number of processes may do this at once.

use kernel::Standing;
use kernel::audit::transit::{self, Open};
use kernel::problem::chain;
use media_types::TenantId;
use tokio::sync::watch;
use tokio::time::Instant;

use super::store::{Audit, AuditError};

/// Tenants that one read returns.
const PAGE: i64 = 200;
/// Open records of all processes that one look for dead ones takes in.
const OPEN: i64 = 4096;

/// Keeps the logs until `stopped` turns true.
pub(crate) async fn run(audit: Audit, mut stopped: watch::Receiver<bool>) {
    let mut standing = Standing::new(transit::PATIENCE);
    loop {
        if let Err(error) = audit.round(&mut standing, Instant::now()).await {
            tracing::warn!(error = %chain(&error), "entries wait for the audit log");
            // Who could not say that he lives while the database was away has time to.
            standing = Standing::new(transit::PATIENCE);
        }
        tokio::select! {
            () = ending(&mut stopped) => return,
            () = tokio::time::sleep(audit.db.look_every()) => {}
        }
    }
}

async fn ending(stopped: &mut watch::Receiver<bool>) {
    // Whoever could stop it is gone: that is an end too.
    let _ = stopped.wait_for(|stop| *stop).await;
}

impl Audit {
    /// Everything there is to do now: ends the records of dead processes, and appends what has ended.
    pub(crate) async fn round(&self, standing: &mut Standing<Open>, now: Instant) -> Result<(), AuditError> {
        let open = transit::open(&self.db, OPEN).await?;
        transit::abandon(&self.db, &standing.look(now, open)).await?;
        let mut after = String::new();
        loop {
            let tenants = transit::tenants(&self.db, &after, PAGE).await?;
            let Some(last) = tenants.last() else { return Ok(()) };
            after = last.clone();
            for tenant in tenants {
                let Ok(tenant) = tenant.parse::<TenantId>() else { continue };
                while self.append(&tenant).await? > 0 {}
            }
        }
    }
}
