//! Where a worker's handler works: it waits for the story's word, and then does with the recording what a stage does.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use asset_flow::{FlowFailure, Stage};
use asset_store::{AssetStore, StoreError};
use futures::FutureExt;
use futures::future::BoxFuture;
use job_queue::{ClaimedJob, FailOutcome, Handler, Lease, Retry};
use media_types::{AssetId, TenantId};
use tokio::sync::oneshot;

use crate::engine;
use crate::fleet::FAULT;
use crate::told::{Attempt, Happening, Outcome};

/// What all processes of a story write into.
#[derive(Default)]
pub(crate) struct Log {
    pub(crate) told: Mutex<Vec<Happening>>,
    /// The recordings' numbers.
    pub(crate) assets: Mutex<HashMap<AssetId, usize>>,
    /// And their ids by number.
    pub(crate) ids: Mutex<HashMap<usize, (TenantId, AssetId)>>,
}

impl Log {
    pub(crate) fn tell(&self, happening: Happening) {
        self.told.lock().unwrap().push(happening);
    }

    pub(crate) fn attempt(&self, asset: &AssetId, payload: serde_json::Value, number: i64) -> Attempt {
        let stage: Stage = serde_json::from_value(payload).unwrap();
        Attempt { asset: self.assets.lock().unwrap()[asset], stage, number }
    }
}

pub(crate) struct Desk {
    pub(crate) worker: usize,
    pub(crate) store: AssetStore,
    pub(crate) clock: Arc<AtomicI64>,
    pub(crate) log: Arc<Log>,
    order: Mutex<Option<oneshot::Sender<Outcome>>>,
    lease: Mutex<Option<Lease>>,
}

impl Desk {
    pub(crate) fn new(worker: usize, store: AssetStore, clock: Arc<AtomicI64>, log: Arc<Log>) -> Arc<Self> {
        Arc::new(Self { worker, store, clock, log, order: Mutex::default(), lease: Mutex::default() })
    }

    /// Says how the work under way ends.
    pub(crate) fn order(&self, outcome: Outcome) {
        if let Some(order) = self.order.lock().unwrap().take() {
            let _ = order.send(outcome);
        }
    }

    /// Frames go in or out.
    pub(crate) fn moves(&self) {
        if let Some(lease) = &*self.lease.lock().unwrap() {
            lease.touch();
        }
    }

    fn now_ms(&self) -> i64 {
        self.clock.load(Ordering::SeqCst)
    }

    async fn work(self: Arc<Self>, job: ClaimedJob, lease: Lease) {
        let worker = self.worker;
        let attempt = self.log.attempt(&job.asset_id, job.payload.clone(), job.fence.attempt);
        let (order, ordered) = oneshot::channel();
        *self.order.lock().unwrap() = Some(order);
        // Processor time is no seed's to give: a job is charged for the time that it took.
        lease.used_unmeasured();
        *self.lease.lock().unwrap() = Some(lease.clone());
        self.log.tell(Happening::Claimed { worker, attempt: attempt.clone() });
        let outcome = tokio::select! {
            biased;
            Ok(outcome) = ordered => outcome,
            () = lease.lost() => return self.log.tell(Happening::Lost { worker, attempt }),
        };
        match outcome {
            Outcome::Commits | Outcome::DiesBefore | Outcome::DiesAfter => self.ends(&job, attempt, outcome).await,
            Outcome::Fails => self.fails(&job, attempt, Retry::Counted).await,
            Outcome::GivesUp => self.fails(&job, attempt, Retry::No).await,
            // A panic, but one that nobody prints.
            Outcome::Panics => std::panic::resume_unwind(Box::new("on purpose")),
        }
    }

    async fn ends(&self, job: &ClaimedJob, attempt: Attempt, outcome: Outcome) {
        let worker = self.worker;
        let taken = self.take_generation(job, &attempt).await;
        if outcome == Outcome::DiesBefore {
            std::future::pending::<()>().await;
        }
        let committed = match taken {
            Ok(generation) => self.commit(job, &attempt, generation).await.map(|()| generation),
            Err(error) => Err(error),
        };
        self.log.tell(match committed {
            Ok(generation) => Happening::Counted { worker, attempt, generation },
            Err(error) => refused(worker, attempt, &error),
        });
        if outcome == Outcome::DiesAfter {
            std::future::pending::<()>().await;
        }
    }

    async fn take_generation(&self, job: &ClaimedJob, attempt: &Attempt) -> Result<Option<u64>, StoreError> {
        match engine::takes_generation(attempt.asset, &attempt.stage) {
            true => self.store.allocate_generation(&job.fence, &job.asset_id, self.now_ms()).await.map(Some),
            false => Ok(None),
        }
    }

    async fn commit(&self, job: &ClaimedJob, attempt: &Attempt, generation: Option<u64>) -> Result<(), StoreError> {
        let asset = self.store.asset(&job.tenant_id, &job.asset_id).await?;
        let planned = asset.and_then(|asset| asset.flow.plan).and_then(|plan| plan.planned_generation);
        let event = engine::event(attempt.asset, &attempt.stage, generation, planned);
        let event = event.map(|event| event.of_making(job.making));
        let result = engine::result(attempt.asset, &attempt.stage);
        self.store.commit(&job.fence, &job.asset_id, result, event.as_ref(), self.now_ms()).await
    }

    async fn fails(&self, job: &ClaimedJob, attempt: Attempt, retry: Retry) {
        let worker = self.worker;
        let failure = FlowFailure {
            stage: job.stage.clone(),
            code: FAULT.to_owned(),
            detail: "so it was thrown".to_owned(),
            hint: None,
        };
        self.log.tell(match self.store.fail(job, &failure, retry, self.now_ms()).await {
            Ok(FailOutcome::Retrying { run_at_ms }) => Happening::Retried { worker, attempt, run_at_ms },
            Ok(FailOutcome::Parked) => Happening::Parked { worker, attempt },
            Err(error) => refused(worker, attempt, &error),
        });
    }
}

fn refused(worker: usize, attempt: Attempt, error: &StoreError) -> Happening {
    match error {
        StoreError::LeaseLost => Happening::Refused { worker, attempt },
        StoreError::Database(_) | StoreError::Queue(_) => Happening::Unheard { worker, attempt },
        error => panic!("{error}: {attempt:?}"),
    }
}

pub(crate) struct AtDesk(pub(crate) Arc<Desk>);

impl Handler for AtDesk {
    fn run(&self, job: ClaimedJob, lease: Lease) -> BoxFuture<'static, ()> {
        Arc::clone(&self.0).work(job, lease).boxed()
    }

    fn panicked(&self, job: ClaimedJob, message: String) -> BoxFuture<'static, ()> {
        let desk = Arc::clone(&self.0);
        async move {
            assert_eq!(message, "on purpose");
            let attempt = desk.log.attempt(&job.asset_id, job.payload.clone(), job.fence.attempt);
            desk.fails(&job, attempt, Retry::Counted).await;
        }
        .boxed()
    }
}
