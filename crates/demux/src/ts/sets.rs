//! The parameter sets of a video stream: collected until they make a configuration, compared ever after.

use super::nal::{Codec, Set};

/// What a parameter set is to the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// Part of it, or collected for it.
    Yes,
    /// Another one, for the first time: it may be damaged.
    Suspect,
    /// Another one, and it came before: the stream really changed, first at this place of the file.
    Changed { offset: u64 },
}

/// Parameter sets of each kind; a stream has at most this many bytes of them.
const MOST: usize = 1 << 20;

/// All parameter sets of a stream.
#[derive(Clone, Debug, Default)]
pub(super) struct Sets {
    kept: [Vec<Vec<u8>>; 3],
    fixed: bool,
    suspects: Vec<(u64, Vec<u8>)>,
}

impl Sets {
    /// Takes a parameter set that lies at `offset` of the file.
    pub(super) fn learn(&mut self, set: Set, nal: &[u8], offset: u64) -> Known {
        let kept = &mut self.kept[set as usize];
        if kept.iter().any(|known| known == nal) {
            return Known::Yes;
        }
        if !self.fixed {
            if kept.iter().map(Vec::len).sum::<usize>() + nal.len() <= MOST {
                kept.push(nal.to_vec());
            }
            return Known::Yes;
        }
        let first = self.suspects.iter().find(|(_, known)| known == nal);
        if let Some((offset, _)) = first {
            return Known::Changed { offset: *offset };
        }
        if self.suspects.len() < 8 && nal.len() <= 4096 {
            self.suspects.push((offset, nal.to_vec()));
        }
        Known::Suspect
    }

    /// Where the first set lies that was not part of the configuration and was not followed by those of it again.
    pub(super) fn suspect(&self) -> Option<u64> {
        self.suspects.iter().map(|(offset, _)| *offset).min()
    }

    /// Those of the configuration came again: the others were damaged.
    pub(super) fn acquit(&mut self) {
        self.suspects.clear();
    }

    /// Whether there is one of each kind that `codec` needs.
    pub(super) fn are_complete(&self, codec: Codec) -> bool {
        let needed = if codec == Codec::Avc { 1.. } else { 0.. };
        self.kept[needed].iter().all(|sets| !sets.is_empty())
    }

    /// From now on they are the configuration.
    pub(super) fn fix(&mut self) {
        self.fixed = true;
    }

    /// They made no sense: collect again.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// The sets of one kind, in the order they came.
    pub(super) fn of(&self, set: Set) -> Vec<&[u8]> {
        self.kept[set as usize].iter().map(Vec::as_slice).collect()
    }
}
