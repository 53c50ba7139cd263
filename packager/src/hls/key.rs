//! `EXT-X-KEY` and `EXT-X-SESSION-KEY` (RFC 8216bis §4.4.4.4, §4.4.6.4).

use std::fmt::Write;

use drm::signal::HlsKey;

use crate::Presentation;

/// One line for every key of every track, so that players may ask for them early.
pub(super) fn write_session(out: &mut String, presentation: &Presentation<'_>) {
    let mut written: Vec<(&str, &str)> = Vec::new();
    let signals = presentation.tracks.iter().filter_map(|track| presentation.signal_of(track));
    for key in signals.flat_map(|signal| &signal.hls) {
        if !written.contains(&(key.key_format, &key.uri)) {
            written.push((key.key_format, &key.uri));
            line(out, "#EXT-X-SESSION-KEY", key);
        }
    }
}

/// The tag of one licence system.
pub(super) fn line(out: &mut String, tag: &str, key: &HlsKey) {
    // Writing to a string cannot fail.
    let _ = write!(out, "{tag}:METHOD={},URI=\"{}\"", key.method, key.uri);
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
