//! Sections of SCTE 35 as they come, with the time that they speak of.

use super::clock::Timeline;
use super::continuity::Continuity;
use super::packet::Packet;
use super::section::{Sections, is_intact};
use super::shared::Shared;

/// Sections kept until they are taken.
const MOST: usize = 10_000;

/// One PID of markers.
#[derive(Debug, Default)]
pub(super) struct Markers {
    sections: Sections,
    continuity: Continuity,
}

/// A section and the time it speaks of, in 90 kHz of the program's timeline.
pub(super) type Marker = (Option<i64>, Vec<u8>);

impl Markers {
    /// Takes the next packet of its PID.
    pub(super) fn feed(&mut self, packet: &Packet<'_>, shared: &mut Shared, found: &mut Vec<Marker>) {
        let Some(payload) = packet.payload else { return };
        let step = self.continuity.step(packet);
        if step.is_repeated {
            return;
        }
        if step.lost > 0 || packet.scrambled {
            self.sections.lost();
        }
        if packet.scrambled {
            return;
        }
        let (mut damaged, mut surplus) = (0, 0);
        let timeline = &shared.timeline;
        self.sections.feed(payload, packet.unit_start, |section| {
            if section[0] != 0xfc {
            } else if !is_intact(section) {
                damaged += 1;
            } else if found.len() >= MOST {
                surplus += 1;
            } else {
                found.push((time(section, timeline), section.to_vec()));
            }
        });
        if damaged > 0 {
            shared.warn(|| format!("an SCTE 35 message of PID {} is passed over: it is damaged", packet.pid));
        }
        if surplus > 0 {
            shared.warn(|| format!("an SCTE 35 message of PID {} is passed over: {MOST} wait to be taken", packet.pid));
        }
    }
}

/// When a section takes effect: the splice time that it states, or the latest time that was read when it says "now"
/// (SCTE 35 §9.6, §9.7). `None` for commands without a time, and for encrypted ones.
fn time(section: &[u8], timeline: &Timeline) -> Option<i64> {
    let is_encrypted = section.get(4)? & 0x80 != 0;
    if is_encrypted {
        return None;
    }
    let adjustment = thirty_three(section.get(4..9)?.first_chunk()?);
    let command = section.get(14..)?;
    let at = match section.get(13)? {
        5 => match command.get(4..6)? {
            [cancel, _] if cancel & 0x80 != 0 => return None,
            // Either each component has its own time, or the splice is immediate.
            [_, flags] if flags & 0x40 == 0 || flags & 0x10 != 0 => return timeline.latest(),
            _ => command.get(6..)?,
        },
        6 => command,
        _ => return None,
    };
    if at.first()? & 0x80 == 0 {
        return timeline.latest();
    }
    let stated = thirty_three(at.first_chunk()?);
    timeline.locate(stated.wrapping_add(adjustment))
}

fn thirty_three(bytes: &[u8; 5]) -> u64 {
    bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)) & ((1 << 33) - 1)
}
