//! The ladders that ship, embedded as the files operators see.

use crate::{Ladder, parse};

/// Name of the ladder used when nobody chose one.
pub const DEFAULT_LADDER: &str = "lecture";

const CATALOG: [(&str, &str); 7] = [
    ("film", include_str!("../catalog/film.toml")),
    ("film-av1", include_str!("../catalog/film-av1.toml")),
    ("film-hdr", include_str!("../catalog/film-hdr.toml")),
    ("film-per-title", include_str!("../catalog/film-per-title.toml")),
    ("lecture", include_str!("../catalog/lecture.toml")),
    ("lecture-per-title", include_str!("../catalog/lecture-per-title.toml")),
    ("low-bandwidth", include_str!("../catalog/low-bandwidth.toml")),
];

/// Name and TOML text of every ladder that ships, in the order of their names.
pub fn catalog() -> &'static [(&'static str, &'static str)] {
    &CATALOG
}

/// The ladder of this name that ships.
pub fn builtin(name: &str) -> Option<Ladder> {
    let (name, text) = CATALOG.iter().find(|(known, _)| *known == name)?;
    Some(parse(name, text).expect("a test parses every ladder that ships"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_ladder_that_ships_parses_under_its_own_name() {
        for (name, text) in catalog() {
            let ladder = parse(&format!("{name}.toml"), text).unwrap_or_else(|report| panic!("{report}"));
            assert_eq!(ladder.name, *name);
            assert!(text.starts_with("# "), "{name} opens with its rationale");
            assert_eq!(builtin(name), Some(ladder));
        }
        assert!(builtin(DEFAULT_LADDER).is_some());
        assert_eq!(builtin("nope"), None);
    }

    #[test]
    fn buffers_hold_one_and_a_half_to_two_seconds_of_the_cap() {
        for (name, _) in catalog() {
            for rung in builtin(name).unwrap().rungs {
                let encoding = &rung.encoding;
                let tenths = encoding.buffer_bits * 10 / encoding.max_bitrate_bps;
                assert!((15..=20).contains(&tenths), "{name} {}", rung.name);
            }
        }
    }

    #[test]
    fn neighbouring_rungs_are_worth_having_both() {
        for (name, _) in catalog() {
            for pair in builtin(name).unwrap().rungs.windows(2) {
                if pair[0].encoding.group() != pair[1].encoding.group() {
                    continue;
                }
                let ratio = pair[1].encoding.max_bitrate_bps as f64 / pair[0].encoding.max_bitrate_bps as f64;
                assert!((1.3..=2.2).contains(&ratio), "{name} {} to {}: {ratio}", pair[0].name, pair[1].name);
            }
        }
    }
}
