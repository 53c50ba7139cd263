//! Why a file cannot be read, and where.

/// A file, or the rest of it, cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} (at byte {offset})")]
pub struct DemuxError {
    /// Where in the file.
    pub offset: u64,
    /// What is wrong, and with what.
    pub reason: String,
}

/// Something that was passed over or mended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Where in the file.
    pub offset: u64,
    /// What was found and what was done about it.
    pub what: String,
}
