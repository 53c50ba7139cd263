//! Which samples of each part are in the joined track, and when.
//!
//! Pictures are all there. Sound is cut where two parts have it at once, and where edit lists hide it; what follows is put
//! behind it to within half a frame, so that there is no hole that a decoder would fill.

use std::ops::Range;

use super::lane::{Lane, Place, Sample};
use super::line::{Span, Starts, span};
use super::part::{Part, Track};
use crate::JoinError;
use crate::mp4::sample::Raw;
use crate::mp4::table::Table;

/// Zeros in front of the parts: uncompressed silence.
pub(super) const SILENCE_BYTES: u32 = 16 << 10;
/// A hole in sound that is shorter is taken for jitter by whoever plays it, so that it is filled with the frame before it, which
/// is less of one. In seconds: this many of 1,000.
const JITTER_MS: i64 = 45;
/// Frames that are heard again at a join.
const MOST_REPEATED: i64 = 4;
/// Pieces of silence at a join.
const MOST_PIECES: i64 = 100_000;
/// Sound of which zeros are silence.
const SILENT_AS_ZERO: [&[u8; 4]; 9] = [b"sowt", b"twos", b"lpcm", b"ipcm", b"fpcm", b"in24", b"in32", b"fl32", b"fl64"];

/// The joined track `index`; `files` are the bytes of each part among all of them.
pub(super) fn lane(parts: &[Part], index: usize, starts: &Starts, files: &[Range<u64>]) -> Result<Lane, JoinError> {
    let mut lane = Lane::default();
    for (at, part) in parts.iter().enumerate() {
        let track = &part.tracks[index];
        let scale = track.scale.get();
        let next = match parts.get(at + 1) {
            Some(later) if !track.pictures => {
                let heard = span(&later.tracks[index], at + 1, true)?.map_or(0, |span| span.first);
                Some(starts.of(at + 1, scale).saturating_add(heard.max(0)))
            }
            _ => None,
        };
        let piece = Piece {
            track,
            part: at,
            start: starts.of(at, scale),
            heard: if track.pictures { None } else { span(track, at, true)? },
            next,
            file: files.get(at).cloned().unwrap_or_default(),
            last: at + 1 == parts.len(),
        };
        let told = match (track.pictures, track.uncompressed()) {
            (true, _) => piece.show(&mut lane),
            (false, Some(size)) => piece.pour(&mut lane, size),
            (false, None) => piece.sound(&mut lane),
        };
        told.map_err(|reason| JoinError::unfit(at, reason))?;
        if piece.last
            && let Some(end) = track.line.cut(track.boxes.presentation_end())
        {
            lane.ends = lane.ends.min(piece.start.saturating_add(end));
        }
    }
    Ok(lane)
}

/// A track of one part.
struct Piece<'a> {
    track: &'a Track,
    part: usize,
    /// When the part begins.
    start: i64,
    /// What of its sound is heard, from there.
    heard: Option<Span>,
    /// When the next part's sound begins.
    next: Option<i64>,
    file: Range<u64>,
    last: bool,
}

impl Piece<'_> {
    /// Calls `take` with each sample, where it lies, when it is decoded and shown, and what describes it.
    fn each(&self, take: &mut dyn FnMut(Sample) -> Result<(), String>) -> Result<(), String> {
        let mut table = Table::new(self.track.boxes.clone());
        let shift = self.start.saturating_add(self.track.line.shift);
        while table.next_chunk().map_err(|error| error.to_string())? {
            let description = table.description();
            while table.left_in_chunk() > 0 {
                let raw = table.next().map_err(|error| error.to_string())?;
                let time = raw.dts.saturating_add(shift);
                take(Sample {
                    place: self.place(&raw, raw.size.into())?,
                    size: raw.size,
                    time,
                    shown: time.saturating_add(raw.offset.into()),
                    duration: u32::try_from(raw.step()).unwrap_or(0),
                    sync: raw.sync,
                    description,
                })?;
            }
        }
        Ok(())
    }

    fn place(&self, raw: &Raw, bytes: u64) -> Result<Place, String> {
        let at = self.file.start.saturating_add(raw.at);
        // What the last part lacks is told by whoever reads it.
        if !self.last && at.saturating_add(bytes) > self.file.end {
            return Err(
                "is cut short, its index speaks of more than there is: copy it from the camera again".to_owned()
            );
        }
        Ok(Place::Media(at))
    }

    fn show(&self, lane: &mut Lane) -> Result<(), String> {
        self.each(&mut |sample| {
            let time = lane.last.map_or(sample.time, |last| sample.time.max(last.time.saturating_add(1)));
            lane.push(Sample { time, ..sample })
        })
    }

    /// When sound ends that is hidden or heard of the next part as well.
    fn until(&self) -> i64 {
        let end = self.start.saturating_add(self.heard.map_or(0, |span| span.end));
        self.next.map_or(end, |next| end.min(next))
    }

    /// Coded sound, frame by frame.
    fn sound(&self, lane: &mut Lane) -> Result<(), String> {
        let (until, mut moved) = (self.until(), None);
        self.each(&mut |sample| {
            let length = i64::from(sample.duration);
            let hidden = self.part > 0 && sample.time.saturating_add(length) <= self.start;
            if hidden || sample.time.saturating_add(length / 2) >= until {
                return Ok(());
            }
            let by = match (moved, lane.end()) {
                (Some(by), _) => by,
                (None, Some(end)) if self.part > 0 => {
                    let hole = sample.time.saturating_sub(end);
                    if hole < -(length / 2) {
                        return Ok(());
                    }
                    self.fill(lane, hole, length)?
                }
                (None, _) => 0,
            };
            moved = Some(by);
            let time = sample.time.saturating_add(by);
            let time = lane.last.map_or(time, |last| time.max(last.time.saturating_add(1)));
            let shown = time.saturating_add(sample.shown.saturating_sub(sample.time)).max(time);
            lane.push(Sample { time, shown, ..sample })
        })
    }

    /// Fills a hole between parts, and answers by how much the later one moves.
    fn fill(&self, lane: &mut Lane, hole: i64, length: i64) -> Result<i64, String> {
        if hole <= length / 2 {
            return Ok(-hole);
        }
        let frames = if length > 0 { hole.saturating_add(length / 2) / length } else { i64::MAX };
        let jitter = hole.saturating_mul(1000) <= i64::from(self.track.scale.get()).saturating_mul(JITTER_MS);
        if !jitter || frames > MOST_REPEATED {
            return Ok(0);
        }
        for _ in 0..frames {
            let Some((last, time)) = lane.last.zip(lane.end()) else { break };
            lane.push(Sample { time, shown: time, ..last })?;
        }
        Ok(frames * length - hole)
    }

    /// Uncompressed sound: cut and filled to the sample.
    fn pour(&self, lane: &mut Lane, size: u32) -> Result<(), String> {
        let mut time = self.start.saturating_add(self.track.line.shift);
        let from = match lane.end() {
            Some(end) => end.max(self.start),
            None => i64::MIN,
        };
        let until = self.until();
        let mut table = Table::new(self.track.boxes.clone());
        while table.next_chunk().map_err(|error| error.to_string())? {
            let (description, raw) = (table.description(), table.whole_chunk());
            let (begins, count) = (time, raw.duration);
            time = time.saturating_add(count.into());
            let (first, behind) = (begins.max(from), time.min(until));
            let Some(kept) =
                behind.checked_sub(first).and_then(|kept| u32::try_from(kept).ok()).filter(|&kept| kept > 0)
            else {
                continue;
            };
            let skipped = first.saturating_sub(begins).unsigned_abs();
            if size == 1 && skipped > 0 {
                return Err("has sound whose samples have no stated size: write it anew, then join that".to_owned());
            }
            let raw = Raw { at: raw.at.saturating_add(skipped.saturating_mul(size.into())), ..raw };
            self.silence(lane, first, size)?;
            let place = self.place(&raw, u64::from(kept) * u64::from(size))?;
            lane.extend(Sample { place, size, time: first, shown: first, duration: 1, sync: true, description }, kept)?;
        }
        Ok(())
    }

    /// Puts zeros between what came before and `time`.
    fn silence(&self, lane: &mut Lane, time: i64, size: u32) -> Result<(), String> {
        let Some((last, mut end)) = lane.last.zip(lane.end()) else { return Ok(()) };
        let piece = i64::from(SILENCE_BYTES / size.max(1));
        let hole = time.saturating_sub(end);
        if hole <= 0 {
            return Ok(());
        }
        if piece == 0 || hole / piece > MOST_PIECES || !SILENT_AS_ZERO.contains(&&self.track.code) {
            return Err("leaves a hole in sound that cannot be filled: write it anew with other sound".to_owned());
        }
        while end < time {
            let count = piece.min(time - end);
            let first = Sample { place: Place::Silence, size, time: end, shown: end, ..last };
            lane.extend(first, u32::try_from(count).unwrap_or(0))?;
            end += count;
        }
        Ok(())
    }
}
