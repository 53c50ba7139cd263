//! What a process that serves flags does unasked.

use kernel::problem::chain;
use tokio::sync::watch;

use super::Flags;

/// Has changes take effect whose time has come, until `stopped` turns true.
pub(super) async fn keep(flags: Flags, mut stopped: watch::Receiver<bool>) {
    let db = flags.database();
    let mut changed = db.changed();
    loop {
        changed.mark_unchanged();
        if let Err(error) = flags.take_due().await {
            tracing::warn!(error = %chain(&error), "scheduled changes of flags wait");
        }
        tokio::select! {
            // Whoever could stop it is gone: that is an end too.
            _ = stopped.wait_for(|stop| *stop) => return,
            () = db.next_look(&mut changed) => {}
        }
    }
}
