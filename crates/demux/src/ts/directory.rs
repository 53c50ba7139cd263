//! Which programs the file has, and the one that is taken: the first with audio or video.

use super::continuity::Continuity;
use super::packet::Packet;
use super::psi::{self, Program};
use super::section::{Sections, is_intact};

/// Programs that are followed.
const MOST: usize = 512;

/// Bytes after which the maps of earlier programs are no longer waited for.
pub(super) const PATIENCE: u64 = 2 << 20;

/// The program association table and the program maps that it names.
#[derive(Debug, Default)]
pub(super) struct Directory {
    association: Table,
    maps: Vec<Map>,
}

#[derive(Debug, Default)]
struct Table {
    sections: Sections,
    continuity: Continuity,
}

#[derive(Debug)]
struct Map {
    number: u16,
    pid: u16,
    table: Table,
    program: Option<Program>,
}

impl Table {
    fn feed(&mut self, packet: &Packet<'_>, mut found: impl FnMut(&[u8])) {
        let Some(payload) = packet.payload else { return };
        let step = self.continuity.step(packet);
        if step.is_repeated {
            return;
        }
        if step.lost > 0 {
            self.sections.lost();
        }
        self.sections.feed(payload, packet.unit_start, |section| {
            if is_intact(section) {
                found(section);
            }
        });
    }
}

impl Directory {
    /// Takes a packet of PID 0. The PIDs of program maps that it names for the first time.
    pub(super) fn associate(&mut self, packet: &Packet<'_>) -> Vec<u16> {
        let mut named = Vec::new();
        self.association.feed(packet, |section| named.extend(psi::programs(section).unwrap_or_default()));
        named.retain(|(_, pid)| (0x10..0x1fff).contains(pid));
        let mut fresh = Vec::new();
        for (number, pid) in named {
            match self.maps.iter().position(|map| map.number == number) {
                Some(index) if self.maps[index].pid == pid => continue,
                Some(index) => {
                    self.maps[index].pid = pid;
                    self.maps[index].table = Table::default();
                }
                None if self.maps.len() < MOST => {
                    self.maps.push(Map { number, pid, table: Table::default(), program: None });
                }
                None => continue,
            }
            fresh.push(pid);
        }
        fresh
    }

    /// Takes a packet of a program map's PID, which several programs may share.
    pub(super) fn map(&mut self, packet: &Packet<'_>) {
        for map in self.maps.iter_mut().filter(|map| map.pid == packet.pid) {
            let Map { number, table, program, .. } = map;
            table.feed(packet, |section| {
                if let Some(new) = psi::program(section).filter(|new| new.number == *number) {
                    *program = Some(new);
                }
            });
        }
    }

    /// The first program with audio or video. `hurry` leaves out programs whose map did not come yet.
    pub(super) fn choose(&self, hurry: bool) -> Option<&Program> {
        let known = self.maps.iter().take_while(|map| hurry || map.program.is_some());
        known.filter_map(|map| map.program.as_ref()).find(|program| has_media(program))
    }

    /// The map of a program as it was seen last.
    pub(super) fn program(&self, number: u16) -> Option<&Program> {
        self.maps.iter().find(|map| map.number == number)?.program.as_ref()
    }

    /// Programs with audio or video besides `number`.
    pub(super) fn others(&self, number: u16) -> usize {
        let others = self.maps.iter().filter(|map| map.number != number);
        others.filter(|map| map.program.as_ref().is_none_or(has_media)).count()
    }

    /// The file is read from its start once more.
    pub(super) fn restart(&mut self) {
        self.association = Table::default();
        for map in &mut self.maps {
            map.table = Table::default();
        }
    }

    /// Whether it names any program.
    pub(super) fn is_empty(&self) -> bool {
        self.maps.is_empty()
    }
}

fn has_media(program: &Program) -> bool {
    program.streams.iter().any(|stream| stream.kind.is_media())
}
