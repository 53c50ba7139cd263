//! A linter for HLS, DASH and CMAF presentations of any producer.
//!
//! - [`Linter`]: does no I/O; it says what to fetch, is given it, and reports in the end. [`Options`], [`Step`], [`Fetched`].
//! - [`Report`], [`Finding`], [`Severity`]: what was found, as text or serialised.
//! - [`RULES`], [`Rule`]: everything that can be found, each with the clause it comes from.
//! - `uri`: references resolved by RFC 3986. `hls`, `dash`: playlists and manifests. `bmff`: boxes, fragments and their
//!   protection. `webvtt`: subtitles as text. `linter`: the walk from the root to the last segment, and what must agree over
//!   tracks.
//!
//! The parsers here are tolerant and share nothing with the packager's writers. Layer 2: no I/O, no clock.

mod base64;
mod bmff;
mod codec;
mod dash;
mod hls;
mod linter;
mod report;
mod rules;
mod uri;
mod webvtt;

pub use linter::{Fetched, Linter, Options, Step};
pub use report::{Finding, Report, TrackSamples};
pub use rules::{RULES, Rule, Severity};
