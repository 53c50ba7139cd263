//! The library encoded again by itself, for ladders whose files ask for it.

use std::collections::BTreeMap;
use std::time::Duration;

use asset_store::AssetStore;
use ladders::Ladder;
use media_types::LadderPin;
use tokio::sync::watch;

use crate::ladder_book::LadderBook;

/// Between two looks at the ladders.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// A file is taken up when so many looks in a row found the same in it: who edits it saves more than once.
const SETTLED: u32 = 3;

/// Looks after the ladders until `stopped` turns true. What changed while nobody served is found at the start.
pub(super) async fn run(book: LadderBook, store: AssetStore, mut stopped: watch::Receiver<bool>) {
    let (mut ticks, mut seen) = (tokio::time::interval(LOOK_EVERY), Seen::default());
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = stopped.wait_for(|stop| *stop) => return,
        }
        for ladder in seen.settled(&book.all()) {
            match store.renew_libraries(&ladder, false, store.now_ms()).await {
                Ok(recordings) => {
                    tracing::info!(ladder = %ladder.name, recordings, "the library follows its ladder");
                    seen.is_done(&ladder);
                }
                Err(error) => tracing::warn!(ladder = %ladder.name, %error, "the library could not be looked through"),
            }
        }
    }
}

/// What the ladders were when they were last looked at.
#[derive(Default)]
struct Seen(BTreeMap<String, Look>);

struct Look {
    sha256: String,
    /// Looks in a row that found it so.
    looks: u32,
    done: bool,
}

impl Seen {
    /// The ladders that ask for it, have stayed the same for a while and were not done since they changed.
    fn settled(&mut self, ladders: &[Ladder]) -> Vec<LadderPin> {
        let asking: Vec<&Ladder> = ladders.iter().filter(|ladder| ladder.renew_library).collect();
        self.0.retain(|name, _| asking.iter().any(|ladder| ladder.name == *name));
        let mut settled = Vec::new();
        for ladder in asking {
            let new = || Look { sha256: ladder.sha256.clone(), looks: 0, done: false };
            let look = self.0.entry(ladder.name.clone()).or_insert_with(new);
            if look.sha256 != ladder.sha256 {
                *look = new();
            }
            look.looks = look.looks.saturating_add(1);
            if look.looks >= SETTLED && !look.done {
                settled.push(ladder.pin());
            }
        }
        settled
    }

    fn is_done(&mut self, ladder: &LadderPin) {
        if let Some(look) = self.0.get_mut(&ladder.name).filter(|look| look.sha256 == ladder.sha256) {
            look.done = true;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn ladder(sha256: &str, renew_library: bool) -> Vec<Ladder> {
        let shipped = ladders::builtin("lecture").unwrap();
        assert!(!shipped.renew_library, "an upgrade alone must not encode a library");
        vec![Ladder { name: "house".to_owned(), sha256: sha256.to_owned(), renew_library, ..shipped }]
    }

    #[test]
    fn a_ladder_that_stays_the_same_for_a_while_is_done_once() {
        let mut seen = Seen::default();
        let hashes = |pins: Vec<LadderPin>| pins.into_iter().map(|pin| pin.sha256).collect::<Vec<_>>();
        for sha256 in ["a", "a", "b", "a", "a"] {
            assert_eq!(hashes(seen.settled(&ladder(sha256, true))), [""; 0], "{sha256}");
        }
        for _database_was_away in 0..2 {
            assert_eq!(hashes(seen.settled(&ladder("a", true))), ["a"]);
        }
        seen.is_done(&ladder("a", true)[0].pin());
        assert!(seen.settled(&ladder("a", true)).is_empty());
        for _ in 0..SETTLED {
            assert!(seen.settled(&ladder("b", false)).is_empty(), "nobody asks for it");
        }
        let settled: Vec<_> = (0..SETTLED).flat_map(|_| hashes(seen.settled(&ladder("b", true)))).collect();
        assert_eq!(settled, ["b"]);
    }
}
