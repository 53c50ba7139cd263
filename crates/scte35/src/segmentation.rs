//! The segmentation descriptor (SCTE 35 §10.3.3).

use crate::bits::{Reader, Writer};
use crate::{Error, Upid};

/// `segmentation_descriptor()`: something begins or ends at the message's time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentationDescriptor {
    /// `segmentation_event_id`.
    pub event_id: u32,
    /// `segmentation_event_id_compliance_indicator` as it is written; reserved bits of older versions are 1.
    pub event_id_compliance: bool,
    /// `None` when the event of this id is cancelled.
    pub segment: Option<Segment>,
}

/// What begins or ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Offsets of single components; `None` when the whole program is meant.
    pub components: Option<Vec<ComponentOffset>>,
    /// `None` when delivery is not restricted.
    pub restrictions: Option<DeliveryRestrictions>,
    /// `segmentation_duration` in 90 kHz, 40 bits.
    pub duration: Option<u64>,
    /// What identifies the content.
    pub upid: Upid,
    /// `segmentation_type_id`, see [`Segment::type_name`].
    pub type_id: u8,
    /// `segment_num`.
    pub number: u8,
    /// `segments_expected`.
    pub expected: u8,
    /// `sub_segment_num` and `sub_segments_expected`, where they are written.
    pub sub: Option<SubSegment>,
}

/// Place of a component's segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ComponentOffset {
    /// `component_tag`.
    pub tag: u8,
    /// `pts_offset` to the message's time in 90 kHz, 33 bits.
    pub pts_offset: u64,
}

/// Where the segment may be delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveryRestrictions {
    /// `web_delivery_allowed_flag`.
    pub web_delivery_allowed: bool,
    /// `no_regional_blackout_flag`.
    pub no_regional_blackout: bool,
    /// `archive_allowed_flag`.
    pub archive_allowed: bool,
    /// `device_restrictions`: 0 to 2 name groups of devices that must not get it, 3 none.
    pub devices: u8,
}

/// Place within a segment that has parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubSegment {
    /// `sub_segment_num`.
    pub number: u8,
    /// `sub_segments_expected`.
    pub expected: u8,
}

impl SegmentationDescriptor {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        let event_id = reader.bits(32)? as u32;
        let (is_cancelled, event_id_compliance) = (reader.flag()?, reader.flag()?);
        reader.bits(6)?;
        let segment = if is_cancelled { None } else { Some(Segment::read(reader)?) };
        Ok(Self { event_id, event_id_compliance, segment })
    }

    pub(crate) fn write(&self, writer: &mut Writer) -> Result<(), Error> {
        writer.small(self.event_id.into(), 32);
        writer.flag(self.segment.is_none());
        writer.flag(self.event_id_compliance);
        writer.reserved(6);
        self.segment.as_ref().map_or(Ok(()), |segment| segment.write(writer))
    }
}

impl Segment {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        let (is_program, has_duration, is_free) = (reader.flag()?, reader.flag()?, reader.flag()?);
        let restrictions = DeliveryRestrictions {
            web_delivery_allowed: reader.flag()?,
            no_regional_blackout: reader.flag()?,
            archive_allowed: reader.flag()?,
            devices: reader.bits(2)? as u8,
        };
        let components = if is_program {
            None
        } else {
            let count = reader.byte()?;
            let read = |_| {
                let tag = reader.byte()?;
                reader.bits(7)?;
                Ok(ComponentOffset { tag, pts_offset: reader.bits(33)? })
            };
            Some((0..count).map(read).collect::<Result<_, Error>>()?)
        };
        let duration = if has_duration { Some(reader.bits(40)?) } else { None };
        let (kind, length) = (reader.byte()?, reader.byte()?);
        let upid = Upid { kind, bytes: reader.take(length.into())?.to_vec() };
        let (type_id, number, expected) = (reader.byte()?, reader.byte()?, reader.byte()?);
        let sub = if reader.left() == 2 {
            Some(SubSegment { number: reader.byte()?, expected: reader.byte()? })
        } else {
            None
        };
        let restrictions = (!is_free).then_some(restrictions);
        Ok(Self { components, restrictions, duration, upid, type_id, number, expected, sub })
    }

    fn write(&self, writer: &mut Writer) -> Result<(), Error> {
        writer.flag(self.components.is_none());
        writer.flag(self.duration.is_some());
        writer.flag(self.restrictions.is_none());
        match self.restrictions {
            None => writer.reserved(5),
            Some(restrictions) => {
                writer.flag(restrictions.web_delivery_allowed);
                writer.flag(restrictions.no_regional_blackout);
                writer.flag(restrictions.archive_allowed);
                writer.bits(restrictions.devices.into(), 2, "device_restrictions")?;
            }
        }
        if let Some(components) = &self.components {
            writer.bits(components.len() as u64, 8, "component_count")?;
            for component in components {
                writer.byte(component.tag);
                writer.reserved(7);
                writer.bits(component.pts_offset, 33, "pts_offset")?;
            }
        }
        if let Some(duration) = self.duration {
            writer.bits(duration, 40, "segmentation_duration")?;
        }
        writer.byte(self.upid.kind);
        writer.bits(self.upid.bytes.len() as u64, 8, "segmentation_upid_length")?;
        writer.extend(&self.upid.bytes);
        for value in [self.type_id, self.number, self.expected] {
            writer.byte(value);
        }
        if let Some(sub) = self.sub {
            writer.byte(sub.number);
            writer.byte(sub.expected);
        }
        Ok(())
    }

    /// Whether the network's programme gives way to a break, an advertisement or a placement opportunity here. Overlays
    /// do not: the programme goes on below them.
    pub fn is_out(&self) -> bool {
        matches!(self.type_id, 0x22 | 0x30 | 0x32 | 0x34 | 0x36 | 0x3c | 0x3e | 0x44 | 0x46)
    }

    /// Whether such a break ends here.
    pub fn is_in(&self) -> bool {
        matches!(self.type_id, 0x23 | 0x31 | 0x33 | 0x35 | 0x37 | 0x3d | 0x3f | 0x45 | 0x47)
    }

    /// The name of `segmentation_type_id` (table 23).
    pub fn type_name(&self) -> &'static str {
        match self.type_id {
            0x00 => "not indicated",
            0x01 => "content identification",
            0x02 => "call ad server",
            0x10 => "program start",
            0x11 => "program end",
            0x12 => "program early termination",
            0x13 => "program breakaway",
            0x14 => "program resumption",
            0x15 => "program runover planned",
            0x16 => "program runover unplanned",
            0x17 => "program overlap start",
            0x18 => "program blackout override",
            0x19 => "program join",
            0x1a => "program immediate resumption",
            0x20 => "chapter start",
            0x21 => "chapter end",
            0x22 => "break start",
            0x23 => "break end",
            0x24 => "opening credit start",
            0x25 => "opening credit end",
            0x26 => "closing credit start",
            0x27 => "closing credit end",
            0x30 => "provider advertisement start",
            0x31 => "provider advertisement end",
            0x32 => "distributor advertisement start",
            0x33 => "distributor advertisement end",
            0x34 => "provider placement opportunity start",
            0x35 => "provider placement opportunity end",
            0x36 => "distributor placement opportunity start",
            0x37 => "distributor placement opportunity end",
            0x38 => "provider overlay placement opportunity start",
            0x39 => "provider overlay placement opportunity end",
            0x3a => "distributor overlay placement opportunity start",
            0x3b => "distributor overlay placement opportunity end",
            0x3c => "provider promo start",
            0x3d => "provider promo end",
            0x3e => "distributor promo start",
            0x3f => "distributor promo end",
            0x40 => "unscheduled event start",
            0x41 => "unscheduled event end",
            0x42 => "alternate content opportunity start",
            0x43 => "alternate content opportunity end",
            0x44 => "provider ad block start",
            0x45 => "provider ad block end",
            0x46 => "distributor ad block start",
            0x47 => "distributor ad block end",
            0x50 => "network start",
            0x51 => "network end",
            _ => "reserved",
        }
    }
}
