//! Chapters as events of a period (ISO/IEC 23009-1 §5.10.2).
//!
//! DASH has no chapters of its own: no role says so, and a text set without one would be offered among the subtitles. Events
//! are its way to name times in the manifest, and players pass over schemes that they do not know.

use dash_mpd_core::{Event, EventStream};
use media_types::{MediaTime, Timescale};

use crate::Chapter;
use crate::markers::ninety_khz;

/// An event is a chapter, its text the title; `@value` is the language of all titles of a stream.
const CHAPTERS: &str = "urn:lectern:chapter:2026";
const MICROSECONDS: Timescale = Timescale::new(1_000_000).expect("not zero");

/// A stream for each language that any chapter has a title in.
pub(super) fn streams(chapters: &[Chapter]) -> Vec<EventStream> {
    let mut streams: Vec<EventStream> = Vec::new();
    for (position, chapter) in chapters.iter().enumerate() {
        for title in &chapter.titles {
            let start = ticks(chapter.start_us);
            let event = Event {
                id: Some((position + 1).to_string()),
                presentationTime: Some(start),
                duration: chapter.end_us.map(|end| ticks(end).saturating_sub(start)),
                content: Some(title.text.clone()),
                ..Event::default()
            };
            match streams.iter_mut().find(|stream| stream.value.as_ref() == Some(&title.language)) {
                Some(stream) => stream.event.push(event),
                None => streams.push(EventStream {
                    schemeIdUri: CHAPTERS.to_owned(),
                    value: Some(title.language.clone()),
                    timescale: Some(Timescale::NINETY_KHZ.get().into()),
                    event: vec![event],
                    ..EventStream::default()
                }),
            }
        }
    }
    streams
}

fn ticks(us: u64) -> u64 {
    ninety_khz(MediaTime::new(i64::try_from(us).unwrap_or(i64::MAX), MICROSECONDS))
}
