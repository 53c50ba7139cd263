//! What `lectern backup` reads.

use backup_format::{Cell, Inventory, Kind, Lines, Manifest, SheetEntry, StoredObject, json, row};

const KINDS: [Kind; 6] = [Kind::Text, Kind::Int, Kind::Float, Kind::Bool, Kind::Bytes, Kind::Json];

/// A manifest, a row or an object of a backup: what is read is written, and read again as the same. A file of lines is what its
/// entry says, or is refused.
pub fn backup(data: &[u8]) {
    if let Ok(manifest) = Manifest::read(data) {
        let Inventory { objects, .. } = &manifest.inventory;
        let mut lines = Lines::new("objects", data, objects);
        let _ = lines.skip_all();
        let again = Manifest::read(manifest.clone().write().as_bytes());
        assert!(again.is_ok_and(|again| again == manifest), "what was written is read as the same");
    }
    if let Ok(object) = StoredObject::read(data) {
        assert_eq!(StoredObject::read(object.write().as_bytes()).as_ref(), Ok(&object));
        assert!(!object.key.starts_with('/') && !object.key.split('/').any(|part| part == ".."));
    }
    let Some((&first, line)) = data.split_first() else { return };
    let kinds: Vec<Kind> = (0..usize::from(first) % 8).map(|at| KINDS[(usize::from(first) / 8 + at) % 6]).collect();
    if let Ok(cells) = row::read(&kinds, line) {
        assert!(cells.iter().zip(&kinds).all(|(cell, kind)| fits(cell, *kind)));
        let written = row::write(&cells);
        let again = row::read(&kinds, written.as_bytes()).expect("what was written is read");
        assert_eq!(row::write(&again), written);
    }
    if let Some(form) = std::str::from_utf8(line).ok().and_then(json::canonical) {
        assert_eq!(json::canonical(&form).as_ref(), Some(&form), "the canonical form is its own");
    }
    let entry = SheetEntry { lines: u64::from(first) % 4, size_bytes: line.len() as u64, sha256: "00".repeat(32) };
    assert!(Lines::new("rows", line, &entry).skip_all().is_err(), "its checksum is another");
}

fn fits(cell: &Cell, kind: Kind) -> bool {
    matches!(
        (cell, kind),
        (Cell::Null, _)
            | (Cell::Text(_), Kind::Text)
            | (Cell::Int(_), Kind::Int)
            | (Cell::Float(_), Kind::Float)
            | (Cell::Bool(_), Kind::Bool)
            | (Cell::Bytes(_), Kind::Bytes)
            | (Cell::Json(_), Kind::Json)
    )
}
