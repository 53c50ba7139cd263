//! Text in MP4 samples that libavcodec does not read: WebVTT and TTML (ISO/IEC 14496-30).

use std::num::NonZeroU32;

use ffmpeg_next as ff;
use media_types::time::rescale;
use media_types::{TextForm, TextPlan};
use pipeline::{MAX_TEXT_BYTES, TextCue};
use timed_text::{stpp, wvtt};

use crate::text::micros_per_tick;

/// Samples are read on this clock.
const MICROSECONDS: NonZeroU32 = NonZeroU32::new(1_000_000).expect("a million is not zero");

/// How a sample says its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Wvtt,
    Stpp,
}

impl Kind {
    /// By the name of the sample entry.
    pub(crate) fn of(stream: &ff::Stream<'_>) -> Option<Self> {
        // SAFETY: the parameters belong to a stream of an open context.
        let tag = unsafe { (*stream.parameters().as_ptr()).codec_tag };
        match &tag.to_le_bytes() {
            b"wvtt" => Some(Self::Wvtt),
            b"stpp" => Some(Self::Stpp),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Wvtt => "wvtt",
            Self::Stpp => "stpp",
        }
    }
}

/// The samples of a track, until all are there: cues go on from one to the next.
pub(crate) struct Documents {
    kind: Kind,
    tick: (u64, u64),
    origin_pts: i64,
    samples: Vec<(i64, u32, Vec<u8>)>,
    bytes: u64,
}

impl Documents {
    pub(crate) fn new(kind: Kind, plan: &TextPlan) -> Self {
        Self { kind, tick: micros_per_tick(plan), origin_pts: plan.origin_pts, samples: Vec::new(), bytes: 0 }
    }

    /// Takes the next sample; `None` when it is one too many.
    pub(crate) fn take(&mut self, packet: &ff::Packet) -> Option<()> {
        let start = rescale(packet.pts().or(packet.dts())?, self.tick.0, self.tick.1);
        let data = packet.data()?;
        self.bytes += data.len() as u64;
        let length = u32::try_from(rescale(packet.duration(), self.tick.0, self.tick.1)).ok()?;
        (self.bytes <= MAX_TEXT_BYTES).then(|| self.samples.push((start, length, data.to_vec())))
    }

    /// The cues of all samples; `None` when they cannot be read.
    pub(crate) fn finish(self) -> Option<Vec<TextCue>> {
        let samples = self.samples.iter().map(|(start, length, data)| (*start, *length, &data[..]));
        let read = match self.kind {
            Kind::Wvtt => wvtt::document("WEBVTT", MICROSECONDS, samples),
            Kind::Stpp => stpp::document(MICROSECONDS, samples, false),
        };
        let origin_us = rescale(self.origin_pts, self.tick.0, self.tick.1);
        let cue = |cue: timed_text::Cue| TextCue {
            start_us: cue.start_us.saturating_sub(origin_us),
            end_us: Some(cue.end_us.saturating_sub(origin_us)),
            event: cue.payload,
            form: TextForm::WebVtt(cue.settings),
        };
        Some(read.ok()?.document.cues.into_iter().map(cue).collect())
    }
}
