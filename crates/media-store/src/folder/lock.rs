//! Locks that many processes share, and that die with their holder.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};

use crate::StoreError;

/// Held while a process makes itself a temporary folder or sweeps those of dead ones.
pub(super) const OPEN: &str = "open";
/// Shared while something is put into a folder, exclusive while folders are made or removed.
pub(super) const FOLDERS: &str = "folders";
/// Held between reading a pointer and replacing it.
pub(super) const SWAP: &str = "swap";

pub(super) struct Locks {
    folder: PathBuf,
}

/// Released when dropped.
pub(super) struct Held(#[expect(dead_code, reason = "closing the file is what releases the lock")] File);

impl Locks {
    pub(super) fn open(folder: &Path) -> Result<Self, StoreError> {
        fs::create_dir_all(folder).map_err(StoreError::io("make the lock folder"))?;
        Ok(Self { folder: folder.to_owned() })
    }

    fn file(&self, name: &str) -> Result<File, StoreError> {
        let path = self.folder.join(name);
        let opened = OpenOptions::new().create(true).truncate(false).write(true).open(path);
        opened.map_err(StoreError::io("open a lock file"))
    }

    pub(super) fn shared(&self, name: &str) -> Result<Held, StoreError> {
        let file = self.file(name)?;
        file.lock_shared().map_err(StoreError::io("take a shared lock"))?;
        Ok(Held(file))
    }

    pub(super) fn exclusive(&self, name: &str) -> Result<Held, StoreError> {
        let file = self.file(name)?;
        file.lock().map_err(StoreError::io("take a lock"))?;
        Ok(Held(file))
    }
}
