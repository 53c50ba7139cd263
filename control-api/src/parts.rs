//! Recordings that a camera cut into several files: announced together, sent one behind the other.

use asset_store::{MOST_PARTS, SourcePart};
use kernel::{Problem, codes as common};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::codes;

/// One of several files that are a recording together.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPart {
    /// A name to show, 1 to 255 characters. Never used as a path.
    #[schema(example = "GX010042.MP4", min_length = 1, max_length = 255)]
    pub(crate) filename: String,
    /// Size in bytes.
    #[schema(example = 4_002_910_208_u64, minimum = 1)]
    pub(crate) size: u64,
}

/// How much there is of one part.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PartView {
    /// As announced.
    filename: String,
    /// As announced.
    size_bytes: u64,
    /// Durable so far.
    received_bytes: u64,
}

/// Refuses parts that are not `size` bytes together.
pub(crate) fn check(parts: &[NewPart], size: u64) -> Result<(), Problem> {
    if !(2..=MOST_PARTS).contains(&parts.len()) {
        let detail = format!("a recording has 2 to {MOST_PARTS} parts, or is announced without any");
        return Err(Problem::invalid("/parts", codes::UPLOAD_INVALID_PARTS, detail));
    }
    for (index, part) in parts.iter().enumerate() {
        crate::uploads::check_filename(&part.filename, &format!("/parts/{index}/filename"))?;
        if part.size == 0 {
            let detail = format!("{} has no bytes", part.filename);
            return Err(Problem::invalid(format!("/parts/{index}/size"), codes::UPLOAD_EMPTY, detail));
        }
    }
    match parts.iter().try_fold(0u64, |sum, part| sum.checked_add(part.size)) {
        Some(sum) if sum == size => Ok(()),
        sum => {
            let sum = sum.map_or("more than can be stored".to_owned(), |sum| sum.to_string());
            let detail = format!("the parts have {sum} bytes together, not {size}");
            Err(Problem::invalid("/size", common::FIELD_INVALID, detail))
        }
    }
}

/// As the store keeps them.
pub(crate) fn stored(parts: Vec<NewPart>) -> Vec<SourcePart> {
    parts.into_iter().map(|part| SourcePart { filename: part.filename, size_bytes: part.size }).collect()
}

/// How far each part is when so many bytes are there of all.
pub(crate) fn views(parts: &[SourcePart], received_bytes: u64) -> Vec<PartView> {
    let mut left = received_bytes;
    let view = |part: &SourcePart| {
        let received_bytes = left.min(part.size_bytes);
        left -= received_bytes;
        PartView { filename: part.filename.clone(), size_bytes: part.size_bytes, received_bytes }
    };
    parts.iter().map(view).collect()
}

/// Which part is not whole, in a clause; nothing of a source that is one file.
pub(crate) fn missing(parts: &[SourcePart], received_bytes: u64) -> Option<String> {
    let views = views(parts, received_bytes);
    let (index, part) = views.iter().enumerate().find(|(_, part)| part.received_bytes < part.size_bytes)?;
    let (number, all, there, size) = (index + 1, views.len(), part.received_bytes, part.size_bytes);
    Some(format!("of part {number} of {all} ({}) there are {there} of {size} bytes", part.filename))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_come_is_told_part_by_part() {
        let part = |filename: &str, size_bytes| SourcePart { filename: filename.to_owned(), size_bytes };
        let parts = [part("a", 3), part("b", 2), part("c", 4)];
        for (received, each, told) in [
            (0, [0, 0, 0], Some("of part 1 of 3 (a) there are 0 of 3 bytes")),
            (3, [3, 0, 0], Some("of part 2 of 3 (b) there are 0 of 2 bytes")),
            (6, [3, 2, 1], Some("of part 3 of 3 (c) there are 1 of 4 bytes")),
            (9, [3, 2, 4], None),
        ] {
            let views = views(&parts, received);
            assert_eq!(views.iter().map(|view| view.received_bytes).collect::<Vec<_>>(), each);
            assert_eq!(missing(&parts, received).as_deref(), told);
        }
        assert_eq!(missing(&[], 5), None);
    }
}
