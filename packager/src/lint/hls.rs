//! Playlists against records, read by `m3u8-rs`; sums are taken from the text, since it keeps 32-bit floats.

use std::collections::BTreeMap;

use m3u8_rs::{AlternativeMediaType, MediaPlaylist, MediaPlaylistType, VariantStream};
use media_types::{TrackKind, TrackRecord};

use super::Findings;
use crate::{Presentation, codec_string, iframe_playlist_path, playlist_path};

/// RFC 8216bis §4.4.6 and §9: every variant is there, says what its track is, and its bandwidth covers each segment.
pub(super) fn check_multivariant(presentation: &Presentation<'_>, text: &str, findings: &mut Findings) {
    let playlist = match m3u8_rs::parse_master_playlist_res(text.as_bytes()) {
        Ok(playlist) => playlist,
        Err(_) => return findings.add("hls.syntax", "the multivariant playlist cannot be parsed"),
    };
    if !playlist.independent_segments {
        findings.add("hls.independent", "the multivariant playlist does not claim independent segments");
    }
    let (video, audio) = (presentation.video(), presentation.audio());
    let uri = |path: String| format!("{}{path}", presentation.uri_prefix);
    let mut variants: BTreeMap<(bool, String), &VariantStream> = BTreeMap::new();
    for variant in &playlist.variants {
        if variants.insert((variant.is_i_frame, variant.uri.clone()), variant).is_some() {
            findings.add("hls.variant", format!("{} is listed twice", variant.uri));
        }
    }
    let mut take = |iframes: bool, uri: String, findings: &mut Findings| {
        let key = (iframes, uri);
        let found = variants.remove(&key);
        if found.is_none() {
            findings.add("hls.variant", format!("{} is not listed", key.1));
        }
        found
    };
    let sound_bps = audio.iter().map(|(track, _)| dearest_segment_bps(track)).max().unwrap_or(0);
    for (track, picture) in &video {
        if let Some(variant) = take(false, uri(playlist_path(&track.name)), findings) {
            check_variant(track, variant, sound_bps, findings);
            let size = variant.resolution.map(|size| (size.width, size.height));
            let expected = Some((picture.width.into(), picture.height.into()));
            findings.same("hls.resolution", &track.name, size, expected);
            findings.same("hls.audio-group", &track.name, variant.audio.is_some(), !audio.is_empty());
        }
        take(true, uri(iframe_playlist_path(&track.name)), findings);
    }
    if video.is_empty() {
        for (track, _) in &audio {
            if let Some(variant) = take(false, uri(playlist_path(&track.name)), findings) {
                check_variant(track, variant, 0, findings);
            }
        }
    } else {
        let sound = playlist.alternatives.iter().filter(|media| media.media_type == AlternativeMediaType::Audio);
        let listed: Vec<_> = sound.filter_map(|media| media.uri.clone()).collect();
        let expected: Vec<_> = audio.iter().map(|(track, _)| uri(playlist_path(&track.name))).collect();
        findings.same("hls.audio-group", "the audio group", listed, expected);
    }
    let subtitles = playlist.alternatives.iter().filter(|media| media.media_type == AlternativeMediaType::Subtitles);
    let listed: Vec<_> = subtitles.filter_map(|media| media.uri.clone()).collect();
    let text = presentation.text().into_iter().filter(|track| crate::presentation::in_hls(track));
    let expected: Vec<_> = text.map(|track| uri(playlist_path(&track.name))).collect();
    findings.same("hls.subtitles", "the group of subtitles", listed, expected);
    for (_, uri) in variants.keys() {
        findings.add("hls.variant", format!("{uri} belongs to no track"));
    }
}

fn check_variant(track: &TrackRecord, variant: &VariantStream, sound_bps: u64, findings: &mut Findings) {
    let codec = codec_string(&track.config).unwrap_or_default();
    if !variant.codecs.iter().any(|codecs| codecs.split(',').any(|listed| listed == codec)) {
        findings.add("hls.codecs", format!("{}: CODECS does not name {codec}", track.name));
    }
    let needed = dearest_segment_bps(track).saturating_add(sound_bps);
    if variant.bandwidth < needed {
        findings.add("hls.bandwidth", format!("{}: {} is below {needed}", track.name, variant.bandwidth));
    }
    if variant.average_bandwidth.is_none_or(|average| average > variant.bandwidth) {
        findings.add("hls.average-bandwidth", format!("{}: it is missing or above BANDWIDTH", track.name));
    }
}

/// The dearest segment among those that last at least half the longest one: a lower bound of every peak.
fn dearest_segment_bps(track: &TrackRecord) -> u64 {
    let longest = track.segments.iter().map(|segment| segment.duration_ticks).max().unwrap_or(0);
    // Half of the rounded target may be up to a quarter second more than half of the longest.
    let floor = longest / 2 + u64::from(track.timescale.get()) / 4;
    let whole = track.segments.iter().filter(|segment| segment.duration_ticks >= floor.min(longest));
    let rate = |bytes: u64, ticks: u64| {
        let bits = u128::from(bytes) * 8 * u128::from(track.timescale.get());
        u64::try_from(bits / u128::from(ticks.max(1))).unwrap_or(u64::MAX)
    };
    whole.map(|segment| rate(segment.size_bytes, segment.duration_ticks)).max().unwrap_or(0)
}

/// RFC 8216bis §4.4.3 and §4.4.4 for a track's own playlist.
pub(super) fn check_media(track: &TrackRecord, text: &str, findings: &mut Findings) {
    let Some((playlist, lengths)) = read(track, text, findings) else { return };
    let uris: Vec<_> = playlist.segments.iter().map(|segment| segment.uri.clone()).collect();
    let extension = if track.kind == TrackKind::Text { "vtt" } else { "m4s" };
    let expected: Vec<_> = (1..=track.segments.len()).map(|number| format!("{number:05}.{extension}")).collect();
    findings.same("hls.segments", &format!("{}: the list of segments", track.name), uris, expected);
    if playlist.i_frames_only {
        findings.add("hls.iframes-only", format!("{} claims to hold I-frames only", track.name));
    }
    let mut exact = 0u64;
    let ends = track.segments.iter().map(|segment| {
        exact = exact.saturating_add(segment.duration_ticks);
        exact
    });
    check_sums(track, &lengths, ends, findings);
}

/// RFC 8216bis §4.4.3.6 for a video track's I-frame playlist.
pub(super) fn check_iframes(track: &TrackRecord, text: &str, findings: &mut Findings) {
    let Some((playlist, lengths)) = read(track, text, findings) else { return };
    if !playlist.i_frames_only {
        findings.add("hls.iframes-only", format!("{} does not say EXT-X-I-FRAMES-ONLY", track.name));
    }
    let listed: Vec<_> = playlist
        .segments
        .iter()
        .map(|segment| {
            let range = segment.byte_range.as_ref();
            (segment.uri.clone(), range.map_or(0, |range| range.length), range.and_then(|range| range.offset))
        })
        .collect();
    let opening = |number: usize, segment: &media_types::SegmentRecord| {
        let point = segment.sync_points.first()?;
        Some((format!("{:05}.m4s", number + 1), point.bytes.length, Some(0)))
    };
    let segments = track.segments.iter().enumerate();
    let expected: Vec<_> = segments.filter_map(|(number, segment)| opening(number, segment)).collect();
    findings.same("hls.iframes", &format!("{}: the list of I-frames", track.name), listed, expected);
    let start = track.segments.first().map_or(0, |segment| segment.start_ticks);
    let end = track.segments.last().map_or(0, |segment| segment.start_ticks.saturating_add(segment.duration_ticks));
    let later = track.segments.iter().filter_map(|segment| segment.sync_points.first()).skip(1);
    let ends = later.map(|point| u64::try_from(point.pts).unwrap_or(0)).chain([end]);
    check_sums(track, &lengths, ends.map(|at| at.saturating_sub(start)), findings);
}

/// The parsed playlist and its `EXTINF`s in microseconds; rules that all media playlists share are checked on the way.
fn read(track: &TrackRecord, text: &str, findings: &mut Findings) -> Option<(MediaPlaylist, Vec<u64>)> {
    let Ok(playlist) = m3u8_rs::parse_media_playlist_res(text.as_bytes()) else {
        findings.add("hls.syntax", format!("{}: the playlist cannot be parsed", track.name));
        return None;
    };
    let lengths: Option<Vec<u64>> =
        text.lines().filter_map(|line| line.strip_prefix("#EXTINF:")).map(read_micros).collect();
    let Some(lengths) = lengths.filter(|lengths| lengths.len() == playlist.segments.len()) else {
        findings.add("hls.extinf", format!("{}: an EXTINF is not a decimal number", track.name));
        return None;
    };
    if !playlist.end_list || playlist.playlist_type != Some(MediaPlaylistType::Vod) {
        findings.add("hls.vod", format!("{}: the playlist does not end", track.name));
    }
    if playlist.version.is_none_or(|version| version < 6) {
        findings.add("hls.version", format!("{}: EXT-X-MAP needs version 6", track.name));
    }
    let map = playlist.segments.first().and_then(|segment| segment.map.as_ref());
    // WebVTT needs no initialization.
    let init = (track.kind != TrackKind::Text).then_some("init.mp4");
    findings.same("hls.map", &track.name, map.map(|map| map.uri.as_str()), init);
    if lengths.iter().any(|&length| length.saturating_add(500_000) / 1_000_000 > playlist.target_duration) {
        findings.add("hls.target-duration", format!("{}: an EXTINF is above it", track.name));
    }
    Some((playlist, lengths))
}

/// `4.004000,` in microseconds.
fn read_micros(value: &str) -> Option<u64> {
    let (seconds, digits) = value.split(',').next()?.split_once('.')?;
    let digits = Some(digits).filter(|digits| digits.len() == 6)?;
    seconds.parse::<u64>().ok()?.checked_mul(1_000_000)?.checked_add(digits.parse().ok()?)
}

/// Every partial sum is within half a microsecond of the exact time.
fn check_sums(track: &TrackRecord, lengths: &[u64], ends: impl Iterator<Item = u64>, findings: &mut Findings) {
    let scale = i128::from(track.timescale.get());
    let mut sum = 0i128;
    for (position, (length, end)) in lengths.iter().zip(ends).enumerate() {
        sum += i128::from(*length);
        let off = sum * scale - i128::from(end) * 1_000_000;
        if 2 * off.abs() > scale {
            return findings.add("hls.extinf-sum", format!("{}: the sum up to entry {position} is off", track.name));
        }
    }
}
