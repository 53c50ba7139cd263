//! Periods: the same segments, told in parts (ISO/IEC 23009-1 §5.3.2).

use dash_mpd_core::{
    AdaptationSet, EventStream, Period, Representation, SegmentTemplate, SegmentTimeline, SupplementalProperty,
};
use media_types::MediaTime;
use media_types::time::rescale;

use super::addressing::timeline;
use super::{chapters, events, exact_duration};
use crate::{FileLayout, PackageError, Presentation};

/// §5.3.2.4: the media of an earlier period goes on.
const CONTINUITY: &str = "urn:mpeg:dash:period-continuity:2015";
/// More parts than this are no programme.
const MOST_PERIODS: usize = 1000;

/// The periods of a presentation, over sets that cover all of it.
pub(super) fn periods(presentation: &Presentation<'_>, sets: Vec<AdaptationSet>) -> Result<Vec<Period>, PackageError> {
    let mut streams = events::streams(presentation.markers);
    streams.extend(chapters::streams(presentation.chapters));
    let Some(borders) = borders(presentation)? else {
        return Ok(vec![Period {
            id: Some("1".to_owned()),
            start: Some(std::time::Duration::ZERO),
            duration: presentation.duration().map(exact_duration),
            event_streams: streams,
            adaptations: sets,
            ..Period::default()
        }]);
    };
    let mut periods: Vec<Period> = Vec::new();
    let mut divided: Vec<_> = sets.iter().map(|set| parts(set, &borders).into_iter()).collect();
    for (position, span) in borders.windows(2).enumerate() {
        let mut adaptations: Vec<AdaptationSet> = divided.iter_mut().filter_map(|set| set.next().flatten()).collect();
        if let Some(before) = periods.last() {
            adaptations.iter_mut().for_each(|set| go_on(set, before));
        }
        if adaptations.is_empty() {
            return Err(PackageError::Manifest(format!("there is no segment in period {}", position + 1)));
        }
        // The last period has what lies at the end itself.
        let until = Some(span[1]).filter(|_| position + 2 < borders.len());
        let events = events::within(&streams, span[0], until);
        periods.push(period(position, span, events, adaptations));
    }
    Ok(periods)
}

/// Starts of all periods and the end of the last one; `None` for a single period.
fn borders(presentation: &Presentation<'_>) -> Result<Option<Vec<MediaTime>>, PackageError> {
    let (starts, end) = (presentation.periods, presentation.duration());
    let (Some(first), Some(end)) = (starts.first(), end) else { return Ok(None) };
    let refused = |what: &str| Err(PackageError::Manifest(what.to_owned()));
    if presentation.layout == FileLayout::SingleFile {
        // An index covers its whole file; what it lists outside of a period no player should have to pass over.
        return refused("a single file with its index cannot be told in several periods");
    }
    if presentation.text().iter().any(|track| !presentation.is_cmaf(track)) {
        // Its times would count from the start of each period, and dash.js counts them from the presentation's.
        return refused("whole WebVTT files cannot be told in several periods");
    }
    if starts.len() >= MOST_PERIODS {
        return refused("there are more than 1000 periods");
    }
    if first.ticks <= 0 || starts.last().is_some_and(|last| *last >= end) || !starts.is_sorted_by(|a, b| a < b) {
        return refused("periods do not begin one after another within the presentation");
    }
    let beginning = MediaTime::new(0, first.scale);
    Ok(Some(std::iter::once(beginning).chain(starts.iter().copied()).chain([end]).collect()))
}

fn period(position: usize, span: &[MediaTime], events: Vec<EventStream>, adaptations: Vec<AdaptationSet>) -> Period {
    let (from, to) = (exact_duration(span[0]), exact_duration(span[1]));
    Period {
        id: Some((position + 1).to_string()),
        start: Some(from),
        duration: Some(to.saturating_sub(from)),
        event_streams: events,
        adaptations,
        ..Period::default()
    }
}

/// Says that a set goes on from the period before, where it is there too.
fn go_on(set: &mut AdaptationSet, before: &Period) {
    if before.adaptations.iter().any(|other| other.id == set.id) {
        set.supplemental_property.push(SupplementalProperty {
            schemeIdUri: CONTINUITY.to_owned(),
            value: before.id.clone(),
            ..SupplementalProperty::default()
        });
    }
}

/// A set in each of the periods; `None` where it has no segment.
fn parts(set: &AdaptationSet, borders: &[MediaTime]) -> Vec<Option<AdaptationSet>> {
    let count = borders.len() - 1;
    let sliced = |template: &Option<SegmentTemplate>| template.as_ref().map(|template| slices(template, borders));
    let shared = sliced(&set.SegmentTemplate);
    let own: Vec<_> = set.representations.iter().map(|one| sliced(&one.SegmentTemplate)).collect();
    let part = |period: usize| {
        let template = |slices: &Option<Vec<Option<SegmentTemplate>>>| slices.as_ref().map(|all| all[period].clone());
        let shared = template(&shared);
        let mut representations: Vec<Representation> = Vec::new();
        for (one, own) in set.representations.iter().zip(&own) {
            match template(own) {
                Some(None) => {}
                Some(own) => representations.push(Representation { SegmentTemplate: own, ..one.clone() }),
                None if matches!(shared, Some(None)) => {}
                None => representations.push(indexed(one, borders[period])),
            }
        }
        let whole = AdaptationSet { SegmentTemplate: shared.flatten(), representations, ..set.clone() };
        Some(whole).filter(|whole| !whole.representations.is_empty())
    };
    (0..count).map(part).collect()
}

/// A representation that is one file with an index, in the period from `start` on: players pass over what the index lists
/// outside of it.
fn indexed(one: &Representation, start: MediaTime) -> Representation {
    let mut one = one.clone();
    if let Some(base) = &mut one.SegmentBase {
        let offset = rescale(start.ticks, base.timescale.unwrap_or(1), start.scale.get().into()).unsigned_abs();
        base.presentationTimeOffset = Some(offset).filter(|&offset| offset > 0);
    }
    one
}

/// The part of a template in each of the periods; `None` where it has no segment.
///
/// A segment belongs to the period in which its middle lies: sound is cut at its frame nearest to the period's border.
/// Sheets of pictures, which are of one length whatever the borders, belong to every period that they touch.
fn slices(template: &SegmentTemplate, borders: &[MediaTime]) -> Vec<Option<SegmentTemplate>> {
    let scale = template.timescale.unwrap_or(1).max(1);
    let is_sheets = template.SegmentTimeline.is_none();
    let spans = spans(template, scale, borders.last().copied());
    // Of spans whose start, middle or end (0, 1, 2 halves of their length on) lies before a border.
    let before = |border: &MediaTime, halves: u128| {
        let wanted = 2 * u128::from(border.ticks.unsigned_abs()) * u128::from(scale);
        let at = |&(start, length): &(u64, u64)| 2 * u128::from(start) + halves * u128::from(length);
        let is_before = |there: u128| if halves == 2 { there <= wanted } else { there < wanted };
        spans.partition_point(|span| is_before(at(span) * u128::from(border.scale.get())))
    };
    let range = |position: usize| {
        let (start, end) = (&borders[position], &borders[position + 1]);
        let is_last = position + 2 == borders.len();
        match is_sheets {
            true => before(start, 2)..before(end, 0),
            false => before(start, 1)..if is_last { spans.len() } else { before(end, 1) },
        }
    };
    let slice = |(position, border): (usize, &MediaTime)| {
        let range = range(position);
        let first = range.start as u64;
        let part = spans.get(range).filter(|part| !part.is_empty())?;
        let offset = rescale(border.ticks, scale, border.scale.get().into()).unsigned_abs();
        Some(SegmentTemplate {
            startNumber: Some(template.startNumber.unwrap_or(1) + first),
            presentationTimeOffset: Some(offset).filter(|&offset| offset > 0),
            duration: None,
            SegmentTimeline: Some(SegmentTimeline { segments: timeline(part.iter().copied()) }),
            ..template.clone()
        })
    };
    borders[..borders.len() - 1].iter().enumerate().map(slice).collect()
}

/// Start and length of every segment of a template.
fn spans(template: &SegmentTemplate, scale: u64, end: Option<MediaTime>) -> Vec<(u64, u64)> {
    let mut spans = Vec::new();
    let Some(timeline) = &template.SegmentTimeline else {
        let length = template.duration.map_or(0, |length| length as u64).max(1);
        let end = end.map_or(0, |end| rescale(end.ticks, scale, end.scale.get().into()).unsigned_abs());
        spans.extend((0..end.div_ceil(length)).map(|index| (index * length, length)));
        return spans;
    };
    let mut at = 0;
    for run in &timeline.segments {
        at = run.t.unwrap_or(at);
        for _ in 0..=run.r.unwrap_or(0) {
            spans.push((at, run.d));
            at = at.saturating_add(run.d);
        }
    }
    spans
}
