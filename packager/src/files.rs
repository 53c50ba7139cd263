//! Every file of a presentation that is text, and so derived.

use bytes::Bytes;
use media_types::publication::{MPD, MULTIVARIANT_PLAYLIST};

use crate::{
    PackageError, Presentation, STORYBOARD_VTT, iframe_playlist, iframe_playlist_path, media_playlist, media_type, mpd,
    multivariant_playlist, playlist_path, presentation, storyboard_vtt,
};

/// A file of a generation, ready to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputFile {
    /// Relative to the generation: `video-1080p/media.m3u8`.
    pub path: String,
    /// `Content-Type`.
    pub media_type: &'static str,
    /// What it holds.
    pub bytes: Bytes,
}

impl OutputFile {
    fn new(path: String, text: String) -> Self {
        Self { media_type: media_type(&path), path, bytes: text.into() }
    }
}

/// The multivariant playlist, the MPD, the media playlist of each track that HLS lists, each video track's I-frame playlist and the
/// storyboard's WebVTT file, in this order.
///
/// # Errors
/// As [`multivariant_playlist`] and [`mpd`].
pub fn text_files(presentation: &Presentation<'_>) -> Result<Vec<OutputFile>, PackageError> {
    let mut files = vec![OutputFile::new(MPD.to_owned(), mpd(presentation)?)];
    if let Some(board) = &presentation.storyboard {
        files.push(OutputFile::new(STORYBOARD_VTT.to_owned(), storyboard_vtt(board)));
    }
    if !presentation.fits_hls() {
        return Ok(files);
    }
    files.insert(0, OutputFile::new(MULTIVARIANT_PLAYLIST.to_owned(), multivariant_playlist(presentation)?));
    for track in presentation.tracks.iter().filter(|track| presentation::in_hls(track)) {
        files.push(OutputFile::new(playlist_path(&track.name), media_playlist(presentation, track)?));
    }
    for track in presentation.tracks.iter().filter(|track| presentation::picture(track).is_some()) {
        files.push(OutputFile::new(iframe_playlist_path(&track.name), iframe_playlist(presentation, track)?));
    }
    Ok(files)
}
