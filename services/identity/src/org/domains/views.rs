//! JSON of domains.

use kernel::rfc3339;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::DomainRow;

/// A domain that the tenant says is its own.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrgDomainRequest {
    /// In whatever case, without a dot at the end.
    #[schema(example = "north-school.example")]
    pub(super) name: String,
    /// Where people belong who get an account with an address of it: a sub-organization, or `root` for the tenant itself, which is also
    /// where they belong when absent.
    #[schema(example = "root")]
    pub(super) node_id: Option<String>,
}

/// What changes about a domain; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrgDomainChange {
    /// Where people belong who get an account with an address of it from now on.
    pub(super) node_id: Option<String>,
}

/// A domain that the tenant says is its own.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrgDomainView {
    id: String,
    /// In lower case.
    name: String,
    /// `pending`, or `proven` while its text was in the DNS when that was looked at last.
    state: &'static str,
    /// The name of the TXT record that proves it.
    record_name: String,
    /// What that says.
    record_text: String,
    /// Where people belong who get an account with an address of it while it is proven.
    node_id: String,
    /// When the text was found there last, RFC 3339; null of one that is not proven.
    proven_at: Option<String>,
    /// RFC 3339.
    created_at: String,
    /// RFC 3339.
    updated_at: String,
}

impl From<DomainRow> for OrgDomainView {
    fn from(row: DomainRow) -> Self {
        let (record_name, record_text) = (row.record_name(), row.record_text());
        Self {
            id: row.id,
            name: row.name,
            state: if row.proven_ms.is_some() { "proven" } else { "pending" },
            record_name,
            record_text,
            node_id: row.node_id,
            proven_at: row.proven_ms.map(rfc3339),
            created_at: rfc3339(row.created_ms),
            updated_at: rfc3339(row.updated_ms),
        }
    }
}
