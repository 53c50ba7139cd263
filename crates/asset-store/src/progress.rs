//! How far an asset is: computed from its jobs, stored nowhere.

use std::collections::HashMap;
use std::sync::Mutex;

use asset_flow::{Phase, PlanSummary, Stage};
use job_queue::{JobRow, JobState};
use media_types::{AssetId, TenantId};
use serde::{Deserialize, Serialize};

use crate::{AssetRow, AssetStore, StoreError, UploadRow};

/// Percent at which the upload is over and the source is looked at.
const UPLOADED: f64 = 10.0;
/// Percent at which the probe is over.
const PROBED: f64 = 12.0;
/// Percent at which the plan is made and work on it starts.
const PLANNED: f64 = 14.0;
/// An estimate is given from this part of the work on, and after this time.
const ETA_FROM: (f64, i64) = (0.02, 2_000);
/// Longer estimates mean nothing.
const MAX_ETA_S: f64 = 7.0 * 86_400.0;

/// How far an asset is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// `upload`, `probe`, `plan`, `encode`, `publish`, `done` or `delete`; where it stopped for a failed asset.
    pub stage: String,
    /// 0 to 100, and 100 exactly when everything is published. As seen through one store it never falls.
    pub percent: f64,
    /// Estimated seconds until everything is published; `None` until there is something to estimate from.
    pub eta_s: Option<i64>,
    /// Every rendition of the plan, lowest first, then the rungs that were left out; empty until there is a plan.
    pub renditions: Vec<RenditionProgress>,
}

/// How far one rendition is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RenditionProgress {
    /// Its name, such as `1080p`.
    pub name: String,
    /// Width in pixels; 0 for a rung that was left out.
    pub width: u32,
    /// Height in pixels; 0 for a rung that was left out.
    pub height: u32,
    /// Where it stands.
    pub state: RenditionState,
    /// 0 to 100.
    pub percent: f64,
    /// Why a rung was left out, one clause.
    pub reason: Option<String>,
}

/// Where one rendition stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RenditionState {
    /// No frame is encoded.
    Waiting,
    /// Some ranges are encoded or being encoded.
    Running,
    /// Every range is encoded.
    Done,
    /// The asset failed before it was done.
    Failed,
    /// The rung was left out.
    Skipped,
}

impl AssetStore {
    /// How far the asset is.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the tenant has no such asset.
    pub async fn progress(&self, tenant: &TenantId, asset: &AssetId) -> Result<Progress, StoreError> {
        self.progress_at(tenant, asset, self.now_ms()).await
    }

    /// As [`AssetStore::progress`], at a given time, which only the estimate depends on.
    pub async fn progress_at(&self, tenant: &TenantId, asset: &AssetId, now_ms: i64) -> Result<Progress, StoreError> {
        let asset = self.asset(tenant, asset).await?.ok_or(StoreError::NotFound("asset"))?;
        let upload = match asset.flow.step() {
            "upload" => self.upload_of(&asset).await?,
            _ => None,
        };
        let jobs = match asset.state {
            Phase::Processing | Phase::Errored => self.queue.jobs_of(tenant, &asset.id, asset.flow.making).await?,
            _ => Vec::new(),
        };
        let mut progress = compute(&asset, upload.as_ref(), &jobs, now_ms);
        progress.percent = self.high_water.raise(&asset, progress.percent);
        Ok(progress)
    }
}

/// The progress that these rows show.
pub fn compute(asset: &AssetRow, upload: Option<&UploadRow>, jobs: &[JobRow], now_ms: i64) -> Progress {
    let work: Vec<Work<'_>> = jobs.iter().filter_map(Work::of).collect();
    let part = part_done(&work);
    let encoding = work.iter().any(|work| work.stage.makes_media() && work.done < 1.0);
    let step = match asset.flow.step() {
        "encode" if asset.state == Phase::Processing && !encoding => "publish",
        step => step,
    };
    let percent = match step {
        _ if asset.flow.complete_generation.is_some() => 100.0,
        "upload" => UPLOADED * upload.map_or(0.0, |upload| ratio(upload.received_bytes, upload.size_bytes)),
        _ if asset.flow.plan.is_some() => PLANNED + (99.0 - PLANNED) * part,
        _ if asset.flow.probed => PROBED + (PLANNED - PROBED) * running_part(jobs, "plan"),
        _ => UPLOADED + (PROBED - UPLOADED) * running_part(jobs, "probe"),
    };
    Progress {
        stage: step.to_owned(),
        percent,
        eta_s: if asset.state == Phase::Processing { eta_s(&work, part, now_ms) } else { None },
        renditions: asset.flow.plan.as_ref().map(|plan| renditions(asset, plan, &work)).unwrap_or_default(),
    }
}

/// A job of the plan: one that makes or publishes media.
struct Work<'a> {
    stage: Stage,
    job: &'a JobRow,
    /// 0 to 1.
    done: f64,
}

impl<'a> Work<'a> {
    fn of(job: &'a JobRow) -> Option<Self> {
        let stage: Stage = serde_json::from_value(job.payload.clone()).ok()?;
        let of_plan = stage.makes_media() || matches!(stage, Stage::PublishFirst | Stage::PublishComplete);
        of_plan.then(|| Self { stage, job, done: done(job) })
    }
}

fn done(job: &JobRow) -> f64 {
    match job.state {
        JobState::Done => 1.0,
        JobState::Running if job.progress.is_finite() => job.progress.clamp(0.0, 0.999),
        _ => 0.0,
    }
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { (part as f64 / whole as f64).min(1.0) }
}

fn part_done(work: &[Work<'_>]) -> f64 {
    let (done, all) = work.iter().fold((0.0, 0.0), |(done, all), work| {
        let weight = work.job.weight.max(1) as f64;
        (done + weight * work.done, all + weight)
    });
    if all > 0.0 { done / all } else { 0.0 }
}

fn running_part(jobs: &[JobRow], stage: &str) -> f64 {
    jobs.iter().filter(|job| job.stage == stage).map(done).fold(0.0, f64::max)
}

fn eta_s(work: &[Work<'_>], part: f64, now_ms: i64) -> Option<i64> {
    let begun_ms = work.iter().filter_map(|work| work.job.started_ms).min()?;
    let elapsed_ms = now_ms.saturating_sub(begun_ms);
    if part < ETA_FROM.0 || elapsed_ms < ETA_FROM.1 {
        return None;
    }
    let left_s = elapsed_ms as f64 / 1_000.0 * (1.0 - part) / part;
    Some(left_s.clamp(0.0, MAX_ETA_S).ceil() as i64)
}

fn renditions(asset: &AssetRow, plan: &PlanSummary, work: &[Work<'_>]) -> Vec<RenditionProgress> {
    let (mut frames_done, mut begun) = (0.0, false);
    for work in work {
        let Stage::EncodeRange { range } = &work.stage else { continue };
        frames_done += plan.ranges.get(*range as usize).copied().unwrap_or(0) as f64 * work.done;
        begun |= matches!(work.job.state, JobState::Running | JobState::Done);
    }
    let all = plan.frame_count() as f64;
    let one = |rendition: &asset_flow::RenditionSummary| {
        let complete = asset.flow.complete_generation.is_some();
        // Every range counts whole numbers of frames, so that the sum is exact when all are done.
        let part = if complete { 1.0 } else { (frames_done / all.max(1.0)).min(1.0) };
        let state = match asset.state {
            _ if part >= 1.0 => RenditionState::Done,
            Phase::Errored => RenditionState::Failed,
            _ if begun => RenditionState::Running,
            _ => RenditionState::Waiting,
        };
        let (name, width, height) = (rendition.name.clone(), rendition.width, rendition.height);
        RenditionProgress { name, width, height, state, percent: 100.0 * part, reason: None }
    };
    let skipped = plan.skipped.iter().map(|rung| RenditionProgress {
        name: rung.name.clone(),
        width: 0,
        height: 0,
        state: RenditionState::Skipped,
        percent: 0.0,
        reason: Some(rung.reason.clone()),
    });
    plan.renditions.iter().map(one).chain(skipped).collect()
}

/// The highest percent shown of each making of an asset, so that a job that starts over does not turn a progress bar back.
#[derive(Default)]
pub(crate) struct HighWater(Mutex<HashMap<(AssetId, u32), f64>>);

impl HighWater {
    /// Assets remembered at a time; when there are more, all are forgotten, and a bar may fall once.
    const MAX: usize = 4_096;

    pub(crate) fn raise(&self, asset: &AssetRow, percent: f64) -> f64 {
        let making = (asset.id.clone(), asset.flow.making);
        let mut seen = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if !matches!(asset.state, Phase::Processing | Phase::Errored) {
            seen.remove(&making);
            return percent;
        }
        if seen.len() >= Self::MAX && !seen.contains_key(&making) {
            seen.clear();
        }
        let highest = seen.entry(making).or_insert(percent);
        *highest = highest.max(percent);
        *highest
    }
}
