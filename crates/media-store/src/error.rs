//! Why a store did not do what it was asked.

use std::io;

use thiserror::Error;

/// Why a store did not do what it was asked.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The key or prefix is empty, too long, leaves the store, or has odd characters.
    #[error("{key:?} is not a key: parts of letters, digits, '.', '_' and '-', joined by '/'")]
    InvalidKey {
        /// What was given, cut to 128 characters.
        key: String,
    },
    /// One of this key and another would have to be both an object and a folder.
    #[error("the key {key:?} continues another key or is continued by one")]
    KeyClash {
        /// The key.
        key: String,
    },
    /// There is no such object or upload.
    #[error("there is no object {key:?}")]
    NotFound {
        /// The key.
        key: String,
    },
    /// More bytes than one call may move through memory.
    #[error("{size_bytes} bytes of {key:?} are more than the {limit_bytes} that one call may move")]
    TooLarge {
        /// The key.
        key: String,
        /// What was asked for or found.
        size_bytes: u64,
        /// What is allowed.
        limit_bytes: u64,
    },
    /// The object is not in the state that the caller expected; nothing changed.
    #[error("the object {key:?} was changed by somebody else")]
    Conflict {
        /// The key.
        key: String,
    },
    /// An upload does not stand at the offset that the caller named; nothing changed.
    #[error("the upload stands at byte {actual}")]
    OffsetMismatch {
        /// Where it stands; 0 when there is none.
        actual: u64,
    },
    /// No room, or less than the store keeps free.
    #[error("no space left in the media store")]
    NoSpace,
    /// No store can be opened under this name.
    #[error("cannot open the media store {location:?}: {reason}")]
    UnsupportedLocation {
        /// What the operator named.
        location: String,
        /// Why not.
        reason: &'static str,
    },
    /// Nobody says who asks: the store's server was not even called.
    #[error("there are no credentials for the bucket {bucket:?}")]
    NoCredentials {
        /// The bucket.
        bucket: String,
    },
    /// The server knows no such bucket, or only in another region.
    #[error("there is no bucket {bucket:?} where it was looked for")]
    NoBucket {
        /// The bucket.
        bucket: String,
    },
    /// The server knows who asks and refuses, or does not believe it.
    #[error("the media store's server denies the right to {doing}")]
    Denied {
        /// The step, such as `write an object`.
        doing: &'static str,
    },
    /// The server did not answer, or not in time, however often it was asked.
    #[error("the media store's server cannot be reached to {doing}")]
    Unreachable {
        /// The step, such as `write an object`.
        doing: &'static str,
        /// What was tried and failed.
        #[source]
        source: io::Error,
    },
    /// The object holds something else than what belongs there.
    #[error("the object {key:?} is damaged")]
    Damaged {
        /// The key.
        key: String,
    },
    /// The medium failed.
    #[error("the media store failed to {doing}")]
    Io {
        /// The step, such as `write a temporary file`.
        doing: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl StoreError {
    /// What an operator can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoCredentials { .. } => {
                "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give this machine a role"
            }
            Self::NoBucket { .. } => "check the bucket's name, AWS_REGION and AWS_ENDPOINT_URL_S3",
            Self::Denied { .. } => {
                "check the credentials, and allow what docs/operations.md lists under \"Bytes on S3\""
            }
            Self::Unreachable { .. } => "check AWS_ENDPOINT_URL_S3, the network and the server, then try again",
            Self::UnsupportedLocation { .. } => "name a folder, or a bucket as s3://BUCKET/PREFIX",
            _ => "check the folder, its permissions and its free space",
        }
    }

    pub(crate) fn invalid_key(key: &str) -> Self {
        Self::InvalidKey { key: key.chars().take(128).collect() }
    }

    pub(crate) fn not_found(key: &str) -> Self {
        Self::NotFound { key: key.to_owned() }
    }

    pub(crate) fn conflict(key: &str) -> Self {
        Self::Conflict { key: key.to_owned() }
    }

    /// For `map_err`: a full medium is told apart from a failing one.
    pub(crate) fn io(doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::NoSpace,
            _ => Self::Io { doing, source },
        }
    }
}
