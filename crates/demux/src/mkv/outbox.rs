//! Packets on their way out, in the order of the file.

use std::collections::VecDeque;

use crate::Packet;

/// A queue in which packets may wait for their decode times without being overtaken, so that a caller who reads their
/// bytes goes forward.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    slots: VecDeque<Slot>,
    /// Number of the first slot.
    first: u64,
}

#[derive(Debug)]
struct Slot {
    packet: Packet,
    ready: bool,
}

impl Outbox {
    /// More packets than this wait only where a track has ended or pauses for long.
    pub(super) const MOST_WAITING: usize = 4096;

    /// A packet with all its times.
    pub(super) fn push(&mut self, packet: Packet) {
        self.slots.push_back(Slot { packet, ready: true });
    }

    /// A packet whose decode time comes later by [`resolve`](Self::resolve) with the number returned.
    pub(super) fn push_waiting(&mut self, packet: Packet) -> u64 {
        self.slots.push_back(Slot { packet, ready: false });
        self.first + self.slots.len() as u64 - 1
    }

    /// Gives a waiting packet its decode time.
    pub(super) fn resolve(&mut self, number: u64, dts: i64) {
        let slot = number.checked_sub(self.first).and_then(|at| self.slots.get_mut(usize::try_from(at).ok()?));
        if let Some(slot) = slot {
            slot.packet.dts = dts;
            slot.ready = true;
        }
    }

    /// The next packet, when it is ready.
    pub(super) fn pop(&mut self) -> Option<Packet> {
        if !self.slots.front()?.ready {
            return None;
        }
        self.first += 1;
        self.slots.pop_front().map(|slot| slot.packet)
    }

    /// Whether so many packets wait that those without a decode time must get one now.
    pub(super) fn is_full(&self) -> bool {
        self.slots.len() > Self::MOST_WAITING
    }
}
