//! One range of pictures.

use std::sync::Arc;

use engine_host::EngineSession;
use media_types::{GopRange, Loss, Rendition, VideoPlan};
use pipeline::{Quality, RangeCheck, RangeOrder, RangeScenes, RangeSummary};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::{EVENTS_IN_FLIGHT, ObjectSink, OnProgress, TrackPart, fault, first_cause, store, video_kind, video_track};
use crate::error::WorkError;
use crate::quality;
use crate::segmenter::{Builder, Cuts};
use crate::work_key::hashed;

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
    /// One part per rendition.
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
    /// What each part was ordered as, hashed: an equal order may take it. Results of before there was this have none.
    #[serde(default)]
    pub(crate) ordered: Vec<String>,
}

impl RangeParts {
    /// Whether both are of the same pictures.
    pub(crate) fn shows_the_same(&self, other: &Self) -> bool {
        (self.missing_pictures, &self.scenes) == (other.missing_pictures, &other.scenes)
    }

    /// With the parts of further renditions, which were decoded from the same pictures.
    pub(crate) fn with(mut self, mut other: Self) -> Result<Self, WorkError> {
        if !self.shows_the_same(&other) {
            return Err(WorkError::Engine("a range was decoded twice, and its pictures were not the same".to_owned()));
        }
        if !self.quality.is_empty() || !other.quality.is_empty() {
            // Of parts that nobody judged, so that the others stay with theirs.
            self.quality.resize(self.parts.len(), Quality::default());
            other.quality.resize(other.parts.len(), Quality::default());
        }
        self.parts.extend(other.parts);
        self.quality.extend(other.quality);
        self.ordered.extend(other.ordered);
        Ok(self)
    }

    /// The part that was made by just this order, alone; `None` when there is none, or it was to be `judged` and was not.
    pub(crate) fn only(&self, rendition: &Rendition, judged: bool) -> Option<Self> {
        let (track, order) = (video_track(&rendition.name), hashed(rendition)?);
        let mut parts = self.parts.iter().zip(&self.ordered).enumerate();
        let (at, (part, _)) = parts.find(|(_, (part, ordered))| part.track == track && **ordered == order)?;
        let quality: Vec<Quality> = self.quality.get(at).copied().into_iter().collect();
        if judged && quality.iter().all(|quality| quality.pictures == 0) {
            return None;
        }
        Some(Self { parts: vec![part.clone()], quality, ordered: vec![order], ..self.clone() })
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
        Manner::Usual => {
            // Whatever is left out, the others are compared as they would be beside it.
            let order = RangeOrder { judge: whole_order(plan, range).judge, ..order };
            encode(session, (plan, range), order, sink, on_progress).await
        }
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

/// The order for all renditions of a range, judged.
pub(crate) fn whole_order(plan: &VideoPlan, range: &GopRange) -> RangeOrder {
    let all: Vec<usize> = (0..plan.renditions.len()).collect();
    quality::judged(RangeOrder::new(plan, range, &all), plan)
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
    let ordered = order.renditions.iter().filter_map(hashed).collect();
    Ok(RangeParts { parts, missing_pictures, scenes, losses, quality, ordered })
}

#[cfg(test)]
mod tests {
    use media_types::{CodecConfig, VideoEncoding};

    use super::*;

    fn rendition(name: &str, crf: f32) -> Rendition {
        let encoding = format!(
            r#"{{"preset":"veryfast","crf":{crf},"max_bitrate_bps":800000,"buffer_bits":1200000,"tune":null}}"#
        );
        let encoding: VideoEncoding = serde_json::from_str(&encoding).expect("it is an encoding");
        Rendition { name: name.to_owned(), width: 640, height: 360, frame_step: 1, encoding }
    }

    /// A range of these renditions, of which as many as there are errors were judged.
    fn made(renditions: &[Rendition], errors: &[f64]) -> RangeParts {
        let part = |rendition: &Rendition| TrackPart {
            track: video_track(&rendition.name),
            config: CodecConfig::Avc(bytes::Bytes::new()),
            priming_samples: 0,
            segments: Vec::new(),
        };
        let quality = |error: &f64| {
            let mut quality = Quality::default();
            quality.add(*error);
            quality
        };
        RangeParts {
            parts: renditions.iter().map(part).collect(),
            missing_pictures: 0,
            scenes: RangeScenes::default(),
            losses: Vec::new(),
            quality: errors.iter().map(quality).collect(),
            ordered: renditions.iter().filter_map(hashed).collect(),
        }
    }

    #[test]
    fn a_part_is_taken_over_by_just_the_order_that_made_it() {
        let (low, high) = (rendition("360p", 23.0), rendition("720p", 23.0));
        let range = made(&[low.clone(), high.clone()], &[1e8, 4e8]);
        let found = range.only(&high, true).expect("it was made");
        assert_eq!((found.parts.len(), &found.parts[0].track[..]), (1, "video-720p"));
        assert_eq!(found.quality, [range.quality[1]]);
        assert_eq!(range.only(&rendition("720p", 22.5), true), None);
        assert_eq!(range.only(&rendition("480p", 23.0), true), None);
        let unjudged = made(&[low.clone(), high.clone()], &[]);
        assert!(unjudged.only(&low, false).is_some());
        assert_eq!(unjudged.only(&low, true), None, "its place is one by which the recording is judged");
        let of_before = RangeParts { ordered: Vec::new(), ..range };
        assert_eq!(of_before.only(&high, true), None);
    }

    #[test]
    fn parts_that_are_joined_keep_what_was_measured_of_them() {
        let (low, high) = (rendition("360p", 23.0), rendition("720p", 23.0));
        let (judged, unjudged) = (made(&[low], &[1e8]), made(&[high], &[]));
        let joined = unjudged.clone().with(judged.clone()).expect("of the same pictures");
        assert_eq!(joined.quality, [Quality::default(), judged.quality[0]]);
        assert_eq!((joined.parts.len(), joined.ordered.len()), (2, 2));
        let other = RangeParts { missing_pictures: 3, ..judged };
        assert!(unjudged.with(other).is_err(), "of other pictures");
    }
}
