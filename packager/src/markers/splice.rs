//! What a `splice_info_section` says of breaks (SCTE 35 §9.6, §9.7, §10.3.3), as far as joining them needs it.

use scte35::{Command, Descriptor, Section};

/// What one message says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Message {
    /// It is a `time_signal`: a place, whatever its descriptors say.
    pub(super) is_signal: bool,
    pub(super) points: Vec<Point>,
}

/// One event of a message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Point {
    /// `splice_event_id` or `segmentation_event_id`.
    pub(super) id: u32,
    /// `segmentation_type_id`, of what begins where something ends; `None` for `splice_insert`.
    pub(super) segment: Option<u8>,
    pub(super) act: Act,
}

/// What happens to an event.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// A break begins: its length in 90 kHz, and whether it ends by itself then.
    Out { planned: Option<u64>, returns: bool },
    /// A break ends.
    Back,
    /// Neither.
    Note { planned: Option<u64> },
    /// It does not take place.
    Cancel,
}

/// Reads a section whose CRC was checked; `None` when it is encrypted or contradicts itself.
pub(super) fn read(section: &[u8]) -> Option<Message> {
    let section = Section::parse(section).ok()?;
    let is_signal = matches!(section.command, Command::TimeSignal(_));
    let points = match &section.command {
        Command::Insert(insert) => {
            let act = insert.event.as_ref().map_or(Act::Cancel, |event| match event.duration {
                _ if !event.out_of_network => Act::Back,
                None => Act::Out { planned: None, returns: false },
                Some(length) => Act::Out { planned: Some(length.ticks), returns: length.auto_return },
            });
            vec![Point { id: insert.event_id, segment: None, act }]
        }
        Command::TimeSignal(_) => section.descriptors.iter().filter_map(point).collect(),
        _ => Vec::new(),
    };
    Some(Message { is_signal, points })
}

/// Table 23: the type of an end is the next number behind that of what it ends.
fn point(descriptor: &Descriptor) -> Option<Point> {
    let Descriptor::Segmentation(descriptor) = descriptor else { return None };
    let (segment, act) = match &descriptor.segment {
        None => (None, Act::Cancel),
        Some(one) if one.is_out() => (Some(one.type_id), Act::Out { planned: one.duration, returns: false }),
        Some(one) if one.is_in() => (Some(one.type_id - 1), Act::Back),
        Some(one) => (Some(one.type_id), Act::Note { planned: one.duration }),
    };
    Some(Point { id: descriptor.event_id, segment, act })
}
