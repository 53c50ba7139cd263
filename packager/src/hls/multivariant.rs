//! The multivariant playlist (RFC 8216bis §4.4.6).

use std::fmt::Write;

use media_types::TrackRecord;

use crate::bitrate::bits_per_second;
use crate::codec::{Configured, Family};
use crate::hls::{VERSION, key, self_contained_sync_points};
use crate::presentation::{Picture, Sound};
use crate::{
    PackageError, Presentation, average_bitrate_bps, codec_string, iframe_playlist_path, language, peak_bitrate_bps,
    playlist_path,
};

/// The short side, in pixels, of the picture a player should start with.
const START_PIXELS: u32 = 720;

/// The playlist that lists all variants, for the stable URL.
///
/// `BANDWIDTH` and `AVERAGE-BANDWIDTH` are measured and include the audio. The variant to start with (720p or the
/// closest below) comes first, the others ascend. Sound of several codecs makes a group of each, and every variant comes
/// once with each group. Without video every audio playlist is a variant.
///
/// # Errors
/// What makes a presentation unfit for any manifest: no track or segment, unsafe names, unaligned renditions, codec
/// configurations that cannot be read.
pub fn multivariant_playlist(presentation: &Presentation<'_>) -> Result<String, PackageError> {
    presentation.check()?;
    let (video, audio) = (presentation.video(), presentation.audio());
    let mut out = format!("#EXTM3U\n#EXT-X-VERSION:{VERSION}\n#EXT-X-INDEPENDENT-SEGMENTS\n");
    key::write_session(&mut out, presentation);
    if video.is_empty() {
        for (track, _) in &audio {
            variant(&mut out, presentation.uri_prefix, track, None, None)?;
        }
        return Ok(out);
    }
    let groups = AudioGroup::all(&audio)?;
    for group in &groups {
        for (position, (track, sound)) in group.members.iter().enumerate() {
            let before = &group.members[..position];
            audio_rendition(&mut out, presentation.uri_prefix, &group.id, (track, sound), before);
        }
    }
    let beside: Vec<_> = if groups.is_empty() { vec![None] } else { groups.iter().map(Some).collect() };
    for (track, picture) in start_first(&video) {
        for group in &beside {
            variant(&mut out, presentation.uri_prefix, track, Some(picture), *group)?;
        }
    }
    for (track, picture) in &video {
        iframe_variant(&mut out, presentation.uri_prefix, track, picture)?;
    }
    Ok(out)
}

/// Audio renditions of one codec: any one of them may play beside the video.
struct AudioGroup<'a> {
    id: String,
    members: Vec<(&'a TrackRecord, Sound<'a>)>,
    codecs: Vec<String>,
}

impl<'a> AudioGroup<'a> {
    fn all(audio: &[(&'a TrackRecord, Sound<'a>)]) -> Result<Vec<Self>, PackageError> {
        let mut groups: Vec<(Family, Self)> = Vec::new();
        for &(track, sound) in audio {
            let family = Family::of(&track.config);
            let place = groups.iter().position(|(other, _)| *other == family).unwrap_or_else(|| {
                let id = format!("audio-{}", family.name());
                groups.push((family, Self { id, members: Vec::new(), codecs: Vec::new() }));
                groups.len() - 1
            });
            let group = &mut groups[place].1;
            let codec = codec_string(&track.config)?;
            if !group.codecs.contains(&codec) {
                group.codecs.push(codec);
            }
            group.members.push((track, sound));
        }
        let mut groups: Vec<Self> = groups.into_iter().map(|(_, group)| group).collect();
        if let [only] = groups.as_mut_slice() {
            "audio".clone_into(&mut only.id);
        }
        Ok(groups)
    }

    /// The dearest member's peak.
    fn peak_bps(&self) -> u64 {
        self.members.iter().map(|(track, _)| peak_bitrate_bps(track)).max().unwrap_or(0)
    }

    fn average_bps(&self) -> u64 {
        self.members.iter().map(|(track, _)| average_bitrate_bps(track)).max().unwrap_or(0)
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
    group: &str,
    (track, sound): (&TrackRecord, &Sound<'_>),
    before: &[(&TrackRecord, Sound<'_>)],
) {
    // Writing to a string cannot fail, here and below.
    let _ = write!(out, "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"{group}\"");
    let language = language::shortest(sound.language);
    let known = language != "und";
    if known {
        let _ = write!(out, ",LANGUAGE=\"{language}\"");
    }
    // NAME is unique in its group.
    let twins = before.iter().filter(|(_, other)| language::shortest(other.language) == language).count();
    let name = if known { language.as_str() } else { "Audio" };
    let ordinal = if twins > 0 { format!(" {}", twins + 1) } else { String::new() };
    let default = if before.is_empty() { "YES" } else { "NO" };
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
    audio: Option<&AudioGroup<'_>>,
) -> Result<(), PackageError> {
    let peak = peak_bitrate_bps(track).saturating_add(audio.map_or(0, AudioGroup::peak_bps));
    let average = average_bitrate_bps(track).saturating_add(audio.map_or(0, AudioGroup::average_bps));
    let mut codecs = codec_string(&track.config)?;
    for codec in audio.iter().flat_map(|audio| &audio.codecs) {
        let _ = write!(codecs, ",{codec}");
    }
    // The average of a whole is never above the peak of its parts, unless a short tail fell out of every window.
    let bandwidth = peak.max(average);
    let _ = write!(out, "#EXT-X-STREAM-INF:BANDWIDTH={bandwidth},AVERAGE-BANDWIDTH={average},CODECS=\"{codecs}\"");
    if let Some(picture) = picture {
        let _ = write!(out, ",RESOLUTION={}x{},FRAME-RATE={}", picture.width, picture.height, frame_rate(picture));
        let _ = write!(out, ",VIDEO-RANGE={}", video_range(track)?);
    }
    if let Some(audio) = audio {
        let _ = write!(out, ",AUDIO=\"{}\"", audio.id);
    }
    let _ = writeln!(out, "\n{prefix}{}", playlist_path(&track.name));
    Ok(())
}

/// By the transfer characteristics (ITU-T H.273 §8.2) that the codec states.
fn video_range(track: &TrackRecord) -> Result<&'static str, PackageError> {
    let Configured::Video { colour, .. } = Configured::read(&track.config)? else { return Ok("SDR") };
    Ok(match colour.map(|colour| colour.transfer) {
        Some(16) => "PQ",
        Some(18) => "HLG",
        _ => "SDR",
    })
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
         VIDEO-RANGE={},URI=\"{prefix}{}\"",
        codec_string(&track.config)?,
        picture.width,
        picture.height,
        video_range(track)?,
        iframe_playlist_path(&track.name)
    );
    Ok(())
}
