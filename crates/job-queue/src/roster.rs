//! Who works on the queue: for people to see, and to name in a drain. Leases alone decide who drains a job.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use database::args;

use crate::{Capabilities, JobQueue, JobRow, JobState, QueueError, sql};

/// The most workers that [`JobQueue::workers`] returns.
pub const MAX_WORKERS: i64 = 1_000;

/// What a worker says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerCard {
    /// Unique for every start.
    pub name: String,
    /// The machine it runs on.
    pub host: String,
    /// Of the program.
    pub version: String,
    /// What it makes media with.
    pub makes: String,
    /// Processors that its jobs may use at once.
    pub places: i64,
    /// What it can do: it claims nothing that needs more. `None` of a version that does not say, and claims everything.
    pub offers: Option<Capabilities>,
}

/// A worker as others see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerRow {
    /// What it said when it began.
    pub card: WorkerCard,
    /// Jobs that it runs now.
    pub running: i64,
    /// When it began, in milliseconds since 1970.
    pub started_ms: i64,
    /// When it last said that it lives.
    pub seen_ms: i64,
}

type Stored = (String, String, String, String, i64, i64, i64, i64, Option<String>);

impl JobQueue {
    /// Says that a worker begins, or still lives.
    pub async fn sign_on(&self, card: &WorkerCard) -> Result<(), QueueError> {
        let WorkerCard { name, host, version, makes, places, offers } = card;
        let offers = offers.as_ref().map(Capabilities::to_string);
        let mut tx = self.database().begin().await?;
        tx.execute(sql::SIGN_ON, args![name, host, version, makes, *places, self.now_ms(), offers]).await?;
        Ok(tx.commit().await?)
    }

    /// Says that a worker has ended; a drain on it ends too.
    pub async fn sign_off(&self, name: &str) -> Result<(), QueueError> {
        let mut tx = self.database().begin().await?;
        tx.execute(sql::SIGN_OFF, args![name]).await?;
        tx.execute(sql::DROP_DRAINS, args![name]).await?;
        Ok(tx.commit().await?)
    }

    /// Who works, the oldest first, at most [`MAX_WORKERS`].
    pub async fn workers(&self) -> Result<Vec<WorkerRow>, QueueError> {
        let at_work: Vec<(String, i64)> = self.database().all(sql::AT_WORK, args![MAX_WORKERS]).await?;
        let at_work: HashMap<String, i64> = at_work.into_iter().collect();
        let rows: Vec<Stored> = self.database().all(sql::ON_DUTY, args![MAX_WORKERS]).await?;
        let row = |(name, host, version, makes, places, _, started_ms, seen_ms, offers): Stored| {
            let running = at_work.get(&name).copied().unwrap_or(0);
            let offers = offers.as_deref().map(Capabilities::stored);
            WorkerRow { card: WorkerCard { name, host, version, makes, places, offers }, running, started_ms, seen_ms }
        };
        Ok(rows.into_iter().map(row).collect())
    }

    /// What the workers that live offer.
    pub async fn offers(&self) -> Result<Offers, QueueError> {
        let rows: Vec<Stored> = self.database().all(sql::ON_DUTY, args![MAX_WORKERS]).await?;
        Ok(Offers(rows.into_iter().map(|(.., offers)| offers.as_deref().map(Capabilities::stored)).collect()))
    }

    /// How many jobs could run if a worker offered what they lack, by that, over all tenants: for gauges.
    pub async fn unclaimable(&self) -> Result<Vec<(Capabilities, i64)>, QueueError> {
        let needs: Vec<(String, i64)> = self.database().all(sql::NEEDS, args![]).await?;
        if needs.is_empty() {
            return Ok(Vec::new());
        }
        let offers = self.offers().await?;
        let mut jobs: BTreeMap<Capabilities, i64> = BTreeMap::new();
        for (needs, count) in needs {
            let lacking = offers.lacking_for(&Capabilities::stored(&needs));
            if !lacking.is_empty() {
                *jobs.entry(lacking).or_default() += count;
            }
        }
        Ok(jobs.into_iter().collect())
    }
}

/// What each of the workers that live offers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offers(Vec<Option<Capabilities>>);

impl Offers {
    /// What a job needs and no worker offers, while it waits for one; empty when there is a worker for it.
    pub fn lacking(&self, job: &JobRow) -> Capabilities {
        match job.state {
            JobState::Waiting | JobState::Ready => self.lacking_for(&job.needs),
            JobState::Running | JobState::Done | JobState::Parked | JobState::Cancelled => Capabilities::default(),
        }
    }

    fn lacking_for(&self, needs: &Capabilities) -> Capabilities {
        needs.lacking(self.0.iter().map(Option::as_ref))
    }
}

/// Strikes off workers that went silent, judged by its own monotonic clock alone. Any number may do so.
pub struct Roster {
    queue: JobQueue,
    patience: Duration,
    /// Counters, and since when they stand still; those struck off are forgotten at the next look.
    seen: HashMap<String, (i64, Instant)>,
}

impl Roster {
    /// A worker is struck off once its counter stood still for `patience`: several times what lies between two signs of life.
    pub fn new(queue: JobQueue, patience: Duration) -> Self {
        Self { queue, patience, seen: HashMap::new() }
    }

    /// Looks at all workers. `now` never goes back.
    pub async fn sweep(&mut self, now: Instant) -> Result<(), QueueError> {
        let before = std::mem::take(&mut self.seen);
        let rows: Vec<Stored> = self.queue.database().all(sql::ON_DUTY, args![MAX_WORKERS]).await?;
        for (name, _, _, _, _, heartbeat, ..) in rows {
            let since = before.get(&name).filter(|(counter, _)| *counter == heartbeat).map_or(now, |(_, since)| *since);
            if now.saturating_duration_since(since) < self.patience {
                self.seen.insert(name, (heartbeat, since));
                continue;
            }
            let mut tx = self.queue.database().begin().await?;
            if tx.execute(sql::SIGN_OFF_SILENT, args![&name, heartbeat]).await? == 1 {
                tx.execute(sql::DROP_DRAINS, args![&name]).await?;
            }
            tx.commit().await?;
        }
        Ok(())
    }
}
