//! What media segments of one track must keep, one after another.

use std::collections::{BTreeMap, BTreeSet};

use drm::{ContentKey, KeyId};

use super::Fault;
use super::event::MAX_SCHEMES;
use super::init::{Init, Track};
use super::segment::{Fragment, Segment, TrackFragment};
use crate::codec::Facts;
use crate::report::{Findings, Place};
use crate::rules::{bmff as rules, cmaf};

mod nal;
mod samples;

/// What stays the same over the segments of a track.
pub(crate) struct Context<'a> {
    pub(crate) init: &'a Init,
    pub(crate) track: &'a Track,
    pub(crate) facts: &'a Facts,
    pub(crate) resource: &'a str,
    /// Position of the bytes in their object.
    pub(crate) offset: u64,
    pub(crate) keys: &'a [(KeyId, ContentKey)],
    /// Whether samples are digested.
    pub(crate) digests: bool,
    /// Holds single pictures, cut out of segments.
    pub(crate) iframes: bool,
    pub(crate) hls: bool,
}

/// What is remembered from segment to segment.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// Where the next fragment should start.
    next: Option<u64>,
    sequence: Option<u32>,
    last_sync: Option<u64>,
    /// Counter blocks in use per key: first to one behind the last.
    counters: BTreeMap<KeyId, BTreeMap<u128, u128>>,
    /// Schemes and values of event messages.
    pub(crate) events: BTreeSet<(String, String)>,
    /// Closed captions with text.
    pub(crate) captions: bool,
    /// Sums of all samples.
    pub(crate) samples: u64,
    pub(crate) ticks: u64,
    /// Decrypted AAC frames, and those among them that cannot be any.
    frames: (u32, u32),
    /// Over all samples in clear.
    digest: blake3::Hasher,
    /// A sample could not be decrypted.
    sealed: bool,
}

impl State {
    /// Of all samples in clear, if all of them could be seen.
    pub(crate) fn digest(&self) -> Option<String> {
        (!self.sealed).then(|| self.digest.finalize().to_hex().to_string())
    }

    /// The timeline starts anew: after a discontinuity, or because segments were left out.
    pub(crate) fn restart(&mut self) {
        self.next = None;
        self.sequence = None;
        self.last_sync = None;
    }
}

/// What one segment holds, in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) start: u64,
    pub(crate) duration: u64,
    /// Earliest presentation time.
    pub(crate) earliest: i64,
    pub(crate) starts_with_sync: bool,
}

/// Priming, reordering and rounding put presentation so far from decoding.
const EVENT_SLACK_S: f64 = 0.5;

/// Checks a segment; `None` when it holds no samples of the track.
pub(crate) fn check(
    context: &Context<'_>,
    bytes: &[u8],
    from: usize,
    state: &mut State,
    findings: &mut Findings,
) -> Option<Summary> {
    let mut faults = Vec::new();
    let segment = Segment::read(bytes, from, context.init, context.iframes, &mut faults);
    let mut summary: Option<Summary> = None;
    for fragment in &segment.fragments {
        check_fragment(context, fragment, state, &mut faults);
        for track in fragment.tracks.iter().filter(|track| track.track_id == context.track.id) {
            samples::check(context, bytes, fragment, track, state, &mut faults);
            let (Some(first), Some(start)) = (track.samples.first(), track.decode_time) else { continue };
            let mut time = start as i64;
            let mut earliest = i64::MAX;
            for sample in &track.samples {
                earliest = earliest.min(time.saturating_add(sample.composition));
                time = time.saturating_add(i64::from(sample.duration));
            }
            match &mut summary {
                Some(summary) => {
                    summary.duration += track.duration();
                    summary.earliest = summary.earliest.min(earliest);
                }
                None => {
                    let sync = first.is_sync();
                    summary = Some(Summary { start, duration: track.duration(), earliest, starts_with_sync: sync });
                }
            }
        }
    }
    if summary.is_none() && faults.is_empty() {
        faults.push(Fault::new(cmaf::SEGMENT_EMPTY, 0, "the segment has no samples"));
    }
    if context.facts.nal.is_some() && summary.is_some_and(|summary| !summary.starts_with_sync) && !context.iframes {
        faults.push(Fault::new(cmaf::STARTS_WITH_SYNC, 0, "the first sample is not a sync sample"));
    }
    check_events(context, &segment, state, &mut faults);
    for index in &segment.indexes {
        check_index(context, index, bytes.len(), &segment, &mut faults);
    }
    for fault in faults {
        findings.add(fault.rule, Place::of(context.resource).at(context.offset + fault.offset as u64), fault.message);
    }
    summary
}

/// Event messages lie with the media that their events belong to.
fn check_events(context: &Context<'_>, segment: &Segment<'_>, state: &mut State, faults: &mut Vec<Fault>) {
    for event in &segment.events {
        if state.events.len() < MAX_SCHEMES {
            state.events.insert((event.scheme.clone(), event.value.clone()));
        }
        let tracks = segment.fragments.get(event.fragment).map(|fragment| &fragment.tracks).into_iter().flatten();
        let start = tracks.filter(|track| track.track_id == context.track.id).find_map(|track| track.decode_time);
        let (Some(time), Some(start)) = (event.time, start) else { continue };
        let seconds = |ticks: u64, scale: u32| ticks as f64 / f64::from(scale.max(1));
        let (at, from) = (seconds(time, event.timescale), seconds(start, context.track.timescale));
        // What an edit list hides lies between decode time and presentation time.
        if at < from - EVENT_SLACK_S {
            let message = format!("an event at {at:.3} s lies in front of media from {from:.3} s on");
            faults.push(Fault::new(cmaf::EMSG, event.at, message));
        }
    }
}

fn check_fragment(context: &Context<'_>, fragment: &Fragment<'_>, state: &mut State, faults: &mut Vec<Fault>) {
    let mut fault = |rule, message: String| faults.push(Fault::new(rule, fragment.at, message));
    if fragment.tracks.len() > 1 {
        fault(cmaf::ONE_TRAF, format!("a moof has {} track fragments", fragment.tracks.len()));
    }
    if let (Some(last), Some(sequence)) = (state.sequence, fragment.sequence)
        && sequence <= last
        && !context.iframes
    {
        fault(rules::SEQUENCE_NUMBER, format!("sequence number {sequence} follows {last}"));
    }
    state.sequence = fragment.sequence.or(state.sequence);
    for track in &fragment.tracks {
        if context.init.tracks.iter().all(|known| known.id != track.track_id) {
            fault(
                rules::TRACK_ID,
                format!("a traf is of track {}, the initialisation segment has {}", track.track_id, context.track.id),
            );
        }
        if !track.base_is_moof {
            fault(cmaf::DEFAULT_BASE, "tfhd has no default-base-is-moof flag, or a base-data-offset".to_owned());
        }
        if track.decode_time.is_none() {
            fault(cmaf::TFDT, "traf has no tfdt".to_owned());
        }
        if track.track_id != context.track.id {
            continue;
        }
        if let (Some(next), Some(time)) = (state.next, track.decode_time)
            && next != time
            && !context.iframes
        {
            let difference = (time as i128 - next as i128) as f64 / f64::from(context.track.timescale.max(1));
            fault(
                cmaf::TFDT_CONTINUITY,
                format!("tfdt is {time}, the samples before end at {next} ({difference:+.4} s)"),
            );
        }
        if let Some(time) = track.decode_time {
            state.next = time.checked_add(track.duration());
        }
        if let (Some(position), false) = (track.samples.iter().position(|sample| sample.duration == 0), context.iframes)
        {
            // The last one may be unknown at the end of a live stream.
            if position + 1 < track.samples.len() || track.samples.len() == 1 {
                fault(rules::DURATION_ZERO, format!("sample {position} lasts 0 ticks"));
            }
        }
        state.samples += track.samples.len() as u64;
        state.ticks = state.ticks.saturating_add(track.duration());
    }
}

fn check_index(
    context: &Context<'_>,
    index: &super::segment::Sidx,
    length: usize,
    segment: &Segment<'_>,
    faults: &mut Vec<Fault>,
) {
    if index.references.iter().any(|(nested, ..)| *nested) || segment.indexes.len() > 1 {
        return;
    }
    let bytes: u64 = index.references.iter().map(|reference| u64::from(reference.1)).sum();
    let behind = (length - index.end) as u64;
    if index.first_offset.checked_add(bytes) != Some(behind) {
        let message = format!("sidx describes {bytes} bytes from {} on, {behind} bytes follow", index.first_offset);
        faults.push(Fault::new(rules::SIDX, index.at, message));
    }
    let ticks: u64 = index.references.iter().map(|reference| u64::from(reference.2)).sum();
    let media: u64 = segment
        .fragments
        .iter()
        .flat_map(|fragment| &fragment.tracks)
        .filter(|track| track.track_id == context.track.id)
        .map(TrackFragment::duration)
        .sum();
    if index.timescale == context.track.timescale && ticks.abs_diff(media) > u64::from(index.timescale / 20) {
        let message = format!("sidx describes {ticks} ticks, the samples have {media}");
        faults.push(Fault::new(rules::SIDX, index.at, message));
    }
}
