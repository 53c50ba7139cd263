//! Hands events out and sends them, until it is stopped. Any number of processes may do this at once.

use std::collections::HashMap;
use std::time::Duration;

use database::DbError;
use kernel::Standing;
use kernel::problem::chain;
use tokio::sync::watch;
use tokio::task::{Id, JoinSet};
use tokio::time::Instant;

use crate::deliveries::{Fence, Place};
use crate::store::AT_ONCE;
use crate::{Webhooks, schedule, send};

/// Deliveries under way at once to one endpoint, and to one whose last attempt failed: who hangs takes few places.
const TO_ONE: usize = 4;
const TO_A_FAILING_ONE: usize = 1;
/// Claims of all processes that one look for dead ones takes in.
const CLAIMS: i64 = 4096;
const LOOK_FOR_DEAD_EVERY: Duration = Duration::from_secs(2);
const PRUNE_EVERY: Duration = Duration::from_secs(600);
/// Pages of events that one round hands out: what is due waits for no more.
const PAGES: usize = 16;
/// What is under way at the end has so long; the rest is given back.
const DRAIN: Duration = Duration::from_secs(5);

/// A delivery that this process is sending.
struct Held {
    place: Place,
    fence: Fence,
}

struct Dispatcher {
    hooks: Webhooks,
    tasks: JoinSet<()>,
    held: HashMap<Id, Held>,
    standing: Standing<Fence>,
    look_for_dead: Instant,
    prune: Instant,
    /// Where the next round begins, so that each endpoint is first at some time.
    first: usize,
}

/// Delivers until `stopped` turns true. What is under way then is finished, or given back for others to send.
pub(crate) async fn run(hooks: Webhooks, mut stopped: watch::Receiver<bool>) {
    let mut changed = hooks.db.changed();
    let now = Instant::now();
    let (tasks, held) = (JoinSet::new(), HashMap::new());
    let standing = Standing::new(schedule::PATIENCE);
    let mut this = Dispatcher { hooks, tasks, held, standing, look_for_dead: now, prune: now, first: 0 };
    loop {
        changed.mark_unchanged();
        if let Err(error) = this.round().await {
            tracing::warn!(error = %chain(&error), "webhooks wait for the database");
        }
        tokio::select! {
            // Whoever could stop it is gone: that is an end too.
            _ = stopped.wait_for(|stop| *stop) => break,
            () = this.hooks.db.next_look(&mut changed) => {}
            Some(ended) = this.tasks.join_next_with_id() => this.forget(ended),
        }
        while let Some(ended) = this.tasks.try_join_next_with_id() {
            this.forget(ended);
        }
    }
    this.drain().await;
}

impl Dispatcher {
    fn forget(&mut self, ended: Result<(Id, ()), tokio::task::JoinError>) {
        let id = ended.map_or_else(|error| error.id(), |(id, ())| id);
        // What a panic left claimed is found as the claim of a dead process is.
        self.held.remove(&id);
    }

    /// Everything there is to do now: hands out what is new, and begins what has a place.
    async fn round(&mut self) -> Result<(), DbError> {
        let now = Instant::now();
        if now >= self.look_for_dead {
            self.look_for_dead = now + LOOK_FOR_DEAD_EVERY;
            self.give_back_dead(now).await?;
        }
        if now >= self.prune {
            self.prune = now + PRUNE_EVERY;
            while self.hooks.prune().await? > 0 {}
        }
        for _ in 0..PAGES {
            if !self.hooks.hand_out().await? {
                break;
            }
        }
        self.begin().await
    }

    async fn give_back_dead(&mut self, now: Instant) -> Result<(), DbError> {
        let found = self.hooks.sending(CLAIMS).await?;
        let ours = |fence: &Fence| self.held.values().any(|held| held.fence == *fence);
        let dead: Vec<Fence> = self.standing.look(now, found).into_iter().filter(|fence| !ours(fence)).collect();
        self.hooks.give_back(&dead).await
    }

    async fn begin(&mut self) -> Result<(), DbError> {
        let mut due = self.hooks.due().await?;
        if due.is_empty() {
            return Ok(());
        }
        self.first = self.first.wrapping_add(1);
        let turn = self.first % due.len();
        due.rotate_left(turn);
        for (place, fails) in due {
            let most = if fails { TO_A_FAILING_ONE } else { TO_ONE };
            let taken = self.held.values().filter(|held| held.place == place).count();
            let free = most.saturating_sub(taken).min(AT_ONCE.saturating_sub(self.tasks.len()));
            if free == 0 {
                continue;
            }
            for delivery in self.hooks.claim(&place, free).await? {
                let fence = (delivery.tenant_id.clone(), delivery.id.clone(), delivery.attempt);
                let hooks = self.hooks.clone();
                let task = self.tasks.spawn(async move { send::attempt(&hooks, &delivery).await });
                self.held.insert(task.id(), Held { place: place.clone(), fence });
            }
        }
        Ok(())
    }

    async fn drain(mut self) {
        let until = Instant::now() + DRAIN.min(schedule::DEADLINE);
        while let Ok(Some(ended)) = tokio::time::timeout_at(until, self.tasks.join_next_with_id()).await {
            self.forget(ended);
        }
        self.tasks.shutdown().await;
        let left: Vec<Fence> = self.held.into_values().map(|held| held.fence).collect();
        if let Err(error) = self.hooks.give_back(&left).await {
            tracing::warn!(error = %chain(&error), "deliveries wait for others to find them");
        }
    }
}
