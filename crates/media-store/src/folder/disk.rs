//! The blocking half of the folder store: objects and pointers.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::hashing::Hashing;
use super::lock::{FOLDERS, Held, Locks, SWAP};
use super::path_of;
use super::temp::Temp;
use crate::store::check_size;
use crate::{ObjectMeta, PutNew, StoreError, Version};

pub(super) struct Disk {
    root: PathBuf,
    pub(super) objects: PathBuf,
    pub(super) staging: PathBuf,
    locks: Locks,
    temp: Temp,
    pub(super) hashing: Hashing,
    reserve_bytes: u64,
}

/// `None` when there is nothing there, or no file.
pub(super) fn existing(opened: io::Result<File>) -> Result<Option<(File, fs::Metadata)>, StoreError> {
    let file = match opened {
        Ok(file) => file,
        Err(error) => {
            return match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory => Ok(None),
                _ => Err(StoreError::io("open a file")(error)),
            };
        }
    };
    let meta = file.metadata().map_err(StoreError::io("look at a file"))?;
    Ok(meta.is_file().then_some((file, meta)))
}

fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(StoreError::io("sync a folder"))
}

impl Disk {
    pub(super) fn open(root: &Path, reserve_bytes: u64) -> Result<Self, StoreError> {
        let locks = Locks::open(&root.join("lock"))?;
        let (objects, staging) = (root.join("objects"), root.join("staging"));
        for folder in [&objects, &staging] {
            fs::create_dir_all(folder).map_err(StoreError::io("make a folder of the store"))?;
        }
        let temp = Temp::open(&root.join("temp"), &locks)?;
        sync_folder(root)?;
        if let Some(parent) = root.canonicalize().ok().as_deref().and_then(Path::parent) {
            sync_folder(parent)?;
        }
        Ok(Self { root: root.to_owned(), objects, staging, locks, temp, hashing: Hashing::default(), reserve_bytes })
    }

    pub(super) fn check_room(&self, bytes: usize) -> Result<(), StoreError> {
        let disk = rustix::fs::statvfs(&self.root).map_err(io::Error::from);
        let disk = disk.map_err(StoreError::io("look at the free space"))?;
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        if free < self.reserve_bytes.saturating_add(bytes as u64) { Err(StoreError::NoSpace) } else { Ok(()) }
    }

    pub(super) fn open_object(&self, key: &str) -> Result<Option<(File, u64)>, StoreError> {
        let found = existing(File::open(path_of(&self.objects, key)))?;
        Ok(found.map(|(file, meta)| (file, meta.len())))
    }

    pub(super) fn head(&self, key: &str) -> Result<Option<ObjectMeta>, StoreError> {
        Ok(self.open_object(key)?.map(|(_, size_bytes)| ObjectMeta { size_bytes }))
    }

    pub(super) fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        let Some((file, size)) = self.open_object(key)? else { return Ok(None) };
        check_size(key, size)?;
        read(&file, 0, size).map(Some)
    }

    pub(super) fn get_range(&self, key: &str, offset: u64, length: u64) -> Result<Bytes, StoreError> {
        check_size(key, length)?;
        let (file, size) = self.open_object(key)?.ok_or_else(|| StoreError::not_found(key))?;
        read(&file, offset, length.min(size.saturating_sub(offset)))
    }

    pub(super) fn put_new(&self, key: &str, bytes: &[u8]) -> Result<PutNew, StoreError> {
        check_size(key, bytes.len() as u64)?;
        let path = path_of(&self.objects, key);
        if let Some(parent) = path.parent()
            && path.is_file()
        {
            // Whoever is writing it may not have synced the folder yet, and our caller will rely on it.
            sync_folder(parent)?;
            return Ok(PutNew::Exists);
        }
        self.check_room(bytes.len())?;
        let temp = self.temp.write(bytes)?;
        self.link(&temp.path, key)
    }

    /// Gives a durable file its key, durably, unless the key is taken.
    pub(super) fn link(&self, file: &Path, key: &str) -> Result<PutNew, StoreError> {
        let path = path_of(&self.objects, key);
        self.within_folder(&self.objects, key, |parent| {
            let outcome = match fs::hard_link(file, &path) {
                Ok(()) => PutNew::Created,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    if path.is_dir() {
                        return Err(StoreError::KeyClash { key: key.to_owned() });
                    }
                    PutNew::Exists
                }
                Err(error) => return Err(StoreError::io("link an object")(error)),
            };
            Ok((outcome, parent))
        })
    }

    /// Runs `put` with the folder of `key` existing and durable, then syncs that folder.
    pub(super) fn within_folder<T>(
        &self,
        root: &Path,
        key: &str,
        put: impl FnOnce(File) -> Result<(T, File), StoreError>,
    ) -> Result<T, StoreError> {
        let path = path_of(root, key);
        let parent = path.parent().unwrap_or(root);
        let (done, folder) = {
            let _held = self.folder_exists(root, parent, key)?;
            put(File::open(parent).map_err(StoreError::io("open a folder"))?)?
        };
        folder.sync_all().map_err(StoreError::io("sync a folder"))?;
        Ok(done)
    }

    /// While the lock is held nobody removes the folder. A folder that is seen without the exclusive lock was synced
    /// by its maker, who held that.
    fn folder_exists(&self, root: &Path, folder: &Path, key: &str) -> Result<Held, StoreError> {
        let held = self.locks.shared(FOLDERS)?;
        if folder.is_dir() {
            return Ok(held);
        }
        drop(held);
        let held = self.locks.exclusive(FOLDERS)?;
        let mut missing = Vec::new();
        let mut at = folder;
        while at != root && !at.is_dir() {
            missing.push(at);
            at = at.parent().unwrap_or(root);
        }
        for folder in missing.into_iter().rev() {
            fs::create_dir(folder).map_err(|error| match error.kind() {
                io::ErrorKind::AlreadyExists => StoreError::KeyClash { key: key.to_owned() },
                _ => StoreError::io("make a folder")(error),
            })?;
            sync_folder(folder.parent().unwrap_or(root))?;
        }
        Ok(held)
    }

    /// Removes the folders of `path` below `root` that have become empty.
    pub(super) fn prune(&self, root: &Path, path: &Path) -> Result<(), StoreError> {
        let _held = self.locks.exclusive(FOLDERS)?;
        let above = path.ancestors().skip(1).take_while(|folder| *folder != root && folder.starts_with(root));
        for folder in above {
            if fs::remove_dir(folder).is_err() {
                break;
            }
        }
        Ok(())
    }

    /// Unlinks durably; nothing happens when there is nothing.
    pub(super) fn remove(&self, root: &Path, key: &str) -> Result<(), StoreError> {
        let path = path_of(root, key);
        match fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) => {
                return match error.kind() {
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory => Ok(()),
                    _ => Err(StoreError::io("remove an object")(error)),
                };
            }
        }
        match File::open(path.parent().unwrap_or(root)) {
            Ok(parent) => parent.sync_all().map_err(StoreError::io("sync a folder"))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(StoreError::io("open a folder")(error)),
        }
        self.prune(root, &path)
    }

    pub(super) fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.remove(&self.objects, key)
    }

    pub(super) fn delete_prefix(&self, prefix: &str) -> Result<(), StoreError> {
        if prefix.is_empty() {
            return Err(StoreError::invalid_key(prefix));
        }
        if let Some(folder) = prefix.strip_suffix('/') {
            return self.delete_folder(&path_of(&self.objects, folder));
        }
        let mut after = None;
        loop {
            let keys = self.list(prefix, after.as_deref(), crate::MAX_LISTED_KEYS)?;
            for key in &keys {
                self.delete(key)?;
            }
            after = keys.into_iter().next_back();
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// The whole tree vanishes at once; a kill while its files are being removed leaves them to the next sweep.
    fn delete_folder(&self, folder: &Path) -> Result<(), StoreError> {
        let trash = self.temp.fresh_path();
        {
            let _held = self.locks.exclusive(FOLDERS)?;
            if !folder.is_dir() {
                return Ok(());
            }
            fs::rename(folder, &trash).map_err(StoreError::io("move a folder away"))?;
            sync_folder(folder.parent().unwrap_or(&self.objects))?;
        }
        self.prune(&self.objects, folder)?;
        fs::remove_dir_all(&trash).map_err(StoreError::io("remove a folder"))
    }

    pub(super) fn swap(&self, key: &str, expected: Option<&Version>, bytes: &[u8]) -> Result<Version, StoreError> {
        check_size(key, bytes.len() as u64)?;
        self.check_room(bytes.len())?;
        let temp = self.temp.write(bytes)?;
        let path = path_of(&self.objects, key);
        let _held = self.locks.exclusive(SWAP)?;
        if self.get(key)?.map(|bytes| Version::of(&bytes)).as_ref() != expected {
            return Err(StoreError::conflict(key));
        }
        self.within_folder(&self.objects, key, |parent| match fs::rename(&temp.path, &path) {
            Ok(()) => Ok((Version::of(bytes), parent)),
            Err(error) if error.kind() == io::ErrorKind::IsADirectory => {
                Err(StoreError::KeyClash { key: key.to_owned() })
            }
            Err(error) => Err(StoreError::io("replace an object")(error)),
        })
    }
}

/// Exactly `length` bytes, which the caller has bounded.
pub(super) fn read(file: &File, offset: u64, length: u64) -> Result<Bytes, StoreError> {
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
    file.read_exact_at(&mut bytes, offset).map_err(StoreError::io("read an object"))?;
    Ok(bytes.into())
}
