//! Where the segments of a representation lie (ISO/IEC 23009-1 §5.3.9).

use std::cell::Cell;

use super::values::byte_range;
use super::xml::Element;
use crate::report::{Findings, Place};
use crate::rules::dash as rules;

type Range = (u64, u64);

/// How segments are addressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Addressing {
    None,
    /// One file, not to be taken apart.
    Single(String),
    /// One file with a segment index: range of the initialisation segment, range of the index.
    Indexed {
        init: Option<Range>,
        index: Range,
    },
    Listed {
        init: Option<(String, Option<Range>)>,
        segments: Vec<ListedSegment>,
    },
}

/// A segment with a known address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListedSegment {
    pub(crate) uri: String,
    pub(crate) range: Option<Range>,
    /// Start and end in ticks of the third.
    pub(crate) stated: Option<(u64, u64, u64)>,
}

/// A day of ten representations has fewer. The bound is on a whole manifest.
pub(super) const MAX_SEGMENTS: u64 = 500_000;

/// What surrounds the segments.
pub(super) struct Scope<'a> {
    pub(super) id: &'a str,
    pub(super) bandwidth: &'a str,
    pub(super) base_url: Option<&'a str>,
    pub(super) seconds: Option<f64>,
    pub(super) dynamic: bool,
    pub(super) resource: &'a str,
    pub(super) line: u32,
    /// How many more segments the manifest may have.
    pub(super) room: &'a Cell<u64>,
}

/// From the outermost to the innermost element of one kind that is inherited: the first value of an attribute.
fn inherited<'a>(levels: &[&'a Element], name: &str) -> Option<&'a str> {
    levels.iter().rev().find_map(|level| level.get(name))
}

fn child<'a>(levels: &[&'a Element], name: &str) -> Option<&'a Element> {
    levels.iter().rev().find_map(|level| level.child(name))
}

/// Reads the addressing of a representation from its own and the surrounding elements, outermost first.
pub(super) fn read(path: &[&Element], scope: &Scope<'_>, findings: &mut Findings) -> Addressing {
    let levels = |name: &str| path.iter().filter_map(|level| level.child(name)).collect::<Vec<_>>();
    let place = Place::line(scope.resource, scope.line);
    let (template, list, base) = (levels("SegmentTemplate"), levels("SegmentList"), levels("SegmentBase"));
    let kinds = [!template.is_empty(), !list.is_empty(), !base.is_empty()].into_iter().filter(|used| *used).count();
    if kinds > 1 {
        findings.add(
            rules::SEGMENT_INFO,
            place,
            format!("representation {:?} has several kinds of segment information", scope.id),
        );
    }
    if !template.is_empty() {
        return from_template(&template, scope, findings);
    }
    if !list.is_empty() {
        return from_list(&list, scope, findings);
    }
    if let Some(index) = inherited(&base, "indexRange").and_then(byte_range) {
        let init = child(&base, "Initialization").and_then(|init| init.get("range")).and_then(byte_range);
        return Addressing::Indexed { init, index };
    }
    if scope.base_url.is_some() {
        return Addressing::Single(String::new());
    }
    findings.add(
        rules::SEGMENT_INFO,
        place,
        format!("representation {:?} does not tell where its segments are", scope.id),
    );
    Addressing::None
}

fn number(levels: &[&Element], name: &str, default: u64) -> u64 {
    inherited(levels, name).and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Start and end of each segment in ticks.
fn times(levels: &[&Element], scope: &Scope<'_>, findings: &mut Findings) -> Option<Vec<(u64, u64)>> {
    let scale = number(levels, "timescale", 1).max(1);
    let offset = number(levels, "presentationTimeOffset", 0);
    if let Some(timeline) = child(levels, "SegmentTimeline") {
        return Some(timeline_times(timeline, scale, offset, scope, findings));
    }
    let duration: u64 = inherited(levels, "duration")?.parse().ok().filter(|duration| *duration > 0)?;
    let total = scope.seconds?;
    // A last sliver comes from rounding, not from a segment.
    let count = ((total * scale as f64 / duration as f64 - 0.01).ceil().max(1.0) as u64).min(scope.room.get());
    let time = |index: u64| offset.saturating_add(index.saturating_mul(duration));
    Some((0..count).map(|index| (time(index), time(index + 1))).collect())
}

fn timeline_times(
    timeline: &Element,
    scale: u64,
    offset: u64,
    scope: &Scope<'_>,
    findings: &mut Findings,
) -> Vec<(u64, u64)> {
    let mut out: Vec<(u64, u64)> = Vec::new();
    let mut next: Option<u64> = None;
    let entries: Vec<&Element> = timeline.all("S").collect();
    for (index, entry) in entries.iter().enumerate() {
        let place = Place::line(scope.resource, entry.line);
        let value = |name: &str| entry.get(name).and_then(|text| text.parse::<u64>().ok());
        let Some(duration) = value("d") else { continue };
        let start = value("t").or(next).unwrap_or(0);
        if let Some(next) = next {
            if start < next {
                findings.add(
                    rules::TIMELINE_OVERLAP,
                    place,
                    format!("S@t is {start}, the segment before ends at {next}"),
                );
            } else if start > next {
                findings.add(rules::TIMELINE_GAP, place, format!("S@t is {start}, the segment before ends at {next}"));
            }
        }
        let repeats = match entry.get("r").map(str::parse::<i64>) {
            None => 0,
            Some(Ok(repeats)) if repeats >= 0 => repeats as u64,
            Some(Ok(_)) => {
                // Up to the next entry, or to the end of the period (§5.3.9.6.2).
                let period = scope.seconds.map(|seconds| offset.saturating_add((seconds * scale as f64) as u64));
                let end =
                    entries.get(index + 1).and_then(|next| next.get("t")?.parse().ok()).or(period).unwrap_or(start);
                end.saturating_sub(start).div_ceil(duration.max(1)).saturating_sub(1)
            }
            Some(Err(_)) => {
                findings.add(rules::ATTRIBUTE_VALUE, place, format!("S@r is {:?}", entry.get("r")));
                0
            }
        };
        let room = scope.room.get().saturating_sub(out.len() as u64);
        let mut at = start;
        for _ in 0..repeats.saturating_add(1).min(room) {
            let end = at.saturating_add(duration);
            out.push((at, end));
            at = end;
        }
        next = Some(at);
    }
    out
}

fn from_template(levels: &[&Element], scope: &Scope<'_>, findings: &mut Findings) -> Addressing {
    let place = Place::line(scope.resource, levels.last().map_or(scope.line, |level| level.line));
    let scale = number(levels, "timescale", 1).max(1);
    let init = inherited(levels, "initialization").map(|template| {
        let reference = fill(template, scope, None).unwrap_or_else(|message| {
            findings.add(rules::TEMPLATE, place, message);
            template.to_owned()
        });
        (reference, None)
    });
    let Some(media) = inherited(levels, "media") else {
        findings.add(rules::TEMPLATE, place, "SegmentTemplate has no @media");
        return Addressing::Listed { init, segments: Vec::new() };
    };
    let timeline = child(levels, "SegmentTimeline").is_some();
    if timeline == inherited(levels, "duration").is_some() && media.contains("$Number") | media.contains("$Time") {
        findings.add(rules::TEMPLATE_DURATION, place, "there must be either @duration or a SegmentTimeline");
    }
    let times = times(levels, scope, findings).unwrap_or_default();
    let room = scope.room.get().saturating_sub(times.len() as u64);
    if room == 0 {
        findings.add(
            crate::rules::input::LIMIT,
            place,
            format!("the manifest lists more than {MAX_SEGMENTS} segments"),
        );
    }
    scope.room.set(room);
    if times.len() > 1 && !media.contains("$Number") && !media.contains("$Time") && !media.contains("$SubNumber") {
        findings.add(rules::TEMPLATE, place, format!("@media {media:?} gives {} segments one address", times.len()));
    }
    let first = number(levels, "startNumber", 1);
    let mut segments = Vec::new();
    // Segments of a live period without timeline exist as the clock says, which is not known here.
    let times = if scope.dynamic && !timeline { Vec::new() } else { times };
    for (index, (start, end)) in times.into_iter().enumerate() {
        match fill(media, scope, Some((first.saturating_add(index as u64), start))) {
            Ok(uri) => segments.push(ListedSegment { uri, range: None, stated: Some((start, end, scale)) }),
            Err(message) => {
                findings.add(rules::TEMPLATE, place, message);
                break;
            }
        }
    }
    Addressing::Listed { init, segments }
}

/// Puts values into a URL template (§5.3.9.4.4).
fn fill(template: &str, scope: &Scope<'_>, segment: Option<(u64, u64)>) -> Result<String, String> {
    let mut out = String::new();
    for (index, part) in template.split('$').enumerate() {
        if index % 2 == 0 {
            out.push_str(part);
            continue;
        }
        let (name, width) = match part.split_once('%') {
            Some((name, format)) => {
                let digits = format.strip_prefix('0').and_then(|rest| rest.strip_suffix('d'));
                let width = digits.and_then(|digits| digits.parse::<usize>().ok()).filter(|width| *width <= 32);
                (name, width.ok_or_else(|| format!("the width %{format} in {template:?} is not %0Nd"))?)
            }
            None => (part, 1),
        };
        let number = |value: u64| format!("{value:0width$}");
        match (name, segment) {
            ("", _) => out.push('$'),
            ("RepresentationID", _) => out.push_str(scope.id),
            ("Bandwidth", _) => {
                out.push_str(&scope.bandwidth.parse().map_or_else(|_| scope.bandwidth.to_owned(), number))
            }
            ("Number", Some((value, _))) => out.push_str(&number(value)),
            ("Time", Some((_, value))) => out.push_str(&number(value)),
            ("SubNumber", Some(_)) => out.push_str(&number(1)),
            _ => return Err(format!("${name}$ in {template:?} has no value")),
        }
    }
    if template.split('$').count().is_multiple_of(2) {
        return Err(format!("{template:?} has an odd number of $"));
    }
    Ok(out)
}

fn from_list(levels: &[&Element], scope: &Scope<'_>, findings: &mut Findings) -> Addressing {
    let init = child(levels, "Initialization")
        .map(|init| (init.get("sourceURL").unwrap_or_default().to_owned(), init.get("range").and_then(byte_range)));
    let scale = number(levels, "timescale", 1).max(1);
    let entries: Vec<&Element> = levels
        .iter()
        .rev()
        .find_map(|level| level.child("SegmentURL").map(|_| level.all("SegmentURL").collect()))
        .unwrap_or_default();
    let timed = inherited(levels, "duration").is_some() || child(levels, "SegmentTimeline").is_some();
    if entries.len() > 1 && !timed {
        findings.add(
            rules::TEMPLATE_DURATION,
            Place::line(scope.resource, scope.line),
            "SegmentList has neither @duration nor a SegmentTimeline",
        );
    }
    let duration = number(levels, "duration", 0);
    let offset = number(levels, "presentationTimeOffset", 0);
    let timeline =
        child(levels, "SegmentTimeline").map(|timeline| timeline_times(timeline, scale, offset, scope, findings));
    let segments = entries.iter().enumerate().map(|(index, entry)| {
        let nominal = (duration > 0).then(|| {
            let start = offset.saturating_add(duration.saturating_mul(index as u64));
            (start, start.saturating_add(duration))
        });
        let time = match &timeline {
            Some(times) => times.get(index).copied(),
            None => nominal,
        };
        ListedSegment {
            uri: entry.get("media").unwrap_or_default().to_owned(),
            range: entry.get("mediaRange").and_then(byte_range),
            stated: time.map(|(start, end)| (start, end, scale)),
        }
    });
    Addressing::Listed { init, segments: segments.collect() }
}
