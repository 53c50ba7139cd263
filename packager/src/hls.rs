//! HLS playlists (RFC 8216bis).
//!
//! All of them are written here and not through `m3u8-rs`: it keeps durations as 32-bit floats and further attributes
//! in a hash map, so that neither sums nor the order of attributes would be ours. It reads everything back in
//! [`lint`](crate::lint).

mod images;
mod key;
mod media;
mod multivariant;
mod renditions;
mod transport;
mod trick;

pub use images::image_playlist;
pub use media::{iframe_playlist, media_playlist};
pub(crate) use media::{self_contained_sync_points, target_duration};
pub use multivariant::multivariant_playlist;
pub use transport::{TRANSPORT_FOLDER, TransportKey, TransportVariant, transport_playlists, transport_segment_path};
pub use trick::trick_playlist;

/// The version every playlist declares: the highest that any tag used here needs is 6 (`EXT-X-MAP`), and 7 is what
/// the authoring specification asks of fragmented MP4.
pub(crate) const VERSION: u32 = 7;
