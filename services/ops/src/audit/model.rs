//! Rows.

use kernel::Sealed;

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

/// What a search asks for; of times from the first one up to the second.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) request_id: Option<String>,
    pub(crate) resource: Option<String>,
    pub(crate) action: Option<String>,
    pub(crate) actor: Option<String>,
    pub(crate) session: Option<String>,
    pub(crate) subject: Option<String>,
    pub(crate) from_ms: Option<i64>,
    pub(crate) to_ms: Option<i64>,
}
