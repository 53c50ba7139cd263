//! The inventory of objects.

use serde::{Deserialize, Serialize};

/// An object of the store that the rows of a backup refer to: a line of its inventory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredObject {
    /// Its key.
    pub key: String,
    /// The asset that it belongs to.
    pub asset: String,
    /// Its size in bytes; `None` when it was not there when the backup was made.
    pub size_bytes: Option<u64>,
    /// Lower-case hex BLAKE3 of its bytes, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blake3: Option<String>,
}

impl StoredObject {
    /// Its line, without an end.
    pub fn write(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads its line. The key is plain: parts of letters, digits, `.`, `_` and `-`, none of them `.` or `..`, joined by `/`.
    ///
    /// # Errors
    /// What is wrong, a clause.
    pub fn read(line: &[u8]) -> Result<Self, &'static str> {
        let object: Self = serde_json::from_slice(line).map_err(|_| "it describes no object")?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        let fine =
            |part: &str| (1..=128).contains(&part.len()) && part.bytes().all(plain) && part != "." && part != "..";
        let is_key = object.key.len() <= 512 && object.key.split('/').all(fine);
        if is_key { Ok(object) } else { Err("its key leads elsewhere") }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_object_is_read_as_it_was_written_and_never_lies_elsewhere() {
        for (size_bytes, blake3) in [(Some(7), Some("00".repeat(32))), (None, None)] {
            let object = StoredObject { key: "work/ast_1/plan.json".into(), asset: "ast_1".into(), size_bytes, blake3 };
            assert_eq!(StoredObject::read(object.write().as_bytes()).unwrap(), object);
        }
        for key in ["", "/etc/passwd", "a/../../b", "a//b", "./a", "a b", &"a".repeat(129)] {
            let line = serde_json::json!({ "key": key, "asset": "ast_1", "size_bytes": 1 }).to_string();
            assert!(StoredObject::read(line.as_bytes()).is_err(), "{key}");
        }
    }
}
