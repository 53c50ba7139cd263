//! What media segments of one track must keep, one after another.

use std::collections::{BTreeMap, BTreeSet};

use drm::{ContentKey, KeyId, ProtectionScheme, SampleEncryption, TrackProtection};

use super::Fault;
use super::encryption::{self, Encryption};
use super::event::MAX_SCHEMES;
use super::init::{Init, Track};
use super::segment::{Fragment, Sample, Segment, TrackFragment};
use crate::codec::Facts;
use crate::report::{Findings, Place};
use crate::rules::{bmff as rules, cenc, cmaf, hls};

mod nal;

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

/// Bounds on remembered counters of a track.
const MAX_COUNTERS: usize = 4 << 20;

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
            check_samples(context, bytes, fragment, track, state, &mut faults);
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

fn check_samples(
    context: &Context<'_>,
    bytes: &[u8],
    fragment: &Fragment<'_>,
    track: &TrackFragment<'_>,
    state: &mut State,
    faults: &mut Vec<Fault>,
) {
    let outside = fragment.media.and_then(|(start, end)| {
        let inside = |sample: &Sample| sample.at >= start as i64 && sample.at + i64::from(sample.size) <= end as i64;
        track.samples.iter().position(|sample| !inside(sample)).map(|index| (index, start, end))
    });
    // An entry of an I-frame playlist may end behind its picture.
    if let Some((index, start, end)) = outside {
        if !context.iframes || index == 0 {
            let sample = track.samples[index];
            let message = format!("sample {index} lies at {}+{}, mdat at {start}..{end}", sample.at, sample.size);
            faults.push(Fault::new(rules::DATA_OFFSET, fragment.at, message));
        }
        return;
    }
    let protection = context.track.entry.as_ref().and_then(|entry| entry.protection.as_ref());
    let encryption = match protection {
        Some(protection) => {
            match encryption::read(track, fragment.at, bytes, protection, context.facts.nal.is_some(), faults) {
                Some(encryption) => Some(encryption),
                None => return,
            }
        }
        None => None,
    };
    check_units(context, bytes, fragment, track, encryption.as_ref(), state, faults);
}

fn check_units(
    context: &Context<'_>,
    bytes: &[u8],
    fragment: &Fragment<'_>,
    track: &TrackFragment<'_>,
    encryption: Option<&Encryption>,
    state: &mut State,
    faults: &mut Vec<Fault>,
) {
    let mut time = track.decode_time.unwrap_or(0);
    for (index, sample) in track.samples.iter().enumerate() {
        let Some(data) = sample.of(bytes) else { return };
        let protection = encryption.and_then(|list| list.get(index)).and_then(Option::as_ref);
        let mut fault =
            |rule, message: String| faults.push(Fault::new(rule, fragment.at, format!("sample {index}: {message}")));
        if let Some((protection, entry)) = protection {
            let sum: u64 = entry.subsamples.iter().map(|part| u64::from(part.clear) + u64::from(part.protected)).sum();
            if !entry.subsamples.is_empty() && sum != u64::from(sample.size) {
                fault(cenc::SUBSAMPLE_SUM, format!("subsamples add up to {sum} bytes, the sample has {}", sample.size));
                return;
            }
            check_protection(context, protection, entry, sample, state, &mut fault);
        }
        let clear = protection.map(|protection| check_decrypted(context, protection, data, state, &mut fault));
        if context.digests {
            match clear {
                None => drop(state.digest.update(data)),
                Some(Some(clear)) => drop(state.digest.update(&clear)),
                Some(None) => state.sealed = true,
            }
        }
        let Some((family, length_size)) = context.facts.nal else { continue };
        let units = nal::walk(data, family, length_size, protection.map(|(_, entry)| entry));
        if let Some((rule, message)) = units.fault {
            fault(rule, message);
            return;
        }
        state.captions |= units.captions;
        if index == 0
            && sample.is_sync()
            && !units.random_access
            && protection.is_none_or(|(_, entry)| !entry.subsamples.is_empty())
        {
            fault(cmaf::STARTS_WITH_SYNC, "it is flagged as sync and has no random access picture".to_owned());
        }
        check_distance(context, sample, time, state, &mut fault);
        time = time.saturating_add(sample.duration.into());
    }
}

fn check_distance(
    context: &Context<'_>,
    sample: &Sample,
    time: u64,
    state: &mut State,
    fault: &mut impl FnMut(&'static crate::Rule, String),
) {
    if !context.hls || context.iframes || !sample.is_sync() {
        return;
    }
    let scale = u64::from(context.track.timescale.max(1));
    if let Some(last) = state.last_sync
        && time.saturating_sub(last) > 2 * scale + scale / 10
    {
        fault(hls::IDR_DISTANCE, format!("the key frame before is {:.3} s away", (time - last) as f64 / scale as f64));
    }
    state.last_sync = Some(time);
}

fn check_protection(
    context: &Context<'_>,
    protection: &TrackProtection,
    entry: &SampleEncryption,
    sample: &Sample,
    state: &mut State,
    fault: &mut impl FnMut(&'static crate::Rule, String),
) {
    let scheme = protection.scheme;
    let nal = context.facts.nal.is_some();
    if nal && scheme != ProtectionScheme::Cbcs && entry.subsamples.iter().any(|part| part.protected % 16 != 0) {
        fault(cenc::BLOCKS, "a protected range is not a multiple of 16 bytes".to_owned());
    }
    let Some(iv) = entry.iv.filter(|_| matches!(scheme, ProtectionScheme::Cenc | ProtectionScheme::Cens)) else {
        return;
    };
    let protected: u64 = match entry.subsamples.as_slice() {
        [] => sample.size.into(),
        parts => parts.iter().map(|part| u64::from(part.protected)).sum(),
    };
    if protected == 0 || context.iframes {
        return;
    }
    let first = u128::from_be_bytes(iv.block());
    let end = first.saturating_add(u128::from(protected.div_ceil(16)));
    let counters = state.counters.entry(protection.key_id).or_default();
    if counters.range(..end).next_back().is_some_and(|(_, &other)| other > first) {
        fault(cenc::IV_REUSE, format!("its counter blocks from {first:032x} on were used before"));
        return;
    }
    // Runs that join stay one entry.
    let room = counters.len() < MAX_COUNTERS;
    match counters.range_mut(..=first).next_back() {
        Some((_, other)) if *other == first => *other = end,
        _ if room => drop(counters.insert(first, end)),
        _ => {}
    }
}

/// The sample in clear, if its key is there.
fn check_decrypted(
    context: &Context<'_>,
    (protection, entry): &(TrackProtection, SampleEncryption),
    data: &[u8],
    state: &mut State,
    fault: &mut impl FnMut(&'static crate::Rule, String),
) -> Option<Vec<u8>> {
    let (_, key) = context.keys.iter().find(|(id, _)| *id == protection.key_id)?;
    let mut clear = data.to_vec();
    if let Err(error) = drm::decrypt_sample(key, protection, entry, &mut clear) {
        fault(cenc::DECRYPT, error.to_string());
        return None;
    }
    if let Some((_, length_size)) = context.facts.nal {
        if let Some(message) = nal::decrypted_fault(&clear, length_size) {
            fault(cenc::DECRYPT, message);
        }
        return Some(clear);
    }
    if context.facts.codec.starts_with("mp4a.40.") {
        // The first syntax element has one of eight names; END cannot come first (ISO/IEC 14496-3 §4.4.2.1).
        let stereo = context.facts.sound.is_some_and(|(_, channels)| channels == 2);
        let element = clear.first().map_or(7, |byte| byte >> 5);
        state.frames.0 += 1;
        state.frames.1 += u32::from(element == 7 || (stereo && !matches!(element, 1 | 4 | 6)));
        if state.frames.0 == 32 && state.frames.1 > 4 {
            fault(
                cenc::DECRYPT,
                format!("{} of 32 decrypted AAC frames begin with an element that cannot come first", state.frames.1),
            );
        }
    }
    Some(clear)
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
