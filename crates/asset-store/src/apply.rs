//! The one way an asset's state changes.

use asset_flow::{AssetState, Effects, FlowEvent, JobRequest, Phase, Stage, advance};
use database::outbox::{self, NewEvent};
use database::{Tx, args};
use job_queue::{NewJob, Reason};
use media_types::{AssetId, JobId, TenantId};
use serde_json::Value;
use uuid::Uuid;

use crate::rows::RawAsset;
use crate::{AssetRow, AssetStore, StoreError, UploadState, snapshot, sql};

/// [`asset_flow::FlowFailure::code`] of an asset whose upload stopped for too long.
pub(crate) const UPLOAD_EXPIRED: &str = "upload.expired";

/// Why jobs are cancelled whose asset, or renewal, fails: these go on when it is tried again.
const GAVE_UP: Reason = Reason { code: "asset.errored", detail: "another job of the asset gave up" };

/// Why an event cancels jobs.
fn reason_of(event: &FlowEvent) -> Reason {
    match event {
        FlowEvent::InRenewal { what, .. } => reason_of(what),
        FlowEvent::Failed { .. } => GAVE_UP,
        FlowEvent::UploadRestarted => Reason { code: "upload.restarted", detail: "the upload was begun anew" },
        FlowEvent::DeleteRequested => Reason { code: "asset.deleting", detail: "the asset is being deleted" },
        FlowEvent::RenewRequested { .. } => Reason { code: "renewal.superseded", detail: "the ladder changed again" },
        _ => Reason { code: asset_flow::CANCELLED, detail: "a person cancelled the processing" },
    }
}

impl AssetStore {
    /// Takes `event` into the asset's state within `tx`: locks the asset, advances it, saves it, cancels and enqueues
    /// jobs, closes uploads of an asset that ended, and writes the outbox. An event that changes nothing writes nothing.
    ///
    /// # Errors
    /// [`StoreError::Flow`] for an event that only a faulty caller sends; `tx` must then be dropped.
    pub async fn apply(
        &self,
        tx: &mut Tx,
        tenant: &TenantId,
        asset: &AssetId,
        event: &FlowEvent,
        now_ms: i64,
    ) -> Result<AssetRow, StoreError> {
        let asset = lock(tx, tenant, asset).await?;
        self.step(tx, asset, event, now_ms).await
    }

    /// As [`AssetStore::apply`], for an asset that `tx` has locked.
    pub(crate) async fn step(
        &self,
        tx: &mut Tx,
        mut asset: AssetRow,
        event: &FlowEvent,
        now_ms: i64,
    ) -> Result<AssetRow, StoreError> {
        let (flow, effects) = advance(&asset.flow, event)?;
        if flow == asset.flow && effects.is_empty() {
            return Ok(asset);
        }
        let before = std::mem::replace(&mut asset.flow, flow);
        asset.state = asset.flow.phase;
        let kinds = snapshot::kinds(&before, &asset.flow);
        mark(&mut asset, event, &kinds, now_ms);
        mark_renewal(&mut asset, &before, now_ms);
        save(tx, &mut asset, now_ms).await?;
        self.follow(tx, &asset, (event, &effects), now_ms).await?;
        if matches!(asset.state, Phase::Errored | Phase::Deleting) {
            let closed = closed_by(event).as_str();
            tx.execute(sql::CLOSE_UPLOADS, args![&asset.tenant_id, &asset.id, closed, now_ms]).await?;
        }
        for kind in kinds {
            announce(tx, kind, &asset, now_ms).await?;
        }
        tx.wake();
        Ok(asset)
    }

    async fn follow(
        &self,
        tx: &mut Tx,
        asset: &AssetRow,
        (event, effects): (&FlowEvent, &Effects),
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let (tenant, id) = (&asset.tenant_id, &asset.id);
        if effects.cancel_jobs {
            self.queue.cancel_asset(tx, tenant, id, reason_of(event), now_ms).await?;
        }
        if let Some(making) = effects.cancel_making {
            self.queue.cancel_making(tx, tenant, id, making, reason_of(event), now_ms).await?;
        }
        if effects.revive_jobs {
            self.queue.revive_asset(tx, tenant, id, asset.flow.making, GAVE_UP.code, now_ms).await?;
        }
        if !effects.jobs.is_empty() {
            self.queue.enqueue(tx, now_ms, &new_jobs(asset, &effects.jobs)?).await?;
        }
        Ok(())
    }
}

/// Locks the asset until the transaction ends, and reads it.
pub(crate) async fn lock(tx: &mut Tx, tenant: &TenantId, asset: &AssetId) -> Result<AssetRow, StoreError> {
    let row: Option<RawAsset> = tx.optional(sql::LOCK_ASSET, args![tenant, asset]).await?;
    row.ok_or(StoreError::NotFound("asset"))?.try_into()
}

/// Writes an event about the asset to the outbox.
pub(crate) async fn announce(tx: &mut Tx, kind: &str, asset: &AssetRow, now_ms: i64) -> Result<(), StoreError> {
    let event = NewEvent {
        tenant_id: &asset.tenant_id,
        kind,
        subject: asset.id.as_str(),
        data: snapshot::without_nul(snapshot::of(asset)),
        time_ms: now_ms,
    };
    outbox::append(tx, &event).await?;
    Ok(())
}

/// An object that can be stored, of a value that serializes to one.
pub(crate) fn object(value: &impl serde::Serialize, what: &'static str) -> Result<Value, StoreError> {
    serde_json::to_value(value).map(snapshot::without_nul).map_err(|_| StoreError::Corrupt(what))
}

async fn save(tx: &mut Tx, asset: &mut AssetRow, now_ms: i64) -> Result<(), StoreError> {
    asset.updated_ms = now_ms;
    asset.version += 1;
    let args = args![
        &asset.tenant_id,
        &asset.id,
        asset.state.as_str(),
        object(&asset.flow, "asset")?,
        asset.source_size.and_then(|size| i64::try_from(size).ok()),
        asset.source_sha256.as_deref(),
        asset.ladder_sha256.as_deref(),
        asset.duration_ms,
        asset.uploaded_ms,
        asset.playable_ms,
        asset.complete_ms,
        asset.updated_ms,
        asset.version,
        &asset.ladder,
        asset.flow.renewal.as_ref().map(|renewal| renewal.phase.as_str()),
        asset.renewal_ms,
        asset.renewed_ms,
    ];
    tx.execute(sql::SAVE_ASSET, args).await?;
    Ok(())
}

/// Fills in what follows from an event.
fn mark(asset: &mut AssetRow, event: &FlowEvent, kinds: &[&str], now_ms: i64) {
    for &kind in kinds {
        match kind {
            // Not when it is tried again.
            "asset.processing" => asset.uploaded_ms = asset.uploaded_ms.or(Some(now_ms)),
            "asset.playable" => asset.playable_ms = Some(now_ms),
            "asset.ready" => asset.complete_ms = Some(now_ms),
            _ => {}
        }
    }
    match event {
        FlowEvent::Planned { summary } => {
            asset.duration_ms = Some(summary.duration_ms);
            asset.ladder_sha256 = Some(summary.ladder_sha256.clone());
        }
        FlowEvent::UploadRestarted => (asset.duration_ms, asset.ladder_sha256) = (None, None),
        _ => {}
    }
}

/// Fills in what follows from a change of the renewal.
fn mark_renewal(asset: &mut AssetRow, before: &AssetState, now_ms: i64) {
    match (&before.renewal, &asset.flow.renewal) {
        (before, Some(after)) if before.as_ref().is_none_or(|before| before.making != after.making) => {
            asset.renewal_ms = Some(now_ms);
        }
        (Some(ended), None) if asset.state == Phase::Ready => {
            asset.ladder.clone_from(&ended.ladder.name);
            asset.ladder_sha256 = asset.flow.plan.as_ref().map(|plan| plan.ladder_sha256.clone());
            asset.duration_ms = asset.flow.plan.as_ref().map(|plan| plan.duration_ms);
            asset.renewal_ms = None;
            if asset.flow.making != before.making {
                asset.renewed_ms = Some(now_ms);
            }
        }
        _ => {}
    }
}

/// What becomes of an upload under way when `event` ends its asset.
fn closed_by(event: &FlowEvent) -> UploadState {
    match event {
        FlowEvent::Failed { failure } if failure.code == UPLOAD_EXPIRED => UploadState::Expired,
        FlowEvent::Failed { .. } => UploadState::Errored,
        _ => UploadState::Canceled,
    }
}

pub(crate) fn new_jobs(asset: &AssetRow, requests: &[JobRequest]) -> Result<Vec<NewJob>, StoreError> {
    // Version 7 ids grow within a process, so that jobs of equal priority run in the order of their batch.
    let ids: Vec<JobId> = requests.iter().map(|_| JobId::from_unique(Uuid::now_v7().simple())).collect();
    let new_job = |(request, id): (&JobRequest, &JobId)| {
        let waits_on = request.waits_on.iter().filter_map(|&on| ids.get(on).cloned()).collect();
        Ok(NewJob {
            id: id.clone(),
            tenant_id: asset.tenant_id.clone(),
            asset_id: asset.id.clone(),
            stage: request.stage.name().to_owned(),
            payload: object(&request.stage, "job")?,
            making: request.making,
            priority: request.priority,
            weight: request.weight,
            max_attempts: request.max_attempts,
            needs: request.needs.iter().copied().collect(),
            waits_on,
            delay_ms: request.delay_ms,
            dedupe_key: dedupe_key(asset, request),
        })
    };
    requests.iter().zip(&ids).map(new_job).collect()
}

/// For stages that exist once per asset, and for what may be on its way already when it is asked for again: who waits for
/// such a job then waits for the one there is.
fn dedupe_key(asset: &AssetRow, request: &JobRequest) -> Option<String> {
    let name = request.stage.name();
    match &request.stage {
        Stage::Plan if request.making > 0 => Some(format!("{}:{name}:{}", asset.id, request.making)),
        Stage::Probe | Stage::Plan | Stage::Delete => Some(format!("{}:{name}", asset.id)),
        Stage::EncodeAhead { of, first_segment, segment_count } => {
            Some(format!("{}:{name}:{of:?}:{first_segment}+{segment_count}:{}", asset.id, request.priority))
        }
        _ => None,
    }
}
