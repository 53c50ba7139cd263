//! What a person is told of a clock that jumped.

use media_types::StreamClock;
use media_types::clock::MAX_STRETCHES;

/// Jumps whose times are told at most.
const TOLD: usize = 5;

/// How often a stream's clock jumps and where, from presentation time 0 at `origin`; `None` when it does not.
pub(crate) fn words(clock: &StreamClock, origin: i64) -> Option<String> {
    let seconds = |time: i64| format!("{:.1} s", time.saturating_sub(origin) as f64 / 90_000.0);
    let jumps: Vec<String> = clock.jumps().map(seconds).collect();
    let (last, rest) = jumps.split_last()?;
    let how = match jumps.len() {
        1 => format!("jumps at {last}"),
        count if count <= TOLD => format!("jumps {count} times, at {} and {last}", rest.join(", ")),
        count => {
            let more = if count + 1 < MAX_STRETCHES { "" } else { "at least " };
            format!("jumps {more}{count} times, first at {}", jumps[..TOLD].join(", "))
        }
    };
    Some(format!("the recording's clock {how}; what follows goes on from there"))
}

#[cfg(test)]
mod tests {
    use media_types::Stretch;

    use super::*;

    #[test]
    fn a_person_is_told_how_often_and_where() {
        let clock = |count: i64| StreamClock {
            stretches: (0..count).map(|at| Stretch { position: 0, start: 7, shift: at * 270_000 }).collect(),
            anchors: Vec::new(),
        };
        assert_eq!([words(&clock(0), 7), words(&clock(1), 7)], [None, None]);
        for (count, told) in [
            (2, "jumps at 3.0 s;"),
            (3, "jumps 2 times, at 3.0 s and 6.0 s;"),
            (6, "jumps 5 times, at 3.0 s, 6.0 s, 9.0 s, 12.0 s and 15.0 s;"),
            (41, "jumps 40 times, first at 3.0 s, 6.0 s, 9.0 s, 12.0 s, 15.0 s;"),
            (1000, "jumps at least 999 times, first at 3.0 s,"),
        ] {
            let words = words(&clock(count), 7).unwrap_or_default();
            assert!(words.contains(told), "{words}");
        }
    }
}
