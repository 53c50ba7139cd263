//! One run of a clock: packets whose times follow on one another.
//!
//! Times are in two forms. A stream's *level* is the stated one, freed of the wrap and of the jumps before it, so that streams
//! keep their distances. The run's own time is the level less the stream's base: about the same for all streams at one
//! place of the file.

use media_types::clock::{FARTHEST, unwrapped};

use super::ClockedPacket;

/// The least step back that is no disorder.
const BACK: i64 = 90_000 / 2;
/// A stream that is silent for so long has its next packet anywhere.
const STALE: i64 = 2 * 90_000;
/// The longest that one picture is taken to last for the distance to the next.
const LONGEST: i64 = 90_000;
/// How long a picture is of which nothing is known.
const UNKNOWN: i64 = 90_000 / 25;
/// So many packets follow on one another by no accident.
const CREDIBLE: u64 = 3;

#[derive(Clone, Debug, Default)]
pub(super) struct Run {
    /// What stated times are ahead of the first run's.
    pub(super) jump: i64,
    /// The time of its first packet.
    born: i64,
    /// The latest time.
    pub(super) elapsed: i64,
    /// By track.
    pub(super) pieces: Vec<Option<Piece>>,
}

/// What one stream has in a run; times are levels.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) position: u64,
    /// The first decode time as stated.
    pub(super) stated: i64,
    /// The same as a level.
    pub(super) first: i64,
    /// Whether decoding can start with the first packet.
    pub(super) opens: bool,
    /// The last decode time.
    pub(super) last: i64,
    /// From one packet to the next.
    pub(super) step: i64,
    /// The first time shown.
    pub(super) start: i64,
    /// The end of what is shown last.
    pub(super) end: i64,
    base: i64,
    /// Where in the file the last packet begins.
    until: u64,
    packets: u64,
    strays: u32,
}

impl Run {
    pub(super) fn beginning(jump: i64, time: i64) -> Self {
        Self { jump, born: time, elapsed: time, pieces: Vec::new() }
    }

    /// The time of a packet that is decoded at `dts`.
    pub(super) fn time(&self, base: i64, dts: i64) -> i64 {
        unwrapped(dts - self.jump, base + self.elapsed) - base
    }

    fn piece(&self, track: usize) -> Option<&Piece> {
        self.pieces.get(track)?.as_ref()
    }

    /// The time of the stream's last packet.
    pub(super) fn last(&self, track: usize) -> Option<i64> {
        self.piece(track).map(|piece| piece.last - piece.base)
    }

    pub(super) fn packets(&self, track: usize) -> u64 {
        self.piece(track).map_or(0, |piece| piece.packets)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pieces.iter().all(Option::is_none)
    }

    /// Whether the stream has been silent while others went on.
    pub(super) fn is_stale(&self, track: usize) -> bool {
        self.last(track).is_none_or(|last| self.elapsed - last > STALE)
    }

    /// About when the stream's next packet is due.
    pub(super) fn expected(&self, track: usize) -> i64 {
        self.last(track).filter(|_| !self.is_stale(track)).unwrap_or(self.elapsed)
    }

    /// Where in the file it begins and where the last packet of it does.
    pub(super) fn place(&self) -> Option<(u64, u64)> {
        let pieces = || self.pieces.iter().flatten();
        Some((pieces().map(|piece| piece.position).min()?, pieces().map(|piece| piece.until).max()?))
    }

    /// How far it has come.
    pub(super) fn advance(&self) -> i64 {
        self.elapsed - self.born
    }

    /// How far it has come since `born` by streams that `other` has nothing of.
    pub(super) fn advance_without(&self, other: &Run, born: i64) -> i64 {
        let stayed = (0..self.pieces.len()).filter(|&track| other.piece(track).is_none());
        stayed.filter_map(|track| self.last(track)).max().map_or(0, |last| (last - born).max(0))
    }

    pub(super) fn is_credible(&self) -> bool {
        self.pieces.iter().flatten().map(|piece| piece.packets).sum::<u64>() >= CREDIBLE && self.advance() > 0
    }

    /// How far from the `expected` time the packet is; `None` when it does not follow on what this run has.
    pub(super) fn off(&self, track: usize, base: i64, dts: i64, expected: i64, bounded: bool) -> Option<i64> {
        let time = self.time(base, dts);
        let follows = match self.last(track) {
            Some(last) => {
                time - last >= -BACK && (!bounded || time - last <= FARTHEST || time - self.elapsed <= FARTHEST)
            }
            None => (time - self.elapsed).abs() <= FARTHEST || self.is_empty(),
        };
        follows.then_some((time - expected).abs())
    }

    pub(super) fn add(&mut self, track: usize, base: i64, position: u64, packet: &ClockedPacket) {
        if self.pieces.len() <= track {
            self.pieces.resize(track + 1, None);
        }
        let level = self.time(base, packet.dts) + base;
        let piece = self.pieces[track].get_or_insert(Piece {
            position,
            stated: packet.dts,
            first: level,
            opens: packet.keyframe,
            last: level,
            step: if packet.length > 0 { packet.length } else { UNKNOWN },
            start: i64::MAX,
            end: i64::MIN,
            base,
            until: position,
            packets: 0,
            strays: 0,
        });
        (piece.until, piece.packets, piece.strays) = (position, piece.packets + 1, 0);
        self.extend(track, base, packet);
    }

    /// Lengthens what the stream has by a packet that follows on it.
    pub(super) fn extend(&mut self, track: usize, base: i64, packet: &ClockedPacket) {
        let time = self.time(base, packet.dts);
        let Some(piece) = self.pieces.get_mut(track).and_then(Option::as_mut) else { return };
        let level = time + base;
        let step = level - piece.last;
        if (1..=LONGEST).contains(&step) {
            piece.step = step;
        }
        piece.last = piece.last.max(level);
        let wait = unwrapped(packet.pts - packet.dts, 0);
        // Damage, or taken from the next picture, which lies behind a jump.
        let shown = level + if wait.abs() <= FARTHEST { wait } else { piece.step };
        piece.start = piece.start.min(shown);
        piece.end = piece.end.max(shown + if packet.length > 0 { packet.length } else { piece.step });
        self.elapsed = self.elapsed.max(time);
    }

    /// The stream has a packet that is not of this run; `most` in a row, or one after a single packet, and it has none here.
    pub(super) fn stray(&mut self, track: usize, most: u32) {
        let Some(slot) = self.pieces.get_mut(track) else { return };
        if let Some(piece) = slot {
            piece.strays += 1;
            if piece.packets == 1 || piece.strays >= most {
                *slot = None;
            }
        }
    }

    /// Takes out the streams that begin behind the last packet of `track`.
    pub(super) fn newcomers(&mut self, track: usize) -> Vec<(usize, Piece)> {
        let Some(until) = self.piece(track).map(|piece| piece.until) else { return Vec::new() };
        let slots = self.pieces.iter_mut().enumerate();
        slots.filter_map(|(at, slot)| Some((at, slot.take_if(|piece| piece.position > until)?))).collect()
    }

    /// Takes in a stream whose levels were `ahead` less in another run.
    pub(super) fn adopt(&mut self, track: usize, mut piece: Piece, ahead: i64) {
        for level in [&mut piece.first, &mut piece.last, &mut piece.start, &mut piece.end, &mut piece.base] {
            *level += ahead;
        }
        if self.pieces.len() <= track {
            self.pieces.resize(track + 1, None);
        }
        self.pieces[track] = Some(piece);
    }

    /// Goes on with what a stream has in `other`, which was no run of them all.
    pub(super) fn take_over(&mut self, track: usize, other: &Run) {
        let ahead = other.jump - self.jump;
        if let (Some(Some(piece)), Some(gone)) = (self.pieces.get_mut(track), other.piece(track)) {
            piece.last = gone.last + ahead;
            piece.base += ahead;
            piece.start = piece.start.min(gone.start + ahead);
            piece.end = piece.end.max(gone.end + ahead);
        }
    }
}
