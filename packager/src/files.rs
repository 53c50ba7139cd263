//! Every file of a presentation that is text, and so derived.

use bytes::Bytes;
use media_types::publication::{MPD, MULTIVARIANT_PLAYLIST};

use crate::{
    CHAPTERS_JSON, CHAPTERS_VTT, PackageError, Presentation, STORYBOARD_PLAYLIST, STORYBOARD_VTT, chapters_json,
    chapters_vtt, iframe_playlist, iframe_playlist_path, image_playlist, media_playlist, media_type, mpd,
    multivariant_playlist, playlist_path, presentation, storyboard_vtt, trick_playlist,
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

/// The multivariant playlist, the MPD, WebVTT files of the storyboard and the chapters, the media playlist of each track that
/// HLS lists, I-frame playlists, the storyboard's image playlist and the chapters as JSON, in this order.
///
/// # Errors
/// As [`multivariant_playlist`] and [`mpd`].
pub fn text_files(presentation: &Presentation<'_>) -> Result<Vec<OutputFile>, PackageError> {
    let mut files = vec![OutputFile::new(MPD.to_owned(), mpd(presentation)?)];
    if let Some(board) = &presentation.storyboard {
        files.push(OutputFile::new(STORYBOARD_VTT.to_owned(), storyboard_vtt(board)));
    }
    if !presentation.chapters.is_empty() {
        files.push(OutputFile::new(CHAPTERS_VTT.to_owned(), chapters_vtt(presentation.chapters)));
    }
    if !presentation.fits_hls() {
        return Ok(files);
    }
    files.insert(0, OutputFile::new(MULTIVARIANT_PLAYLIST.to_owned(), multivariant_playlist(presentation)?));
    for track in presentation.tracks.iter().filter(|track| presentation::in_hls(track)) {
        files.push(OutputFile::new(playlist_path(&track.name), media_playlist(presentation, track)?));
    }
    let video = presentation.tracks.iter().filter(|track| presentation::picture(track).is_some());
    for track in video.filter(|track| presentation.lists_iframes(track)) {
        let text = match presentation.trick_of(track) {
            Some(trick) => trick_playlist(presentation, trick)?,
            None => iframe_playlist(presentation, track)?,
        };
        files.push(OutputFile::new(iframe_playlist_path(&track.name), text));
    }
    if let Some(board) = &presentation.storyboard {
        files.push(OutputFile::new(STORYBOARD_PLAYLIST.to_owned(), image_playlist(board)));
    }
    if !presentation.chapters.is_empty() {
        files.push(OutputFile::new(CHAPTERS_JSON.to_owned(), chapters_json(presentation.chapters)));
    }
    Ok(files)
}
