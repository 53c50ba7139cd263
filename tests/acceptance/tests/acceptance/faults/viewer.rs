//! Somebody who reads what is published, all the time, and minds every step: pointer, playlists, segments.

use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::server::{Answer, ask};

/// Segments that are read of each playlist in one look.
const SEGMENTS: usize = 2;

/// An origin may show the generation before for a moment.
const CATCHES_UP_WITHIN: Duration = Duration::from_secs(20);

/// A thread that looks until it is told which generation is the last one.
pub(super) struct Viewer {
    last: Arc<AtomicU64>,
    thread: JoinHandle<Seen>,
}

/// What was seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Looks at a published tree.
    pub(super) looks: usize,
    pub(super) generations: BTreeSet<u64>,
    pub(super) segments: usize,
    /// Requests that were answered with "later", or not at all.
    pub(super) later: usize,
    /// Hashes of what never changes, by URL.
    kept: HashMap<String, u64>,
}

impl Viewer {
    /// Watches a playback at the origin of this address.
    pub(super) fn watch(origin: &str, playback: &str) -> Self {
        let (last, base) = (Arc::new(AtomicU64::new(0)), format!("http://{origin}/p/{playback}/"));
        let told = Arc::clone(&last);
        let thread = std::thread::spawn(move || {
            let (mut seen, mut ends) = (Seen::default(), None);
            loop {
                seen.look(&base);
                let last = told.load(Ordering::Relaxed);
                if last > 0 && seen.generations.last() == Some(&last) {
                    return seen;
                }
                let deadline = *ends.get_or_insert_with(|| Instant::now() + CATCHES_UP_WITHIN);
                assert!(last == 0 || Instant::now() < deadline, "{:?} were seen, and {last} never", seen.generations);
                ends = ends.filter(|_| last > 0);
                std::thread::park_timeout(Duration::from_millis(50));
            }
        });
        Self { last, thread }
    }

    /// Whether everything was right so far.
    pub(super) fn is_content(&self) -> bool {
        !self.thread.is_finished()
    }

    /// What was seen up to the generation `last`, which is at least 1; panics with what was wrong.
    pub(super) fn end(self, last: u64) -> Seen {
        self.last.store(last, Ordering::Relaxed);
        self.thread.join().unwrap_or_else(|why| std::panic::resume_unwind(why))
    }
}

impl Seen {
    fn look(&mut self, base: &str) {
        let Some(master) = self.get(&format!("{base}master.m3u8"), self.looks == 0) else { return };
        let master = String::from_utf8(master).unwrap();
        assert!(master.starts_with("#EXTM3U"), "{master}");
        let uris: Vec<&str> = master.lines().filter_map(uri_of).collect();
        let generations: BTreeSet<u64> = uris.iter().map(|uri| generation_of(uri)).collect();
        assert_eq!(generations.len(), 1, "one generation: {master}");
        assert!(self.generations.last() <= generations.last(), "back from {:?}: {master}", self.generations);
        self.generations.extend(generations);
        self.looks += 1;
        for uri in uris.into_iter().filter(|uri| uri.ends_with("/media.m3u8")) {
            self.playlist(&format!("{base}{uri}"));
        }
    }

    fn playlist(&mut self, url: &str) {
        let Some(playlist) = self.get_kept(url) else { return };
        let playlist = String::from_utf8(playlist).unwrap();
        assert!(playlist.starts_with("#EXTM3U") && playlist.contains("#EXT-X-ENDLIST"), "{url}: {playlist}");
        let segments: Vec<&str> = playlist.lines().filter(|line| line.ends_with(".m4s")).collect();
        assert!(!segments.is_empty(), "{url}");
        for at in 0..SEGMENTS.min(segments.len()) {
            let segment = segments[(self.looks + at * 7) % segments.len()];
            let Some(bytes) = self.get_kept(&format!("{}/{segment}", url.rsplit_once('/').unwrap().0)) else {
                continue;
            };
            assert!([b"styp", b"moof"].iter().any(|kind| bytes.get(4..8) == Some(&kind[..])), "{url}: {segment}");
            self.segments += 1;
        }
    }

    /// The same as the last time, or "later".
    fn get_kept(&mut self, url: &str) -> Option<Vec<u8>> {
        let bytes = self.get(url, false)?;
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        let hash = hasher.finish();
        assert_eq!(*self.kept.entry(url.to_owned()).or_insert(hash), hash, "{url} has changed");
        Some(bytes)
    }

    /// `None` when it is to be had later; and of what may not be there yet.
    fn get(&mut self, url: &str, may_miss: bool) -> Option<Vec<u8>> {
        let Ok(Answer { status, body, .. }) = ask("GET", url.to_owned(), &[], None) else {
            self.later += 1;
            return None;
        };
        match status {
            200 => return Some(body),
            503 => self.later += 1,
            404 if may_miss => {}
            other => panic!("{url}: {other} {}", String::from_utf8_lossy(&body)),
        }
        None
    }
}

/// What a line of a multivariant playlist refers to.
fn uri_of(line: &str) -> Option<&str> {
    if line.starts_with('#') {
        return line.split_once("URI=\"")?.1.split_once('"').map(|(uri, _)| uri);
    }
    Some(line).filter(|line| !line.is_empty())
}

fn generation_of(uri: &str) -> u64 {
    let number = uri.strip_prefix('g').and_then(|rest| rest.split_once('/')).map(|(number, _)| number.parse());
    number.and_then(Result::ok).unwrap_or_else(|| panic!("{uri} names no generation"))
}
