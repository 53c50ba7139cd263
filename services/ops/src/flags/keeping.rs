//! What a process that serves flags does unasked.

use kernel::problem::chain;
use tokio::sync::watch;

use super::Flags;

/// How often what was counted is written down.
const COUNTS_EVERY_MS: i64 = 60_000;

/// Has changes take effect whose time has come, and writes down how often flags were asked for, until `stopped` turns true.
pub(super) async fn keep(flags: Flags, mut stopped: watch::Receiver<bool>) {
    let db = flags.database();
    let (mut changed, mut written_ms) = (db.changed(), flags.now_ms());
    loop {
        changed.mark_unchanged();
        if let Err(error) = flags.take_due().await {
            tracing::warn!(error = %chain(&error), "scheduled changes of flags wait");
        }
        if flags.now_ms() >= written_ms + COUNTS_EVERY_MS {
            written_ms = flags.now_ms();
            write_counts(&flags).await;
        }
        tokio::select! {
            // Whoever could stop it is gone: that is an end too.
            _ = stopped.wait_for(|stop| *stop) => break,
            () = db.next_look(&mut changed) => {}
        }
    }
    write_counts(&flags).await;
}

async fn write_counts(flags: &Flags) {
    if let Err(error) = flags.write_counts().await {
        tracing::warn!(error = %chain(&error), "how often flags were asked for is not written down yet");
    }
}
