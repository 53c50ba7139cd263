//! The storyboard: small pictures of the whole recording, and from when to when each is shown.
//!
//! Its pictures are key frames of the smallest rendition, which has one at least every 2 s, however few the source has.

use bytes::Bytes;
use engine_host::EngineOptions;
use media_types::{EncodePlan, StillsPlan, TrackKind, TrackRecord, VideoPlan};
use packager::{OutputFile, StoryboardRef, TrickFile, segment_path};
use pipeline::{RecordingScenes, STORYBOARD, StillsOrder, StillsSummary};

use super::millisecond;
use crate::error::WorkError;
use crate::track::{OnProgress, make_sheet};

/// What the storyboard's index is written from.
#[derive(Clone, Debug)]
pub(crate) struct Storyboard {
    plan: StillsPlan,
    tiles: StillsSummary,
    starts_ms: Vec<u64>,
    duration_ms: i64,
    sheet_bytes: u64,
}

impl Storyboard {
    /// Makes the sheet of tracks that are in clear, in the order of the plan; `None` without pictures. `read` gives a segment by
    /// its path.
    ///
    /// # Errors
    /// What `read` fails with, and when the engine fails.
    pub(crate) async fn make<F, Reading>(
        engine: &EngineOptions,
        (plan, scenes): (&EncodePlan, &RecordingScenes),
        tracks: &[TrackRecord],
        read: F,
        on_progress: OnProgress,
    ) -> Result<Option<(Self, OutputFile)>, WorkError>
    where
        F: FnMut(String) -> Reading,
        Reading: Future<Output = Result<Bytes, WorkError>>,
    {
        let pictures = tracks.iter().find(|track| matches!(track.kind, TrackKind::Video { .. }));
        let (Some(video), Some(stills), Some(track)) = (&plan.video, &plan.stills, pictures) else { return Ok(None) };
        let frames = pipeline::tile_frames(video, stills, &keyframes(track, video));
        let times: Vec<i64> = frames.iter().map(|frame| time_of(*frame, video)).collect();
        if times.is_empty() {
            return Ok(None);
        }
        let file = file_of(track, &times, read).await?;
        let sheet = make_sheet(engine, file, StillsOrder::sheet(stills, times), on_progress).await?;
        let board = Self {
            plan: stills.clone(),
            tiles: sheet.tiles,
            starts_ms: starts_ms(video, (stills, &frames), scenes),
            duration_ms: plan.duration_ms,
            sheet_bytes: sheet.jpeg.len() as u64,
        };
        let media_type = packager::media_type(STORYBOARD);
        Ok(Some((board, OutputFile { path: STORYBOARD.to_owned(), media_type, bytes: sheet.jpeg })))
    }

    pub(super) fn reference(&self) -> StoryboardRef<'_> {
        StoryboardRef {
            uri: STORYBOARD,
            tile_width: self.plan.tile_width,
            tile_height: self.plan.tile_height,
            columns: self.tiles.sheet_columns,
            rows: self.tiles.sheet_rows,
            tile_count: self.tiles.tiles,
            interval_ms: self.plan.tile_interval_ms,
            starts_ms: &self.starts_ms,
            duration_ms: self.duration_ms,
            sheet_bytes: self.sheet_bytes,
        }
    }
}

/// The frames of the presentation at which a track has key frames.
fn keyframes(track: &TrackRecord, video: &VideoPlan) -> Vec<u64> {
    let points = track.segments.iter().flat_map(|segment| &segment.sync_points);
    points.filter_map(|point| u64::try_from(point.pts / i64::from(video.frame_ticks.max(1))).ok()).collect()
}

fn time_of(frame: u64, video: &VideoPlan) -> i64 {
    i64::try_from(frame * u64::from(video.frame_ticks)).unwrap_or(i64::MAX)
}

/// A file of the key frames at these times, in which a picture is found as in any other; one that stands for several tiles is in
/// it once.
async fn file_of<F, Reading>(track: &TrackRecord, times: &[i64], mut read: F) -> Result<Bytes, WorkError>
where
    F: FnMut(String) -> Reading,
    Reading: Future<Output = Result<Bytes, WorkError>>,
{
    let mut once = times.to_vec();
    once.dedup();
    let mut file = TrickFile::of_pictures(track, &once)?;
    let wanted = |segment: &&media_types::SegmentRecord| {
        segment.sync_points.iter().any(|point| once.binary_search(&point.pts).is_ok())
    };
    for segment in track.segments.iter().filter(wanted) {
        file.take(segment, &read(segment_path(&track.name, segment.index)).await?)?;
    }
    Ok(file.finish()?.file.bytes)
}

/// From when on each tile is shown: where its slide begins, if that is after the picture of the tile before; or else where its
/// time begins. Empty for recordings without slides.
fn starts_ms(video: &VideoPlan, (stills, frames): (&StillsPlan, &[u64]), scenes: &RecordingScenes) -> Vec<u64> {
    let slides = scenes.slides(video.frame_rate);
    if slides.is_empty() {
        return Vec::new();
    }
    let interval_ms = u64::from(stills.tile_interval_ms);
    let mut starts: Vec<u64> = Vec::with_capacity(frames.len());
    let mut before = None;
    for (tile, &frame) in (0..).zip(frames) {
        let regular = tile * interval_ms;
        let slide = slides.iter().rev().find(|slide| **slide <= frame).filter(|slide| Some(**slide) > before);
        let start = slide.map_or(regular, |slide| millisecond(video.frame_rate, *slide));
        starts.push(start.max(starts.last().copied().unwrap_or(0)));
        before = Some(frame);
    }
    starts
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use pipeline::SceneKind;

    use super::super::chapters::tests::{plan, scenes};
    use super::*;

    #[test]
    fn a_tile_is_shown_from_where_its_slide_begins() {
        let plan = plan();
        let (video, stills) = (plan.video.unwrap(), plan.stills.unwrap());
        // A key frame every 60, and where slides change: at 302 (too soon for a chapter), 400 and 1001.
        let mut keyframes: Vec<u64> = (0..1800).step_by(60).chain([302, 400, 1001]).collect();
        keyframes.sort_unstable();
        let frames = pipeline::tile_frames(&video, &stills, &keyframes);
        assert_eq!(frames, [120, 420, 720, 1020, 1320, 1620, 1740]);
        let starts = |frames: &[u64], kind| starts_ms(&video, (&stills, frames), &scenes(kind));
        assert_eq!(starts(&frames, SceneKind::Slides), [0, 13_347, 20_000, 33_401, 40_000, 50_000, 60_000]);
        assert!(starts(&frames, SceneKind::Film).is_empty());
        // The last one of several tiles of one picture is the one that is shown when its slide is.
        let same = [0, 0, 0, 1250, 1250, 1250, 1250];
        assert_eq!(starts(&same, SceneKind::Slides), [0, 10_000, 20_000, 33_401, 40_000, 50_000, 60_000]);
    }
}
