//! A watched folder: which files are whole, and where those go that are taken.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, UNIX_EPOCH};

/// What is kept beside the files.
const OWN: &str = ".lectern";
/// Names of files that their writers have not finished.
const UNFINISHED: [&str; 5] = [".part", ".partial", ".tmp", ".crdownload", ".filepart"];
/// The most files that are looked at: others wait for those.
const MOST: usize = 10_000;

/// What tells one state of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) size: u64,
    /// Nanoseconds since 1970.
    pub(super) modified: u128,
}

/// A folder, and since when its files are as they are.
pub(super) struct Folder {
    root: PathBuf,
    settle: Duration,
    seen: BTreeMap<String, (Mark, Instant)>,
    /// Held for as long as the folder is watched.
    _lock: fs::File,
}

/// A file that was taken out of the folder: nobody writes to it any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) mark: Mark,
}

impl Folder {
    /// Makes what is needed in it, and keeps others from watching it.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when another process watches it.
    pub(super) fn open(root: PathBuf, settle: Duration) -> io::Result<Self> {
        for place in ["arriving", "done", "failed"] {
            fs::create_dir_all(root.join(OWN).join(place))?;
        }
        let lock = fs::File::create(root.join(OWN).join("lock"))?;
        lock.try_lock().map_err(|error| match error {
            fs::TryLockError::WouldBlock => io::Error::new(io::ErrorKind::WouldBlock, "another process watches it"),
            fs::TryLockError::Error(error) => error,
        })?;
        Ok(Self { root, settle, seen: BTreeMap::new(), _lock: lock })
    }

    fn place(&self, place: &str) -> PathBuf {
        self.root.join(OWN).join(place)
    }

    /// The next file to upload, by name: first what was taken before this process began, then what has settled. `now` never
    /// goes back.
    pub(super) fn next(&mut self, now: Instant) -> io::Result<Option<Taken>> {
        if let Some((name, mark)) = files(&self.place("arriving"))?.into_iter().next() {
            return Ok(Some(Taken { path: self.place("arriving").join(&name), name, mark }));
        }
        let there = files(&self.root)?;
        let mut seen = BTreeMap::new();
        for (name, mark) in there {
            let since = self.seen.get(&name).filter(|(before, _)| *before == mark).map_or(now, |(_, since)| *since);
            seen.insert(name, (mark, since));
        }
        self.seen = seen;
        let settled = self.seen.iter().find(|(_, (_, since))| now.saturating_duration_since(*since) >= self.settle);
        let Some((name, (mark, _))) = settled.map(|(name, seen)| (name.clone(), *seen)) else { return Ok(None) };
        let path = self.place("arriving").join(&name);
        // Whoever put it there may have taken it away.
        match fs::rename(self.root.join(&name), &path) {
            Ok(()) => Ok(Some(Taken { name, path, mark })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether files are there that have not settled yet.
    pub(super) fn is_waiting(&self) -> bool {
        !self.seen.is_empty()
    }

    /// Puts a file that is uploaded where nobody looks for it again, or removes it.
    pub(super) fn done(&self, taken: &Taken, remove: bool) -> io::Result<()> {
        if remove { fs::remove_file(&taken.path) } else { put(taken, &self.place("done")).map(drop) }
    }

    /// The same with a file that is refused, with the reason beside it.
    pub(super) fn failed(&self, taken: &Taken, why: &str) -> io::Result<PathBuf> {
        let path = put(taken, &self.place("failed"))?;
        let mut beside = path.clone().into_os_string();
        beside.push(".txt");
        fs::write(beside, format!("{why}\n"))?;
        Ok(path)
    }
}

/// Whether something of this name is a file that is to be uploaded, as far as a name tells.
pub(super) fn is_whole(name: &str) -> bool {
    let unfinished = UNFINISHED.iter().any(|end| name.to_ascii_lowercase().ends_with(end)) || name.ends_with('~');
    !name.starts_with('.') && !unfinished
}

/// The plain files of a folder that are whole as far as their names tell, by name.
fn files(folder: &Path) -> io::Result<BTreeMap<String, Mark>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // A name that no API can be told stays where it is.
        let Ok(name) = entry.file_name().into_string() else { continue };
        if !is_whole(&name) {
            continue;
        }
        // Gone meanwhile, or a link: followed, it could lead anywhere.
        let Ok(about) = fs::symlink_metadata(entry.path()) else { continue };
        if !about.is_file() || about.len() == 0 {
            continue;
        }
        let modified = about.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        found.insert(name, Mark { size: about.len(), modified });
        if found.len() == MOST {
            break;
        }
    }
    Ok(found)
}

/// Moves a file into a folder under a name that is free.
fn put(taken: &Taken, folder: &Path) -> io::Result<PathBuf> {
    let mut path = folder.join(&taken.name);
    let mut copies = 1;
    while path.exists() {
        copies += 1;
        path = folder.join(format!("{copies}-{}", taken.name));
    }
    fs::rename(&taken.path, &path).map(|()| path)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const SETTLE: Duration = Duration::from_secs(10);

    fn watched() -> (tempfile::TempDir, Folder, Instant) {
        let folder = tempfile::tempdir().unwrap();
        let watched = Folder::open(folder.path().to_owned(), SETTLE).unwrap();
        (folder, watched, Instant::now())
    }

    #[test]
    fn a_file_is_taken_once_it_has_not_changed_for_a_while() {
        let (folder, mut watched, start) = watched();
        let path = folder.path().join("talk.mp4");
        fs::write(&path, "a").unwrap();
        assert_eq!(watched.next(start).unwrap(), None);
        fs::write(&path, "ab").unwrap();
        assert_eq!(watched.next(start + SETTLE).unwrap(), None, "it has grown");
        assert!(watched.is_waiting());
        let taken = watched.next(start + 2 * SETTLE).unwrap().unwrap();
        assert_eq!((taken.name.as_str(), taken.mark.size), ("talk.mp4", 2));
        assert!(!path.exists());
        watched.done(&taken, false).unwrap();
        assert!(folder.path().join(".lectern/done/talk.mp4").exists());
        assert_eq!(watched.next(start + 3 * SETTLE).unwrap(), None);
        assert!(!watched.is_waiting());
    }

    #[test]
    fn what_was_taken_before_is_first_and_what_is_no_recording_yet_stays() {
        let (folder, mut watched, start) = watched();
        for name in ["a.mp4.part", ".hidden", "b.mp4~", "c.TMP", "empty"] {
            fs::write(folder.path().join(name), if name == "empty" { "" } else { "x" }).unwrap();
        }
        fs::create_dir(folder.path().join("sub")).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("link.mp4")).unwrap();
        fs::write(folder.path().join("z.mp4"), "z").unwrap();
        watched.next(start).unwrap();
        fs::write(folder.path().join(".lectern/arriving/kept.mp4"), "k").unwrap();
        let kept = watched.next(start + SETTLE).unwrap().unwrap();
        assert_eq!(kept.name, "kept.mp4");
        watched.done(&kept, true).unwrap();
        assert_eq!(watched.next(start + SETTLE).unwrap().unwrap().name, "z.mp4");
    }

    #[test]
    fn one_process_alone_watches_a_folder() {
        let (folder, watched, _) = watched();
        let other = Folder::open(folder.path().to_owned(), SETTLE).err().unwrap();
        assert_eq!(other.kind(), io::ErrorKind::WouldBlock);
        drop(watched);
        assert!(Folder::open(folder.path().to_owned(), SETTLE).is_ok());
    }

    #[test]
    fn two_files_of_one_name_are_both_kept_and_a_refused_one_says_why() {
        let (folder, mut watched, start) = watched();
        for _ in 0..2 {
            fs::write(folder.path().join("talk.mp4"), "a").unwrap();
            watched.next(start).unwrap();
            let taken = watched.next(start + SETTLE).unwrap().unwrap();
            watched.failed(&taken, "it is none").unwrap();
            watched.seen.clear();
        }
        for name in ["talk.mp4", "talk.mp4.txt", "2-talk.mp4", "2-talk.mp4.txt"] {
            assert!(folder.path().join(".lectern/failed").join(name).exists(), "{name}");
        }
    }
}
