//! `EXT-X-KEY` and `EXT-X-SESSION-KEY` (RFC 8216bis §4.4.4.4, §4.4.6.4).

use std::fmt::Write;

use drm::signal::HlsKey;

use crate::{Presentation, TrackSignal};

/// One line for every key of every track, so that players may ask for them early.
pub(super) fn write_session(out: &mut String, presentation: &Presentation<'_>) {
    let mut written: Vec<(&str, &str)> = Vec::new();
    let signals = presentation.tracks.iter().filter_map(|track| presentation.signal_of(track));
    for key in signals.flat_map(all) {
        let uri = key.session_uri.as_ref().unwrap_or(&key.uri);
        if !written.contains(&(key.key_format, uri)) {
            written.push((key.key_format, uri));
            line(out, "#EXT-X-SESSION-KEY", key, uri);
        }
    }
}

/// The keys of all crypto periods.
fn all(signal: &TrackSignal) -> impl Iterator<Item = &HlsKey> {
    signal.hls.iter().chain(signal.later.iter().flat_map(|change| &change.hls))
}

/// The tags of a media playlist: in front of the first encrypted segment, and again where the key changes.
pub(super) struct KeyTags<'a> {
    signal: &'a TrackSignal,
    /// Which key the last tags were of: its position in `later` plus 1.
    told: Option<usize>,
}

impl<'a> KeyTags<'a> {
    pub(super) fn new(signal: &'a TrackSignal) -> Self {
        Self { signal, told: None }
    }

    /// Writes what has to be said in front of the segment at `position`, which starts at `start_us`.
    pub(super) fn write(&mut self, out: &mut String, position: usize, start_us: u64) {
        let signal = self.signal;
        let current = signal.later.partition_point(|change| change.from_us <= start_us);
        if position < signal.clear_segments || self.told == Some(current) {
            return;
        }
        self.told = Some(current);
        let keys = current.checked_sub(1).map_or(&signal.hls, |change| &signal.later[change].hls);
        keys.iter().for_each(|one| line(out, "#EXT-X-KEY", one, &one.uri));
    }
}

/// The tag of one licence system.
fn line(out: &mut String, tag: &str, key: &HlsKey, uri: &str) {
    // Writing to a string cannot fail.
    let _ = write!(out, "{tag}:METHOD={},URI=\"{uri}\"", key.method);
    if let Some(id) = key.key_id {
        let _ = write!(out, ",KEYID=0x{id}");
    }
    if let Some(iv) = key.iv {
        let _ = write!(out, ",IV=0x");
        for byte in iv.as_bytes() {
            let _ = write!(out, "{byte:02x}");
        }
    }
    let _ = writeln!(out, ",KEYFORMAT=\"{}\",KEYFORMATVERSIONS=\"{}\"", key.key_format, key.key_format_versions);
}

#[cfg(test)]
mod tests {
    use drm::KeyId;
    use drm::{ProtectionScheme, TrackProtection};

    use super::*;
    use crate::KeyChange;

    fn key(uri: &str) -> HlsKey {
        let (method, key_format, key_format_versions) = ("SAMPLE-AES", "identity", "1");
        let session_uri = None;
        HlsKey { method, uri: uri.to_owned(), session_uri, key_format, key_format_versions, key_id: None, iv: None }
    }

    #[test]
    fn tags_stand_where_the_key_changes_and_none_in_a_clear_lead() {
        let (scheme, key_id) = (ProtectionScheme::Cenc, KeyId([1; 16]));
        let (iv_size, constant_iv, crypt_blocks, skip_blocks) = (8, None, 0, 0);
        let change = |from_us, uri| KeyChange { from_us, hls: vec![key(uri)] };
        let mut signal = TrackSignal {
            track: TrackProtection { scheme, key_id, iv_size, constant_iv, crypt_blocks, skip_blocks },
            pssh: bytes::Bytes::new(),
            clear_segments: 0,
            hls: vec![key("a")],
            dash: Vec::new(),
            later: vec![change(3_000_000, "b"), change(7_000_000, "c"), change(9_000_000, "d")],
        };
        let before = |signal: &TrackSignal| -> Vec<String> {
            let mut tags = KeyTags::new(signal);
            let of = |(position, start_us): (usize, u64)| {
                let mut out = String::new();
                tags.write(&mut out, position, start_us);
                out.lines().filter_map(|line| line.split('"').nth(1)).collect()
            };
            [0, 2_000_000, 4_000_000, 6_000_000, 10_000_000].into_iter().enumerate().map(of).collect()
        };
        assert_eq!(before(&signal), ["a", "", "b", "", "d"], "a period without a segment is passed over");
        signal.clear_segments = 3;
        assert_eq!(before(&signal), ["", "", "", "b", "d"]);
        assert_eq!(all(&signal).map(|key| &key.uri[..]).collect::<String>(), "abcd");
    }
}
