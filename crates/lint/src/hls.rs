//! HLS playlists: tolerant readers, and the rules for one playlist alone.

pub(crate) mod attributes;
pub(crate) mod media;
pub(crate) mod multivariant;
mod range;
mod schema;
pub(crate) mod text;
mod time;

pub(crate) use time::instant;
