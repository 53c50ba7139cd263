//! Who has sent how many requests, in memory that does not grow.
//!
//! A table of sets with eight places each. Whoever comes belongs to one set, by a hash that nobody outside can compute, and when it is
//! full he takes the place of the one who has the least to wait for: of somebody who has sent nothing for a while nothing is lost by
//! that, and whoever has spent his share is the last to be forgotten.

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::bucket::{self, Left, Rate};

const PLACES: usize = 8;

/// One that is counted: who, as a hash, and when all that he has taken is back. Two with one hash in 64 bits would share.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    id: u64,
    due_ns: u64,
}

pub(super) struct Table {
    sets: Box<[Mutex<[Place; PLACES]>]>,
    hasher: RandomState,
}

impl Table {
    /// A table of so many sets, one at least.
    pub(super) fn new(sets: usize) -> Self {
        Self { sets: (0..sets.max(1)).map(|_| Mutex::default()).collect(), hasher: RandomState::new() }
    }

    /// What somebody is counted under.
    pub(super) fn id(&self, whose: &impl Hash) -> u64 {
        self.hasher.hash_one(whose)
    }

    /// Takes one request's worth of what somebody has; what is left, or in how many nanoseconds there will be something.
    pub(super) fn take(&self, id: u64, rate: Rate, now_ns: u64) -> Result<Left, u64> {
        let mut set = self.set(id);
        let known = set.iter().position(|place| place.id == id);
        let due_ns = known.map_or(0, |at| set[at].due_ns);
        let (due_ns, left) = bucket::take(due_ns, now_ns, rate)?;
        let least = || set.iter().enumerate().min_by_key(|(_, place)| place.due_ns).map_or(0, |(at, _)| at);
        let at = known.unwrap_or_else(least);
        set[at] = Place { id, due_ns };
        Ok(left)
    }

    /// Puts one request's worth back, if he is still known.
    pub(super) fn give_back(&self, id: u64, rate: Rate) {
        let mut set = self.set(id);
        if let Some(place) = set.iter_mut().find(|place| place.id == id) {
            place.due_ns = bucket::give_back(place.due_ns, rate);
        }
    }

    fn set(&self, id: u64) -> MutexGuard<'_, [Place; PLACES]> {
        let at = (id % self.sets.len() as u64) as usize;
        self.sets[at].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::atomic::{AtomicUsize, Ordering};

    use proptest::prelude::*;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_million_others_neither_need_more_room_nor_let_one_off_who_has_spent_his_share() {
        let (table, rate) = (Table::new(64), Rate::of(10, 3_600));
        let size = size_of_val(&*table.sets);
        let one = table.id(&"one");
        let answered = (0..100).filter(|_| table.take(one, rate, SECOND).is_ok()).count();
        assert_eq!(answered, 10);
        for other in 0..1_000_000_u64 {
            assert!(table.take(table.id(&other), rate, SECOND).is_ok(), "{other} has sent nothing yet");
        }
        assert!(table.take(one, rate, SECOND).is_err(), "he is still known");
        assert_eq!(size, size_of_val(&*table.sets));
        assert!(size < 64 * 200, "{size} bytes for 512 places");
    }

    #[test]
    fn of_one_person_no_more_is_answered_at_once_than_there_is_however_many_ask() {
        let (table, rate, answered) = (Table::new(4), Rate::of(1_000, 3_600), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..500 {
                        answered.fetch_add(usize::from(table.take(7, rate, 0).is_ok()), Ordering::Relaxed);
                    }
                });
            }
        });
        assert_eq!(answered.load(Ordering::Relaxed), 1_000);
    }

    #[test]
    fn what_is_given_back_can_be_taken_again_and_nobody_gets_more_than_all() {
        let (table, rate) = (Table::new(1), Rate::of(2, 60));
        assert_eq!(table.take(1, rate, 0).unwrap().requests, 1);
        table.give_back(1, rate);
        table.give_back(1, rate);
        table.give_back(9, rate);
        assert_eq!(table.take(1, rate, 0).unwrap().requests, 1);
        assert_eq!(table.take(1, rate, 0).unwrap().requests, 0);
        assert!(table.take(1, rate, 0).is_err());
    }

    proptest! {
        /// The one rule of who is forgotten: nobody while there is somebody in his set who has less to wait for.
        #[test]
        fn whoever_has_the_most_to_wait_for_is_remembered(asked in prop::collection::vec((1_u64..30, 0_u64..SECOND), 1..400)) {
            let (table, rate) = (Table::new(1), Rate::of(50, 500));
            let mut now_ns = 0;
            for (id, pause) in asked {
                now_ns += pause;
                let before = *table.set(id);
                let known = before.iter().any(|place| place.id == id);
                let _ = table.take(id, rate, now_ns);
                let after = *table.set(id);
                let lost: Vec<u64> = before
                    .iter()
                    .filter(|place| after.iter().all(|other| other.id != place.id))
                    .map(|place| place.due_ns)
                    .collect();
                prop_assert!(lost.len() <= usize::from(!known));
                let least = before.iter().map(|place| place.due_ns).min();
                prop_assert!(lost.iter().all(|due| Some(*due) == least));
            }
        }
    }
}
