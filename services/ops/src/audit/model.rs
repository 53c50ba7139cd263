//! Rows.

use kernel::Sealed;
use serde::Deserialize;
use utoipa::ToSchema;

use super::note::Verifier;

database::row! {
    /// A log.
    pub(crate) struct LogRow {
        pub(crate) size: i64,
        pub(crate) checkpoint: String,
        pub(crate) public_key: Vec<u8>,
        pub(crate) secret: Vec<u8>,
        pub(crate) is_wrapped: bool,
    }
}

database::row! {
    /// An entry, and what columns say of it.
    #[derive(Clone, Debug)]
    pub(crate) struct EntryRow {
        pub(crate) seq: i64,
        pub(crate) entry: String,
        pub(crate) leaf_hash: Vec<u8>,
        pub(crate) actor: String,
        pub(crate) action: String,
        pub(crate) resource: String,
        pub(crate) request_id: Option<String>,
        pub(crate) session: Option<String>,
        pub(crate) subject: Option<String>,
        pub(crate) time_ms: i64,
    }
}

impl LogRow {
    /// How many entries it says that it has.
    pub(crate) fn size(&self) -> u64 {
        u64::try_from(self.size).unwrap_or_default()
    }

    /// Who signs it; `None` of what is no key.
    pub(crate) fn verifier(&self) -> Option<Verifier> {
        self.public_key.as_slice().try_into().ok().map(Verifier::new)
    }

    pub(crate) fn sealed(&self) -> Sealed {
        Sealed { bytes: self.secret.clone(), is_wrapped: self.is_wrapped }
    }
}

/// Entries that are looked at together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Pack {
    /// What changed who may what: people, roles, keys, clients, second factors.
    Access,
    /// What the holder of the admin token did, and what was done to the log's own keeping.
    Admin,
}

impl Pack {
    /// As it stands in an address.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Admin => "admin",
        }
    }
}

/// What a search asks for; of times from the first one up to the second.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) request_id: Option<String>,
    pub(crate) resource: Option<String>,
    pub(crate) action: Option<String>,
    pub(crate) actor: Option<String>,
    pub(crate) session: Option<String>,
    pub(crate) subject: Option<String>,
    pub(crate) pack: Option<Pack>,
    pub(crate) from_ms: Option<i64>,
    pub(crate) to_ms: Option<i64>,
}
