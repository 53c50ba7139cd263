//! Rows of a table, a line each: a JSON array with a value for each column.
//!
//! | kind | JSON |
//! | --- | --- |
//! | text | a string |
//! | int | a number without fraction |
//! | float | a string, the shortest that reads as the same number |
//! | bool | `true` or `false` |
//! | bytes | a string of hexadecimal digits |
//! | json | an object or an array, as [`crate::json`] writes it |
//!
//! `null` stands for SQL's.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::json;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// `TEXT`.
    Text,
    /// `BIGINT`.
    Int,
    /// `DOUBLE PRECISION`.
    Float,
    /// `BOOLEAN`.
    Bool,
    /// `BYTEA`.
    Bytes,
    /// `JSONB`: objects and arrays.
    Json,
}

/// One value of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// SQL's null.
    Null,
    /// Of [`Kind::Text`].
    Text(String),
    /// Of [`Kind::Int`].
    Int(i64),
    /// Of [`Kind::Float`].
    Float(f64),
    /// Of [`Kind::Bool`].
    Bool(bool),
    /// Of [`Kind::Bytes`].
    Bytes(Vec<u8>),
    /// Of [`Kind::Json`]: a document as [`json::canonical`] writes it.
    Json(String),
}

/// The line of a row, without its end.
pub fn write(cells: &[Cell]) -> String {
    let mut line = String::from("[");
    for (at, cell) in cells.iter().enumerate() {
        if at > 0 {
            line.push(',');
        }
        match cell {
            Cell::Null => line.push_str("null"),
            Cell::Text(text) => line.push_str(&json::quoted(text)),
            Cell::Int(number) => line.push_str(&number.to_string()),
            Cell::Float(number) => line.push_str(&json::quoted(&number.to_string())),
            Cell::Bool(is) => line.push_str(if *is { "true" } else { "false" }),
            Cell::Bytes(bytes) => line.push_str(&json::quoted(&hex::encode(bytes))),
            Cell::Json(document) => line.push_str(document),
        }
    }
    line.push(']');
    line
}

/// Reads the line of a row with columns of these kinds.
///
/// # Errors
/// What is wrong, a clause.
pub fn read(kinds: &[Kind], line: &[u8]) -> Result<Vec<Cell>, &'static str> {
    let text = std::str::from_utf8(line).map_err(|_| "it is not UTF-8")?;
    let values = json::elements(text).ok_or("it is no array")?;
    if values.len() != kinds.len() {
        return Err("it has more or fewer values than the table has columns");
    }
    kinds
        .iter()
        .zip(values)
        .map(|(kind, value)| cell(*kind, value).ok_or("a value is not of its column's kind"))
        .collect()
}

fn cell(kind: Kind, text: &str) -> Option<Cell> {
    if kind == Kind::Json && text != "null" {
        let document = json::canonical(text)?;
        return document.starts_with(['{', '[']).then_some(Cell::Json(document));
    }
    match (kind, serde_json::from_str::<Value>(text).ok()?) {
        (_, Value::Null) => Some(Cell::Null),
        (Kind::Text, Value::String(text)) => Some(Cell::Text(text)),
        (Kind::Int, Value::Number(number)) => number.as_i64().map(Cell::Int),
        (Kind::Float, Value::String(text)) => text.parse().ok().map(Cell::Float),
        (Kind::Bool, Value::Bool(is)) => Some(Cell::Bool(is)),
        (Kind::Bytes, Value::String(text)) => hex::decode(text).ok().map(Cell::Bytes),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn cells() -> impl Strategy<Value = (Kind, Cell)> {
        let document = prop_oneof![
            "[a-z\"\\\\\n]{0,9}".prop_map(|text| format!("[{}]", json::quoted(&text))),
            Just("{}".to_owned())
        ];
        prop_oneof![
            any::<String>().prop_map(|text| (Kind::Text, Cell::Text(text))),
            any::<i64>().prop_map(|number| (Kind::Int, Cell::Int(number))),
            any::<f64>()
                .prop_filter("a number", |number| !number.is_nan())
                .prop_map(|number| (Kind::Float, Cell::Float(number))),
            any::<bool>().prop_map(|is| (Kind::Bool, Cell::Bool(is))),
            proptest::collection::vec(any::<u8>(), 0..40).prop_map(|bytes| (Kind::Bytes, Cell::Bytes(bytes))),
            document.prop_map(|text| (Kind::Json, Cell::Json(text))),
            Just((Kind::Json, Cell::Null)),
            Just((Kind::Int, Cell::Null)),
        ]
    }

    proptest! {
        #[test]
        fn a_row_is_read_as_it_was_written(row in proptest::collection::vec(cells(), 0..8)) {
            let (kinds, cells): (Vec<Kind>, Vec<Cell>) = row.into_iter().unzip();
            let line = write(&cells);
            prop_assert!(!line.contains('\n'));
            prop_assert_eq!(read(&kinds, line.as_bytes()), Ok(cells));
        }

        #[test]
        fn whatever_is_read_is_written_as_the_same(line in "\\[?[-a-f0-9\",{}\\[\\]:. nulltrue\\\\]{0,40}\\]?") {
            for kinds in [&[Kind::Text, Kind::Json][..], &[Kind::Int], &[Kind::Json], &[Kind::Bytes, Kind::Float]] {
                if let Ok(cells) = read(kinds, line.as_bytes()) {
                    prop_assert_eq!(read(kinds, write(&cells).as_bytes()), Ok(cells));
                }
            }
        }
    }

    #[test]
    fn what_is_no_row_of_the_table_is_refused() {
        let kinds = [Kind::Text, Kind::Int];
        for line in [
            "",
            "[",
            "[]",
            "[\"a\"]",
            "[\"a\",1,2]",
            "[1,\"a\"]",
            "[\"a\",1.5]",
            "[\"a\",1]x",
            "{\"a\":1}",
            "[\"a\",,1]",
        ] {
            assert!(read(&kinds, line.as_bytes()).is_err(), "{line}");
        }
        for (kind, value) in [
            (Kind::Json, "1"),
            (Kind::Json, "\"a\""),
            (Kind::Bytes, "\"0\""),
            (Kind::Float, "\"x\""),
            (Kind::Float, "1.5"),
            (Kind::Bool, "0"),
        ] {
            assert!(read(&[kind], format!("[{value}]").as_bytes()).is_err(), "{value}");
        }
    }
}
