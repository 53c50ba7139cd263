//! JSON of streams.

use kernel::rfc3339;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::StreamRow;

/// Who shall be sent the log.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[schema(as = AuditStreamRequest)]
#[serde(deny_unknown_fields)]
pub(super) struct StreamRequest {
    /// `https://` to be sent events of OCSF as lines of JSON, `tcp://HOST:PORT` for syslog.
    #[schema(example = "https://siem.example/ingest")]
    pub(super) url: String,
    /// What requests are authenticated with: the value of `Authorization`, such as `Bearer x`, or header and value, such as `X-Api-Key: x`.
    /// It is shown to nobody.
    pub(super) credential: Option<String>,
    /// Whether what is personal is sent too: addresses, clients, what was before and after, and why. Not when absent: nobody can erase
    /// it there.
    pub(super) has_personal: Option<bool>,
    /// The index of the first entry that is sent; 0 when absent.
    pub(super) start: Option<u64>,
}

/// Who is sent the log.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditStream)]
pub(super) struct StreamView {
    id: String,
    url: String,
    /// Whether requests are authenticated.
    has_credential: bool,
    /// Whether what is personal is sent too.
    has_personal: bool,
    /// The index of the entry that is sent next.
    next_index: i64,
    /// How often in a row what came next was not taken.
    failures: i64,
    /// Why it was not, the last time.
    last_error: Option<String>,
    /// When something was taken last: RFC 3339.
    last_sent_at: Option<String>,
    /// Who has made it.
    created_by: String,
    /// RFC 3339.
    created_at: String,
}

impl From<StreamRow> for StreamView {
    fn from(row: StreamRow) -> Self {
        Self {
            has_credential: row.credential.is_some(),
            last_sent_at: row.last_ms.map(rfc3339),
            created_at: rfc3339(row.created_ms),
            id: row.id,
            url: row.url,
            has_personal: row.has_personal,
            next_index: row.next_seq,
            failures: row.failures,
            last_error: row.last_error,
            created_by: row.created_by,
        }
    }
}

/// All streams of a tenant.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditStreams)]
pub(super) struct StreamsView {
    /// Newest first.
    pub(super) items: Vec<StreamView>,
}
