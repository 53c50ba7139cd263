//! The identity of a source: a hash that parts of an upload can be hashed for on their own.

use sha2::{Digest, Sha256};

/// Size in bytes of every part but the last.
pub(crate) const TREE_PART_BYTES: u64 = 8 * 1024 * 1024;

/// SHA-256 over the SHA-256 digests (32 raw bytes each, in order) of the 8 MiB parts of a byte string. The last part
/// may be shorter; an empty string has no parts, so its tree hash is SHA-256 of nothing.
#[derive(Default)]
pub(crate) struct TreeHasher {
    root: Sha256,
    part: Sha256,
    in_part: u64,
}

impl TreeHasher {
    /// Continues the byte string, in pieces of any size.
    pub(crate) fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = usize::try_from(TREE_PART_BYTES - self.in_part).unwrap_or(usize::MAX);
            let (now, later) = bytes.split_at(bytes.len().min(room));
            self.part.update(now);
            self.in_part += now.len() as u64;
            if self.in_part == TREE_PART_BYTES {
                self.close_part();
            }
            bytes = later;
        }
    }

    fn close_part(&mut self) {
        let digest = std::mem::take(&mut self.part).finalize();
        self.root.update(digest);
        self.in_part = 0;
    }

    /// The tree hash in lower-case hex.
    pub(crate) fn finish(mut self) -> String {
        if self.in_part > 0 {
            self.close_part();
        }
        hex::encode(self.root.finalize())
    }
}

/// The tree hash of a byte string whose parts have these digests.
#[cfg(any(feature = "s3", test))]
pub(crate) fn root_of<D: AsRef<[u8]>>(parts: impl IntoIterator<Item = D>) -> String {
    let mut root = Sha256::new();
    parts.into_iter().for_each(|part| root.update(part.as_ref()));
    hex::encode(root.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_hand(bytes: &[u8]) -> String {
        root_of(bytes.chunks(8 << 20).map(Sha256::digest))
    }

    #[test]
    fn the_tree_hash_is_the_hash_of_the_part_hashes_however_the_bytes_arrive() {
        let bytes: Vec<u8> = (0..(8 << 20) + 4321).map(|i: u32| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for length in [0, 1, (8 << 20) - 1, 8 << 20, bytes.len()] {
            for piece in [1 << 20, (1 << 20) + 7, bytes.len()] {
                let mut hasher = TreeHasher::default();
                bytes[..length].chunks(piece).for_each(|piece| hasher.update(piece));
                assert_eq!(hasher.finish(), by_hand(&bytes[..length]), "{length} in {piece}");
            }
        }
        assert_eq!(TreeHasher::default().finish(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
}
