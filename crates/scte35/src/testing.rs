//! Transport streams with messages, for the tests of those who read some.

use crate::{BreakDuration, Command, Section, Splice, SpliceInsert, SpliceTarget, crc32};

const PACKET: usize = 188;
const UNIT_START: u8 = 0x40;
/// Where FFmpeg puts the program map and the first video stream.
const MAP: u16 = 0x1000;
const VIDEO: u16 = 0x100;
/// Where messages go, and the `stream_type` of SCTE 35.
const MESSAGES: u16 = 0x1f0;
const MESSAGES_TYPE: u8 = 0x86;

/// A message with a `splice_insert` of the whole program: out of the network, or back, at `time` or at once.
///
/// # Panics
/// `duration` has more than 33 bits.
pub fn insert(event_id: u32, out_of_network: bool, time: Option<u64>, duration: Option<BreakDuration>) -> Vec<u8> {
    let event = Splice {
        out_of_network,
        event_id_compliance: true,
        target: time.map_or(SpliceTarget::ProgramNow, |time| SpliceTarget::Program(Some(time % (1 << 33)))),
        duration,
        unique_program_id: 1,
        avail_num: 0,
        avails_expected: 0,
    };
    let insert = SpliceInsert { event_id, event: Some(event) };
    Section::new(Command::Insert(insert), Vec::new()).to_bytes().expect("lengths of breaks have 33 bits")
}

/// A transport stream as FFmpeg writes it, with messages on a PID that the program map lists. After each packet in which
/// a picture begins, `messages` is given the presentation times (90 kHz) of all pictures so far; the sections that it
/// returns follow there.
///
/// # Panics
/// The stream is none of FFmpeg's, or a section does not fit into a packet.
pub fn with_messages(stream: &[u8], mut messages: impl FnMut(&[u64]) -> Vec<Vec<u8>>) -> Vec<u8> {
    let (mut out, mut times, mut counter) = (Vec::new(), Vec::new(), 0u8);
    for from in stream.chunks_exact(PACKET) {
        let pid = u16::from_be_bytes([from[1] & 0x1f, from[2]]);
        if pid == MAP {
            out.extend(packet(MAP, from[3], &listing(from)));
            continue;
        }
        out.extend_from_slice(from);
        if pid == VIDEO && from[1] & UNIT_START != 0 {
            times.push(presentation_time(from));
            for section in messages(&times) {
                out.extend(packet(MESSAGES, counter, &section));
                counter = counter.wrapping_add(1);
            }
        }
    }
    out
}

/// The program map in a packet, with the PID of messages in it (ISO/IEC 13818-1 §2.4.4.9).
fn listing(packet: &[u8]) -> Vec<u8> {
    let length = usize::from(packet[6] & 0x0f) << 8 | usize::from(packet[7]);
    let mut section = packet[5..8 + length - 4].to_vec();
    section.push(MESSAGES_TYPE);
    section.extend((0xe000 | MESSAGES).to_be_bytes());
    section.extend([0xf0, 0]);
    section[2] = length as u8 + 5;
    let crc = crc32(&section);
    section.extend(crc.to_be_bytes());
    section
}

/// A packet that holds a section and nothing else.
fn packet(pid: u16, counter: u8, section: &[u8]) -> [u8; PACKET] {
    let mut packet = [0xff; PACKET];
    packet[..5].copy_from_slice(&[0x47, UNIT_START | (pid >> 8) as u8, pid as u8, 0x10 | counter & 15, 0]);
    packet[5..5 + section.len()].copy_from_slice(section);
    packet
}

/// The presentation time of the PES packet that begins in this packet (ISO/IEC 13818-1 §2.4.3.7).
fn presentation_time(packet: &[u8]) -> u64 {
    let payload = if packet[3] & 0x20 == 0 { 4 } else { 5 + usize::from(packet[4]) };
    let part = |index: usize| u64::from(packet[payload + 9 + index]);
    (part(0) >> 1 & 7) << 30 | part(1) << 22 | (part(2) >> 1) << 15 | part(3) << 7 | part(4) >> 1
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn an_insert_has_the_bytes_that_the_standard_gives_it() {
        let duration = Some(BreakDuration { auto_return: false, ticks: 225_000 });
        for (out_of_network, time, duration, wanted) in [
            (
                true,
                Some(306_000),
                duration,
                "fc302500000000000000fff01405000000077feffe0004ab507e00036ee8000100000000e97f94d0",
            ),
            (true, Some(486_360), None, "fc302000000000000000fff00f05000000077fcffe00076bd8000100000000041fae58"),
            (
                false,
                Some((1 << 32) + 1),
                None,
                "fc302000000000000000fff00f05000000077f4fff0000000100010000000066ba5d87",
            ),
        ] {
            assert_eq!(hex::encode(insert(7, out_of_network, time, duration)), wanted);
        }
        let at_once = Section::parse(&insert(7, true, None, None)).unwrap();
        assert_eq!((at_once.is_out(), at_once.time()), (true, None));
    }

    #[test]
    fn messages_follow_the_pictures_that_they_are_given_for_and_the_map_lists_them() {
        let map = [2, 0xb0, 18, 0, 1, 0xc1, 0, 0, 0xe1, 0, 0xf0, 0, 0x1b, 0xe1, 0, 0xf0, 0, 9, 9, 9, 9];
        let mut picture = [0; PACKET];
        // Behind an adaptation field of 2 bytes: presentation time 90,000.
        picture[..7].copy_from_slice(&[0x47, 0x41, 0, 0x30, 2, 0, 0xff]);
        picture[7..21].copy_from_slice(&[0, 0, 1, 0xe0, 0, 0, 0x80, 0x80, 5, 0x21, 0, 5, 0xbf, 0x21]);
        let (mut rest, mut sound) = (picture, picture);
        rest[1] = 1;
        sound[2] = 1;
        let stream = [packet(MAP, 3, &map), picture, rest, sound, picture].concat();
        let section = insert(1, true, Some(9), None);
        let marked = with_messages(&stream, |times| {
            assert!(times.iter().all(|time| *time == 90_000));
            vec![section.clone(); times.len() - 1]
        });
        let packets: Vec<_> = marked.chunks_exact(PACKET).collect();
        assert_eq!(packets[1..5], stream.chunks_exact(PACKET).skip(1).collect::<Vec<_>>());
        assert_eq!(packets[5..], [packet(MESSAGES, 0, &section)]);
        assert_eq!(packets[0][..5], [0x47, 0x50, 0, 0x13, 0]);
        let listed = &packets[0][5..5 + 3 + 23];
        assert_eq!((listed[2], &listed[17..22], crc32(listed)), (23, &[0x86, 0xe1, 0xf0, 0xf0, 0][..], 0));
    }
}
