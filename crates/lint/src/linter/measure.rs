//! Rates measured over the segments that were read.

use super::Track;

/// Sizes in bits of the segments that were read, and their lengths in seconds as players are told them.
fn measured(track: &Track) -> Vec<(f64, f64)> {
    let of = |segment| {
        let segment: &super::SegmentPlan = segment;
        let seconds = segment.duration.or_else(|| track.seconds(segment));
        Some((segment.size? as f64 * 8.0, seconds.filter(|seconds| *seconds > 0.0)?))
    };
    track.segments.iter().filter_map(of).collect()
}

/// Segments of a run; no honest playlist has more in its target duration.
const MAX_RUN: usize = 200;

/// The mean rate in bits per second.
pub(super) fn average(track: &Track) -> Option<f64> {
    let (bits, seconds) = measured(track).iter().fold((0.0, 0.0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
    (seconds > 0.0).then_some(bits / seconds)
}

/// The largest rate of any run of segments that lasts between half and one and a half target durations
/// (RFC 8216bis §1, "peak segment bit rate").
pub(super) fn peak(track: &Track, target: f64) -> Option<f64> {
    let parts = measured(track);
    let mut peak: Option<f64> = None;
    for start in 0..parts.len() {
        let (mut bits, mut seconds) = (0.0, 0.0);
        for part in parts[start..].iter().take(MAX_RUN) {
            bits += part.0;
            seconds += part.1;
            if seconds > target * 1.5 {
                break;
            }
            if seconds >= target * 0.5 {
                peak = Some(peak.unwrap_or(0.0).max(bits / seconds));
            }
        }
    }
    peak
}

/// Pictures per second.
pub(super) fn frame_rate(track: &Track) -> Option<f64> {
    let (samples, ticks) = (track.state.samples, track.state.ticks);
    (samples > 1 && ticks > 0).then(|| samples as f64 * track.timescale() as f64 / ticks as f64)
}
