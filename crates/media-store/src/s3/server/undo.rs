//! What a write is about to change, kept until it is done: `s3s-fs` keeps an object in three files, and one that is killed
//! between two of them, or finds at the end that the bytes are not those that were meant, would leave half of it.

use std::io::{ErrorKind, Result};
use std::path::{Path, PathBuf};

const KEPT: &str = ".undo";
/// Names every file, one a line, below the root; those that were there are kept under their line's number.
const LIST: &str = "list";

/// Keeps these files as they are; nothing is copied, so none of them may be written in place.
pub(super) fn begin(root: &Path, files: &[PathBuf]) -> Result<()> {
    let unfinished = root.join(".undo.new");
    gone(std::fs::remove_dir_all(&unfinished))?;
    std::fs::create_dir(&unfinished)?;
    let mut list = String::new();
    for (line, file) in files.iter().enumerate() {
        gone(std::fs::hard_link(file, unfinished.join(line.to_string())))?;
        let below = file.strip_prefix(root).ok().and_then(Path::to_str).ok_or(ErrorKind::InvalidInput)?;
        list += &format!("{below}\n");
    }
    std::fs::write(unfinished.join(LIST), list)?;
    std::fs::rename(unfinished, root.join(KEPT))
}

/// The write counts.
pub(super) fn end(root: &Path) -> Result<()> {
    let old = root.join(".undo.old");
    gone(std::fs::remove_dir_all(&old))?;
    std::fs::rename(root.join(KEPT), &old)?;
    std::fs::remove_dir_all(old)
}

/// Puts back what was kept, if there was a write that did not end.
pub(super) fn roll_back(root: &Path) -> Result<()> {
    let kept = root.join(KEPT);
    let list = match std::fs::read_to_string(kept.join(LIST)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        list => list?,
    };
    for (line, below) in list.lines().enumerate() {
        let file = root.join(below);
        gone(std::fs::remove_file(&file))?;
        gone(std::fs::hard_link(kept.join(line.to_string()), file))?;
    }
    end(root)
}

/// A file that is not there is none to keep and none to remove.
fn gone(done: Result<()>) -> Result<()> {
    match done {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        done => done,
    }
}
