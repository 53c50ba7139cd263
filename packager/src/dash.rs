//! The DASH manifest (ISO/IEC 23009-1), static.

mod addressing;
mod chapters;
mod colour;
mod events;
mod images;
mod periods;
mod protection;
mod renditions;
mod text;
mod trick;

use std::time::Duration;

use dash_mpd_core::{AdaptationSet, MPD, Representation, Role, SupplementalProperty};
use media_types::{MediaTime, TrackRecord};

use crate::codec::{Family, VideoRange};
use crate::hls::target_duration;
use crate::presentation::{Picture, default_position};
use crate::{FileLayout, PackageError, Presentation, codec_string, peak_bitrate_bps};
use addressing::Addressing;

pub use text::DashText;

const LIVE_PROFILES: &str = "urn:mpeg:dash:profile:isoff-live:2011,urn:mpeg:dash:profile:cmaf:2019";
/// What files with an index and numbered files have in common.
const CMAF_PROFILE: &str = "urn:mpeg:dash:profile:cmaf:2019";
const ON_DEMAND_PROFILES: &str = "urn:mpeg:dash:profile:isoff-on-demand:2011,urn:mpeg:dash:profile:cmaf:2019";
/// ISO/IEC 23009-1 §5.3.3.5: sets between which a player may switch, although their codecs or keys differ.
const SWITCHING: &str = "urn:mpeg:dash:adaptation-set-switching:2016";
const ROLE: &str = "urn:mpeg:dash:role:2011";

/// The manifest, for the stable URL.
///
/// Timelines are the coded ones, tick for tick: `t` and `d` are what `tfdt` and the runs say, in the track's own
/// timescale. An audio track's priming is hidden by its edit list, not by an offset here. `@bandwidth` is the measured
/// peak of one representation alone. With several periods each repeats all sets, with its own part of their timelines.
///
/// # Errors
/// As [`multivariant_playlist`](crate::multivariant_playlist), and [`PackageError::Manifest`].
pub fn mpd(presentation: &Presentation<'_>) -> Result<String, PackageError> {
    presentation.check()?;
    let (video, audio) = (presentation.video(), presentation.audio());
    let mut adaptations = Vec::new();
    for set in switching_sets(presentation, &video) {
        adaptations.push(video_set(presentation, &set)?);
    }
    let video_sets = adaptations.len();
    let default = default_position(&audio.iter().map(|(track, _)| *track).collect::<Vec<_>>());
    for (position, (track, sound)) in audio.iter().enumerate() {
        let main = position == default || audio.get(default).is_some_and(|(main, _)| renditions::is_same(track, main));
        adaptations.push(renditions::audio_set(presentation, track, sound, main)?);
    }
    for track in presentation.text() {
        adaptations.push(text::set(presentation, track)?);
    }
    if let Some(board) = &presentation.storyboard {
        adaptations.push(images::set(presentation.uri_prefix, board));
    }
    for (position, set) in adaptations.iter_mut().enumerate() {
        set.id = Some((position + 1).to_string());
    }
    tell_switching(&mut adaptations[..video_sets]);
    events::announce_inband(presentation, &mut adaptations);
    let tricks = trick::sets(presentation, &adaptations)?;
    adaptations.extend(tricks);
    let longest = presentation.tracks.iter().map(target_duration).max().map(Duration::from_secs);
    let protected = presentation.protection.is_some_and(|protection| !protection.is_empty());
    let profiles = match presentation.layout {
        FileLayout::Segments => LIVE_PROFILES,
        FileLayout::SingleFile => ON_DEMAND_PROFILES,
    };
    let mpd = MPD {
        xmlns: Some("urn:mpeg:dash:schema:mpd:2011".to_owned()),
        cenc: protected.then(|| drm::signal::CENC_NAMESPACE.to_owned()),
        mspr: protected.then(|| drm::signal::MSPR_NAMESPACE.to_owned()),
        profiles: Some(profiles.to_owned()),
        mpdtype: Some("static".to_owned()),
        mediaPresentationDuration: presentation.duration().map(exact_duration),
        minBufferTime: longest,
        maxSegmentDuration: longest_segment(presentation),
        periods: periods::periods(presentation, adaptations)?,
        ..MPD::default()
    };
    let mut body = serialise(&mpd)?;
    if protected {
        body = protection::with_namespaces(&body);
    }
    Ok(format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{body}\n"))
}

/// Video tracks of one codec, one dynamic range and one key make a set each (DASH-IF Interoperability Points §7: keys differ
/// between sets, not within one).
fn switching_sets<'a>(
    presentation: &Presentation<'_>,
    video: &[(&'a TrackRecord, Picture)],
) -> Vec<Vec<(&'a TrackRecord, Picture)>> {
    let key = |track: &TrackRecord| presentation.signal_of(track).map(|signal| signal.track.key_id);
    let mut sets: Vec<Vec<(&TrackRecord, Picture)>> = Vec::new();
    for &(track, picture) in video {
        let together = |set: &&mut Vec<(&TrackRecord, Picture)>| {
            let first = set[0].0;
            let group = |track: &TrackRecord| (VideoRange::of(&track.config), Family::of(&track.config), key(track));
            group(first) == group(track)
        };
        match sets.iter_mut().find(together) {
            Some(set) => set.push((track, picture)),
            None => sets.push(vec![(track, picture)]),
        }
    }
    sets
}

/// Between sets of the same colours alone: a screen takes its time to show others.
fn tell_switching(sets: &mut [AdaptationSet]) {
    let colours: Vec<_> = sets.iter().map(|set| (set.id.clone(), set.essential_property.clone())).collect();
    for set in sets {
        let same = colours.iter().filter(|(id, colour)| *colour == set.essential_property && *id != set.id);
        let others: Vec<&str> = same.filter_map(|(id, _)| id.as_deref()).collect();
        if others.is_empty() {
            continue;
        }
        set.supplemental_property.push(SupplementalProperty {
            schemeIdUri: SWITCHING.to_owned(),
            value: Some(others.join(",")),
            ..SupplementalProperty::default()
        });
    }
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
    presentation.all_records().filter_map(longest).max().map(exact_duration)
}

fn video_set(
    presentation: &Presentation<'_>,
    video: &[(&TrackRecord, Picture)],
) -> Result<AdaptationSet, PackageError> {
    let pictures = || video.iter().map(|(_, picture)| picture);
    let addressed = video.iter().map(|(track, _)| Addressing::of(presentation, track));
    let addressed = addressed.collect::<Result<Vec<_>, _>>()?;
    // Rungs at a reduced frame rate may count in another timescale; then each brings its own timeline.
    let shared = addressed.split_first().filter(|(first, rest)| rest.iter().all(|other| other == *first));
    let shared = shared.and_then(|(first, _)| first.template());
    let mut representations = Vec::with_capacity(video.len());
    for ((track, picture), addressing) in video.iter().zip(addressed) {
        let (x, y) = picture.sample_aspect;
        let mut representation = Representation {
            codecs: Some(codec_string(&track.config)?),
            width: Some(picture.width.into()),
            height: Some(picture.height.into()),
            frameRate: Some(frame_rate(picture)),
            sar: Some(format!("{x}:{y}")),
            ..representation(track)
        };
        if shared.is_none() {
            addressing.put(&mut representation);
        }
        representations.push(representation);
    }
    let fastest = pictures().max_by(|a, b| {
        let cross = |a: &Picture, b: &Picture| u64::from(a.rate_num) * u64::from(b.rate_den);
        cross(a, b).cmp(&cross(b, a))
    });
    let protection = video.first().map(|(track, _)| protection::elements(presentation, track)).unwrap_or_default();
    Ok(AdaptationSet {
        contentType: Some("video".to_owned()),
        mimeType: Some("video/mp4".to_owned()),
        par: pictures().next_back().map(shape),
        maxWidth: pictures().map(|picture| picture.width.into()).max(),
        maxHeight: pictures().map(|picture| picture.height.into()).max(),
        maxFrameRate: fastest.map(frame_rate),
        ContentProtection: protection,
        essential_property: video.first().map(|(track, _)| colour::essential(track)).unwrap_or_default(),
        Accessibility: renditions::captions(presentation, &video.iter().map(|(track, _)| *track).collect::<Vec<_>>()),
        Role: vec![role("main")],
        SegmentTemplate: shared,
        representations,
        ..aligned(presentation)
    })
}

/// What every set of media says of its segments.
fn aligned(presentation: &Presentation<'_>) -> AdaptationSet {
    let whole = presentation.layout == FileLayout::Segments;
    AdaptationSet {
        segmentAlignment: whole.then_some(true),
        startWithSAP: whole.then_some(1),
        subsegmentAlignment: (!whole).then_some(true),
        subsegmentStartsWithSAP: (!whole).then_some(1),
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
    let (x, y) = picture.sample_aspect;
    let (width, height) = (u64::from(picture.width) * u64::from(x), u64::from(picture.height) * u64::from(y));
    let (mut a, mut b) = (width, height);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    format!("{}:{}", width / a.max(1), height / a.max(1))
}
