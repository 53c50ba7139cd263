//! The storyboard's index: from when to when each tile is shown.

use media_types::{EncodePlan, FrameMap, StillsPlan, VideoPlan};
use packager::StoryboardRef;
use pipeline::RecordingScenes;

use super::millisecond;
use crate::track::Stills;

/// What the storyboard's index is written from.
#[derive(Clone, Debug)]
pub(crate) struct Storyboard {
    stills: Stills,
    plan: StillsPlan,
    starts_ms: Vec<u64>,
    duration_ms: i64,
    sheet_bytes: u64,
}

impl Storyboard {
    /// `None` when there is no sheet.
    pub(crate) fn new(stills: &Stills, plan: &EncodePlan, scenes: &RecordingScenes) -> Option<Self> {
        let sheet = stills.files.iter().find(|file| file.name == pipeline::STORYBOARD)?;
        let (video, tiles) = plan.video.as_ref().zip(plan.stills.as_ref())?;
        Some(Self {
            stills: stills.clone(),
            starts_ms: starts_ms(video, tiles, scenes),
            plan: tiles.clone(),
            duration_ms: plan.duration_ms,
            sheet_bytes: sheet.size_bytes,
        })
    }

    pub(super) fn reference(&self) -> StoryboardRef<'_> {
        StoryboardRef {
            uri: pipeline::STORYBOARD,
            tile_width: self.plan.tile_width,
            tile_height: self.plan.tile_height,
            columns: self.stills.columns,
            rows: self.stills.rows,
            tile_count: self.stills.tiles,
            interval_ms: self.plan.tile_interval_ms,
            starts_ms: &self.starts_ms,
            duration_ms: self.duration_ms,
            sheet_bytes: self.sheet_bytes,
        }
    }
}

/// From when on each tile is shown: where its slide begins, if that is after the picture of the tile before; or else where its
/// time begins. Empty for recordings without slides.
fn starts_ms(video: &VideoPlan, stills: &StillsPlan, scenes: &RecordingScenes) -> Vec<u64> {
    let slides = scenes.slides(video.frame_rate);
    if slides.is_empty() {
        return Vec::new();
    }
    let interval_ms = u64::from(stills.tile_interval_ms);
    let mut starts: Vec<u64> = Vec::with_capacity(stills.tile_pts.len());
    let mut before = None;
    for (tile, frame) in (0..).zip(frames_of(&video.frame_map, &stills.tile_pts)) {
        let regular = tile * interval_ms;
        let slide = slides.iter().rev().find(|slide| **slide <= frame).filter(|slide| Some(**slide) > before);
        let start = slide.map_or(regular, |slide| millisecond(video.frame_rate, *slide));
        starts.push(start.max(starts.last().copied().unwrap_or(0)));
        before = Some(frame);
    }
    starts
}

/// The first frame that shows each picture, or a later one; both ascending.
fn frames_of(map: &FrameMap, pictures: &[i64]) -> Vec<u64> {
    let (mut frame, mut shown) = (0, map.0.iter().peekable());
    let mut first = |pts: i64| {
        while let Some(run) = shown.next_if(|run| run.source_pts < pts) {
            frame += u64::from(run.frames);
        }
        frame
    };
    pictures.iter().map(|pts| first(*pts)).collect()
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
        let (video, mut tiles) = (plan.video.unwrap(), plan.stills.unwrap());
        // Key frames of the source near the middle of every ten seconds. Slides change at 302 (too soon for a chapter), 400 and 1001.
        assert_eq!(tiles.tile_pts, [250, 500, 750, 1000, 1250, 1750, 1750].map(|frame| frame * 1001));
        let starts = |tiles: &StillsPlan, kind| starts_ms(&video, tiles, &scenes(kind));
        assert_eq!(starts(&tiles, SceneKind::Slides), [0, 13_347, 20_000, 30_000, 33_401, 50_000, 60_000]);
        assert!(starts(&tiles, SceneKind::Film).is_empty());
        // Several tiles of one picture: there is no key frame between.
        tiles.tile_pts = [0, 0, 0, 1250, 1250, 1250, 1250].map(|frame| frame * 1001).to_vec();
        assert_eq!(starts(&tiles, SceneKind::Slides), [0, 10_000, 20_000, 33_401, 40_000, 50_000, 60_000]);
    }
}
