//! An engine that makes nothing: what it would find and make follows from the recording's number.

use asset_flow::{FlowEvent, PlanSummary, RenditionSummary, Stage};
use media_types::{TenantId, VideoCodec};
use serde_json::{Value, json};

/// Output frames of a whole GopRange.
const RANGE_FRAMES: u64 = 600;

/// In the order of their numbers.
pub(crate) fn tenant_id(tenant: usize) -> TenantId {
    TenantId::from_unique(format!("{tenant:05}"))
}

/// The plan of a recording: some are only heard, some play before they are made, some decide their own renditions.
pub(crate) fn plan(asset: usize, planned_generation: Option<u64>) -> PlanSummary {
    let rendition =
        |name: &str, width, height| RenditionSummary { name: name.to_owned(), width, height, codec: VideoCodec::H264 };
    let ranges = match asset % 5 {
        0 => Vec::new(),
        1 | 2 => vec![RANGE_FRAMES / 2],
        3 => vec![RANGE_FRAMES, 100],
        _ => vec![RANGE_FRAMES, RANGE_FRAMES, 300],
    };
    let seen = !ranges.is_empty();
    let all = [rendition("360p", 640, 360), rendition("720p", 1280, 720)];
    PlanSummary {
        renditions: all.into_iter().take(ranges.len().min(2)).collect(),
        audio: u32::from(!seen || asset.is_multiple_of(3)),
        text: u32::from(asset.is_multiple_of(7)),
        stills: seen,
        duration_ms: if seen { ranges.iter().sum::<u64>() as i64 * 40 } else { 60_000 },
        per_title: asset % 5 == 3,
        ladder_sha256: "ab".to_owned(),
        planned_generation,
        ranges,
        ..PlanSummary::default()
    }
}

/// Whether what a job makes is published under a number of its own.
pub(crate) fn takes_generation(asset: usize, stage: &Stage) -> bool {
    match stage {
        Stage::Plan => plan(asset, None).ranges.len() > 1,
        Stage::PublishComplete => true,
        _ => false,
    }
}

/// What a job says of its asset, with the number that it took, and with the one that was planned.
pub(crate) fn event(asset: usize, stage: &Stage, taken: Option<u64>, planned: Option<u64>) -> Option<FlowEvent> {
    Some(match stage {
        Stage::Probe => FlowEvent::Probed,
        Stage::Plan => FlowEvent::Planned { summary: plan(asset, taken) },
        Stage::Analyse => FlowEvent::Analysed { summary: plan(asset, planned) },
        Stage::PublishFirst => FlowEvent::FirstPlayable { generation: planned? },
        Stage::PublishComplete => FlowEvent::Complete { generation: taken?, losses: Vec::new() },
        _ => return None,
    })
}

/// What a job leaves.
pub(crate) fn result(asset: usize, stage: &Stage) -> Value {
    match stage {
        Stage::EncodeRange { range } => json!({ "frames": plan(asset, None).ranges.get(*range as usize) }),
        stage => json!({ "made": stage.name() }),
    }
}
