//! Sample entries: what `stsd` says of each codec.

use bitstream::light::StaticLight;
use drm::TrackProtection;
use media_types::{CodecConfig, TrackKind, TrackRecord};

use crate::PackageError;
use crate::codec::{Colour, Configured, Family};
use crate::isobmff::Boxes;
use crate::protection::scheme_information;

/// Everything a sample entry needs, checked.
pub(crate) enum SampleEntry<'a> {
    Video {
        width: u16,
        height: u16,
        sample_aspect: (u32, u32),
        colour: Option<Colour>,
        light: StaticLight,
        config: &'a CodecConfig,
    },
    Audio {
        sample_rate: u32,
        channels: u16,
        config: &'a CodecConfig,
    },
    Text {
        config: &'a CodecConfig,
    },
}

impl<'a> SampleEntry<'a> {
    pub(crate) fn new(track: &'a TrackRecord) -> Result<Self, PackageError> {
        let config = &track.config;
        match (track.kind, Configured::read(config)?) {
            (TrackKind::Video { width, height, sample_aspect, .. }, Configured::Video { colour, light, .. }) => {
                let side = |pixels: u32| u16::try_from(pixels).ok().filter(|&pixels| pixels > 0);
                let (width, height) = side(width)
                    .zip(side(height))
                    .ok_or(PackageError::Track("a picture is 1 to 65,535 pixels wide and high"))?;
                Ok(Self::Video { width, height, sample_aspect, colour, light, config })
            }
            (TrackKind::Audio { sample_rate, channels }, Configured::Audio { sample_rate: stated }) => {
                if stated.is_some_and(|stated| stated != sample_rate) {
                    return Err(PackageError::Config("the codec configuration has another sample rate"));
                }
                let channels = u16::try_from(channels).ok().filter(|&channels| channels > 0);
                let channels = channels.ok_or(PackageError::Track("audio has 1 to 65,535 channels"))?;
                Ok(Self::Audio { sample_rate, channels, config })
            }
            (TrackKind::Text, Configured::Text) => Ok(Self::Text { config }),
            _ => Err(PackageError::Config("it is of another kind than its track")),
        }
    }

    /// Handler type and name (ISO/IEC 14496-12 §8.4.3; ISO/IEC 14496-30 §4, §7.4).
    pub(crate) fn handler(&self) -> (&'static [u8; 4], &'static [u8]) {
        match self {
            Self::Video { .. } => (b"vide", b"video\0"),
            Self::Audio { .. } => (b"soun", b"audio\0"),
            Self::Text { config: CodecConfig::Stpp(_) } => (b"subt", b"text\0"),
            Self::Text { .. } => (b"text", b"text\0"),
        }
    }

    /// Writes the entry; a protected one under the name of its kind, with its own name in `sinf`
    /// (ISO/IEC 14496-12 §8.12).
    pub(crate) fn write(&self, w: &mut Boxes, protection: Option<&TrackProtection>) {
        let (Self::Video { config, .. } | Self::Audio { config, .. } | Self::Text { config }) = self;
        let name = Family::of(config).sample_entry();
        let shown = match (self, protection) {
            (_, None) => name,
            (Self::Video { .. }, _) => b"encv",
            (Self::Audio { .. }, _) => b"enca",
            (Self::Text { .. }, _) => b"enct",
        };
        w.put(shown, |w| {
            w.zeros(6);
            w.u16(1);
            match self {
                Self::Video { width, height, sample_aspect, colour, light, config } => {
                    visual_fields(w, *width, *height);
                    configuration(w, config);
                    visual_extras(w, *sample_aspect, *colour);
                    light_boxes(w, light);
                }
                Self::Audio { sample_rate, channels, config } => {
                    audio_fields(w, *sample_rate, *channels);
                    configuration(w, config);
                }
                Self::Text { config } => configuration(w, config),
            }
            if let Some(protection) = protection {
                scheme_information(w, name, protection);
            }
        });
    }
}

/// ISO/IEC 14496-12 §12.1.3.
fn visual_fields(w: &mut Boxes, width: u16, height: u16) {
    w.zeros(16);
    w.u16(width);
    w.u16(height);
    w.u32(0x0048_0000);
    w.u32(0x0048_0000);
    w.u32(0);
    w.u16(1);
    w.zeros(32);
    w.u16(0x0018);
    w.u16(0xffff);
}

/// What the parameter sets state of colour and sample shape (ISO/IEC 14496-12 §12.1.4, §12.1.5).
fn visual_extras(w: &mut Boxes, (x, y): (u32, u32), colour: Option<Colour>) {
    if let Some(colour) = colour {
        w.put(b"colr", |w| {
            w.raw(b"nclx");
            w.u16(colour.primaries.into());
            w.u16(colour.transfer.into());
            w.u16(colour.matrix.into());
            w.u8(u8::from(colour.full_range) << 7);
        });
    }
    if x != y {
        w.put(b"pasp", |w| {
            w.u32(x);
            w.u32(y);
        });
    }
}

/// What the configuration states of light, for players that do not look into it (ISO/IEC 14496-12 §12.1.6, §12.1.7).
fn light_boxes(w: &mut Boxes, light: &StaticLight) {
    if let Some(display) = light.mastering {
        w.put(b"mdcv", |w| {
            for (x, y) in display.primaries.into_iter().chain([display.white]) {
                w.u16(x);
                w.u16(y);
            }
            w.u32(display.max_luminance);
            w.u32(display.min_luminance);
        });
    }
    if let Some(light) = light.content {
        w.put(b"clli", |w| {
            w.u16(light.max_content);
            w.u16(light.max_average);
        });
    }
}

/// ISO/IEC 14496-12 §12.2.3.
fn audio_fields(w: &mut Boxes, sample_rate: u32, channels: u16) {
    w.zeros(8);
    w.u16(channels);
    w.u16(16);
    w.u32(0);
    // 16.16 cannot hold more than 65,535 Hz; readers then take the codec configuration's rate.
    w.u32(u16::try_from(sample_rate).map_or(0, |rate| u32::from(rate) << 16));
}

/// The box that holds the codec's configuration, whose bytes are carried as they are.
fn configuration(w: &mut Boxes, config: &CodecConfig) {
    match config {
        CodecConfig::Avc(record) => w.put(b"avcC", |w| w.raw(record)),
        CodecConfig::Hevc(record) => w.put(b"hvcC", |w| w.raw(record)),
        CodecConfig::Av1(record) => w.put(b"av1C", |w| w.raw(record)),
        CodecConfig::Vp9(record) => w.put_full(b"vpcC", 1, 0, |w| w.raw(record)),
        CodecConfig::Aac(config) => elementary_stream(w, config),
        CodecConfig::Ac3(record) => w.put(b"dac3", |w| w.raw(record)),
        CodecConfig::Eac3(record) => w.put(b"dec3", |w| w.raw(record)),
        CodecConfig::Opus(record) => w.put(b"dOps", |w| w.raw(record)),
        CodecConfig::Flac(blocks) => w.put_full(b"dfLa", 0, 0, |w| w.raw(blocks)),
        CodecConfig::Wvtt(header) => w.put(b"vttC", |w| w.raw(header)),
        CodecConfig::Stpp(names) => w.raw(names),
    }
}

/// ISO/IEC 14496-14 §6.7.2: an `esds` whose decoder configuration is the `AudioSpecificConfig`.
fn elementary_stream(w: &mut Boxes, config: &[u8]) {
    w.put_full(b"esds", 0, 0, |w| {
        w.put_descriptor(3, |w| {
            w.u16(0);
            w.u8(0);
            w.put_descriptor(4, |w| {
                // MPEG-4 audio, an audio stream; buffer size and bit rates are not stated.
                w.u8(0x40);
                w.u8(0x15);
                w.zeros(11);
                w.put_descriptor(5, |w| w.raw(config));
            });
            w.put_descriptor(6, |w| w.u8(2));
        });
    });
}
