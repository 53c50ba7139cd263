//! From 33-bit time stamps to one timeline that never wraps (ISO/IEC 13818-1 §2.4.3.7), and over jumps of the time base.
//!
//! A stamp is taken as the value closest to what the stream should come to next, so that files of any length are exact.
//! When a stream's stamps jump (more than [`BACKWARD`] back or [`FORWARD`] ahead), a new time base began: the stream goes
//! on without a gap, and all other streams are shifted by just as much when they come to the jump. A single damaged stamp
//! therefore moves one unit and nothing else: the next stamp fits the old base again.

/// Ticks per second of PTS and DTS.
pub(super) const HERTZ: u64 = 90_000;

/// Further back than this from the stream's last time is a jump.
const BACKWARD: i64 = 90_000;

/// Further ahead than this is a jump.
const FORWARD: i64 = 60 * 90_000;

/// Streams of a program are multiplexed within this of one another: a stamp further ahead that no other stream comes close
/// to, while one is where this stream was due, is a jump as well.
const APART: i64 = 10 * 90_000;

/// Bases that are remembered.
const BASES: usize = 4;

/// Presentation and decoding time of a PES packet as it carries them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) pts: u64,
    pub(super) dts: u64,
}

impl Stamp {
    /// `pts - dts`, over the wrap.
    fn delay(self) -> i64 {
        signed((self.pts as i64).wrapping_sub(self.dts as i64))
    }

    /// Whether presentation lies plausibly behind decoding: what is damaged rarely does.
    pub(super) fn is_plausible(self) -> bool {
        (-90_000..=900_000).contains(&self.delay())
    }
}

/// What all streams of the program share.
#[derive(Clone, Debug, Default)]
pub(super) struct Timeline {
    /// What is added to stamps, newest base first. Empty until the first stamp.
    bases: Vec<i64>,
    /// The presentation times that were read first and last.
    first: Option<i64>,
    latest: Option<i64>,
    /// The presentation time that was read last, of each stream by its position in the program.
    streams: Vec<Option<i64>>,
}

/// One stream's place on the timeline.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Clock {
    /// Position of the stream in the program.
    stream: usize,
    /// The decoding time of the last unit, and when the next one is due.
    at: Option<(i64, i64)>,
    base: i64,
    /// `discontinuity_indicator` was seen: the next stamp may go back as little as it wants.
    announced: bool,
}

/// A stamp on the timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) pts: i64,
    pub(super) dts: i64,
    /// Ticks by which the stamp was moved, when a new base began with it.
    pub(super) jumped: Option<i64>,
}

impl Clock {
    /// Of the `stream`-th stream of the program.
    pub(super) fn new(stream: usize) -> Self {
        Self { stream, ..Self::default() }
    }

    /// The time base may change before the next stamp.
    pub(super) fn announce(&mut self) {
        self.announced = true;
    }

    /// The decoding time of the last unit.
    pub(super) fn last(&self) -> Option<i64> {
        self.at.map(|(last, _)| last)
    }

    /// A unit was given the decoding time `dts` and lasts `step` as far as known.
    pub(super) fn advance(&mut self, dts: i64, step: i64) {
        self.at = Some((dts, dts.saturating_add(step)));
    }

    /// Where a stamp lies on the timeline.
    pub(super) fn place(&mut self, stamp: Stamp, timeline: &mut Timeline) -> Placed {
        let raw = (stamp.dts & MASK) as i64;
        let announced = std::mem::take(&mut self.announced);
        let mut jumped = None;
        let dts = match self.at {
            None => {
                self.base = timeline.newest();
                near(raw, timeline.latest.unwrap_or(raw).saturating_sub(self.base)).saturating_add(self.base)
            }
            Some((last, due)) => {
                let earliest = if announced { last } else { last.saturating_sub(BACKWARD) };
                let fitting = std::iter::once(&self.base).chain(&timeline.bases).find_map(|base| {
                    let dts = near(raw, due.saturating_sub(*base)).saturating_add(*base);
                    let fits =
                        dts > earliest && dts < due.saturating_add(FORWARD) && timeline.agrees(self.stream, due, dts);
                    fits.then_some((dts, *base))
                });
                let (dts, base) = fitting.unwrap_or_else(|| {
                    jumped =
                        Some(due.saturating_sub(near(raw, due.saturating_sub(self.base)).saturating_add(self.base)));
                    let base = due.saturating_sub(raw);
                    timeline.bases.insert(0, base);
                    timeline.bases.truncate(BASES);
                    (due, base)
                });
                self.base = base;
                dts
            }
        };
        let pts = dts.saturating_add(stamp.delay());
        timeline.first.get_or_insert(pts);
        timeline.latest = Some(pts);
        timeline.streams.resize(timeline.streams.len().max(self.stream + 1), None);
        timeline.streams[self.stream] = Some(pts);
        Placed { pts, dts, jumped }
    }
}

impl Timeline {
    fn newest(&mut self) -> i64 {
        if self.bases.is_empty() {
            self.bases.push(0);
        }
        self.bases[0]
    }

    /// Whether `time` of a stream that was `due` is no surprise to the other streams.
    fn agrees(&self, stream: usize, due: i64, time: i64) -> bool {
        let others = || self.streams.iter().enumerate().filter(|(index, _)| *index != stream).filter_map(|(_, at)| *at);
        let close = |to: i64| others().any(|at| at.abs_diff(to) <= APART as u64);
        time.saturating_sub(due) <= APART || close(time) || !close(due)
    }

    /// Ticks from what was read first to what was read last.
    pub(super) fn span(&self) -> i64 {
        self.latest.unwrap_or_default().saturating_sub(self.first.unwrap_or_default())
    }

    /// The presentation time that was read last, over all streams.
    pub(super) fn latest(&self) -> Option<i64> {
        self.latest
    }

    /// Where the 33-bit time of a message lies: closest to what was read last.
    pub(super) fn locate(&self, raw: u64) -> Option<i64> {
        let (latest, base) = (self.latest?, self.bases.first()?);
        Some(near((raw & MASK) as i64, latest.saturating_sub(*base)).saturating_add(*base))
    }
}

const MASK: u64 = (1 << 33) - 1;

/// The number that equals `raw` in its low 33 bits and is closest to `to`.
fn near(raw: i64, to: i64) -> i64 {
    to.saturating_add(signed(raw.wrapping_sub(to)))
}

/// `difference` modulo 2^33, in `-2^32 .. 2^32`.
fn signed(difference: i64) -> i64 {
    difference << 31 >> 31
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stamp(ticks: i64) -> Stamp {
        Stamp { pts: ticks as u64 & MASK, dts: ticks as u64 & MASK }
    }

    /// Places `times` one after another, each `step` after the last as far as the clock knows.
    fn run(times: &[i64], step: i64) -> Vec<i64> {
        let (mut clock, mut timeline) = (Clock::default(), Timeline::default());
        times
            .iter()
            .map(|time| {
                let placed = clock.place(stamp(*time), &mut timeline);
                clock.advance(placed.dts, step);
                placed.dts
            })
            .collect()
    }

    #[test]
    fn time_goes_on_over_the_wrap() {
        let times: Vec<i64> = (0..10).map(|index| (1 << 33) - 9000 + index * 3600).collect();
        assert_eq!(run(&times, 3600), times);
    }

    #[test]
    fn a_gap_of_half_a_minute_stays_a_gap() {
        assert_eq!(run(&[0, 3600, 2_700_000], 3600), [0, 3600, 2_700_000]);
    }

    #[test]
    fn a_new_time_base_goes_on_without_a_gap_in_all_streams() {
        let (mut timeline, mut video, mut audio) = (Timeline::default(), Clock::new(0), Clock::new(1));
        for time in [900_000, 903_600, 907_200] {
            let placed = video.place(stamp(time), &mut timeline);
            video.advance(placed.dts, 3600);
            let placed = audio.place(stamp(time - 100), &mut timeline);
            audio.advance(placed.dts, 3600);
        }
        let jump = video.place(stamp(50_000), &mut timeline);
        assert_eq!((jump.dts, jump.jumped.is_some()), (910_800, true));
        let follows = audio.place(stamp(49_900), &mut timeline);
        assert_eq!((follows.dts, follows.jumped), (910_700, None));
    }

    #[test]
    fn one_damaged_stamp_moves_nothing_else() {
        for bit in 20..33 {
            let (mut timeline, mut video, mut audio) = (Timeline::default(), Clock::new(0), Clock::new(1));
            for index in 0..8 {
                let time = 8_000_000_000 + index * 3600;
                let sound = audio.place(stamp(time), &mut timeline);
                audio.advance(sound.dts, 3600);
                let picture = video.place(stamp(if index == 4 { time ^ 1 << bit } else { time }), &mut timeline);
                video.advance(picture.dts, 3600);
                assert_eq!((sound.dts, picture.dts), (time, time), "bit {bit}, picture {index}");
            }
        }
    }

    #[test]
    fn an_announced_jump_may_be_short() {
        let (mut clock, mut timeline) = (Clock::default(), Timeline::default());
        let placed = clock.place(stamp(90_000), &mut timeline);
        clock.advance(placed.dts, 3600);
        clock.announce();
        let placed = clock.place(stamp(80_000), &mut timeline);
        assert_eq!((placed.dts, placed.jumped), (93_600, Some(13_600)));
    }

    proptest! {
        #[test]
        fn steps_of_any_size_below_a_jump_are_exact(start in 0i64..(1 << 33) - 5_000_000, steps in prop::collection::vec(1i64..5_000_000, 1..200)) {
            let times: Vec<i64> = steps.iter().scan(start, |at, step| { *at += step; Some(*at) }).collect();
            prop_assert_eq!(run(&times, 3600), times);
        }

        #[test]
        fn no_stamp_makes_it_panic(stamps in prop::collection::vec((any::<u64>(), any::<u64>(), any::<bool>()), 0..50)) {
            let (mut clock, mut timeline) = (Clock::default(), Timeline::default());
            for (pts, dts, announce) in stamps {
                if announce {
                    clock.announce();
                }
                let placed = clock.place(Stamp { pts, dts }, &mut timeline);
                clock.advance(placed.dts, 3600);
            }
        }
    }
}
