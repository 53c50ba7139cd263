//! What becomes of the tracks that were written: files of their own, what names them, and a look at all of it.

use std::path::Path;

use media_types::TrackRecord;
use media_types::publication::{MPD, MULTIVARIANT_PLAYLIST};
use packager::{
    FileLayout, Presentation, SampleTable, TRANSPORT_FOLDER, index_length, init_path, media_path, segment_index,
};

use super::files::{Folder, Growing};
use super::plan::{Planned, count_segments};
use super::run::unfit;
use super::segments::{Target, WrittenTrack};
use super::source::Source;
use super::trick::WrittenTrick;
use crate::exit::Failure;

/// Looked at by the linter before the result is handed over; `lectern lint` looks at all.
const EXAMINED_SEGMENTS: usize = 2;
const MOST_FINDINGS: usize = 10;

/// What came out of the second pass.
pub(super) struct Collected {
    /// With their segments, as they were planned.
    pub(super) tracks: Vec<TrackRecord>,
    /// Files of tracks that have one, with the tracks' positions.
    pub(super) growing: Vec<(usize, Growing)>,
    /// Indexes over all samples, with the tracks' positions.
    pub(super) tables: Vec<(usize, SampleTable)>,
    /// Keyframes, in the order of their tracks.
    pub(super) keyframes: Vec<WrittenTrick>,
}

impl Collected {
    pub(super) fn new(planned: Vec<Planned>, written: Vec<(usize, WrittenTrack)>) -> Result<Self, Failure> {
        let mut tracks: Vec<TrackRecord> = planned.into_iter().map(|track| track.record).collect();
        let (mut growing, mut tables, mut keyframes) = (Vec::new(), Vec::new(), Vec::new());
        for (position, WrittenTrack { segments, file, captions, table, trick }) in written {
            keyframes.extend(trick.map(|trick| (position, trick)));
            tables.extend(table.map(|table| (position, table)));
            (tracks[position].segments, tracks[position].captions) = (segments, captions);
            growing.extend(file.map(|file| (position, file)));
        }
        if let Some(empty) = tracks.iter().position(|track| track.segments.is_empty()) {
            return Err(unfit(&tracks[empty].name, &"nothing of it is shown"));
        }
        keyframes.sort_by_key(|(position, _)| *position);
        let keyframes = keyframes.into_iter().map(|(_, trick)| trick).collect();
        Ok(Self { tracks, growing, tables, keyframes })
    }
}

/// What our own linter finds in playlists, manifest, init segments and the first segments; of rules broken alone.
pub(super) fn examined(folder: &Path) -> Vec<String> {
    let options = lint::Options { max_segments_per_track: EXAMINED_SEGMENTS, ..lint::Options::default() };
    let mut broken = Vec::new();
    let transported = format!("{TRANSPORT_FOLDER}/{MULTIVARIANT_PLAYLIST}");
    for name in [MULTIVARIANT_PLAYLIST, MPD, &transported] {
        let root = folder.join(name);
        if !root.is_file() {
            continue;
        }
        let report = crate::commands::lint::examine(&root.to_string_lossy(), options.clone());
        let errors = report.findings.iter().filter(|finding| finding.severity == lint::Severity::Error);
        broken.extend(errors.map(|finding| format!("{name}: {} [{}]", finding.message, finding.rule.id)));
    }
    broken.truncate(MOST_FINDINGS);
    broken
}

/// How many segments of a track the clear lead covers, as their writer counted them.
pub(super) fn clear_segments<'a>(
    tracks: impl Iterator<Item = &'a TrackRecord>,
    name: &str,
    clear_lead_ms: u32,
) -> usize {
    let track = tracks.into_iter().find(|track| track.name == name);
    let covered = |track: &TrackRecord| {
        let lead = u128::from(clear_lead_ms) * u128::from(track.timescale.get());
        track.segments.iter().take_while(|segment| u128::from(segment.start_ticks) * 1000 < lead).count()
    };
    track.map_or(0, covered)
}

/// Where each track goes.
pub(super) fn targets<'a>(
    frame: &Presentation<'_>,
    sources: &[Source],
    planned: &[Planned],
    folder: &'a Folder,
) -> Result<Vec<Target<'a>>, Failure> {
    planned.iter().try_for_each(|track| folder.make(&track.record.name))?;
    if frame.layout == FileLayout::Segments {
        return Ok(planned.iter().map(|_| Target::Files(folder)).collect());
    }
    let mut targets = Vec::new();
    for (input, source) in sources.iter().enumerate() {
        let here: Vec<_> = planned.iter().enumerate().filter(|(_, track)| track.from.input == input).collect();
        let counts = count_segments(source, &here.iter().map(|(_, track)| *track).collect::<Vec<_>>())?;
        for ((position, track), count) in here.into_iter().zip(counts) {
            let name = &track.record.name;
            let init = frame.init_segment(&track.record).map_err(|error| unfit(name, &error))?;
            let reserved = init.len() as u64 + index_length(count);
            targets.push((position, Target::One(folder.grow(&media_path(name), reserved)?)));
        }
    }
    targets.sort_by_key(|(position, _)| *position);
    Ok(targets.into_iter().map(|(_, target)| target).collect())
}

/// Init segments, playlists, and last what names everything else.
pub(super) fn finish(
    presentation: &Presentation<'_>,
    folder: &Folder,
    growing: Vec<(usize, Growing)>,
) -> Result<(), Failure> {
    let name_of = |position: usize| presentation.tracks[position].name.as_str();
    for (position, file) in growing {
        let track = &presentation.tracks[position];
        let init = presentation.init_segment(track).map_err(|error| unfit(name_of(position), &error))?;
        let index = segment_index(track).map_err(|error| unfit(name_of(position), &error))?;
        file.finish(&[&init, &index])?;
    }
    if presentation.layout == FileLayout::Segments {
        for track in presentation.tracks.iter().filter(|track| presentation.is_cmaf(track)) {
            let init = presentation.init_segment(track).map_err(|error| unfit(&track.name, &error))?;
            folder.write(&init_path(&track.name), &[&init])?;
        }
    }
    let texts = packager::text_files(presentation).map_err(|error| unfit("the presentation", &error))?;
    for file in texts.iter().rev() {
        folder.write(&file.path, &[&file.bytes])?;
    }
    Ok(())
}
