//! What a path asks for.

use media_types::PlaybackId;
use media_types::publication::{MPD, MULTIVARIANT_PLAYLIST};

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// `{playback_id}/master.m3u8`: of the newest generation.
    Entry { playback: PlaybackId, name: &'static str },
    /// `{playback_id}/g2/...`: immutable.
    File { playback: PlaybackId, generation: u64, path: String },
}

impl Target {
    /// Reads what follows `/p/`, percent-decoded. `None` for anything that is never published, such as an entry under
    /// a generation, where its relative URIs would lead nowhere.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let (playback, rest) = path.split_once('/')?;
        let playback = playback.parse().ok()?;
        if let Some(name) = [MULTIVARIANT_PLAYLIST, MPD].into_iter().find(|name| *name == rest) {
            return Some(Self::Entry { playback, name });
        }
        let (folder, path) = rest.split_once('/')?;
        if path.is_empty() || path == MULTIVARIANT_PLAYLIST || path == MPD {
            return None;
        }
        let digits = folder.strip_prefix('g')?;
        // One generation has one name: a CDN must not be filled with `g007` and `g+7`.
        let canonical = !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit());
        let generation = digits.parse().ok().filter(|_| canonical)?;
        Some(Self::File { playback, generation, path: path.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn entries_and_files_of_a_generation_are_told_apart() {
        let playback: PlaybackId = "pb_1".parse().unwrap();
        assert_eq!(
            Target::parse("pb_1/manifest.mpd"),
            Some(Target::Entry { playback: playback.clone(), name: "manifest.mpd" })
        );
        assert_eq!(
            Target::parse("pb_1/g12/video-1080p/00001.m4s"),
            Some(Target::File { playback, generation: 12, path: "video-1080p/00001.m4s".to_owned() })
        );
    }

    #[test]
    fn everything_else_is_nothing() {
        for path in [
            "",
            "pb_1",
            "pb_1/",
            "pb_1/current.json",
            "pb_1/g1",
            "pb_1/g1/",
            "pb_1/g01/a",
            "pb_1/g0/a",
            "pb_1/g+1/a",
            "pb_1/g-1/a",
            "pb_1/g/a",
            "pb_1/1/a",
            "pb_1/g99999999999999999999/a",
            "pb_1/g1/master.m3u8",
            "../g1/a",
            "pb\n/master.m3u8",
            "/master.m3u8",
        ] {
            assert_eq!(Target::parse(path), None, "{path:?}");
        }
    }
}
