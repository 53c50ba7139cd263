//! Short signed texts that let their holder play one recording for a while.
//!
//! - [`Claims`]: what a token says: which recording, until when, with which keys and under which [`PlayPolicy`].
//! - [`SigningKey`], [`KeyRing`]: the secrets that sign; the newest signs, every one of the ring verifies.
//! - [`issue`], [`verify`]: claims into a token and out of one.
//!
//! A token is `lpt1.` and the base64url form (RFC 4648 §5, without padding) of a body and its HMAC-SHA256 (RFC 2104). It can
//! be read by whoever has it and changed by nobody. The number is the version of this form; another one is refused.
//!
//! Layer 1: time and randomness come in as arguments.

mod claims;
mod ring;
mod token;
mod wire;

pub use claims::{Claims, ClaimsError, Hdcp, MAX_KEY_IDS, PlayPolicy, SessionId};
pub use ring::{KeyRing, MAX_KEYS, RingError, SigningKey, SigningKeyError};
pub use token::{MAX_TOKEN_BYTES, NONCE_BYTES, PREFIX, TokenError, issue, verify};
