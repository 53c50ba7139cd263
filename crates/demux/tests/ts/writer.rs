//! A transport stream by hand: what no muxer writes on demand.

/// Writes packets of any PIDs, each with its continuity counter.
#[derive(Default)]
pub(crate) struct Writer {
    pub(crate) bytes: Vec<u8>,
    counters: std::collections::HashMap<u16, u8>,
}

/// A stream of a program map: type, PID, descriptors.
pub(crate) type Listed<'a> = (u8, u16, &'a [u8]);

impl Writer {
    /// Cuts `unit` into packets of `pid`; the last one is stuffed.
    pub(crate) fn unit(&mut self, pid: u16, unit: &[u8]) {
        for (index, piece) in unit.chunks(184).enumerate() {
            let counter = self.counters.entry(pid).or_default();
            let stuffing = 184 - piece.len();
            let start = if index == 0 { 0x40 } else { 0 };
            self.bytes.extend([
                0x47,
                start | (pid >> 8) as u8,
                pid as u8,
                *counter | if stuffing > 0 { 0x30 } else { 0x10 },
            ]);
            *counter = (*counter + 1) & 15;
            if stuffing > 0 {
                self.bytes.push(stuffing as u8 - 1);
                self.bytes.extend((1..stuffing).map(|at| if at == 1 { 0 } else { 0xff }));
            }
            self.bytes.extend(piece);
        }
    }

    /// A section with its CRC; `body` follows the length.
    pub(crate) fn section(&mut self, pid: u16, table: u8, body: &[u8]) {
        let mut section = vec![0, table];
        section.extend(((body.len() as u16 + 4) | 0xb000).to_be_bytes());
        section.extend(body);
        section.extend(scte35::crc32(&section[1..]).to_be_bytes());
        self.unit(pid, &section);
    }

    /// The association table: numbers and PIDs of programs.
    pub(crate) fn programs(&mut self, programs: &[(u16, u16)]) {
        let mut body = vec![0, 1, 0xc1, 0, 0];
        for (number, pid) in programs {
            body.extend(number.to_be_bytes());
            body.extend((pid | 0xe000).to_be_bytes());
        }
        self.section(0, 0, &body);
    }

    /// A program map.
    pub(crate) fn map(&mut self, pid: u16, number: u16, version: u8, streams: &[Listed<'_>]) {
        let [high, low] = number.to_be_bytes();
        let mut body = vec![high, low, 0xc1 | version << 1, 0, 0, 0xe1, 0, 0xf0, 0];
        for (kind, pid, own) in streams {
            body.push(*kind);
            body.extend((pid | 0xe000).to_be_bytes());
            body.extend((own.len() as u16 | 0xf000).to_be_bytes());
            body.extend(*own);
        }
        self.section(pid, 2, &body);
    }

    /// A PES packet without a stated length, with presentation and decoding time or neither.
    pub(crate) fn pes(&mut self, pid: u16, times: Option<(u64, u64)>, data: &[u8]) {
        let time = |prefix: u8, value: u64| {
            let high = prefix << 4 | (value >> 29) as u8 & 14 | 1;
            [high, (value >> 22) as u8, (value >> 14) as u8 | 1, (value >> 7) as u8, (value << 1) as u8 | 1]
        };
        let mut unit = vec![0, 0, 1, 0xe0, 0, 0, 0x80];
        match times {
            Some((pts, dts)) => {
                unit.extend([0xc0, 10]);
                unit.extend(time(3, pts));
                unit.extend(time(1, dts));
            }
            None => unit.extend([0, 0]),
        }
        unit.extend(data);
        self.unit(pid, &unit);
    }
}
