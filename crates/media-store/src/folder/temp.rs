//! The temporary folder of one process, and the end of those whose process has died.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::lock::{Locks, OPEN};
use crate::StoreError;

const OWNER: &str = "owner";

pub(super) struct Temp {
    folder: PathBuf,
    /// Locked for as long as this value lives: what tells a live process's folder from a dead one's.
    _owner: File,
}

/// Removed when dropped, unless it was moved away.
pub(super) struct TempFile {
    pub(super) path: PathBuf,
}

impl Drop for TempFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

impl Temp {
    pub(super) fn open(root: &Path, locks: &Locks) -> Result<Self, StoreError> {
        let _held = locks.exclusive(OPEN)?;
        Self::make(root).map_err(StoreError::io("make a temporary folder"))
    }

    fn make(root: &Path) -> io::Result<Self> {
        fs::create_dir_all(root)?;
        for entry in fs::read_dir(root)? {
            sweep_if_dead(&entry?.path())?;
        }
        let folder = root.join(Uuid::new_v4().simple().to_string());
        fs::create_dir(&folder)?;
        let owner = File::create_new(folder.join(OWNER))?;
        owner.lock()?;
        Ok(Self { folder, _owner: owner })
    }

    /// A name that nobody else uses.
    pub(super) fn fresh_path(&self) -> PathBuf {
        self.folder.join(Uuid::new_v4().simple().to_string())
    }

    /// A durable file with these bytes.
    pub(super) fn write(&self, bytes: &[u8]) -> Result<TempFile, StoreError> {
        let temp = TempFile { path: self.fresh_path() };
        let written = File::create_new(&temp.path).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        });
        written.map_err(StoreError::io("write a temporary file"))?;
        Ok(temp)
    }
}

/// Only while the `open` lock is held: a folder without an owner file is then one whose maker died in between.
fn sweep_if_dead(folder: &Path) -> io::Result<()> {
    if !folder.is_dir() {
        return fs::remove_file(folder);
    }
    let owner = match File::open(folder.join(OWNER)) {
        Ok(owner) => Some(owner),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    match owner.as_ref().map(File::try_lock) {
        Some(Err(fs::TryLockError::WouldBlock)) => Ok(()),
        Some(Err(fs::TryLockError::Error(error))) => Err(error),
        Some(Ok(())) | None => fs::remove_dir_all(folder),
    }
}
