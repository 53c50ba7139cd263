//! Whether a break begins or ends with a message.

use crate::{Command, Descriptor, Section, Segment};

const MODULUS: u64 = 1 << 33;

impl Section {
    /// When the message takes effect: its 33-bit presentation time with `pts_adjustment`. `None` for as soon as possible,
    /// and for commands without a time.
    pub fn time(&self) -> Option<u64> {
        let stated = match &self.command {
            Command::TimeSignal(time) => *time,
            Command::Insert(insert) => insert.event.as_ref()?.time(),
            _ => None,
        }?;
        Some(stated.wrapping_add(self.pts_adjustment) % MODULUS)
    }

    /// The segmentation descriptors that are not cancelled.
    pub fn segments(&self) -> impl Iterator<Item = &Segment> {
        self.descriptors.iter().filter_map(|descriptor| match descriptor {
            Descriptor::Segmentation(segmentation) => segmentation.segment.as_ref(),
            _ => None,
        })
    }

    /// Whether a break begins: the programme gives way to other content.
    pub fn is_out(&self) -> bool {
        match &self.command {
            Command::Insert(insert) => insert.event.as_ref().is_some_and(|event| event.out_of_network),
            Command::TimeSignal(_) => self.segments().any(Segment::is_out),
            _ => false,
        }
    }

    /// Whether a break ends: the programme returns. A message may end one break and begin the next.
    pub fn is_in(&self) -> bool {
        match &self.command {
            Command::Insert(insert) => insert.event.as_ref().is_some_and(|event| !event.out_of_network),
            Command::TimeSignal(_) => self.segments().any(Segment::is_in),
            _ => false,
        }
    }

    /// How long the break that begins lasts, in 90 kHz; the longest one stated, since breaks hold advertisements.
    pub fn duration(&self) -> Option<u64> {
        match &self.command {
            Command::Insert(insert) => {
                let event = insert.event.as_ref().filter(|event| event.out_of_network)?;
                event.duration.map(|duration| duration.ticks)
            }
            Command::TimeSignal(_) => {
                self.segments().filter(|segment| segment.is_out()).filter_map(|segment| segment.duration).max()
            }
            _ => None,
        }
    }
}
