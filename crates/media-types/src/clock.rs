//! The clock of a stream whose times jump: MPEG-TS and program streams of several recordings, or of one that was restarted.

use serde::{Deserialize, Serialize};

/// Ticks after which a clock of ISO/IEC 13818-1 begins anew: 26.5 h of 90 kHz.
pub const WRAP: i64 = 1 << 33;
/// No picture of such a stream waits this many ticks, 10 s, between being decoded and being shown.
pub const FARTHEST: i64 = 10 * 90_000;
/// Runs of a clock that one stream may have.
pub const MAX_STRETCHES: usize = 1000;
/// Places to begin reading at that one stream may have.
pub const MAX_ANCHORS: usize = 8192;

/// How the times a stream states become times that run on through the whole source. All are in ticks of 1/90,000 s.
///
/// Empty for a stream whose clock does not jump: its times stay as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamClock {
    /// In the order of the file; the first one has no shift. At most [`MAX_STRETCHES`].
    pub stretches: Vec<Stretch>,
    /// Ascending both by place and by time. At most [`MAX_ANCHORS`].
    pub anchors: Vec<Anchor>,
}

/// What lies under one run of the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretch {
    /// Where in the file its first packet begins.
    pub position: u64,
    /// The first time shown in it, as stated.
    pub start: i64,
    /// What is added to the times stated in it.
    pub shift: i64,
}

impl Stretch {
    /// A stated time, freed of the wrap, on the clock that runs on.
    fn time(&self, stated: i64) -> i64 {
        unwrapped(stated, self.start).saturating_add(self.shift)
    }
}

/// A packet that decoding may begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// Where in the file it begins.
    pub position: u64,
    /// When it is shown, on the clock that runs on.
    pub time: i64,
}

impl StreamClock {
    /// Whether the stream's times stay as they are.
    pub fn is_empty(&self) -> bool {
        self.stretches.is_empty()
    }

    /// Decode and presentation time of a packet at `position`, on the clock that runs on. `None` for the place stands for the
    /// start of the file.
    pub fn times(&self, position: Option<u64>, dts: Option<i64>, pts: Option<i64>) -> (Option<i64>, Option<i64>) {
        let after = self.stretches.partition_point(|stretch| position.is_some_and(|at| stretch.position <= at)).max(1);
        let (Some(here), next) = (self.stretches.get(after - 1), self.stretches.get(after)) else { return (dts, pts) };
        let Some(decoded) = dts.map(|dts| here.time(dts)) else {
            return (None, pts.map(|pts| here.time(pts)));
        };
        let shown = pts.map(|pts| {
            let near = |time: &i64| time.saturating_sub(decoded).unsigned_abs() <= FARTHEST.unsigned_abs();
            let time = here.time(pts);
            // A demuxer that takes what is not stated from the next picture may have crossed the jump for it.
            let crossed = || next.map(|next| next.time(pts)).filter(near);
            if near(&time) { time } else { crossed().unwrap_or(time) }
        });
        (Some(decoded), shown)
    }

    /// Where to begin reading for what is shown at `time`; `None` for the start of the file.
    pub fn entry(&self, time: i64) -> Option<u64> {
        let after = self.anchors.partition_point(|anchor| anchor.time <= time);
        Some(self.anchors.get(after.checked_sub(1)?)?.position)
    }

    /// Keeps no more than a clock may have.
    pub fn truncate(&mut self) {
        self.stretches.truncate(MAX_STRETCHES);
        self.anchors.truncate(MAX_ANCHORS);
    }

    /// When the stretches after the first one begin, on the clock that runs on.
    pub fn jumps(&self) -> impl Iterator<Item = i64> {
        self.stretches.iter().skip(1).map(|stretch| stretch.time(stretch.start))
    }
}

/// `stated`, give or take whole wraps, as near to `near` as can be.
pub fn unwrapped(stated: i64, near: i64) -> i64 {
    near.saturating_add(steps(stated, near))
}

/// From `near` to `stated`, the short way round.
fn steps(stated: i64, near: i64) -> i64 {
    let ahead = stated.wrapping_sub(near).rem_euclid(WRAP);
    if ahead >= WRAP / 2 { ahead - WRAP } else { ahead }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn clock() -> StreamClock {
        let stretch = |position, start, shift| Stretch { position, start, shift };
        let anchor = |position, time| Anchor { position, time };
        StreamClock {
            stretches: vec![
                stretch(0, 900_000, 0),
                stretch(5000, 90_000, 1_710_000),
                stretch(9000, WRAP - 9000, 2_000_000 - WRAP),
            ],
            anchors: vec![anchor(188, 900_000), anchor(2068, 1_350_000), anchor(5000, 1_800_000)],
        }
    }

    #[test]
    fn a_time_is_shifted_by_the_stretch_that_its_packet_lies_in() {
        let clock = clock();
        assert_eq!(clock.times(None, Some(900_000), Some(903_600)), (Some(900_000), Some(903_600)));
        assert_eq!(clock.times(Some(4999), Some(1_700_000), None), (Some(1_700_000), None));
        assert_eq!(clock.times(Some(5000), Some(90_000), Some(93_600)), (Some(1_800_000), Some(1_803_600)));
        assert_eq!(clock.times(Some(7000), None, Some(99_000)), (None, Some(1_809_000)));
        assert_eq!(clock.jumps().collect::<Vec<_>>(), [1_800_000, 1_991_000]);
        assert_eq!(StreamClock::default().times(Some(7), Some(1), Some(2)), (Some(1), Some(2)));
    }

    #[test]
    fn a_stretch_goes_on_over_the_wrap() {
        let clock = clock();
        assert_eq!(clock.times(Some(9000), Some(WRAP - 9000), Some(WRAP - 1)), (Some(1_991_000), Some(1_999_999)));
        assert_eq!(clock.times(Some(9999), Some(WRAP - 1), Some(3600)), (Some(1_999_999), Some(2_003_600)));
        assert_eq!(clock.times(Some(9999), Some(1), Some(WRAP + 3600)), (Some(2_000_001), Some(2_003_600)));
    }

    #[test]
    fn a_time_taken_from_the_other_side_of_a_jump_is_of_that_side() {
        assert_eq!(clock().times(Some(4990), Some(1_796_400), Some(90_000)), (Some(1_796_400), Some(1_800_000)));
    }

    #[test]
    fn reading_begins_at_the_last_anchor_that_is_not_late() {
        let clock = clock();
        let entries = [899_999, 900_000, 1_349_999, 1_350_000, i64::MAX].map(|time| clock.entry(time));
        assert_eq!(entries, [None, Some(188), Some(188), Some(2068), Some(5000)]);
        assert_eq!(StreamClock::default().entry(5), None);
    }

    #[test]
    fn a_report_of_before_there_were_clocks_is_read() {
        let old = r#"{"stream_index":1,"codec":"aac","sample_rate":48000,"channels":2,"language":null,
            "time_base":{"num":1,"den":48000},"span":[0,48000]}"#;
        let read: Result<crate::AudioProbe, _> = serde_json::from_str(old);
        assert!(read.is_ok_and(|probe| probe.clock.is_empty()));
    }

    proptest! {
        #[test]
        fn no_time_is_too_wild(position: Option<u64>, dts: Option<i64>, pts: Option<i64>, start: i64, shift: i64) {
            let mut clock = clock();
            clock.stretches[1] = Stretch { position: 5000, start, shift };
            clock.times(position, dts, pts);
            prop_assert_eq!(clock.jumps().count(), 2);
        }

        #[test]
        fn unwrapping_goes_less_than_half_a_wrap_far(stated in -4 * WRAP..4 * WRAP, near in -4 * WRAP..4 * WRAP) {
            let time = unwrapped(stated, near);
            prop_assert_eq!((time - stated).rem_euclid(WRAP), 0);
            prop_assert!((-WRAP / 2..WRAP / 2).contains(&(time - near)));
        }
    }
}
