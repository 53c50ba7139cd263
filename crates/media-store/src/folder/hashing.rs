//! Hashes of uploads, taken as their bytes arrive, so that the last one is acknowledged at once however many came before.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::tree_hash::TreeHasher;

/// Uploads remembered at a time, newest last. One that is forgotten, or was begun by another process, is read again.
const REMEMBERED: usize = 256;

/// The uploads of one process.
#[derive(Default)]
pub(super) struct Hashing(Mutex<Vec<Upload>>);

struct Upload {
    /// Of the file: one that was put in its place has other bytes.
    identity: (u64, u64),
    hashed: Hashed,
}

/// The hash of an upload's first bytes.
#[derive(Default)]
pub(super) struct Hashed {
    pub(super) hasher: TreeHasher,
    pub(super) bytes: u64,
}

impl Hashing {
    /// Bytes that were appended at `offset`.
    pub(super) fn appended(&self, file: &Metadata, offset: u64, bytes: &[u8]) {
        let mut hashed = match self.take(file) {
            Some(hashed) if hashed.bytes == offset => hashed,
            _ if offset == 0 => Hashed::default(),
            _ => return,
        };
        hashed.hasher.update(bytes);
        hashed.bytes += bytes.len() as u64;
        let mut uploads = self.lock();
        if uploads.len() == REMEMBERED {
            uploads.remove(0);
        }
        uploads.push(Upload { identity: (file.dev(), file.ino()), hashed });
    }

    /// What is known of a file, which is forgotten.
    pub(super) fn take(&self, file: &Metadata) -> Option<Hashed> {
        let mut uploads = self.lock();
        let at = uploads.iter().position(|upload| upload.identity == (file.dev(), file.ino()))?;
        Some(uploads.remove(at).hashed)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Upload>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
