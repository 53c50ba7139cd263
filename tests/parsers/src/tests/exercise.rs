//! Running a target over many inputs.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use super::memory;
use super::mutate::{Noise, mutated};

/// Faults of one target that are told apart by their messages; more are not looked for.
const MOST_FAULTS: usize = 10;
/// A round that takes longer will not end.
const STUCK: Duration = Duration::from_secs(60);

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Panics say what they have to say once.
static QUIET: LazyLock<()> = LazyLock::new(|| {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        PLACE.set(place);
        if !IN_ROUND.get() {
            eprintln!("{info}");
        }
    }));
});

thread_local! {
    static PLACE: std::cell::Cell<String> = const { std::cell::Cell::new(String::new()) };
    static IN_ROUND: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// Runs a target over its seeds as they are, then over changed ones, and fails with all faults that were found, each with a
/// file that shows it.
pub(super) fn exercise(name: &'static str, seeds: Vec<Vec<u8>>, rounds: u64, target: fn(&[u8])) {
    LazyLock::force(&QUIET);
    assert!(!seeds.is_empty());
    write_seeds(name, &seeds);
    let rounds = rounds * variable("FUZZ_ROUNDS").unwrap_or(1);
    let seeds: Arc<[Vec<u8>]> = seeds.into();
    let at = Arc::new(AtomicU64::new(0));
    let watch = watch(name, Arc::clone(&seeds), Arc::clone(&at));
    let mut faults: BTreeMap<String, (u64, String)> = BTreeMap::new();
    let mut slowest = (Duration::ZERO, 0);
    for round in 0..seeds.len() as u64 + rounds {
        at.store(round, Ordering::Relaxed);
        let data = input(&seeds, round);
        let start = Instant::now();
        let fault = run(name, round, &data, target);
        slowest = slowest.max((start.elapsed(), round));
        if let Some((place, message)) = fault {
            faults.entry(place).or_insert((round, message));
        }
        if faults.len() == MOST_FAULTS {
            break;
        }
    }
    drop(watch);
    println!("{name}: the slowest of {rounds} rounds took {:?}, round {}", slowest.0, slowest.1);
    let said: Vec<String> = faults
        .into_iter()
        .map(|(place, (round, message))| {
            format!("{place}: {message}\n  {}", keep(name, round, &input(&seeds, round)).display())
        })
        .collect();
    assert!(said.is_empty(), "{name}\n{}", said.join("\n"));
}

/// The input of a round: a seed, or after those a changed one.
fn input(seeds: &[Vec<u8>], round: u64) -> Vec<u8> {
    if let Some(seed) = usize::try_from(round).ok().and_then(|round| seeds.get(round)) {
        return seed.clone();
    }
    let seed = variable("FUZZ_SEED").unwrap_or(0x1ec7_e412);
    mutated(seeds, &mut Noise::new(seed.wrapping_mul(0x1_0000_0001).wrapping_add(round << 20)))
}

/// Where it fell and why, when it did.
fn run(name: &'static str, round: u64, data: &[u8], target: fn(&[u8])) -> Option<(String, String)> {
    let mut outcome = Ok(());
    IN_ROUND.set(true);
    let peak = memory::peak_of(name, round, || outcome = catch_unwind(AssertUnwindSafe(|| target(data))));
    IN_ROUND.set(false);
    let allowed = (64 << 20) + 16 * data.len();
    match outcome {
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or(panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default();
            Some((PLACE.take(), text))
        }
        Ok(()) if peak > allowed => Some(("memory".to_owned(), format!("{peak} bytes for {}", data.len()))),
        Ok(()) => None,
    }
}

/// Stops everything when a round does not end. Ends when what it returns is dropped.
fn watch(name: &'static str, seeds: Arc<[Vec<u8>]>, at: Arc<AtomicU64>) -> Sender<()> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut before = u64::MAX;
        while receiver.recv_timeout(STUCK) == Err(RecvTimeoutError::Timeout) {
            let now = at.load(Ordering::Relaxed);
            if now == before {
                eprintln!("{name}: round {now} does not end: {}", keep(name, now, &input(&seeds, now)).display());
                std::process::abort();
            }
            before = now;
        }
    });
    sender
}

fn keep(name: &str, round: u64, data: &[u8]) -> PathBuf {
    let path = std::env::temp_dir().join(format!("lectern-fuzz-{name}-{round}.bin"));
    match std::fs::write(&path, data) {
        Ok(()) => path,
        Err(error) => PathBuf::from(format!("{error}: {}", hex::encode(data))),
    }
}

fn write_seeds(name: &str, seeds: &[Vec<u8>]) {
    let Some(folder) = std::env::var_os("FUZZ_SEEDS") else { return };
    let folder = PathBuf::from(folder).join(name);
    std::fs::create_dir_all(&folder).expect("the folder for seeds can be made");
    for (number, seed) in seeds.iter().enumerate() {
        std::fs::write(folder.join(number.to_string()), seed).expect("a seed can be written");
    }
}
