//! Where a recording's clock jumps, and what makes it run on.
//!
//! MPEG-TS and program streams state times on a clock of their own, which begins anew wherever one recording was put behind
//! another, or the recorder was restarted. A clock is shared by all streams, and what lies together in the file belongs
//! together in time. So a jump is a step of that clock that all streams make at about one place: a step back is always one, a
//! step ahead only where no stream shows that time went by.

use std::mem;
use std::ops::Range;

use media_types::StreamClock;
use media_types::clock::{FARTHEST, MAX_STRETCHES, unwrapped};

mod anchors;
mod joins;
mod run;
mod words;

use anchors::Anchors;
use run::Run;
pub(crate) use words::words;

/// After so many ticks it is decided which of two runs the recording goes on with.
const DECIDED: i64 = 3 * 90_000;
/// Stated times beyond this are damage.
const LARGEST: u64 = 1 << 40;
/// Packets of one stream in a row that come back from a run which is not yet believed.
const RETURNED: u32 = 3;

/// A packet in the order of the file, in ticks of 1/90,000 s as stated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockedPacket {
    /// Index of its stream in the container.
    pub stream: u32,
    /// Where it begins in the file; `None` when that was not stated for it, and its times neither.
    pub position: Option<u64>,
    /// When it is decoded.
    pub dts: i64,
    /// When it is shown.
    pub pts: i64,
    /// How long it lasts, 0 when unknown.
    pub length: i64,
    /// Whether decoding can start here.
    pub keyframe: bool,
}

/// What became of one stream's clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MendedClock {
    /// Index of the stream in its container.
    pub stream: u32,
    /// How its times come from those stated.
    pub clock: StreamClock,
    /// Its first time and the end of its last packet, on the clock that runs on.
    pub span: (i64, i64),
}

/// Follows the clock of a recording from its first packet to its last.
#[derive(Clone, Debug)]
pub struct ClockWatch {
    pictures: Option<u32>,
    steps_ahead: bool,
    tracks: Vec<Track>,
    done: Vec<Run>,
    now: Run,
    /// What may be the next run, and how far `now` had come when it began.
    new: Option<(Run, i64)>,
}

#[derive(Clone, Debug)]
struct Track {
    stream: u32,
    /// The stream's time when the recording's was 0.
    base: i64,
    /// It has a clock of its own, which says nothing of the others.
    astray: bool,
    anchors: Anchors,
}

enum Side {
    Now,
    New,
    Neither,
}

impl ClockWatch {
    /// `pictures` is the stream whose grid is kept where others leave a choice. Without `steps_ahead` only a step back is a
    /// jump: in containers that say for themselves when nothing happens.
    pub fn new(pictures: Option<u32>, steps_ahead: bool) -> Self {
        let (tracks, done) = (Vec::new(), Vec::new());
        Self { pictures, steps_ahead, tracks, done, now: Run::default(), new: None }
    }

    /// Takes the next packet of any stream.
    pub fn see(&mut self, packet: &ClockedPacket) {
        if packet.dts.unsigned_abs() > LARGEST || packet.pts.unsigned_abs() > LARGEST {
            return;
        }
        let track = self.track(packet);
        let known = &mut self.tracks[track];
        if packet.keyframe || Some(packet.stream) != self.pictures {
            known.anchors.note(packet);
        }
        let base = known.base;
        let Some(position) = packet.position else { return self.follow(track, packet) };
        match self.side(track, packet.dts) {
            Side::Now => {
                self.now.add(track, base, position, packet);
                self.come_back(track);
            }
            Side::New => {
                if let Some((new, _)) = &mut self.new {
                    new.add(track, base, position, packet);
                }
            }
            Side::Neither if self.done.len() + 2 <= MAX_STRETCHES => self.begin(track, position, packet),
            Side::Neither => {}
        }
        self.decide(DECIDED);
    }

    /// What every stream's times become; empty when the clock never jumps.
    ///
    /// Where all streams step ahead, `went_by` is asked whether something else in these bytes of the file shows that so many
    /// ticks did go by.
    pub fn finish(mut self, went_by: &mut dyn FnMut(Range<u64>, i64) -> bool) -> Vec<MendedClock> {
        self.decide(1);
        self.done.push(mem::take(&mut self.now));
        joins::mend(&self.done, self.tracks, self.pictures, went_by)
    }

    fn track(&mut self, packet: &ClockedPacket) -> usize {
        if let Some(found) = self.tracks.iter().position(|track| track.stream == packet.stream) {
            return found;
        }
        let run = match &self.new {
            Some((new, _)) if new.is_credible() => new,
            _ => &self.now,
        };
        let base = packet.dts - run.jump - run.elapsed;
        let base = unwrapped(base, self.tracks.first().map_or(base, |first| first.base));
        self.tracks.push(Track { stream: packet.stream, base, astray: false, anchors: Anchors::default() });
        self.tracks.len() - 1
    }

    /// A packet whose time follows from the one before it.
    fn follow(&mut self, track: usize, packet: &ClockedPacket) {
        let base = self.tracks[track].base;
        let new = self.new.as_mut().map(|(new, _)| new).filter(|new| new.last(track).is_some());
        let run = new.unwrap_or(&mut self.now);
        if let Some(piece) = run.last(track)
            && (0..=FARTHEST).contains(&(run.time(base, packet.dts) - piece))
        {
            run.extend(track, base, packet);
        }
    }

    fn side(&self, track: usize, dts: i64) -> Side {
        let base = self.tracks[track].base;
        let now = self.now.off(track, base, dts, self.now.expected(track), self.steps_ahead);
        let Some((new, _)) = &self.new else { return if now.is_some() { Side::Now } else { Side::Neither } };
        let here = new.last(track);
        // The runs' times are alike, so one says what to expect of the other.
        let expected = match here {
            Some(_) => new.expected(track),
            None if self.now.is_stale(track) => new.elapsed,
            None => self.now.expected(track),
        };
        match (now, new.off(track, base, dts, expected, true)) {
            (None, None) => Side::Neither,
            (Some(_), None) => Side::Now,
            (None, Some(_)) => Side::New,
            (Some(_), Some(_)) if new.packets(track) > 1 => Side::New,
            (Some(now), Some(new)) => {
                if new <= now {
                    Side::New
                } else {
                    Side::Now
                }
            }
        }
    }

    /// The stream goes on where it was: what it did in between was damage.
    fn come_back(&mut self, track: usize) {
        if let Some((new, _)) = &mut self.new {
            new.stray(track, RETURNED);
            if new.is_empty() {
                self.new = None;
            }
        }
    }

    /// A packet that follows on nothing may begin a run.
    fn begin(&mut self, track: usize, position: u64, packet: &ClockedPacket) {
        if let Some((new, born)) = self.new.take()
            && new.is_credible()
            && self.now.advance_without(&new, born) * 2 <= new.advance()
        {
            self.done.push(mem::replace(&mut self.now, new));
        }
        let base = self.tracks[track].base;
        let expected = self.now.expected(track);
        let jump = self.now.jump + self.now.time(base, packet.dts) - expected;
        let mut new = Run::beginning(jump, expected);
        new.add(track, base, position, packet);
        // What was first seen behind the stream's last packet may have come with this one.
        for (index, newcomer) in self.now.newcomers(track) {
            let track = &mut self.tracks[index];
            let moved = unwrapped(track.base - (new.jump - self.now.jump), base);
            new.adopt(index, newcomer, moved - track.base);
            track.base = moved;
        }
        self.new = Some((new, self.now.elapsed));
    }

    /// Once one of the two runs has come far enough, the other was none.
    fn decide(&mut self, far: i64) {
        let Some((new, born)) = &self.new else { return };
        let (stayed, went) = (self.now.advance_without(new, *born), new.advance());
        if stayed.max(went) < far {
            return;
        }
        let Some((new, _)) = self.new.take() else { return };
        if new.is_credible() && stayed * 2 <= went {
            self.done.push(mem::replace(&mut self.now, new));
            return;
        }
        for (index, track) in self.tracks.iter_mut().enumerate().filter(|(index, _)| new.packets(*index) > 1) {
            track.astray = true;
            track.base += new.jump - self.now.jump;
            self.now.take_over(index, &new);
        }
    }
}

#[cfg(test)]
mod tests;
