//! What of a recording is not as it was recorded, and what stands in its place.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Most losses that are told of one recording, or of one of its parts.
pub const MAX_LOSSES: usize = 100;
/// Losses of one kind that lie no further apart are one, in milliseconds.
const NEAR_MS: u64 = 1000;

/// How something was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LossKind {
    /// Pictures are absent or cannot be decoded: another one stands still in their place.
    PicturesHeld,
    /// Pictures are shown that are damaged, up to the next one that is whole by itself.
    PicturesDamaged,
    /// Sound is absent or cannot be decoded: there is silence.
    SoundSilent,
    /// The file ends before what it says of itself: nothing of it is there.
    EndMissing,
}

/// A stretch of the presentation that is not as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Loss {
    /// What happened to it.
    pub kind: LossKind,
    /// The sound track that it is of, as plans call it; `None` for pictures.
    #[serde(default)]
    pub track: Option<String>,
    /// Its first millisecond.
    pub from_ms: u64,
    /// The first millisecond behind it.
    pub to_ms: u64,
}

/// One sentence for a person, but for its full stop.
impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = (Clock(self.from_ms), Clock(self.to_ms));
        match (self.kind, &self.track) {
            (LossKind::PicturesHeld, _) => {
                write!(f, "pictures are missing from {from} to {to}: one stands still there")
            }
            (LossKind::PicturesDamaged, _) => write!(f, "pictures are damaged from {from} to {to}"),
            (LossKind::SoundSilent, Some(track)) => write!(f, "sound ({track}) is missing from {from} to {to}"),
            (LossKind::SoundSilent, None) => write!(f, "sound is missing from {from} to {to}"),
            (LossKind::EndMissing, _) => write!(f, "the end of the file is missing: all from {from} to {to}"),
        }
    }
}

/// Milliseconds as `1:02:03.4`, hours where there are any.
struct Clock(u64);

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = self.0 / 100;
        let (hours, minutes) = (tenths / 36_000, tenths / 600 % 60);
        let (seconds, tenth) = (tenths / 10 % 60, tenths % 10);
        match hours {
            0 => write!(f, "{minutes}:{seconds:02}.{tenth}"),
            _ => write!(f, "{hours}:{minutes:02}:{seconds:02}.{tenth}"),
        }
    }
}

/// The losses in order, those of one kind that touch or nearly do as one. Beyond [`MAX_LOSSES`] they are not told apart any more:
/// the last of a kind goes on to where the last one ends.
pub fn joined(mut losses: Vec<Loss>) -> Vec<Loss> {
    losses.retain(|loss| loss.from_ms < loss.to_ms);
    losses.sort();
    let mut all: Vec<Loss> = Vec::new();
    for loss in losses {
        let full = all.len() >= MAX_LOSSES;
        let same = all.last_mut().filter(|last| (last.kind, &last.track) == (loss.kind, &loss.track));
        match same {
            Some(last) if full || loss.from_ms <= last.to_ms.saturating_add(NEAR_MS) => {
                last.to_ms = last.to_ms.max(loss.to_ms);
            }
            _ if full => {}
            _ => all.push(loss),
        }
    }
    all.sort_by_key(|loss| (loss.from_ms, loss.kind));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loss(kind: LossKind, from_ms: u64, to_ms: u64) -> Loss {
        Loss { kind, track: None, from_ms, to_ms }
    }

    #[test]
    fn losses_say_from_when_to_when() {
        let sound = Loss { track: Some("en".to_owned()), ..loss(LossKind::SoundSilent, 3_723_450, 3_724_000) };
        assert_eq!(sound.to_string(), "sound (en) is missing from 1:02:03.4 to 1:02:04.0");
        let said = loss(LossKind::PicturesHeld, 950, 61_000).to_string();
        assert_eq!(said, "pictures are missing from 0:00.9 to 1:01.0: one stands still there");
    }

    #[test]
    fn near_losses_of_a_kind_are_one_and_their_number_is_bounded() {
        use LossKind::{PicturesDamaged, PicturesHeld};
        let found = joined(vec![
            loss(PicturesHeld, 5000, 6000),
            loss(PicturesDamaged, 900, 2000),
            loss(PicturesHeld, 1000, 1500),
            loss(PicturesHeld, 2400, 2500),
            loss(PicturesHeld, 7, 7),
        ]);
        let wanted = [loss(PicturesDamaged, 900, 2000), loss(PicturesHeld, 1000, 2500), loss(PicturesHeld, 5000, 6000)];
        assert_eq!(found, wanted);
        let many = (0..1000).map(|at| loss(PicturesHeld, at * 5000, at * 5000 + 40)).collect();
        let found = joined(many);
        assert_eq!((found.len(), found.last().map(|last| last.to_ms)), (MAX_LOSSES, Some(999 * 5000 + 40)));
        assert_eq!(joined(found.clone()), found);
    }
}
