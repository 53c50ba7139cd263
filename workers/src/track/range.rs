//! One range of pictures.

use std::sync::Arc;

use engine_host::EngineSession;
use media_types::{GopRange, Loss, VideoPlan};
use pipeline::{Quality, RangeCheck, RangeOrder, RangeScenes, RangeSummary};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::{EVENTS_IN_FLIGHT, ObjectSink, OnProgress, TrackPart, fault, first_cause, store, video_kind, video_track};
use crate::error::WorkError;
use crate::quality;
use crate::segmenter::{Builder, Cuts};

/// How a range is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// For somebody who waits: nothing is judged.
    Early,
    /// With its renditions judged.
    Usual,
    /// After failures: one rendition after the other, with one picture decoded at a time. That takes longer, but little memory,
    /// and nothing is done side by side.
    Careful,
}

impl Manner {
    /// After so many failed attempts a range is encoded with care.
    const CAREFUL_AFTER: i64 = 2;

    /// The same, or with care when this is not one of the first attempts.
    pub(crate) fn at_attempt(self, attempt: i64) -> Self {
        if attempt > Self::CAREFUL_AFTER { Self::Careful } else { self }
    }
}

/// A range, encoded and stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RangeParts {
    /// One part per rendition, in the order asked for.
    pub(crate) parts: Vec<TrackPart>,
    /// Planned pictures that could not be decoded and were held over.
    pub(crate) missing_pictures: u64,
    /// What the pictures show.
    #[serde(default)]
    pub(crate) scenes: RangeScenes,
    /// Pictures that are missing or damaged.
    #[serde(default)]
    pub(crate) losses: Vec<Loss>,
    /// How good each part is where the range was judged; none where it was not.
    #[serde(default)]
    pub(crate) quality: Vec<Quality>,
}

impl RangeParts {
    /// With the parts of further renditions, which were decoded from the same pictures.
    fn with(mut self, other: Self) -> Result<Self, WorkError> {
        if (self.missing_pictures, &self.scenes) != (other.missing_pictures, &other.scenes) {
            return Err(WorkError::Engine("a range was decoded twice, and its pictures were not the same".to_owned()));
        }
        self.parts.extend(other.parts);
        self.quality.extend(other.quality);
        Ok(self)
    }
}

/// Encodes one range for the given renditions and stores its segments as they are finished.
///
/// # Errors
/// When the engine, the packager or the sink fails, or the range does not hold exactly the planned frames.
pub(crate) async fn encode_range(
    session: &mut EngineSession,
    plan: &VideoPlan,
    (range, manner): (&GopRange, Manner),
    renditions: &[usize],
    sink: &dyn ObjectSink,
    on_progress: OnProgress,
) -> Result<RangeParts, WorkError> {
    let order = RangeOrder::new(plan, range, renditions);
    match manner {
        Manner::Early => encode(session, (plan, range), order, sink, on_progress).await,
        Manner::Usual => encode(session, (plan, range), quality::judged(order, plan), sink, on_progress).await,
        Manner::Careful => {
            let mut made: Option<RangeParts> = None;
            for (at, rendition) in renditions.iter().enumerate() {
                let order = RangeOrder { careful: true, ..RangeOrder::new(plan, range, &[*rendition]) };
                let (on_progress, of) = (on_progress.clone(), renditions.len() as f64);
                let on_progress = Arc::new(move |share| on_progress((at as f64 + share) / of));
                let one = encode(session, (plan, range), order, sink, on_progress).await?;
                made = Some(match made {
                    Some(made) => made.with(one)?,
                    None => one,
                });
            }
            made.ok_or_else(|| WorkError::Engine("a range of no renditions was ordered".to_owned()))
        }
    }
}

async fn encode(
    session: &mut EngineSession,
    (plan, range): (&VideoPlan, &GopRange),
    order: RangeOrder,
    sink: &dyn ObjectSink,
    on_progress: OnProgress,
) -> Result<RangeParts, WorkError> {
    let mut builders: Vec<Builder> = order
        .renditions
        .iter()
        .map(|rendition| {
            Builder::new(
                video_track(&rendition.name),
                plan.timescale,
                Cuts::Video { plan, range: *range, kind: video_kind(plan, rendition) },
            )
        })
        .collect();
    let mut check = RangeCheck::new(&order);
    let (events_in, events) = mpsc::channel(EVENTS_IN_FLIGHT);
    let (summary, stored) = tokio::join!(
        session.encode_range(order.clone(), events_in),
        store(events, &mut builders, sink, on_progress, Some(&mut check))
    );
    let summary: RangeSummary = first_cause(summary, stored)?;
    pipeline::check_range(&order, &summary).and_then(|()| check.finish()).map_err(fault)?;
    let parts = builders.into_iter().map(Builder::finish).collect::<Result<Vec<_>, _>>()?;
    for part in &parts {
        let expected = range.segment_count as usize;
        if part.segments.len() != expected {
            return Err(WorkError::Engine(format!(
                "{} has {} segments of {expected} planned",
                part.track,
                part.segments.len()
            )));
        }
    }
    let RangeSummary { missing_pictures, scenes, losses, quality, .. } = summary;
    Ok(RangeParts { parts, missing_pictures, scenes, losses, quality })
}
