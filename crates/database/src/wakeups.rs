//! Word of commits: to whoever waits in this process and, on PostgreSQL, in every other process of the database.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use sqlx::postgres::{PgListener, PgPool};
use sqlx::{Executor, Postgres, Transaction};
use tokio::sync::watch;
use tokio::time::timeout;

/// Every process listens to the same; what has changed is read from the tables.
const CHANNEL: &str = "lectern_changed";
const NOTIFY: &str = "SELECT pg_notify($1, $2)";
/// How often a reader looks by itself where commits of other processes are not told.
const LOOK_UNTOLD: Duration = Duration::from_secs(1);
/// The same where they are: then only a run time that has come is found by looking.
const LOOK_TOLD: Duration = Duration::from_secs(3);
/// A connection on which nothing was heard for so long is tried: the server's machine may be gone.
const QUIET: Duration = Duration::from_secs(15);
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
const PAUSE_FIRST: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// The count of changes that all clones of a database share.
pub(crate) struct Wakeups {
    count: watch::Sender<u64>,
    /// Names this one among all processes: what it tells the others it has told its own readers already.
    name: String,
    begun: AtomicBool,
    listening: AtomicBool,
}

impl Wakeups {
    pub(crate) fn new() -> Arc<Self> {
        let name = format!("{}-{:x}", std::process::id(), RandomState::new().hash_one(0_u8));
        let (begun, listening) = (AtomicBool::new(false), AtomicBool::new(false));
        Arc::new(Self { count: watch::Sender::new(0), name, begun, listening })
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.count.subscribe()
    }

    /// Wakes the readers of this process.
    pub(crate) fn wake(&self) {
        self.count.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Has PostgreSQL wake the readers of all other processes when `tx` commits.
    pub(crate) async fn notify(&self, tx: &mut Transaction<'static, Postgres>) -> Result<(), sqlx::Error> {
        sqlx::query(NOTIFY).bind(CHANNEL).bind(&self.name).execute(&mut **tx).await.map(drop)
    }

    pub(crate) fn look_every(&self) -> Duration {
        if self.is_listening() { LOOK_TOLD } else { LOOK_UNTOLD }
    }

    pub(crate) fn is_listening(&self) -> bool {
        self.listening.load(Ordering::Relaxed)
    }

    /// Starts listening for what other processes commit, unless this was done before. One connection of the pool goes
    /// to it, for as long as the pool is open.
    pub(crate) fn listen(self: &Arc<Self>, pool: &PgPool) {
        if !self.begun.swap(true, Ordering::Relaxed) {
            tokio::spawn(relay(pool.clone(), Arc::downgrade(self)));
        }
    }
}

/// Listens until the pool is closed or nobody is left who could wait.
async fn relay(pool: PgPool, wakeups: Weak<Wakeups>) {
    let mut pause = PAUSE_FIRST;
    while !pool.is_closed() {
        let ended = match listener(&pool).await {
            Ok(listener) => {
                pause = PAUSE_FIRST;
                attend(listener, &wakeups).await
            }
            Err(error) => Err(error),
        };
        let Some(wakeups) = wakeups.upgrade().filter(|_| !pool.is_closed()) else { return };
        wakeups.listening.store(false, Ordering::Relaxed);
        if let Err(error) = ended {
            tracing::warn!(error = &error as &dyn std::error::Error, "changes of other processes are not heard of");
        }
        drop(wakeups);
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

async fn listener(pool: &PgPool) -> Result<PgListener, sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    // A lost connection is told to readers before the next one is made.
    listener.eager_reconnect(false);
    listener.listen(CHANNEL).await?;
    Ok(listener)
}

/// Passes on what is heard until the connection is lost.
async fn attend(mut listener: PgListener, wakeups: &Weak<Wakeups>) -> Result<(), sqlx::Error> {
    if let Some(wakeups) = wakeups.upgrade() {
        wakeups.listening.store(true, Ordering::Relaxed);
        // What was committed while nobody listened.
        wakeups.wake();
    }
    loop {
        let heard = timeout(QUIET, listener.try_recv()).await;
        let Some(wakeups) = wakeups.upgrade() else { return Ok(()) };
        match heard {
            Ok(Ok(Some(notification))) if notification.payload() == wakeups.name => {}
            Ok(Ok(Some(_))) => wakeups.wake(),
            Ok(Ok(None)) => return Ok(()),
            Ok(Err(error)) => return Err(error),
            Err(_quiet) => {
                let answer = timeout(ANSWER_WITHIN, listener.execute("SELECT 1")).await;
                answer.map_err(|_| sqlx::Error::PoolTimedOut)??;
            }
        }
    }
}

#[cfg(test)]
mod tests;
