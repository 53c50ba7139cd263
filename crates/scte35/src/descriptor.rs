//! Splice descriptors (SCTE 35 §10).

use crate::bits::{Reader, Writer};
use crate::{Error, SegmentationDescriptor};

/// `CUEI`, the identifier of the descriptors that SCTE 35 itself defines.
const CUEI: u32 = 0x4355_4549;

/// What a message adds to its command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Descriptor {
    /// `avail_descriptor()`: `provider_avail_id` (§10.3.1).
    Avail(u32),
    /// `DTMF_descriptor()`: tones for old equipment (§10.3.2).
    Dtmf {
        /// Tenths of a second before the splice.
        preroll: u8,
        /// At most 7 of `0`-`9`, `*` and `#`.
        tones: Vec<u8>,
    },
    /// `segmentation_descriptor()` (§10.3.3).
    Segmentation(SegmentationDescriptor),
    /// `time_descriptor()`: the wall clock (§10.3.4).
    Time {
        /// TAI seconds since 1970, 48 bits.
        tai_seconds: u64,
        /// And nanoseconds.
        tai_nanoseconds: u32,
        /// What TAI is ahead of UTC, in seconds.
        utc_offset: u16,
    },
    /// Any other, as its bytes.
    Other {
        /// `splice_descriptor_tag`.
        tag: u8,
        /// `identifier`.
        identifier: u32,
        /// What follows.
        bytes: Vec<u8>,
    },
}

impl Descriptor {
    /// All descriptors of a loop.
    pub(crate) fn read_all(bytes: &[u8]) -> Result<Vec<Self>, Error> {
        let mut reader = Reader::new(bytes, "a splice descriptor");
        let mut descriptors = Vec::new();
        while reader.left() > 0 {
            let (tag, length) = (reader.byte()?, reader.byte()?);
            descriptors.push(Self::read(tag, reader.take(length.into())?)?);
        }
        Ok(descriptors)
    }

    fn read(tag: u8, bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(bytes, "a splice descriptor");
        let identifier = reader.bits(32)? as u32;
        let descriptor = match (identifier, tag) {
            (CUEI, 0) => Self::Avail(reader.bits(32)? as u32),
            (CUEI, 1) => {
                let (preroll, count) = (reader.byte()?, reader.bits(3)?);
                reader.bits(5)?;
                Self::Dtmf { preroll, tones: reader.take(count as usize)?.to_vec() }
            }
            (CUEI, 2) => Self::Segmentation(SegmentationDescriptor::read(&mut reader)?),
            (CUEI, 3) => Self::Time {
                tai_seconds: reader.bits(48)?,
                tai_nanoseconds: reader.bits(32)? as u32,
                utc_offset: reader.bits(16)? as u16,
            },
            _ => Self::Other { tag, identifier, bytes: reader.rest().to_vec() },
        };
        if reader.left() > 0 { Err(Error::Length("a splice descriptor")) } else { Ok(descriptor) }
    }

    pub(crate) fn write(&self, writer: &mut Writer) -> Result<(), Error> {
        let mut own = Writer::default();
        let (tag, identifier) = match self {
            Self::Other { tag, identifier, .. } => (*tag, *identifier),
            Self::Avail(_) => (0, CUEI),
            Self::Dtmf { .. } => (1, CUEI),
            Self::Segmentation(_) => (2, CUEI),
            Self::Time { .. } => (3, CUEI),
        };
        own.small(identifier.into(), 32);
        match self {
            Self::Avail(id) => own.small((*id).into(), 32),
            Self::Dtmf { preroll, tones } => {
                own.byte(*preroll);
                own.bits(tones.len() as u64, 3, "dtmf_count")?;
                own.reserved(5);
                own.extend(tones);
            }
            Self::Segmentation(segmentation) => segmentation.write(&mut own)?,
            Self::Time { tai_seconds, tai_nanoseconds, utc_offset } => {
                own.bits(*tai_seconds, 48, "TAI_seconds")?;
                own.small((*tai_nanoseconds).into(), 32);
                own.small((*utc_offset).into(), 16);
            }
            Self::Other { bytes, .. } => own.extend(bytes),
        }
        let own = own.finish();
        writer.byte(tag);
        writer.bits(own.len() as u64, 8, "descriptor_length")?;
        writer.extend(&own);
        Ok(())
    }
}
