//! From a probe report and a ladder to everything the engine will be asked for.

use std::borrow::Cow;

use ladders::{Ladder, SourceShape};
use media_types::time::rescale;
use media_types::{AudioPlan, EncodePlan, Fields, FilmGrid, PacketTime, ProbeReport, VideoPlan, VideoProbe};

use crate::clock;
use crate::ends::{belongs, hold_first, hold_last};
use crate::exact::TimeBase;
use crate::shape::shape;
use crate::sound::{PictureGrid, Track};
use crate::stills::stills;
use crate::text::Origin;
use crate::timeline::Timeline;
use crate::{PlanError, film, is_worth_deciding, losses, ranges, text};

/// Longest presentation in seconds: 12 hours.
pub const MAX_DURATION_S: i64 = 12 * 3600;
pub(crate) const MAX_SIDE: u32 = 16_384;
/// 8K has half as many; one more power of two and a handful of decoded pictures fills an engine's memory.
const MAX_PIXELS: u64 = 1 << 26;
/// Frames per second that no ladder may exceed.
const MAX_RATE: u32 = 60;
const MAX_WARNINGS: usize = 32;
/// Sound tracks of a presentation.
const MAX_SOUNDS: usize = 8;
/// Codecs whose single picture is a photograph or a drawing.
const IMAGE_CODECS: [&str; 17] = [
    "apng", "bmp", "dpx", "exr", "gif", "jpeg2000", "jpegls", "jpegxl", "mjpeg", "pam", "png", "ppm", "psd", "qoi",
    "targa", "tiff", "webp",
];

/// Plans the encode of one source: its constant grid, frame map, ranges, renditions, sound and stills.
///
/// The plan comes from packet times alone; where the report says that film lies in the fields they become the film's.
/// Presentation time 0 is the first picture that can be shown, or the start of sound
/// that begins up to ten seconds before it, for which that picture is shown earlier. Sound is cut or filled to the length of
/// the pictures, except that a last picture is held for sound that goes on by more than a second. Rates above the ladder's maximum, and above 60, are halved.
///
/// # Errors
/// A [`PlanError`] with the code `input.no_media`, `input.image`, `input.dimensions`, `input.too_long`,
/// `input.timestamps` or `ladder.empty`.
pub fn plan(report: &ProbeReport, ladder: &Ladder) -> Result<EncodePlan, PlanError> {
    let mut warnings = report.warnings.clone();
    let tracks = tracks(report, &mut warnings);
    let (mut plan, origin) = match &report.video {
        Some(video) if !video.packets.is_empty() => with_pictures(report, video, tracks, ladder, &mut warnings)?,
        _ => sound_alone(&tracks, ladder, &mut warnings)?,
    };
    tell_apart(&mut plan.audio);
    text::add(report, origin, &mut plan, &mut warnings);
    plan.losses = losses::of_source(report, origin, &plan);
    plan.per_title = ladder.per_title.filter(|_| is_worth_deciding(&plan));
    warnings.truncate(MAX_WARNINGS);
    plan.warnings = warnings;
    Ok(plan)
}

/// The sound tracks that can be heard, in the report's order.
fn tracks<'r>(report: &'r ProbeReport, warnings: &mut Vec<String>) -> Vec<Track<'r>> {
    let several = report.audio.len() > 1;
    let mut tracks = Vec::new();
    for (number, probe) in (1..).zip(&report.audio) {
        let name = if several { format!("sound track {number}") } else { "the sound".to_owned() };
        match Track::new(probe, name) {
            Ok(track) => tracks.push(track),
            Err(name) => warnings.push(format!("{name} is empty and was left out")),
        }
    }
    if tracks.len() > MAX_SOUNDS {
        warnings.push(format!("only the first {MAX_SOUNDS} of {} sound tracks are used", tracks.len()));
        tracks.truncate(MAX_SOUNDS);
    }
    tracks
}

/// The first track is played unless another is chosen, whatever the container says of all of them.
fn tell_apart(sounds: &mut [AudioPlan]) {
    let names = own_names(sounds.iter().map(|sound| sound.language.as_str()));
    for (position, (sound, name)) in sounds.iter_mut().zip(names).enumerate() {
        sound.name = name;
        sound.roles.default = position == 0;
    }
}

/// Tracks are called by their languages, further ones of the same with a number.
pub(crate) fn own_names<'a>(languages: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut taken: Vec<String> = Vec::new();
    for language in languages {
        let numbered = (2..).map(|number| format!("{language}-{number}"));
        let mut names = std::iter::once(language.to_owned()).chain(numbered);
        taken.extend(names.find(|name| !taken.contains(name)));
    }
    taken
}

fn sound_alone(
    tracks: &[Track<'_>],
    ladder: &Ladder,
    warnings: &mut Vec<String>,
) -> Result<(EncodePlan, Origin), PlanError> {
    let (first, others) = tracks.split_first().ok_or_else(PlanError::no_media)?;
    let main = first.alone(&ladder.audio)?;
    warnings.extend(clock::words(&main.clock, main.origin_pts));
    let others = others.iter().map(|track| track.beside(&ladder.audio, first, &main));
    let origin = (main.origin_pts, first.base);
    let plan = EncodePlan {
        ladder: ladder.pin(),
        video: None,
        duration_ms: rescale(i64::try_from(main.sample_count).unwrap_or(i64::MAX), 1000, main.sample_rate.into()),
        audio: std::iter::once(main.clone()).chain(others).collect(),
        text: Vec::new(),
        chapters: Vec::new(),
        stills: None,
        skipped: Vec::new(),
        per_title: None,
        floor_db: ladder.floor_db,
        least_vmaf: ladder.least_vmaf,
        decision: None,
        again: None,
        warnings: Vec::new(),
        losses: Vec::new(),
    };
    Ok((plan, origin))
}

/// What ladders need to know of a source's pictures: upright size in square pixels, rate and bitrate.
///
/// # Errors
/// As [`plan`], for the pictures alone.
pub fn source_shape(report: &ProbeReport) -> Result<SourceShape, PlanError> {
    let video = report.video.as_ref().ok_or_else(PlanError::no_media)?;
    check_pictures(report, video)?;
    let base = TimeBase::new(video.time_base)?;
    let mut unsaid = Vec::new();
    let packets = showable(video, &mut unsaid);
    let pts: Vec<i64> = packets.iter().map(|packet| packet.pts).collect();
    check_span(&pts, base)?;
    let (timeline, _) = film::timeline(video, &pts, base, MAX_RATE)?;
    Ok(shape(video, &packets, base, timeline.frame_rate, &mut unsaid))
}

fn with_pictures(
    report: &ProbeReport,
    video: &VideoProbe,
    mut tracks: Vec<Track<'_>>,
    ladder: &Ladder,
    warnings: &mut Vec<String>,
) -> Result<(EncodePlan, Origin), PlanError> {
    check_pictures(report, video)?;
    let base = TimeBase::new(video.time_base)?;
    let packets = showable(video, warnings);
    let pts: Vec<i64> = packets.iter().map(|packet| packet.pts).collect();
    check_span(&pts, base)?;
    let (mut timeline, film) = film::timeline(video, &pts, base, ladder.max_frame_rate.min(MAX_RATE))?;
    say_rate(&timeline, film.is_some(), warnings);
    tracks.retain(|track| belongs(track, &timeline, pts[0], base, warnings));
    let origin = hold_first(&tracks, &mut timeline, pts[0], base, warnings);
    hold_last(&tracks, &mut timeline, origin, base, warnings);
    check_length(&timeline)?;
    warnings.extend(clock::words(&video.clock, origin));

    let shape = shape(video, &packets, base, timeline.frame_rate, warnings);
    let SourceShape { width, height, .. } = shape;
    let selection = ladders::select(ladder, &shape);
    if selection.renditions.is_empty() {
        return Err(PlanError::empty_ladder(&ladder.name));
    }
    let stills = stills(&timeline.frame_map, timeline.frame_rate, (width, height));
    let plan = video_plan(video, timeline, film, selection.renditions);
    let plan = EncodePlan {
        ladder: ladder.pin(),
        duration_ms: duration_ms(&plan),
        audio: tracks.iter().map(|track| sound_under(&plan, track, ladder, origin, base)).collect(),
        video: Some(plan),
        text: Vec::new(),
        chapters: Vec::new(),
        stills: Some(stills),
        skipped: selection.skipped,
        per_title: None,
        floor_db: ladder.floor_db,
        least_vmaf: ladder.least_vmaf,
        decision: None,
        again: None,
        warnings: Vec::new(),
        losses: Vec::new(),
    };
    Ok((plan, (origin, base)))
}

fn video_plan(
    video: &VideoProbe,
    timeline: Timeline,
    film: Option<FilmGrid>,
    renditions: Vec<media_types::Rendition>,
) -> VideoPlan {
    let segment_frames = ranges::segment_frames(timeline.frame_rate);
    VideoPlan {
        stream_index: video.stream_index,
        source_time_base: video.time_base,
        clock: video.clock.clone(),
        rotation: video.rotation,
        deinterlace: video.interlaced && film.is_none() && video.fields != Fields::Whole,
        film,
        hdr: video.hdr,
        frame_rate: timeline.frame_rate,
        timescale: timeline.timescale,
        frame_ticks: timeline.frame_ticks,
        gop_frames: ranges::gop_frames(timeline.frame_rate),
        segment_frames,
        ranges: ranges::ranges(timeline.frame_map.frame_count(), segment_frames),
        frame_map: timeline.frame_map,
        renditions,
    }
}

fn sound_under(plan: &VideoPlan, track: &Track<'_>, ladder: &Ladder, origin_pts: i64, base: TimeBase) -> AudioPlan {
    let grid = PictureGrid {
        origin_pts,
        base,
        frame_rate: plan.frame_rate,
        frame_count: plan.frame_count(),
        segment_frames: plan.segment_frames,
    };
    track.under_pictures(&ladder.audio, &grid)
}

fn duration_ms(plan: &VideoPlan) -> i64 {
    let frames = i64::try_from(plan.frame_count()).unwrap_or(i64::MAX);
    rescale(frames, u64::from(plan.frame_rate.den()) * 1000, plan.frame_rate.num().into())
}

fn check_pictures(report: &ProbeReport, video: &VideoProbe) -> Result<(), PlanError> {
    let (width, height) = (video.width, video.height);
    let pixels = u64::from(width) * u64::from(height);
    if !(1..=MAX_SIDE).contains(&width) || !(1..=MAX_SIDE).contains(&height) || pixels > MAX_PIXELS {
        return Err(PlanError::dimensions(width, height));
    }
    let image = IMAGE_CODECS.contains(&video.codec.as_str())
        || report.container == "image2"
        || report.container.ends_with("_pipe");
    if video.packets.len() == 1 && image && report.audio.is_empty() {
        return Err(PlanError::image(&video.codec));
    }
    Ok(())
}

/// The pictures that can be decoded, ascending: those from the first key frame on.
fn showable<'v>(video: &'v VideoProbe, warnings: &mut Vec<String>) -> Cow<'v, [PacketTime]> {
    let mut packets = Cow::Borrowed(video.packets.as_slice());
    if !packets.is_sorted_by(|left, right| left.pts < right.pts) {
        let owned = packets.to_mut();
        owned.sort_by_key(|packet| (packet.pts, !packet.keyframe));
        owned.dedup_by_key(|packet| packet.pts);
    }
    match packets.iter().position(|packet| packet.keyframe) {
        Some(0) => packets,
        // Streams with intra refresh mark no key frame at all; decoders start them anywhere.
        None => packets,
        Some(first) => {
            warnings.push(format!("{first} pictures before the first key frame cannot be shown and were left out"));
            Cow::Owned(packets[first..].to_vec())
        }
    }
}

fn check_span(pts: &[i64], base: TimeBase) -> Result<(), PlanError> {
    let (Some(&first), Some(&last)) = (pts.first(), pts.last()) else { return Err(PlanError::no_media()) };
    let span = base.since(last, first, base);
    if !span.exceeds(MAX_DURATION_S) {
        return Ok(());
    }
    // A jump of the clock is no long recording: without its largest gap the rest would be short.
    let largest = pts.windows(2).max_by_key(|pair| i128::from(pair[1]) - i128::from(pair[0]));
    let jump = largest.map(|pair| base.since(pair[1], pair[0], base));
    match jump {
        Some(jump) if jump.whole() * 2 > span.whole() => {
            Err(PlanError::timestamps(format!("the pictures' clock jumps by {} h in the middle", jump.whole() / 3600)))
        }
        _ => Err(PlanError::too_long(span.whole())),
    }
}

fn check_length(timeline: &Timeline) -> Result<(), PlanError> {
    let rate = timeline.frame_rate;
    let seconds = i128::from(timeline.frame_map.frame_count()) * i128::from(rate.den()) / i128::from(rate.num());
    // The last picture's own length does not count.
    if seconds > i128::from(MAX_DURATION_S) { Err(PlanError::too_long(seconds)) } else { Ok(()) }
}

fn say_rate(timeline: &Timeline, is_film: bool, warnings: &mut Vec<String>) {
    let rate = timeline.frame_rate;
    if is_film {
        warnings
            .push("the pictures are film whose fields are repeated (3:2 pulldown); it is made film again".to_owned());
    }
    if !timeline.constant {
        warnings.push(format!("the pictures have no constant rate; they are shown on a grid of {rate} per second"));
    } else if timeline.halvings > 0 {
        warnings.push(format!("the picture rate was reduced to {rate} per second"));
    }
}
