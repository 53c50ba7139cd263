//! A cache with a bound in bytes in front of a slow source, which is asked once however many wait for the answer.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use tokio::time::Instant;

/// Different keys that may be asked for at once; a request beyond that fails at once.
const MAX_FLIGHTS: usize = 1024;
/// What an entry costs beside its value: key, order, map slots.
const ENTRY_BYTES: usize = 256;

/// The source failed (and has said so in the log), or too much is being loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LoadFailed;

/// A value and roughly how many bytes it holds.
pub(crate) struct Loaded<V> {
    pub(crate) value: V,
    pub(crate) bytes: usize,
}

pub(crate) struct LoadingCache<K, V> {
    state: Arc<Mutex<State<K, V>>>,
}

type Flight<V> = Shared<BoxFuture<'static, Result<V, LoadFailed>>>;

struct State<K, V> {
    entries: HashMap<K, Entry<V>>,
    /// Last use to key; the first is the one to go.
    order: BTreeMap<u64, K>,
    uses: u64,
    held_bytes: usize,
    limit_bytes: usize,
    flights: HashMap<K, Flight<V>>,
}

struct Entry<V> {
    value: V,
    bytes: usize,
    used: u64,
    loaded_at: Instant,
}

fn lock<K, V>(state: &Mutex<State<K, V>>) -> MutexGuard<'_, State<K, V>> {
    // Nothing that can panic runs inside, so a poisoned state is whole.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<K: Clone + Eq + Hash + Send + 'static, V: Clone + Send + Sync + 'static> LoadingCache<K, V> {
    pub(crate) fn new(limit_bytes: usize) -> Self {
        let state = State {
            entries: HashMap::new(),
            order: BTreeMap::new(),
            uses: 0,
            held_bytes: 0,
            limit_bytes,
            flights: HashMap::new(),
        };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// The value of `key`, if `is_fresh` at its age, or what `load` makes of the key and the stale value. A load goes
    /// on when those who wait for it go away.
    pub(crate) async fn get<F>(
        &self,
        key: K,
        is_fresh: impl FnOnce(&V, Duration) -> bool,
        load: impl FnOnce(Option<V>) -> F,
    ) -> Result<V, LoadFailed>
    where
        F: Future<Output = Result<Loaded<V>, LoadFailed>> + Send + 'static,
    {
        let flight = {
            let mut state = lock(&self.state);
            let stale = match state.touch(&key) {
                Some((value, age)) if is_fresh(&value, age) => return Ok(value),
                stale => stale.map(|(value, _)| value),
            };
            match state.flights.get(&key) {
                Some(flight) => flight.clone(),
                None if state.flights.len() >= MAX_FLIGHTS => return Err(LoadFailed),
                None => {
                    let flight = self.depart(key.clone(), load(stale));
                    state.flights.insert(key, flight.clone());
                    flight
                }
            }
        };
        flight.await
    }

    fn depart<F>(&self, key: K, load: F) -> Flight<V>
    where
        F: Future<Output = Result<Loaded<V>, LoadFailed>> + Send + 'static,
    {
        let landing = Landing { state: Arc::clone(&self.state), key };
        let task = tokio::spawn(async move {
            let loaded = load.await?;
            lock(&landing.state).insert(landing.key.clone(), &loaded);
            Ok(loaded.value)
        });
        task.map(|joined| joined.unwrap_or(Err(LoadFailed))).boxed().shared()
    }

    /// Forgets a value that has turned out to be wrong.
    pub(crate) fn forget(&self, key: &K) {
        lock(&self.state).remove(key);
    }
}

/// Ends a flight however it went, also by a panic.
struct Landing<K: Eq + Hash, V> {
    state: Arc<Mutex<State<K, V>>>,
    key: K,
}

impl<K: Eq + Hash, V> Drop for Landing<K, V> {
    fn drop(&mut self) {
        lock(&self.state).flights.remove(&self.key);
    }
}

impl<K: Clone + Eq + Hash, V: Clone> State<K, V> {
    fn touch(&mut self, key: &K) -> Option<(V, Duration)> {
        let entry = self.entries.get_mut(key)?;
        self.order.remove(&entry.used);
        self.uses += 1;
        entry.used = self.uses;
        self.order.insert(entry.used, key.clone());
        Some((entry.value.clone(), entry.loaded_at.elapsed()))
    }

    fn remove(&mut self, key: &K) {
        if let Some(entry) = self.entries.remove(key) {
            self.order.remove(&entry.used);
            self.held_bytes -= entry.bytes;
        }
    }

    fn insert(&mut self, key: K, loaded: &Loaded<V>) {
        self.remove(&key);
        let bytes = loaded.bytes.saturating_add(ENTRY_BYTES);
        if bytes > self.limit_bytes {
            return;
        }
        self.uses += 1;
        self.held_bytes += bytes;
        self.order.insert(self.uses, key.clone());
        let entry = Entry { value: loaded.value.clone(), bytes, used: self.uses, loaded_at: Instant::now() };
        self.entries.insert(key, entry);
        while self.held_bytes > self.limit_bytes
            && let Some((_, oldest)) = self.order.pop_first()
        {
            self.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::future::join_all;
    use tokio::sync::Notify;

    use super::*;

    async fn load(cache: &LoadingCache<u32, u32>, key: u32, bytes: usize) -> bool {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let answer = cache.get(
            key,
            |_, _| true,
            |_| async move {
                count.fetch_add(1, Ordering::SeqCst);
                Ok(Loaded { value: key, bytes })
            },
        );
        assert_eq!(answer.await, Ok(key));
        asked.load(Ordering::SeqCst) == 1
    }

    #[tokio::test]
    async fn the_least_recently_used_goes_first_and_the_bound_holds() {
        let cache = LoadingCache::new(3 * (100 + ENTRY_BYTES));
        for key in 0..3 {
            assert!(load(&cache, key, 100).await);
        }
        assert!(!load(&cache, 0, 100).await);
        assert!(load(&cache, 3, 100).await);
        assert!(!load(&cache, 0, 100).await, "it was used again");
        assert!(load(&cache, 1, 100).await, "it was the oldest");
        assert!(load(&cache, 9, 10_000).await && load(&cache, 9, 10_000).await, "too large to hold");
        let state = lock(&cache.state);
        assert!(state.held_bytes <= state.limit_bytes && state.entries.len() == state.order.len());
        assert!(state.flights.is_empty());
    }

    #[tokio::test]
    async fn a_stale_value_is_handed_to_the_load() {
        let cache = LoadingCache::new(10_000);
        load(&cache, 1, 1).await;
        let reload = |stale: Option<u32>| async move { Ok(Loaded { value: stale.unwrap_or(0) + 10, bytes: 1 }) };
        let begun = Instant::now();
        let is_stale = |_: &u32, age: Duration| {
            assert!(age <= begun.elapsed() + Duration::from_secs(1));
            false
        };
        assert_eq!(cache.get(1, is_stale, reload).await, Ok(11));
        assert_eq!(cache.get(1, |_, _| true, reload).await, Ok(11), "fresh again");
        cache.forget(&1);
        assert_eq!(cache.get(1, |_, _| true, reload).await, Ok(10));
    }

    #[tokio::test]
    async fn many_waiters_make_one_load_that_outlives_the_first_of_them() {
        let cache = Arc::new(LoadingCache::<u32, u32>::new(10_000));
        let (asked, go) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let ask = || {
            let (cache, asked, go) = (Arc::clone(&cache), Arc::clone(&asked), Arc::clone(&go));
            async move {
                let load = |_| async move {
                    asked.fetch_add(1, Ordering::SeqCst);
                    go.notified().await;
                    Ok(Loaded { value: 7, bytes: 1 })
                };
                cache.get(1, |_, _| true, load).await
            }
        };
        assert_eq!(ask().now_or_never(), None, "the first waiter goes away");
        let waiters = join_all((0..20).map(|_| ask()));
        go.notify_one();
        let answers = tokio::time::timeout(Duration::from_secs(20), waiters).await;
        assert_eq!(answers.ok(), Some(vec![Ok(7); 20]), "one load answers all");
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_failed_or_panicked_load_is_tried_again_by_the_next() {
        let cache = LoadingCache::<u32, u32>::new(10_000);
        assert_eq!(cache.get(1, |_, _| true, |_| async { Err(LoadFailed) }).await, Err(LoadFailed));
        assert_eq!(cache.get(1, |_, _| true, |_| async { panic!("a fault") }).await, Err(LoadFailed));
        assert!(load(&cache, 1, 1).await);
    }
}
