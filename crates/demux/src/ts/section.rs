//! Sections, put together from packets (ISO/IEC 13818-1 §2.4.4) and checked by their CRC (Annex A).

/// The most bytes of a section: `section_length` has 12 bits.
const LONGEST: usize = 3 + 4095;

/// Puts the sections of one PID together.
#[derive(Clone, Debug, Default)]
pub(super) struct Sections {
    partial: Vec<u8>,
    /// Whether `partial` is the beginning of a section, even an empty one.
    open: bool,
}

impl Sections {
    /// What was begun cannot be finished: a packet is missing.
    pub(super) fn lost(&mut self) {
        self.partial.clear();
        self.open = false;
    }

    /// Takes the payload of one packet and hands each section that became whole to `found`.
    pub(super) fn feed(&mut self, payload: &[u8], unit_start: bool, mut found: impl FnMut(&[u8])) {
        if !unit_start {
            if self.open {
                self.add(payload, &mut found);
            }
            return;
        }
        let Some((pointer, rest)) = payload.split_first() else { return };
        let Some((tail, fresh)) = rest.split_at_checked(usize::from(*pointer)) else {
            self.lost();
            return;
        };
        if self.open {
            self.add(tail, &mut found);
        }
        self.lost();
        self.open = true;
        self.add(fresh, &mut found);
    }

    /// Several sections may follow one another; `0xff` after one is stuffing to the end of the packet.
    fn add(&mut self, mut bytes: &[u8], found: &mut impl FnMut(&[u8])) {
        while !bytes.is_empty() {
            if self.partial.is_empty() && bytes[0] == 0xff {
                self.open = false;
                return;
            }
            let wanted = match self.partial.as_slice() {
                [_, high, low, ..] => 3 + usize::from(u16::from_be_bytes([high & 15, *low])),
                shorter => {
                    let missing = (3 - shorter.len()).min(bytes.len());
                    self.partial.extend_from_slice(&bytes[..missing]);
                    bytes = &bytes[missing..];
                    continue;
                }
            };
            let missing = (wanted.min(LONGEST) - self.partial.len()).min(bytes.len());
            self.partial.extend_from_slice(&bytes[..missing]);
            bytes = &bytes[missing..];
            if self.partial.len() == wanted {
                found(&self.partial);
                self.partial.clear();
            }
        }
    }
}

/// The CRC of Annex A over a section with its own CRC at the end is 0 when nothing is damaged.
pub(super) fn is_intact(section: &[u8]) -> bool {
    section.len() > 4 && scte35::crc32(section) == 0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn sections_come_back_whole_however_packets_cut_them(
            lengths in prop::collection::vec(1usize..700, 1..6),
            sizes in prop::collection::vec(1usize..184, 1..60),
        ) {
            let sections: Vec<Vec<u8>> = lengths.iter().enumerate().map(|(index, length)| {
                let mut section = vec![index as u8, 0xf0 | (length >> 8) as u8, *length as u8];
                section.resize(3 + length, 0x5a);
                section
            }).collect();
            let mut rest: &[u8] = &sections.concat();
            let (mut assembler, mut seen, mut first, mut sizes) = (Sections::default(), Vec::new(), true, sizes.iter().cycle());
            while !rest.is_empty() {
                let size = (*sizes.next().expect("cycles")).min(rest.len());
                let mut payload = if first { vec![0] } else { Vec::new() };
                payload.extend_from_slice(&rest[..size]);
                assembler.feed(&payload, first, |section| seen.push(section.to_vec()));
                rest = &rest[size..];
                first = false;
            }
            prop_assert_eq!(seen, sections);
        }

        #[test]
        fn no_payload_makes_it_panic(payloads in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..184), any::<bool>()), 0..40)) {
            let mut assembler = Sections::default();
            for (payload, start) in payloads {
                assembler.feed(&payload, start, |section| { let _ = is_intact(section); });
                prop_assert!(assembler.partial.len() <= LONGEST);
            }
        }
    }
}
