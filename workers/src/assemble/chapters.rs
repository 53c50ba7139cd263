//! Chapters: those of the recording, or its slides.

use media_types::{EncodePlan, PlannedChapter, VideoPlan};
use packager::{Chapter, ChapterTitle};
use pipeline::RecordingScenes;

/// The plan's chapters as they can be told; without any, the slides that were found.
pub(super) fn told(plan: &EncodePlan, scenes: &RecordingScenes) -> Vec<Chapter> {
    let end_us = u64::try_from(plan.duration_ms.saturating_mul(1000)).unwrap_or(0);
    let found = match &plan.video {
        Some(video) if plan.chapters.is_empty() => slides(video, scenes),
        _ => Vec::new(),
    };
    let named = |chapter: &PlannedChapter| {
        let title = ChapterTitle { language: super::NO_LANGUAGE.to_owned(), text: chapter.title.clone() };
        Chapter { start_us: chapter.start_us, end_us: Some(chapter.end_us), titles: vec![title] }
    };
    packager::settled_chapters(plan.chapters.iter().map(named).chain(found).collect(), end_us)
}

/// A chapter for each slide. Files of chapters have whole milliseconds: the first one in which the slide is shown.
fn slides(video: &VideoPlan, scenes: &RecordingScenes) -> Vec<Chapter> {
    let per_frame_ms = (u128::from(video.frame_rate.den()) * 1000, u128::from(video.frame_rate.num()));
    let start_us = |frame: u64| (u128::from(frame) * per_frame_ms.0).div_ceil(per_frame_ms.1) * 1000;
    let chapter = |(number, frame): (u32, u64)| {
        let title = ChapterTitle { language: "en".to_owned(), text: format!("Slide {number}") };
        let start_us = u64::try_from(start_us(frame)).unwrap_or(u64::MAX);
        Chapter { start_us, end_us: None, titles: vec![title] }
    };
    (1..).zip(scenes.slides(video.frame_rate)).map(chapter).collect()
}
