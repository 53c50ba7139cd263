//! Time expressions (TTML2 §12.3.1).

use super::names::Attr;
use super::tree::Node;
use crate::error::{Warnings, excerpt};

/// How the document counts frames and ticks (TTML2 §7.2).
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    /// Frames of a second of the clock's face.
    frame_rate: u32,
    sub_frame_rate: u32,
    multiplier: (u32, u32),
    tick_rate: u32,
    drop: Drop,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Drop {
    /// `media` time: hours, minutes and seconds are true.
    Media,
    /// `smpte` time: frames are counted, and a second of the face lasts as long as its frames.
    None,
    Ntsc,
    Pal,
}

impl Clock {
    pub(super) fn of(root: &Node, warnings: &mut Warnings) -> Self {
        let mut number = |name, what: &str| {
            let text = root.get(name)?.trim();
            let value = text.parse::<u32>().ok().filter(|value| (1..=100_000_000).contains(value));
            if value.is_none() {
                warnings.push(0, format!("{what} {:?} is not valid and is left out", excerpt(text)));
            }
            value
        };
        let frame_rate = number(Attr::FrameRate, "ttp:frameRate");
        let sub_frame_rate = number(Attr::SubFrameRate, "ttp:subFrameRate").unwrap_or(1);
        let ticks = number(Attr::TickRate, "ttp:tickRate");
        // Without a rate of ticks there is one per frame, if frames are counted, otherwise per second.
        let tick_rate = ticks.unwrap_or(frame_rate.map_or(1, |rate| rate.saturating_mul(sub_frame_rate)));
        let multiplier = root.get(Attr::FrameRateMultiplier).and_then(|text| {
            let parts: Vec<u32> = text.split([' ', ':']).filter_map(|part| part.parse().ok()).collect();
            match parts[..] {
                [numerator @ 1..=1_000_000, denominator @ 1..=1_000_000] => Some((numerator, denominator)),
                [1] => Some((1, 1)),
                _ => {
                    warnings
                        .push(0, format!("ttp:frameRateMultiplier {:?} is not valid and is left out", excerpt(text)));
                    None
                }
            }
        });
        let drop = match (root.get(Attr::TimeBase), root.get(Attr::DropMode)) {
            (Some("smpte"), Some("dropNTSC")) => Drop::Ntsc,
            (Some("smpte"), Some("dropPAL")) => Drop::Pal,
            (Some("smpte"), _) => Drop::None,
            (Some("clock"), _) => {
                warnings.push(0, "times of day (ttp:timeBase=\"clock\") are taken for times of the media");
                Drop::Media
            }
            _ => Drop::Media,
        };
        let multiplier = multiplier.unwrap_or((1, 1));
        Self { frame_rate: frame_rate.unwrap_or(30), sub_frame_rate, multiplier, tick_rate, drop }
    }

    /// A time in microseconds, rounded to nearest; `None` when it is not valid.
    pub(super) fn time(&self, text: &str) -> Option<i64> {
        let text = text.trim();
        match text.split_once(':') {
            Some((hours, rest)) => self.clock_time(hours, rest),
            None => self.offset_time(text),
        }
    }

    /// `hh:mm:ss`, with a fraction or with frames and sub-frames.
    fn clock_time(&self, hours: &str, rest: &str) -> Option<i64> {
        let (minutes, rest) = rest.split_once(':')?;
        let (seconds, frames) = rest.split_once(':').map_or((rest, None), |(seconds, frames)| (seconds, Some(frames)));
        let (hours, minutes) = (digits(hours, 2, 9)?, digits(minutes, 2, 2)?);
        if minutes > 59 || frames.is_some() && seconds.contains('.') {
            return None;
        }
        let (whole, fraction) = decimal(seconds)?;
        if whole > 60 || seconds.split('.').next()?.len() != 2 {
            return None;
        }
        let face_seconds = i128::from((hours * 60 + minutes) * 60 + whole);
        let (frames, sub_frames) = match frames {
            None => (0, 0),
            Some(text) => {
                let (frames, sub) = text.split_once('.').map_or((text, "0"), |(frames, sub)| (frames, sub));
                (digits(frames, 1, 9)?, digits(sub, 1, 9)?)
            }
        };
        let sub_rate = i128::from(self.sub_frame_rate);
        let counted = i128::from(frames) * sub_rate + i128::from(sub_frames);
        if self.drop == Drop::Media {
            let us = self.frames_us(counted)?;
            return i64::try_from(face_seconds * 1_000_000 + fraction_us(fraction)).ok()?.checked_add(us);
        }
        let all = face_seconds * i128::from(self.frame_rate) - self.dropped(hours, minutes);
        i64::try_from(fraction_us(fraction)).ok()?.checked_add(self.frames_us(all * sub_rate + counted)?)
    }

    /// Frame numbers that the face skipped up to this minute (SMPTE ST 12-1).
    fn dropped(&self, hours: i64, minutes: i64) -> i128 {
        let minutes = i128::from(hours) * 60 + i128::from(minutes);
        match self.drop {
            Drop::Ntsc => 2 * (minutes - minutes / 10),
            // Four in every second minute, but for each twentieth.
            Drop::Pal => 4 * (minutes / 2 - minutes / 20),
            Drop::Media | Drop::None => 0,
        }
    }

    /// Microseconds of so many sub-frames.
    fn frames_us(&self, sub_frames: i128) -> Option<i64> {
        let (numerator, denominator) = (i128::from(self.multiplier.0), i128::from(self.multiplier.1));
        let per_second = i128::from(self.frame_rate) * i128::from(self.sub_frame_rate) * numerator;
        i64::try_from(divide(sub_frames * 1_000_000 * denominator, per_second)).ok()
    }

    /// A number and its metric.
    fn offset_time(&self, text: &str) -> Option<i64> {
        let split = text.find(|c: char| c != '.' && !c.is_ascii_digit())?;
        let (number, metric) = text.split_at(split);
        let (whole, fraction) = decimal(number)?;
        // In billionths of the metric.
        let value = i128::from(whole) * 1_000_000_000 + i128::from(fraction);
        let us = match metric {
            "h" => value * 3_600_000_000,
            "m" => value * 60_000_000,
            "s" => value * 1_000_000,
            "ms" => value * 1000,
            "f" => {
                let (numerator, denominator) = (i128::from(self.multiplier.0), i128::from(self.multiplier.1));
                divide(value * 1_000_000 * denominator, i128::from(self.frame_rate) * numerator)
            }
            "t" => divide(value * 1_000_000, i128::from(self.tick_rate)),
            _ => return None,
        };
        i64::try_from(divide(us, 1_000_000_000)).ok()
    }
}

/// To nearest, halves up; both at least 0 and the divisor above it.
fn divide(value: i128, divisor: i128) -> i128 {
    (value * 2 + divisor) / (divisor * 2)
}

fn fraction_us(billionths: i64) -> i128 {
    divide(i128::from(billionths), 1000)
}

fn digits(text: &str, least: usize, most: usize) -> Option<i64> {
    let valid = (least..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    valid.then(|| text.parse().ok()).flatten()
}

/// Whole part and billionths; digits beyond are cut off.
fn decimal(text: &str) -> Option<(i64, i64)> {
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(whole, fraction)| (whole, Some(fraction)));
    let whole = digits(whole, 1, 15)?;
    let Some(fraction) = fraction else { return Some((whole, 0)) };
    digits(fraction.get(..fraction.len().min(9))?, 1, 9)?;
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let billionths = fraction
        .bytes()
        .chain(std::iter::repeat(b'0'))
        .take(9)
        .fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
    Some((whole, billionths))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Clock =
        Clock { frame_rate: 30, sub_frame_rate: 1, multiplier: (1, 1), tick_rate: 1, drop: Drop::Media };

    fn check(clock: Clock, times: &[(&str, Option<i64>)]) {
        for (text, expected) in times {
            assert_eq!(clock.time(text), *expected, "{text}");
        }
    }

    #[test]
    fn times_of_the_media_are_exact() {
        check(
            PLAIN,
            &[
                ("00:00:01.5", Some(1_500_000)),
                (" 01:02:03.004 ", Some(3_723_004_000)),
                ("100:00:00", Some(360_000_000_000)),
                ("00:00:01:15", Some(1_500_000)),
                ("1.5s", Some(1_500_000)),
                ("2h", Some(7_200_000_000)),
                ("2.5m", Some(150_000_000)),
                ("1234ms", Some(1_234_000)),
                ("0.5ms", Some(500)),
                ("45f", Some(1_500_000)),
                ("3t", Some(3_000_000)),
                ("00:00:00.00000049999", Some(0)),
                ("1:00:00", None),
                ("00:60:00", None),
                ("00:00:1", None),
                ("00:00:01.5:3", None),
                ("12", None),
                ("s", None),
                (".5s", None),
                ("-1s", None),
                ("1x", None),
                ("1.s", None),
                ("99999999999999999999s", None),
                ("999999999999999h", None),
            ],
        );
    }

    #[test]
    fn frames_follow_rate_multiplier_and_ticks() {
        let film = Clock { frame_rate: 24, multiplier: (1000, 1001), ..PLAIN };
        // 12 frames of 1001/24000 s.
        check(film, &[("00:00:01:12", Some(1_500_500)), ("24f", Some(1_001_000)), ("1f", Some(41_708))]);
        let ticks = Clock { tick_rate: 10_000_000, ..PLAIN };
        check(ticks, &[("15000000t", Some(1_500_000)), ("9t", Some(1))]);
        let sub = Clock { frame_rate: 25, sub_frame_rate: 4, ..PLAIN };
        check(sub, &[("00:00:00:10.2", Some(420_000))]);
    }

    #[test]
    fn drop_frame_faces_skip_numbers_and_no_time() {
        let ntsc = Clock { multiplier: (1000, 1001), drop: Drop::Ntsc, ..PLAIN };
        // 17,982 frames of 1001/30000 s in ten minutes of the face.
        check(
            ntsc,
            &[("00:10:00:00", Some(599_999_400)), ("00:01:00:02", Some(60_060_000)), ("00:00:59:29", Some(60_026_633))],
        );
        let plain = Clock { multiplier: (1000, 1001), drop: Drop::None, ..PLAIN };
        check(plain, &[("00:10:00:00", Some(600_600_000))]);
    }
}
