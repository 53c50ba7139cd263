//! The DASH manifest (ISO/IEC 23009-1), static, one period.

use std::time::Duration;

use dash_mpd_core::{
    AdaptationSet, AudioChannelConfiguration, EssentialProperty, MPD, Period, Representation, Role, S, SegmentTemplate,
    SegmentTimeline,
};
use media_types::{MediaTime, TrackRecord};

use crate::bitrate::bits_per_second;
use crate::hls::target_duration;
use crate::presentation::{Picture, Sound};
use crate::{INIT_FILE, PackageError, Presentation, StoryboardRef, codec_string, language, peak_bitrate_bps};

const PROFILES: &str = "urn:mpeg:dash:profile:isoff-live:2011,urn:mpeg:dash:profile:cmaf:2019";
const ROLE: &str = "urn:mpeg:dash:role:2011";
const CHANNELS: &str = "urn:mpeg:dash:23003:3:audio_channel_configuration:2011";
/// DASH-IF Interoperability Points §6.2.6.
const THUMBNAIL_TILE: &str = "http://dashif.org/guidelines/thumbnail_tile";

/// The manifest, for the stable URL.
///
/// Timelines are the coded ones, tick for tick: `t` and `d` are what `tfdt` and the runs say, in the track's own
/// timescale. An audio track's priming is hidden by its edit list, not by an offset here. `@bandwidth` is the measured
/// peak of one representation alone.
///
/// # Errors
/// As [`multivariant_playlist`](crate::multivariant_playlist), and [`PackageError::Manifest`].
pub fn mpd(presentation: &Presentation<'_>) -> Result<String, PackageError> {
    presentation.check()?;
    let (video, audio) = (presentation.video(), presentation.audio());
    let prefix = presentation.uri_prefix;
    let mut adaptations = Vec::new();
    if !video.is_empty() {
        adaptations.push(video_set(prefix, &video)?);
    }
    for (position, (track, sound)) in audio.iter().enumerate() {
        adaptations.push(audio_set(prefix, track, sound, position)?);
    }
    if let Some(board) = &presentation.storyboard {
        adaptations.push(tile_set(prefix, board));
    }
    for (position, set) in adaptations.iter_mut().enumerate() {
        set.id = Some((position + 1).to_string());
    }
    let duration = presentation.duration().map(exact_duration);
    let longest = presentation.tracks.iter().map(target_duration).max().map(Duration::from_secs);
    let mpd = MPD {
        xmlns: Some("urn:mpeg:dash:schema:mpd:2011".to_owned()),
        profiles: Some(PROFILES.to_owned()),
        mpdtype: Some("static".to_owned()),
        mediaPresentationDuration: duration,
        minBufferTime: longest,
        maxSegmentDuration: longest_segment(presentation),
        periods: vec![Period {
            id: Some("1".to_owned()),
            start: Some(Duration::ZERO),
            duration,
            adaptations,
            ..Period::default()
        }],
        ..MPD::default()
    };
    let body = serialise(&mpd)?;
    Ok(format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{body}\n"))
}

fn serialise(mpd: &MPD) -> Result<String, PackageError> {
    use std::fmt::Write;
    let mut out = String::new();
    write!(out, "{mpd}").map_err(|_| PackageError::Manifest("it could not be serialised".to_owned()))?;
    Ok(out)
}

/// A length to the nanosecond, rounded up so that the last picture is never cut off.
fn exact_duration(time: MediaTime) -> Duration {
    let scale = u128::from(time.scale.get());
    let nanos = (u128::from(time.ticks.unsigned_abs()) * 1_000_000_000).div_ceil(scale);
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

fn longest_segment(presentation: &Presentation<'_>) -> Option<Duration> {
    let longest = |track: &TrackRecord| {
        let ticks = track.segments.iter().map(|segment| segment.duration_ticks).max()?;
        Some(MediaTime::new(i64::try_from(ticks).ok()?, track.timescale))
    };
    presentation.tracks.iter().filter_map(longest).max().map(exact_duration)
}

fn video_set(prefix: &str, video: &[(&TrackRecord, Picture)]) -> Result<AdaptationSet, PackageError> {
    let pictures = || video.iter().map(|(_, picture)| picture);
    let templates: Vec<_> = video.iter().map(|(track, _)| template(prefix, track)).collect();
    // Rungs at a reduced frame rate may count in another timescale; then each brings its own timeline.
    let shared = templates.split_first().filter(|(first, rest)| rest.iter().all(|other| other == *first));
    let shared = shared.map(|(first, _)| first.clone());
    let mut representations = Vec::with_capacity(video.len());
    for ((track, picture), template) in video.iter().zip(templates) {
        representations.push(Representation {
            codecs: Some(codec_string(&track.config)?),
            width: Some(picture.width.into()),
            height: Some(picture.height.into()),
            frameRate: Some(frame_rate(picture)),
            sar: Some("1:1".to_owned()),
            SegmentTemplate: shared.is_none().then_some(template),
            ..representation(track)
        });
    }
    let fastest = pictures().max_by(|a, b| {
        let cross = |a: &Picture, b: &Picture| u64::from(a.rate_num) * u64::from(b.rate_den);
        cross(a, b).cmp(&cross(b, a))
    });
    Ok(AdaptationSet {
        contentType: Some("video".to_owned()),
        mimeType: Some("video/mp4".to_owned()),
        segmentAlignment: Some(true),
        startWithSAP: Some(1),
        par: pictures().next_back().map(shape),
        maxWidth: pictures().map(|picture| picture.width.into()).max(),
        maxHeight: pictures().map(|picture| picture.height.into()).max(),
        maxFrameRate: fastest.map(frame_rate),
        Role: vec![role("main")],
        SegmentTemplate: shared,
        representations,
        ..AdaptationSet::default()
    })
}

fn audio_set(
    prefix: &str,
    track: &TrackRecord,
    sound: &Sound<'_>,
    position: usize,
) -> Result<AdaptationSet, PackageError> {
    let channels = AudioChannelConfiguration {
        schemeIdUri: CHANNELS.to_owned(),
        value: Some(sound.channels.to_string()),
        ..AudioChannelConfiguration::default()
    };
    Ok(AdaptationSet {
        contentType: Some("audio".to_owned()),
        mimeType: Some("audio/mp4".to_owned()),
        lang: Some(language::shortest(sound.language)),
        segmentAlignment: Some(true),
        startWithSAP: Some(1),
        Role: vec![role(if position == 0 { "main" } else { "alternate" })],
        SegmentTemplate: Some(template(prefix, track)),
        representations: vec![Representation {
            codecs: Some(codec_string(&track.config)?),
            audioSamplingRate: Some(sound.sample_rate.to_string()),
            AudioChannelConfiguration: vec![channels],
            ..representation(track)
        }],
        ..AdaptationSet::default()
    })
}

/// One sheet that covers the presentation; the tiles after its end are blank.
fn tile_set(prefix: &str, board: &StoryboardRef<'_>) -> AdaptationSet {
    let covered_ms = u64::from(board.columns) * u64::from(board.rows) * u64::from(board.interval_ms);
    let shown_ms = board.duration_ms.unsigned_abs().clamp(1, covered_ms.max(1));
    AdaptationSet {
        contentType: Some("image".to_owned()),
        mimeType: Some("image/jpeg".to_owned()),
        SegmentTemplate: Some(SegmentTemplate {
            media: Some(format!("{prefix}{}", board.uri)),
            startNumber: Some(1),
            timescale: Some(1000),
            duration: Some(covered_ms as f64),
            ..SegmentTemplate::default()
        }),
        representations: vec![Representation {
            id: Some("storyboard".to_owned()),
            bandwidth: Some(bits_per_second(board.sheet_bytes, shown_ms, 1000)),
            width: Some(u64::from(board.columns) * u64::from(board.tile_width)),
            height: Some(u64::from(board.rows) * u64::from(board.tile_height)),
            essential_property: vec![EssentialProperty {
                schemeIdUri: THUMBNAIL_TILE.to_owned(),
                value: Some(format!("{}x{}", board.columns, board.rows)),
                ..EssentialProperty::default()
            }],
            ..Representation::default()
        }],
        ..AdaptationSet::default()
    }
}

fn representation(track: &TrackRecord) -> Representation {
    Representation {
        id: Some(track.name.clone()),
        bandwidth: Some(peak_bitrate_bps(track)),
        ..Representation::default()
    }
}

fn template(prefix: &str, track: &TrackRecord) -> SegmentTemplate {
    SegmentTemplate {
        initialization: Some(format!("{prefix}$RepresentationID$/{INIT_FILE}")),
        media: Some(format!("{prefix}$RepresentationID$/$Number%05d$.m4s")),
        startNumber: Some(1),
        timescale: Some(track.timescale.get().into()),
        SegmentTimeline: Some(SegmentTimeline { segments: timeline(track) }),
        ..SegmentTemplate::default()
    }
}

/// `S` elements with runs of equal lengths folded into `@r` (§5.3.9.6).
fn timeline(track: &TrackRecord) -> Vec<S> {
    let mut runs: Vec<S> = Vec::new();
    for segment in &track.segments {
        match runs.last_mut() {
            Some(run) if run.d == segment.duration_ticks => run.r = Some(run.r.unwrap_or(0) + 1),
            last => {
                let t = last.is_none().then_some(segment.start_ticks);
                runs.push(S { t, d: segment.duration_ticks, ..S::default() });
            }
        }
    }
    runs
}

fn role(value: &str) -> Role {
    Role { schemeIdUri: ROLE.to_owned(), value: Some(value.to_owned()), ..Role::default() }
}

fn frame_rate(picture: &Picture) -> String {
    match picture.rate_den {
        1 => picture.rate_num.to_string(),
        den => format!("{}/{den}", picture.rate_num),
    }
}

/// Picture aspect ratio in lowest terms.
fn shape(picture: &Picture) -> String {
    let (mut a, mut b) = (picture.width, picture.height);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    format!("{}:{}", picture.width / a.max(1), picture.height / a.max(1))
}
