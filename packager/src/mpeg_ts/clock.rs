//! Time stamps in 90 kHz, 33 bits (§2.4.3.7), and the program clock (§2.4.2.2).

use media_types::Timescale;
use media_types::time::rescale;

/// The stamp of presentation time 0: what is decoded before has room, and most tools begin there.
const START: i64 = 10 * 90_000;
/// How long before it is decoded the first byte of a sample arrives.
const LEAD: i64 = 45_000;
/// The longest time between two samples of the clock (§2.7.2).
pub(super) const CLOCK_EVERY: i64 = 9_000;

/// `ticks` of the presentation in 90 kHz, rounded to nearest: each from the exact time, so that nothing adds up.
pub(super) fn ninety_khz(ticks: i64, scale: Timescale) -> i64 {
    rescale(ticks, Timescale::NINETY_KHZ.get().into(), scale.get().into())
}

/// A presentation or decoding time as it is written.
pub(super) fn stamp(time: i64) -> u64 {
    wrapped(time.saturating_add(START))
}

/// The clock when the sample that is decoded at `time` begins to arrive, in 90 kHz.
pub(super) fn reference(time: i64) -> u64 {
    wrapped(time.saturating_add(START - LEAD))
}

fn wrapped(time: i64) -> u64 {
    (time & ((1 << 33) - 1)).unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_wrap_after_33_bits_and_below_zero() {
        assert_eq!((stamp(0), stamp(-900_000), stamp(-900_001)), (900_000, 0, (1 << 33) - 1));
        assert_eq!((stamp((1 << 33) - 900_000), reference(0)), (0, 855_000));
    }

    #[test]
    fn no_error_adds_up_over_a_day() {
        let scale = Timescale::new(44_100).expect("not zero");
        let (frames, exact) = (86_400 * 44_100 / 1024, |frame: i64| frame * 1024 * 90_000);
        for frame in (0..frames).step_by(977) {
            assert!((ninety_khz(frame * 1024, scale) * 44_100 - exact(frame)).abs() * 2 <= 44_100);
        }
    }
}
