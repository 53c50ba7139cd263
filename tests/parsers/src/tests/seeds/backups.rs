//! Backups: a manifest, rows of every kind, an object.

use backup_format::{
    AppliedMigration, Cell, Column, FORMAT, Inventory, Kind, Manifest, SheetEntry, StoredObject, Table, row,
};

fn manifest() -> Manifest {
    let sheet = |lines| SheetEntry { lines, size_bytes: 70 * lines, sha256: "0f".repeat(32) };
    let column = |name: &str, kind| Column { name: name.to_owned(), kind };
    let columns = vec![column("tenant_id", Kind::Text), column("flow", Kind::Json), column("size", Kind::Int)];
    Manifest {
        format: FORMAT,
        version: "0.1.0".to_owned(),
        made_ms: 1_795_257_600_000,
        engine: "postgres".to_owned(),
        folder: "rows-1795257600000".to_owned(),
        migrations: vec![AppliedMigration {
            module: "core".to_owned(),
            name: "20260101000000_outbox_create".to_owned(),
            sha256: "a0".repeat(32),
        }],
        tables: vec![Table { name: "asset".to_owned(), columns, rows: sheet(3) }],
        inventory: Inventory { objects: sheet(2), size_bytes: 140, missing: 1, copied: true },
    }
}

pub(crate) fn backups() -> Vec<Vec<u8>> {
    let cells = [
        Cell::Text("a \"b\"\n".to_owned()),
        Cell::Int(-7),
        Cell::Float(0.1),
        Cell::Bool(true),
        Cell::Bytes(vec![0, 255]),
        Cell::Json("{\"a\":[1.5,null,{\"b\":\"c\"}],\"d\":1e-7}".to_owned()),
    ];
    let mut rows: Vec<Vec<u8>> = vec![[&[6][..], row::write(&cells).as_bytes()].concat()];
    rows.push([&[2][..], b"[null, 12]"].concat());
    let object = StoredObject {
        key: "published/pb_1/g2/index.json".to_owned(),
        asset: "ast_1".to_owned(),
        size_bytes: Some(70),
        blake3: Some("0f".repeat(32)),
    };
    rows.into_iter().chain([manifest().write().into_bytes(), object.write().into_bytes()]).collect()
}
