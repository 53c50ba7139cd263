//! `s3s-fs` names files by whole keys, and a file's name ends at 255 bytes: a long part of a key goes by a shorter one.

use std::path::Path;

use sha2::{Digest, Sha256};

/// No part of a key is longer in the folder.
const LONGEST: usize = 64;
/// So much of it is kept, so that keys stay in their order.
const KEPT: usize = 14;
/// Stands in shortened parts: no key of a store has it, and what others put under such a key keeps it.
const MARK: char = '~';

/// The key that an object goes by in the folder.
pub(super) fn short(root: &Path, key: &str) -> String {
    let parts = key.split('/').map(|part| {
        if part.len() <= LONGEST {
            return part.to_owned();
        }
        let short =
            format!("{}{MARK}{}", &part[..part.floor_char_boundary(KEPT)], &hex::encode(Sha256::digest(part))[..16]);
        let note = root.join(noted(&short));
        if !note.exists() {
            let unfinished = root.join(format!(".new-{}", uuid::Uuid::new_v4()));
            std::fs::write(&unfinished, part).unwrap();
            std::fs::rename(unfinished, note).unwrap();
        }
        short
    });
    parts.collect::<Vec<_>>().join("/")
}

/// The key that it was given.
pub(super) fn long(root: &Path, key: &str) -> String {
    let parts = key.split('/').map(|part| match part.contains(MARK) {
        true => std::fs::read_to_string(root.join(noted(part))).unwrap_or_else(|_| part.to_owned()),
        false => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("/")
}

fn noted(short: &str) -> String {
    format!(".name-{short}")
}
