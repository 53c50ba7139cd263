//! Init segments: `ftyp` and `moov` of one track (ISO/IEC 23000-19 §7.3.1, "CMAF header").

use bytes::Bytes;
use media_types::{CodecConfig, Timescale, TrackKind};

use crate::codec::{AacConfig, AvcConfig, composition_delay};
use crate::isobmff::Boxes;
use crate::{PackageError, language};

/// The track id of every track: each lies in a file of its own.
pub(crate) const TRACK_ID: u32 = 1;

/// The unity matrix of `mvhd` and `tkhd`.
const MATRIX: [u32; 9] = [0x0001_0000, 0, 0, 0, 0x0001_0000, 0, 0, 0, 0x4000_0000];

/// A CMAF header: what a decoder needs before the first segment of a track.
///
/// The codec configuration is carried byte for byte. An audio track's priming becomes an edit list of one edit, whose
/// duration of 0 covers all fragments to come (ISO/IEC 14496-12 §8.6.6), and so does a video track's
/// [`composition_delay`](crate::composition_delay).
///
/// # Errors
/// [`PackageError::Config`] for a configuration that cannot be read or is of the other kind; [`PackageError::Track`]
/// for figures that no box can hold or that contradict the configuration.
pub fn init_segment(kind: &TrackKind, timescale: Timescale, config: &CodecConfig) -> Result<Bytes, PackageError> {
    let entry = SampleEntry::new(kind, timescale, config)?;
    let mut w = Boxes::with_capacity(1024);
    w.put(b"ftyp", |w| {
        w.raw(b"iso6");
        w.u32(0);
        w.raw(b"iso6cmfc");
    });
    w.put(b"moov", |w| {
        movie_header(w, timescale);
        w.put(b"trak", |w| track(w, timescale, &entry));
        // Every default is in the fragments themselves.
        w.put(b"mvex", |w| {
            w.put_full(b"trex", 0, 0, |w| {
                w.u32(TRACK_ID);
                w.u32(1);
                w.zeros(12);
            });
        });
    });
    Ok(w.into_bytes())
}

/// Everything an init segment needs, checked.
enum SampleEntry<'a> {
    Video { width: u16, height: u16, record: &'a [u8], avc: AvcConfig<'a>, delay: u32 },
    Audio { sample_rate: u32, channels: u16, language: &'a str, priming_samples: u32, config: &'a [u8] },
}

impl<'a> SampleEntry<'a> {
    fn new(kind: &'a TrackKind, timescale: Timescale, config: &'a CodecConfig) -> Result<Self, PackageError> {
        match (kind, config) {
            (TrackKind::Video { width, height, .. }, CodecConfig::Avc(record)) => {
                let side = |pixels: &u32| u16::try_from(*pixels).ok().filter(|&pixels| pixels > 0);
                let (width, height) = side(width)
                    .zip(side(height))
                    .ok_or(PackageError::Track("a picture is 1 to 65,535 pixels wide and high"))?;
                let delay = composition_delay(kind, timescale, config)?.unwrap_or(0);
                Ok(Self::Video { width, height, record, avc: AvcConfig::parse(record)?, delay })
            }
            (TrackKind::Audio { sample_rate, channels, language, priming_samples, .. }, CodecConfig::Aac(config)) => {
                if *sample_rate != timescale.get() {
                    return Err(PackageError::Track("the timescale of audio is its sample rate"));
                }
                if AacConfig::parse(config)?.sample_rate != *sample_rate {
                    return Err(PackageError::Config("the AudioSpecificConfig has another sample rate"));
                }
                let channels = u16::try_from(*channels).ok().filter(|&channels| channels > 0);
                let channels = channels.ok_or(PackageError::Track("audio has 1 to 65,535 channels"))?;
                let (sample_rate, priming_samples) = (*sample_rate, *priming_samples);
                Ok(Self::Audio { sample_rate, channels, language, priming_samples, config })
            }
            _ => Err(PackageError::Config("it is of another kind than its track")),
        }
    }

    /// Ticks of media before presentation starts.
    fn hidden_ticks(&self) -> u32 {
        match self {
            Self::Video { delay, .. } => *delay,
            Self::Audio { priming_samples, .. } => *priming_samples,
        }
    }
}

/// §8.2.2. The movie timescale is the track's, so that edits are exact.
fn movie_header(w: &mut Boxes, timescale: Timescale) {
    w.put_full(b"mvhd", 0, 0, |w| {
        w.zeros(8);
        w.u32(timescale.get());
        w.u32(0);
        w.u32(0x0001_0000);
        w.u16(0x0100);
        w.zeros(10);
        MATRIX.iter().for_each(|&value| w.u32(value));
        w.zeros(24);
        w.u32(TRACK_ID + 1);
    });
}

fn track(w: &mut Boxes, timescale: Timescale, entry: &SampleEntry<'_>) {
    let (width, height, volume) = match entry {
        SampleEntry::Video { width, height, avc, .. } => (display_width(*width, avc), u32::from(*height) << 16, 0),
        SampleEntry::Audio { .. } => (0, 0, 0x0100),
    };
    // §8.3.2: enabled and in the movie.
    w.put_full(b"tkhd", 0, 3, |w| {
        w.zeros(8);
        w.u32(TRACK_ID);
        w.zeros(8);
        w.zeros(12);
        w.u16(volume);
        w.zeros(2);
        MATRIX.iter().for_each(|&value| w.u32(value));
        w.u32(width);
        w.u32(height);
    });
    if entry.hidden_ticks() > 0 {
        w.put(b"edts", |w| edit_list(w, entry.hidden_ticks()));
    }
    w.put(b"mdia", |w| media(w, timescale, entry));
}

/// Display width in 16.16: the coded width stretched by the sample aspect ratio.
fn display_width(width: u16, avc: &AvcConfig<'_>) -> u32 {
    let (x, y) = avc.sps().and_then(|sps| sps.sample_aspect).unwrap_or((1, 1));
    u32::try_from((u64::from(width) << 16) * u64::from(x) / u64::from(y.max(1))).unwrap_or(u32::from(width) << 16)
}

/// §8.6.6: presentation starts `hidden` ticks into the media.
fn edit_list(w: &mut Boxes, hidden: u32) {
    w.put_full(b"elst", 1, 0, |w| {
        w.u32(1);
        w.u64(0);
        w.u64(hidden.into());
        w.u32(0x0001_0000);
    });
}

fn media(w: &mut Boxes, timescale: Timescale, entry: &SampleEntry<'_>) {
    let (tag, handler, name) = match entry {
        SampleEntry::Video { .. } => ("und", b"vide", &b"video\0"[..]),
        SampleEntry::Audio { language, .. } => (*language, b"soun", &b"audio\0"[..]),
    };
    w.put_full(b"mdhd", 0, 0, |w| {
        w.zeros(8);
        w.u32(timescale.get());
        w.u32(0);
        w.u16(language::packed(tag));
        w.u16(0);
    });
    w.put_full(b"hdlr", 0, 0, |w| {
        w.u32(0);
        w.raw(handler);
        w.zeros(12);
        w.raw(name);
    });
    // §8.4.6: what three letters cannot say.
    if tag.contains('-') && language::is_plain(tag) {
        w.put_full(b"elng", 0, 0, |w| {
            w.raw(tag.as_bytes());
            w.u8(0);
        });
    }
    w.put(b"minf", |w| {
        match entry {
            SampleEntry::Video { .. } => w.put_full(b"vmhd", 0, 1, |w| w.zeros(8)),
            SampleEntry::Audio { .. } => w.put_full(b"smhd", 0, 0, |w| w.zeros(4)),
        }
        w.put(b"dinf", |w| {
            w.put_full(b"dref", 0, 0, |w| {
                w.u32(1);
                w.put_full(b"url ", 0, 1, |_| {});
            });
        });
        w.put(b"stbl", |w| sample_table(w, entry));
    });
}

/// §8.5: the sample description, and empty tables, since all samples are in fragments.
fn sample_table(w: &mut Boxes, entry: &SampleEntry<'_>) {
    w.put_full(b"stsd", 0, 0, |w| {
        w.u32(1);
        match entry {
            SampleEntry::Video { width, height, record, avc, .. } => visual_entry(w, *width, *height, record, avc),
            SampleEntry::Audio { sample_rate, channels, config, .. } => {
                audio_entry(w, *sample_rate, *channels, config);
            }
        }
    });
    w.put_full(b"stts", 0, 0, |w| w.u32(0));
    w.put_full(b"stsc", 0, 0, |w| w.u32(0));
    w.put_full(b"stsz", 0, 0, |w| w.u64(0));
    w.put_full(b"stco", 0, 0, |w| w.u32(0));
}

/// ISO/IEC 14496-15 §5.4.2.1, with the colour and sample shape that the parameter set states (§12.1.4, §12.1.5).
fn visual_entry(w: &mut Boxes, width: u16, height: u16, record: &[u8], avc: &AvcConfig<'_>) {
    w.put(b"avc1", |w| {
        w.zeros(6);
        w.u16(1);
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
        w.put(b"avcC", |w| w.raw(record));
        let sps = avc.sps();
        if let Some(colour) = sps.and_then(|sps| sps.colour) {
            w.put(b"colr", |w| {
                w.raw(b"nclx");
                w.u16(colour.primaries.into());
                w.u16(colour.transfer.into());
                w.u16(colour.matrix.into());
                w.u8(u8::from(colour.full_range) << 7);
            });
        }
        if let Some((x, y)) = sps.and_then(|sps| sps.sample_aspect) {
            w.put(b"pasp", |w| {
                w.u32(x.into());
                w.u32(y.into());
            });
        }
    });
}

/// ISO/IEC 14496-14 §6.7.2: an `esds` whose decoder configuration is the `AudioSpecificConfig`.
fn audio_entry(w: &mut Boxes, sample_rate: u32, channels: u16, config: &[u8]) {
    w.put(b"mp4a", |w| {
        w.zeros(6);
        w.u16(1);
        w.zeros(8);
        w.u16(channels);
        w.u16(16);
        w.u32(0);
        // 16.16 cannot hold more than 65,535 Hz; readers then take the AudioSpecificConfig's rate.
        w.u32(u16::try_from(sample_rate).map_or(0, |rate| u32::from(rate) << 16));
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
    });
}
