//! Fewer pictures, for a rendition that shows a new one at every so many frames.

use ffmpeg_next::frame;
use pipeline::Coding;

/// A picture of the rendition's size, from which frame on it is shown, and how it is coded.
pub(crate) struct Scaled {
    pub(crate) picture: frame::Video,
    pub(crate) frame: u64,
    pub(crate) coding: Coding,
}

/// Leaves pictures out, or shows them later, so that each stays for a number of frames; key frames are shown when they are due.
pub(crate) struct Thinning {
    step: u64,
    /// When the last one was shown.
    last: Option<u64>,
    waiting: Option<Scaled>,
}

impl Thinning {
    pub(crate) fn new(step: u32) -> Self {
        Self { step: step.into(), last: None, waiting: None }
    }

    /// Takes the next picture in, and gives one that is shown, if that is certain.
    pub(crate) fn push(&mut self, next: Scaled) -> Option<Scaled> {
        if self.step <= 1 {
            return Some(next);
        }
        let until = next.frame;
        let before = self.waiting.replace(next);
        before.and_then(|before| self.settle(before, until))
    }

    /// The last picture, if it is shown before `end`.
    pub(crate) fn finish(&mut self, end: u64) -> Option<Scaled> {
        self.waiting.take().and_then(|last| self.settle(last, end))
    }

    /// When a picture is shown that another one replaces at `until`.
    fn settle(&mut self, picture: Scaled, until: u64) -> Option<Scaled> {
        let (frame, coding) = match (self.last, picture.coding) {
            (_, Coding::Keyframe) => (picture.frame, Coding::Keyframe),
            (None, coding) => (picture.frame, coding),
            // How long it stays is not what its neighbours do: players take that in the order of decoding.
            (Some(last), Coding::InOrder | Coding::Free) => (picture.frame.max(last + self.step), Coding::InOrder),
        };
        if frame >= until {
            return None;
        }
        self.last = Some(frame);
        Some(Scaled { frame, coding, ..picture })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When pictures are shown of those that come at these frames, before frame 100; key frames are marked.
    fn shown(step: u32, pictures: &[(u64, bool)]) -> Vec<u64> {
        let mut thinning = Thinning::new(step);
        let mut frames = Vec::new();
        for &(frame, keyframe) in pictures {
            let coding = if keyframe { Coding::Keyframe } else { Coding::Free };
            let picture = frame::Video::empty();
            frames.extend(thinning.push(Scaled { picture, frame, coding }).map(|one| one.frame));
        }
        frames.extend(thinning.finish(100).map(|one| one.frame));
        frames
    }

    #[test]
    fn of_steady_pictures_one_in_so_many_is_shown_and_every_key_frame() {
        let steady = |keyframes: &[u64]| (0..100).map(|frame| (frame, keyframes.contains(&frame))).collect::<Vec<_>>();
        assert_eq!(shown(1, &steady(&[0])).len(), 100);
        assert_eq!(shown(4, &steady(&[0])), (0..25).map(|at| at * 4).collect::<Vec<_>>());
        let slide = shown(4, &steady(&[0, 50]));
        assert_eq!(&slide[10..16], &[40, 44, 48, 50, 54, 58]);
    }

    #[test]
    fn a_change_is_shown_when_it_comes_or_as_soon_as_may_be() {
        // One comes soon after another, and stays.
        assert_eq!(shown(4, &[(0, true), (30, false), (31, false), (60, false)]), [0, 30, 34, 60]);
        // Its place is taken before it could be shown.
        assert_eq!(shown(4, &[(0, true), (30, false), (31, false), (33, false)]), [0, 30, 34]);
        assert_eq!(shown(4, &[(0, true), (98, false), (99, false)]), [0, 98]);
    }
}
