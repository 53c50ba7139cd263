//! Whether packets of one PID are missing (ISO/IEC 13818-1 §2.4.3.3, `continuity_counter`).

use super::packet::Packet;

/// The counter of one PID.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Continuity {
    last: Option<(u8, Mark)>,
}

/// What tells payloads apart well enough: length, first and last bytes.
type Mark = (usize, [u8; 8], [u8; 8]);

/// How a packet follows the one before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Step {
    /// It is the same packet once more, which the standard allows.
    pub(super) is_repeated: bool,
    /// By how much the counter is ahead; 16 and more missing packets cannot be told.
    pub(super) lost: u8,
}

impl Continuity {
    /// Takes the next packet that has a payload.
    pub(super) fn step(&mut self, packet: &Packet<'_>) -> Step {
        let mark = mark(packet.payload.unwrap_or_default());
        let before = self.last.replace((packet.continuity, mark)).filter(|_| !packet.discontinuity);
        let Some((last, seen)) = before else { return Step::default() };
        match packet.continuity.wrapping_sub(last) & 15 {
            0 if mark == seen => Step { is_repeated: true, lost: 0 },
            0 => Step { is_repeated: false, lost: 15 },
            ahead => Step { is_repeated: false, lost: ahead - 1 },
        }
    }
}

fn mark(payload: &[u8]) -> Mark {
    let (first, last) = (payload.first_chunk().copied(), payload.last_chunk().copied());
    (payload.len(), first.unwrap_or_default(), last.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_and_missing_packets_are_told_apart() {
        let mut counter = Continuity::default();
        let mut step = |continuity, discontinuity| {
            let payload = Some(&[continuity; 184][..]);
            counter.step(&Packet { pid: 1, unit_start: false, scrambled: false, continuity, discontinuity, payload })
        };
        assert_eq!(step(14, false), Step::default());
        assert_eq!(step(15, false), Step::default());
        assert_eq!(step(0, false), Step::default());
        assert_eq!(step(0, false), Step { is_repeated: true, lost: 0 });
        assert_eq!(step(3, false), Step { is_repeated: false, lost: 2 });
        assert_eq!(step(9, true), Step::default());
        let payload = Some(&[1; 184][..]);
        let other =
            Packet { pid: 1, unit_start: false, scrambled: false, continuity: 9, discontinuity: false, payload };
        assert_eq!(counter.step(&other), Step { is_repeated: false, lost: 15 });
    }
}
