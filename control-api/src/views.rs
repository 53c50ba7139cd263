//! The JSON forms of uploads and assets, and the rows they are made of.

use asset_flow::{AssetState, FlowFailure, Phase, Renewal};
use asset_store::{AssetRow, Progress, RenditionState, SourcePart, UploadRow, UploadState};
use kernel::{Problem, rfc3339};
use media_types::{AssetId, Completion, Loss, LossKind, UploadId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::direct::DirectView;
use crate::error;
use crate::findings::{QualityView, ScenesView};
use crate::parts::{self, PartView};
use crate::state::Api;

/// What the handlers need of an upload.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    pub(crate) id: UploadId,
    pub(crate) asset_id: AssetId,
    pub(crate) size_bytes: u64,
    pub(crate) received_bytes: u64,
    pub(crate) parts: Vec<SourcePart>,
    state: UploadState,
    filename: String,
    created_ms: i64,
    updated_ms: i64,
}

impl From<UploadRow> for Upload {
    fn from(row: UploadRow) -> Self {
        Self {
            id: row.id,
            asset_id: row.asset_id,
            size_bytes: row.size_bytes,
            received_bytes: row.received_bytes,
            parts: row.parts,
            state: row.state,
            filename: row.filename,
            created_ms: row.created_ms,
            updated_ms: row.updated_ms,
        }
    }
}

impl Upload {
    /// Whether its bytes are the asset's source.
    pub(crate) fn is_attached(&self) -> bool {
        self.state == UploadState::Attached
    }

    /// Refuses an upload that takes no more bytes.
    pub(crate) fn open(&self) -> Result<(), Problem> {
        if self.is_attached() { Err(error::already_received()) } else { self.open_or_attached() }
    }

    /// Refuses an upload that was given up.
    pub(crate) fn open_or_attached(&self) -> Result<(), Problem> {
        let fine = self.is_attached() || self.state.is_open();
        if fine { Ok(()) } else { Err(error::upload_closed(self.state.as_str())) }
    }

    /// When it is given up if nothing more comes; `None` once it is received.
    pub(crate) fn expires_ms(&self) -> Option<i64> {
        self.state.is_open().then(|| self.updated_ms.saturating_add(asset_store::UPLOAD_IDLE_MS))
    }

    /// Its place in the store's staging.
    pub(crate) fn staging_key(&self) -> String {
        media_types::publication::staging_key(&self.asset_id)
    }
}

/// An upload.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UploadView {
    /// The upload.
    id: String,
    /// The asset that it fills; it exists from the announcement on.
    asset_id: String,
    /// As announced.
    filename: String,
    /// As announced.
    size_bytes: u64,
    /// Durable so far.
    received_bytes: u64,
    /// Each file of a recording that was announced in parts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    parts: Vec<PartView>,
    /// `waiting`, `receiving`, `received`, `attached`, `canceled`, `errored` or `expired`.
    state: &'static str,
    /// Takes the whole source in one PUT.
    put_url: String,
    /// Takes it in parts by tus 1.0.
    tus_url: String,
    /// How its bytes are sent straight to the store; null where the store takes nothing from clients.
    direct: Option<DirectView>,
    /// RFC 3339.
    created_at: String,
    /// RFC 3339.
    updated_at: String,
}

impl UploadView {
    pub(crate) fn new(api: &Api, upload: &Upload) -> Self {
        let own = format!("/api/v1/uploads/{}", upload.id);
        Self {
            id: upload.id.to_string(),
            asset_id: upload.asset_id.to_string(),
            filename: upload.filename.clone(),
            size_bytes: upload.size_bytes,
            received_bytes: upload.received_bytes,
            parts: parts::views(&upload.parts, upload.received_bytes),
            state: upload.state.as_str(),
            put_url: api.url(&format!("{own}/content")),
            tus_url: api.url(&own),
            direct: DirectView::new(api, &own),
            created_at: rfc3339(upload.created_ms),
            updated_at: rfc3339(upload.updated_ms),
        }
    }
}

/// How far an asset is.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct ProgressView {
    /// `upload`, `probe`, `plan`, `encode`, `publish`, `done` or `delete`; where it stopped for a failed asset.
    stage: String,
    /// 0 to 100; never falls.
    percent: f64,
    /// Seconds until it is complete, once that can be told.
    eta_s: Option<i64>,
}

/// How far one rendition is.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct RenditionView {
    /// Such as `720p`.
    name: String,
    /// In pixels; 0 for a rung that was left out.
    width: u32,
    /// In pixels; 0 for a rung that was left out.
    height: u32,
    /// `waiting`, `running`, `done`, `failed` or `skipped`.
    state: &'static str,
    /// 0 to 100.
    percent: f64,
    /// Why a rung was skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// How good it looks; null until the asset is ready, and where nothing was measured.
    quality: Option<QualityView>,
}

/// Why an asset failed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct FailureView {
    /// Stable, for programs, such as `input.no_media`.
    code: String,
    /// The step that failed.
    stage: String,
    /// One sentence.
    detail: String,
    /// What to do about it.
    hint: Option<String>,
}

/// An asset's media being made once more, while what there is is played.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct RenewalView {
    /// `waiting` for its turn, `processing`, or `errored`: then what is published stays.
    state: &'static str,
    /// The ladder that it is encoded with.
    ladder: String,
    /// Hash of that ladder's file.
    ladder_sha256: String,
    /// RFC 3339.
    asked_at: Option<String>,
    /// How far it is, while it is processed.
    progress: Option<ProgressView>,
    /// Why it was given up.
    error: Option<FailureView>,
}

/// An asset: one recording, from its upload to its deletion.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct AssetView {
    /// The asset.
    id: String,
    /// `awaiting_upload`, `ingesting`, `processing`, `ready`, `errored` or `deleting`.
    state: &'static str,
    /// As announced.
    filename: String,
    /// RFC 3339.
    created_at: String,
    /// RFC 3339: since when it can be played; null before.
    playable_at: Option<String>,
    /// RFC 3339: since when it has every rendition; null before.
    complete_at: Option<String>,
    /// The public name under which it is played.
    playback_id: String,
    /// Length in milliseconds, once planned.
    duration_ms: Option<i64>,
    /// Size of the source, once it is there.
    size_bytes: Option<u64>,
    /// The ladder it is encoded with.
    ladder: String,
    /// Hash of that ladder's file, as it was then; null before it is planned.
    ladder_sha256: Option<String>,
    /// RFC 3339: since when what a renewal made is played; null while it is what was made first.
    renewed_at: Option<String>,
    /// Its being encoded again, or why that was given up; null when there is none.
    renewal: Option<RenewalView>,
    /// `cbcs` or `cenc` when it is encrypted before it is published: players then need a playback token; null when clear.
    protection: Option<&'static str>,
    /// How far it is.
    progress: ProgressView,
    /// The renditions of its plan, lowest first, then the rungs left out.
    renditions: Vec<RenditionView>,
    /// How much of it is slides, a screen, a talking head or a film; null until it is ready, and without pictures.
    scenes: Option<ScenesView>,
    /// What a person should know about the result, one sentence each.
    warnings: Vec<String>,
    /// What of the recording is missing or damaged, and what stands in its place, in order.
    losses: Vec<LossView>,
    /// Why it failed; null when it did not.
    error: Option<FailureView>,
}

/// A stretch of a recording that is not as it was recorded.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct LossView {
    /// `pictures_held`, `pictures_damaged`, `sound_silent` or `end_missing`.
    kind: LossKindView,
    /// The sound track that it is of; null for pictures.
    track: Option<String>,
    /// Its first millisecond.
    from_ms: u64,
    /// The first millisecond behind it.
    to_ms: u64,
    /// The same for a person.
    detail: String,
}

impl From<&Loss> for LossView {
    fn from(loss: &Loss) -> Self {
        Self {
            kind: loss.kind.into(),
            track: loss.track.clone(),
            from_ms: loss.from_ms,
            to_ms: loss.to_ms,
            detail: loss.to_string(),
        }
    }
}

/// How something was lost.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LossKindView {
    /// Another picture stands still.
    PicturesHeld,
    /// Pictures show damage.
    PicturesDamaged,
    /// There is silence.
    SoundSilent,
    /// The file was cut off.
    EndMissing,
}

impl From<LossKind> for LossKindView {
    fn from(kind: LossKind) -> Self {
        match kind {
            LossKind::PicturesHeld => Self::PicturesHeld,
            LossKind::PicturesDamaged => Self::PicturesDamaged,
            LossKind::SoundSilent => Self::SoundSilent,
            LossKind::EndMissing => Self::EndMissing,
        }
    }
}

/// Of a finished asset all that is known, of another what its packets tell.
fn losses(flow: &AssetState) -> Vec<LossView> {
    let planned = flow.plan.as_ref().map(|plan| &plan.losses).filter(|_| flow.complete_generation.is_none());
    planned.unwrap_or(&flow.losses).iter().map(LossView::from).collect()
}

/// The name of a rendition's state.
fn state_name(state: RenditionState) -> &'static str {
    match state {
        RenditionState::Waiting => "waiting",
        RenditionState::Running => "running",
        RenditionState::Done => "done",
        RenditionState::Failed => "failed",
        RenditionState::Skipped => "skipped",
    }
}

/// The two parts of an asset's progress.
pub(crate) fn progress(progress: Progress) -> (ProgressView, Vec<RenditionView>) {
    let rendition = |rendition: asset_store::RenditionProgress| RenditionView {
        name: rendition.name,
        width: rendition.width,
        height: rendition.height,
        state: state_name(rendition.state),
        percent: tenths(rendition.percent),
        reason: rendition.reason,
        quality: None,
    };
    let view = ProgressView { stage: progress.stage, percent: tenths(progress.percent), eta_s: progress.eta_s };
    (view, progress.renditions.into_iter().map(rendition).collect())
}

/// Rounded down to a tenth: nothing shows 100 before it is done.
pub(crate) fn tenths(percent: f64) -> f64 {
    (percent * 10.0).floor() / 10.0
}

impl From<FlowFailure> for FailureView {
    fn from(failure: FlowFailure) -> Self {
        Self { code: failure.code, stage: failure.stage, detail: failure.detail, hint: failure.hint }
    }
}

impl RenewalView {
    fn new(renewal: Renewal, asked_ms: Option<i64>, how_far: Option<Progress>) -> Self {
        Self {
            state: renewal.phase.as_str(),
            ladder: renewal.ladder.name,
            ladder_sha256: renewal.ladder.sha256,
            asked_at: asked_ms.map(rfc3339),
            progress: how_far.map(|how_far| progress(how_far).0),
            error: renewal.failure.map(FailureView::from),
        }
    }
}

impl AssetView {
    /// `renewal` is how far its renewal is, `found` what publishing everything of it came to.
    pub(crate) fn new(row: AssetRow, how_far: Progress, renewal: Option<Progress>, found: &Completion) -> Self {
        let (progress, mut renditions) = progress(how_far);
        for rendition in &mut renditions {
            rendition.quality = QualityView::find(found, &rendition.name);
        }
        let warnings = row.flow.plan.as_ref().map(|plan| plan.warnings.clone()).unwrap_or_default();
        let losses = losses(&row.flow);
        let failure = row.flow.failure.filter(|_| matches!(row.state, Phase::Errored | Phase::Deleting));
        let renewal = row.flow.renewal.map(|of| RenewalView::new(*of, row.renewal_ms, renewal));
        Self {
            id: row.id.to_string(),
            state: row.state.as_str(),
            filename: row.filename,
            created_at: rfc3339(row.created_ms),
            playable_at: row.playable_ms.filter(|_| row.flow.playable_generation.is_some()).map(rfc3339),
            complete_at: row.complete_ms.map(rfc3339),
            playback_id: row.playback_id.to_string(),
            duration_ms: row.duration_ms,
            size_bytes: row.source_size,
            ladder: row.ladder,
            ladder_sha256: row.ladder_sha256,
            renewed_at: row.renewed_ms.map(rfc3339),
            renewal,
            protection: row.protection.map(|scheme| scheme.as_str()),
            progress,
            renditions,
            scenes: ScenesView::new(found),
            warnings,
            losses,
            error: failure.map(FailureView::from),
        }
    }
}
