//! Rows out of a statement.

use sqlx::FromRow;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;

/// What a statement's rows are read into: a tuple, or a struct declared with [`row!`](crate::row).
pub trait Row: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

impl<T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin> Row for T {}

/// Declares a struct that rows of both engines are read into, each field from the column of its name.
///
/// Field types: `String`, `i64`, `f64`, `bool`, `Vec<u8>`, [`Json<T>`](crate::Json), and `Option` of each.
///
/// ```
/// database::row! {
///     /// One shelf.
///     #[derive(Debug)]
///     pub struct Shelf {
///         /// Where it stands.
///         pub place: String,
///         /// What is on it.
///         pub content: database::Json<Vec<String>>,
///     }
/// }
/// ```
#[macro_export]
macro_rules! row {
    ($(#[$meta:meta])* $vis:vis struct $name:ident {
        $($(#[$field_meta:meta])* $field_vis:vis $field:ident : $type:ty),* $(,)?
    }) => {
        $(#[$meta])*
        $vis struct $name {
            $($(#[$field_meta])* $field_vis $field: $type),*
        }
        $crate::row!(@read $name, $crate::macro_support::SqliteRow, $($field),*);
        $crate::row!(@read $name, $crate::macro_support::PgRow, $($field),*);
    };
    (@read $name:ident, $row:ty, $($field:ident),*) => {
        impl<'r> $crate::macro_support::FromRow<'r, $row> for $name {
            fn from_row(row: &'r $row) -> ::std::result::Result<Self, $crate::macro_support::Error> {
                use $crate::macro_support::Row as _;
                ::std::result::Result::Ok(Self { $($field: row.try_get(::std::stringify!($field))?),* })
            }
        }
    };
}
