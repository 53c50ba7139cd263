//! What the fuzz targets do, as plain functions of bytes: a stable `cargo test` runs them too. Each panics when a promise
//! is broken; a refusal is fine.
//!
//! - [`message_to_engine`], [`message_from_engine`], [`ladder_file`], [`stored_segment`]: what `serve` and `worker` read.
//! - [`parts`]: what `encode`, `probe` and workers read of recordings in several files.
//! - [`container`], [`segments`], [`init_boxes`], [`encryption`]: the packager's way from a file to encrypted segments.
//! - [`avc`], [`hevc`], [`av1`], [`vp9`], [`audio`], [`captions`]: what the codecs' bytes say.
//! - [`subtitles`], [`text_samples`], [`cue_message`]: timed text and splice messages.
//! - [`protection_data`], [`key_file`], [`licence_request`], [`wrapped_key`], [`key_document`]: keys and what is said
//!   about them. [`sealed_object`]: what lies under one.
//! - [`passkey`]: what browsers and authenticators say.
//! - [`scim`]: what directories send about people.
//! - [`backup`]: what `lectern backup verify` and `restore` read.
//! - [`presentation`]: the linter of anybody's presentations.

mod backup;
mod codecs;
mod container;
mod cue_message;
mod encryption;
mod engine;
mod init_boxes;
mod key_document;
mod parts;
mod passkey;
mod pieces;
mod presentation;
mod protection;
mod scim;
mod segments;
mod stored_segment;
mod text;

// A valid presentation of every kind, which the linter's own tests are made from too.
#[allow(dead_code)]
#[path = "../../../crates/lint/tests/corpus/fixture.rs"]
mod fixture;
#[allow(dead_code, clippy::unwrap_used)]
#[path = "../../../crates/lint/tests/corpus/media.rs"]
mod media;

pub use self::scim::scim;
pub use backup::backup;
pub use codecs::{audio, av1, avc, captions, hevc, vp9};
pub use container::container;
pub use cue_message::cue_message;
pub use encryption::encryption;
pub use engine::{ladder_file, message_from_engine, message_to_engine};
pub use init_boxes::init_boxes;
pub use key_document::key_document;
pub use parts::parts;
pub use passkey::passkey;
pub use presentation::presentation;
pub use protection::{key_file, licence_request, protection_data, sealed_object, wrapped_key};
pub use segments::segments;
pub use stored_segment::stored_segment;
pub use text::{subtitles, text_samples};

#[cfg(test)]
mod tests;
