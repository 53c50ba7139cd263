//! The queue's handlers. [`Workshop`] holds what they share; each stage is one small file.
//!
//! A handler does its work, then commits its result under its fencing token in one transaction. Whatever it wrote
//! before carries the job and the attempt in its key, so a worker that lost its lease disturbs nobody.

mod ahead;
mod analyse;
mod delete;
mod demand;
mod early;
mod early_publish;
mod objects;
mod plan;
mod plans;
mod probe;
mod protect;
mod publish;
mod reuse;
mod tidy;
mod transcode;

use std::sync::Arc;
use std::time::Duration;

use asset_flow::{FlowEvent, FlowFailure, RENEWAL, Stage, URGENT, WATCHED};
use asset_store::{AssetRow, AssetStore, StoreError};
use engine_host::{Account, EngineOptions, EngineSession};
use futures::FutureExt;
use futures::future::BoxFuture;
use job_queue::policy::class_name;
use job_queue::{ClaimedJob, FailOutcome, Handler, JobState, Lease, Outcome};
use ladders::Ladder;
use media_store::MediaStore;
use media_types::{AssetId, EncodePlan, publication};
use telemetry::figures;
use tracing::{Instrument, Span};

use crate::error::WorkError;
use crate::sealed::{Arriving, AssetMedia};
use plans::Plans;

pub use demand::Wishes;
pub use protect::Protecting;

/// Finds a ladder by name, as it is in force now; an error when the store, where it may lie, does not answer.
pub type LadderSource =
    Arc<dyn Fn(String) -> BoxFuture<'static, Result<Option<Ladder>, media_store::StoreError>> + Send + Sync>;

/// Niceness of engines: of those that a viewer waits for, of those that somebody waits for, of all others, and of renewals. Five
/// steps are about three times the share of a processor.
const WATCHED_NICE: u8 = 0;
const URGENT_NICE: u8 = 5;
const ORDINARY_NICE: u8 = 15;
const RENEWAL_NICE: u8 = 19;

/// What all stages share: the stores, the engine, the ladders, the keys.
pub struct Workshop {
    store: AssetStore,
    media: Arc<dyn MediaStore>,
    engine: EngineOptions,
    ladders: LadderSource,
    protecting: Protecting,
    plans: Plans,
}

impl Workshop {
    /// Wires the stages.
    pub fn new(
        store: AssetStore,
        media: Arc<dyn MediaStore>,
        engine: EngineOptions,
        ladders: LadderSource,
        protecting: Protecting,
    ) -> Self {
        let plans = Plans::new(media.clone());
        Self { store, media, engine, ladders, protecting, plans }
    }

    /// Removes what has arrived of an upload.
    pub(crate) async fn discard_upload(&self, asset: &AssetId) -> Result<(), WorkError> {
        Ok(self.media.stage_discard(&publication::staging_key(asset)).await?)
    }

    /// Rids the store of what dead processes left half made; returns how much.
    pub(crate) async fn sweep_store(&self, age: Duration) -> Result<usize, WorkError> {
        Ok(self.media.sweep(age).await?)
    }

    pub(crate) fn store(&self) -> &AssetStore {
        &self.store
    }

    async fn dispatch(&self, job: &ClaimedJob, lease: &Lease) -> Result<(), WorkError> {
        let stage: Stage = serde_json::from_value(job.payload.clone())
            .map_err(|error| WorkError::Engine(format!("a job this build cannot read: {error}")))?;
        match stage {
            Stage::Probe => self.probe(job, lease).await,
            Stage::Plan => self.plan(job).await,
            Stage::Analyse => self.analyse(job, lease).await,
            Stage::EncodeRange { range } => self.encode_range(job, lease, range).await,
            Stage::EncodeAhead { of, first_segment, segment_count } => {
                self.encode_ahead(job, lease, of, first_segment..first_segment.saturating_add(segment_count)).await
            }
            Stage::EncodeAudio { track } => self.encode_audio(job, lease, track).await,
            Stage::Stills => self.stills(job, lease).await,
            Stage::ReadText => self.read_text(job, lease).await,
            Stage::PublishFirst => self.publish_first(job, lease).await,
            Stage::PublishComplete => self.publish_complete(job, lease).await,
            Stage::Tidy => self.tidy(job, lease).await,
            Stage::Delete => self.delete(job, lease).await,
        }
    }

    /// The job's asset; to a job of a renewal as that sees it, so that no stage needs to know of renewals.
    async fn asset(&self, job: &ClaimedJob) -> Result<AssetRow, WorkError> {
        let asset = self.store.asset(&job.tenant_id, &job.asset_id).await?;
        // Looked at after the asset: a job of bytes that have been thrown away must not take the asset of others for its own.
        let row = self.store.queue().job(&job.tenant_id, &job.fence.job_id).await.map_err(StoreError::from)?;
        let held = row.is_some_and(|row| row.state == JobState::Running && row.attempt == job.fence.attempt);
        let asset = asset.filter(|_| held).ok_or(WorkError::LeaseLost)?;
        match job.making {
            0 => Ok(asset),
            making => asset.in_renewal().filter(|seen| seen.flow.making == making).ok_or(WorkError::LeaseLost),
        }
    }

    /// The asset's source, or what has arrived of it, and what is made of it; sealed when it is to be protected.
    async fn media_of(&self, asset: &AssetRow) -> Result<AssetMedia, WorkError> {
        let data_key = match asset.protection {
            Some(_) => Some(self.protecting.data_key(asset, self.store.now_ms()).await?),
            None => None,
        };
        let upload = self.store.upload_of(asset).await?;
        let arriving = upload.as_ref().filter(|_| asset.state.is_arriving());
        let arriving = arriving.map(|upload| Arriving { size: upload.size_bytes, there: upload.received_bytes });
        let parts = upload.map(|upload| upload.parts).unwrap_or_default();
        Ok(AssetMedia::new(self.media.clone(), asset, data_key, arriving, parts))
    }

    /// A session for whatever is no range.
    async fn session(&self, job: &ClaimedJob, media: &AssetMedia, lease: &Lease) -> Result<EngineSession, WorkError> {
        self.start(self.engine.without_devices(), job, media, lease).await
    }

    /// A session for ranges, with a device if there is one.
    async fn range_session(
        &self,
        job: &ClaimedJob,
        media: &AssetMedia,
        lease: &Lease,
    ) -> Result<EngineSession, WorkError> {
        self.start(self.engine.clone(), job, media, lease).await
    }

    async fn start(
        &self,
        engine: EngineOptions,
        job: &ClaimedJob,
        media: &AssetMedia,
        lease: &Lease,
    ) -> Result<EngineSession, WorkError> {
        Ok(EngineSession::start(&engine_for(engine, job, lease), media.recording(lease).await?).await?)
    }

    async fn commit(
        &self,
        job: &ClaimedJob,
        outcome: impl Into<Outcome>,
        event: Option<FlowEvent>,
    ) -> Result<(), WorkError> {
        let event = event.map(|event| event.of_making(job.making));
        Ok(self.store.commit(&job.fence, &job.asset_id, outcome, event.as_ref(), self.store.now_ms()).await?)
    }

    /// Gives places that became free to renewals that wait.
    pub(crate) async fn start_renewals(&self) {
        match self.store.start_renewals(self.store.now_ms()).await {
            Ok(0) => {}
            Ok(begun) => tracing::info!(begun, "renewals began"),
            // Every worker looks again within a minute.
            Err(error) => tracing::warn!(%error, "waiting renewals could not begin"),
        }
    }

    /// The asset's plan, as stored by the plan stage.
    async fn stored_plan(&self, asset: &AssetRow) -> Result<Arc<EncodePlan>, WorkError> {
        self.plans.at(objects::plan_key(asset)).await
    }

    /// The plan with the renditions that the recording gets in the end.
    async fn final_plan(&self, asset: &AssetRow) -> Result<Arc<EncodePlan>, WorkError> {
        let plan = self.stored_plan(asset).await?;
        if plan.per_title.is_none() { Ok(plan) } else { self.plans.at(objects::decided_key(asset)).await }
    }

    async fn fail(&self, job: &ClaimedJob, error: &WorkError) {
        let failure = FlowFailure {
            stage: job.stage.clone(),
            code: error.code().to_owned(),
            detail: error.to_string(),
            hint: Some(error.hint().to_owned()),
        };
        tracing::warn!(code = %failure.code, error = %failure.detail, "stage failed");
        if matches!(error, WorkError::Host(_) | WorkError::Engine(_)) {
            figures::ENGINE_FAILURES.add(&[&failure.code], 1);
        }
        match self.store.fail(job, &failure, error.retry(), self.store.now_ms()).await {
            Ok(FailOutcome::Retrying { .. }) => ended(job, "retried"),
            Ok(FailOutcome::Parked) => ended(job, "parked"),
            Err(StoreError::LeaseLost) => ended(job, "lost"),
            // The lease runs out and the reaper takes the job back.
            Err(error) => tracing::error!(%error, "a failure could not be recorded"),
        }
    }

    /// The span of an attempt, linked to the spans of what the job has waited for.
    async fn span(&self, job: &ClaimedJob) -> Span {
        let awaited = match telemetry::is_exporting() {
            true => self.store.queue().awaited(&job.fence).await.unwrap_or_default(),
            false => Vec::new(),
        };
        let ids = (job.asset_id.as_str(), job.fence.job_id.as_str());
        telemetry::job_span((&job.stage, job.fence.attempt), ids, job.traceparent.as_deref(), &awaited)
    }
}

/// Counts an attempt that has ended.
fn ended(job: &ClaimedJob, outcome: &str) {
    figures::JOBS_ENDED.add(&[&job.stage, outcome], 1);
}

/// The options for an engine that works for this job, and in the end tells its lease what it used.
fn engine_for(engine: EngineOptions, job: &ClaimedJob, lease: &Lease) -> EngineOptions {
    let nice = match job.priority {
        WATCHED.. => WATCHED_NICE,
        URGENT.. => URGENT_NICE,
        RENEWAL.. => ORDINARY_NICE,
        _ => RENEWAL_NICE,
    };
    EngineOptions { nice, account: account(lease), ..engine }
}

fn account(lease: &Lease) -> Account {
    let lease = lease.clone();
    Account::to(move |used| match used {
        Some(used) => {
            lease.used(used.cpu);
            used.peak_bytes.into_iter().for_each(|bytes| lease.had_memory(bytes));
        }
        None => lease.used_unmeasured(),
    })
}

/// [`Workshop`] as the queue calls it.
pub(crate) struct StageHandler(pub(crate) Arc<Workshop>);

impl Handler for StageHandler {
    fn run(&self, job: ClaimedJob, lease: Lease) -> BoxFuture<'static, ()> {
        let workshop = self.0.clone();
        async move {
            let span = workshop.span(&job).await;
            attempt(&workshop, &job, &lease, &span).instrument(span.clone()).await;
            if job.making > 0 {
                workshop.start_renewals().await;
            }
        }
        .boxed()
    }

    fn panicked(&self, job: ClaimedJob, message: String) -> BoxFuture<'static, ()> {
        let workshop = self.0.clone();
        async move {
            let span = workshop.span(&job).await;
            let error = WorkError::Engine(format!("a stage panicked: {message}"));
            telemetry::failed(&span, error.code());
            workshop.fail(&job, &error).instrument(span).await;
        }
        .boxed()
    }
}

/// One attempt at a job, from its first line to its last.
async fn attempt(workshop: &Workshop, job: &ClaimedJob, lease: &Lease, span: &Span) {
    figures::WAIT_SECONDS.observe(class_name(job.priority), job.waited_ms as f64 / 1_000.0);
    tracing::info!(waited_ms = job.waited_ms, "stage started");
    let began = std::time::Instant::now();
    let outcome = tokio::select! {
        outcome = workshop.dispatch(job, lease) => outcome,
        () = lease.lost() => Err(WorkError::LeaseLost),
    };
    figures::JOB_SECONDS.observe(&job.stage, began.elapsed().as_secs_f64());
    if let Some(cpu) = lease.cpu() {
        figures::JOB_CPU_SECONDS.observe(&job.stage, cpu.as_secs_f64());
    }
    match outcome {
        Ok(()) => {
            tracing::info!(duration_ms = began.elapsed().as_millis() as u64, "stage finished");
            ended(job, "done");
        }
        Err(error @ WorkError::LeaseLost) => {
            telemetry::failed(span, error.code());
            ended(job, "lost");
            workshop.discard_attempt(job).await;
        }
        Err(error) => {
            telemetry::failed(span, error.code());
            workshop.fail(job, &error).await;
        }
    }
}
