//! The job table as an apalis backend: claims one row when polled, and only then.

use std::task::{Context, Poll};
use std::time::Duration;

use apalis_core::backend::finalize::Ephemeral;
use apalis_core::backend::{Backend, BackendConfig};
use apalis_core::task::Task;
use apalis_core::worker::context::WorkerContext;
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::watch;
use tower::limit::ConcurrencyLimitLayer;

use crate::claim::Claimer;
use crate::ledger::Ledger;
use crate::worker::shut_down;
use crate::{Capabilities, ClaimedJob, JobQueue, QueueError, WorkerOptions};

const BACK_OFF_FIRST: Duration = Duration::from_millis(100);
const BACK_OFF_MAX: Duration = Duration::from_secs(5);

pub(crate) struct LeaseBackend {
    source: Source,
    options: WorkerOptions,
    /// The claim in progress; `None` from it means that the worker shuts down.
    claim: Option<BoxFuture<'static, Option<ClaimedJob>>>,
    /// A job that was claimed too late to run, on its way back.
    hand_back: Option<BoxFuture<'static, ()>>,
}

#[derive(Clone)]
struct Source {
    queue: JobQueue,
    name: String,
    stages: Vec<String>,
    min_priority: i64,
    offers: Option<Capabilities>,
    ledger: Option<Ledger>,
    changed: watch::Receiver<u64>,
    shutdown: watch::Receiver<bool>,
}

impl LeaseBackend {
    pub(crate) fn new(
        queue: JobQueue,
        options: WorkerOptions,
        ledger: Option<Ledger>,
        shutdown: watch::Receiver<bool>,
    ) -> Self {
        let changed = queue.database().changed();
        let (name, stages, min_priority) = (options.name.clone(), options.stages.clone(), options.min_priority);
        let offers = options.offers.clone();
        let source = Source { queue, name, stages, min_priority, offers, ledger, changed, shutdown };
        Self { source, options, claim: None, hand_back: None }
    }
}

impl Source {
    /// Waits for a job. A database error is waited out here, because one from `poll_next` would end the worker.
    async fn next(mut self) -> Option<ClaimedJob> {
        let mut freed = self.ledger.as_ref().map(Ledger::freed);
        let mut back_off = BACK_OFF_FIRST;
        loop {
            if *self.shutdown.borrow() || self.shutdown.has_changed().is_err() {
                return None;
            }
            // Marked as seen before the look, so that a commit during the look wakes us again.
            self.changed.mark_unchanged();
            freed.iter_mut().for_each(watch::Receiver::mark_unchanged);
            let (pause, idle) = match self.claim().await {
                Ok(Some(job)) => return Some(job),
                Ok(None) => {
                    back_off = BACK_OFF_FIRST;
                    // What finds jobs whose run time has come, and those that no word came of.
                    (self.queue.database().look_every(), true)
                }
                Err(error) => {
                    tracing::warn!(worker = self.name, error = &error as &dyn std::error::Error, "cannot claim");
                    let pause = back_off;
                    back_off = (back_off * 2).min(BACK_OFF_MAX);
                    (pause, false)
                }
            };
            tokio::select! {
                () = shut_down(&mut self.shutdown) => return None,
                _ = self.changed.changed(), if idle => {}
                () = room_again(&mut freed), if idle => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }
}

impl Source {
    async fn claim(&self) -> Result<Option<ClaimedJob>, QueueError> {
        let stages: Vec<&str> = self.stages.iter().map(String::as_str).collect();
        let claimer = Claimer {
            worker: &self.name,
            stages: &stages,
            min_priority: self.min_priority,
            offers: self.offers.as_ref(),
            room: self.ledger.as_ref().map(Ledger::look),
        };
        let claimed = self.queue.claim_for(&claimer).await?;
        if let (Some(ledger), Some((job, purse))) = (&self.ledger, &claimed) {
            ledger.hold(job, *purse);
        }
        Ok(claimed.map(|(job, _)| job))
    }
}

/// Resolves when a job has given back what it held.
async fn room_again(freed: &mut Option<watch::Receiver<()>>) {
    match freed {
        // The sender lives in the ledger, so waiting cannot fail.
        Some(freed) => drop(freed.changed().await),
        None => std::future::pending().await,
    }
}

impl Backend for LeaseBackend {
    type Task = Task<ClaimedJob>;
    type Error = QueueError;

    fn poll_ready(&mut self, _: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), QueueError>> {
        Poll::Ready(Ok(()))
    }

    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        worker: &WorkerContext,
    ) -> Poll<Option<Result<Self::Task, QueueError>>> {
        let source = &self.source;
        let claim = self.claim.get_or_insert_with(|| source.clone().next().boxed());
        let Poll::Ready(next) = claim.poll_unpin(cx) else { return Poll::Pending };
        self.claim = None;
        match next {
            Some(job) => Poll::Ready(Some(Ok(Task::new(job)))),
            None => {
                // The end of the stream alone leaves apalis waiting for a stop.
                if let Err(error) = worker.stop() {
                    tracing::debug!(%error, "the worker had stopped already");
                }
                Poll::Ready(None)
            }
        }
    }

    /// Sees a claim in progress through, and gives back what it brings: nobody will run it here.
    fn poll_close(&mut self, cx: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), QueueError>> {
        if let Some(claim) = &mut self.claim {
            let Poll::Ready(late) = claim.poll_unpin(cx) else { return Poll::Pending };
            self.claim = None;
            if let Some(job) = late {
                let queue = self.source.queue.clone();
                self.hand_back = Some(crate::worker::hand_back(queue, job.fence).boxed());
            }
        }
        if let Some(hand_back) = &mut self.hand_back {
            let Poll::Ready(()) = hand_back.poll_unpin(cx) else { return Poll::Pending };
            self.hand_back = None;
        }
        Poll::Ready(Ok(()))
    }
}

impl BackendConfig for LeaseBackend {
    type Args = ClaimedJob;
    type Id = String;
    type Kind = Ephemeral;
    type Config = WorkerOptions;
    type Layer = ConcurrencyLimitLayer;

    fn config(&self) -> &WorkerOptions {
        &self.options
    }

    fn middleware(&mut self, _: &mut WorkerContext) -> ConcurrencyLimitLayer {
        ConcurrencyLimitLayer::new(self.options.concurrency.max(1))
    }
}
