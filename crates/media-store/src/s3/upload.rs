//! The record of an unfinished upload: every byte that was acknowledged, by the objects it lies in.
//!
//! Bytes come in pieces of any size; S3 puts an object together only of parts of 5 MiB and more. So pieces are gathered in a
//! tail until there are 8 MiB of them, which become one part: a part of the tree hash too, so that the hash of the whole is
//! known without reading anything again.

use serde::{Deserialize, Serialize};

use super::bucket::Multipart;
use crate::tree_hash::{TREE_PART_BYTES, root_of};

/// How records are written.
const FORMAT: u32 = 1;
/// S3 makes no object of more parts.
pub(super) const MAX_PARTS: usize = 10_000;
/// Pieces in the tail; one more, and all are gathered.
const MAX_PIECES: usize = 16;
/// What an upload can become.
pub(super) const MAX_UPLOAD_BYTES: u64 = MAX_PARTS as u64 * TREE_PART_BYTES;

/// SHA-256 of an object's content, in lower-case hex.
pub(super) type Sha256Hex = String;

/// A record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct UploadRecord {
    pub(super) format: u32,
    /// Drawn for each upload, also where one follows another under the same key.
    pub(super) id: String,
    pub(super) phase: Phase,
    pub(super) length: u64,
    /// Of 8 MiB each.
    pub(super) parts: Vec<Sha256Hex>,
    /// Fewer than 8 MiB.
    pub(super) tail: Vec<Piece>,
}

/// What may still happen to an upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Phase {
    /// It grows.
    Open,
    /// It becomes an object and takes no more bytes.
    Finishing {
        /// The tree hash of all of it.
        tree: String,
        /// What its parts are put together with.
        multipart: Option<Multipart>,
    },
    /// It was given up; what is left of it goes.
    Discarded {
        /// What its parts were put together with.
        multipart: Option<Multipart>,
    },
}

/// Some bytes of the tail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Piece {
    pub(super) sha256: Sha256Hex,
    pub(super) length: u64,
}

/// Where some bytes of an upload lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Name of the object, below the upload's prefix.
    pub(super) name: String,
    pub(super) sha256: Sha256Hex,
    /// Place of its first byte in the upload.
    pub(super) start: u64,
    pub(super) length: u64,
}

/// What an append does with the bytes it takes next.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// How many it takes.
    pub(super) take: usize,
    /// Whether they are joined to what is in the tail.
    pub(super) gather: bool,
    /// Whether a part is whole with them.
    pub(super) fills: bool,
}

/// A name that no other content has, and no other place: whoever writes it writes the same.
pub(super) fn name(start: u64, sha256: &str) -> String {
    format!("{start:012x}-{sha256}")
}

impl UploadRecord {
    pub(super) fn new(id: String) -> Self {
        Self { format: FORMAT, id, phase: Phase::Open, length: 0, parts: Vec::new(), tail: Vec::new() }
    }

    /// Reads a record; `None` when it is none of ours.
    pub(super) fn parse(json: &[u8]) -> Option<Self> {
        let read: Self = serde_json::from_slice(json).ok()?;
        let named = |text: &String| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let tail = read.tail_length();
        let fine = read.format == FORMAT
            && read.parts.len() <= MAX_PARTS
            && tail < TREE_PART_BYTES
            && read.length == read.parts.len() as u64 * TREE_PART_BYTES + tail
            && !read.id.is_empty()
            && read.id.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && read.parts.iter().chain(read.tail.iter().map(|piece| &piece.sha256)).all(named);
        fine.then_some(read)
    }

    pub(super) fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a record is texts and numbers")
    }

    fn tail_length(&self) -> u64 {
        self.tail.iter().fold(0, |sum: u64, piece| sum.saturating_add(piece.length))
    }

    pub(super) fn tail_start(&self) -> u64 {
        self.parts.len() as u64 * TREE_PART_BYTES
    }

    /// What to do with the first of `waiting` bytes.
    pub(super) fn step(&self, waiting: usize) -> Step {
        let room = usize::try_from(TREE_PART_BYTES - self.tail_length()).unwrap_or(usize::MAX);
        let take = waiting.min(room);
        let fills = take == room;
        Step { take, fills, gather: !self.tail.is_empty() && (fills || self.tail.len() >= MAX_PIECES) }
    }

    /// Records that `step` was done: its bytes, with the tail if they were joined to it, have this hash.
    pub(super) fn record(&mut self, step: &Step, sha256: Sha256Hex) {
        self.length += step.take as u64;
        let gathered = if step.gather { self.tail_length() } else { 0 };
        if step.gather {
            self.tail.clear();
        }
        match step.fills {
            true => self.parts.push(sha256),
            false => self.tail.push(Piece { sha256, length: gathered + step.take as u64 }),
        }
    }

    /// The objects of the tail.
    pub(super) fn tail_places(&self) -> Vec<Place> {
        let mut start = self.tail_start();
        let place = |piece: &Piece| {
            let found =
                Place { name: name(start, &piece.sha256), sha256: piece.sha256.clone(), start, length: piece.length };
            start += piece.length;
            found
        };
        self.tail.iter().map(place).collect()
    }

    /// The objects of whole parts.
    pub(super) fn part_places(&self) -> impl Iterator<Item = Place> {
        self.parts.iter().enumerate().map(|(index, sha256)| {
            let start = index as u64 * TREE_PART_BYTES;
            Place { name: name(start, sha256), sha256: sha256.clone(), start, length: TREE_PART_BYTES }
        })
    }

    /// The tree hash, given that of the tail's bytes; `None` when the record is no record.
    pub(super) fn tree(&self, tail_sha256: [u8; 32]) -> Option<String> {
        let mut digests = self.parts.iter().map(hex::decode).collect::<Result<Vec<_>, _>>().ok()?;
        if !self.tail.is_empty() {
            digests.push(tail_sha256.to_vec());
        }
        Some(root_of(digests))
    }

    /// What S3 still holds for its object to be.
    pub(super) fn multipart(&self) -> Option<&Multipart> {
        match &self.phase {
            Phase::Finishing { multipart, .. } | Phase::Discarded { multipart } => multipart.as_ref(),
            Phase::Open => None,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::tree_hash::TreeHasher;

    fn hash(bytes: &[u8]) -> Sha256Hex {
        hex::encode(Sha256::digest(bytes))
    }

    /// Appends as the store does, with the bytes in hand.
    fn append(upload: &mut UploadRecord, all: &mut Vec<u8>, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let step = upload.step(bytes.len());
            let start = if step.gather { upload.tail_start() } else { upload.length };
            all.extend_from_slice(&bytes[..step.take]);
            upload.record(&step, hash(&all[start as usize..]));
            bytes = &bytes[step.take..];
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn every_byte_lies_in_one_object_and_the_hash_is_that_of_all(
            lengths in proptest::collection::vec(prop_oneof![0usize..40, 1_000_000usize..6_000_000, Just(20 << 20)], 1..24),
        ) {
            let mut upload = UploadRecord::new("x".to_owned());
            let mut all = Vec::new();
            for (seed, length) in lengths.into_iter().enumerate() {
                append(&mut upload, &mut all, &vec![seed as u8; length]);
                prop_assert!(upload.tail.len() <= MAX_PIECES);
            }
            let places: Vec<_> = upload.part_places().chain(upload.tail_places()).collect();
            let mut end = 0;
            for place in &places {
                prop_assert_eq!(place.start, end);
                end += place.length;
                let bytes = &all[place.start as usize..end as usize];
                prop_assert_eq!(&place.name, &name(place.start, &hash(bytes)));
            }
            prop_assert_eq!((end, upload.length), (all.len() as u64, all.len() as u64));
            let mut hasher = TreeHasher::default();
            hasher.update(&all);
            let tail = Sha256::digest(&all[upload.tail_start() as usize..]);
            prop_assert_eq!(upload.tree(tail.into()).unwrap(), hasher.finish());
            prop_assert_eq!(UploadRecord::parse(&upload.to_json()), Some(upload));
        }
    }

    #[test]
    fn what_is_no_record_is_not_believed() {
        let mut fine = UploadRecord::new("x".to_owned());
        append(&mut fine, &mut Vec::new(), &vec![0; 9 << 20]);
        assert_eq!(UploadRecord::parse(&fine.to_json()).as_ref(), Some(&fine));
        let spoilt: [fn(&mut UploadRecord); 6] = [
            |upload| upload.length += 1,
            |upload| upload.format = 2,
            |upload| upload.id = "../x".to_owned(),
            |upload| upload.parts[0] = "../../x".to_owned(),
            |upload| upload.tail[0].length = u64::MAX,
            |upload| upload.tail[0].sha256.push('0'),
        ];
        for (number, spoil) in spoilt.iter().enumerate() {
            let mut upload = fine.clone();
            spoil(&mut upload);
            assert_eq!(UploadRecord::parse(&upload.to_json()), None, "{number}");
        }
        assert_eq!(UploadRecord::parse(b"{"), None);
    }
}
