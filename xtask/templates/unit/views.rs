//! JSON of __nouns__.

use kernel::rfc3339;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::store::__Noun__Row;

/// What is to be made.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct __Noun__Request {
    /// For people: 1 to 100 characters.
    pub(crate) name: String,
}

/// The query of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct __Nouns__Query {
    /// Rows of the page, 1 to 200; 50 when absent.
    pub(crate) limit: Option<u32>,
    /// The `next` of the page before.
    pub(crate) after: Option<String>,
}

/// One of them.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct __Noun__View {
    id: String,
    /// For people.
    name: String,
    /// RFC 3339.
    created_at: String,
}

impl From<__Noun__Row> for __Noun__View {
    fn from(row: __Noun__Row) -> Self {
        Self { id: row.id, name: row.name, created_at: rfc3339(row.created_ms) }
    }
}
