//! Which tracks there will be, and where their segments begin.

use demux::MediaKind;
use media_types::time::rescale;
use media_types::{FrameRate, MediaTime, Timescale, TrackKind, TrackRecord};
use packager::TextGrid;
use packager::markers::Marker;
use packager::repack::{Chunker, Cuts, SegmentGrid, TrackShape};

use super::chapters::Named;
use super::markers::{Heard, cut_places};
use super::names::names;
use super::source::Source;
use super::survey::{Surveyed, late, scan, times};
use super::text::text_grid;
use crate::exit::Failure;

const MICROSECONDS: Timescale = Timescale::new(1_000_000).expect("not zero");

/// Segments behind the last picture: years, and a bound for files that claim more.
const MOST_BORDERS: i64 = 1 << 20;

/// A track that is going to be written.
pub(super) struct Planned {
    pub(super) from: Surveyed,
    /// Without its segments.
    pub(super) record: TrackRecord,
    pub(super) cuts: Cuts,
}

/// Surveys every input; a track that an earlier one repeats is left out.
pub(super) fn survey_all(
    sources: &[Source],
    heard: &mut Heard,
    named: &mut Named,
    warnings: &mut Vec<String>,
) -> Result<Vec<Surveyed>, Failure> {
    let files = sources.iter().map(|source| scan(source, warnings)).collect::<Result<Vec<_>, _>>()?;
    let late = late(&files);
    if let Some(late) = late {
        let seconds = late.as_secs_f64();
        warnings.push(format!("nothing is shown or heard before {seconds:.3} s: the presentation begins there, at 0"));
    }
    let mut all: Vec<Surveyed> = Vec::new();
    for ((input, source), file) in sources.iter().enumerate().zip(files) {
        for track in file.settle(input, source, late, (&mut *heard, &mut *named), warnings)? {
            let twin = all.iter().find(|other| {
                other.fingerprint == track.fingerprint
                    && other.bytes == track.bytes
                    && other.about.config == track.about.config
                    && other.about.language == track.about.language
            });
            match twin {
                Some(twin) => warnings.push(format!(
                    "{}: track {} is track {} of {} once more; packaged once",
                    source.path.display(),
                    track.about.id,
                    twin.about.id,
                    sources[twin.input].path.display()
                )),
                None => all.push(track),
            }
        }
    }
    if all.iter().all(|track| track.about.kind == MediaKind::Text) {
        let detail = "no input has pictures or sound that can be packaged";
        return Err(Failure::bad_input(
            "input.empty",
            detail,
            "name the media file that the subtitles belong to as well",
        ));
    }
    Ok(all)
}

/// Plans the tracks of pictures and sound, the segments that text shares with them, and where they are cut for markers.
pub(super) fn plan(
    surveyed: Vec<Surveyed>,
    sources: &[Source],
    segment_ms: u32,
    markers: &[Marker],
    warnings: &mut Vec<String>,
) -> Result<(Vec<Planned>, TextGrid, Vec<MediaTime>), Failure> {
    let shapes: Vec<_> = surveyed.iter().map(|track| (track.about.timescale, &track.shape)).collect();
    let cuts: Vec<MediaTime> = markers.iter().flat_map(Marker::borders).collect();
    let grid = SegmentGrid::new(&shapes, segment_ms, &cuts);
    let rate = shapes.iter().find(|(_, shape)| !shape.key_times.is_empty()).and_then(|(_, shape)| shape.rate);
    let places = cut_places(&grid, markers, rate, warnings);
    let tail = tail(&shapes, segment_ms);
    let longest_ms = if tail.is_empty() { grid.longest_ms() } else { longest_before(&grid, tail[0]) };
    if longest_ms > 3 * i64::from(segment_ms) {
        let seconds = longest_ms as f64 / 1000.0;
        warnings.push(format!(
            "a segment lasts {seconds:.3} s: the video tracks have no keyframe in common in between; encode all \
             renditions with the same keyframe distance"
        ));
    }
    let text = text_grid(&grid, &shapes);
    let names = names(&surveyed);
    let tracks = surveyed.into_iter().zip(names).map(|(from, name)| {
        let scale = from.about.timescale;
        let cuts = match from.about.kind {
            MediaKind::Video { .. } => Cuts::Keyframes(grid.keyframes(scale, &from.shape)),
            _ => Cuts::Nearest(grid.borders(scale).chain(tail.iter().map(|&at| ticks(at, scale))).collect()),
        };
        let kind =
            kind(&from).ok_or_else(|| sources[from.input].unfit(&format!("{name}: its frame rate is unknown")))?;
        let record = TrackRecord {
            name,
            kind,
            language: from.about.language.clone(),
            timescale: scale,
            config: from.about.config.clone(),
            max_bitrate_bps: 0,
            hidden_ticks: from.shape.hidden_ticks,
            shown_ticks: from.shape.end_pts.max(0).unsigned_abs(),
            segments: Vec::new(),
            label: from.about.label.clone(),
            roles: from.about.roles,
            captions: None,
            webvtt_sizes: Vec::new(),
        };
        Ok(Planned { from, record, cuts })
    });
    Ok((tracks.collect::<Result<_, Failure>>()?, text, places))
}

/// Where sound that goes on behind the last picture is cut, so that its segments stay as short as those before: at the
/// end of the pictures and every `segment_ms` from there.
fn tail(tracks: &[(Timescale, &TrackShape)], segment_ms: u32) -> Vec<MediaTime> {
    let end = |video: bool| {
        let these = tracks.iter().filter(|(_, shape)| shape.key_times.is_empty() != video);
        these.map(|(scale, shape)| ticks(MediaTime::new(shape.end_pts, *scale), MICROSECONDS)).max()
    };
    let (Some(pictures), Some(sound)) = (end(true), end(false)) else { return Vec::new() };
    let target = i64::from(segment_ms.max(1)) * 1000;
    let borders = (0..MOST_BORDERS).map(|index| pictures.saturating_add(index * target));
    let borders = borders.take_while(|&at| sound.saturating_sub(at) > target / 2);
    borders.map(|at| MediaTime::new(at, MICROSECONDS)).collect()
}

/// A time in ticks of `scale`, rounded to the nearest.
fn ticks(at: MediaTime, scale: Timescale) -> i64 {
    rescale(at.ticks, scale.get().into(), at.scale.get().into())
}

/// The longest segment of the pictures, which end at `end`, in milliseconds.
fn longest_before(grid: &SegmentGrid, end: MediaTime) -> i64 {
    let borders: Vec<i64> = grid.borders(MICROSECONDS).chain([end.ticks]).collect();
    let starts = std::iter::once(0).chain(borders.iter().copied());
    starts.zip(&borders).map(|(from, to)| to - from).max().unwrap_or(0) / 1000
}

fn kind(track: &Surveyed) -> Option<TrackKind> {
    Some(match track.about.kind {
        MediaKind::Video { width, height, sample_aspect, frame_rate } => {
            let rate = track.shape.rate.or(frame_rate).or(FrameRate::new(1, 1))?;
            TrackKind::Video { width, height, rate_num: rate.num(), rate_den: rate.den(), sample_aspect }
        }
        MediaKind::Audio { sample_rate, channels } => TrackKind::Audio { sample_rate, channels },
        MediaKind::Text => TrackKind::Text,
    })
}

/// How many segments each track of an input will have: what an index in front of them must know.
pub(super) fn count_segments(source: &Source, tracks: &[&Planned]) -> Result<Vec<usize>, Failure> {
    let mut reader = source.reader()?;
    reader.tracks()?;
    let mut chunkers: Vec<_> =
        tracks.iter().map(|track| (0, Chunker::<()>::new(track.from.shape.clone(), track.cuts.clone()))).collect();
    while let Some(packet) = reader.sealed_packet()? {
        let Some(place) = tracks.iter().position(|track| track.from.track == packet.track) else { continue };
        let (count, chunker) = &mut chunkers[place];
        let done =
            chunker.push(times(&packet, tracks[place].from.offset), 0, ()).map_err(|error| source.unfit(&error))?;
        *count += usize::from(done.is_some());
    }
    let last = |(count, chunker): (usize, Chunker<()>)| {
        let done = chunker.finish().map_err(|error| source.unfit(&error))?;
        Ok(count + usize::from(done.is_some()))
    };
    chunkers.into_iter().map(last).collect()
}

#[cfg(test)]
#[path = "plan/tests.rs"]
mod tests;
