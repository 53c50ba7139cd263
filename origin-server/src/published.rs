//! One generation as the origin holds it: its index, checked once when it is loaded.

use std::collections::HashMap;

use axum::http::HeaderValue;
use media_types::{GenerationIndex, PublishedFile};

/// Hex digits of the SHA-256 that make an entity tag: 128 bits.
const ETAG_DIGITS: usize = 32;

/// One immutable file of a generation, its headers ready to send.
#[derive(Debug)]
pub(crate) struct PublishedObject {
    pub(crate) key: String,
    pub(crate) size_bytes: u64,
    pub(crate) blake3: String,
    pub(crate) media_type: HeaderValue,
    /// Worth compressing: playlists, the MPD, captions.
    pub(crate) is_text: bool,
}

pub(crate) struct Published {
    files: HashMap<String, PublishedObject>,
    /// Media types of what is still being made.
    planned: HashMap<String, HeaderValue>,
}

impl Published {
    /// `None` when the index is not one of this generation or names files by what cannot be a hash or a media type.
    pub(crate) fn parse(json: &[u8], generation: u64) -> Option<Self> {
        let index: GenerationIndex = serde_json::from_slice(json).ok()?;
        if index.generation != generation {
            return None;
        }
        let files = index.files.into_iter().map(|(path, file)| {
            let is_hash =
                file.blake3.len() == 64 && file.blake3.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            let media_type = HeaderValue::from_str(&file.media_type).ok().filter(|_| is_hash)?;
            let is_text = is_text(&file.media_type);
            let PublishedFile { key, size_bytes, blake3, .. } = file;
            Some((path, PublishedObject { key, size_bytes, blake3, media_type, is_text }))
        });
        let planned =
            index.planned.into_iter().map(|(path, media_type)| Some((path, HeaderValue::try_from(media_type).ok()?)));
        Some(Self { files: files.collect::<Option<_>>()?, planned: planned.collect::<Option<_>>()? })
    }

    /// The media type of a file that is, or was when the generation was published, still being made.
    pub(crate) fn planned(&self, path: &str) -> Option<&HeaderValue> {
        self.planned.get(path)
    }

    pub(crate) fn file(&self, path: &str) -> Option<&PublishedObject> {
        self.files.get(path)
    }
}

impl PublishedObject {
    /// A file that was made later than its generation's index, from its bytes. Only media are.
    pub(crate) fn of_bytes(key: String, bytes: &[u8], media_type: HeaderValue) -> Self {
        let blake3 = blake3::hash(bytes).to_hex().to_string();
        Self { key, size_bytes: bytes.len() as u64, blake3, media_type, is_text: false }
    }

    /// Strong, with its quotes: the same bytes have the same tag in every generation and on every origin.
    pub(crate) fn etag(&self) -> String {
        format!("\"{}\"", &self.blake3[..ETAG_DIGITS])
    }

    /// The tag of the gzip form, whose bytes are others.
    pub(crate) fn gzip_etag(&self) -> String {
        format!("\"{}-gz\"", &self.blake3[..ETAG_DIGITS])
    }
}

fn is_text(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence.starts_with("text/")
        || matches!(
            essence.as_str(),
            "application/vnd.apple.mpegurl" | "application/x-mpegurl" | "application/dash+xml" | "application/json"
        )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn json(generation: u64, blake3: &str, media_type: &str) -> Vec<u8> {
        serde_json::json!({
            "generation": generation, "duration_ms": 1,
            "files": { "a.m3u8": { "key": "k", "size_bytes": 1, "blake3": blake3, "media_type": media_type } },
        })
        .to_string()
        .into_bytes()
    }

    #[test]
    fn only_a_sound_index_of_the_right_generation_is_taken() {
        let hash = "ab".repeat(32);
        let published = Published::parse(&json(2, &hash, "application/vnd.apple.mpegurl"), 2).unwrap();
        let file = published.file("a.m3u8").unwrap();
        assert!(file.is_text);
        assert_eq!(file.etag(), format!("\"{}\"", "ab".repeat(16)));
        assert_eq!(file.gzip_etag(), format!("\"{}-gz\"", "ab".repeat(16)));
        assert!(published.file("b.m3u8").is_none());
        for bad in [
            json(3, &hash, "video/mp4"),
            json(2, "ab", "video/mp4"),
            json(2, &"AB".repeat(32), "video/mp4"),
            json(2, &"é".repeat(32), "video/mp4"),
            json(2, &hash, "video/mp4\r\nX-Evil: 1"),
            b"{".to_vec(),
        ] {
            assert!(Published::parse(&bad, 2).is_none(), "{}", String::from_utf8_lossy(&bad));
        }
    }
}
