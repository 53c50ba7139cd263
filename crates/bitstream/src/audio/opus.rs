//! Opus (RFC 6716, RFC 7845; Encapsulation of Opus in ISO Base Media File Format).

/// What `OpusHead` and `dOps` say alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Channels of what is heard: at least 1.
    pub channels: u8,
    /// Samples at 48 kHz to drop at the start.
    pub pre_skip: u16,
    /// Samples per second of what was encoded; a decoder always works at 48 kHz.
    pub input_rate: u32,
    /// Gain in 1/256 dB.
    pub gain: i16,
    /// Channel mapping family.
    pub family: u8,
    /// Streams, coupled streams, then the stream of each channel; empty for family 0.
    pub mapping: Vec<u8>,
}

impl Config {
    /// From an `OpusHead` packet (RFC 7845 §5.1), as Ogg and Matroska carry it.
    pub fn from_head(head: &[u8]) -> Option<Self> {
        let fields = head.strip_prefix(b"OpusHead")?;
        // Minor versions are compatible.
        let (&version, fields) = fields.split_first()?;
        if version >> 4 != 0 {
            return None;
        }
        let &[channels, s0, s1, r0, r1, r2, r3, g0, g1, family, ref rest @ ..] = fields else { return None };
        let (pre_skip, gain) = (u16::from_le_bytes([s0, s1]), i16::from_le_bytes([g0, g1]));
        Self::checked(channels, pre_skip, u32::from_le_bytes([r0, r1, r2, r3]), gain, family, rest)
    }

    /// From the payload of a `dOps` box (§4.3.2).
    pub fn parse(config: &[u8]) -> Option<Self> {
        let &[0, channels, s0, s1, r0, r1, r2, r3, g0, g1, family, ref rest @ ..] = config else { return None };
        let (pre_skip, gain) = (u16::from_be_bytes([s0, s1]), i16::from_be_bytes([g0, g1]));
        Self::checked(channels, pre_skip, u32::from_be_bytes([r0, r1, r2, r3]), gain, family, rest)
    }

    /// The payload of a `dOps` box.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![0, self.channels];
        out.extend(self.pre_skip.to_be_bytes());
        out.extend(self.input_rate.to_be_bytes());
        out.extend(self.gain.to_be_bytes());
        out.push(self.family);
        out.extend(&self.mapping);
        out
    }

    /// An `OpusHead` packet.
    pub fn to_head(&self) -> Vec<u8> {
        let mut out = b"OpusHead\x01".to_vec();
        out.push(self.channels);
        out.extend(self.pre_skip.to_le_bytes());
        out.extend(self.input_rate.to_le_bytes());
        out.extend(self.gain.to_le_bytes());
        out.push(self.family);
        out.extend(&self.mapping);
        out
    }

    fn checked(channels: u8, pre_skip: u16, input_rate: u32, gain: i16, family: u8, rest: &[u8]) -> Option<Self> {
        let mapping = match family {
            0 if channels > 2 => return None,
            0 => &[],
            _ => rest.get(..2 + usize::from(channels))?,
        };
        (channels > 0).then(|| Self { channels, pre_skip, input_rate, gain, family, mapping: mapping.to_vec() })
    }
}

/// How long a packet lasts in samples at 48 kHz (RFC 6716 §3.1, §3.2); `None` when it is empty or longer than 120 ms.
pub fn duration(packet: &[u8]) -> Option<u32> {
    let toc = *packet.first()?;
    let frame = match toc >> 3 {
        // SILK: 10, 20, 40, 60 ms
        mode @ 0..12 => [480, 960, 1920, 2880][usize::from(mode & 3)],
        // Hybrid: 10, 20 ms
        mode @ 12..16 => [480, 960][usize::from(mode & 1)],
        // CELT: 2.5, 5, 10, 20 ms
        mode => 120 << (mode & 3),
    };
    let count = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => u32::from(packet.get(1)? & 0x3f),
    };
    Some(frame * count).filter(|total| (1..=5760).contains(total))
}

/// The codecs string for a `dOps` payload: `opus`.
pub fn codec_string(config: &[u8]) -> Option<String> {
    Config::parse(config).map(|_| "opus".to_owned())
}

#[cfg(test)]
mod tests;
