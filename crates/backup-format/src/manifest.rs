//! What a backup says of itself.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{FormatError, Kind};

/// The format that this version writes, and the only one it reads.
pub const FORMAT: u64 = 1;
/// The manifest's name in a backup's folder.
pub const MANIFEST: &str = "manifest.json";
/// Larger files are no manifests.
pub const MAX_MANIFEST_BYTES: u64 = 1024 * 1024;

/// A migration that the schema has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AppliedMigration {
    /// The folder it lies in.
    pub module: String,
    /// `<UTC timestamp>_<unit>_<what>`.
    pub name: String,
    /// Lower-case hex SHA-256 of its text.
    pub sha256: String,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
}

/// What is known of a file of lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SheetEntry {
    /// Its lines.
    pub lines: u64,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// Lower-case hex SHA-256 of its bytes.
    pub sha256: String,
}

/// A table, and its rows as they lie in a file named after it: in the order of its primary key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its columns, in the order of each line's values.
    pub columns: Vec<Column>,
    /// The file.
    pub rows: SheetEntry,
}

/// The objects that the rows refer to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventory {
    /// The file with a [`StoredObject`](crate::StoredObject) in each line.
    pub objects: SheetEntry,
    /// What all of them come to, in bytes.
    pub size_bytes: u64,
    /// How many of them were not in the store.
    pub missing: u64,
    /// Whether their bytes lie in the backup too.
    pub copied: bool,
}

/// What a backup is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: u64,
    /// The version of Lectern that made it.
    pub version: String,
    /// When, in milliseconds since 1970.
    pub made_ms: i64,
    /// The engine that it was made on, for people.
    pub engine: String,
    /// The folder, inside the backup's, that its files of lines lie in.
    pub folder: String,
    /// The schema's migrations.
    pub migrations: Vec<AppliedMigration>,
    /// All tables, each behind those that it refers to.
    pub tables: Vec<Table>,
    /// The inventory.
    pub inventory: Inventory,
}

#[derive(Serialize, Deserialize)]
struct Envelope {
    manifest: Manifest,
    /// Of the manifest as [`serde_json`] writes it without blanks.
    sha256: String,
}

#[derive(Deserialize)]
struct Outline {
    manifest: OutlineFormat,
}

#[derive(Deserialize)]
struct OutlineFormat {
    format: u64,
}

fn sha256_of(manifest: &Manifest) -> String {
    hex::encode(Sha256::digest(serde_json::to_vec(manifest).unwrap_or_default()))
}

impl Manifest {
    /// As it is stored, with a checksum of its own.
    pub fn write(self) -> String {
        let sha256 = sha256_of(&self);
        let mut text = serde_json::to_string_pretty(&Envelope { manifest: self, sha256 }).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Reads it, and finds that no name in it leads out of the backup or into a statement.
    ///
    /// # Errors
    /// [`FormatError::Newer`] of a later format, [`FormatError::Manifest`] of anything else that is not as it was written.
    pub fn read(bytes: &[u8]) -> Result<Self, FormatError> {
        let damaged = |what: &dyn std::fmt::Display| FormatError::Manifest(what.to_string());
        if bytes.len() as u64 > MAX_MANIFEST_BYTES {
            return Err(damaged(&"it is larger than any"));
        }
        let outline: Outline = serde_json::from_slice(bytes).map_err(|error| damaged(&error))?;
        match outline.manifest.format {
            FORMAT => {}
            newer if newer > FORMAT => return Err(FormatError::Newer(newer)),
            _ => return Err(damaged(&"there is no such format")),
        }
        let Envelope { manifest, sha256 } = serde_json::from_slice(bytes).map_err(|error| damaged(&error))?;
        if sha256_of(&manifest) != sha256 {
            return Err(damaged(&"its checksum is that of another"));
        }
        let tables: BTreeSet<&str> = manifest.tables.iter().map(|table| table.name.as_str()).collect();
        let columns = |table: &Table| {
            let names: BTreeSet<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
            !names.is_empty() && names.len() == table.columns.len() && names.into_iter().all(is_plain)
        };
        let is_folder = manifest.folder.strip_prefix("rows-").is_some_and(is_plain);
        let fine = is_folder
            && tables.len() == manifest.tables.len()
            && tables.iter().copied().all(is_plain)
            && manifest.tables.iter().all(columns);
        if fine { Ok(manifest) } else { Err(damaged(&"a name in it is none")) }
    }
}

/// Whether it names a table or a column: small letters, digits and `_`, at most 63 of them.
fn is_plain(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=63).contains(&name.len()) && name.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn manifest() -> Manifest {
        let sheet = |lines| SheetEntry { lines, size_bytes: 9 * lines, sha256: "00".repeat(32) };
        let columns = vec![Column { name: "tenant_id".into(), kind: Kind::Text }];
        Manifest {
            format: FORMAT,
            version: "0.1.0".into(),
            made_ms: 1_795_257_600_000,
            engine: "sqlite".into(),
            folder: "rows-1795257600000".into(),
            migrations: vec![AppliedMigration { module: "core".into(), name: "1_a_b".into(), sha256: "11".repeat(32) }],
            tables: vec![Table { name: "asset".into(), columns, rows: sheet(3) }],
            inventory: Inventory { objects: sheet(2), size_bytes: 12, missing: 0, copied: false },
        }
    }

    #[test]
    fn a_manifest_is_read_as_it_was_written_and_a_later_format_is_told_from_a_damaged_one() {
        assert_eq!(Manifest::read(manifest().write().as_bytes()).unwrap(), manifest());
        let newer = Manifest { format: FORMAT + 1, ..manifest() }.write();
        assert!(matches!(Manifest::read(newer.as_bytes()), Err(FormatError::Newer(2))));
        let unknown = manifest().write().replace("\"folder\"", "\"room\"").replace("\"format\": 1", "\"format\": 7");
        assert!(matches!(Manifest::read(unknown.as_bytes()), Err(FormatError::Newer(7))));
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused_however_right_the_checksum_is() {
        let table = |name: &str| Table { name: name.into(), ..manifest().tables[0].clone() };
        let column = |name: &str| Column { name: name.into(), kind: Kind::Int };
        for bad in [
            Manifest { folder: "..".into(), ..manifest() },
            Manifest { folder: "rows-../x".into(), ..manifest() },
            Manifest { tables: vec![table("a/b")], ..manifest() },
            Manifest { tables: vec![table("a\" (b) --")], ..manifest() },
            Manifest { tables: vec![table("a"), table("a")], ..manifest() },
            Manifest { tables: vec![Table { columns: vec![column("a b")], ..table("a") }], ..manifest() },
            Manifest { tables: vec![Table { columns: vec![], ..table("a") }], ..manifest() },
        ] {
            assert!(matches!(Manifest::read(bad.write().as_bytes()), Err(FormatError::Manifest(_))));
        }
    }

    proptest! {
        #[test]
        fn a_changed_manifest_is_refused(at in any::<prop::sample::Index>(), letter in "[ -~]", cut in any::<bool>()) {
            let mut text = manifest().write();
            let at = at.index(text.len() - 1);
            if cut {
                text.truncate(at);
            } else {
                text.replace_range(at..=at, &letter);
            }
            if let Ok(read) = Manifest::read(text.as_bytes()) {
                prop_assert_eq!(read, manifest());
            }
        }
    }
}
