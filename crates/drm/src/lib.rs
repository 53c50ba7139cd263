//! Common Encryption (ISO/IEC 23001-7) and what licence systems need to be told.
//!
//! - [`ContentKey`], [`KeyEncryptionKey`]: keys in clear. [`WrappedKey`]: keys at rest.
//! - [`KeySet`]: which key is for which [`TrackClass`], from a key file.
//! - [`SegmentEncryptor`]: encrypts segments in place. [`SegmentAux`]: what `senc` and `saiz` then say.
//!   [`SegmentSeed`]: what its initialisation vectors are derived from.
//! - [`SampleDecryptor`]: decrypts samples in place.
//! - [`SegmentCipher`], [`SampleCipher`]: MPEG-TS for HLS.
//! - [`pssh`]: boxes of licence systems. [`signal`]: what playlists and manifests say about keys.
//! - [`clearkey`]: licences of the simplest system.
//! - [`seal`]: objects at rest under a [`DataKey`].
//!
//! Layer 1: deterministic; initialisation vectors and keys come in as arguments or are derived from the content.

mod cipher;
pub mod clearkey;
mod decrypt;
mod encrypt;
mod hls;
mod iv;
mod keys;
pub mod pssh;
pub mod seal;
mod secret;
pub mod signal;
mod types;
pub mod wrap;

pub use decrypt::{DecryptError, SampleDecryptor, decrypt_sample};
pub use encrypt::{EncryptError, SegmentAux, SegmentEncryptor};
pub use hls::{HlsMethod, SampleCipher, SegmentCipher};
pub use iv::{SegmentSeed, constant_iv, derive_iv};
pub use keys::{
    KeyEntry, KeyFileError, KeyFileProblem, KeySet, MAX_KEY_LINES, MissingKey, MissingPeriodKey, TrackClass,
};
pub use pssh::{Pssh, PsshError, SystemId};
pub use seal::{DataKey, ObjectSeal, SealError};
pub use secret::{ContentKey, KeyEncryptionKey, KeyTextError};
pub use types::{Iv, KeyId, ProtectionScheme, SampleEncryption, Subsample, TrackProtection};
pub use wrap::{UnwrapError, WrappedKey};
