//! Subtitles: files and tracks of other files in, WebVTT for HLS and a CMAF track or a WebVTT file for DASH out.
//!
//! - `name`: what the name of a file says of it.
//! - `read`: files, and the text tracks inside of media files, to cues and documents.
//! - `grid`: where text is cut.
//! - `write`: cues to segments of both kinds, and to whole files.

mod grid;
mod name;
mod read;
#[cfg(test)]
mod tests;
mod write;

use std::path::Path;

use media_types::segment::Roles;
use timed_text::Document;
use timed_text::ttml::Ttml;

pub(super) use grid::text_grid;
pub(super) use read::{from_files, from_tracks, is_text, load};
pub(super) use write::write;

/// Subtitles of one language and purpose.
pub(super) struct Subtitles {
    /// The file it came from, for messages.
    origin: String,
    language: String,
    label: Option<String>,
    roles: Roles,
    /// What is shown, in terms of WebVTT.
    cues: Document,
    /// The document that it was written as, when that was TTML: it says more than cues can.
    ttml: Option<Ttml>,
}

impl Subtitles {
    /// Cues that are shown before the presentation starts are not shown; those that last longer start with it.
    fn clip(&mut self) {
        for cue in &mut self.cues.cues {
            cue.start_us = cue.start_us.max(0);
        }
        self.cues.cues.retain(|cue| cue.end_us > cue.start_us);
    }
}

/// The language that the name of a file says it is in.
pub(super) fn named_language(path: &Path) -> Option<String> {
    name::read(path).language
}

/// A player shows at most one track unasked. Containers call each of their tracks the default one unless told otherwise,
/// which says nothing.
pub(super) fn settle_defaults(tracks: &mut [Subtitles]) {
    let chosen = tracks.iter().position(|track| track.roles.default && !track.roles.forced);
    let meant = tracks.iter().any(|track| !track.roles.default);
    for (position, track) in tracks.iter_mut().enumerate() {
        track.roles.default = meant && Some(position) == chosen;
    }
}
