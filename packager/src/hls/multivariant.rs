//! The multivariant playlist (RFC 8216bis §4.4.6).

use std::fmt::Write;

use media_types::TrackRecord;

use crate::bitrate::bits_per_second;
use crate::hls::{VERSION, self_contained_sync_points};
use crate::presentation::{Picture, Sound};
use crate::{
    PackageError, Presentation, average_bitrate_bps, codec_string, iframe_playlist_path, language, peak_bitrate_bps,
    playlist_path,
};

/// The short side, in pixels, of the picture a player should start with.
const START_PIXELS: u32 = 720;
const AUDIO_GROUP: &str = "audio";

/// The playlist that lists all variants, for the stable URL.
///
/// `BANDWIDTH` and `AVERAGE-BANDWIDTH` are measured and include the audio. The variant to start with (720p or the
/// closest below) comes first, the others ascend. Without video the audio playlist is the one variant.
///
/// # Errors
/// What makes a presentation unfit for any manifest: no track or segment, unsafe names, unaligned renditions, codec
/// configurations that cannot be read.
pub fn multivariant_playlist(presentation: &Presentation<'_>) -> Result<String, PackageError> {
    presentation.check()?;
    let (video, audio) = (presentation.video(), presentation.audio());
    let mut out = format!("#EXTM3U\n#EXT-X-VERSION:{VERSION}\n#EXT-X-INDEPENDENT-SEGMENTS\n");
    let extra = AudioCost::of(&audio)?;
    if video.is_empty() {
        for (track, _) in &audio {
            variant(&mut out, presentation.uri_prefix, track, None, None)?;
        }
        return Ok(out);
    }
    for (position, (track, sound)) in audio.iter().enumerate() {
        audio_rendition(&mut out, presentation.uri_prefix, track, sound, position, &audio[..position]);
    }
    for (track, picture) in start_first(&video) {
        variant(&mut out, presentation.uri_prefix, track, Some(picture), extra.as_ref())?;
    }
    for (track, picture) in &video {
        iframe_variant(&mut out, presentation.uri_prefix, track, picture)?;
    }
    Ok(out)
}

/// What the audio rendition adds to every variant.
struct AudioCost {
    peak_bps: u64,
    average_bps: u64,
    codecs: Vec<String>,
}

impl AudioCost {
    fn of(audio: &[(&TrackRecord, Sound<'_>)]) -> Result<Option<Self>, PackageError> {
        let mut codecs = Vec::new();
        for (track, _) in audio {
            let codec = codec_string(&track.config)?;
            if !codecs.contains(&codec) {
                codecs.push(codec);
            }
        }
        // Any one of the group may play beside the video: count the dearest.
        let peak = audio.iter().map(|(track, _)| peak_bitrate_bps(track)).max();
        let average = audio.iter().map(|(track, _)| average_bitrate_bps(track)).max();
        Ok(peak.zip(average).map(|(peak_bps, average_bps)| Self { peak_bps, average_bps, codecs }))
    }
}

/// `video` ascends; the one to start with moves to the front.
fn start_first<'t, 'a>(
    video: &'t [(&'a TrackRecord, Picture)],
) -> impl Iterator<Item = &'t (&'a TrackRecord, Picture)> {
    let short = |picture: &Picture| picture.width.min(picture.height);
    let start = video.iter().rposition(|(_, picture)| short(picture) <= START_PIXELS).unwrap_or(0);
    let others = video.iter().enumerate().filter(move |(position, _)| *position != start).map(|(_, entry)| entry);
    video.get(start).into_iter().chain(others)
}

fn audio_rendition(
    out: &mut String,
    prefix: &str,
    track: &TrackRecord,
    sound: &Sound<'_>,
    position: usize,
    before: &[(&TrackRecord, Sound<'_>)],
) {
    let _ = write!(out, "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"{AUDIO_GROUP}\"");
    let language = language::shortest(sound.language);
    let known = language != "und";
    if known {
        let _ = write!(out, ",LANGUAGE=\"{language}\"");
    }
    // NAME is unique in its group.
    let twins = before.iter().filter(|(_, other)| language::shortest(other.language) == language).count();
    let name = if known { language.as_str() } else { "Audio" };
    let ordinal = if twins > 0 { format!(" {}", twins + 1) } else { String::new() };
    let default = if position == 0 { "YES" } else { "NO" };
    let _ = writeln!(
        out,
        ",NAME=\"{name}{ordinal}\",DEFAULT={default},AUTOSELECT=YES,CHANNELS=\"{}\",URI=\"{prefix}{}\"",
        sound.channels,
        playlist_path(&track.name)
    );
}

fn variant(
    out: &mut String,
    prefix: &str,
    track: &TrackRecord,
    picture: Option<&Picture>,
    audio: Option<&AudioCost>,
) -> Result<(), PackageError> {
    let peak = peak_bitrate_bps(track).saturating_add(audio.map_or(0, |audio| audio.peak_bps));
    let average = average_bitrate_bps(track).saturating_add(audio.map_or(0, |audio| audio.average_bps));
    let mut codecs = codec_string(&track.config)?;
    for codec in audio.iter().flat_map(|audio| &audio.codecs) {
        let _ = write!(codecs, ",{codec}");
    }
    // The average of a whole is never above the peak of its parts, unless a short tail fell out of every window.
    let bandwidth = peak.max(average);
    let _ = write!(out, "#EXT-X-STREAM-INF:BANDWIDTH={bandwidth},AVERAGE-BANDWIDTH={average},CODECS=\"{codecs}\"");
    if let Some(picture) = picture {
        let _ = write!(out, ",RESOLUTION={}x{},FRAME-RATE={}", picture.width, picture.height, frame_rate(picture));
        out.push_str(",VIDEO-RANGE=SDR");
    }
    if audio.is_some() {
        let _ = write!(out, ",AUDIO=\"{AUDIO_GROUP}\"");
    }
    let _ = writeln!(out, "\n{prefix}{}", playlist_path(&track.name));
    Ok(())
}

/// Pictures per second with three decimals, rounded.
fn frame_rate(picture: &Picture) -> String {
    let den = u64::from(picture.rate_den.max(1));
    let thousandths = (u64::from(picture.rate_num) * 2000 + den) / (2 * den);
    format!("{}.{:03}", thousandths / 1000, thousandths % 1000)
}

fn iframe_variant(out: &mut String, prefix: &str, track: &TrackRecord, picture: &Picture) -> Result<(), PackageError> {
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
         VIDEO-RANGE=SDR,URI=\"{prefix}{}\"",
        codec_string(&track.config)?,
        picture.width,
        picture.height,
        iframe_playlist_path(&track.name)
    );
    Ok(())
}
