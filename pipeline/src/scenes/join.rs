//! What was found in ranges, over a whole recording.

use media_types::{FrameRate, SceneShares};

use super::change::REPLACED_PERCENT;
use super::glance::{SAME, replaced};
use super::{RangeScenes, Scene, SceneKind, SlideChange, frames_in};

/// Who leaves a slide sooner only looks for another one.
const LEAST_STAY_MS: u64 = 5_000;
/// Slides that are listed, at most: those that stay longest.
const MOST_SLIDES: usize = 300;
/// Fewer are no list.
const LEAST_SLIDES: usize = 3;

/// What the pictures of a recording show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordingScenes {
    /// Ascending.
    pub changes: Vec<SlideChange>,
    /// In order.
    pub kinds: Vec<Scene>,
}

impl RecordingScenes {
    /// Joins what was found in consecutive ranges, in order.
    pub fn join<'a>(ranges: impl IntoIterator<Item = &'a RangeScenes>) -> Self {
        let mut joined = Self::default();
        let mut closing: &[u8] = &[];
        for range in ranges {
            if let Some(first) = range.kinds.first() {
                let sure = replaced(closing, &range.opening, SAME, |at| closing[at] > 0 && range.opening[at] > 0);
                let sure_percent = u8::try_from(sure).unwrap_or(100);
                let at_border = SlideChange { frame: first.first_frame, sure_percent };
                joined.changes.extend(Some(at_border).filter(|_| sure >= REPLACED_PERCENT));
            }
            joined.changes.extend(&range.changes);
            for scene in &range.kinds {
                match joined.kinds.last_mut() {
                    Some(last) if last.kind == scene.kind => last.frame_count += scene.frame_count,
                    _ => joined.kinds.push(*scene),
                }
            }
            closing = &range.closing;
        }
        joined
    }

    fn frames(&self, kind: Option<SceneKind>) -> u64 {
        let wanted = self.kinds.iter().filter(|scene| kind.is_none_or(|kind| scene.kind == kind));
        wanted.map(|scene| scene.frame_count).sum()
    }

    /// How much of the recording is what, to three places.
    pub fn shares(&self) -> SceneShares {
        let all = self.frames(None).max(1) as f64;
        let share = |kind| (self.frames(Some(kind)) as f64 / all * 1000.0).round() / 1000.0;
        SceneShares {
            slides: share(SceneKind::Slides),
            screencast: share(SceneKind::Screencast),
            talking_head: share(SceneKind::TalkingHead),
            film: share(SceneKind::Film),
        }
    }

    /// The first frames of the slides that a person would go to, the first one at 0: those that stay for 5 s, at most 300. Empty
    /// unless there are three, and half of the recording is slides or, where somebody points and writes on them, a screencast.
    pub fn slides(&self, rate: FrameRate) -> Vec<u64> {
        let total = self.frames(None);
        let (slides, screencast) = (self.frames(Some(SceneKind::Slides)), self.frames(Some(SceneKind::Screencast)));
        if (slides + screencast) * 2 < total || slides * 4 < total {
            return Vec::new();
        }
        let mut least = frames_in(rate, LEAST_STAY_MS).max(1);
        loop {
            let mut starts = self.staying(least, total);
            if starts.len() < LEAST_SLIDES {
                return Vec::new();
            }
            if starts.len() <= MOST_SLIDES {
                // Whatever is shown before the first one is a part of it.
                starts[0] = 0;
                return starts;
            }
            least += least.div_ceil(2);
        }
    }

    /// First frames of the slides that are shown for `least` frames.
    fn staying(&self, least: u64, total: u64) -> Vec<u64> {
        let starts: Vec<u64> = std::iter::once(0).chain(self.changes.iter().map(|change| change.frame)).collect();
        let ends = starts.iter().skip(1).copied().chain([total]);
        let stays = starts.iter().zip(ends).filter(|(start, end)| end.saturating_sub(**start) >= least);
        stays.map(|(start, _)| *start).collect()
    }
}
