//! Values into a statement.

use media_types::{AssetId, JobId, PlaybackId, TenantId, UploadId};
use serde_json::Value;

use crate::DbError;

/// One argument of a statement; `None` is SQL `NULL` of that type. Made by [`args!`](crate::args).
#[derive(Clone, Debug, PartialEq)]
pub enum Val {
    /// `TEXT`.
    Text(Option<String>),
    /// `BIGINT`.
    Int(Option<i64>),
    /// `DOUBLE PRECISION`.
    Float(Option<f64>),
    /// `BOOLEAN`.
    Bool(Option<bool>),
    /// `BYTEA`.
    Bytes(Option<Vec<u8>>),
    /// `JSONB`: an object or an array; anything else is refused when the statement runs.
    Json(Option<Value>),
}

macro_rules! from {
    ($($type:ty => $variant:ident),* $(,)?) => {$(
        impl From<$type> for Val {
            fn from(value: $type) -> Val {
                Val::$variant(Some(value.into()))
            }
        }

        impl From<Option<$type>> for Val {
            fn from(value: Option<$type>) -> Val {
                Val::$variant(value.map(Into::into))
            }
        }
    )*};
}

macro_rules! from_id {
    ($($type:ty),* $(,)?) => {$(
        impl From<&$type> for Val {
            fn from(id: &$type) -> Val {
                Val::Text(Some(id.as_str().to_owned()))
            }
        }

        impl From<Option<&$type>> for Val {
            fn from(id: Option<&$type>) -> Val {
                Val::Text(id.map(|id| id.as_str().to_owned()))
            }
        }
    )*};
}

from!(String => Text, &str => Text, &String => Text, i64 => Int, f64 => Float, bool => Bool, Vec<u8> => Bytes, &[u8] => Bytes);
from!(Value => Json);
from_id!(TenantId, AssetId, UploadId, JobId, PlaybackId);

/// The arguments of a statement, in the order of its placeholders: `args![tenant, "ready", 5_i64]`.
///
/// Takes `String`, `&str`, `i64`, `f64`, `bool`, `Vec<u8>`, `serde_json::Value` (objects and arrays), references to
/// typed ids, and `Option` of each.
#[macro_export]
macro_rules! args {
    ($($value:expr),* $(,)?) => {
        ::std::vec![$($crate::Val::from($value)),*]
    };
}

/// Refuses what the two engines would store differently: a bare JSON number turns into an `INTEGER` in SQLite.
pub(crate) fn check(args: &[Val]) -> Result<(), DbError> {
    let scalar = |arg: &Val| matches!(arg, Val::Json(Some(value)) if !value.is_object() && !value.is_array());
    if args.iter().any(scalar) { Err(DbError::ScalarJson) } else { Ok(()) }
}

/// Binds `$args` to `$query`, whichever engine it is for.
macro_rules! bind {
    ($query:expr, $args:expr) => {{
        let mut query = $query;
        for arg in $args {
            query = match arg {
                $crate::Val::Text(value) => query.bind(value),
                $crate::Val::Int(value) => query.bind(value),
                $crate::Val::Float(value) => query.bind(value),
                $crate::Val::Bool(value) => query.bind(value),
                $crate::Val::Bytes(value) => query.bind(value),
                $crate::Val::Json(value) => query.bind(value.map(sqlx::types::Json)),
            };
        }
        query
    }};
}
pub(crate) use bind;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_objects_and_arrays_are_stored_as_json() {
        for (value, fine) in [("{}", true), ("[1]", true), ("1", false), ("\"a\"", false), ("null", false)] {
            let args = args![1_i64, serde_json::from_str::<Value>(value).expect("test JSON")];
            assert_eq!(check(&args).is_ok(), fine, "{value}");
        }
        assert!(check(&args![None::<Value>]).is_ok());
    }
}
