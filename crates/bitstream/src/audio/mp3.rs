//! MPEG audio layers I to III (ISO/IEC 11172-3 §2.4.2.3, ISO/IEC 13818-3).

/// The header of one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// 1 to 3.
    pub layer: u8,
    /// Samples per second.
    pub rate: u32,
    /// 1 or 2.
    pub channels: u8,
    /// Bits per second.
    pub bitrate_bps: u32,
    /// Bytes of the frame.
    pub length: usize,
    /// Samples per channel.
    pub samples: u32,
}

/// kbit/s by version and layer: MPEG-1 I, II, III; MPEG-2 I; MPEG-2 II and III.
const BITRATES: [[u16; 14]; 5] = [
    [32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
    [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
    [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
    [32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
    [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];

impl Header {
    /// From the first 4 bytes of a frame; `None` when they are not its header, or of free format.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let &[0xff, second, third, fourth, ..] = bytes else { return None };
        // 3 is MPEG-1, 2 is MPEG-2, 0 is MPEG-2.5.
        let version = second >> 3 & 3;
        let layer = 4 - (second >> 1 & 3);
        if second >> 5 != 7 || version == 1 || layer == 4 {
            return None;
        }
        let shift = match version {
            3 => 0,
            2 => 1,
            _ => 2,
        };
        let rate = [44_100u32, 48_000, 32_000].get(usize::from(third >> 2 & 3))? >> shift;
        let row = match (version, layer) {
            (3, layer) => usize::from(layer) - 1,
            (_, 1) => 3,
            _ => 4,
        };
        let index = usize::from(third >> 4).checked_sub(1)?;
        let bitrate_bps = u32::from(*BITRATES[row].get(index)?) * 1000;
        let samples = match (version, layer) {
            (_, 1) => 384,
            (3, _) | (_, 2) => 1152,
            _ => 576,
        };
        let padding = u32::from(third >> 1 & 1);
        let length = match layer {
            1 => (12 * bitrate_bps / rate + padding) * 4,
            _ => samples / 8 * bitrate_bps / rate + padding,
        };
        let channels = if fourth >> 6 == 3 { 1 } else { 2 };
        Some(Self { layer, rate, channels, bitrate_bps, length: length as usize, samples })
    }
}

/// The codecs string for a stream whose first frame this is: layers I to III are audio object types 32 to 34 of
/// ISO/IEC 14496-3, so `mp4a.40.34` for MP3.
pub fn codec_string(frame: &[u8]) -> Option<String> {
    Header::parse(frame).map(|header| format!("mp4a.40.{}", 31 + header.layer))
}

#[cfg(test)]
mod tests;
