//! Which tables there are, as the engine says.

use std::collections::{BTreeMap, BTreeSet};

use backup_format::{Column, Kind};

use super::BackupError;
use crate::tx::TxInner;
use crate::{DbError, EngineKind, Tx, args};

const COLUMNS_LITE: &str = "SELECT m.name, c.name, c.type FROM sqlite_master m JOIN pragma_table_info(m.name) c
    WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite|_%' ESCAPE '|' ORDER BY m.name, c.cid";
const KEYS_LITE: &str = "SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c
    WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite|_%' ESCAPE '|' AND c.pk > 0 ORDER BY m.name, c.pk";
const REFERENCES_LITE: &str = "SELECT DISTINCT m.name, f.\"table\" FROM sqlite_master m
    JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table' ORDER BY 1, 2";

const COLUMNS_PG: &str = "SELECT CAST(c.table_name AS TEXT), CAST(c.column_name AS TEXT), CAST(c.data_type AS TEXT)
    FROM information_schema.columns c JOIN information_schema.tables t
        ON t.table_schema = c.table_schema AND t.table_name = c.table_name
    WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE' ORDER BY c.table_name, c.ordinal_position";
const KEYS_PG: &str = "SELECT CAST(r.relname AS TEXT), CAST(a.attname AS TEXT)
    FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid
        CROSS JOIN LATERAL unnest(c.conkey) WITH ORDINALITY AS k (number, place)
        JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.number
    WHERE c.contype = 'p' AND r.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
    ORDER BY r.relname, k.place";
const REFERENCES_PG: &str = "SELECT DISTINCT CAST(r.relname AS TEXT), CAST(f.relname AS TEXT)
    FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid JOIN pg_class f ON f.oid = c.confrelid
    WHERE c.contype = 'f' AND r.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
    ORDER BY 1, 2";

/// Every statement that asks for the schema, of SQLite and of PostgreSQL.
#[cfg(test)]
pub(super) const STATEMENTS: [[&str; 3]; 2] =
    [[COLUMNS_LITE, KEYS_LITE, REFERENCES_LITE], [COLUMNS_PG, KEYS_PG, REFERENCES_PG]];

/// A table as the schema has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Its name.
    pub name: String,
    /// Its columns, in their order.
    pub columns: Vec<Column>,
    /// The columns of its primary key.
    pub(super) key: Vec<String>,
}

impl Shape {
    pub(super) fn kinds(&self) -> Vec<Kind> {
        self.columns.iter().map(|column| column.kind).collect()
    }

    /// Reads all rows, in the order of the primary key: the same on both engines, so by bytes.
    pub(super) fn select(&self, engine: EngineKind) -> String {
        let column = |column: &Column| match column.kind {
            // As text: no engine, and no type of ours, gets to round a number in it.
            Kind::Json => format!("CAST({0} AS TEXT) AS {0}", named(&column.name)),
            _ => named(&column.name),
        };
        let is_text =
            |name: &String| self.columns.iter().any(|column| column.name == *name && column.kind == Kind::Text);
        let order = |name: &String| match engine {
            EngineKind::Postgres if is_text(name) => format!("{} COLLATE \"C\"", named(name)),
            _ => named(name),
        };
        let columns: Vec<String> = self.columns.iter().map(column).collect();
        let order: Vec<String> = self.key.iter().map(order).collect();
        format!("SELECT {} FROM {} ORDER BY {}", columns.join(", "), named(&self.name), order.join(", "))
    }

    /// Inserts so many rows, their values one behind the other.
    pub(super) fn insert(&self, engine: EngineKind, rows: usize) -> String {
        let width = self.columns.len();
        let value = |row: usize, at: usize, column: &Column| {
            let place = row * width + at + 1;
            match (engine, column.kind) {
                // Without a number: SQLite looks each of thousands up in a list, from its beginning.
                (EngineKind::Sqlite, _) => "?".to_owned(),
                (EngineKind::Postgres, Kind::Json) => format!("CAST(CAST(${place} AS TEXT) AS JSONB)"),
                (EngineKind::Postgres, _) => format!("${place}"),
            }
        };
        let tuple = |row: usize| {
            let values: Vec<String> =
                self.columns.iter().enumerate().map(|(at, column)| value(row, at, column)).collect();
            format!("({})", values.join(", "))
        };
        let names: Vec<String> = self.columns.iter().map(|column| named(&column.name)).collect();
        let tuples: Vec<String> = (0..rows).map(tuple).collect();
        format!("INSERT INTO {} ({}) VALUES {}", named(&self.name), names.join(", "), tuples.join(", "))
    }

    /// Removes what migrations have put into it.
    pub(super) fn empty(&self) -> String {
        format!("DELETE FROM {}", named(&self.name))
    }
}

/// A name of the schema in a statement.
fn named(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// All tables, each behind those that it refers to; the history of migrations is one of them.
pub(super) async fn shapes(tx: &mut Tx) -> Result<Vec<Shape>, BackupError> {
    let (columns, keys, references) = match &tx.inner {
        TxInner::Lite(_) => (COLUMNS_LITE, KEYS_LITE, REFERENCES_LITE),
        TxInner::Pg(_) => (COLUMNS_PG, KEYS_PG, REFERENCES_PG),
    };
    let mut tables: BTreeMap<String, Shape> = BTreeMap::new();
    let found: Vec<(String, String, String)> = tx.all(columns, args![]).await?;
    for (table, name, declared) in found {
        let unfit =
            || BackupError::Unfit { table: table.clone(), why: "a column is of a kind that backups do not know" };
        let kind = kind_of(&declared).ok_or_else(unfit)?;
        let new = || Shape { name: table.clone(), columns: Vec::new(), key: Vec::new() };
        tables.entry(table.clone()).or_insert_with(new).columns.push(Column { name, kind });
    }
    let found: Vec<(String, String)> = tx.all(keys, args![]).await?;
    for (table, column) in found {
        tables.entry(table).and_modify(|shape| shape.key.push(column));
    }
    if let Some(shape) = tables.values().find(|shape| shape.key.is_empty()) {
        return Err(BackupError::Unfit { table: shape.name.clone(), why: "it has no primary key" });
    }
    let found: Vec<(String, String)> = tx.all(references, args![]).await?;
    in_order(tables, &found.into_iter().filter(|(from, to)| from != to).collect())
}

/// Those that refer to none first, of several the one whose name comes first.
fn in_order(
    mut left: BTreeMap<String, Shape>,
    references: &BTreeSet<(String, String)>,
) -> Result<Vec<Shape>, BackupError> {
    let mut ordered = Vec::new();
    while let Some(first) = left.keys().next().cloned() {
        let waits = |name: &String| references.iter().any(|(from, to)| from == name && left.contains_key(to));
        let next = left.keys().find(|name| !waits(name)).cloned();
        let next = next.ok_or(BackupError::Unfit { table: first, why: "it and others refer to each other" })?;
        ordered.extend(left.remove(&next));
    }
    Ok(ordered)
}

/// What a column of this declared type holds, in either engine's spelling.
fn kind_of(declared: &str) -> Option<Kind> {
    Some(match declared.to_ascii_uppercase().as_str() {
        "TEXT" => Kind::Text,
        "BIGINT" => Kind::Int,
        "DOUBLE PRECISION" => Kind::Float,
        "BOOLEAN" => Kind::Bool,
        "BYTEA" => Kind::Bytes,
        "JSONB" => Kind::Json,
        _ => return None,
    })
}

/// A table that is there already.
pub(super) async fn any_table(tx: &mut Tx) -> Result<Option<String>, DbError> {
    let columns = match &tx.inner {
        TxInner::Lite(_) => COLUMNS_LITE,
        TxInner::Pg(_) => COLUMNS_PG,
    };
    let found: Vec<(String, String, String)> = tx.all(columns, args![]).await?;
    Ok(found.into_iter().next().map(|(table, _, _)| table))
}
