//! Runs of a clock put end to end.

use std::cmp::Reverse;
use std::ops::Range;

use media_types::{StreamClock, Stretch};

use super::run::{Piece, Run};
use super::{MendedClock, Track};

/// So much sound may overlap, in ticks, rather than that a picture stays: 5 ms, less than anyone hears.
const OVERLAP: i64 = 450;

/// What a stream has come to, over all runs so far.
#[derive(Clone, Copy)]
struct Reached {
    /// When its next packet is decoded.
    due: i64,
    /// The end of what is shown last.
    end: i64,
    step: i64,
}

/// The clocks of all tracks; none when no run was moved.
pub(super) fn mend(
    runs: &[Run],
    tracks: Vec<Track>,
    pictures: Option<u32>,
    went_by: &mut dyn FnMut(Range<u64>, i64) -> bool,
) -> Vec<MendedClock> {
    let mut jumped = false;
    let pictures = tracks.iter().position(|track| Some(track.stream) == pictures);
    let mut reached: Vec<Option<Reached>> = vec![None; tracks.len()];
    let mut clocks: Vec<(StreamClock, i64, i64)> = vec![(StreamClock::default(), i64::MAX, i64::MIN); tracks.len()];
    let mut ahead = 0;
    for (index, run) in runs.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|before| runs.get(before));
        let step = before.map_or(0, |before| run.jump - before.jump);
        let shift = match before {
            None => 0,
            Some(before) if step > 0 && between(before, run).is_some_and(|place| went_by(place, step)) => ahead + step,
            Some(_) => {
                jumped = true;
                shift(run, &tracks, &reached, pictures)
            }
        };
        ahead = shift;
        for (track, piece) in run.pieces.iter().enumerate().filter_map(|(at, piece)| Some((at, piece.as_ref()?))) {
            let before = reached[track].map_or(i64::MIN, |reached| reached.end);
            let (due, end) = (piece.last + piece.step + shift, piece.end + shift);
            reached[track] = Some(Reached { due, end: end.max(before), step: piece.step });
            let (clock, start, until) = &mut clocks[track];
            // What comes before the first packet that says where it lies is of the first stretch.
            let position = if clock.is_empty() { 0 } else { piece.position };
            let stated = piece.start - piece.first + piece.stated;
            let stretch = Stretch { position, start: stated, shift: piece.start + shift - stated };
            if clock.stretches.last().is_none_or(|last| last.shift != stretch.shift) {
                clock.stretches.push(stretch);
            }
            (*start, *until) = ((*start).min(piece.start + shift), (*until).max(end));
        }
    }
    if !jumped {
        return Vec::new();
    }
    let mended = tracks.into_iter().zip(clocks).filter(|(_, (clock, ..))| !clock.is_empty());
    let finished = mended.map(|(track, (mut clock, start, end))| {
        clock.anchors = track.anchors.on(&clock);
        MendedClock { stream: track.stream, clock, span: (start, end) }
    });
    finished.collect()
}

/// The bytes from the last packet of one run to the first of the next.
fn between(before: &Run, after: &Run) -> Option<Range<u64>> {
    Some(before.place()?.1..after.place()?.0)
}

/// How far a run is moved so that nothing in it comes before what the same stream had last; by whole pictures, so that
/// a constant rate stays one.
fn shift(run: &Run, tracks: &[Track], reached: &[Option<Reached>], pictures: Option<usize>) -> i64 {
    let shared = |at: usize| Some((run.pieces.get(at)?.as_ref()?, (*reached.get(at)?)?));
    let own = |at: usize| shared(at).map(|(piece, reached)| need(piece, reached, Some(at) == pictures));
    let followed = (0..tracks.len()).filter(|&at| !tracks[at].astray).filter_map(own).max();
    let Some(most) = followed else {
        let end = reached.iter().flatten().map(|reached| reached.end).max();
        let start = run.pieces.iter().flatten().map(|piece| Reverse(piece.start)).max();
        return end.zip(start).map_or(0, |(end, Reverse(start))| end - start);
    };
    let Some((at, (_, before))) = pictures.and_then(|at| Some((at, shared(at)?))) else { return most };
    let least = own(at).unwrap_or(most);
    let held = (most - least - OVERLAP).max(0);
    let step = before.step.max(1);
    least + (held + step - 1) / step * step
}

/// How far a stream has to be moved for itself. Where pictures go on in the middle, the clock was only set: they are decoded
/// one after the other, and may still be shown in another order.
fn need(piece: &Piece, reached: Reached, pictures: bool) -> i64 {
    if pictures && !piece.opens { reached.due - piece.first } else { reached.end - piece.start }
}
