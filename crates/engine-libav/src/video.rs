//! One rendition's encoder: quality-targeted under a cap, key frames only where it is told.

use std::collections::VecDeque;

use bytes::Bytes;
use ff::{codec, frame, picture};
use ffmpeg_next as ff;
use media_types::{CodecConfig, Rendition, Sample};
use pipeline::{Coding, EngineError, RangeOrder};

use crate::codecs::{self, Codec, Opened};
use crate::error::{engine, is_again_or_end};
use crate::look::Look;

/// With more, the encoders' buffer models look at how far their other threads have come, and equal orders no longer give equal
/// bytes; a range's renditions run side by side anyway, and ranges do.
const ENCODER_THREADS: usize = 1;

/// Encodes the frames of one range for one rendition.
pub(crate) struct VideoEncoder<'a> {
    order: &'a RangeOrder,
    rendition: &'a Rendition,
    codec: &'static Codec,
    look: Look,
    /// Known when the first picture came out.
    config: Option<CodecConfig>,
    /// `None` only while one makes room for the next.
    encoder: Option<ff::encoder::video::Encoder>,
    /// Whether nothing came out of the encoder yet.
    fresh: bool,
    /// The frames at which the pictures inside the encoder are shown. They are decoded at the same ones, in their order.
    shown: VecDeque<u64>,
    packet: ff::Packet,
    /// What came out of encoders before this one, and was not asked for yet.
    ready: VecDeque<Coded>,
    /// The last one, which lasts until the next begins.
    coded: Option<Coded>,
    finished: bool,
}

/// A coded picture and its times, in frames of the range.
struct Coded {
    dts: u64,
    pts: u64,
    keyframe: bool,
    data: Bytes,
}

impl<'a> VideoEncoder<'a> {
    /// Opens the encoder; `like` is the first converted picture, whose colour description the stream carries.
    pub(crate) fn open(
        order: &'a RangeOrder,
        rendition: &'a Rendition,
        like: &frame::Video,
    ) -> Result<Self, EngineError> {
        let (codec, look) = (codecs::of(rendition.encoding.codec), Look::of(like));
        Ok(Self {
            order,
            rendition,
            codec,
            look,
            config: None,
            encoder: Some(open(order, rendition, codec, look)?),
            fresh: true,
            shown: VecDeque::new(),
            packet: ff::Packet::empty(),
            ready: VecDeque::new(),
            coded: None,
            finished: false,
        })
    }

    /// What a decoder needs first: known as soon as there is a sample.
    pub(crate) fn configuration(&self) -> Option<&CodecConfig> {
        self.config.as_ref()
    }

    /// Encodes `picture` as output frame `index` of the range, 0-based; it stays until the next one's.
    pub(crate) fn push(&mut self, picture: &mut frame::Video, index: u64, coding: Coding) -> Result<(), EngineError> {
        if coding == Coding::Keyframe && index > 0 && !self.codec.takes_orders {
            self.begin_anew()?;
        }
        // Captions are a track of their own; inside of pictures that may be left out or held they would be torn.
        picture.remove_side_data(frame::side_data::Type::A53CC);
        picture.set_pts(Some(index.cast_signed()));
        picture.set_kind(match coding {
            Coding::Keyframe => picture::Type::I,
            Coding::InOrder => picture::Type::P,
            Coding::Free => picture::Type::None,
        });
        self.shown.push_back(index);
        self.encoder()?.send_frame(picture).map_err(engine("encoding"))
    }

    fn encoder(&mut self) -> Result<&mut ff::encoder::video::Encoder, EngineError> {
        self.encoder.as_mut().ok_or_else(|| wrong("the encoder could not be opened again"))
    }

    /// Goes on with an encoder whose first picture is the next one.
    fn begin_anew(&mut self) -> Result<(), EngineError> {
        self.encoder()?.send_eof().map_err(engine("encoding"))?;
        while let Some(coded) = self.receive()? {
            self.ready.push_back(coded);
        }
        // Two would take twice the memory.
        self.encoder = None;
        self.encoder = Some(open(self.order, self.rendition, self.codec, self.look)?);
        self.fresh = true;
        Ok(())
    }

    /// Learns the configuration from the first packet of an encoder.
    fn configure(&mut self) -> Result<(), EngineError> {
        let opened = Opened {
            headers: self.encoder.as_ref().map_or(&[], headers),
            packet: self.packet.data().unwrap_or_default(),
            rendition: self.rendition,
            frame_rate: self.order.video.frame_rate,
            look: self.look,
        };
        let config = (self.codec.configuration)(&opened).ok_or_else(|| wrong("the encoder gave no parameter sets"))?;
        if *self.config.get_or_insert_with(|| config.clone()) != config {
            return Err(wrong("the encoder gave two configurations of one track"));
        }
        self.fresh = false;
        Ok(())
    }

    /// No more frames come.
    pub(crate) fn finish(&mut self) -> Result<(), EngineError> {
        self.finished = true;
        self.encoder()?.send_eof().map_err(engine("encoding"))
    }

    /// The next sample in decode order, if one is ready.
    ///
    /// Decode times are the frames at which pictures are shown, so that they continue without a gap from range to range; a
    /// picture shown before its place in decode order has a negative composition offset (ISO/IEC 14496-12 §8.8.8, version 1).
    pub(crate) fn pull(&mut self) -> Result<Option<Sample>, EngineError> {
        loop {
            let next = match self.ready.pop_front() {
                Some(ready) => Some(ready),
                None => self.receive()?,
            };
            let (before, end) = match (&next, self.finished) {
                (Some(next), _) => (self.coded.take(), next.dts),
                (None, true) => (self.coded.take(), self.order.frame_count()),
                (None, false) => return Ok(None),
            };
            let ended = next.is_none();
            self.coded = next;
            if ended || before.is_some() {
                return Ok(before.map(|coded| self.sample(coded, end)));
            }
        }
    }

    fn receive(&mut self) -> Result<Option<Coded>, EngineError> {
        let Some(encoder) = &mut self.encoder else { return Ok(None) };
        match encoder.receive_packet(&mut self.packet) {
            Ok(()) => {}
            Err(error) if is_again_or_end(&error) => return Ok(None),
            Err(error) => return Err(engine("encoding")(error)),
        }
        if self.fresh {
            self.configure()?;
        }
        let shown = self.packet.pts().and_then(|pts| u64::try_from(pts).ok());
        let pts = shown.ok_or_else(|| wrong("the encoder gave a picture without a time"))?;
        let dts = self.shown.pop_front().unwrap_or(pts);
        let keyframe = self.packet.is_key();
        let data = (self.codec.sample)(self.packet.data().unwrap_or_default())
            .ok_or_else(|| wrong("the encoder gave a damaged picture"))?;
        Ok(Some(Coded { dts, pts, keyframe, data }))
    }

    fn sample(&self, coded: Coded, end: u64) -> Sample {
        let (first_frame, frame_ticks) = (self.order.first_frame, self.order.video.frame_ticks);
        let ticks = |frame: u64| (frame * u64::from(frame_ticks)).cast_signed();
        let Coded { dts, pts, keyframe, data } = coded;
        let frames = u32::try_from(end.saturating_sub(dts)).unwrap_or(u32::MAX);
        Sample {
            dts: ticks(first_frame + dts),
            pts: ticks(first_frame + pts),
            duration: frames.saturating_mul(frame_ticks),
            keyframe,
            data,
        }
    }
}

fn open(
    order: &RangeOrder,
    rendition: &Rendition,
    codec: &Codec,
    look: Look,
) -> Result<ff::encoder::video::Encoder, EngineError> {
    let found = ff::encoder::find_by_name(codec.name).ok_or_else(|| EngineError::Engine {
        detail: format!("this build of FFmpeg has no {}: install libavcodec with it", codec.name),
    })?;
    let mut context = codec::Context::new_with_codec(found);
    context.set_flags(codec::Flags::GLOBAL_HEADER | codec::Flags::CLOSED_GOP);
    context.set_threading(ff::threading::Config { count: ENCODER_THREADS, ..Default::default() });
    let mut video = context.encoder().video().map_err(engine("preparing the encoder"))?;
    let rate = order.video.frame_rate;
    let ratio = ff::Rational::new(rate.num().cast_signed(), rate.den().cast_signed());
    video.set_width(rendition.width);
    video.set_height(rendition.height);
    video.set_time_base(ratio.invert());
    video.set_frame_rate(Some(ratio));
    video.set_aspect_ratio(ff::Rational::new(1, 1));
    video.set_gop(order.video.gop_frames);
    look.put(&mut video);
    let mut options = ff::Dictionary::new();
    for (name, value) in (codec.options)(&order.video, &rendition.encoding) {
        options.set(name, &value);
    }
    video.open_as_with(found, options).map_err(engine("opening the encoder"))
}

fn wrong(detail: &str) -> EngineError {
    EngineError::Engine { detail: detail.to_owned() }
}

fn headers(encoder: &ff::encoder::video::Encoder) -> &[u8] {
    // SAFETY: the encoder is open; extradata is valid for its stated size and stays with it.
    unsafe {
        let raw = &*encoder.as_ptr();
        match raw.extradata.is_null() {
            true => &[],
            false => std::slice::from_raw_parts(raw.extradata, raw.extradata_size as usize),
        }
    }
}
