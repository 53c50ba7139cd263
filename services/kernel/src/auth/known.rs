//! Tokens that were asked for a moment ago.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::principal::Holder;

/// What is known of a token counts for so long: then it is asked for again, and a revoked one is found out. That it held is
/// remembered.
pub(super) const FRESH: Duration = Duration::from_secs(2);
/// Tokens that are known at once.
const MOST: usize = 4096;

/// A bounded memory of tokens that hold, by their hashes. Those that do not are asked for each time.
#[derive(Default)]
pub(super) struct Known(Mutex<HashMap<[u8; 32], Seen>>);

struct Seen {
    holder: Holder,
    asked: Instant,
}

impl Seen {
    fn is_fresh(&self) -> bool {
        self.asked.elapsed() < FRESH
    }
}

impl Known {
    pub(super) fn find(&self, sha256: &[u8; 32]) -> Option<Holder> {
        self.seen().get(sha256).filter(|seen| seen.is_fresh()).map(|seen| seen.holder.clone())
    }

    /// When it was asked for, if it is known.
    pub(super) fn asked(&self, sha256: &[u8; 32]) -> Option<Instant> {
        self.seen().get(sha256).filter(|seen| seen.is_fresh()).map(|seen| seen.asked)
    }

    /// Whether it held when it was asked for last, however long ago, as far as there was room to remember that.
    pub(super) fn remembers(&self, sha256: &[u8; 32]) -> bool {
        self.seen().contains_key(sha256)
    }

    /// It holds no longer.
    pub(super) fn forget(&self, sha256: &[u8; 32]) {
        self.seen().remove(sha256);
    }

    /// Remembers what was said of a token that was asked for then.
    pub(super) fn keep(&self, sha256: [u8; 32], holder: Holder, asked: Instant) {
        let mut seen = self.seen();
        if seen.len() >= MOST && !seen.contains_key(&sha256) {
            seen.retain(|_, seen| seen.is_fresh());
        }
        if seen.len() < MOST || seen.contains_key(&sha256) {
            seen.insert(sha256, Seen { holder, asked });
        }
    }

    fn seen(&self) -> MutexGuard<'_, HashMap<[u8; 32], Seen>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;

    use super::*;
    use crate::principal::ApiKey;
    use crate::{Grants, Principal, default_tenant};

    fn holder() -> Holder {
        let grants = Grants::new(vec!["*".to_owned()]).unwrap();
        let key = ApiKey { id: "key_1".to_owned(), tenant: default_tenant(), grants, expires_ms: None };
        Holder { principal: Principal::Key(Arc::new(key)), is_suspended: false }
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_is_known_for_two_seconds_from_when_it_was_asked_for() {
        let known = Known::default();
        let asked = Instant::now();
        tokio::time::advance(FRESH / 2).await;
        known.keep([1; 32], holder(), asked);
        assert_eq!(known.find(&[1; 32]), Some(holder()));
        assert_eq!(known.find(&[2; 32]), None);
        tokio::time::advance(FRESH / 2).await;
        assert_eq!(known.find(&[1; 32]), None);
        assert!(known.remembers(&[1; 32]) && !known.remembers(&[2; 32]), "that it held is known still");
        known.forget(&[1; 32]);
        assert!(!known.remembers(&[1; 32]));
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_keys_than_there_is_room_for_are_known_and_old_ones_make_room() {
        let known = Known::default();
        let name = |number: usize| {
            let mut name = [0; 32];
            name[..8].copy_from_slice(&(number as u64).to_be_bytes());
            name
        };
        for number in 0..=MOST {
            known.keep(name(number), holder(), Instant::now());
        }
        let count = || known.seen().len();
        assert_eq!((count(), known.find(&name(MOST))), (MOST, None));
        tokio::time::advance(FRESH).await;
        known.keep(name(MOST), holder(), Instant::now());
        assert_eq!((count(), known.find(&name(MOST))), (1, Some(holder())));
    }
}
