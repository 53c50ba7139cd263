//! Thumbnails as an image playlist: no part of RFC 8216bis, whose players pass over tags that they do not know (§6.3.1), but
//! of a specification that Roku, Shaka Player and others share ("HLS Image Media Playlist", version 0.4).

use std::fmt::Write;

use super::VERSION;
use crate::bitrate::bits_per_second;
use crate::paths::STORYBOARD_PLAYLIST;
use crate::{Presentation, StoryboardRef};

/// The tag that names the image playlist. `RESOLUTION` is that of one tile.
pub(super) fn write_variant(out: &mut String, presentation: &Presentation<'_>) {
    let Some(board) = &presentation.storyboard else { return };
    let shown_ms = board.duration_ms.unsigned_abs();
    // Writing to a string cannot fail, here and below.
    let _ = writeln!(
        out,
        "#EXT-X-IMAGE-STREAM-INF:BANDWIDTH={},CODECS=\"jpeg\",RESOLUTION={}x{},URI=\"{}{STORYBOARD_PLAYLIST}\"",
        bits_per_second(board.sheet_bytes, shown_ms, 1000),
        board.tile_width,
        board.tile_height,
        presentation.uri_prefix
    );
}

/// The image playlist: one sheet, shown until the presentation's end, in which each tile lasts its own time.
pub fn image_playlist(board: &StoryboardRef<'_>) -> String {
    let seconds = |ms: u64| format!("{}.{:03}", ms / 1000, ms % 1000);
    let duration_ms = board.duration_ms.unsigned_abs();
    let target = ((duration_ms + 500) / 1000).max(1);
    format!(
        "#EXTM3U\n#EXT-X-VERSION:{VERSION}\n#EXT-X-TARGETDURATION:{target}\n#EXT-X-MEDIA-SEQUENCE:1\n\
         #EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-IMAGES-ONLY\n#EXTINF:{},\n\
         #EXT-X-TILES:RESOLUTION={}x{},LAYOUT={}x{},DURATION={}\n{}\n#EXT-X-ENDLIST\n",
        seconds(duration_ms),
        board.tile_width,
        board.tile_height,
        board.columns,
        board.rows,
        seconds(board.interval_ms.into()),
        board.uri
    )
}
