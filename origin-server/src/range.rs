//! `Range` requests (RFC 9110 §14).

use std::ops::Range;

/// More ranges than this in one request are not served one by one but as the whole.
const MAX_RANGES: usize = 8;

/// What a `Range` header comes to for a representation of a known length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Selection {
    /// No range, another unit, bad syntax, or an abusive set: the whole representation.
    Whole,
    /// One range: 206 with `Content-Range`.
    One(Range<u64>),
    /// Several, in the order asked for: 206 as `multipart/byteranges`.
    Many(Vec<Range<u64>>),
    /// None lies inside the representation: 416.
    Unsatisfiable,
}

enum Spec {
    /// First byte, and last byte if given.
    From(u64, Option<u64>),
    /// This many bytes at the end.
    Suffix(u64),
}

/// Digits only; a number beyond every file saturates, since it is good syntax.
fn number(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(u64::MAX))
}

fn parse_spec(text: &str) -> Option<Spec> {
    let (first, last) = text.split_once('-')?;
    if first.is_empty() {
        return number(last).map(Spec::Suffix);
    }
    let first = number(first)?;
    if last.is_empty() {
        return Some(Spec::From(first, None));
    }
    let last = number(last)?;
    (first <= last).then_some(Spec::From(first, Some(last)))
}

fn resolve(spec: &Spec, length: u64) -> Option<Range<u64>> {
    let range = match *spec {
        Spec::From(first, last) => first..last.map_or(length, |last| last.saturating_add(1).min(length)),
        Spec::Suffix(count) => length - count.min(length)..length,
    };
    (range.start < range.end).then_some(range)
}

/// Applies the value of a `Range` header to a representation of `length` bytes. Never fails: what RFC 9110 calls
/// invalid is ignored, and so is a set that is too long or adds up to more than the whole.
pub(crate) fn select(header: &str, length: u64) -> Selection {
    let Some((unit, set)) = header.trim().split_once('=') else { return Selection::Whole };
    if !unit.eq_ignore_ascii_case("bytes") {
        return Selection::Whole;
    }
    let texts = || set.split(',').map(|text| text.trim_matches([' ', '\t'])).filter(|text| !text.is_empty());
    if !(1..=MAX_RANGES).contains(&texts().take(MAX_RANGES + 1).count()) {
        return Selection::Whole;
    }
    let Some(specs) = texts().map(parse_spec).collect::<Option<Vec<_>>>() else { return Selection::Whole };
    let mut ranges: Vec<_> = specs.iter().filter_map(|spec| resolve(spec, length)).collect();
    let total = ranges.iter().fold(0u64, |sum, range| sum.saturating_add(range.end - range.start));
    match ranges.len() {
        0 => Selection::Unsatisfiable,
        1 => Selection::One(ranges.remove(0)),
        _ if total > length => Selection::Whole,
        _ => Selection::Many(ranges),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::single_range_in_vec_init)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ranges_of_ten_bytes() {
        use Selection::{Many, One, Unsatisfiable, Whole};
        for (header, expected) in [
            ("bytes=0-0", One(0..1)),
            ("bytes=0-9", One(0..10)),
            ("bytes=0-", One(0..10)),
            ("bytes=4-99", One(4..10)),
            ("bytes=9-", One(9..10)),
            ("bytes=-3", One(7..10)),
            ("bytes=-99", One(0..10)),
            ("BYTES=2-3", One(2..4)),
            (" bytes=2-3 ", One(2..4)),
            ("bytes=3-99999999999999999999999", One(3..10)),
            ("bytes=0-1,4-5", Many(vec![0..2, 4..6])),
            ("bytes= 4-5 ,, 0-1 ", Many(vec![4..6, 0..2])),
            ("bytes=0-1,50-60", One(0..2)),
            ("bytes=10-", Unsatisfiable),
            ("bytes=-0", Unsatisfiable),
            ("bytes=99999999999999999999999-", Unsatisfiable),
            ("bytes=20-30,40-50", Unsatisfiable),
            ("", Whole),
            ("bytes", Whole),
            ("bytes=", Whole),
            ("bytes=,", Whole),
            ("bytes=-", Whole),
            ("bytes=a-b", Whole),
            ("bytes=5-2", Whole),
            ("bytes=0-1;2-3", Whole),
            ("bytes=+1-2", Whole),
            ("bytes=0-1,x", Whole),
            ("bytes 0-1", Whole),
            ("seconds=0-1", Whole),
            ("bytes=0-9,0-9", Whole),
            ("bytes=0-0,1-1,2-2,3-3,4-4,5-5,6-6,7-7,8-8", Whole),
        ] {
            assert_eq!(select(header, 10), expected, "{header:?}");
        }
        assert_eq!(select("bytes=0-", 0), Unsatisfiable);
        assert_eq!(select("bytes=-1", 0), Unsatisfiable);
    }

    proptest! {
        #[test]
        fn what_is_selected_lies_inside(header in "bytes=[0-9,\\- ]{0,30}|.{0,20}", length in 0u64..40) {
            let ranges = match select(&header, length) {
                Selection::One(range) => vec![range],
                Selection::Many(ranges) => ranges,
                Selection::Whole | Selection::Unsatisfiable => vec![],
            };
            prop_assert!(ranges.iter().all(|range| range.start < range.end && range.end <= length));
            prop_assert!(ranges.iter().map(|range| range.end - range.start).sum::<u64>() <= length);
        }

        #[test]
        fn an_exact_range_is_found_again(start in 0u64..1000, size in 1u64..1000, more in 0u64..1000) {
            let header = format!("bytes={start}-{}", start + size - 1);
            prop_assert_eq!(select(&header, start + size + more), Selection::One(start..start + size));
        }
    }
}
