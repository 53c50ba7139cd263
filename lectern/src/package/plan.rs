//! Which tracks there will be, and where their segments begin.

use demux::MediaKind;
use media_types::{FrameRate, TrackKind, TrackRecord};
use packager::repack::{Chunker, Cuts, SegmentGrid};

use super::names::names;
use super::source::Source;
use super::survey::{Surveyed, survey, times};
use super::text::TextGrid;
use crate::exit::Failure;

/// A track that is going to be written.
pub(super) struct Planned {
    pub(super) from: Surveyed,
    /// Without its segments.
    pub(super) record: TrackRecord,
    pub(super) cuts: Cuts,
}

/// Surveys every input; a track that an earlier one repeats is left out.
pub(super) fn survey_all(sources: &[Source], warnings: &mut Vec<String>) -> Result<Vec<Surveyed>, Failure> {
    let mut all: Vec<Surveyed> = Vec::new();
    for (input, source) in sources.iter().enumerate() {
        for track in survey(input, source, warnings)? {
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

/// Plans the tracks of pictures and sound, and the segments that text shares with them.
pub(super) fn plan(
    surveyed: Vec<Surveyed>,
    sources: &[Source],
    segment_ms: u32,
    warnings: &mut Vec<String>,
) -> Result<(Vec<Planned>, TextGrid), Failure> {
    let shapes: Vec<_> = surveyed.iter().map(|track| (track.about.timescale, &track.shape)).collect();
    let grid = SegmentGrid::new(&shapes, segment_ms);
    if grid.longest_ms() > 3 * i64::from(segment_ms) {
        let seconds = grid.longest_ms() as f64 / 1000.0;
        warnings.push(format!(
            "a segment lasts {seconds:.3} s: the video tracks have no keyframe in common in between; encode all \
             renditions with the same keyframe distance"
        ));
    }
    let text = TextGrid::new(&grid, &shapes);
    let names = names(&surveyed);
    let tracks = surveyed.into_iter().zip(names).map(|(from, name)| {
        let scale = from.about.timescale;
        let cuts = match from.about.kind {
            MediaKind::Video { .. } => Cuts::Keyframes(grid.keyframes(scale, &from.shape)),
            _ => Cuts::Nearest(grid.borders(scale).collect()),
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
    Ok((tracks.collect::<Result<_, Failure>>()?, text))
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
    while let Some(packet) = reader.packet()? {
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
