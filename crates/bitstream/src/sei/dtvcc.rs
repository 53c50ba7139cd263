//! DTVCC packets, service blocks and their codes (ANSI/CTA-708-E §5, §6.2, §7.1).

use super::CaptionPair;

const PACKET: usize = 128;
/// `EXT1`: what follows is a code of one of the further tables; [`ServiceCodes`] adds it to this.
const EXTENDED: u16 = 0x1000;

/// Puts DTVCC packets together.
#[derive(Clone, Debug)]
pub struct DtvccReader {
    packet: [u8; PACKET],
    filled: usize,
    /// Bytes of the packet with its header; 0 between packets.
    size: usize,
}

impl Default for DtvccReader {
    fn default() -> Self {
        Self { packet: [0; PACKET], filled: 0, size: 0 }
    }
}

impl DtvccReader {
    /// Takes the next entry of `cc_data` whose kind is 2 or 3; others say nothing here. Answers the blocks of a packet that
    /// became whole.
    pub fn pair(&mut self, pair: CaptionPair) -> Option<ServiceBlocks<'_>> {
        match (pair.kind, pair.valid) {
            (2, true) => self.extend(pair.data),
            (3, true) => self.start(pair.data),
            // An invalid pair of a packet says that there is no more of it (CTA-708 §4.4.1).
            (2 | 3, false) => {
                self.stop();
                None
            }
            _ => None,
        }
    }

    /// A packet starts; one that was not whole is given up.
    fn start(&mut self, data: [u8; 2]) -> Option<ServiceBlocks<'_>> {
        self.filled = 0;
        // `packet_size_code`: 0 stands for the longest.
        self.size = match usize::from(data[0] & 0x3f) {
            0 => PACKET,
            code => code * 2,
        };
        self.extend(data)
    }

    fn extend(&mut self, data: [u8; 2]) -> Option<ServiceBlocks<'_>> {
        self.packet[..self.size].get_mut(self.filled..self.filled + 2)?.copy_from_slice(&data);
        self.filled += 2;
        let size = self.size;
        if self.filled < size {
            return None;
        }
        self.stop();
        Some(ServiceBlocks { rest: &self.packet[1..size] })
    }

    fn stop(&mut self) {
        (self.filled, self.size) = (0, 0);
    }
}

/// The service blocks of a packet: the number of each service, 1 to 63, and its codes.
#[derive(Clone, Debug)]
pub struct ServiceBlocks<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for ServiceBlocks<'a> {
    type Item = (u8, ServiceCodes<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (&header, tail) = self.rest.split_first()?;
            let size = usize::from(header & 0x1f);
            let (mut service, mut tail) = (header >> 5, tail);
            if service == 0 {
                // A null block: padding follows.
                self.rest = &[];
                return None;
            }
            if service == 7 && size != 0 {
                let (&extended, behind) = tail.split_first()?;
                (service, tail) = (extended & 0x3f, behind);
            }
            let (block, tail) = tail.split_at_checked(size)?;
            self.rest = tail;
            if service != 0 {
                return Some((service, ServiceCodes { rest: block }));
            }
        }
    }
}

/// The codes of a service block, each with its parameters: of the tables C0, G0, C1 and G1 as they are, of C2, G2, C3 and G3
/// with 0x1000 added; 0x18 (`P16`) has a character of 16 bits as its parameters. Ends early where one is cut short.
#[derive(Clone, Debug)]
pub struct ServiceCodes<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for ServiceCodes<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (&first, mut tail) = self.rest.split_first()?;
        self.rest = &[];
        let mut code = u16::from(first);
        if first == 0x10 {
            let (&second, behind) = tail.split_first()?;
            (code, tail) = (EXTENDED | u16::from(second), behind);
        }
        let (parameters, rest) = tail.split_at_checked(parameters(code, tail))?;
        self.rest = rest;
        Some((code, parameters))
    }
}

/// How many bytes of parameters a code has (§7.1; of the commands §8.10.5).
fn parameters(code: u16, tail: &[u8]) -> usize {
    match code {
        0x11..=0x17 => 1,
        0x18..=0x1f => 2,
        // ClearWindows to DeleteWindows, Delay.
        0x88..=0x8d => 1,
        // SetPenAttributes, SetPenLocation; SetPenColor; SetWindowAttributes; DefineWindow0 to 7.
        0x90 | 0x92 => 2,
        0x91 => 3,
        0x97 => 4,
        0x98..=0x9f => 6,
        0x1008..=0x100f => 1,
        0x1010..=0x1017 => 2,
        0x1018..=0x101f => 3,
        0x1080..=0x1087 => 4,
        0x1088..=0x108f => 5,
        // Variable length: a header whose low bits say how many bytes follow.
        0x1090..=0x109f => 1 + usize::from(tail.first().copied().unwrap_or(0) & 0x1f),
        _ => 0,
    }
}

/// Looks for text in the services.
#[derive(Clone, Debug, Default)]
pub(super) struct Dtvcc {
    reader: DtvccReader,
    /// Bit `n` for service `n`.
    text: u64,
}

impl Dtvcc {
    pub(super) fn pair(&mut self, pair: CaptionPair) {
        for (service, codes) in self.reader.pair(pair).into_iter().flatten() {
            self.text |= u64::from(codes.into_iter().any(is_seen)) << service;
        }
    }

    pub(super) fn has_text(&self, service: u8) -> bool {
        self.text >> (service & 63) & 1 == 1
    }
}

/// Whether a code is a character that can be seen.
fn is_seen((code, parameters): (u16, &[u8])) -> bool {
    match code {
        // G0, G1; G2 but for its transparent spaces, G3.
        0x21..=0x7f | 0xa1..=0xff | 0x1022..=0x107f | 0x10a0..=0x10ff => true,
        0x18 => parameters != [0, 0x20],
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn valid(kind: u8, data: [u8; 2]) -> CaptionPair {
        CaptionPair { valid: true, kind, data }
    }

    /// Feeds a packet of these bytes, padded to whole pairs.
    fn services_of(blocks: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0u8];
        bytes.extend_from_slice(blocks);
        bytes.resize(bytes.len().next_multiple_of(2), 0);
        bytes[0] = (bytes.len() / 2) as u8;
        let mut dtvcc = Dtvcc::default();
        for (at, pair) in bytes.chunks_exact(2).enumerate() {
            dtvcc.pair(valid(if at == 0 { 3 } else { 2 }, [pair[0], pair[1]]));
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
        dtvcc.pair(valid(3, [3, 1 << 5 | 2]));
        dtvcc.pair(valid(2, [b'H', b'i']));
        assert!(!dtvcc.has_text(1));
        dtvcc.pair(CaptionPair { valid: false, kind: 2, data: [0, 0] });
        dtvcc.pair(valid(2, [0, 0]));
        assert!(!dtvcc.has_text(1));
    }
}
