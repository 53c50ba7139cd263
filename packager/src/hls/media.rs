//! Media playlists and I-frame playlists (RFC 8216bis §4.4.3).

use std::fmt::Write;

use media_types::{ByteRange, SyncPoint, TrackKind, TrackRecord};

use crate::hls::VERSION;
use crate::hls::key::KeyTags;
use crate::markers::{date_ranges, program_date};
use crate::paths::{INIT_FILE, MEDIA_FILE, segment_file, webvtt_segment_file};
use crate::presentation::coded_ticks;
use crate::single_file::FilePlan;
use crate::{PackageError, Presentation};

/// `ticks` in microseconds, rounded to nearest, halves up.
pub(super) fn micros(ticks: u64, timescale: u32) -> u64 {
    let scale = u128::from(timescale);
    u64::try_from((u128::from(ticks) * 2_000_000 + scale) / (2 * scale)).unwrap_or(u64::MAX)
}

/// Lengths in microseconds of the spans between `borders`, such that every partial sum is the exact time rounded.
pub(super) fn diffused(borders: impl Iterator<Item = u64>, timescale: u32) -> impl Iterator<Item = u64> {
    let mut borders = borders.map(move |ticks| micros(ticks, timescale));
    let mut last = borders.next().unwrap_or(0);
    borders.map(move |at| at.saturating_sub(std::mem::replace(&mut last, at)))
}

/// Start of the track, then the end of each segment, in ticks from the start.
pub(super) fn borders(track: &TrackRecord) -> impl Iterator<Item = u64> {
    let ends = track.segments.iter().scan(0u64, |at, segment| {
        *at = at.saturating_add(segment.duration_ticks);
        Some(*at)
    });
    std::iter::once(0).chain(ends)
}

/// `EXT-X-TARGETDURATION`: the longest `EXTINF`, rounded to whole seconds, at least 1.
pub(super) fn target(lengths: &[u64]) -> u64 {
    lengths.iter().max().map_or(1, |&longest| (longest.saturating_add(500_000) / 1_000_000).max(1))
}

/// `EXT-X-TARGETDURATION` of a track's media playlist, in seconds.
pub(crate) fn target_duration(track: &TrackRecord) -> u64 {
    target(&diffused(borders(track), track.timescale.get()).collect::<Vec<_>>())
}

/// A playlist under construction. One of text lists WebVTT files, which need no initialization and lie alone in any layout.
struct Writer<'a> {
    out: String,
    plan: Option<FilePlan>,
    track: &'a TrackRecord,
    /// What says how to decrypt.
    keys: Option<KeyTags<'a>>,
}

impl<'a> Writer<'a> {
    fn new(
        presentation: &Presentation<'a>,
        track: &'a TrackRecord,
        target_seconds: u64,
        iframes_only: bool,
    ) -> Result<Self, PackageError> {
        let text = track.kind == TrackKind::Text;
        let plan = if text { None } else { FilePlan::of(presentation, track)? };
        let only = if iframes_only { "#EXT-X-I-FRAMES-ONLY\n" } else { "" };
        let independent = if iframes_only { "" } else { "#EXT-X-INDEPENDENT-SEGMENTS\n" };
        let mut out = String::with_capacity(512 + 72 * track.segments.len());
        // Writing to a string cannot fail, here and below.
        let _ = write!(
            out,
            "#EXTM3U\n#EXT-X-VERSION:{VERSION}\n#EXT-X-TARGETDURATION:{target_seconds}\n#EXT-X-MEDIA-SEQUENCE:1\n\
             #EXT-X-PLAYLIST-TYPE:VOD\n{only}{independent}"
        );
        let _ = match &plan {
            None if text => Ok(()),
            None => writeln!(out, "#EXT-X-MAP:URI=\"{INIT_FILE}\""),
            Some(plan) => writeln!(out, "#EXT-X-MAP:URI=\"{MEDIA_FILE}\",BYTERANGE=\"{}@0\"", plan.init_bytes),
        };
        if !presentation.markers.is_empty() {
            if !text && !iframes_only {
                date_ranges(&mut out, presentation.markers)?;
            }
            // RFC 8216bis §6.2.4: when one playlist has dates, all have.
            program_date(&mut out, track);
        }
        let keys = presentation.signal_of(track).map(KeyTags::new);
        Ok(Self { out, plan, track, keys })
    }

    /// One entry: a whole segment, or `bytes` of it.
    fn entry(&mut self, length: u64, position: usize, bytes: Option<ByteRange>) {
        let out = &mut self.out;
        if let Some(keys) = &mut self.keys {
            let start = self.track.segments[position].start_ticks;
            keys.write(out, position, micros(start, self.track.timescale.get()));
        }
        let _ = writeln!(out, "#EXTINF:{}.{:06},", length / 1_000_000, length % 1_000_000);
        let segment = &self.track.segments[position];
        let start = self.plan.as_ref().map(|plan| plan.segment_start(position));
        let bytes = bytes.or(start.map(|_| ByteRange { offset: 0, length: segment.size_bytes }));
        if let Some(ByteRange { offset, length }) = bytes {
            let _ = writeln!(out, "#EXT-X-BYTERANGE:{length}@{}", start.unwrap_or(0) + offset);
        }
        let _ = match start {
            Some(_) => writeln!(out, "{MEDIA_FILE}"),
            None if self.track.kind == TrackKind::Text => writeln!(out, "{}", webvtt_segment_file(segment.index)),
            None => writeln!(out, "{}", segment_file(segment.index)),
        };
    }

    fn finish(mut self) -> String {
        self.out.push_str("#EXT-X-ENDLIST\n");
        self.out
    }
}

/// The playlist of one track, for its own folder; of a text track, with its segments as WebVTT files.
///
/// Each `EXTINF` is the difference of two rounded times, so that every partial sum is within half a microsecond of the
/// exact time, however long the track is.
///
/// # Errors
/// [`PackageError::Config`] when the init segment, whose size byte ranges need, cannot be made.
pub fn media_playlist<'a>(presentation: &Presentation<'a>, track: &'a TrackRecord) -> Result<String, PackageError> {
    let lengths: Vec<u64> = diffused(borders(track), track.timescale.get()).collect();
    // RFC 8216bis §6.2.4: the same in all renditions.
    let all = presentation.tracks.iter().map(target_duration).max().unwrap_or(0);
    let mut writer = Writer::new(presentation, track, target(&lengths).max(all), false)?;
    for (position, length) in lengths.into_iter().enumerate() {
        writer.entry(length, position, None);
    }
    Ok(writer.finish())
}

/// The sync points that a player can decode from their byte range alone, each with the position of its segment: those
/// that open a segment, whose range holds the `moof` too. A later keyframe's bytes are a bare access unit without the
/// boxes that say where it is and when it is shown, which no player takes for a media segment.
pub(crate) fn self_contained_sync_points(track: &TrackRecord) -> impl Iterator<Item = (usize, &SyncPoint)> {
    track.segments.iter().enumerate().flat_map(|(position, segment)| {
        let points = segment.sync_points.iter().filter(|point| point.bytes.offset == 0);
        points.map(move |point| (position, point))
    })
}

/// The I-frame playlist of a video track, for its own folder: byte ranges into the track's segments, from each
/// segment's start through its first picture. Each lasts until the next one, the last until the track's end.
///
/// # Errors
/// As [`media_playlist`].
pub fn iframe_playlist<'a>(presentation: &Presentation<'a>, track: &'a TrackRecord) -> Result<String, PackageError> {
    let start = track.segments.first().map_or(0, |segment| segment.start_ticks);
    let points: Vec<_> = self_contained_sync_points(track).collect();
    let at = points.iter().map(|(_, point)| u64::try_from(point.pts).unwrap_or(0).saturating_sub(start));
    let lengths: Vec<u64> = diffused(at.chain([coded_ticks(track)]), track.timescale.get()).collect();
    let mut writer = Writer::new(presentation, track, target(&lengths), true)?;
    for ((position, point), length) in points.iter().zip(lengths) {
        writer.entry(length, *position, Some(point.bytes));
    }
    Ok(writer.finish())
}
