//! Whether a transport stream's own clock goes on where it holds neither pictures nor sound.

use std::ops::Range;

use media_types::clock::unwrapped;

use crate::open::SharedSource;

/// Bytes looked at most.
const MOST: u64 = 4 << 20;
/// Lengths of a packet with what may lie around it: alone, behind a time stamp, before parity.
const LENGTHS: [usize; 3] = [188, 192, 204];
/// The farthest that two references of a clock lie apart, in ticks of 90 kHz: ISO/IEC 13818-1 §2.7.2 asks for a tenth of this.
const APART: i64 = 90_000;
const SYNC: u8 = 0x47;

/// Whether the references in these bytes show that half of `ticks` of 90 kHz went by, or half of what the part looked at
/// stands for.
pub(crate) fn goes_on(source: &SharedSource, place: Range<u64>, ticks: i64) -> bool {
    let length = place.end.saturating_sub(place.start);
    let looked = length.min(MOST);
    let mut bytes = vec![0; usize::try_from(looked).unwrap_or(0)];
    let mut filled = 0;
    while filled < bytes.len() {
        match source.read_at(place.start + filled as u64, &mut bytes[filled..]) {
            Ok(read @ 1..) => filled += read,
            _ => break,
        }
    }
    let wanted = i128::from(ticks) * i128::from(looked) / i128::from(length.max(1)) / 2;
    wanted > 0 && i128::from(went_by(&bytes[..filled])) >= wanted
}

/// Ticks between the references of the first clock there is, as far as they follow on one another.
fn went_by(bytes: &[u8]) -> i64 {
    let Some((first, length)) = grid(bytes) else { return 0 };
    let (mut clock, mut total) = (None, 0);
    for packet in bytes[first..].chunks(length) {
        let Some((pid, reference)) = reference(packet) else { continue };
        match &mut clock {
            None => clock = Some((pid, reference)),
            Some((known, last)) if *known == pid => {
                let step = unwrapped(reference, *last) - *last;
                if (0..=APART).contains(&step) {
                    total += step;
                }
                *last = reference;
            }
            Some(_) => {}
        }
    }
    total
}

/// Where packets begin, and how far they are apart.
fn grid(bytes: &[u8]) -> Option<(usize, usize)> {
    let fits = |first: usize, length: usize| (0..4).all(|at| bytes.get(first + at * length) == Some(&SYNC));
    let places = (0..LENGTHS[2]).flat_map(|first| LENGTHS.map(|length| (first, length)));
    places.into_iter().find(|&(first, length)| fits(first, length))
}

/// ISO/IEC 13818-1 §2.4.3.4: the PID of a packet and its program clock reference without the extension.
fn reference(packet: &[u8]) -> Option<(u16, i64)> {
    let header = packet.first_chunk::<12>()?;
    let stated = header[0] == SYNC && header[3] & 0x20 != 0 && header[4] >= 7 && header[5] & 0x10 != 0;
    let base = header[6..11].iter().fold(0_i64, |base, &byte| base << 8 | i64::from(byte)) >> 7;
    stated.then_some((u16::from_be_bytes([header[1] & 0x1f, header[2]]), base))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn packet(pid: u16, pcr: Option<i64>) -> Vec<u8> {
        let [high, low] = pid.to_be_bytes();
        let mut packet = vec![SYNC, high, low, 0x10];
        if let Some(pcr) = pcr {
            packet[3] = 0x20;
            packet.extend([183, 0x10]);
            packet.extend(&(pcr << 15 | 0x7e00).to_be_bytes()[2..]);
        }
        packet.resize(188, 0xff);
        packet
    }

    #[test]
    fn references_of_one_clock_are_followed_over_the_wrap_and_no_farther_than_they_reach() {
        let wrap = media_types::clock::WRAP;
        let references = [wrap - 6000, wrap - 3000, 0, 3000, 900_000, 903_000];
        let packets =
            references.iter().flat_map(|&pcr| [packet(256, Some(pcr)), packet(0x1fff, None), packet(300, Some(7))]);
        let bytes: Vec<u8> = packets.flatten().collect();
        assert_eq!(went_by(&bytes), 12_000);
        assert_eq!(went_by(&bytes[3 * 188 - 88..]), 9_000);
        assert_eq!(went_by(&bytes[..500]), 0);
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_odd(bytes in prop::collection::vec(prop_oneof![Just(SYNC), any::<u8>()], 0..3000)) {
            prop_assert!(went_by(&bytes) >= 0);
        }
    }
}
