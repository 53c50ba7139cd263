//! What the engine found out about a recording, and why it has the renditions that it has.

use asset_flow::{PlanSummary, RenditionSummary};
use asset_store::AssetRow;
use axum::http::HeaderMap;
use axum::response::Response;
use kernel::conditional::respond_json;
use kernel::problem::ProblemBody;
use kernel::{ApiPath, Problem};
use media_types::publication::video_track;
use media_types::{Chosen, Completion, LadderDecision, SceneShares, SkippedRung, Trial};
use serde::Serialize;
use utoipa::ToSchema;

use crate::state::Api;
use crate::{assets, error};

/// How good a rendition looks, as measured by what came out of its encoder.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct QualityView {
    /// XPSNR of the luma in decibels, at the size of the largest rendition.
    xpsnr_db: f64,
    /// VMAF of the same pictures, from 0 to 100; absent when it was not measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    vmaf: Option<f64>,
}

impl QualityView {
    /// Of the rendition of this name, if it was judged.
    pub(crate) fn find(found: &Completion, rendition: &str) -> Option<Self> {
        let track = video_track(rendition);
        let judged = found.quality.iter().find(|quality| quality.track == track);
        judged.map(|quality| Self { xpsnr_db: quality.xpsnr_db, vmaf: quality.vmaf })
    }
}

/// How much of a recording is what, each from 0 to 1.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct ScenesView {
    /// Slides.
    slides: f64,
    /// A screen that somebody works at.
    screencast: f64,
    /// A person before a wall.
    talking_head: f64,
    /// Anything else that was filmed.
    film: f64,
}

impl ScenesView {
    /// `None` where there are no pictures, or nobody looked at them.
    pub(crate) fn new(found: &Completion) -> Option<Self> {
        let SceneShares { slides, screencast, talking_head, film } = found.scenes?;
        let any = slides + screencast + talking_head + film > 0.0;
        any.then_some(Self { slides, screencast, talking_head, film })
    }
}

/// The ladder of one asset: what of it the asset gets, and why.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct AssetLadderView {
    /// The ladder's name.
    ladder: String,
    /// Hash of its file, as it was then; null before the asset is planned.
    ladder_sha256: Option<String>,
    /// What was decided by samples of the recording's own pictures; null when the renditions are the ladder's own, and until it
    /// is decided.
    decision: Option<DecisionView>,
    /// What is encoded, lowest first; empty before the asset is planned.
    renditions: Vec<PlannedView>,
    /// The rungs that were left out.
    skipped: Vec<SkippedView>,
}

/// What was decided, and what by.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct DecisionView {
    /// No rung was to be better than this, in decibels (XPSNR of the luma, as all qualities here).
    target_db: f64,
    /// Rungs were to be so far apart at least, in decibels.
    step_db: f64,
    /// What is drawn was to have so many lines at least in every rung; null when lines did not count.
    legible_lines: Option<u32>,
    /// Length of all samples together in milliseconds.
    sampled_ms: u64,
    /// Width at which pictures were compared.
    compared_width: u32,
    /// Height at which pictures were compared.
    compared_height: u32,
    /// Whether most of what was compared is drawn: slides, or a screen.
    is_drawn: bool,
    /// The curves: what was tried of each size, at several rate factors.
    trials: Vec<TrialView>,
    /// What was chosen, lowest first.
    chosen: Vec<ChosenView>,
}

/// What one size and rate factor came to.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct TrialView {
    /// The rung whose size it has.
    name: String,
    /// In pixels.
    width: u32,
    /// In pixels.
    height: u32,
    /// Constant rate factor.
    crf: f64,
    /// Average of the samples in bits per second.
    bitrate_bps: u64,
    /// XPSNR of the luma in decibels.
    xpsnr_db: f64,
}

/// A rung as it was chosen.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ChosenView {
    /// The rendition.
    name: String,
    /// What the curves promise, in bits per second.
    bitrate_bps: u64,
    /// What the curves promise, in decibels.
    xpsnr_db: f64,
}

/// A rendition as planned.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct PlannedView {
    /// Such as `720p`.
    name: String,
    /// In pixels.
    width: u32,
    /// In pixels.
    height: u32,
    /// `h264`, `hevc`, `av1` or `vp9`.
    codec: &'static str,
    /// Whether it is there for those alone who play before the rest is made: another one is better and smaller.
    early_only: bool,
    /// How good it looks; null until it is measured.
    quality: Option<QualityView>,
}

/// A rung that was left out.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct SkippedView {
    /// The rung.
    name: String,
    /// One clause.
    reason: String,
}

impl From<Trial> for TrialView {
    fn from(trial: Trial) -> Self {
        let Trial { name, width, height, crf, bitrate_bps, quality_db } = trial;
        Self { name, width, height, crf: f64::from(crf), bitrate_bps, xpsnr_db: quality_db }
    }
}

impl From<Chosen> for ChosenView {
    fn from(chosen: Chosen) -> Self {
        Self { name: chosen.name, bitrate_bps: chosen.bitrate_bps, xpsnr_db: chosen.quality_db }
    }
}

impl From<LadderDecision> for DecisionView {
    fn from(decision: LadderDecision) -> Self {
        let (compared_width, compared_height) = decision.compared_at;
        Self {
            target_db: decision.wanted.target_db,
            step_db: decision.wanted.step_db,
            legible_lines: decision.wanted.legible_lines,
            sampled_ms: decision.sampled_ms,
            compared_width,
            compared_height,
            is_drawn: decision.is_drawn,
            trials: decision.trials.into_iter().map(TrialView::from).collect(),
            chosen: decision.chosen.into_iter().map(ChosenView::from).collect(),
        }
    }
}

impl From<SkippedRung> for SkippedView {
    fn from(rung: SkippedRung) -> Self {
        Self { name: rung.name, reason: rung.reason }
    }
}

impl AssetLadderView {
    fn new(row: AssetRow, decision: Option<LadderDecision>, found: &Completion) -> Self {
        let early_only = decision.as_ref().is_some_and(|decision| decision.first_is_early_only);
        let PlanSummary { renditions, skipped, .. } = row.flow.plan.unwrap_or_default();
        let planned = |(index, one): (usize, RenditionSummary)| PlannedView {
            quality: QualityView::find(found, &one.name),
            name: one.name,
            width: one.width,
            height: one.height,
            codec: one.codec.name(),
            early_only: early_only && index == 0,
        };
        Self {
            ladder: row.ladder,
            ladder_sha256: row.ladder_sha256,
            decision: decision.map(DecisionView::from),
            renditions: renditions.into_iter().enumerate().map(planned).collect(),
            skipped: skipped.into_iter().map(SkippedView::from).collect(),
        }
    }
}

/// What publishing everything of an asset came to; nothing is known before that.
pub(crate) async fn completion(api: &Api, row: &AssetRow) -> Result<Completion, Problem> {
    Ok(api.store.completion(row).await.map_err(error::store)?.unwrap_or_default())
}

/// Which renditions an asset gets of its ladder, and why.
#[utoipa::path(
    get, path = "/api/v1/assets/{id}/ladder", operation_id = "get_asset_ladder", tag = "assets",
    params(("id" = String, Path, description = "the asset")),
    responses(
        (status = 200, description = "its renditions, and the decision where its ladder decides for each recording", body = AssetLadderView),
        (status = 404, description = "no such asset", body = ProblemBody),
    )
)]
pub(crate) async fn ladder(api: Api, ApiPath(id): ApiPath<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let row = assets::find(&api, &assets::parse(&id)?).await?;
    let decision = api.store.decision(&row).await.map_err(error::store)?;
    let found = completion(&api, &row).await?;
    Ok(respond_json(&headers, &AssetLadderView::new(row, decision, &found)))
}
