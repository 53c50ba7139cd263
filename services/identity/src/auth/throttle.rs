//! How often somebody may try to sign in under one name, whether there is such a person or not. Pure but for its memory.
//!
//! A name is the slug of a tenant and an e-mail address, and is remembered as a hash. Each process remembers by itself, and forgets
//! when it ends: what bounds guessing from many processes, or at many names, is how many passwords can be hashed.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Tries under one name, from the first of them on, until the window ends or one succeeds.
const MOST: u32 = 10;
const WINDOW_MS: i64 = 15 * 60 * 1000;
/// Names that are remembered at once. With more of them, those that were tried first are forgotten.
const NAMES: usize = 16_384;

/// Tries, by the hashes of their names.
#[derive(Default)]
pub(super) struct Throttle(Mutex<HashMap<[u8; 32], Tried>>);

struct Tried {
    since_ms: i64,
    count: u32,
}

impl Throttle {
    /// Takes a try into account.
    ///
    /// # Errors
    /// After how many seconds the next one will be taken, when there were too many.
    pub(super) fn enter(&self, name: [u8; 32], now_ms: i64) -> Result<(), u32> {
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if names.len() >= NAMES && !names.contains_key(&name) {
            make_room(&mut names, now_ms);
        }
        let tried = names.entry(name).or_insert(Tried { since_ms: now_ms, count: 0 });
        if is_over(tried, now_ms) {
            *tried = Tried { since_ms: now_ms, count: 0 };
        }
        if tried.count >= MOST {
            let left_ms = tried.since_ms + WINDOW_MS - now_ms;
            return Err(u32::try_from(left_ms / 1000 + 1).unwrap_or(1));
        }
        tried.count += 1;
        Ok(())
    }

    /// Takes back a try that was none, as what was tried was right.
    pub(super) fn give_back(&self, name: &[u8; 32]) {
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tried) = names.get_mut(name) {
            tried.count = tried.count.saturating_sub(1);
        }
    }

    /// Forgets the tries under a name that somebody has signed in under; how many there were before the one that was right.
    pub(super) fn leave(&self, name: &[u8; 32]) -> u32 {
        let tried = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        tried.map_or(0, |tried| tried.count.saturating_sub(1))
    }
}

fn is_over(tried: &Tried, now_ms: i64) -> bool {
    // A clock that was set back must lock nobody out for longer.
    !(tried.since_ms..tried.since_ms + WINDOW_MS).contains(&now_ms)
}

fn make_room(names: &mut HashMap<[u8; 32], Tried>, now_ms: i64) {
    names.retain(|_, tried| !is_over(tried, now_ms));
    if names.len() < NAMES {
        return;
    }
    // A quarter at once, so that not every one of many names looks through all.
    let mut since: Vec<i64> = names.values().map(|tried| tried.since_ms).collect();
    let (_, &mut oldest, _) = since.select_nth_unstable(NAMES / 4);
    let mut left = NAMES / 4;
    names.retain(|_, tried| {
        let goes = tried.since_ms <= oldest && left > 0;
        left -= usize::from(goes);
        !goes
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: i64 = 1_795_233_000_000;

    fn name(number: usize) -> [u8; 32] {
        let mut name = [0; 32];
        name[..8].copy_from_slice(&(number as u64).to_be_bytes());
        name
    }

    #[test]
    fn a_name_is_tried_ten_times_in_a_quarter_of_an_hour() {
        let throttle = Throttle::default();
        for at in 0..10 {
            assert_eq!(throttle.enter(name(1), NOW_MS + at), Ok(()));
        }
        assert_eq!(throttle.enter(name(1), NOW_MS + 60_000), Err(14 * 60 + 1));
        assert_eq!(throttle.enter(name(2), NOW_MS + 60_000), Ok(()), "another one is not held up");
        assert_eq!(throttle.enter(name(1), NOW_MS + WINDOW_MS - 1), Err(1));
        assert_eq!(throttle.enter(name(1), NOW_MS + WINDOW_MS), Ok(()));
        assert_eq!(throttle.enter(name(1), NOW_MS), Ok(()), "a clock that was set back begins anew");
    }

    #[test]
    fn who_has_signed_in_begins_anew() {
        let throttle = Throttle::default();
        for _ in 0..3 {
            for _ in 0..9 {
                assert_eq!(throttle.enter(name(1), NOW_MS), Ok(()));
            }
            assert_eq!(throttle.leave(&name(1)), 8, "the last one was right");
        }
    }

    #[test]
    fn what_was_right_counts_for_nothing_and_changes_nothing_of_what_was_wrong() {
        let throttle = Throttle::default();
        for _ in 0..9 {
            assert_eq!(throttle.enter(name(1), NOW_MS), Ok(()));
        }
        for _ in 0..20 {
            assert_eq!(throttle.enter(name(1), NOW_MS), Ok(()));
            throttle.give_back(&name(1));
        }
        assert_eq!(throttle.enter(name(1), NOW_MS), Ok(()));
        assert!(throttle.enter(name(1), NOW_MS).is_err());
        throttle.give_back(&name(2));
        assert_eq!(throttle.enter(name(2), NOW_MS), Ok(()));
    }

    #[test]
    fn no_more_names_than_there_is_room_for_are_remembered_and_the_first_ones_are_forgotten() {
        let throttle = Throttle::default();
        for number in 0..NAMES + 10 {
            for _ in 0..MOST {
                assert_eq!(throttle.enter(name(number), NOW_MS + number as i64), Ok(()));
            }
        }
        let count = throttle.0.lock().unwrap_or_else(PoisonError::into_inner).len();
        assert_eq!(count, NAMES - NAMES / 4 + 10);
        let later_ms = NOW_MS + NAMES as i64 + 10;
        assert!(
            throttle.enter(name(NAMES + 9), later_ms).is_err() && throttle.enter(name(NAMES / 2), later_ms).is_err()
        );
        assert_eq!(throttle.enter(name(0), later_ms), Ok(()));
    }
}
