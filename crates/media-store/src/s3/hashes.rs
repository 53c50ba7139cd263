//! What is known of bytes before they are sent, and after they came.

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::tree_hash::{TREE_PART_BYTES, TreeHasher, root_of};

/// Bytes from here on are hashed where they hold nobody up.
const HASHED_AT_ONCE_BYTES: usize = 256 * 1024;

/// SHA-256 of bytes, and their tree hash.
pub(super) struct Hashes {
    pub(super) sha256: [u8; 32],
    pub(super) tree: String,
}

/// Hashes bytes, long ones on a thread that may block.
pub(super) async fn hashes(bytes: &Bytes) -> Hashes {
    fn now(bytes: &[u8]) -> Hashes {
        let sha256: [u8; 32] = Sha256::digest(bytes).into();
        let tree = match bytes.len() as u64 {
            0 => root_of::<[u8; 32]>([]),
            1..=TREE_PART_BYTES => root_of([sha256]),
            _ => {
                let mut hasher = TreeHasher::default();
                hasher.update(bytes);
                hasher.finish()
            }
        };
        Hashes { sha256, tree }
    }
    if bytes.len() < HASHED_AT_ONCE_BYTES {
        return now(bytes);
    }
    let held = bytes.clone();
    let hashed = tokio::task::spawn_blocking(move || now(&held)).await;
    hashed.unwrap_or_else(|_stopped| now(bytes))
}
