//! Edit lists: where on the movie's timeline a track's media lies (ISO/IEC 14496-12 §8.6.6).
//!
//! What is understood: empty edits before the media, the place where the media begins, and how long they are shown.
//! Edits that repeat, reorder, cut into or slow down the media need a decoder and are refused with that reason.

use media_types::time::rescale;

use super::boxes::{Atom, fail};
use crate::DemuxError;

/// How media times become presentation times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Timeline {
    /// What is added to media times, in media ticks.
    pub(super) shift: i64,
    /// Where presentation ends in media ticks, when the list states a length.
    pub(super) end: Option<i64>,
    /// One tick of the movie in media ticks, rounded up: what lengths are unsure by.
    pub(super) unsure: i64,
}

struct Edit {
    length: u64,
    media_time: i64,
    rate: u32,
}

/// Reads an `elst`. Lengths count in `movie` ticks a second and are rounded to the nearest tick of the `media`.
///
/// # Errors
/// It asks for what needs a decoder, or is cut short.
pub(super) fn read(elst: Option<&Atom>, movie: u32, media: u32) -> Result<Timeline, DemuxError> {
    let unsure = i64::from(media.div_ceil(movie.max(1)));
    let Some(elst) = elst else { return Ok(Timeline { unsure, ..Timeline::default() }) };
    let to_media = |ticks: u64| rescale(i64::try_from(ticks).unwrap_or(i64::MAX), media.into(), movie.max(1).into());
    let edits = edits(elst)?;
    let first = edits.iter().position(|edit| edit.media_time != -1).unwrap_or(edits.len());
    let delay = edits[..first].iter().fold(0u64, |sum, edit| sum.saturating_add(edit.length));
    let last = edits.iter().rposition(|edit| edit.media_time != -1).map_or(first, |last| last + 1);
    let shown = &edits[first..last];
    let Some(start) = shown.first().map(|edit| edit.media_time) else {
        // Nothing but empty edits: writers that know no better mean a delay.
        return Ok(Timeline { shift: to_media(delay), end: None, unsure });
    };
    let (mut length, mut to_the_end) = (0u64, false);
    for (index, edit) in shown.iter().enumerate() {
        if edit.media_time < 0 {
            let what = if edit.media_time == -1 { "a gap in the middle" } else { "a negative media time" };
            return Err(fail(elst.at, format!("the edit list has {what}, which needs the media to be encoded anew")));
        }
        if edit.rate != 0x0001_0000 {
            let rate = f64::from(edit.rate as i32) / 65536.0;
            return Err(fail(
                elst.at,
                format!("the edit list plays the media at {rate} times its speed, which needs it to be encoded anew"),
            ));
        }
        let expected = start.saturating_add(to_media(length));
        if expected.abs_diff(edit.media_time) > unsure.unsigned_abs() {
            let what = format!(
                "edit {} of the edit list does not continue the one before it (media time {}, not {expected}): join the pieces by encoding them anew",
                first + index + 1,
                edit.media_time
            );
            return Err(fail(elst.at, what));
        }
        to_the_end = edit.length == 0 && index + 1 == shown.len();
        length = length.saturating_add(edit.length);
    }
    let delay = to_media(delay);
    let end = (!to_the_end).then(|| delay.saturating_add(to_media(length)));
    Ok(Timeline { shift: delay.saturating_sub(start), end, unsure })
}

fn edits(elst: &Atom) -> Result<Vec<Edit>, DemuxError> {
    let (version, _, mut fields) = elst.full()?;
    let count = fields.u32().ok_or_else(|| elst.short())?;
    let width = if version == 1 { 20 } else { 12 };
    if fields.0.len() / width < count as usize {
        return Err(elst.short());
    }
    let mut edits = Vec::new();
    for _ in 0..count {
        let length = fields.sized(version);
        let media_time = if version == 1 { fields.u64().map(|time| time as i64) } else { fields.i32().map(i64::from) };
        let (Some(length), Some(media_time), Some(rate)) = (length, media_time, fields.u32()) else {
            return Err(elst.short());
        };
        edits.push(Edit { length, media_time, rate });
    }
    Ok(edits)
}

impl Timeline {
    /// Where presentation ends, when that hides some of the media, which ends at `media_end` in media ticks. Up to a tick
    /// of the movie is rounding, not a cut.
    pub(super) fn cut(&self, media_end: i64) -> Option<i64> {
        self.end.filter(|end| media_end.saturating_add(self.shift).saturating_sub(*end) > self.unsure)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;
    use crate::mp4::boxes::Atoms;

    fn elst(edits: &[(u32, i32, u32)]) -> Vec<u8> {
        let mut out = ((16 + edits.len() * 12) as u32).to_be_bytes().to_vec();
        out.extend_from_slice(b"elst\0\0\0\0");
        out.extend_from_slice(&(edits.len() as u32).to_be_bytes());
        for (length, time, rate) in edits {
            out.extend_from_slice(&length.to_be_bytes());
            out.extend_from_slice(&time.to_be_bytes());
            out.extend_from_slice(&rate.to_be_bytes());
        }
        out
    }

    fn timeline(edits: &[(u32, i32, u32)]) -> Result<(i64, Option<i64>), String> {
        let bytes = elst(edits);
        let atom = Atoms::new(&bytes, 0).next().unwrap().unwrap();
        read(Some(&atom), 1000, 48_000).map(|line| (line.shift, line.end)).map_err(|error| error.reason)
    }

    const ONE: u32 = 0x0001_0000;

    #[test]
    fn delays_and_skips_add_up_and_the_length_counts_from_the_movies_start() {
        for (edits, expected) in [
            (&[][..], (0, None)),
            (&[(1000, 0, ONE)], (0, Some(48_000))),
            (&[(1000, 1024, ONE)], (-1024, Some(48_000))),
            (&[(500, -1, ONE), (1000, 1024, ONE)], (24_000 - 1024, Some(72_000))),
            (&[(250, -1, ONE), (250, -1, 0), (0, 1024, ONE)], (24_000 - 1024, None)),
            (&[(0, 2112, ONE)], (-2112, None)),
            (&[(1000, 0, ONE), (500, 48_010, ONE)], (0, Some(72_000))),
            (&[(1000, 0, ONE), (0, 48_000, ONE)], (0, None)),
            (&[(1000, 7, ONE), (300, -1, ONE)], (-7, Some(48_000))),
            (&[(300, -1, ONE)], (14_400, None)),
        ] {
            assert_eq!(timeline(edits), Ok(expected), "{edits:?}");
        }
    }

    #[test]
    fn what_needs_a_decoder_is_refused_with_the_reason() {
        for (edits, reason) in [
            (&[(1000, 0, ONE), (1000, 96_000, ONE)][..], "edit 2 of the edit list does not continue"),
            (&[(1000, 0, ONE), (10, -1, ONE), (1000, 48_000, ONE)], "a gap in the middle"),
            (&[(1000, 0, 2 * ONE)], "at 2 times its speed"),
            (&[(1000, 0, 0)], "at 0 times its speed"),
            (&[(1000, -5, ONE)], "a negative media time"),
        ] {
            let error = timeline(edits).unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn up_to_a_movie_tick_at_the_end_is_rounding() {
        let line = Timeline { shift: -1024, end: Some(48_000), unsure: 48 };
        assert_eq!(line.cut(49_024 + 48), None);
        assert_eq!(line.cut(49_024 + 49), Some(48_000));
        assert_eq!(line.cut(0), None);
    }

    proptest! {
        #[test]
        fn no_edit_list_panics(body in prop::collection::vec(any::<u8>(), 0..100), movie in any::<u32>(), media in any::<u32>()) {
            let mut bytes = ((body.len() + 8) as u32).to_be_bytes().to_vec();
            bytes.extend_from_slice(b"elst");
            bytes.extend_from_slice(&body);
            let atom = Atoms::new(&bytes, 0).next().unwrap().unwrap();
            let _ = read(Some(&atom), movie, media).map(|line| line.cut(i64::MAX));
        }
    }
}
