//! I-frame playlists over a file of keyframes (RFC 8216bis §4.4.3.6).

use std::fmt::Write;

use super::VERSION;
use super::key::KeyTags;
use super::media::{borders, diffused, micros, target};
use crate::markers::program_date;
use crate::paths::TRICK_FILE;
use crate::single_file::FilePlan;
use crate::{PackageError, Presentation, TrickTrack};

/// The I-frame playlist of a track that has its keyframes in a file: each entry is a whole fragment, which any player can
/// append, also where samples are encrypted. A range of a segment that ends behind its first picture is none: its boxes tell
/// of samples that are not there.
///
/// # Errors
/// [`PackageError::Config`] when the init segment, whose size byte ranges need, cannot be made.
pub fn trick_playlist(presentation: &Presentation<'_>, trick: &TrickTrack) -> Result<String, PackageError> {
    let track = &trick.record;
    let plan = FilePlan::single(presentation, track)?;
    let scale = track.timescale.get();
    let lengths: Vec<u64> = diffused(borders(track), scale).collect();
    let mut out = String::with_capacity(512 + 80 * lengths.len());
    // Writing to a string cannot fail, here and below.
    let _ = write!(
        out,
        "#EXTM3U\n#EXT-X-VERSION:{VERSION}\n#EXT-X-TARGETDURATION:{}\n#EXT-X-MEDIA-SEQUENCE:1\n\
         #EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-I-FRAMES-ONLY\n#EXT-X-MAP:URI=\"{TRICK_FILE}\",BYTERANGE=\"{}@0\"\n",
        target(&lengths),
        plan.init_bytes
    );
    if !presentation.markers.is_empty() {
        // §6.2.4: when one playlist has dates, all have.
        program_date(&mut out, track);
    }
    let mut keys = presentation.signal_of(track).map(KeyTags::new);
    for (position, (segment, length)) in track.segments.iter().zip(lengths).enumerate() {
        if let Some(keys) = &mut keys {
            keys.write(&mut out, position, micros(segment.start_ticks, scale));
        }
        let _ = write!(
            out,
            "#EXTINF:{}.{:06},\n#EXT-X-BYTERANGE:{}@{}\n{TRICK_FILE}\n",
            length / 1_000_000,
            length % 1_000_000,
            segment.size_bytes,
            plan.segment_start(position)
        );
    }
    out.push_str("#EXT-X-ENDLIST\n");
    Ok(out)
}
