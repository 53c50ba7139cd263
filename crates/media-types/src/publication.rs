//! What is published: immutable generations and the pointer to the newest, and where they lie in the store.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{AssetId, PlaybackId};

/// The stable name of the HLS entry, in a [`GenerationIndex`] and on the origin.
pub const MULTIVARIANT_PLAYLIST: &str = "master.m3u8";
/// The stable name of the DASH entry, in a [`GenerationIndex`] and on the origin.
pub const MPD: &str = "manifest.mpd";

/// Which generation new sessions get. Moves only to higher numbers, by compare-and-swap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pointer {
    /// 1 or more.
    pub generation: u64,
}

/// One file of a generation: its public path maps to an object that never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedFile {
    /// Key of the object in the store.
    pub key: String,
    /// Size in bytes.
    pub size_bytes: u64,
    /// Lower-case hex BLAKE3 of its bytes: the strong ETag.
    pub blake3: String,
    /// `Content-Type`.
    pub media_type: String,
}

/// Everything a generation consists of. Written before the pointer moves to it, then never changed.
///
/// Paths are relative to the generation, such as `video-1080p/00001.m4s`; [`MULTIVARIANT_PLAYLIST`] and [`MPD`] are
/// also what the stable URLs answer with, so the URIs inside those two carry the generation: `g2/video-1080p/...`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GenerationIndex {
    /// 1 or more.
    pub generation: u64,
    /// Length of the presentation in milliseconds.
    pub duration_ms: i64,
    /// Public path to object.
    pub files: BTreeMap<String, PublishedFile>,
    /// Public path to `Content-Type` of what is still being made. Each becomes an object once, whole, under its
    /// [`generation_key`], and its path is in no other list.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub planned: BTreeMap<String, String>,
}

/// Folder name of a rendition's track.
pub fn video_track(rendition: &str) -> String {
    format!("video-{rendition}")
}

/// Path segment of a generation in public URIs and in the store: `g2`.
pub fn generation_folder(generation: u64) -> String {
    format!("g{generation}")
}

/// Key of an asset's uploaded bytes.
pub fn source_key(asset: &AssetId) -> String {
    format!("sources/{asset}/original")
}

/// Where the bytes of an asset's upload gather. By asset, so that whoever removes an asset finds them.
pub fn staging_key(asset: &AssetId) -> String {
    format!("uploads/{asset}")
}

/// Prefix of everything made for an asset that is not public by itself: probe report, plan, fragments.
pub fn work_prefix(asset: &AssetId) -> String {
    format!("work/{asset}/")
}

/// Prefix of what is learned of an asset before its media are made, inside [`work_prefix`]. Each take of an upload that was
/// begun anew has its own.
pub fn take_prefix(asset: &AssetId, take: u32) -> String {
    match take {
        0 => work_prefix(asset),
        take => format!("{}take-{take}/", work_prefix(asset)),
    }
}

/// Prefix of what is planned for a renewal of an asset, `making` of 1 or more, inside [`work_prefix`].
pub fn making_prefix(asset: &AssetId, making: u32) -> String {
    format!("{}making-{making}/", work_prefix(asset))
}

/// Prefix of everything published under one playback id.
pub fn published_prefix(playback: &PlaybackId) -> String {
    format!("published/{playback}/")
}

/// Key of the [`Pointer`], as JSON.
pub fn pointer_key(playback: &PlaybackId) -> String {
    format!("{}current.json", published_prefix(playback))
}

/// Key of a file that belongs to one generation alone, such as a playlist.
pub fn generation_key(playback: &PlaybackId, generation: u64, path: &str) -> String {
    format!("{}{}/{path}", published_prefix(playback), generation_folder(generation))
}

/// Key of the [`GenerationIndex`], as JSON.
pub fn index_key(playback: &PlaybackId, generation: u64) -> String {
    generation_key(playback, generation, "index.json")
}
