//! Subtitles that are text and closed captions: what their decoders make of them, on the presentation's clock.

use std::ffi::CStr;

use ff::codec;
use ff::format::context::Input;
use ffmpeg_next as ff;
use media_types::time::rescale;
use media_types::{StreamClock, TextForm, TextPlan};
use pipeline::{EngineError, EngineSink, MAX_CUE_BYTES, MAX_CUES, MAX_TEXT_BYTES, TextCue, TextOrder, TextSummary};
use timed_text::captions::Caption;

use crate::captions::{CaptionTracks, cue, track_of};
use crate::documents::{Documents, Kind};
use crate::error::{engine, input, no_decoder};
use crate::open::{keep_streams, read_packet};
use crate::teletext::{self, Standing};

const MICROSECONDS: u64 = 1_000_000;
/// Bytes of the source between two words about how far it is read.
const PROGRESS_EVERY: u64 = 4 << 20;

pub(crate) fn read_text(
    mut source: Input,
    size_bytes: u64,
    order: &TextOrder,
    sink: &mut dyn EngineSink,
) -> Result<TextSummary, EngineError> {
    let wanted: Vec<usize> = order.tracks.iter().map(|plan| plan.stream_index as usize).collect();
    keep_streams(&mut source, &wanted);
    let mut tracks: Vec<Option<Track>> = order.tracks.iter().map(|plan| Track::open(&source, plan)).collect();
    let mut captions = CaptionTracks::open(&source, &order.tracks);
    let mut told = Told::new(order.tracks.len(), sink);
    let mut packet = ff::Packet::empty();
    let mut reached = 0;
    while read_packet(&mut packet, &mut source).is_ok() {
        let position = u64::try_from(packet.position()).unwrap_or(0).min(size_bytes);
        if position >= reached + PROGRESS_EVERY {
            reached = position;
            told.sink.progress(position, size_bytes)?;
        }
        told.captions(order, captions.as_mut().map_or(Vec::new(), |captions| captions.read(&packet)))?;
        let is_meant = |plan: &TextPlan| plan.channel.is_none() && plan.stream_index as usize == packet.stream();
        for index in (0..tracks.len()).filter(|&index| is_meant(&order.tracks[index])) {
            match tracks[index].as_mut().and_then(|track| track.take(&packet)) {
                Some(cues) => cues.into_iter().try_for_each(|cue| told.cue(index, cue))?,
                None => told.summary.lost_packets += 1,
            }
        }
    }
    told.captions(order, captions.map_or(Vec::new(), CaptionTracks::finish))?;
    for (index, track) in tracks.into_iter().enumerate() {
        let Some(Track::Documents(track)) = track else { continue };
        match track.finish() {
            Some(cues) => cues.into_iter().try_for_each(|cue| told.cue(index, cue))?,
            None => told.summary.lost_packets += 1,
        }
    }
    told.sink.progress(size_bytes, size_bytes)?;
    Ok(told.summary)
}

/// What the sink was told.
struct Told<'s> {
    sink: &'s mut dyn EngineSink,
    summary: TextSummary,
    bytes_left: u64,
}

impl<'s> Told<'s> {
    fn new(tracks: usize, sink: &'s mut dyn EngineSink) -> Self {
        let summary = TextSummary { cues_per_track: vec![0; tracks], lost_packets: 0 };
        Self { sink, summary, bytes_left: MAX_TEXT_BYTES }
    }

    fn cue(&mut self, index: usize, cue: TextCue) -> Result<(), EngineError> {
        let (count, length) = (&mut self.summary.cues_per_track[index], cue.length() as u64);
        if *count < MAX_CUES && length <= self.bytes_left.min(MAX_CUE_BYTES as u64) {
            self.bytes_left -= length;
            *count += 1;
            self.sink.cue(index as u32, cue)?;
        } else {
            self.summary.lost_packets += 1;
        }
        Ok(())
    }

    fn captions(&mut self, order: &TextOrder, captions: Vec<Caption>) -> Result<(), EngineError> {
        for caption in captions {
            if let Some(index) = track_of(&order.tracks, caption.channel) {
                self.cue(index, cue(caption))?;
            }
        }
        Ok(())
    }
}

/// Microseconds per tick of a track, as a fraction.
pub(crate) fn micros_per_tick(plan: &TextPlan) -> (u64, u64) {
    let base = plan.source_time_base;
    (u64::from(base.num.unsigned_abs()) * MICROSECONDS, u64::from(base.den.unsigned_abs()).max(1))
}

enum Track {
    Decoded(Decoder),
    Documents(Documents),
}

impl Track {
    /// `None` for closed captions, and for what cannot be read.
    fn open(source: &Input, plan: &TextPlan) -> Option<Self> {
        if plan.channel.is_some() {
            return None;
        }
        let kind = source.stream(plan.stream_index as usize).and_then(|stream| Kind::of(&stream));
        match kind {
            Some(kind) => Some(Self::Documents(Documents::new(kind, plan))),
            None => Decoder::open(source, plan).ok().map(Self::Decoded),
        }
    }

    /// What a packet says; `None` when it says nothing that can be read.
    fn take(&mut self, packet: &ff::Packet) -> Option<Vec<TextCue>> {
        match self {
            Self::Decoded(track) => track.decode(packet),
            Self::Documents(track) => track.take(packet).map(|()| Vec::new()),
        }
    }
}

struct Decoder {
    decoder: ff::decoder::Subtitle,
    origin_pts: i64,
    /// Microseconds per tick, as a fraction.
    tick: (u64, u64),
    clock: StreamClock,
    /// Where the last packet began that said so.
    position: Option<u64>,
    /// Of a page of teletext.
    standing: Option<Standing>,
}

impl Decoder {
    fn open(source: &Input, plan: &TextPlan) -> Result<Self, EngineError> {
        let stream = plan.stream_index as usize;
        let found = source.stream(stream);
        let found = found.ok_or_else(|| input("input.no_text", "a planned subtitle track is not there"))?;
        let context =
            codec::Context::from_parameters(found.parameters()).map_err(engine("preparing the subtitles' decoder"))?;
        let decoder = match plan.page {
            Some(page) => teletext::open(context, page)?,
            None => {
                let mut decoder = context.decoder();
                decoder.set_packet_time_base(found.time_base());
                decoder.subtitle().map_err(no_decoder("the subtitles"))?
            }
        };
        Ok(Self {
            decoder,
            origin_pts: plan.origin_pts,
            tick: micros_per_tick(plan),
            clock: plan.clock.clone(),
            position: None,
            standing: plan.page.map(|_| Standing::default()),
        })
    }

    /// What a packet says, one cue for each place on the screen; an empty one where it clears the screen. `None` for a packet
    /// that says nothing that can be read.
    fn decode(&mut self, packet: &ff::Packet) -> Option<Vec<TextCue>> {
        self.position = u64::try_from(packet.position()).ok().or(self.position);
        let (dts, pts) = self.clock.times(self.position, packet.dts(), packet.pts());
        let start = pts.or(dts)?;
        let mut decoded = Decoded(ff::Subtitle::new());
        let mut cues = match self.decoder.decode(packet, &mut decoded.0).ok()? {
            true => self.cues(&decoded, start, packet.duration()),
            false => return Some(Vec::new()),
        };
        // One packet may complete a page more than once; the decoder then hands out one each time it is asked.
        for _ in 0..self.standing.as_ref().map_or(0, |_| teletext::MOST_HELD) {
            let mut decoded = Decoded(ff::Subtitle::new());
            if !self.decoder.decode(&ff::Packet::empty(), &mut decoded.0).ok()? {
                break;
            }
            cues.extend(self.cues(&decoded, start, 0));
        }
        Some(cues)
    }

    fn cues(&mut self, decoded: &Decoded, start: i64, length: i64) -> Vec<TextCue> {
        let (from_ms, to_ms) = decoded.shown_ms();
        let start_us = self.micros(start.saturating_sub(self.origin_pts));
        let end_us = match (length, to_ms) {
            (length @ 1.., _) => Some(start_us.saturating_add(self.micros(length))),
            (_, Some(to_ms)) => Some(start_us.saturating_add(i64::from(to_ms) * 1000)),
            (_, None) => None,
        };
        let start_us = start_us.saturating_add(i64::from(from_ms) * 1000);
        let mut events = decoded.events();
        if events.is_empty() {
            events.push(String::new());
        }
        if self.standing.as_mut().is_some_and(|standing| !standing.is_news(&events)) {
            return Vec::new();
        }
        events.into_iter().map(|event| TextCue { start_us, end_us, event, form: TextForm::Event }).collect()
    }

    fn micros(&self, ticks: i64) -> i64 {
        rescale(ticks, self.tick.0, self.tick.1)
    }
}

/// A decoded subtitle, which the bindings would not free.
struct Decoded(ff::Subtitle);

impl Decoded {
    /// From when to when it is shown after its packet's time; without an end when nothing says so.
    fn shown_ms(&self) -> (u32, Option<u32>) {
        // SAFETY: plain fields of a valid structure.
        let (from, to) = unsafe { ((*self.0.as_ptr()).start_display_time, (*self.0.as_ptr()).end_display_time) };
        (from, Some(to).filter(|&to| to > from && to != u32::MAX))
    }

    fn events(&self) -> Vec<String> {
        // SAFETY: the decoder filled `rects` with `num_rects` valid pointers, whose `ass` is null or a terminated string.
        unsafe {
            let subtitle = &*self.0.as_ptr();
            let rects = (0..subtitle.num_rects as usize).map(|index| &**subtitle.rects.add(index));
            let texts = rects.filter(|rect| !rect.ass.is_null()).map(|rect| CStr::from_ptr(rect.ass));
            texts.map(|text| clipped(&text.to_string_lossy())).collect()
        }
    }
}

impl Drop for Decoded {
    fn drop(&mut self) {
        // SAFETY: the structure is valid, and not used after this.
        unsafe { ff::ffi::avsubtitle_free(self.0.as_mut_ptr()) };
    }
}

/// As many whole characters as may be handed over.
pub(crate) fn clipped(text: &str) -> String {
    let end = (0..=text.len().min(MAX_CUE_BYTES)).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    text[..end].to_owned()
}
