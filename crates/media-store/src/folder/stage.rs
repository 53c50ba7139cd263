//! The blocking half of the folder store: uploads that arrive in pieces.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::disk::{Disk, existing, read};
use super::hashing::Hashed;
use super::path_of;
use crate::store::check_size;
use crate::{PutNew, StagedObject, StoreError};

const HASHED_AT_ONCE_BYTES: usize = 1 << 20;
/// A program is started within this, also on a busy machine.
const STARTED_WITHIN: Duration = Duration::from_secs(2);
/// Between two looks at a lock.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// Takes the lock of an upload. A program that is being started holds what its parent had open until it runs: that is waited
/// for, and whoever else holds the lock is a conflict.
fn lock(file: &File, key: &str) -> Result<(), StoreError> {
    let deadline = Instant::now() + STARTED_WITHIN;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(fs::TryLockError::WouldBlock) if Instant::now() < deadline => std::thread::park_timeout(LOOK_EVERY),
            Err(fs::TryLockError::WouldBlock) => return Err(StoreError::conflict(key)),
            Err(fs::TryLockError::Error(error)) => return Err(StoreError::io("lock an upload")(error)),
        }
    }
}

fn writable() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    options
}

/// Whether `path` still leads to the file that was opened there.
fn is_still_at(file: &fs::Metadata, path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|now| (now.dev(), now.ino()) == (file.dev(), file.ino()))
}

impl Disk {
    /// The upload, locked against every other change, also by other processes; `None` when there is none.
    fn open_upload(&self, key: &str) -> Result<Option<(File, fs::Metadata)>, StoreError> {
        let path = path_of(&self.staging, key);
        let Some((file, _)) = existing(writable().open(&path))? else { return Ok(None) };
        lock(&file, key)?;
        let meta = file.metadata().map_err(StoreError::io("look at an upload"))?;
        Ok(is_still_at(&meta, &path).then_some((file, meta)))
    }

    fn make_upload(&self, key: &str) -> Result<(), StoreError> {
        let path = path_of(&self.staging, key);
        self.within_folder(&self.staging, key, |parent| {
            let made = writable().create(true).truncate(false).open(&path);
            made.map_err(StoreError::io("make an upload")).map(|_| ((), parent))
        })
    }

    pub(super) fn stage_append(&self, key: &str, offset: u64, bytes: &[u8]) -> Result<u64, StoreError> {
        check_size(key, bytes.len() as u64)?;
        self.check_room(bytes.len())?;
        let mut upload = self.open_upload(key)?;
        if upload.is_none() && offset == 0 {
            self.make_upload(key)?;
            upload = self.open_upload(key)?;
        }
        let Some((file, meta)) = upload else { return Err(StoreError::OffsetMismatch { actual: 0 }) };
        if meta.nlink() > 1 {
            // A finish was killed after it had made the object: these bytes are immutable now.
            return Err(StoreError::conflict(key));
        }
        if meta.len() != offset {
            return Err(StoreError::OffsetMismatch { actual: meta.len() });
        }
        let written = file.write_all_at(bytes, offset).and_then(|()| file.sync_data());
        if let Err(error) = written {
            // Best effort: whatever length it keeps, `stage_offset` tells the truth.
            let _ = file.set_len(offset);
            return Err(StoreError::io("append to an upload")(error));
        }
        self.hashing.appended(&meta, offset, bytes);
        Ok(offset + bytes.len() as u64)
    }

    pub(super) fn stage_offset(&self, key: &str) -> Result<Option<u64>, StoreError> {
        let found = existing(File::open(path_of(&self.staging, key)))?;
        Ok(found.map(|(_, meta)| meta.len()))
    }

    pub(super) fn stage_range(&self, key: &str, offset: u64, length: u64) -> Result<Bytes, StoreError> {
        check_size(key, length)?;
        // Whoever appends holds the lock; what was appended before is there for everybody.
        let found = existing(File::open(path_of(&self.staging, key)))?;
        let (file, meta) = found.ok_or_else(|| StoreError::not_found(key))?;
        read(&file, offset, length.min(meta.len().saturating_sub(offset)))
    }

    pub(super) fn stage_finish(&self, upload_key: &str, final_key: &str) -> Result<StagedObject, StoreError> {
        let Some((upload, meta)) = self.open_upload(upload_key)? else {
            let (object, _) = self.open_object(final_key)?.ok_or_else(|| StoreError::not_found(upload_key))?;
            return describe(&object, Hashed::default());
        };
        upload.sync_all().map_err(StoreError::io("sync an upload"))?;
        let staged = describe(&upload, self.hashing.take(&meta).unwrap_or_default())?;
        if self.link(&path_of(&self.staging, upload_key), final_key)? == PutNew::Exists {
            let same_file = is_still_at(&meta, &path_of(&self.objects, final_key));
            if !same_file {
                let (object, _) = self.open_object(final_key)?.ok_or_else(|| StoreError::conflict(final_key))?;
                if describe(&object, Hashed::default())? != staged {
                    return Err(StoreError::conflict(final_key));
                }
            }
        }
        self.remove(&self.staging, upload_key)?;
        Ok(staged)
    }

    pub(super) fn stage_discard(&self, key: &str) -> Result<(), StoreError> {
        let Some((_locked, meta)) = self.open_upload(key)? else { return Ok(()) };
        self.hashing.take(&meta);
        self.remove(&self.staging, key)
    }
}

/// What a file is, of which the first bytes are hashed already.
fn describe(file: &File, Hashed { mut hasher, bytes: mut size_bytes }: Hashed) -> Result<StagedObject, StoreError> {
    let mut buffer = vec![0; HASHED_AT_ONCE_BYTES];
    loop {
        let read = file.read_at(&mut buffer, size_bytes).map_err(StoreError::io("hash an upload"))?;
        if read == 0 {
            return Ok(StagedObject { size_bytes, sha256: hasher.finish() });
        }
        hasher.update(&buffer[..read]);
        size_bytes += read as u64;
    }
}
