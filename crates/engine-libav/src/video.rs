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
    clock: DecodeClock,
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

/// Decode times on the grid of frames, though some of its frames show nothing new and are not coded.
///
/// A run of pictures from one IDR picture on is decoded from when that is shown; the `n`th of them when the one `reorder`
/// places before it in the order of showing is shown, and `reorder` frames later. So none is decoded more than `reorder`
/// frames after it is shown, which the track's edit list makes up for, and a picture on every frame has the grid itself.
struct DecodeClock {
    reorder: u64,
    /// Frames that were handed in and are not decoded yet, and `reorder` more, as they are shown.
    shown: VecDeque<u64>,
    since_key: u64,
}

impl DecodeClock {
    /// When the next coded picture is decoded, which is shown at frame `pts`.
    fn next(&mut self, pts: u64, keyframe: bool) -> u64 {
        if keyframe {
            self.since_key = 0;
            while self.shown.front().is_some_and(|&frame| frame < pts) {
                self.shown.pop_front();
            }
        } else {
            self.since_key += 1;
            if self.since_key > self.reorder {
                self.shown.pop_front();
            }
        }
        self.shown.front().copied().unwrap_or(pts) + self.since_key.min(self.reorder)
    }
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
        // SAFETY: reading a plain field of an open encoder.
        let reorder = u64::try_from(unsafe { (*encoder.as_ptr()).has_b_frames }).unwrap_or(0);
        let this = Self {
            encoder,
            first_frame: order.first_frame,
            frame_count: order.frame_count(),
            gop_frames: u64::from(order.video.gop_frames.max(1)),
            frame_ticks: order.video.frame_ticks,
            clock: DecodeClock { reorder, shown: VecDeque::new(), since_key: 0 },
            packet: ff::Packet::empty(),
            coded: None,
            finished: false,
        };
        Ok((this, config))
    }

    /// Encodes `picture` as output frame `index` of the range, 0-based; it stays until the next one's.
    pub(crate) fn push(&mut self, picture: &mut frame::Video, index: u64) -> Result<(), EngineError> {
        picture.set_pts(Some(index.cast_signed()));
        picture.set_kind(if index.is_multiple_of(self.gop_frames) { picture::Type::I } else { picture::Type::None });
        self.clock.shown.push_back(index);
        self.encoder.send_frame(picture).map_err(engine("encoding"))
    }

    /// No more frames come.
    pub(crate) fn finish(&mut self) -> Result<(), EngineError> {
        self.finished = true;
        self.encoder.send_eof().map_err(engine("encoding"))
    }

    /// The next sample in decode order, if one is ready.
    ///
    /// A picture shown before its place in decode order has a negative composition offset (ISO/IEC 14496-12 §8.8.8, version
    /// 1).
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
        let keyframe = self.packet.is_key();
        let data = Bytes::copy_from_slice(self.packet.data().unwrap_or_default());
        Ok(Some(Coded { dts: self.clock.next(pts, keyframe), pts, keyframe, data }))
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Decode times of a run that begins with a key frame at the first of `shown`, coded in the order of `coded`.
    fn times(reorder: u64, shown: &[u64], coded: &[usize]) -> Vec<u64> {
        let mut clock = DecodeClock { reorder, shown: shown.iter().copied().collect(), since_key: 0 };
        coded.iter().map(|&at| clock.next(shown[at], at == 0)).collect()
    }

    #[test]
    fn a_picture_on_every_frame_is_decoded_on_every_frame() {
        assert_eq!(times(2, &[0, 1, 2, 3, 4, 5], &[0, 4, 2, 1, 3, 5]), [0, 1, 2, 3, 4, 5]);
        assert_eq!(times(0, &[50, 51, 52], &[0, 1, 2]), [50, 51, 52]);
    }

    #[test]
    fn held_pictures_are_decoded_in_time() {
        assert_eq!(times(2, &[0, 25, 30, 31], &[0, 2, 1, 3]), [0, 1, 2, 27]);
        assert_eq!(times(1, &[50, 75], &[0, 1]), [50, 51]);
        assert_eq!(times(0, &[50, 75], &[0, 1]), [50, 75]);
    }

    proptest! {
        #[test]
        fn none_is_decoded_late_or_beyond_the_run(
            gaps in prop::collection::vec(1u64..25, 1..40),
            reorder in 0u64..3,
            swaps in prop::collection::vec(any::<bool>(), 40),
        ) {
            let shown: Vec<u64> = gaps.iter().scan(0, |at, gap| { *at += gap; Some(*at - gaps[0]) }).collect();
            let end = shown.last().unwrap() + 1;
            // A picture moves forward by one place at most, or by two.
            let mut coded: Vec<usize> = (0..shown.len()).collect();
            let mut at = 1;
            while reorder > 0 && at + (reorder as usize) < coded.len() {
                if swaps[at] {
                    coded[at..=at + reorder as usize].rotate_right(1);
                }
                at += reorder as usize + 1;
            }
            let times = times(reorder, &shown, &coded);
            prop_assert!(times.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(times.iter().zip(&coded).all(|(dts, at)| *dts <= shown[*at] + reorder));
            prop_assert!(*times.last().unwrap() < end.max(times.len() as u64));
        }
    }
}
