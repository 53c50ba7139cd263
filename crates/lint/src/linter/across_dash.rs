//! What a manifest says against what the media are.

use drm::KeyId;

use super::across_hls::parse_id;
use super::{Track, measure};
use crate::bmff::boxes::name;
use crate::codec::{self, Kind};
use crate::dash::{Addressing, Manifest, Representation, dashed};
use crate::report::{Findings, Place};
use crate::rules::{cmaf, dash as rules};

/// Checks a manifest against its tracks, which come in the order of its representations.
pub(super) fn check(manifest: &Manifest, resource: &str, tracks: &[Track], findings: &mut Findings) {
    let is_divided = manifest.representations.iter().any(|representation| representation.set.0 > 0);
    for (representation, track) in manifest.representations.iter().zip(tracks) {
        let place = Place::line(resource, representation.line);
        check_media(representation, track, place, findings);
        check_times(representation, track, place, findings);
        check_protection(representation, track, resource, findings);
        check_events(representation, track, place, findings);
        check_bandwidth(manifest, representation, track, place, findings);
        if !manifest.dynamic {
            check_duration(representation, track, is_divided, place, findings);
        }
        if representation.sap == Some(1) {
            for (index, segment) in track.segments.iter().enumerate() {
                if segment.summary.is_some_and(|summary| !summary.starts_with_sync) {
                    findings.add(
                        rules::SAP,
                        place,
                        format!("@startWithSAP is 1 and segment {index} does not begin with a sync sample"),
                    );
                }
            }
        }
    }
    for (index, (representation, track)) in manifest.representations.iter().zip(tracks).enumerate() {
        let before =
            manifest.representations[..index].iter().zip(tracks).find(|(other, _)| other.set == representation.set);
        if let Some((_, first)) = before {
            check_set(representation, first, track, Place::line(resource, representation.line), findings);
        }
    }
}

fn check_media(representation: &Representation, track: &Track, place: Place<'_>, findings: &mut Findings) {
    let Some(loaded) = track.loaded() else { return };
    let facts = &loaded.facts;
    let Some(entry) = track.media().and_then(|media| media.entry.as_ref()) else { return };
    if let Some(codecs) = &representation.codecs
        && !facts.codec.is_empty()
        && !codecs.split(',').any(|name| codec::same(name, facts))
    {
        findings.add(
            rules::CODECS_MISMATCH,
            place,
            format!("@codecs is {codecs:?}, the initialisation segment has {}", facts.codec),
        );
    }
    let size = facts.size.or(entry.size.map(|(width, height)| (width.into(), height.into())));
    if let (Some((width, height)), Some((w, h))) = (size, representation.size)
        && (width, height) != (w, h)
    {
        findings.add(
            rules::RESOLUTION,
            place,
            format!("@width and @height are {w}x{h}, the media have {width}x{height}"),
        );
    }
    if let (Some(stated), Some(measured), false) =
        (representation.frame_rate, measure::frame_rate(track), representation.trick_mode)
        && (stated - measured).abs() > measured * 0.01
    {
        findings.add(rules::FRAME_RATE, place, format!("@frameRate is {stated:.3}, the media have {measured:.3}"));
    }
    let Some((rate, channels)) = facts.sound else { return };
    if let Some(stated) = representation.sampling_rate
        && stated != rate
        && Some(stated) != facts.core_rate
    {
        findings.add(rules::AUDIO_RATE, place, format!("@audioSamplingRate is {stated}, the media have {rate}"));
    }
    if let Some(stated) = representation.channels
        && channels > 0
        && channels != stated
    {
        findings.add(
            rules::AUDIO_CHANNELS,
            place,
            format!("AudioChannelConfiguration says {stated} channels, the media have {channels}"),
        );
    }
}

/// A client passes over messages of schemes that it was not told of (§5.10.3.3.1).
fn check_events(representation: &Representation, track: &Track, place: Place<'_>, findings: &mut Findings) {
    for (scheme, value) in &track.state.events {
        let announced = representation
            .inband
            .iter()
            .any(|(known, stated)| known == scheme && stated.as_ref().is_none_or(|stated| stated == value));
        if !announced {
            let message = format!("segments carry events of {scheme:?} {value:?} and no InbandEventStream says so");
            findings.add(rules::INBAND_EVENTS, place, message);
        }
    }
}

/// Stated times against decode times and sample durations.
fn check_times(representation: &Representation, track: &Track, place: Place<'_>, findings: &mut Findings) {
    let scale = track.timescale() as f64;
    let hidden = track.media().and_then(|media| media.edits.first()).map_or(0, |edit| edit.0);
    let shown = |ticks: i64| ticks.saturating_sub(hidden).max(0) as f64 / scale;
    for (index, segment) in track.segments.iter().enumerate() {
        let (Some(summary), Some((start, end, stated_scale))) = (segment.summary, segment.stated) else { continue };
        let stated = |ticks: u64| ticks as f64 / stated_scale as f64;
        let (begin, length) = (summary.start as f64 / scale, summary.duration as f64 / scale);
        // With @duration times are nominal: half a segment of tolerance (DASH-IF IOP §3.2.7.1); the last may be shorter.
        let (slack, last) = if representation.nominal {
            ((stated(end) - stated(start)) / 2.0, index + 1 == track.segments.len())
        } else {
            (0.1, false)
        };
        // Presentation may begin later or earlier than decoding.
        let earliest = summary.earliest as f64 / scale;
        let from = shown(summary.earliest);
        let offset =
            [begin, earliest, from].map(|time| (time - stated(start)).abs()).into_iter().fold(f64::MAX, f64::min);
        // What is shown ends where the next segment's samples begin to be, which is not always where decoding ends.
        let next = track.segments.get(index + 1).and_then(|next| next.summary).map(|next| next.earliest);
        let until = next.unwrap_or((summary.start + summary.duration).cast_signed());
        let off = |length: f64| (stated(end) - stated(start) - length).abs();
        if offset > slack {
            findings.add(
                rules::TIMELINE_MEDIA,
                place,
                format!("segment {index} is said to start at {:.3} s, its tfdt is {begin:.3} s", stated(start)),
            );
        } else if off(length).min(off(shown(until) - from)) > slack && !last {
            findings.add(
                rules::TIMELINE_MEDIA,
                place,
                format!(
                    "segment {index} is said to last {:.3} s, its samples last {length:.3} s",
                    stated(end) - stated(start)
                ),
            );
        }
    }
}

fn check_duration(
    representation: &Representation,
    track: &Track,
    is_divided: bool,
    place: Place<'_>,
    findings: &mut Findings,
) {
    let (Some(period), true) = (representation.period_seconds, track.complete) else { return };
    // The last sheet of thumbnails has room for tiles behind the end.
    if representation.mime.starts_with("image/") {
        return;
    }
    // An index lists its whole file, of which one of several periods shows a part.
    if is_divided && matches!(representation.addressing, Addressing::Indexed { .. }) {
        return;
    }
    let lengths: Option<Vec<f64>> = track.segments.iter().map(|segment| track.seconds(segment)).collect();
    let Some(total) = lengths.filter(|lengths| !lengths.is_empty()).map(|lengths| lengths.iter().sum::<f64>()) else {
        return;
    };
    if (period - total).abs() > 1.0 {
        findings.add(
            rules::DURATION_MEASURED,
            place,
            format!("the period lasts {period:.3} s, the segments {total:.3} s"),
        );
    }
}

/// After @minBufferTime at @bandwidth, no segment comes late (§5.3.5.2).
fn check_bandwidth(
    manifest: &Manifest,
    representation: &Representation,
    track: &Track,
    place: Place<'_>,
    findings: &mut Findings,
) {
    let (Some(bandwidth), Some(buffer)) = (representation.bandwidth, manifest.min_buffer) else { return };
    // A leaky bucket: how far the media run ahead of the channel.
    let (mut ahead, mut worst) = (0.0_f64, 0.0_f64);
    for segment in &track.segments {
        let (Some(size), Some(seconds)) = (segment.size, track.seconds(segment)) else { continue };
        ahead = (ahead + size as f64 * 8.0 - bandwidth * seconds).max(0.0);
        worst = worst.max(ahead);
    }
    if worst > bandwidth * buffer * 1.01 {
        let message = format!(
            "@bandwidth is {bandwidth:.0}; at that rate a client is {:.1} s late with @minBufferTime {buffer} s",
            worst / bandwidth.max(1.0) - buffer
        );
        findings.add(rules::BANDWIDTH, place, message);
    }
}

fn check_protection(representation: &Representation, track: &Track, resource: &str, findings: &mut Findings) {
    let Some(protection) =
        track.media().and_then(|media| media.entry.as_ref()).and_then(|entry| entry.protection.as_ref())
    else {
        return;
    };
    let place = Place::line(resource, representation.line);
    let generic =
        representation.protection.iter().find(|descriptor| descriptor.scheme == "urn:mpeg:dash:mp4protection:2011");
    match generic {
        None => findings.add(
            rules::PROTECTION_GENERIC,
            place,
            "the media are protected and there is no mp4protection descriptor",
        ),
        Some(descriptor) if descriptor.value.as_deref() != Some(protection.scheme.as_str()) => {
            let message = format!(
                "mp4protection has @value {:?}, schm has {}",
                descriptor.value.as_deref().unwrap_or_default(),
                protection.scheme
            );
            findings.add(rules::PROTECTION_GENERIC, Place::line(resource, descriptor.line), message);
        }
        Some(_) => {}
    }
    for descriptor in &representation.protection {
        let Some(text) = &descriptor.default_kid else { continue };
        // A list is allowed when keys differ over a set.
        let ids: Vec<Option<KeyId>> = text.split_whitespace().map(|id| parse_id(&id.replace('-', ""))).collect();
        if !ids.contains(&Some(protection.key_id)) {
            let message = format!("cenc:default_KID is {text}, tenc has {}", dashed(&protection.key_id.0));
            findings.add(rules::PROTECTION_KID, Place::line(resource, descriptor.line), message);
        }
    }
}

/// Representations of one adaptation set can be switched between (ISO/IEC 23000-19 §7.3.4).
fn check_set(representation: &Representation, first: &Track, track: &Track, place: Place<'_>, findings: &mut Findings) {
    let (Some(a), Some(b)) = (first.media(), track.media()) else { return };
    let (Some(left), Some(right)) = (&a.entry, &b.entry) else { return };
    let mut differs = |what: &str, left: String, right: String| {
        findings.add(
            cmaf::SWITCHING_SET,
            place,
            format!("{what} is {right}, the first representation of the set has {left}"),
        );
    };
    if left.format != right.format {
        differs("the sample entry", name(left.format), name(right.format));
    }
    if a.timescale != b.timescale {
        differs("the timescale", a.timescale.to_string(), b.timescale.to_string());
    }
    let scheme = |entry: &crate::bmff::entry::Entry| {
        entry.protection.as_ref().map_or("none".to_owned(), |protection| protection.scheme.to_string())
    };
    if scheme(left) != scheme(right) {
        differs("the protection", scheme(left), scheme(right));
    }
    let edit = |track: &crate::bmff::init::Track| track.edits.first().map_or(0, |edit| edit.0);
    if codec::kind(left.format) == Some(Kind::Audio) && edit(a) != edit(b) {
        differs("the edit", edit(a).to_string(), edit(b).to_string());
    }
    if representation.aligned {
        let seconds = |track: &Track, time: i64| time as f64 / track.timescale() as f64;
        for (index, (a, b)) in first.segments.iter().zip(&track.segments).enumerate() {
            let (Some(a), Some(b)) = (a.summary, b.summary) else { continue };
            let (left, right) = (seconds(first, a.earliest), seconds(track, b.earliest));
            if (left - right).abs() > 0.05 {
                findings.add(
                    rules::ALIGNMENT,
                    place,
                    format!("segment {index} starts at {right:.3} s, that of the first representation at {left:.3} s"),
                );
                break;
            }
        }
    }
}
