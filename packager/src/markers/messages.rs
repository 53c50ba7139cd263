//! Breaks joined from the messages that begin and end them.

use std::collections::BTreeMap;

use bytes::Bytes;
use media_types::{MediaTime, Timescale};

use super::splice::{Act, Message, Point, read};
use super::{MOST_MARKERS, Marker, Messages};

/// What the messages of a stream say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// By their starts.
    pub markers: Vec<Marker>,
    /// Messages that are encrypted or contradict themselves.
    pub unread: usize,
    /// Messages of a time before the presentation, and those behind the [`MOST_MARKERS`]th marker.
    pub passed_over: usize,
}

/// Joins the messages of one stream, in the order in which they came, each with the time it speaks of: 90 kHz from the
/// presentation's start, `None` for those without a time.
///
/// A break is one marker from its beginning to its end, which share an event id (RFC 8216bis §4.4.5.1.1). Messages that
/// say again what is known change nothing; one that states another time for a break that is not over moves it; one
/// that is cancelled goes. A break that ends by itself lasts as long as it states.
pub fn from_messages(messages: impl IntoIterator<Item = (Option<i64>, Bytes)>) -> Found {
    let mut found = Found::default();
    let mut joiner = Joiner::default();
    for (at, section) in messages {
        let Some(message) = read(&section) else {
            found.unread += 1;
            continue;
        };
        joiner.cancel(&message);
        // A message without a time says nothing of any place.
        let Some(at) = at else { continue };
        if at < 0 || joiner.all.len() >= MOST_MARKERS {
            found.passed_over += 1;
            continue;
        }
        joiner.take(at, &message, &section);
    }
    found.markers = joiner.finish();
    found
}

/// What makes two messages speak of one event: what begins, and its id.
type Key = (Option<u8>, u32);

/// A marker in the making; times in 90 kHz.
#[derive(Debug)]
struct Draft {
    name: String,
    start: i64,
    duration: Option<i64>,
    planned: Option<i64>,
    messages: Messages,
    cuts: bool,
}

/// Types of SCTE 35 table 23 below this begin and end nothing: they name content, as often as they like.
const FIRST_BORDER: u8 = 0x10;

#[derive(Debug, Default)]
struct Joiner {
    /// `None` where one was cancelled.
    all: Vec<Option<Draft>>,
    /// The latest of each event.
    latest: BTreeMap<Key, usize>,
}

impl Joiner {
    /// Withdraws what the message cancels, unless it is over.
    fn cancel(&mut self, message: &Message) {
        for point in message.points.iter().filter(|point| point.act == Act::Cancel) {
            let these = self.latest.iter().filter(|((segment, id), _)| {
                // A cancelled segment does not say its type.
                *id == point.id && segment.is_some() == message.is_signal
            });
            for (_, &position) in these {
                let place = &mut self.all[position];
                if place.as_ref().is_some_and(|draft| draft.messages.back.is_none()) {
                    *place = None;
                }
            }
        }
    }

    fn take(&mut self, at: i64, message: &Message, section: &Bytes) {
        if message.is_signal && message.points.is_empty() {
            let messages = Messages { command: Some(section.clone()), ..Messages::default() };
            let name = "signal".to_owned();
            self.push(Draft { name, start: at, duration: None, planned: None, messages, cuts: false }, None);
        }
        for point in &message.points {
            match point.act {
                Act::Out { planned, returns } => self.out(at, point, ticks(planned), returns, section),
                Act::Back => self.back(at, point, section),
                Act::Note { planned } => self.note(at, point, ticks(planned), section),
                Act::Cancel => {}
            }
        }
    }

    fn out(&mut self, at: i64, point: &Point, planned: Option<i64>, returns: bool, section: &Bytes) {
        let duration = planned.filter(|_| returns);
        let messages = Messages { out: Some(section.clone()), ..Messages::default() };
        let draft = Draft { name: name(point), start: at, duration, planned, messages, cuts: true };
        match self.latest(point).filter(|known| known.messages.out.is_some()) {
            Some(known) if known.start == at => {}
            Some(known) if !known.is_over(at) => *known = draft,
            _ => self.push(draft, Some(key(point))),
        }
    }

    fn back(&mut self, at: i64, point: &Point, section: &Bytes) {
        let messages = Messages { back: Some(section.clone()), ..Messages::default() };
        match self.latest(point) {
            // A lone end that is said again.
            Some(known) if known.messages.out.is_none() && known.start == at => {}
            Some(known) if known.messages.out.is_some() && known.start <= at => {
                known.duration = Some(at - known.start);
                known.messages.back.get_or_insert_with(|| section.clone());
            }
            _ => {
                let name = name(point);
                let draft = Draft { name, start: at, duration: None, planned: None, messages, cuts: true };
                self.push(draft, Some(key(point)));
            }
        }
    }

    fn note(&mut self, at: i64, point: &Point, planned: Option<i64>, section: &Bytes) {
        if self.latest(point).is_some_and(|known| known.start == at) {
            return;
        }
        let messages = Messages { command: Some(section.clone()), ..Messages::default() };
        let cuts = point.segment.is_some_and(|kind| kind >= FIRST_BORDER);
        let draft = Draft { name: name(point), start: at, duration: None, planned, messages, cuts };
        self.push(draft, Some(key(point)));
    }

    fn latest(&mut self, point: &Point) -> Option<&mut Draft> {
        let position = *self.latest.get(&key(point))?;
        self.all[position].as_mut()
    }

    fn push(&mut self, draft: Draft, key: Option<Key>) {
        if let Some(key) = key {
            self.latest.insert(key, self.all.len());
        }
        self.all.push(Some(draft));
    }

    fn finish(self) -> Vec<Marker> {
        let mut drafts: Vec<Draft> = self.all.into_iter().flatten().collect();
        drafts.sort_by_key(|draft| draft.start);
        // One message may hold several descriptors.
        drafts.truncate(MOST_MARKERS);
        let mut named: BTreeMap<String, usize> = BTreeMap::new();
        let time = |ticks| MediaTime::new(ticks, Timescale::NINETY_KHZ);
        let markers = drafts.into_iter().map(|draft| {
            let count = named.entry(draft.name.clone()).or_insert(0);
            *count += 1;
            Marker {
                id: if *count == 1 { draft.name } else { format!("{}-{count}", draft.name) },
                class: None,
                start: time(draft.start),
                duration: draft.duration.map(time),
                planned: draft.planned.map(time),
                messages: draft.messages,
                cuts: draft.cuts,
                interstitial: None,
            }
        });
        markers.collect()
    }
}

impl Draft {
    /// Whether a break that starts at `at` cannot be this one with another time.
    fn is_over(&self, at: i64) -> bool {
        let length = self.duration.or(self.planned);
        self.messages.back.is_some() || length.is_some_and(|length| self.start.saturating_add(length) <= at)
    }
}

/// Field widths are 33 and 40 bits.
fn ticks(planned: Option<u64>) -> Option<i64> {
    planned.and_then(|ticks| i64::try_from(ticks).ok())
}

fn key(point: &Point) -> Key {
    (point.segment, point.id)
}

fn name(point: &Point) -> String {
    match point.segment {
        None => format!("splice-{}", point.id),
        Some(kind) => format!("segmentation-{}-{kind:02x}", point.id),
    }
}
