//! DTVCC packets, service blocks and their codes (ANSI/CTA-708-E §5, §6.2, §7.1).

/// Puts packets together and looks for text in their services.
#[derive(Clone, Debug)]
pub(super) struct Dtvcc {
    packet: [u8; PACKET],
    filled: usize,
    /// Bytes of the packet with its header; 0 between packets.
    size: usize,
    /// Bit `n` for service `n`.
    text: u64,
}

const PACKET: usize = 128;

impl Default for Dtvcc {
    fn default() -> Self {
        Self { packet: [0; PACKET], filled: 0, size: 0, text: 0 }
    }
}

impl Dtvcc {
    pub(super) fn has_text(&self, service: u8) -> bool {
        self.text >> (service & 63) & 1 == 1
    }

    /// A packet starts; one that was not whole is given up.
    pub(super) fn start(&mut self, data: [u8; 2]) {
        self.filled = 0;
        // `packet_size_code`: 0 stands for the longest.
        self.size = match usize::from(data[0] & 0x3f) {
            0 => PACKET,
            code => code * 2,
        };
        self.extend(data);
    }

    pub(super) fn extend(&mut self, data: [u8; 2]) {
        let Some(place) = self.packet[..self.size].get_mut(self.filled..self.filled + 2) else { return };
        place.copy_from_slice(&data);
        self.filled += 2;
        if self.filled == self.size {
            self.text |= services_with_text(&self.packet[1..self.size]);
            self.stop();
        }
    }

    pub(super) fn stop(&mut self) {
        (self.filled, self.size) = (0, 0);
    }
}

/// Bit `n` for each service `n` with text in the service blocks of a packet.
fn services_with_text(packet: &[u8]) -> u64 {
    let (mut rest, mut found) = (packet, 0);
    while let Some((&header, tail)) = rest.split_first() {
        let size = usize::from(header & 0x1f);
        let mut service = header >> 5;
        rest = tail;
        if service == 0 {
            break; // a null block: padding follows
        }
        if service == 7 && size != 0 {
            let Some((&extended, tail)) = rest.split_first() else { break };
            service = extended & 0x3f;
            rest = tail;
        }
        let Some((block, tail)) = rest.split_at_checked(size) else { break };
        rest = tail;
        if service != 0 && has_text(block) {
            found |= 1 << service;
        }
    }
    found
}

/// Whether a character that can be seen is among the codes of a block.
fn has_text(block: &[u8]) -> bool {
    let mut rest = block;
    while let Some((&code, tail)) = rest.split_first() {
        let parameters = match code {
            0x21..=0x7f | 0xa1..=0xff => return true, // G0, G1
            0x10 => match extended(tail) {
                Some(length) => length,
                None => return true,
            },
            // P16: a character of 16 bits.
            0x18 if tail.get(..2).is_some_and(|character| character != [0, 0x20]) => return tail.len() >= 2,
            0x11..=0x17 => 1,
            0x18..=0x1f => 2,
            // ClearWindows to DeleteWindows, Delay.
            0x88..=0x8d => 1,
            // SetPenAttributes, SetPenLocation; SetPenColor; SetWindowAttributes; DefineWindow0 to 7.
            0x90 | 0x92 => 2,
            0x91 => 3,
            0x97 => 4,
            0x98..=0x9f => 6,
            _ => 0,
        };
        rest = tail.get(parameters..).unwrap_or(&[]);
    }
    false
}

/// Bytes behind `EXT1`, the extended code itself included; `None` when it is a character of G2 or G3 that can be seen.
fn extended(tail: &[u8]) -> Option<usize> {
    Some(match tail.first().copied().unwrap_or(0) {
        // Transparent spaces.
        0x20 | 0x21 => 1,
        0x22..=0x7f | 0xa0..=0xff => return None,
        0x00..=0x07 => 1,
        0x08..=0x0f => 2,
        0x10..=0x17 => 3,
        0x18..=0x1f => 4,
        0x80..=0x87 => 5,
        0x88..=0x8f => 6,
        // Variable length: a header whose low bits say how many bytes follow.
        0x90..=0x9f => 2 + usize::from(tail.get(1).copied().unwrap_or(0) & 0x1f),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds a packet of these bytes, padded to whole pairs.
    fn services_of(blocks: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0u8];
        bytes.extend_from_slice(blocks);
        bytes.resize(bytes.len().next_multiple_of(2), 0);
        bytes[0] = (bytes.len() / 2) as u8;
        let mut dtvcc = Dtvcc::default();
        for (at, pair) in bytes.chunks_exact(2).enumerate() {
            let pair = [pair[0], pair[1]];
            if at == 0 { dtvcc.start(pair) } else { dtvcc.extend(pair) }
        }
        (1..64).filter(|&service| dtvcc.has_text(service)).collect()
    }

    #[test]
    fn services_are_told_by_their_blocks() {
        assert_eq!(services_of(&[1 << 5 | 2, b'H', b'i']), [1]);
        assert_eq!(services_of(&[1 << 5 | 1, b' ', 2 << 5 | 1, b'X', 7 << 5 | 1, 43, b'Y']), [2, 43]);
        assert_eq!(services_of(&[0, 1 << 5 | 1, b'X']), [0u8; 0], "a null block ends a packet");
    }

    #[test]
    fn parameters_of_commands_are_no_text() {
        let commands = [0x98, b'a', b'b', b'c', b'd', b'e', b'f', 0x91, b'a', b'b', b'c', 0x97, b'a', b'b', b'c', b'd'];
        let mut blocks = vec![1 << 5 | commands.len() as u8];
        blocks.extend_from_slice(&commands);
        assert_eq!(services_of(&blocks), [0u8; 0]);
        blocks[0] += 1;
        blocks.push(b'a');
        assert_eq!(services_of(&blocks), [1]);
        assert_eq!(services_of(&[1 << 5 | 4, 0x10, 0x90, 0x01, b'x']), [0u8; 0]);
        assert_eq!(services_of(&[1 << 5 | 2, 0x10, 0x25]), [1]);
        assert_eq!(services_of(&[1 << 5 | 3, 0x18, 0x00, 0x20]), [0u8; 0]);
        assert_eq!(services_of(&[1 << 5 | 3, 0x18, 0xac, 0x00]), [1]);
    }

    #[test]
    fn a_packet_that_is_not_whole_says_nothing() {
        let mut dtvcc = Dtvcc::default();
        dtvcc.start([3, 1 << 5 | 2]);
        dtvcc.extend([b'H', b'i']);
        assert!(!dtvcc.has_text(1));
        dtvcc.stop();
        dtvcc.extend([0, 0]);
        assert!(!dtvcc.has_text(1));
    }
}
