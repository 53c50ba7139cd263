//! The ladders in force: the shipped ones, and files beside the data that add to them or replace them.
//!
//! A changed file is taken up when it is next asked for, without a restart; a bad one is refused, and the one that was
//! in force stays.

pub(crate) mod shared;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use ladders::Ladder;

use crate::exit::Failure;

/// Larger files are no ladders.
const MAX_FILE_BYTES: u64 = 64 * 1024;
/// Files looked at in a folder.
const MAX_FILES: usize = 256;

/// Every ladder by name.
#[derive(Clone)]
pub(crate) struct LadderBook(Arc<Mutex<Book>>);

struct Book {
    folder: PathBuf,
    files: BTreeMap<PathBuf, Entry>,
}

struct Entry {
    stamp: (Option<SystemTime>, u64),
    in_force: Option<(Arc<Ladder>, Arc<str>)>,
}

impl LadderBook {
    /// Reads `*.toml` in `folder`, which need not exist.
    pub(crate) fn open(folder: PathBuf) -> Self {
        let book = Self(Arc::new(Mutex::new(Book { folder, files: BTreeMap::new() })));
        book.all();
        book
    }

    /// The ladder of that name, as in force now.
    pub(crate) fn get(&self, name: &str) -> Option<Ladder> {
        self.all().into_iter().find(|ladder| ladder.name == name)
    }

    /// All ladders, by name.
    pub(crate) fn all(&self) -> Vec<Ladder> {
        let mut book = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        book.refresh();
        let shipped = ladders::catalog().iter().filter_map(|(name, _)| ladders::builtin(name));
        let mut by_name: BTreeMap<String, Ladder> = shipped.map(|ladder| (ladder.name.clone(), ladder)).collect();
        for (ladder, _) in book.files.values().filter_map(|entry| entry.in_force.clone()) {
            by_name.insert(ladder.name.clone(), Ladder::clone(&ladder));
        }
        by_name.into_values().collect()
    }

    /// The files in force, by the names of their ladders.
    fn texts(&self) -> shared::Texts {
        let mut book = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        book.refresh();
        let in_force = book.files.values().filter_map(|entry| entry.in_force.clone());
        in_force.map(|(ladder, text)| (ladder.name.clone(), text)).collect()
    }
}

impl Book {
    fn refresh(&mut self) {
        let found = toml_files(&self.folder);
        self.files.retain(|path, _| found.iter().any(|(there, _)| there == path));
        for (path, stamp) in found {
            if self.files.get(&path).is_some_and(|entry| entry.stamp == stamp) {
                continue;
            }
            let before = self.files.remove(&path).and_then(|entry| entry.in_force);
            let in_force = match load_file(&path) {
                Ok((ladder, text)) => {
                    tracing::info!(file = %path.display(), ladder = %ladder.name, "ladder taken up");
                    Some((Arc::new(ladder), text.into()))
                }
                Err(mistakes) => {
                    tracing::warn!(file = %path.display(), kept = before.is_some(), "ladder refused:\n{mistakes}");
                    before
                }
            };
            self.files.insert(path, Entry { stamp, in_force });
        }
    }
}

fn toml_files(folder: &Path) -> Vec<(PathBuf, (Option<SystemTime>, u64))> {
    let Ok(entries) = folder.read_dir() else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    let found = paths.into_iter().filter_map(|path| {
        // Through symbolic links: a change of what they point at is a change too.
        let metadata = path.metadata().ok()?;
        metadata.is_file().then(|| (path, (metadata.modified().ok(), metadata.len())))
    });
    found.take(MAX_FILES).collect()
}

/// The text of a ladder file, which is refused when it is too large to be one; the reason names the file.
pub(crate) fn read(path: &Path) -> Result<String, String> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_string(&mut text));
    match read {
        Err(error) => Err(format!("{}: {error}", path.display())),
        Ok(length) if length as u64 > MAX_FILE_BYTES => {
            Err(format!("{}: a ladder file has at most {MAX_FILE_BYTES} bytes", path.display()))
        }
        Ok(_) => Ok(text),
    }
}

fn load_file(path: &Path) -> Result<(Ladder, String), String> {
    let text = read(path)?;
    let ladder = ladders::parse(&path.display().to_string(), &text).map_err(|report| report.to_string())?;
    Ok((ladder, text))
}

/// A shipped ladder by name, or a ladder file by path.
pub(crate) fn find(name_or_file: &str) -> Result<Ladder, Failure> {
    if let Some(ladder) = ladders::builtin(name_or_file) {
        return Ok(ladder);
    }
    let path = Path::new(name_or_file);
    if !path.is_file() {
        let names: Vec<_> = ladders::catalog().iter().map(|(name, _)| *name).collect();
        let detail = format!("{name_or_file} is neither a shipped ladder nor a file");
        return Err(Failure::config("ladder.unknown", detail, &format!("shipped ladders are {}", names.join(", "))));
    }
    load_file(path).map(|(ladder, _)| ladder).map_err(|mistakes| Failure::config("ladder.invalid", mistakes, ""))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    pub(super) fn film_named(name: &str) -> String {
        let (_, text) = ladders::catalog().iter().find(|(shipped, _)| *shipped == "film").unwrap();
        text.replacen("name = \"film\"", &format!("name = \"{name}\""), 1)
    }

    #[test]
    fn a_changed_file_is_taken_up_and_a_bad_one_leaves_the_old_in_force() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("house.toml");
        let book = LadderBook::open(folder.path().to_owned());
        assert!(book.get("house").is_none() && book.get("film").is_some());

        std::fs::write(&file, film_named("house")).unwrap();
        let first = book.get("house").unwrap();
        std::fs::write(&file, "name = \"house\"\nthis is not a ladder").unwrap();
        assert_eq!(book.get("house").unwrap().sha256, first.sha256, "the old one stays in force");
        std::fs::write(&file, format!("{}\n# edited\n", film_named("house"))).unwrap();
        assert_ne!(book.get("house").unwrap().sha256, first.sha256, "the new one is taken up");
        std::fs::remove_file(&file).unwrap();
        assert!(book.get("house").is_none());
    }

    #[test]
    fn a_file_may_replace_a_shipped_ladder_and_a_huge_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("film.toml"), format!("# ours\n{}", film_named("film"))).unwrap();
        std::fs::write(folder.path().join("huge.toml"), vec![b'#'; MAX_FILE_BYTES as usize + 1]).unwrap();
        let book = LadderBook::open(folder.path().to_owned());
        assert_ne!(book.get("film").unwrap().sha256, ladders::builtin("film").unwrap().sha256);
        assert_eq!(book.all().len(), ladders::catalog().len());
    }

    #[test]
    fn a_change_behind_a_symbolic_link_is_taken_up_and_what_is_no_file_is_passed_over() {
        let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let target = elsewhere.path().join("house");
        std::fs::write(&target, film_named("house")).unwrap();
        std::os::unix::fs::symlink(&target, folder.path().join("house.toml")).unwrap();
        std::fs::create_dir(folder.path().join("folder.toml")).unwrap();
        let book = LadderBook::open(folder.path().to_owned());
        let first = book.get("house").unwrap();
        std::fs::write(&target, format!("{}\n# edited\n", film_named("house"))).unwrap();
        assert_ne!(book.get("house").unwrap().sha256, first.sha256);
    }
}
