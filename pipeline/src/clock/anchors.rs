//! Places of a stream to begin reading at, few enough to keep.

use media_types::clock::MAX_ANCHORS;
use media_types::{Anchor, StreamClock};

use super::ClockedPacket;

/// Ticks between two at first: 2 s.
const APART: u64 = 2 * 90_000;

/// Packets that decoding may begin with, with their times as stated.
#[derive(Clone, Debug)]
pub(super) struct Anchors {
    apart: u64,
    kept: Vec<(u64, i64, i64)>,
}

impl Default for Anchors {
    fn default() -> Self {
        Self { apart: APART, kept: Vec::new() }
    }
}

impl Anchors {
    pub(super) fn note(&mut self, packet: &ClockedPacket) {
        let Some(position) = packet.position else { return };
        if let Some(&(before, dts, _)) = self.kept.last()
            && (position <= before || packet.dts.abs_diff(dts) < self.apart)
        {
            return;
        }
        if self.kept.len() >= MAX_ANCHORS {
            let mut even = false;
            self.kept.retain(|_| {
                even = !even;
                even
            });
            self.apart *= 2;
        }
        self.kept.push((position, packet.dts, packet.pts));
    }

    /// The same on the clock that runs on.
    pub(super) fn on(&self, clock: &StreamClock) -> Vec<Anchor> {
        let mut anchors: Vec<Anchor> = Vec::with_capacity(self.kept.len());
        for &(position, dts, pts) in &self.kept {
            let Some(time) = clock.times(Some(position), Some(dts), Some(pts)).1 else { continue };
            if anchors.last().is_none_or(|last| last.time < time) {
                anchors.push(Anchor { position, time });
            }
        }
        anchors
    }
}
