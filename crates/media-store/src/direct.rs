//! Ways into and out of a store for clients that hold no key to it.

use std::time::Duration;

use crate::StoreFuture;
use crate::tree_hash::TREE_PART_BYTES;

/// Size of every block of an upload but the last.
pub const BLOCK_BYTES: u64 = TREE_PART_BYTES;

/// One block of an upload: it begins at `index` times [`BLOCK_BYTES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Counted from 0.
    pub index: u64,
    /// [`BLOCK_BYTES`], or what is left for the last block: at least 1.
    pub length: u64,
    /// What its bytes hash to.
    pub sha256: [u8; 32],
}

/// A request that is signed: whoever knows it may make it until it expires. A secret, so it cannot be printed.
pub struct SignedRequest {
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
}

impl SignedRequest {
    /// The address, with the signature in it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What has to be sent with it, beside `Host`: the signature is of these too.
    pub fn headers(&self) -> &[(String, String)] {
        &self.headers
    }
}

/// How far an upload is whose blocks were looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Bytes of it that count.
    pub length: u64,
    /// The first block that is not there, or not as it was said to be; those before it count.
    pub missing: Option<u64>,
}

/// A store that takes the blocks of an upload from clients, and gives them objects, without their bytes going through this
/// process. What is sent counts when [`take_blocks`](DirectAccess::take_blocks) has found it: nothing is believed that a client
/// says.
pub trait DirectAccess: Send + Sync {
    /// Requests (`PUT`) that bring these blocks of the upload `upload_key`, which begins with them if there is none yet. Each is for
    /// one block: another length or other bytes are refused by the store's server.
    ///
    /// [`crate::StoreError::UnsupportedLocation`] when the server would take other bytes, [`crate::StoreError::Conflict`] while the
    /// upload becomes an object.
    fn sign_blocks<'a>(
        &'a self,
        upload_key: &'a str,
        blocks: &'a [Block],
        valid: Duration,
    ) -> StoreFuture<'a, Vec<SignedRequest>>;

    /// Has the first blocks of an upload count, as far as they are in the store; may be repeated with more of them. The bytes of
    /// each have been compared with its hash, by the server or here. Errors as for `sign_blocks`.
    fn take_blocks<'a>(&'a self, upload_key: &'a str, blocks: &'a [Block]) -> StoreFuture<'a, Taken>;

    /// A request (`GET`) for the object `key`, of any range, that is answered with this `Content-Disposition`. Whether there is such
    /// an object shows when it is made.
    fn sign_get<'a>(&'a self, key: &'a str, disposition: &'a str, valid: Duration) -> StoreFuture<'a, SignedRequest>;
}
