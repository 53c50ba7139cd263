//! Measured bit rates (RFC 8216bis §4.1 and §4.4.6.2).

use media_types::{SegmentRecord, TrackRecord};

use crate::hls::target_duration;
use crate::presentation::coded_ticks;

/// The largest bit rate of any run of segments that lasts between half and one and a half target durations, in bits
/// per second, rounded up: what `BANDWIDTH` must cover. A track shorter than half a target duration counts as a whole.
pub fn peak_bitrate_bps(track: &TrackRecord) -> u64 {
    peak(track, |segment| segment.size_bytes)
}

/// Bits of all segments over the length of the track, rounded up: `AVERAGE-BANDWIDTH`.
pub fn average_bitrate_bps(track: &TrackRecord) -> u64 {
    average(track, |segment| segment.size_bytes)
}

/// As [`peak_bitrate_bps`], of a text track's segments as WebVTT files.
pub(crate) fn webvtt_peak_bps(track: &TrackRecord) -> u64 {
    peak(track, |segment| webvtt_bytes(track, segment))
}

/// As [`average_bitrate_bps`], of a text track's segments as WebVTT files.
pub(crate) fn webvtt_average_bps(track: &TrackRecord) -> u64 {
    average(track, |segment| webvtt_bytes(track, segment))
}

fn webvtt_bytes(track: &TrackRecord, segment: &SegmentRecord) -> u64 {
    track.webvtt_sizes.get(segment.index as usize).copied().unwrap_or(0)
}

pub(crate) fn peak(track: &TrackRecord, size: impl Fn(&SegmentRecord) -> u64) -> u64 {
    let target = u128::from(target_duration(track)) * u128::from(track.timescale.get());
    let mut peak = None;
    for (first, _) in track.segments.iter().enumerate() {
        let (mut bytes, mut ticks) = (0u64, 0u64);
        for segment in &track.segments[first..] {
            bytes = bytes.saturating_add(size(segment));
            ticks = ticks.saturating_add(segment.duration_ticks);
            if 2 * u128::from(ticks) > 3 * target {
                break;
            }
            if 2 * u128::from(ticks) >= target {
                peak = peak.max(Some(rate(bytes, ticks, track)));
            }
        }
    }
    peak.unwrap_or_else(|| average(track, size))
}

pub(crate) fn average(track: &TrackRecord, size: impl Fn(&SegmentRecord) -> u64) -> u64 {
    let bytes = track.segments.iter().map(size).fold(0, u64::saturating_add);
    rate(bytes, coded_ticks(track), track)
}

fn rate(bytes: u64, ticks: u64, track: &TrackRecord) -> u64 {
    bits_per_second(bytes, ticks, track.timescale.get())
}

/// `bytes` over `ticks`, in bits per second, rounded up; at least 1.
pub(crate) fn bits_per_second(bytes: u64, ticks: u64, timescale: u32) -> u64 {
    let bits = u128::from(bytes) * 8 * u128::from(timescale);
    u64::try_from(bits.div_ceil(u128::from(ticks.max(1)))).unwrap_or(u64::MAX).max(1)
}
