//! The multivariant playlist (RFC 8216bis §4.4.6).

use std::fmt::Write;

use media_types::TrackRecord;

use super::renditions::{AudioGroup, ClosedCaptions, SUBTITLES, Subtitles};
use crate::bitrate::bits_per_second;
use crate::codec::{Family, VideoRange};
use crate::hls::{VERSION, images, key, self_contained_sync_points};
use crate::paths::CHAPTERS_JSON;
use crate::presentation::Picture;
use crate::{
    PackageError, Presentation, average_bitrate_bps, codec_string, iframe_playlist_path, peak_bitrate_bps,
    playlist_path,
};

/// How players are told where the chapters are.
const CHAPTERS: &str = "com.apple.hls.chapters";

/// The short side, in pixels, of the picture a player should start with.
const START_PIXELS: u32 = 720;

/// The playlist that lists all variants, for the stable URL.
///
/// `BANDWIDTH` and `AVERAGE-BANDWIDTH` are measured and include the audio and the subtitles. The variant to start with
/// (720p or the closest below, in H.264 if there is any) comes first, the others ascend, codec by codec, and high dynamic range
/// comes behind the standard one. Sound of several codecs makes a group of each, and every
/// variant comes once with each group; subtitles are one group. Without video every audio playlist is a variant.
///
/// # Errors
/// What makes a presentation unfit for any manifest: no track or segment, unsafe names, unaligned renditions, nothing but
/// text, codec configurations that cannot be read.
pub fn multivariant_playlist(presentation: &Presentation<'_>) -> Result<String, PackageError> {
    presentation.check()?;
    let (video, audio) = (presentation.video(), presentation.audio());
    let mut out = format!("#EXTM3U\n#EXT-X-VERSION:{VERSION}\n#EXT-X-INDEPENDENT-SEGMENTS\n");
    if !presentation.chapters.is_empty() {
        // Writing to a string cannot fail.
        let prefix = presentation.uri_prefix;
        let _ = writeln!(out, "#EXT-X-SESSION-DATA:DATA-ID=\"{CHAPTERS}\",URI=\"{prefix}{CHAPTERS_JSON}\"");
    }
    key::write_session(&mut out, presentation);
    let prefix = presentation.uri_prefix;
    let groups = if video.is_empty() { Vec::new() } else { AudioGroup::all(&audio)? };
    groups.iter().for_each(|group| group.write(&mut out, prefix));
    let beside = Beside { prefix, subtitles: Subtitles::of(presentation), captions: ClosedCaptions::of(presentation) };
    if let Some(subtitles) = &beside.subtitles {
        subtitles.write(&mut out, prefix);
    }
    beside.captions.write(&mut out);
    if video.is_empty() {
        for (track, _) in &audio {
            beside.variant(&mut out, track, None, None)?;
        }
        return Ok(out);
    }
    let sound: Vec<_> = if groups.is_empty() { vec![None] } else { groups.iter().map(Some).collect() };
    for (track, picture) in start_first(&video) {
        for group in &sound {
            beside.variant(&mut out, track, Some(picture), *group)?;
        }
    }
    for (track, picture) in video.iter().filter(|(track, _)| presentation.lists_iframes(track)) {
        let record = presentation.trick_of(track).map_or(*track, |trick| &trick.record);
        iframe_variant(&mut out, &format!("{prefix}{}", iframe_playlist_path(&track.name)), record, picture)?;
    }
    images::write_variant(&mut out, presentation);
    Ok(out)
}

/// Of each range and codec `video` ascends; the one to start with, of the first of these, moves to the front.
pub(super) fn start_first<'t, 'a>(
    video: &'t [(&'a TrackRecord, Picture)],
) -> impl Iterator<Item = &'t (&'a TrackRecord, Picture)> {
    let short = |picture: &Picture| picture.width.min(picture.height);
    let first = |track: &TrackRecord| {
        let group = |track: &TrackRecord| (VideoRange::of(&track.config), Family::of(&track.config));
        video.first().is_some_and(|(first, _)| group(first) == group(track))
    };
    let fit = |(track, picture): &(&TrackRecord, Picture)| first(track) && short(picture) <= START_PIXELS;
    let start = video.iter().rposition(fit).unwrap_or(0);
    let others = video.iter().enumerate().filter(move |(position, _)| *position != start).map(|(_, entry)| entry);
    video.get(start).into_iter().chain(others)
}

/// What variants are written beside.
struct Beside<'a> {
    prefix: &'a str,
    subtitles: Option<Subtitles<'a>>,
    captions: ClosedCaptions<'a>,
}

impl Beside<'_> {
    fn variant(
        &self,
        out: &mut String,
        track: &TrackRecord,
        picture: Option<&Picture>,
        audio: Option<&AudioGroup<'_>>,
    ) -> Result<(), PackageError> {
        let text = self.subtitles.as_ref();
        let peaks =
            [peak_bitrate_bps(track), audio.map_or(0, AudioGroup::peak_bps), text.map_or(0, Subtitles::peak_bps)];
        let averages = [
            average_bitrate_bps(track),
            audio.map_or(0, AudioGroup::average_bps),
            text.map_or(0, Subtitles::average_bps),
        ];
        let sum = |rates: [u64; 3]| rates.into_iter().fold(0, u64::saturating_add);
        let (peak, average) = (sum(peaks), sum(averages));
        let mut codecs = codec_string(&track.config)?;
        // Writing to a string cannot fail, here and below.
        for codec in audio.iter().flat_map(|audio| &audio.codecs) {
            let _ = write!(codecs, ",{codec}");
        }
        // The average of a whole is never above the peak of its parts, unless a short tail fell out of every window.
        let bandwidth = peak.max(average);
        let _ = write!(out, "#EXT-X-STREAM-INF:BANDWIDTH={bandwidth},AVERAGE-BANDWIDTH={average},CODECS=\"{codecs}\"");
        if let Some(picture) = picture {
            let _ = write!(out, ",RESOLUTION={}x{},FRAME-RATE={}", picture.width, picture.height, frame_rate(picture));
            let _ = write!(out, ",VIDEO-RANGE={}", VideoRange::of(&track.config).name());
        }
        if let Some(audio) = audio {
            let _ = write!(out, ",AUDIO=\"{}\"", audio.id);
        }
        if text.is_some() {
            let _ = write!(out, ",SUBTITLES=\"{SUBTITLES}\"");
        }
        out.push_str(&self.captions.attribute(track));
        let _ = writeln!(out, "\n{}{}", self.prefix, playlist_path(&track.name));
        Ok(())
    }
}

/// Pictures per second with three decimals, rounded.
pub(super) fn frame_rate(picture: &Picture) -> String {
    let den = u64::from(picture.rate_den.max(1));
    let thousandths = (u64::from(picture.rate_num) * 2000 + den) / (2 * den);
    format!("{}.{:03}", thousandths / 1000, thousandths % 1000)
}

fn iframe_variant(out: &mut String, uri: &str, track: &TrackRecord, picture: &Picture) -> Result<(), PackageError> {
    let points: Vec<_> = self_contained_sync_points(track).map(|(_, point)| point).collect();
    let end = track.segments.last().map_or(0, |segment| segment.start_ticks + segment.duration_ticks);
    let ends = points.iter().skip(1).map(|point| u64::try_from(point.pts).unwrap_or(0)).chain([end]);
    let scale = track.timescale.get();
    let (mut peak, mut bytes) = (0, 0u64);
    for (point, end) in points.iter().zip(ends) {
        let ticks = end.saturating_sub(u64::try_from(point.pts).unwrap_or(0));
        peak = peak.max(bits_per_second(point.bytes.length, ticks, scale));
        bytes = bytes.saturating_add(point.bytes.length);
    }
    let Some(first) = points.first() else { return Ok(()) };
    let first = u64::try_from(first.pts).unwrap_or(0);
    let average = bits_per_second(bytes, end.saturating_sub(first), scale);
    let _ = writeln!(
        out,
        "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH={peak},AVERAGE-BANDWIDTH={average},CODECS=\"{}\",RESOLUTION={}x{},\
         VIDEO-RANGE={},URI=\"{uri}\"",
        codec_string(&track.config)?,
        picture.width,
        picture.height,
        VideoRange::of(&track.config).name()
    );
    Ok(())
}
