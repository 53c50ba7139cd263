//! What claims nothing more until a person says so. What runs goes on.

use database::args;

use crate::{JobQueue, QueueError, sql};

/// The most characters of a name or a reason.
const MAX_TEXT_CHARS: usize = 200;

/// What is drained.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Everything.
    Queue,
    /// The jobs of one stage.
    Stage(String),
    /// What one worker claims, by its name.
    Worker(String),
}

impl Scope {
    /// Its name for people and programs: `queue`, `stage` or `worker`.
    pub fn kind(&self) -> &'static str {
        match self {
            Scope::Queue => "queue",
            Scope::Stage(_) => "stage",
            Scope::Worker(_) => "worker",
        }
    }

    /// The stage or the worker; empty for everything.
    pub fn name(&self) -> &str {
        match self {
            Scope::Queue => "",
            Scope::Stage(name) | Scope::Worker(name) => name,
        }
    }

    fn stored(kind: &str, name: String) -> Result<Self, QueueError> {
        match kind {
            "queue" => Ok(Scope::Queue),
            "stage" => Ok(Scope::Stage(name)),
            "worker" => Ok(Scope::Worker(name)),
            _ => Err(QueueError::Corrupt(format!("drain {kind}"))),
        }
    }
}

/// A stop to claiming. It outlives every restart; that of a worker ends with the worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drain {
    /// What is drained.
    pub scope: Scope,
    /// Why, in the words of who asked for it.
    pub reason: Option<String>,
    /// Since when, in milliseconds since 1970.
    pub since_ms: i64,
}

impl JobQueue {
    /// Has no more jobs of `scope` claimed, by whichever process; a claim that is under way may still come through. Asked for
    /// again it changes the reason alone.
    ///
    /// # Errors
    /// [`QueueError::Invalid`] for a name or a reason of more than 200 characters.
    pub async fn drain(&self, scope: &Scope, reason: Option<&str>) -> Result<(), QueueError> {
        if [scope.name(), reason.unwrap_or_default()].iter().any(|text| text.chars().count() > MAX_TEXT_CHARS) {
            return Err(QueueError::Invalid("a name or a reason has at most 200 characters"));
        }
        let mut tx = self.database().begin().await?;
        tx.execute(sql::DRAIN, args![scope.kind(), scope.name(), reason, self.now_ms()]).await?;
        tx.wake();
        Ok(tx.commit().await?)
    }

    /// Ends a drain, and wakes who waits. `false` when there was none.
    pub async fn resume(&self, scope: &Scope) -> Result<bool, QueueError> {
        let mut tx = self.database().begin().await?;
        let ended = tx.execute(sql::RESUME, args![scope.kind(), scope.name()]).await?;
        tx.wake();
        tx.commit().await?;
        Ok(ended > 0)
    }

    /// All drains, at most 1000.
    pub async fn drains(&self) -> Result<Vec<Drain>, QueueError> {
        let rows: Vec<(String, String, Option<String>, i64)> = self.database().all(sql::DRAINS, args![]).await?;
        rows.into_iter()
            .map(|(kind, name, reason, since_ms)| Ok(Drain { scope: Scope::stored(&kind, name)?, reason, since_ms }))
            .collect()
    }

    /// How many jobs of a scope run now, over all tenants.
    pub async fn running_of(&self, scope: &Scope) -> Result<i64, QueueError> {
        let (stage, worker) = match scope {
            Scope::Queue => (None, None),
            Scope::Stage(name) => (Some(name.as_str()), None),
            Scope::Worker(name) => (None, Some(name.as_str())),
        };
        let running: Option<(i64,)> = self.database().optional(sql::RUNNING_OF, args![stage, worker]).await?;
        Ok(running.map_or(0, |(count,)| count))
    }
}
