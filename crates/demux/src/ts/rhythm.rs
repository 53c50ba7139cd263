//! Times of pictures without stamps, from those that have one.
//!
//! A PES packet states the time of the first picture that begins in it. The others follow in decoding order at the
//! distance of the pictures before; in output order their picture order counts say where they lie.

use media_types::FrameRate;

use super::nal::Codec;
use super::picture::Order;

/// What is known about a stream's rhythm.
#[derive(Debug)]
pub(super) struct Rhythm {
    codec: Codec,
    /// Ticks that a frame lasts.
    frame: i64,
    /// Ticks from one count to the next in output order, once seen.
    ticks: Option<i64>,
    /// The last picture.
    last: Option<Last>,
    /// The last one that low bits are relative to, and its whole count.
    reference: Option<(Order, i64)>,
    /// `pts - dts` of the last picture at which the count began.
    delay: i64,
}

#[derive(Clone, Copy, Debug)]
struct Last {
    pts: i64,
    dts: i64,
    /// Its whole picture order count, when the stream counts.
    count: Option<i64>,
}

/// When a picture is presented and decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Timed {
    pub(super) pts: i64,
    pub(super) dts: i64,
    /// Ticks to the next one, as far as known.
    pub(super) step: i64,
    /// The stated decoding time did not lie behind the last one.
    pub(super) moved: bool,
}

impl Rhythm {
    pub(super) fn new(codec: Codec) -> Self {
        Self { codec, frame: 3600, ticks: None, last: None, reference: None, delay: 0 }
    }

    /// The parameter sets state a frame rate.
    pub(super) fn expect(&mut self, rate: FrameRate) {
        self.frame = (90_000 * i64::from(rate.den()) / i64::from(rate.num())).max(1);
    }

    /// The next picture in decoding order, with its presentation and decoding time when they are stated. `None` when there
    /// is nothing to tell its time from.
    pub(super) fn next(&mut self, stated: Option<(i64, i64)>, order: Option<Order>) -> Option<Timed> {
        let parts = if order.is_some_and(|order| order.is_field) { 2 } else { 1 };
        let count = order.map(|order| self.count(order));
        let is_reset = order.is_some_and(|order| order.is_reset);
        let (pts, mut dts) = match stated {
            Some(times) => times,
            None => self.guess(count.filter(|_| !is_reset), is_reset, parts)?,
        };
        let mut moved = false;
        if let Some(last) = self.last {
            if dts <= last.dts {
                dts = last.dts.saturating_add(1);
                moved = true;
            } else if stated.is_some() && dts.saturating_sub(last.dts) < 90_000 {
                self.frame = (dts - last.dts) * parts;
            }
        }
        if stated.is_some() {
            self.learn(pts, dts, count, is_reset);
        }
        self.last = Some(Last { pts, dts, count });
        Some(Timed { pts, dts, step: (self.frame / parts).max(1), moved })
    }

    /// The whole picture order count.
    fn count(&mut self, order: Order) -> i64 {
        let count = match self.reference {
            Some((before, count)) if !order.is_reset => count.saturating_add(order.after(before)),
            _ => order.low.into(),
        };
        if order.is_reference || order.is_reset || self.reference.is_none() {
            self.reference = Some((order, count));
        }
        count
    }

    /// `count` is that of a picture whose count goes on from the last one's.
    fn guess(&self, count: Option<i64>, is_reset: bool, parts: i64) -> Option<(i64, i64)> {
        let last = self.last?;
        let dts = last.dts.saturating_add((self.frame / parts).max(1));
        let pts = match (count, last.count) {
            (Some(count), Some(before)) => {
                let counts = if self.codec == Codec::Avc { 2 } else { 1 };
                let ticks = self.ticks.unwrap_or(self.frame / counts);
                last.pts.saturating_add((count - before).saturating_mul(ticks))
            }
            _ if is_reset => dts.saturating_add(self.delay),
            _ => dts.saturating_add(last.pts.saturating_sub(last.dts)),
        };
        Some((pts, dts))
    }

    fn learn(&mut self, pts: i64, dts: i64, count: Option<i64>, is_reset: bool) {
        if is_reset {
            self.delay = pts.saturating_sub(dts);
            return;
        }
        let Some((count, last)) = count.zip(self.last) else { return };
        let (ahead, ticks) = (last.count.map_or(0, |before| count - before), pts.saturating_sub(last.pts));
        if ahead != 0 && ticks.unsigned_abs() < 900_000 && ticks / ahead > 0 {
            self.ticks = Some(ticks / ahead);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(low: u16) -> Option<Order> {
        let is_reference = low.is_multiple_of(6);
        Some(Order { low: low % 32, bits: 5, is_reset: low == 0, is_field: false, is_reference })
    }

    #[test]
    fn pictures_without_stamps_lie_where_their_counts_say() {
        let mut rhythm = Rhythm::new(Codec::Avc);
        let mut next = |stated, low| rhythm.next(stated, order(low)).map(|timed| (timed.pts, timed.dts));
        // I P B B P B B ... in decoding order, the counts 2 apart, the low bits wrapping at 32.
        assert_eq!(next(Some((7200, 0)), 0), Some((7200, 0)));
        assert_eq!(next(Some((18_000, 3600)), 6), Some((18_000, 3600)));
        let counts = [2, 4, 12, 8, 10, 18, 14, 16, 24, 20, 22, 30, 26, 28, 36, 32, 34, 42, 38, 40];
        for (index, count) in counts.into_iter().enumerate() {
            let (pts, dts) = (7200 + i64::from(count) * 1800, 7200 + index as i64 * 3600);
            assert_eq!(next(None, count), Some((pts, dts)), "{count}");
        }
    }

    #[test]
    fn the_second_field_lies_half_a_frame_later() {
        let mut rhythm = Rhythm::new(Codec::Avc);
        let field = |low| Some(Order { low, bits: 4, is_reset: low == 0, is_field: true, is_reference: true });
        for frame in 0..5 {
            let first = rhythm.next(Some((frame * 3600, frame * 3600)), field(frame as u16 * 2)).expect("stated");
            let second = rhythm.next(None, field(frame as u16 * 2 + 1)).expect("follows");
            assert_eq!((first.moved, second.moved), (false, false));
            assert_eq!((second.pts, second.dts), (frame * 3600 + 1800, frame * 3600 + 1800));
        }
    }

    #[test]
    fn nothing_is_told_before_the_first_stamp_and_times_never_stand_still() {
        let mut rhythm = Rhythm::new(Codec::Hevc);
        assert_eq!(rhythm.next(None, None), None);
        assert_eq!(rhythm.next(Some((900, 900)), None).map(|timed| timed.dts), Some(900));
        let moved = rhythm.next(Some((900, 900)), None).expect("stated");
        assert_eq!((moved.dts, moved.moved), (901, true));
    }
}
