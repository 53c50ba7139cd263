//! Closed captions inside of pictures: whether there is room for any, and what they say.

use bitstream::sei::{CaptionCarrier, CaptionOrder, CaptionPair};
use ff::codec::Id;
use ff::format::context::Input;
use ffmpeg_next as ff;
use media_types::segment::CaptionChannel;
use media_types::time::rescale;
use media_types::{TextForm, TextPlan};
use pipeline::TextCue;
use timed_text::captions::{Caption, CaptionReader};

use crate::open::SharedSource;
use crate::packets::is_discarded;
use crate::text::{clipped, micros_per_tick};

/// Pictures of an indexed file that are looked into, spread over its beginning.
const LOOKS: usize = 24;
/// Seconds of that: no more of a source may be there yet.
const BEGINNING_S: f64 = 30.0;
/// What is read of each: captions come before its slices.
const HEAD_BYTES: usize = 4 << 10;

/// How the pictures of a stream carry captions; `None` when captions of its codec are not looked for.
pub(crate) fn carrier(stream: &ff::Stream<'_>) -> Option<CaptionCarrier> {
    let parameters = stream.parameters();
    // SAFETY: the parameters belong to a stream of an open context; the extradata are null or that long.
    let head = unsafe {
        let raw = &*parameters.as_ptr();
        let length = usize::try_from(raw.extradata_size).unwrap_or(0);
        if raw.extradata.is_null() { &[][..] } else { std::slice::from_raw_parts(raw.extradata, length) }
    };
    // ISO/IEC 14496-15 §5.3.3.1.2 and §8.3.3.1.2: `configurationVersion`, and `lengthSizeMinusOne` further on.
    let length_at = |at: usize| (head.first() == Some(&1)).then(|| head.get(at).map(|byte| usize::from(byte & 3) + 1));
    match parameters.id() {
        Id::H264 => Some(CaptionCarrier::Avc(length_at(4).flatten())),
        Id::HEVC => Some(CaptionCarrier::Hevc(length_at(21).flatten())),
        Id::MPEG2VIDEO => Some(CaptionCarrier::Mpeg2),
        _ => None,
    }
}

/// Whether some of the first pictures that an index names have room for captions: who writes captions into a recording makes room
/// for them in all of its pictures.
pub(crate) fn are_indexed(source: &Input, bytes: &SharedSource, video: usize) -> bool {
    let Some(stream) = source.stream(video) else { return false };
    let Some(carrier) = carrier(&stream) else { return false };
    // SAFETY: the stream belongs to an open context, whose index lives as long as it and is not changed here.
    let places: Vec<(i64, i32)> = unsafe {
        let raw = stream.as_ptr().cast_mut();
        let all = ff::ffi::avformat_index_get_entries_count(raw).max(0);
        let entry = |at| ff::ffi::avformat_index_get_entry(raw, at).as_ref();
        let first = entry(0).map_or(0, |first| first.timestamp);
        let seconds = |at| {
            entry(at).map_or(0.0, |entry| entry.timestamp.saturating_sub(first) as f64 * f64::from(stream.time_base()))
        };
        let count = (0..all).take_while(|at| seconds(*at) <= BEGINNING_S).count();
        let step = count.div_ceil(LOOKS).max(1);
        (0..all).take(count).step_by(step).filter_map(entry).map(|entry| (entry.pos, entry.size())).collect()
    };
    let mut head = [0; HEAD_BYTES];
    places.into_iter().any(|(position, size)| {
        let (Ok(position), Ok(size)) = (u64::try_from(position), usize::try_from(size)) else { return false };
        let wanted = &mut head[..size.min(HEAD_BYTES)];
        let read = bytes.read_at(position, wanted).unwrap_or(0);
        !carrier.pairs(&wanted[..read], true).is_empty()
    })
}

/// Reads the captions of a stream of pictures for all its planned tracks.
pub(crate) struct CaptionTracks {
    stream: usize,
    carrier: CaptionCarrier,
    /// One plan of those tracks: they differ in their channels alone.
    plan: TextPlan,
    /// Microseconds per tick, as a fraction.
    tick: (u64, u64),
    order: CaptionOrder,
    reader: CaptionReader,
    /// Where the last packet began that said so.
    position: Option<u64>,
    /// A picture was seen that is shown.
    begun: bool,
}

impl CaptionTracks {
    /// Of the first planned stream of pictures: there is one video in a plan.
    pub(crate) fn open(source: &Input, plans: &[TextPlan]) -> Option<Self> {
        let plan = plans.iter().find(|plan| plan.channel.is_some())?;
        let stream = plan.stream_index as usize;
        Some(Self {
            stream,
            carrier: carrier(&source.stream(stream)?)?,
            plan: plan.clone(),
            tick: micros_per_tick(plan),
            order: CaptionOrder::default(),
            reader: CaptionReader::default(),
            position: None,
            begun: false,
        })
    }

    /// What a packet of any stream completes.
    pub(crate) fn read(&mut self, packet: &ff::Packet) -> Vec<Caption> {
        if packet.stream() != self.stream {
            return Vec::new();
        }
        self.position = u64::try_from(packet.position()).ok().or(self.position);
        let (dts, pts) = self.plan.clock.times(self.position, packet.dts(), packet.pts());
        let (Some(pts), Some(data)) = (pts.or(dts), packet.data()) else { return Vec::new() };
        // What an edit list takes out in the middle is not said; what lies before all may be shown at the start.
        let hidden = is_discarded(packet);
        self.begun |= !hidden;
        if hidden && self.begun {
            return Vec::new();
        }
        self.order.picture(pts, self.carrier.pairs(data, false));
        let mut said = Vec::new();
        while let Some((pts, pairs)) = self.order.next_shown() {
            said.extend(self.show(pts, &pairs));
        }
        said
    }

    /// What is left when no packet follows.
    pub(crate) fn finish(mut self) -> Vec<Caption> {
        let mut said = Vec::new();
        while let Some((pts, pairs)) = self.order.next_left() {
            said.extend(self.show(pts, &pairs));
        }
        said.extend(self.reader.finish());
        said
    }

    fn show(&mut self, pts: i64, pairs: &[CaptionPair]) -> Vec<Caption> {
        let at_us = rescale(pts.saturating_sub(self.plan.origin_pts), self.tick.0, self.tick.1);
        self.reader.picture(at_us, pairs)
    }
}

/// The planned track of a channel.
pub(crate) fn track_of(plans: &[TextPlan], channel: CaptionChannel) -> Option<usize> {
    plans.iter().position(|plan| plan.channel == Some(channel))
}

/// A caption as an event of Advanced SubStation Alpha.
pub(crate) fn cue(caption: Caption) -> TextCue {
    let Caption { start_us, end_us, place, text, .. } = caption;
    TextCue { start_us, end_us, event: clipped(&format!("0,0,Default,,0,0,0,,{text}")), form: TextForm::Placed(place) }
}
