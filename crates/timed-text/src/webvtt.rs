//! WebVTT files (W3C WebVTT: The Web Video Text Tracks Format).

mod parse;
mod segment;
mod settings;
mod write;

pub use parse::parse;
pub use segment::segments;
pub use write::{header, write};

pub(crate) use parse::{one_cue, parse_config};
pub(crate) use write::{clean_line, clean_payload};

#[cfg(test)]
pub(crate) use tests::any_document;

#[cfg(test)]
mod tests;
