//! PES packets: their headers, and what is left of them when packets are missing (ISO/IEC 13818-1 §2.4.3.6).

use super::clock::Stamp;

/// Bytes of the longest header: 9, and what one byte can count.
const LONGEST: usize = 9 + 255;

/// What the payload of a transport packet brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part<'a> {
    /// Bytes of the elementary stream.
    Data(&'a [u8]),
    /// The same, of a PES packet that begins here.
    First { stamp: Option<Stamp>, data: &'a [u8] },
    /// The PES packet is scrambled.
    Scrambled,
    /// Nothing for the elementary stream.
    Nothing,
    /// What should be a PES header is none.
    Damaged,
}

/// Where in a PES packet a stream is.
#[derive(Clone, Debug, Default)]
pub(super) struct Pes {
    state: State,
    /// A header that goes on in the next packet.
    header: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Until the next PES packet begins.
    #[default]
    Waiting,
    Header,
    /// With the bytes that are left, when the header says so.
    Body(Option<usize>),
}

enum Header {
    Short,
    /// Of no use: padding or damage.
    Not,
    Scrambled,
    Whole {
        length: usize,
        stamp: Option<Stamp>,
        left: Option<usize>,
    },
}

impl Pes {
    /// A transport packet is missing: what comes until the next PES packet belongs nowhere.
    pub(super) fn lost(&mut self) {
        self.state = State::Waiting;
    }

    /// Whether the PES packet says that more of it should come.
    pub(super) fn is_unfinished(&self) -> bool {
        matches!(self.state, State::Body(Some(_)))
    }

    /// Takes the payload of the next transport packet.
    pub(super) fn feed<'a>(&mut self, payload: &'a [u8], unit_start: bool) -> Part<'a> {
        if unit_start {
            self.header.clear();
            self.state = State::Header;
        }
        match self.state {
            State::Waiting => Part::Nothing,
            State::Header => self.begin(payload),
            State::Body(left) => Part::Data(self.body(payload, left)),
        }
    }

    fn begin<'a>(&mut self, payload: &'a [u8]) -> Part<'a> {
        let before = self.header.len();
        let header = if before == 0 {
            Header::parse(payload)
        } else {
            self.header.extend_from_slice(&payload[..payload.len().min(LONGEST - before)]);
            Header::parse(&self.header)
        };
        match header {
            Header::Short => {
                if before == 0 {
                    self.header.extend_from_slice(payload);
                }
                Part::Nothing
            }
            Header::Not => {
                self.state = State::Waiting;
                Part::Damaged
            }
            Header::Scrambled => {
                self.state = State::Waiting;
                Part::Scrambled
            }
            Header::Whole { length, stamp, left } => {
                let data = payload.get(length.saturating_sub(before)..).unwrap_or_default();
                Part::First { stamp, data: self.body(data, left) }
            }
        }
    }

    fn body<'a>(&mut self, bytes: &'a [u8], left: Option<usize>) -> &'a [u8] {
        let Some(left) = left else {
            self.state = State::Body(None);
            return bytes;
        };
        let taken = left.min(bytes.len());
        self.state = if taken == left { State::Waiting } else { State::Body(Some(left - taken)) };
        &bytes[..taken]
    }
}

impl Header {
    fn parse(bytes: &[u8]) -> Self {
        let prefix = &bytes[..bytes.len().min(3)];
        if prefix != &[0, 0, 1][..prefix.len()] {
            return Self::Not;
        }
        let Some(fixed) = bytes.first_chunk::<9>() else { return Self::Short };
        // Table 2-22: these have no header fields of interest, and carry no audio or video.
        if matches!(fixed[3], 0..=0xbc | 0xbe | 0xbf | 0xf0..=0xf2 | 0xf8 | 0xff) || fixed[6] & 0xc0 != 0x80 {
            return Self::Not;
        }
        if fixed[6] & 0x30 != 0 {
            return Self::Scrambled;
        }
        let length = 9 + usize::from(fixed[8]);
        let Some(fields) = bytes.get(9..length) else { return Self::Short };
        let announced = usize::from(u16::from_be_bytes([fixed[4], fixed[5]]));
        let left = match announced {
            0 => None,
            _ => match (announced + 6).checked_sub(length) {
                Some(left) => Some(left),
                None => return Self::Not,
            },
        };
        Self::Whole { length, stamp: stamp(fixed[7] >> 6, fields), left }
    }
}

/// The stamps that `flags` announce; `None` also when their marker bits are wrong or they make no sense.
fn stamp(flags: u8, fields: &[u8]) -> Option<Stamp> {
    let pts = time(fields.first_chunk()?, flags)?;
    let stamp = match flags {
        2 => Stamp { pts, dts: pts },
        3 => Stamp { pts, dts: time(fields.get(5..)?.first_chunk()?, 1)? },
        _ => return None,
    };
    stamp.is_plausible().then_some(stamp)
}

/// 33 bits in 5 bytes behind the bits `prefix`, each part followed by a marker bit.
fn time(bytes: &[u8; 5], prefix: u8) -> Option<u64> {
    let marked = bytes[0] >> 4 == prefix && bytes[0] & bytes[2] & bytes[4] & 1 == 1;
    let [a, b, c, d, e] = bytes.map(u64::from);
    marked.then_some((a >> 1 & 7) << 30 | b << 22 | c >> 1 << 15 | d << 7 | e >> 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A PES packet of video with both stamps.
    fn packet(pts: u64, dts: u64, body: &[u8], length: u16) -> Vec<u8> {
        let time = |prefix: u8, value: u64| {
            [
                prefix << 4 | (value >> 29) as u8 & 14 | 1,
                (value >> 22) as u8,
                (value >> 14) as u8 | 1,
                (value >> 7) as u8,
                (value << 1) as u8 | 1,
            ]
        };
        let mut bytes = vec![0, 0, 1, 0xe0];
        bytes.extend(length.to_be_bytes());
        bytes.extend([0x80, 0xc0, 10]);
        bytes.extend(time(3, pts));
        bytes.extend(time(1, dts));
        bytes.extend(body);
        bytes
    }

    #[test]
    fn what_lies_behind_the_stated_length_is_not_data() {
        let mut pes = Pes::default();
        let bytes = packet(9000, 9000, &[1, 2, 3, 4], 3 + 10 + 2);
        assert_eq!(pes.feed(&bytes, true), Part::First { stamp: Some(Stamp { pts: 9000, dts: 9000 }), data: &[1, 2] });
        assert_eq!(pes.feed(&[5], false), Part::Nothing);
    }

    #[test]
    fn a_damaged_stamp_is_none_and_padding_is_not_data() {
        let mut bytes = packet(9000, 9000, &[1], 0);
        bytes[11] ^= 1;
        assert_eq!(Pes::default().feed(&bytes, true), Part::First { stamp: None, data: &[1] });
        bytes[3] = 0xbe;
        assert_eq!(Pes::default().feed(&bytes, true), Part::Damaged);
        bytes[3] = 0xe0;
        bytes[6] |= 0x20;
        assert_eq!(Pes::default().feed(&bytes, true), Part::Scrambled);
    }

    proptest! {
        #[test]
        fn a_header_may_be_cut_anywhere(pts in 90_000u64..1 << 33, delay in 0u64..90_000, cut in 1usize..22, body in prop::collection::vec(any::<u8>(), 1..30)) {
            let bytes = packet(pts, pts - delay, &body, 0);
            let mut pes = Pes::default();
            let (mut data, mut stamped) = (Vec::new(), None);
            for (index, piece) in [&bytes[..cut.min(bytes.len())], &bytes[cut.min(bytes.len())..]].into_iter().enumerate() {
                match pes.feed(piece, index == 0) {
                    Part::First { stamp, data: more } => { stamped = stamp; data.extend_from_slice(more); }
                    Part::Data(more) => data.extend_from_slice(more),
                    other => prop_assert_eq!(other, Part::Nothing),
                }
            }
            prop_assert_eq!(data, body);
            prop_assert_eq!(stamped, Some(Stamp { pts, dts: pts - delay }));
        }

        #[test]
        fn no_payload_makes_it_panic(payloads in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..300), any::<bool>()), 0..30)) {
            let mut pes = Pes::default();
            for (mut payload, start) in payloads {
                if start && payload.len() > 6 {
                    payload[..4].copy_from_slice(&[0, 0, 1, 0xe0]);
                    payload[6] = 0x80;
                }
                pes.feed(&payload, start);
                prop_assert!(pes.header.len() <= LONGEST);
            }
        }
    }
}
