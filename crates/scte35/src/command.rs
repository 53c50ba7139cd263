//! Splice commands (SCTE 35 §9.7).

use crate::Error;
use crate::bits::{Reader, Writer};

/// `splice_time()` (§9.8.1): a 33-bit presentation time before `pts_adjustment`, or none: as soon as possible.
pub type SpliceTime = Option<u64>;

/// What a message asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// `splice_null()`: nothing; keeps the stream of messages alive or carries descriptors.
    Null,
    /// `splice_schedule()`, as its bytes: events by wall-clock time.
    Schedule(Vec<u8>),
    /// `splice_insert()`: a splice event.
    Insert(SpliceInsert),
    /// `time_signal()`: a time for the descriptors to speak of.
    TimeSignal(SpliceTime),
    /// `bandwidth_reservation()`: nothing.
    BandwidthReservation,
    /// `private_command()`.
    Private {
        /// Registered identifier.
        identifier: u32,
        /// What follows it.
        bytes: Vec<u8>,
    },
}

/// `splice_insert()` (§9.7.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpliceInsert {
    /// `splice_event_id`.
    pub event_id: u32,
    /// `None` when the event of this id is cancelled.
    pub event: Option<Splice>,
}

/// A splice event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Splice {
    /// `out_of_network_indicator`: a break begins; otherwise the network feed returns.
    pub out_of_network: bool,
    /// `event_id_compliance_flag` as it is written; reserved bits of older versions are 1.
    pub event_id_compliance: bool,
    /// What is spliced, and when.
    pub target: SpliceTarget,
    /// How long the break lasts.
    pub duration: Option<BreakDuration>,
    /// `unique_program_id`.
    pub unique_program_id: u16,
    /// `avail_num`: which avail of the program this is, 0 when not used.
    pub avail_num: u8,
    /// `avails_expected`.
    pub avails_expected: u8,
}

/// What is spliced, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpliceTarget {
    /// The whole program, at this time.
    Program(SpliceTime),
    /// The whole program, as soon as possible (`splice_immediate_flag`).
    ProgramNow,
    /// Single components, each at its time.
    Components(Vec<ComponentSplice>),
    /// Single components by their tags, as soon as possible.
    ComponentsNow(Vec<u8>),
}

/// One component's splice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ComponentSplice {
    /// `component_tag`.
    pub tag: u8,
    /// When.
    pub time: SpliceTime,
}

/// `break_duration()` (§9.8.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakDuration {
    /// The break ends by itself after `ticks`.
    pub auto_return: bool,
    /// Length in 90 kHz, 33 bits.
    pub ticks: u64,
}

impl Command {
    /// `splice_command_type`.
    pub fn code(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Schedule(_) => 4,
            Self::Insert(_) => 5,
            Self::TimeSignal(_) => 6,
            Self::BandwidthReservation => 7,
            Self::Private { .. } => 0xff,
        }
    }

    /// Reads a command; `reader` goes on behind it. `whole` says that the reader ends with the command.
    pub(crate) fn read(code: u8, reader: &mut Reader<'_>, whole: bool) -> Result<Self, Error> {
        Ok(match code {
            0 => Self::Null,
            5 => Self::Insert(SpliceInsert::read(reader)?),
            6 => Self::TimeSignal(read_time(reader)?),
            7 => Self::BandwidthReservation,
            4 | 0xff if !whole => return Err(Error::Length("a splice command")),
            4 => Self::Schedule(reader.rest().to_vec()),
            0xff => Self::Private { identifier: reader.bits(32)? as u32, bytes: reader.rest().to_vec() },
            other => return Err(Error::Command(other)),
        })
    }

    pub(crate) fn write(&self, writer: &mut Writer) -> Result<(), Error> {
        match self {
            Self::Null | Self::BandwidthReservation => {}
            Self::Schedule(bytes) => writer.extend(bytes),
            Self::Insert(insert) => insert.write(writer)?,
            Self::TimeSignal(time) => write_time(*time, writer)?,
            Self::Private { identifier, bytes } => {
                writer.small((*identifier).into(), 32);
                writer.extend(bytes);
            }
        }
        Ok(())
    }
}

fn read_time(reader: &mut Reader<'_>) -> Result<SpliceTime, Error> {
    if !reader.flag()? {
        reader.bits(7)?;
        return Ok(None);
    }
    reader.bits(6)?;
    reader.bits(33).map(Some)
}

fn write_time(time: SpliceTime, writer: &mut Writer) -> Result<(), Error> {
    writer.flag(time.is_some());
    match time {
        None => writer.reserved(7),
        Some(ticks) => {
            writer.reserved(6);
            writer.bits(ticks, 33, "pts_time")?;
        }
    }
    Ok(())
}

impl SpliceInsert {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        let event_id = reader.bits(32)? as u32;
        let is_cancelled = reader.flag()?;
        reader.bits(7)?;
        Ok(Self { event_id, event: if is_cancelled { None } else { Some(Splice::read(reader)?) } })
    }

    fn write(&self, writer: &mut Writer) -> Result<(), Error> {
        writer.small(self.event_id.into(), 32);
        writer.flag(self.event.is_none());
        writer.reserved(7);
        self.event.as_ref().map_or(Ok(()), |event| event.write(writer))
    }
}

impl Splice {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        let out_of_network = reader.flag()?;
        let (is_program, has_duration, is_immediate) = (reader.flag()?, reader.flag()?, reader.flag()?);
        let event_id_compliance = reader.flag()?;
        reader.bits(3)?;
        let target = match (is_program, is_immediate) {
            (true, true) => SpliceTarget::ProgramNow,
            (true, false) => SpliceTarget::Program(read_time(reader)?),
            (false, true) => {
                let count = reader.byte()?;
                SpliceTarget::ComponentsNow(reader.take(count.into())?.to_vec())
            }
            (false, false) => {
                let count = reader.byte()?;
                let read = |_| Ok(ComponentSplice { tag: reader.byte()?, time: read_time(reader)? });
                SpliceTarget::Components((0..count).map(read).collect::<Result<_, Error>>()?)
            }
        };
        let duration = if has_duration { Some(BreakDuration::read(reader)?) } else { None };
        Ok(Self {
            out_of_network,
            event_id_compliance,
            target,
            duration,
            unique_program_id: reader.bits(16)? as u16,
            avail_num: reader.byte()?,
            avails_expected: reader.byte()?,
        })
    }

    fn write(&self, writer: &mut Writer) -> Result<(), Error> {
        writer.flag(self.out_of_network);
        writer.flag(matches!(self.target, SpliceTarget::Program(_) | SpliceTarget::ProgramNow));
        writer.flag(self.duration.is_some());
        writer.flag(matches!(self.target, SpliceTarget::ProgramNow | SpliceTarget::ComponentsNow(_)));
        writer.flag(self.event_id_compliance);
        writer.reserved(3);
        match &self.target {
            SpliceTarget::ProgramNow => {}
            SpliceTarget::Program(time) => write_time(*time, writer)?,
            SpliceTarget::ComponentsNow(tags) => {
                writer.bits(tags.len() as u64, 8, "component_count")?;
                writer.extend(tags);
            }
            SpliceTarget::Components(components) => {
                writer.bits(components.len() as u64, 8, "component_count")?;
                for component in components {
                    writer.byte(component.tag);
                    write_time(component.time, writer)?;
                }
            }
        }
        if let Some(duration) = self.duration {
            writer.flag(duration.auto_return);
            writer.reserved(6);
            writer.bits(duration.ticks, 33, "break_duration")?;
        }
        writer.small(self.unique_program_id.into(), 16);
        writer.byte(self.avail_num);
        writer.byte(self.avails_expected);
        Ok(())
    }

    /// When it takes place; `None` as soon as possible. Of components, the earliest.
    pub fn time(&self) -> SpliceTime {
        match &self.target {
            SpliceTarget::Program(time) => *time,
            SpliceTarget::Components(components) => components.iter().filter_map(|component| component.time).min(),
            SpliceTarget::ProgramNow | SpliceTarget::ComponentsNow(_) => None,
        }
    }
}

impl BreakDuration {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        let auto_return = reader.flag()?;
        reader.bits(6)?;
        Ok(Self { auto_return, ticks: reader.bits(33)? })
    }
}
