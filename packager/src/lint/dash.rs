//! The MPD against records, read by `dash-mpd-core`.

use std::collections::BTreeSet;

use dash_mpd_core::{AdaptationSet, Representation, SegmentTemplate};
use media_types::{MediaTime, TrackRecord};

use super::Findings;
use crate::{Presentation, codec_string, peak_bitrate_bps};

/// ISO/IEC 23009-1: every track is one representation whose timeline is the record's, tick for tick.
pub(super) fn check(presentation: &Presentation<'_>, text: &str, findings: &mut Findings) {
    let mpd = match dash_mpd_core::parse(text) {
        Ok(mpd) => mpd,
        Err(error) => return findings.add("dash.syntax", format!("the MPD cannot be parsed: {error}")),
    };
    findings.same("dash.type", "the MPD's type", mpd.mpdtype.as_deref(), Some("static"));
    let [period] = mpd.periods.as_slice() else {
        return findings.add("dash.period", format!("the MPD has {} periods", mpd.periods.len()));
    };
    check_duration(presentation, mpd.mediaPresentationDuration, findings);
    let mut listed = BTreeSet::new();
    for set in &period.adaptations {
        for representation in &set.representations {
            let id = representation.id.as_deref().unwrap_or_default();
            if !listed.insert(id) {
                findings.add("dash.representation", format!("{id} is listed twice"));
            }
            match presentation.tracks.iter().find(|track| track.name == id) {
                Some(track) => check_representation(presentation, track, set, representation, findings),
                None if set.contentType.as_deref() == Some("image") => {}
                None => findings.add("dash.representation", format!("{id} belongs to no track")),
            }
        }
    }
    for track in presentation.tracks.iter().filter(|track| !listed.contains(track.name.as_str())) {
        findings.add("dash.representation", format!("{} is not listed", track.name));
    }
}

/// Exact to the nanosecond that the text can carry.
fn check_duration(presentation: &Presentation<'_>, found: Option<std::time::Duration>, findings: &mut Findings) {
    let Some(expected) = presentation.duration() else { return };
    let off = |found: std::time::Duration| {
        let MediaTime { ticks, scale } = expected;
        let exact = i128::from(ticks) * 1_000_000_000;
        (found.as_nanos() as i128 * i128::from(scale.get()) - exact).abs() >= i128::from(scale.get())
    };
    if found.is_none_or(off) {
        let seconds = expected.as_secs_f64();
        findings.add("dash.duration", format!("the presentation lasts {seconds} s and the MPD says {found:?}"));
    }
}

fn check_representation(
    presentation: &Presentation<'_>,
    track: &TrackRecord,
    set: &AdaptationSet,
    representation: &Representation,
    findings: &mut Findings,
) {
    let name = &track.name;
    let codec = codec_string(&track.config).unwrap_or_default();
    let codecs = representation.codecs.as_ref().or(set.codecs.as_ref());
    findings.same("dash.codecs", name, codecs, Some(&codec));
    if representation.bandwidth.is_none_or(|bandwidth| bandwidth < peak_bitrate_bps(track)) {
        findings.add("dash.bandwidth", format!("{name}: it is missing or below the measured peak"));
    }
    let Some(template) = representation.SegmentTemplate.as_ref().or(set.SegmentTemplate.as_ref()) else {
        return findings.add("dash.template", format!("{name} has no segment template"));
    };
    check_template(presentation, track, template, findings);
    findings.same("dash.timescale", name, template.timescale, Some(track.timescale.get().into()));
    let expected = track.segments.iter().map(|segment| (segment.start_ticks, segment.duration_ticks));
    match expand(template, track.segments.len()) {
        Some(found) if found.iter().copied().eq(expected) => {}
        _ => findings.add("dash.timeline", format!("{name}: the timeline is not that of the segments")),
    }
}

fn check_template(
    presentation: &Presentation<'_>,
    track: &TrackRecord,
    template: &SegmentTemplate,
    findings: &mut Findings,
) {
    let fill = |pattern: Option<&String>| {
        let number = format!("{:05}", template.startNumber.unwrap_or(1));
        pattern.map(|pattern| pattern.replace("$RepresentationID$", &track.name).replace("$Number%05d$", &number))
    };
    let folder = format!("{}{}", presentation.uri_prefix, track.name);
    let init = fill(template.initialization.as_ref());
    findings.same("dash.template", "the init segment", init, Some(format!("{folder}/init.mp4")));
    let first = fill(template.media.as_ref());
    findings.same("dash.template", "the first segment", first, Some(format!("{folder}/00001.m4s")));
}

/// Start and duration of every segment of a timeline; `None` when there is none, or more than `limit` segments.
fn expand(template: &SegmentTemplate, limit: usize) -> Option<Vec<(u64, u64)>> {
    let (mut out, mut at) = (Vec::new(), 0u64);
    for run in &template.SegmentTimeline.as_ref()?.segments {
        at = run.t.unwrap_or(at);
        for _ in 0..u64::try_from(run.r.unwrap_or(0)).ok()?.checked_add(1)? {
            if out.len() == limit {
                return None;
            }
            out.push((at, run.d));
            at = at.checked_add(run.d)?;
        }
    }
    Some(out)
}
