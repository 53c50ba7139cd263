//! Stores records: all that wait at the same moment in one transaction.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use database::{Database, DbError, Tx, args};
use media_types::TenantId;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::transit::{self, BEAT_EVERY};
use crate::problem::chain;
use crate::{Problem, codes};

/// Records that one transaction begins, and that it ends.
const AT_ONCE: usize = 256;
/// Records to be stored that wait for the database; who brings more is refused.
const WAITING: usize = 4096;
/// Records to be withdrawn that wait for a database that is away; of more, those that had come so far are called unknown when
/// this process ends.
const WITHDRAWN: usize = 4096;
/// Before what failed is tried again.
const PAUSE: Duration = Duration::from_secs(1);
/// For which what has ended waits for what begins, so that both are one transaction. Of whatever ends later than that before a process
/// dies, the log knows.
const GATHERED: Duration = Duration::from_millis(20);
const FORGET_EVERY: Duration = Duration::from_secs(3600);
/// What no log has taken is kept so long.
const KEPT_MS: i64 = 90 * 24 * 3_600_000;

/// What is known before a handler begins.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) tenant: TenantId,
    pub(crate) id: String,
    pub(crate) actor: String,
    pub(crate) action: Arc<str>,
    pub(crate) resource: String,
    pub(crate) request_id: Option<String>,
    pub(crate) time_ms: i64,
    /// A [`transit::Context`] as JSON.
    pub(crate) context: Option<String>,
}

impl Record {
    /// Stores it: open, or with its end.
    pub(super) async fn insert(&self, tx: &mut Tx, writer: &str, ending: Option<&Ending>) -> Result<(), DbError> {
        let (state, status, made, changes) = ending.map_or(("open", None, None, None), Ending::stored);
        let Self { tenant, id, actor, action, resource, request_id, time_ms, context } = self;
        let (resource, request_id) = (made.unwrap_or(resource), request_id.clone());
        let mut args = args![tenant, id, writer, state, actor, &**action, resource, request_id, status, *time_ms];
        args.extend(args![context.clone(), changes]);
        tx.execute(transit::INSERT, args).await?;
        Ok(())
    }
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It has changed nothing.
    Nothing,
    /// What it asked for is done; where what it made is, and what has changed.
    Done { status: u16, made: Option<String>, changes: Option<String> },
    /// It may have changed something.
    Unknown { status: Option<u16> },
}

impl Ending {
    /// State, status, what was made, and what has changed, as they are stored.
    fn stored(&self) -> (&'static str, Option<i64>, Option<&str>, Option<&str>) {
        match self {
            Self::Nothing => ("nothing", None, None, None),
            Self::Done { status, made, changes } => {
                ("done", Some(i64::from(*status)), made.as_deref(), changes.as_deref())
            }
            Self::Unknown { status } => ("unknown", status.map(i64::from), None, None),
        }
    }
}

/// A record to be stored, and whoever waits for that.
struct New {
    record: Record,
    /// `None` of one that is open.
    ending: Option<Ending>,
    told: oneshot::Sender<Result<(), Problem>>,
}

/// The end of an open record: its tenant and id.
type End = (TenantId, String, Ending);

#[derive(Default)]
struct Waiting {
    new: VecDeque<New>,
    ends: VecDeque<End>,
    flushes: Vec<oneshot::Sender<()>>,
}

impl Waiting {
    /// Whether nobody waits for what is to be written.
    fn are_only_ends(&self) -> bool {
        self.new.is_empty() && self.flushes.is_empty()
    }
}

struct Shared {
    db: Database,
    /// Names this process among all that write.
    writer: String,
    waiting: Mutex<Waiting>,
    open: AtomicUsize,
}

/// Stores the records of a process. Cloning it is cheap.
#[derive(Clone)]
pub struct Recorder {
    shared: Arc<Shared>,
    bell: mpsc::Sender<()>,
}

/// A request that is under way. Dropped without an end, as when its client has left, it may have done anything.
pub(crate) struct Opened {
    recorder: Recorder,
    name: (TenantId, String),
    ending: Ending,
}

impl Opened {
    pub(crate) fn end(mut self, ending: Ending) {
        self.ending = ending;
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        let ending = std::mem::replace(&mut self.ending, Ending::Nothing);
        self.recorder.shared.open.fetch_sub(1, Ordering::Relaxed);
        self.recorder.push_end((self.name.0.clone(), std::mem::take(&mut self.name.1), ending));
    }
}

impl Recorder {
    /// Records go to `db`, until the last clone is dropped.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn new(db: Database) -> Self {
        let writer = uuid::Uuid::now_v7().simple().to_string();
        let shared = Arc::new(Shared { db, writer, waiting: Mutex::default(), open: AtomicUsize::new(0) });
        let (bell, rung) = mpsc::channel(1);
        tokio::spawn(run(Arc::clone(&shared), rung));
        Self { shared, bell }
    }

    /// Waits until everything that has ended is stored: the last thing that a process does before it closes its database.
    pub async fn flush(&self) {
        let (told, hears) = oneshot::channel();
        self.shared.waiting().flushes.push(told);
        self.ring();
        // Nobody is left to tell when the writer has died with its runtime.
        let _ = hears.await;
    }

    /// What names this process among all that write.
    pub(super) fn writer(&self) -> &str {
        &self.shared.writer
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.shared.db.now_ms()
    }

    /// Stores that a request begins; it is durable when this returns.
    ///
    /// # Errors
    /// The database does not take it, or too many wait for that.
    pub(crate) async fn open(&self, record: Record) -> Result<Opened, Problem> {
        let name = (record.tenant.clone(), record.id.clone());
        self.shared.open.fetch_add(1, Ordering::Relaxed);
        // Until it is stored its handler has not begun.
        let mut opened = Opened { recorder: self.clone(), name, ending: Ending::Nothing };
        self.store(record, None).await?;
        opened.ending = Ending::Unknown { status: None };
        Ok(opened)
    }

    /// Stores a request that has ended; it is durable when this returns.
    ///
    /// # Errors
    /// The database does not take it, or too many wait for that.
    pub(crate) async fn record(&self, record: Record, ending: Ending) -> Result<(), Problem> {
        self.store(record, Some(ending)).await
    }

    async fn store(&self, record: Record, ending: Option<Ending>) -> Result<(), Problem> {
        let busy = |detail| Err(Problem::unavailable(codes::DATABASE_BUSY, detail, 2));
        let (told, hears) = oneshot::channel();
        {
            let mut waiting = self.shared.waiting();
            if waiting.new.len() >= WAITING {
                return busy("too many requests wait to be recorded");
            }
            waiting.new.push_back(New { record, ending, told });
        }
        self.ring();
        hears.await.unwrap_or_else(|_gone| busy("the process is about to end"))
    }

    fn push_end(&self, end: End) {
        let mut waiting = self.shared.waiting();
        if end.2 != Ending::Nothing || waiting.ends.len() < WITHDRAWN {
            waiting.ends.push_back(end);
        }
        drop(waiting);
        self.ring();
    }

    fn ring(&self) {
        // Full is a bell that has been rung already.
        let _ = self.bell.try_send(());
    }
}

/// What is left to be written.
enum Left {
    Nothing,
    More,
    /// What could not be written just now.
    Failed,
}

/// Writes whenever there is something to write, and between two transactions what is due by the clock.
async fn run(shared: Arc<Shared>, mut rung: mpsc::Receiver<()>) {
    let (mut beat, mut forget, mut wait) = (Instant::now() + BEAT_EVERY, Instant::now(), BEAT_EVERY);
    loop {
        let heard = tokio::time::timeout(wait, rung.recv()).await;
        if matches!(heard, Ok(Some(()))) && shared.waiting().are_only_ends() {
            // Rung or not, it is time then.
            let _ = tokio::time::timeout(GATHERED, rung.recv()).await;
        }
        wait = match shared.write_some().await {
            Left::More => Duration::ZERO,
            _ if matches!(heard, Ok(None)) => return,
            Left::Nothing => BEAT_EVERY,
            Left::Failed => PAUSE,
        };
        let now = Instant::now();
        if now >= beat {
            beat = now + BEAT_EVERY;
            shared.beat().await;
        }
        if now >= forget {
            forget = now + FORGET_EVERY;
            shared.forget().await;
        }
    }
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes, in one transaction, as much of what waits as one takes.
    async fn write_some(&self) -> Left {
        let (new, ends) = {
            let mut waiting = self.waiting();
            let Waiting { new, ends, flushes } = &mut *waiting;
            // Who has left has begun nothing, and the end of his record may be further ahead than its beginning.
            new.retain(|new| !new.told.is_closed());
            if new.is_empty() && ends.is_empty() {
                flushes.drain(..).for_each(|told| _ = told.send(()));
                return Left::Nothing;
            }
            let (some, others) = (new.len().min(AT_ONCE), ends.len().min(AT_ONCE));
            (new.drain(..some).collect::<Vec<_>>(), ends.drain(..others).collect::<Vec<_>>())
        };
        if let Err(error) = self.write(&new, &ends).await {
            let problem = Problem::from(error);
            // Whoever is told has not begun; what has ended is told to nobody, and stays to be written.
            new.into_iter().for_each(|new| _ = new.told.send(Err(problem.clone())));
            let mut waiting = self.waiting();
            ends.into_iter().rev().for_each(|end| waiting.ends.push_front(end));
            return Left::Failed;
        }
        // Who has left meanwhile hears nothing.
        new.into_iter().for_each(|new| _ = new.told.send(Ok(())));
        Left::More
    }

    async fn write(&self, new: &[New], ends: &[End]) -> Result<(), DbError> {
        let mut tx = self.db.begin().await?;
        for New { record, ending, .. } in new {
            record.insert(&mut tx, &self.writer, ending.as_ref()).await?;
        }
        for (tenant, id, ending) in ends {
            if *ending == Ending::Nothing {
                tx.execute(transit::WITHDRAW, args![tenant, id]).await?;
                continue;
            }
            let (state, status, made, changes) = ending.stored();
            tx.execute(transit::END, args![tenant, id, state, status, made, changes]).await?;
        }
        tx.commit().await
    }

    /// Says that the requests whose records are open are under way.
    async fn beat(&self) {
        if self.open.load(Ordering::Relaxed) > 0 {
            self.tend(transit::BEAT, args![&self.writer]).await;
        }
    }

    async fn forget(&self) {
        let forgotten = self.tend(transit::FORGET, args![self.db.now_ms() - KEPT_MS]).await;
        if forgotten > 0 {
            tracing::warn!(forgotten, "no process keeps the audit log: records of 90 days ago are lost");
        }
    }

    async fn tend(&self, sql: &'static str, args: Vec<database::Val>) -> u64 {
        let done = async {
            let mut tx = self.db.begin().await?;
            let rows = tx.execute(sql, args).await?;
            tx.commit().await.map(|()| rows)
        };
        done.await.unwrap_or_else(|error: DbError| {
            tracing::warn!(error = %chain(&error), "records of requests wait for the database");
            0
        })
    }
}
