//! How far somebody has read the outbox.
//!
//! A [`Reader`] is one row that says so. Who moves it does that in the transaction that does what follows from the events, so both happen
//! or neither does; of several processes that try at once one moves it. Numbers of the outbox are in the order of commits, so nothing
//! appears below the row's number later.
//!
//! [`all`], [`troubles`], [`replay`], [`retry`] and [`forget`] are for an operator.

use database::{Database, DbError, Tx, args, outbox};
use telemetry::figures::Text;

use crate::inbox::MAX_TRIES;

const BEGIN: &str = "INSERT INTO event_reader (name, seq, holder, until_ms, error) VALUES ($1, $2, NULL, 0, NULL)
    ON CONFLICT (name) DO NOTHING";
const PLACE: &str = "SELECT seq FROM event_reader WHERE name = $1";
/// An update that changes nothing locks the row on both engines.
const STAY: &str = "UPDATE event_reader SET seq = seq WHERE name = $1 RETURNING seq";
const ADVANCE: &str = "UPDATE event_reader SET seq = $3, error = NULL WHERE name = $1 AND seq = $2";
const LEASE: &str = "UPDATE event_reader SET holder = $2, until_ms = $3
    WHERE name = $1 AND (holder IS NULL OR holder = $2 OR until_ms <= $4) RETURNING seq";
const RELEASE: &str = "UPDATE event_reader SET holder = NULL, until_ms = 0 WHERE name = $1 AND holder = $2";
const FAILED: &str = "UPDATE event_reader SET error = $3 WHERE name = $1 AND holder = $2";
const ALL: &str = "SELECT r.name, r.seq, r.holder, r.error,
    (SELECT COUNT(*) FROM event_waiting w WHERE w.reader = r.name AND w.tries < $1) AS waiting,
    (SELECT COUNT(*) FROM event_waiting w WHERE w.reader = r.name AND w.tries >= $1) AS parked
    FROM event_reader r ORDER BY r.name LIMIT 1000";
const TROUBLES: &str = "SELECT tenant_id, subject, seq, tries, error FROM event_waiting
    WHERE reader = $1 AND tries > 0 ORDER BY tenant_id, subject, seq LIMIT 200";
const REPLAY: &str = "UPDATE event_reader SET seq = -1, error = NULL WHERE name = $1";
const FORGET: &str = "DELETE FROM event_reader WHERE name = $1";
const RETRY: &str = "UPDATE event_waiting SET tries = 0, next_ms = 0 WHERE reader = $1 AND tries > 0";

/// Every statement of this module, for the test that prepares each on both engines.
pub const STATEMENTS: &[&str] =
    &[BEGIN, PLACE, STAY, ADVANCE, LEASE, RELEASE, FAILED, ALL, TROUBLES, REPLAY, FORGET, RETRY];

/// The most characters of an error that are kept.
const MAX_ERROR: usize = 500;

/// A place in the outbox, by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reader {
    name: String,
}

/// Whose turn it is with a reader that one process has at a time.
#[derive(Clone, Copy, Debug)]
pub struct Lease<'a> {
    /// What the process is known by; no two of them by the same.
    pub holder: &'a str,
    /// What time it is, in milliseconds since 1970.
    pub now_ms: i64,
    /// Until when it is theirs unless they ask again.
    pub until_ms: i64,
}

database::row! {
    /// A reader as an operator sees it.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Place {
        /// Such as `org.people`.
        pub name: String,
        /// The last event it has taken; below 0 while it is about to begin anew.
        pub seq: i64,
        /// The process that has it, where one has it at a time.
        pub holder: Option<String>,
        /// Why its last attempt failed.
        pub error: Option<String>,
        /// Events that it will try again, or that wait behind such.
        pub waiting: i64,
        /// Events that it has given up until somebody says otherwise.
        pub parked: i64,
    }
}

database::row! {
    /// An event that a handler has failed to take.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Trouble {
        /// Whose event it is.
        pub tenant_id: String,
        /// What it is about.
        pub subject: String,
        /// Its number.
        pub seq: i64,
        /// How often it was tried.
        pub tries: i64,
        /// Why that failed the last time.
        pub error: Option<String>,
    }
}

impl Reader {
    /// The one of this name: what has it, and what for, with a dot between them.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into() }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The last event that it has taken; `None` before it has begun, below 0 when it is to begin anew.
    pub async fn place(&self, db: &Database) -> Result<Option<i64>, DbError> {
        let found: Option<(i64,)> = db.optional(PLACE, args![&self.name]).await?;
        Ok(found.map(|(seq,)| seq))
    }

    /// Has it begin behind the event `seq`, unless it has begun.
    pub async fn begin(&self, tx: &mut Tx, seq: i64) -> Result<(), DbError> {
        tx.execute(BEGIN, args![&self.name, seq]).await?;
        Ok(())
    }

    /// Has everybody who would move it wait until the transaction ends.
    pub async fn stay(&self, tx: &mut Tx) -> Result<(), DbError> {
        tx.optional::<(i64,)>(STAY, args![&self.name]).await?;
        Ok(())
    }

    /// Moves it from one event to another, and says whether it was still there: if not, somebody else has taken what follows, and the
    /// transaction has nothing to do.
    pub async fn advance(&self, tx: &mut Tx, from: i64, to: i64) -> Result<bool, DbError> {
        Ok(tx.execute(ADVANCE, args![&self.name, from, to]).await? > 0)
    }

    /// Has it, for a while, where effects are in no database; its place then, or `None` while another process has it.
    pub async fn lease(&self, db: &Database, lease: Lease<'_>) -> Result<Option<i64>, DbError> {
        let mut tx = db.begin().await?;
        let args = args![&self.name, lease.holder, lease.until_ms, lease.now_ms];
        let place: Option<(i64,)> = tx.optional(LEASE, args).await?;
        tx.commit().await?;
        Ok(place.map(|(seq,)| seq))
    }

    /// Lets others have it.
    pub async fn release(&self, db: &Database, holder: &str) -> Result<(), DbError> {
        let mut tx = db.begin().await?;
        tx.execute(RELEASE, args![&self.name, holder]).await?;
        tx.wake();
        tx.commit().await
    }

    /// Keeps why the holder's last attempt failed, for [`all`].
    pub async fn failed(&self, db: &Database, holder: &str, why: &str) -> Result<(), DbError> {
        let mut tx = db.begin().await?;
        tx.execute(FAILED, args![&self.name, holder, shortened(why)]).await?;
        tx.commit().await
    }
}

/// What can be stored of an error.
pub(crate) fn shortened(why: &str) -> String {
    // PostgreSQL takes no NUL in a text.
    why.chars().filter(|character| *character != '\0').take(MAX_ERROR).collect()
}

/// Every reader there is, by name.
pub async fn all(db: &Database) -> Result<Vec<Place>, DbError> {
    db.all(ALL, args![MAX_TRIES]).await
}

/// What a handler has failed to take, at most 200 events.
pub async fn troubles(db: &Database, name: &str) -> Result<Vec<Trouble>, DbError> {
    db.all(TROUBLES, args![name]).await
}

/// Has a reader forget what it has made of events, and take all of them anew; `false` when there is none of this name.
pub async fn replay(db: &Database, name: &str) -> Result<bool, DbError> {
    let mut tx = db.begin().await?;
    let is_there = tx.execute(REPLAY, args![name]).await? > 0;
    tx.wake();
    tx.commit().await?;
    Ok(is_there)
}

/// Forgets how far a reader is that is there no longer; one that is begins as if it were new. `false` when there is none of this name.
pub async fn forget(db: &Database, name: &str) -> Result<bool, DbError> {
    let mut tx = db.begin().await?;
    let was_there = tx.execute(FORGET, args![name]).await? > 0;
    tx.commit().await?;
    Ok(was_there)
}

/// Has a handler try again at once what it has failed to take; how many events that are.
pub async fn retry(db: &Database, name: &str) -> Result<u64, DbError> {
    let mut tx = db.begin().await?;
    let count = tx.execute(RETRY, args![name]).await?;
    tx.wake();
    tx.commit().await?;
    Ok(count)
}

/// Says at `/metrics` how far every reader is behind: of the whole installation, so every process says the same.
///
/// # Errors
/// The database does not answer.
pub async fn figures(db: &Database, text: &mut Text) -> Result<(), DbError> {
    let head = outbox::head(db).await?;
    let places = all(db).await?;
    text.family("lectern_events_unread", "gauge", "Events that a reader of the outbox has yet to look at.");
    for place in &places {
        text.line("lectern_events_unread", &[("reader", &place.name)], head.saturating_sub(place.seq.max(0)));
    }
    let help = "Events that a handler has failed to take and will try again, or that wait behind such; parked: that it has given up.";
    text.family("lectern_events_waiting", "gauge", help);
    for Place { name, waiting, parked, .. } in &places {
        text.line("lectern_events_waiting", &[("reader", name), ("state", "waiting")], *waiting);
        text.line("lectern_events_waiting", &[("reader", name), ("state", "parked")], *parked);
    }
    text.family("lectern_events_failing", "gauge", "Whether the last attempt of a bridge failed.");
    for Place { name, error, .. } in &places {
        text.line("lectern_events_failing", &[("reader", name)], i64::from(error.is_some()));
    }
    Ok(())
}
