//! What is known of a track while its samples are given.

use std::sync::Arc;

use drm::{ProtectionScheme, TrackProtection};

use super::boxes::fail;
use super::crypt::{self, Aux, Groups, Protection};
use super::sample::Raw;
use super::table::{Runs, Table};
use super::tx3g;
use crate::DemuxError;

/// `trex` (ISO/IEC 14496-12 §8.8.3).
#[derive(Clone, Copy, Debug)]
pub(super) struct Defaults {
    pub(super) description: u32,
    pub(super) duration: u32,
    pub(super) size: u32,
    pub(super) flags: u32,
}

impl Default for Defaults {
    fn default() -> Self {
        Self { description: 1, duration: 0, size: 0, flags: 0 }
    }
}

/// A sample description of a track.
#[derive(Clone, Debug)]
pub(super) enum Description {
    /// Configured as the track is; samples are protected so unless a group says otherwise.
    Same(Protection),
    /// Of another kind: where it is, and why its samples cannot be given.
    Other(u64, String),
}

/// A track while its samples are given.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    /// `track_ID`.
    pub(super) id: u32,
    /// Its sample descriptions.
    pub(super) descriptions: Vec<Description>,
    /// The scheme of those that are protected.
    pub(super) scheme: Option<ProtectionScheme>,
    /// Sample groups of the movie box.
    pub(super) groups: Groups,
    /// Mapping to them of the movie box's own samples.
    pub(super) mapping: Option<Runs>,
    /// Encryption data of the movie box's own samples.
    pub(super) aux: Option<Aux>,
    /// Bytes of NAL unit lengths that must be widened to 4.
    pub(super) widen: Option<u8>,
    /// How samples of each description become WebVTT.
    pub(super) text: Vec<Option<tx3g::Style>>,
    /// The description of the sample that is given.
    pub(super) description: u32,
    /// Whether every sample is one to start at, whatever flags say.
    pub(super) always_sync: bool,
    /// What is added to media times.
    pub(super) shift: i64,
    /// The movie box's own samples.
    pub(super) table: Table,
    /// What fragments need not say.
    pub(super) defaults: Defaults,
    /// Decode time behind the last sample.
    pub(super) next_dts: i64,
    /// Decode time that was given last, the shift included.
    pub(super) given_dts: Option<i64>,
    /// Bytes and samples given: no more than the file can hold.
    pub(super) spent: u64,
    /// Whether it ended early.
    pub(super) ended: bool,
    /// Whether a warning said that its clock stood still.
    pub(super) stood_still: bool,
    /// Whether a warning said that it has empty samples.
    pub(super) has_empty: bool,
    /// The chunk of the movie box whose encryption data are at hand.
    pub(super) aux_chunk: Option<u32>,
}

/// Decode and presentation time as they are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Times {
    /// Strictly growing.
    pub(super) dts: i64,
    /// As stated.
    pub(super) pts: i64,
    /// By how much `dts` was moved.
    pub(super) moved: i64,
}

impl Stream {
    /// With nothing but its own samples.
    pub(super) fn new(id: u32, descriptions: Vec<Description>, table: Table) -> Self {
        Self {
            id,
            descriptions,
            scheme: None,
            groups: Groups::default(),
            mapping: None,
            aux: None,
            widen: None,
            text: Vec::new(),
            description: 1,
            always_sync: false,
            shift: 0,
            table,
            defaults: Defaults::default(),
            next_dts: 0,
            given_dts: None,
            spent: 0,
            ended: false,
            stood_still: false,
            has_empty: false,
            aux_chunk: None,
        }
    }

    /// How samples of a description are protected by default.
    ///
    /// # Errors
    /// They are of another kind than the track.
    pub(super) fn described(&self, index: u32) -> Result<&Protection, DemuxError> {
        let place = usize::try_from(index).ok().and_then(|index| self.descriptions.get(index.checked_sub(1)?));
        let change = |at, why: &str| {
            let what =
                format!("track {} changes to sample description {index}, which {why}; cut the file there", self.id);
            Err(fail(at, what))
        };
        match place {
            Some(Description::Same(protection)) => Ok(protection),
            Some(Description::Other(at, why)) => change(*at, why),
            None => change(0, "does not exist"),
        }
    }

    /// Times of a sample on the movie's timeline. Samples that share a decode time, which the standard forbids but
    /// which occur, are moved behind one another by one tick each; presentation times stay, unless they would come
    /// before decoding.
    pub(super) fn times(&mut self, raw: &Raw) -> Times {
        let stated = raw.dts.saturating_add(self.shift);
        let pts = stated.saturating_add(raw.offset.into());
        let dts = self.given_dts.map_or(stated, |last| stated.max(last.saturating_add(1)));
        let moved = dts.saturating_sub(stated);
        self.given_dts = Some(dts);
        Times { dts, pts: if pts >= stated { pts.max(dts) } else { pts }, moved }
    }

    /// How the next sample is protected.
    ///
    /// # Errors
    /// Its group is not described.
    pub(super) fn protection(
        &self,
        map: Option<&mut Runs>,
        local: &Groups,
        description: u32,
        at: u64,
    ) -> Result<Option<Arc<TrackProtection>>, DemuxError> {
        let otherwise = self.described(description)?;
        crypt::resolve(map, local, &self.groups, otherwise)
            .cloned()
            .ok_or_else(|| fail(at, format!("a sample of track {} is in a key group that is not described", self.id)))
    }
}
