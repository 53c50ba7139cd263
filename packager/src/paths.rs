//! Where a presentation's files lie, relative to its generation, and what they are served as.

/// Name of an init segment in its track's folder.
pub const INIT_FILE: &str = "init.mp4";
/// Name of the one file of a track whose segments are not files of their own.
pub const MEDIA_FILE: &str = "media.mp4";
/// Name of the file of a track's keyframes, for fast playback.
pub const TRICK_FILE: &str = "trick.mp4";
/// Name of the image playlist of the storyboard.
pub const STORYBOARD_PLAYLIST: &str = "storyboard.m3u8";
/// Name of the chapters' WebVTT file.
pub const CHAPTERS_VTT: &str = "chapters.vtt";
/// Name of the chapters' JSON file.
pub const CHAPTERS_JSON: &str = "chapters.json";
/// Name of the storyboard's WebVTT file.
pub const STORYBOARD_VTT: &str = "storyboard.vtt";

/// File name of a media segment, from its 0-based index: `00001.m4s` is the first.
pub fn segment_file(index: u32) -> String {
    format!("{:05}.m4s", u64::from(index) + 1)
}

/// Path of a media segment, from its 0-based index: `video-1080p/00001.m4s`.
pub fn segment_path(track: &str, index: u32) -> String {
    format!("{track}/{}", segment_file(index))
}

/// File name of a text segment as WebVTT, from its 0-based index: `00001.vtt` is the first.
pub fn webvtt_segment_file(index: u32) -> String {
    format!("{:05}.vtt", u64::from(index) + 1)
}

/// Path of a text segment as WebVTT, from its 0-based index: `text-en/00001.vtt`.
pub fn webvtt_segment_path(track: &str, index: u32) -> String {
    format!("{track}/{}", webvtt_segment_file(index))
}

/// Path of a text track as one WebVTT file: `text-en/subtitles.vtt`.
pub fn subtitles_path(track: &str) -> String {
    format!("{track}/subtitles.vtt")
}

/// Path of a track's init segment: `video-1080p/init.mp4`.
pub fn init_path(track: &str) -> String {
    format!("{track}/{INIT_FILE}")
}

/// Path of a track's one file: `video-1080p/media.mp4`.
pub fn media_path(track: &str) -> String {
    format!("{track}/{MEDIA_FILE}")
}

/// Path of the file of a track's keyframes: `video-360p/trick.mp4`.
pub fn trick_path(track: &str) -> String {
    format!("{track}/{TRICK_FILE}")
}

/// Path of a track's media playlist: `video-1080p/media.m3u8`.
pub fn playlist_path(track: &str) -> String {
    format!("{track}/media.m3u8")
}

/// Path of a track's I-frame playlist: `video-1080p/iframes.m3u8`.
pub fn iframe_playlist_path(track: &str) -> String {
    format!("{track}/iframes.m3u8")
}

/// The `Content-Type` of a published path. Segments of tracks named `audio...` are audio, of `text...` text, all others
/// video.
pub fn media_type(path: &str) -> &'static str {
    let folder = path.rsplit('/').nth(1).unwrap_or_default();
    let (sound, text) = (folder.starts_with("audio"), folder.starts_with("text"));
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "m3u8" => "application/vnd.apple.mpegurl",
        "mpd" => "application/dash+xml",
        "m4s" | "mp4" if sound => "audio/mp4",
        "m4s" | "mp4" if text => "application/mp4",
        "m4s" | "mp4" => "video/mp4",
        "jpg" | "jpeg" => "image/jpeg",
        "vtt" => "text/vtt",
        "json" => "application/json",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_the_type_a_player_expects() {
        for (path, expected) in [
            ("master.m3u8", "application/vnd.apple.mpegurl"),
            ("manifest.mpd", "application/dash+xml"),
            ("g2/audio-en/00001.m4s", "audio/mp4"),
            ("audio-en/init.mp4", "audio/mp4"),
            ("video-1080p/00001.m4s", "video/mp4"),
            ("storyboard.jpg", "image/jpeg"),
            ("storyboard.vtt", "text/vtt"),
            ("text-en/00001.vtt", "text/vtt"),
            ("text-en/00001.m4s", "application/mp4"),
            ("odd", "application/octet-stream"),
        ] {
            assert_eq!(media_type(path), expected, "{path}");
        }
    }

    #[test]
    fn segment_names_count_from_one_and_never_lose_a_digit() {
        assert_eq!(segment_path("video-360p", 0), "video-360p/00001.m4s");
        assert_eq!(segment_file(99_999), "100000.m4s");
        assert_eq!(webvtt_segment_path("text-en", 0), "text-en/00001.vtt");
        assert_eq!(segment_file(u32::MAX), "4294967296.m4s");
    }
}
