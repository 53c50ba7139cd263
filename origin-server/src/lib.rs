//! Serves published generations out of a media store to any HLS or DASH player. Knows no database, no queue and no
//! keys: a pointer and an index in the store say all that it needs.
//!
//! - [`Origin`]: resolves `/p/{playback_id}/...` to bytes and answers with validators, ranges and cache rules.
//! - [`Demand`]: whom it tells that a viewer waits for a file that is planned and not made yet.
//! - [`serve`]: connections with a bound on their number, their silence and their end; `turn` knows whose turn it is.
//! - [`Tls`]: the same over TLS, by files that may change.
//!
//! One request, end to end: `target` reads the path; `catalog` finds the generation, its index and the file in it,
//! from memory or once from the store however many ask; `conditional` and `range` (pure, RFC 9110) decide what to send;
//! `body` sends it, 256 KiB at a time.

mod body;
mod cache;
mod catalog;
mod conditional;
mod demand;
mod headers;
mod origin;
mod problem;
mod published;
mod range;
mod serve;
mod target;
mod tls;
mod turn;

pub use demand::{Demand, Demanded, Outlook};
pub use origin::{Origin, OriginOptions};
pub use serve::{ServeLimits, serve, serve_over, serve_with};
pub use tls::{Tls, TlsError};
