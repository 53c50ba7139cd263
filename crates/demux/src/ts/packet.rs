//! Transport packets: their header, and where they lie (ISO/IEC 13818-1 §2.4.3).

/// Bytes of a transport packet, without what a recorder put around it.
pub(super) const PACKET: usize = 188;

/// `0x47`, the first byte of each packet.
pub(super) const SYNC: u8 = 0x47;

/// Distances between packets: plain, with a 4-byte time stamp in front (BDAV), with 16 bytes of error correction behind.
const STRIDES: [usize; 3] = [188, 192, 204];

/// Packets that must stand in a row before a place is believed.
const IN_A_ROW: usize = 5;

/// The header of a transport packet and its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packet<'a> {
    pub(super) pid: u16,
    /// `payload_unit_start_indicator`.
    pub(super) unit_start: bool,
    /// `transport_scrambling_control` is not 0.
    pub(super) scrambled: bool,
    pub(super) continuity: u8,
    /// `discontinuity_indicator`: continuity counter and time base may jump here.
    pub(super) discontinuity: bool,
    /// `None` when the packet has only an adaptation field.
    pub(super) payload: Option<&'a [u8]>,
}

impl<'a> Packet<'a> {
    /// `None` when the packet says itself that it is damaged, or contradicts itself.
    pub(super) fn parse(bytes: &'a [u8; PACKET]) -> Option<Self> {
        if bytes[0] != SYNC || bytes[1] & 0x80 != 0 {
            return None;
        }
        let field = bytes[3] >> 4 & 3;
        let (mut at, mut discontinuity) = (4, false);
        if field & 2 != 0 {
            let length = usize::from(bytes[4]);
            if length > if field == 2 { 183 } else { 182 } {
                return None;
            }
            discontinuity = length > 0 && bytes[5] & 0x80 != 0;
            at = 5 + length;
        }
        Some(Self {
            pid: u16::from_be_bytes([bytes[1] & 0x1f, bytes[2]]),
            unit_start: bytes[1] & 0x40 != 0,
            scrambled: bytes[3] & 0xc0 != 0,
            continuity: bytes[3] & 15,
            discontinuity,
            payload: if field & 1 != 0 { bytes.get(at..) } else { None },
        })
    }
}

/// What [`locate`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Located {
    /// A packet begins `at` bytes in; the next ones follow every `stride` bytes.
    At { at: usize, stride: usize },
    /// None begins before this byte; from there on more bytes are needed to tell.
    NotBefore(usize),
}

/// Searches packets in `bytes`, first at the `known` distance. `last` says that the file ends with these bytes, so that
/// fewer packets in a row are enough: all that fit, and at least one.
pub(super) fn locate(bytes: &[u8], known: Option<usize>, last: bool) -> Located {
    let strides = known.into_iter().chain(STRIDES.into_iter().filter(|stride| Some(*stride) != known));
    for (at, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == SYNC) {
        for stride in strides.clone() {
            match stands(bytes, at, stride) {
                Some(seen) if seen >= IN_A_ROW || (last && seen > 0) => return Located::At { at, stride },
                Some(_) if !last => return Located::NotBefore(at),
                _ => {}
            }
        }
    }
    Located::NotBefore(bytes.len())
}

/// How many packets in a row begin at `at`, as far as `bytes` reach; `None` when something else lies between them.
fn stands(bytes: &[u8], at: usize, stride: usize) -> Option<usize> {
    let whole = (0..IN_A_ROW).take_while(|index| at + index * stride + PACKET <= bytes.len()).count();
    (0..IN_A_ROW).map_while(|index| bytes.get(at + index * stride)).all(|byte| *byte == SYNC).then_some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(stride: usize, lead: usize, packets: usize) -> Vec<u8> {
        let mut bytes = vec![0x11; lead];
        for _ in 0..packets {
            let start = bytes.len();
            bytes.push(SYNC);
            bytes.resize(start + stride, 0x22);
        }
        bytes
    }

    #[test]
    fn packets_are_found_at_each_distance_and_behind_garbage() {
        for stride in STRIDES {
            for lead in [0, 4, 187, 1000] {
                let bytes = file(stride, lead, 8);
                assert_eq!(locate(&bytes, None, false), Located::At { at: lead, stride }, "{stride} {lead}");
            }
        }
    }

    #[test]
    fn a_single_packet_is_enough_only_at_the_end_of_the_file() {
        let bytes = file(188, 0, 1);
        assert_eq!(locate(&bytes, None, true), Located::At { at: 0, stride: 188 });
        assert_eq!(locate(&bytes, None, false), Located::NotBefore(0));
    }

    #[test]
    fn a_sync_byte_inside_payload_is_not_a_packet() {
        let mut bytes = file(188, 100, 10);
        bytes[40] = SYNC;
        assert_eq!(locate(&bytes, Some(188), false), Located::At { at: 100, stride: 188 });
    }

    #[test]
    fn headers_are_read_and_damaged_packets_refused() {
        let mut bytes = [0xff; PACKET];
        bytes[..8].copy_from_slice(&[0x47, 0x41, 0x00, 0x35, 2, 0x80, 0xff, 0xaa]);
        let packet = Packet::parse(&bytes).expect("valid");
        assert_eq!((packet.pid, packet.unit_start, packet.continuity), (0x100, true, 5));
        assert!(packet.discontinuity && !packet.scrambled);
        assert_eq!(packet.payload.map(<[u8]>::len), Some(181));
        bytes[4] = 183;
        assert_eq!(Packet::parse(&bytes), None);
        bytes[4] = 2;
        bytes[1] |= 0x80;
        assert_eq!(Packet::parse(&bytes), None);
    }
}
