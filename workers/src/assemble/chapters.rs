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

/// A chapter for each slide.
fn slides(video: &VideoPlan, scenes: &RecordingScenes) -> Vec<Chapter> {
    let chapter = |(number, frame): (u32, u64)| {
        let title = ChapterTitle { language: "en".to_owned(), text: format!("Slide {number}") };
        let start_us = super::millisecond(video.frame_rate, frame).saturating_mul(1000);
        Chapter { start_us, end_us: None, titles: vec![title] }
    };
    (1..).zip(scenes.slides(video.frame_rate)).map(chapter).collect()
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used)]
    use media_types::{FrameRate, PacketTime, ProbeReport, Rational, VideoProbe};
    use pipeline::{Scene, SceneKind, SlideChange};

    use super::*;

    /// A minute of 30,000 pictures in 1001 seconds.
    pub(in crate::assemble) fn plan() -> EncodePlan {
        let packets = (0..1800).map(|at| PacketTime { pts: at * 1001, keyframe: at % 250 == 0 }).collect();
        let stated_rate = FrameRate::new(30_000, 1001);
        let time_base = Rational { num: 1, den: 30_000 };
        let video = VideoProbe { stated_rate, ..VideoProbe::plain("h264", (640, 360), time_base, packets) };
        let report = ProbeReport::of_pictures("mov", video);
        pipeline::plan(&report, &ladders::builtin("film").unwrap()).unwrap()
    }

    pub(in crate::assemble) fn scenes(kind: SceneKind) -> RecordingScenes {
        let change = |frame| SlideChange { frame, sure_percent: 80 };
        let kinds = vec![Scene { first_frame: 0, frame_count: 1800, kind }];
        RecordingScenes { changes: [302, 400, 1001].map(change).to_vec(), kinds }
    }

    #[test]
    fn slides_are_the_chapters_of_a_recording_that_has_none() {
        let chapters = told(&plan(), &scenes(SceneKind::Slides));
        let found: Vec<_> =
            chapters.iter().map(|at| (at.start_us, at.end_us.unwrap(), at.titles[0].text.as_str())).collect();
        // Whole milliseconds in which the picture is there: frame 400 is shown from 13.3466 s on.
        let (second, third) = (13_347_000, 33_401_000);
        assert_eq!(found[0], (0, second, "Slide 1"));
        assert_eq!(found[1], (second, third, "Slide 2"));
        assert_eq!((found[2].0, found[2].2, found.len()), (third, "Slide 3", 3));
        assert!(told(&plan(), &scenes(SceneKind::Film)).is_empty());
    }

    #[test]
    fn chapters_of_the_recording_itself_are_the_only_ones() {
        let own = PlannedChapter { start_us: 5_000_000, end_us: 9_000_000, title: "Proof".to_owned() };
        let chapters = told(&EncodePlan { chapters: vec![own], ..plan() }, &scenes(SceneKind::Slides));
        assert_eq!((chapters.len(), chapters[0].titles[0].text.as_str()), (1, "Proof"));
    }
}
