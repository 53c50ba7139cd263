//! What samples must keep: their places, their encryption, and the NAL units in them.

use drm::{ProtectionScheme, SampleEncryption, TrackProtection};

use super::{Context, State, nal};
use crate::bmff::Fault;
use crate::bmff::encryption::{self, Encryption};
use crate::bmff::segment::{Fragment, Sample, TrackFragment};
use crate::rules::{bmff as rules, cenc, cmaf, hls};

/// Bounds on remembered counters of a track.
const MAX_COUNTERS: usize = 4 << 20;

/// Checks the samples of the track in a fragment.
pub(super) fn check(
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
