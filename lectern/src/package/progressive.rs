//! A file for download beside the segments: their samples, behind an index of its own.

use media_types::{TrackKind, TrackRecord};
use packager::{FileLayout, FilePlan, Presentation, SampleTable, media_path, progressive_file, segment_path};

use super::files::Folder;
use super::plan::Planned;
use crate::exit::Failure;

/// Its name.
pub(crate) const DOWNLOAD: &str = "download.mp4";

/// The tracks that go into the file: the largest video and the first sound.
pub(super) fn chosen(planned: &[Planned]) -> Vec<usize> {
    let pixels = |track: &Planned| match track.record.kind {
        TrackKind::Video { width, height, .. } => Some(u64::from(width) * u64::from(height)),
        _ => None,
    };
    let largest =
        (0..planned.len()).filter(|&at| pixels(&planned[at]).is_some()).max_by_key(|&at| pixels(&planned[at]));
    let sound = planned.iter().position(|track| matches!(track.record.kind, TrackKind::Audio { .. }));
    largest.into_iter().chain(sound).collect()
}

/// Pictures before sound, as they were chosen.
pub(super) fn in_order(chosen: &[usize], mut tables: Vec<(usize, SampleTable)>) -> Vec<(usize, SampleTable)> {
    tables.sort_by_key(|(position, _)| chosen.iter().position(|chosen| chosen == position));
    tables
}

/// Writes the file from segments that are there already.
pub(super) fn write(
    presentation: &Presentation<'_>,
    folder: &Folder,
    tables: &[(usize, SampleTable)],
) -> Result<(), Failure> {
    let unfit = |error: packager::PackageError| Failure::bad_input("input.unfit", format!("{DOWNLOAD}: {error}"), "");
    let tracks: Vec<(&TrackRecord, &SampleTable)> =
        tables.iter().map(|(position, table)| (&presentation.tracks[*position], table)).collect();
    let file = progressive_file(&tracks).map_err(unfit)?;
    let plans = tracks.iter().map(|(track, _)| FilePlan::of(presentation, track));
    let plans = plans.collect::<Result<Vec<_>, _>>().map_err(unfit)?;
    let mut out = folder.create(DOWNLOAD)?;
    out.write(&file.head)?;
    for (track, segment) in file.order {
        let (record, table) = tracks[track];
        let bytes = table.chunk_bytes().nth(segment).unwrap_or(0);
        let size = record.segments[segment].size_bytes;
        // Samples are the end of their segment.
        match (presentation.layout, &plans[track]) {
            (FileLayout::SingleFile, Some(plan)) => {
                out.copy(&media_path(&record.name), plan.segment_start(segment) + size - bytes, bytes)?;
            }
            _ => out.copy(&segment_path(&record.name, record.segments[segment].index), size - bytes, bytes)?,
        }
    }
    Ok(())
}
