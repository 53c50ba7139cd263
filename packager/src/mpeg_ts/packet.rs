//! Transport packets (§2.4.3.2, §2.4.3.4).

/// Bytes of a packet.
pub(super) const PACKET: usize = 188;
/// Bytes behind its header.
pub(super) const ROOM: usize = 184;

const SYNC: u8 = 0x47;
const UNIT_START: u8 = 0x40;
const HAS_FIELD: u8 = 0x20;
const HAS_PAYLOAD: u8 = 0x10;

/// What the adaptation field in front of a unit says.
#[derive(Clone, Copy, Default)]
pub(super) struct Marks {
    /// `random_access_indicator`: decoding can start here.
    pub(super) random_access: bool,
    /// The base of the program clock, in 90 kHz.
    pub(super) clock: Option<u64>,
}

impl Marks {
    /// Bytes of the field at least, its length included.
    fn length(self) -> usize {
        match self {
            Self { clock: Some(_), .. } => 8,
            Self { random_access: true, .. } => 2,
            _ => 0,
        }
    }

    /// Writes a field of exactly `room` bytes.
    fn write(self, out: &mut Vec<u8>, room: usize) {
        let end = out.len() + room;
        out.push((room - 1) as u8);
        if room > 1 {
            let flags = u8::from(self.random_access) << 6 | u8::from(self.clock.is_some()) << 4;
            out.push(flags);
            if let Some(base) = self.clock {
                // 33 bits, 6 reserved ones, and an extension in 27 MHz that is 0.
                out.extend_from_slice(&(base << 15 | 0x7e00).to_be_bytes()[2..]);
            }
            out.resize(end, 0xff);
        }
    }
}

/// The packets of one PID.
pub(super) struct Stream {
    pid: u16,
    /// `continuity_counter` of the next packet with payload. It goes on from segment to segment, so that segments one
    /// behind another are one stream.
    next: u8,
}

impl Stream {
    pub(super) fn new(pid: u16) -> Self {
        Self { pid, next: 0 }
    }

    /// Writes one unit of payload, the short `head` and then `body`: it begins a packet, and the last one is stuffed.
    pub(super) fn unit(&mut self, out: &mut Vec<u8>, marks: Marks, head: &[u8], body: &[u8]) {
        out.reserve(((head.len() + body.len()) / ROOM + 2) * PACKET);
        let first = ROOM.saturating_sub(marks.length() + head.len()).min(body.len());
        let (now, rest) = body.split_at(first);
        self.packet(out, UNIT_START, marks, [head, now]);
        let (whole, last) = rest.as_chunks::<ROOM>();
        for payload in whole {
            out.extend_from_slice(&self.header(0, HAS_PAYLOAD));
            out.extend_from_slice(payload);
        }
        if !last.is_empty() {
            self.packet(out, 0, Marks::default(), [&[], last]);
        }
    }

    /// Writes a packet that carries the clock and nothing else.
    pub(super) fn clock(&mut self, out: &mut Vec<u8>, base: u64) {
        // The counter stands still in packets without payload.
        self.next = self.next.wrapping_sub(1) & 15;
        out.extend_from_slice(&self.header(0, HAS_FIELD));
        Marks { clock: Some(base), ..Marks::default() }.write(out, ROOM);
    }

    /// Writes a packet whose payload is `pieces`, at most [`ROOM`] bytes, behind stuffing.
    fn packet(&mut self, out: &mut Vec<u8>, start: u8, marks: Marks, pieces: [&[u8]; 2]) {
        let field = ROOM.saturating_sub(pieces[0].len() + pieces[1].len());
        out.extend_from_slice(&self.header(start, HAS_PAYLOAD | if field > 0 { HAS_FIELD } else { 0 }));
        if field > 0 {
            marks.write(out, field);
        }
        pieces.iter().for_each(|piece| out.extend_from_slice(piece));
    }

    fn header(&mut self, start: u8, control: u8) -> [u8; 4] {
        let counter = self.next;
        self.next = (counter + 1) & 15;
        [SYNC, start | (self.pid >> 8) as u8, self.pid as u8, control | counter]
    }
}
