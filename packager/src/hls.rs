//! HLS playlists (RFC 8216bis).
//!
//! All of them are written here and not through `m3u8-rs`: it keeps durations as 32-bit floats and further attributes
//! in a hash map, so that neither sums nor the order of attributes would be ours. It reads everything back in
//! [`lint`](crate::lint).

mod key;
mod media;
mod multivariant;
mod renditions;

pub use media::{iframe_playlist, media_playlist};
pub(crate) use media::{self_contained_sync_points, target_duration};
pub use multivariant::multivariant_playlist;

/// The version every playlist declares: the highest that any tag used here needs is 6 (`EXT-X-MAP`), and 7 is what
/// the authoring specification asks of fragmented MP4.
pub(crate) const VERSION: u32 = 7;
