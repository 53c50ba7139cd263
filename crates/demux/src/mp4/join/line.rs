//! When each part begins: its pictures follow those of the part before it.

use media_types::time::rescale;

use super::part::{Part, Track};
use crate::JoinError;
use crate::mp4::table::Table;

/// When parts begin on the recording's clock.
pub(super) struct Starts {
    /// In ticks of the track that leads, the first being 0.
    ticks: Vec<i64>,
    scale: u32,
}

impl Starts {
    /// The beginning of a part in other ticks.
    pub(super) fn of(&self, part: usize, scale: u32) -> i64 {
        rescale(self.ticks.get(part).copied().unwrap_or(0), scale.into(), self.scale.into())
    }
}

/// What of a track is shown, from the beginning of its part, in its ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) first: i64,
    pub(super) end: i64,
    /// Length of the last sample.
    last: i64,
}

/// The first track of pictures leads, or else the first one of sound.
pub(super) fn starts(parts: &[Part]) -> Result<Starts, JoinError> {
    let leader = parts[0].tracks.iter().position(|track| track.pictures).unwrap_or(0);
    let scale = parts[0].tracks[leader].scale.get();
    let mut ticks = vec![0i64];
    for index in 1..parts.len() {
        let (before, part) = (&parts[index - 1], &parts[index]);
        let led = |at: usize, part: &Part| {
            let span = span(&part.tracks[leader], at, at + 1 == parts.len())?;
            span.ok_or_else(|| JoinError::unfit(at, "has an index that lists no media"))
        };
        let (ended, begins) = (led(index - 1, before)?, led(index, part)?);
        let start = ticks[index - 1].saturating_add(ended.end).saturating_sub(begins.first);
        let held = held(before, part, (start.saturating_sub(ticks[index - 1]), scale))?;
        // Pictures stay on their grid.
        let picture = ended.last.max(1);
        ticks.push(start.saturating_add((held.saturating_add(picture - 1) / picture).saturating_mul(picture)));
    }
    Ok(Starts { ticks, scale })
}

/// For how long the last picture has to stay so that at most half a second of the earlier part's sound is not heard.
fn held(before: &Part, part: &Part, (length, scale): (i64, u32)) -> Result<i64, JoinError> {
    let mut longest = 0;
    for (earlier, later) in before.tracks.iter().zip(&part.tracks).filter(|(track, _)| !track.pictures) {
        let (Some(ended), Some(begins)) = (span(earlier, 0, true)?, span(later, 0, true)?) else { continue };
        let in_ticks = |track: &Track, time| rescale(time, scale.into(), track.scale.get().into());
        let over = in_ticks(earlier, ended.end).saturating_sub(length.saturating_add(in_ticks(later, begins.first)));
        if over > i64::from(scale) / 2 {
            longest = longest.max(over);
        }
    }
    Ok(longest)
}

/// What of a track is shown; nothing of one without samples.
///
/// # Errors
/// Pictures are hidden that lie at a join, where others refer to them and no edit list of one track can hide them.
pub(super) fn span(track: &Track, index: usize, last: bool) -> Result<Option<Span>, JoinError> {
    let shift = track.line.shift;
    if track.boxes.count == 0 {
        return Ok(None);
    }
    if !track.pictures {
        let media = track.boxes.presentation_end().saturating_add(shift);
        let end = track.line.end.map_or(media, |end| end.min(media));
        return Ok(Some(Span { first: shift.max(0), end, last: 1 }));
    }
    let end = track.line.cut(track.boxes.presentation_end());
    let mut found: Option<Span> = None;
    let mut table = Table::new(track.boxes.clone());
    let damaged = |error| JoinError::damaged(index, &error);
    while table.next_chunk().map_err(damaged)? {
        while table.left_in_chunk() > 0 {
            let raw = table.next().map_err(damaged)?;
            let pts = raw.dts.saturating_add(shift).saturating_add(raw.offset.into());
            let (until, duration) = (pts.saturating_add(raw.step()), raw.step());
            if until <= 0 && index > 0 {
                return Err(hidden(index, "begins"));
            }
            if end.is_some_and(|end| pts >= end) && !last {
                return Err(hidden(index, "ends"));
            }
            found = Some(match found {
                Some(span) if span.end > until => Span { first: span.first.min(pts), ..span },
                span => Span { first: span.map_or(pts, |span| span.first.min(pts)), end: until, last: duration },
            });
        }
    }
    Ok(found)
}

fn hidden(index: usize, verb: &str) -> JoinError {
    let what = format!(
        "{verb} with pictures that its edit list hides, as of a recording that was trimmed: join the files as \
        the camera wrote them"
    );
    JoinError::unfit(index, what)
}
