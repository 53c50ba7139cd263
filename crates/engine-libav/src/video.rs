//! One rendition's encoder: H.264 High by x264, quality-targeted under a cap, IDR pictures only where the plan says.

use std::collections::VecDeque;

use bytes::Bytes;
use ff::{codec, frame, picture};
use ffmpeg_next as ff;
use media_types::{CodecConfig, Rendition, Sample};
use pipeline::{EngineError, RangeOrder};

use crate::error::{engine, is_again_or_end};
use crate::h264;

/// With more, x264's buffer model looks at how far its other threads have come, and equal orders no longer give equal
/// bytes; a range's renditions run side by side anyway, and ranges do.
const ENCODER_THREADS: usize = 1;

/// Encodes the frames of one range for one rendition.
pub(crate) struct VideoEncoder {
    encoder: ff::encoder::video::Encoder,
    first_frame: u64,
    frame_count: u64,
    gop_frames: u64,
    frame_ticks: u32,
    /// The frames at which the pictures inside the encoder are shown. They are decoded at the same ones, in their order.
    shown: VecDeque<u64>,
    packet: ff::Packet,
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

impl VideoEncoder {
    /// Opens the encoder; `like` is the first converted picture, whose colour description the stream carries.
    pub(crate) fn open(
        order: &RangeOrder,
        rendition: &Rendition,
        like: &frame::Video,
    ) -> Result<(Self, CodecConfig), EngineError> {
        let name = "libx264";
        let found = ff::encoder::find_by_name(name).ok_or_else(|| EngineError::Engine {
            detail: format!("this build of FFmpeg has no {name}: install libavcodec with x264"),
        })?;
        let mut context = codec::Context::new_with_codec(found);
        context.set_flags(codec::Flags::GLOBAL_HEADER | codec::Flags::CLOSED_GOP);
        context.set_threading(ff::threading::Config { count: ENCODER_THREADS, ..Default::default() });
        let mut video = context.encoder().video().map_err(engine("preparing the encoder"))?;
        let rate = order.video.frame_rate;
        let rate = ff::Rational::new(rate.num().cast_signed(), rate.den().cast_signed());
        video.set_width(rendition.width);
        video.set_height(rendition.height);
        video.set_format(like.format());
        video.set_time_base(rate.invert());
        video.set_frame_rate(Some(rate));
        video.set_aspect_ratio(ff::Rational::new(1, 1));
        video.set_gop(order.video.gop_frames);
        video.set_colorspace(match like.color_space() {
            // Converted from RGB, as `convert` does it; the filter then says either.
            ff::color::Space::RGB | ff::color::Space::Unspecified => ff::color::Space::BT709,
            matrix => matrix,
        });
        video.set_color_range(ff::color::Range::MPEG);
        // SAFETY: plain fields of a context that is not open yet, copied from a valid frame.
        unsafe {
            let (raw, picture) = (video.as_mut_ptr(), like.as_ptr());
            (*raw).color_primaries = (*picture).color_primaries;
            (*raw).color_trc = (*picture).color_trc;
            (*raw).chroma_sample_location = (*picture).chroma_location;
        }
        let encoder = video.open_as_with(found, options(order, rendition)).map_err(engine("opening the encoder"))?;
        let config = configuration(&encoder)?;
        let this = Self {
            encoder,
            first_frame: order.first_frame,
            frame_count: order.frame_count(),
            gop_frames: u64::from(order.video.gop_frames.max(1)),
            frame_ticks: order.video.frame_ticks,
            shown: VecDeque::new(),
            packet: ff::Packet::empty(),
            coded: None,
            finished: false,
        };
        Ok((this, config))
    }

    /// Encodes `picture` as output frame `index` of the range, 0-based; it stays until the next one's. With `in_order` no other
    /// picture is decoded between it and the one before it.
    pub(crate) fn push(&mut self, picture: &mut frame::Video, index: u64, in_order: bool) -> Result<(), EngineError> {
        picture.set_pts(Some(index.cast_signed()));
        picture.set_kind(match in_order {
            _ if index.is_multiple_of(self.gop_frames) => picture::Type::I,
            true => picture::Type::P,
            false => picture::Type::None,
        });
        self.shown.push_back(index);
        self.encoder.send_frame(picture).map_err(engine("encoding"))
    }

    /// No more frames come.
    pub(crate) fn finish(&mut self) -> Result<(), EngineError> {
        self.finished = true;
        self.encoder.send_eof().map_err(engine("encoding"))
    }

    /// The next sample in decode order, if one is ready.
    ///
    /// Decode times are the frames at which pictures are shown, so that they continue without a gap from range to range; a
    /// picture shown before its place in decode order has a negative composition offset (ISO/IEC 14496-12 §8.8.8, version 1).
    pub(crate) fn pull(&mut self) -> Result<Option<Sample>, EngineError> {
        loop {
            let next = self.receive()?;
            let (before, end) = match (&next, self.finished) {
                (Some(next), _) => (self.coded.take(), next.dts),
                (None, true) => (self.coded.take(), self.frame_count),
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
        match self.encoder.receive_packet(&mut self.packet) {
            Ok(()) => {}
            Err(error) if is_again_or_end(&error) => return Ok(None),
            Err(error) => return Err(engine("encoding")(error)),
        }
        let shown = self.packet.pts().and_then(|pts| u64::try_from(pts).ok());
        let pts = shown
            .ok_or_else(|| EngineError::Engine { detail: "the encoder gave a picture without a time".to_owned() })?;
        let dts = self.shown.pop_front().unwrap_or(pts);
        let keyframe = self.packet.is_key();
        let data = Bytes::copy_from_slice(self.packet.data().unwrap_or_default());
        Ok(Some(Coded { dts, pts, keyframe, data }))
    }

    fn sample(&self, coded: Coded, end: u64) -> Sample {
        let ticks = |frame: u64| (frame * u64::from(self.frame_ticks)).cast_signed();
        let Coded { dts, pts, keyframe, data } = coded;
        let frames = u32::try_from(end.saturating_sub(dts)).unwrap_or(u32::MAX);
        Sample {
            dts: ticks(self.first_frame + dts),
            pts: ticks(self.first_frame + pts),
            duration: frames.saturating_mul(self.frame_ticks),
            keyframe,
            data,
        }
    }
}

fn options(order: &RangeOrder, rendition: &Rendition) -> ff::Dictionary<'static> {
    let encoding = &rendition.encoding;
    let mut options = ff::Dictionary::new();
    options.set("preset", &encoding.preset);
    options.set("crf", &encoding.crf.to_string());
    options.set("maxrate", &encoding.max_bitrate_bps.to_string());
    options.set("bufsize", &encoding.buffer_bits.to_string());
    options.set("profile", "high");
    options.set("forced-idr", "1");
    options.set("keyint_min", &order.video.gop_frames.to_string());
    options.set("sc_threshold", "0");
    // Lengths instead of start codes is what samples in ISO files have; every other choice stays the preset's.
    options.set("x264-params", "annexb=0");
    if let Some(tune) = &encoding.tune {
        options.set("tune", tune);
    }
    options
}

fn configuration(encoder: &ff::encoder::video::Encoder) -> Result<CodecConfig, EngineError> {
    // SAFETY: the encoder is open; extradata is valid for its stated size.
    let headers = unsafe {
        let raw = &*encoder.as_ptr();
        if raw.extradata.is_null() {
            &[][..]
        } else {
            std::slice::from_raw_parts(raw.extradata, raw.extradata_size as usize)
        }
    };
    h264::decoder_configuration(headers)
        .map(CodecConfig::Avc)
        .ok_or_else(|| EngineError::Engine { detail: "the encoder gave no parameter sets".to_owned() })
}

/// The build of x264, such as `164-r3095-baee400`: what it writes of itself into a stream. `unknown` when it says nothing.
pub(crate) fn x264_build() -> String {
    first_packet()
        .and_then(|data| {
            let text = String::from_utf8_lossy(&data).into_owned();
            let (_, rest) = text.split_once("x264 - core ")?;
            let (build, _) = rest.split_once(" - ")?;
            let clean = build.len() <= 40 && build.chars().all(|c| c.is_ascii_alphanumeric() || c == ' ');
            clean.then(|| build.replace(' ', "-"))
        })
        .unwrap_or_else(|| "unknown".to_owned())
}

/// One small grey picture, encoded.
fn first_packet() -> Option<Vec<u8>> {
    let found = ff::encoder::find_by_name("libx264")?;
    let mut video = codec::Context::new_with_codec(found).encoder().video().ok()?;
    video.set_width(64);
    video.set_height(64);
    video.set_format(ff::format::Pixel::YUV420P);
    video.set_time_base(ff::Rational::new(1, 25));
    let mut options = ff::Dictionary::new();
    options.set("preset", "ultrafast");
    let mut encoder = video.open_as_with(found, options).ok()?;
    let mut grey = frame::Video::new(ff::format::Pixel::YUV420P, 64, 64);
    (0..3).for_each(|plane| grey.data_mut(plane).fill(128));
    grey.set_pts(Some(0));
    encoder.send_frame(&grey).ok()?;
    encoder.send_eof().ok()?;
    let mut packet = ff::Packet::empty();
    encoder.receive_packet(&mut packet).ok()?;
    packet.data().map(<[u8]>::to_vec)
}
