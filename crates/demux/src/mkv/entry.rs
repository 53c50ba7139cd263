//! `TrackEntry`: what the file says about a track (RFC 9559 §5.1.4.1).

use bytes::Bytes;

use super::{ebml, ids};

/// A track as it is written.
#[derive(Clone, Debug, Default)]
pub(super) struct Entry {
    pub(super) number: u64,
    /// 1 video, 2 audio, 17 subtitles.
    pub(super) kind: u64,
    pub(super) enabled: bool,
    pub(super) default: bool,
    pub(super) forced: bool,
    pub(super) hearing_impaired: bool,
    pub(super) visual_impaired: bool,
    pub(super) commentary: bool,
    /// Nanoseconds.
    pub(super) default_duration: Option<u64>,
    /// Whether a deprecated `TrackTimestampScale` other than 1 is stated.
    pub(super) scaled: bool,
    pub(super) name: Option<String>,
    pub(super) language: Option<String>,
    pub(super) language_bcp47: Option<String>,
    pub(super) codec: String,
    pub(super) private: Bytes,
    /// Nanoseconds.
    pub(super) codec_delay: Option<u64>,
    pub(super) video: Video,
    pub(super) audio: Audio,
    pub(super) encodings: Vec<Encoding>,
}

/// `Video`.
#[derive(Clone, Debug, Default)]
pub(super) struct Video {
    pub(super) width: u64,
    pub(super) height: u64,
    /// Bottom, top, left, right.
    pub(super) crop: [u64; 4],
    pub(super) display_width: Option<u64>,
    pub(super) display_height: Option<u64>,
    pub(super) display_unit: u64,
    pub(super) colour: Colour,
    pub(super) roll: f64,
}

/// `Colour`: code points of ITU-T H.273.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Colour {
    pub(super) matrix: Option<u64>,
    pub(super) transfer: Option<u64>,
    pub(super) primaries: Option<u64>,
    /// 1 broadcast, 2 full.
    pub(super) range: Option<u64>,
}

/// `Audio`.
#[derive(Clone, Debug)]
pub(super) struct Audio {
    pub(super) rate: f64,
    pub(super) output_rate: Option<f64>,
    pub(super) channels: u64,
}

impl Default for Audio {
    fn default() -> Self {
        Self { rate: 8000.0, output_rate: None, channels: 1 }
    }
}

/// `ContentEncoding`: what was done to the track's bytes.
#[derive(Clone, Debug)]
pub(super) struct Encoding {
    order: u64,
    scope: u64,
    encrypted: bool,
    algorithm: u64,
    settings: Bytes,
}

impl Entry {
    /// Reads the content of a `TrackEntry`, a part of the `Bytes` it was cut from.
    pub(super) fn read(content: &Bytes) -> Entry {
        let mut entry = Entry { enabled: true, default: true, ..Entry::default() };
        for (id, bytes) in ebml::children(content) {
            let number = ebml::unsigned(bytes);
            let flag = number == Some(1);
            match id {
                ids::TRACK_NUMBER => entry.number = number.unwrap_or(0),
                ids::TRACK_TYPE => entry.kind = number.unwrap_or(0),
                ids::FLAG_ENABLED => entry.enabled = flag,
                ids::FLAG_DEFAULT => entry.default = flag,
                ids::FLAG_FORCED => entry.forced = flag,
                ids::FLAG_HEARING_IMPAIRED => entry.hearing_impaired = flag,
                ids::FLAG_VISUAL_IMPAIRED => entry.visual_impaired = flag,
                ids::FLAG_COMMENTARY => entry.commentary = flag,
                ids::DEFAULT_DURATION => entry.default_duration = number.filter(|&value| value > 0),
                ids::TRACK_TIMESTAMP_SCALE => entry.scaled = ebml::float(bytes) != Some(1.0),
                ids::NAME => entry.name = ebml::string(bytes),
                ids::LANGUAGE => entry.language = ebml::string(bytes),
                ids::LANGUAGE_BCP47 => entry.language_bcp47 = ebml::string(bytes),
                ids::CODEC_ID => entry.codec = ebml::string(bytes).unwrap_or_default(),
                ids::CODEC_PRIVATE => entry.private = content.slice_ref(bytes),
                ids::CODEC_DELAY => entry.codec_delay = number.filter(|&value| value > 0),
                ids::VIDEO => entry.video = Video::read(bytes),
                ids::AUDIO => entry.audio = Audio::read(bytes),
                ids::CONTENT_ENCODINGS => entry.encodings = Encoding::list(content, bytes),
                _ => {}
            }
        }
        entry
    }

    /// What was taken off the start of every frame and of the private data (§5.1.4.1.31.7), `None` when the track's
    /// bytes were changed in a way that is not undone here, with its name.
    pub(super) fn stripped(&self) -> Result<(Bytes, Bytes), &'static str> {
        let mut frames = Vec::new();
        let mut private = Vec::new();
        for encoding in &self.encodings {
            match (encoding.encrypted, encoding.algorithm) {
                (true, _) => return Err("encrypted"),
                (false, 0) => return Err("zlib-compressed"),
                (false, 1) => return Err("bzlib-compressed"),
                (false, 2) => return Err("lzo1x-compressed"),
                (false, 3) => {}
                _ => return Err("compressed in an unknown way"),
            }
            if encoding.scope & 4 != 0 {
                return Err("encoded in more than one layer");
            }
            // Decoding goes from the highest order to the lowest, so the lowest prefix comes first.
            if encoding.scope & 1 != 0 {
                frames.extend_from_slice(&encoding.settings);
            }
            if encoding.scope & 2 != 0 {
                private.extend_from_slice(&encoding.settings);
            }
        }
        Ok((frames.into(), private.into()))
    }
}

impl Video {
    fn read(content: &[u8]) -> Video {
        let mut video = Video::default();
        for (id, bytes) in ebml::children(content) {
            let number = ebml::unsigned(bytes);
            let value = number.unwrap_or(0);
            match id {
                ids::PIXEL_WIDTH => video.width = value,
                ids::PIXEL_HEIGHT => video.height = value,
                ids::PIXEL_CROP_BOTTOM => video.crop[0] = value,
                ids::PIXEL_CROP_TOP => video.crop[1] = value,
                ids::PIXEL_CROP_LEFT => video.crop[2] = value,
                ids::PIXEL_CROP_RIGHT => video.crop[3] = value,
                ids::DISPLAY_WIDTH => video.display_width = number.filter(|&value| value > 0),
                ids::DISPLAY_HEIGHT => video.display_height = number.filter(|&value| value > 0),
                ids::DISPLAY_UNIT => video.display_unit = value,
                ids::COLOUR => video.colour = Colour::read(bytes),
                ids::PROJECTION => {
                    let roll = ebml::children(bytes).find(|(id, _)| *id == ids::PROJECTION_POSE_ROLL);
                    video.roll = roll.and_then(|(_, bytes)| ebml::float(bytes)).unwrap_or(0.0);
                }
                _ => {}
            }
        }
        video
    }
}

impl Colour {
    fn read(content: &[u8]) -> Colour {
        let mut colour = Colour::default();
        for (id, bytes) in ebml::children(content) {
            let value = ebml::unsigned(bytes);
            match id {
                ids::MATRIX_COEFFICIENTS => colour.matrix = value,
                ids::TRANSFER_CHARACTERISTICS => colour.transfer = value,
                ids::PRIMARIES => colour.primaries = value,
                ids::RANGE => colour.range = value,
                _ => {}
            }
        }
        colour
    }
}

impl Audio {
    fn read(content: &[u8]) -> Audio {
        let mut audio = Audio::default();
        for (id, bytes) in ebml::children(content) {
            match id {
                ids::SAMPLING_FREQUENCY => audio.rate = ebml::float(bytes).unwrap_or(0.0),
                ids::OUTPUT_SAMPLING_FREQUENCY => audio.output_rate = ebml::float(bytes),
                ids::CHANNELS => audio.channels = ebml::unsigned(bytes).unwrap_or(1),
                _ => {}
            }
        }
        audio
    }
}

impl Encoding {
    fn list(whole: &Bytes, content: &[u8]) -> Vec<Encoding> {
        let encodings = ebml::children(content).filter(|(id, _)| *id == ids::CONTENT_ENCODING);
        let mut encodings: Vec<_> = encodings.take(8).map(|(_, bytes)| Encoding::read(whole, bytes)).collect();
        encodings.sort_by_key(|encoding| encoding.order);
        encodings
    }

    fn read(whole: &Bytes, content: &[u8]) -> Encoding {
        let mut encoding = Encoding { order: 0, scope: 1, encrypted: false, algorithm: 0, settings: Bytes::new() };
        for (id, bytes) in ebml::children(content) {
            let value = ebml::unsigned(bytes).unwrap_or(u64::MAX);
            match id {
                ids::CONTENT_ENCODING_ORDER => encoding.order = value,
                ids::CONTENT_ENCODING_SCOPE => encoding.scope = value,
                ids::CONTENT_ENCODING_TYPE => encoding.encrypted = value != 0,
                ids::CONTENT_COMPRESSION => {
                    for (id, bytes) in ebml::children(bytes) {
                        match id {
                            ids::CONTENT_COMP_ALGO => encoding.algorithm = ebml::unsigned(bytes).unwrap_or(u64::MAX),
                            ids::CONTENT_COMP_SETTINGS => encoding.settings = whole.slice_ref(bytes),
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        encoding
    }
}
