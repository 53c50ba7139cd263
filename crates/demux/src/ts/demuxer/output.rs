//! What is given out: tracks, once all streams are known, and samples on their timeline.

use super::TsDemuxer;
use crate::ts::shared::{Time, Unit};
use crate::{Data, Track};

/// What may be read before all streams that the map lists are known: bytes, and ticks of 90 kHz. The first pair holds for
/// streams that bring nothing, the second for those that only lack what a decoder needs (a cut file may begin with the
/// rest of a long group of pictures).
pub(super) const SILENT: (u64, i64) = (8 << 20, 5 * 90_000);
const UNKNOWN: (u64, i64) = (32 << 20, 30 * 90_000);

/// What was given out.
#[derive(Debug, Default)]
pub(super) struct Output {
    pub(super) stage: Stage,
    pub(super) tracks: Vec<Track>,
    /// Position of each stream's track, and the decoding time given last.
    routes: Vec<Option<(usize, i64)>>,
    /// Which streams brought a unit.
    pub(super) begun: Vec<bool>,
    examined: usize,
    /// Presentation start in 90 kHz.
    pub(super) zero: i64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Stage {
    #[default]
    Opening,
    /// Tracks are known and not yet announced.
    Settled,
    Running,
    Ended,
}

impl TsDemuxer {
    /// Whether every stream brought a unit, or was waited for long enough.
    pub(super) fn is_settled(&mut self) -> bool {
        for unit in self.shared.units.range(self.output.examined..) {
            self.output.begun[unit.stream] = true;
        }
        self.output.examined = self.shared.units.len();
        let (bytes, span) = (self.position(), self.shared.timeline.span());
        let is_over = |limit: (u64, i64)| bytes >= limit.0 || span >= limit.1;
        let missing = self.streams.iter().zip(&self.output.begun).filter(|(_, begun)| !**begun);
        missing.map(|(stream, _)| stream.is_alive).all(|is_alive| is_over(if is_alive { UNKNOWN } else { SILENT }))
    }

    /// Fixes the tracks and the presentation's start.
    pub(super) fn settle(&mut self) {
        let output = &mut self.output;
        output.zero = self.shared.units.iter().map(|unit| unit.time.pts()).min().unwrap_or_default();
        for stream in &self.streams {
            let track = stream.track();
            if track.is_none() {
                let what = if stream.is_alive { "nothing that a decoder needs was found" } else { "it brings nothing" };
                self.shared.warn(|| format!("{} is passed over: {what}", stream.name));
            }
            output.routes.push(track.is_some().then_some((output.tracks.len(), i64::MIN)));
            output.tracks.extend(track);
        }
        output.stage = Stage::Settled;
    }

    /// A unit as its track gives it; `None` when its stream became no track.
    pub(super) fn sample(&mut self, unit: Unit) -> Option<crate::Packet> {
        let (track, last) = self.output.routes.get_mut(unit.stream)?.as_mut()?;
        let (mut pts, mut dts) = unit.time.since(self.output.zero);
        if dts <= *last {
            // Rounding to samples after a gap.
            dts = last.saturating_add(1);
            pts = if matches!(unit.time, Time::Samples { .. }) { dts } else { pts };
        }
        *last = dts;
        let (track, duration, keyframe) = (*track, unit.duration, unit.keyframe);
        Some(crate::Packet { track, dts, pts, duration, keyframe, data: Data::Here(unit.data), encryption: None })
    }
}
