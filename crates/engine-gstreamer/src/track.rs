//! One rendition of a range: pictures in, samples out.

use std::collections::{BTreeSet, VecDeque};
use std::sync::mpsc::SyncSender;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use gst::prelude::*;
use gstreamer as gst;
use gstreamer_video as gst_video;
use media_types::{CodecConfig, Sample};
use pipeline::{Coding, Colours, EngineError, Placed, RangeOrder};

use crate::clock::{frame_at, frame_length, frame_time};
use crate::graph::Graph;
use crate::machine::{Ends, LOOK_EVERY, Machine, engine};
use crate::nal;
use crate::picture::Decoded;

/// Pictures before an encoder, and coded ones behind it.
const ROOM: u32 = 4;

/// What an encoder made, and for which rendition of the order.
pub(crate) enum Made {
    Config(u32, CodecConfig),
    Sample(u32, Sample),
}

/// The encoding chain of one rendition.
pub(crate) struct Track<'a> {
    machine: &'a Machine,
    order: &'a RangeOrder,
    index: u32,
    encoder: &'static str,
    colours: Colours,
    ends: Ends,
    inside: Mutex<Inside>,
}

#[derive(Default)]
struct Inside {
    /// The form of all pictures, once there is one.
    caps: Option<gst::Caps>,
    /// The frames at which pictures inside the encoder are shown. They are decoded at the same ones, in their order.
    shown: VecDeque<u64>,
    /// Those of them that are to be key frames.
    keyframes: BTreeSet<u64>,
}

impl<'a> Track<'a> {
    pub(crate) fn new(
        machine: &'a Machine,
        order: &'a RangeOrder,
        graph: &Graph,
        index: usize,
        colours: Colours,
    ) -> Result<Self, EngineError> {
        let chain = graph.encode.get(index).ok_or_else(|| engine("a rendition has no graph"))?;
        let ends = machine.add(chain, ROOM)?;
        let (encoder, inside) = (graph.encoder, Mutex::default());
        Ok(Self { machine, order, index: index as u32, encoder, colours, ends, inside })
    }

    /// Encodes a picture as the frame it is placed at; it stays until the next one's.
    pub(crate) fn push(&self, placed: &Placed<Decoded>) -> Result<(), EngineError> {
        self.describe(&placed.picture)?;
        let rate = self.order.video.frame_rate;
        let time = gst::ClockTime::from_nseconds(frame_time(rate, placed.first));
        let keyframe = placed.coding == Coding::Keyframe;
        // The first picture is one anyway.
        if keyframe && placed.first > 0 {
            let event = gst_video::UpstreamForceKeyUnitEvent::builder().running_time(time).all_headers(false).build();
            let told = self.ends.element(self.encoder).is_some_and(|encoder| encoder.send_event(event));
            if !told {
                return Err(engine(format!("{} takes no orders for key frames", self.encoder)));
            }
        }
        {
            let mut inside = self.lock();
            inside.shown.push_back(placed.first);
            inside.keyframes.extend(keyframe.then_some(placed.first));
        }
        let duration = gst::ClockTime::from_nseconds(frame_length(rate));
        match self.ends.source.push_buffer(placed.picture.at(time, duration)) {
            Ok(_) => Ok(()),
            Err(_) => self.machine.check().and(Err(EngineError::Stopped)),
        }
    }

    pub(crate) fn finish(&self) {
        // A chain that broke tells of it on its bus.
        let _ = self.ends.source.end_of_stream();
    }

    /// Tells the chain the form of its pictures, with the first of them.
    fn describe(&self, picture: &Decoded) -> Result<(), EngineError> {
        let mut inside = self.lock();
        match &inside.caps {
            Some(known) if known.is_strictly_equal(&picture.caps) => Ok(()),
            Some(_) => Err(engine("the pictures change their form")),
            None => {
                inside.caps = Some(picture.caps.clone());
                self.ends.source.set_caps(Some(&self.form(&picture.caps)));
                Ok(())
            }
        }
    }

    /// The plan has seen to the shape of points and the rate; colours are those that all engines state.
    fn form(&self, decoded: &gst::Caps) -> gst::Caps {
        let rate = self.order.video.frame_rate;
        let fraction = |num: u32, den: u32| gst::Fraction::new(num.cast_signed(), den.cast_signed());
        let colours = gst_video::VideoColorimetry::new(
            gst_video::VideoColorRange::Range16_235,
            gst_video::VideoColorMatrix::from_iso(self.colours.matrix.into()),
            gst_video::VideoTransferFunction::from_iso(self.colours.transfer.into()),
            gst_video::VideoColorPrimaries::from_iso(self.colours.primaries.into()),
        );
        let mut caps = decoded.clone();
        {
            let caps = caps.make_mut();
            caps.set("framerate", fraction(rate.num(), rate.den()));
            caps.set("pixel-aspect-ratio", fraction(1, 1));
            caps.set("interlace-mode", "progressive");
            caps.set("colorimetry", colours.to_string());
        }
        caps
    }

    /// Sends what comes out of the encoder, until its end.
    pub(crate) fn pull(&self, out: &SyncSender<Made>) -> Result<(), EngineError> {
        let send = |made: Made| out.send(made).map_err(|_| EngineError::Stopped);
        let mut coded: Option<Coded> = None;
        let mut configured = None;
        while let Some(sample) = self.next()? {
            let config = configuration(&sample)?;
            match &configured {
                Some(known) if *known == config => {}
                Some(_) => return Err(engine("the encoder gave two configurations of one track")),
                None => {
                    send(Made::Config(self.index, CodecConfig::Avc(config.clone())))?;
                    configured = Some(config);
                }
            }
            let next = self.coded(&sample)?;
            let end = next.dts;
            if let Some(before) = coded.replace(next) {
                send(Made::Sample(self.index, self.sample(before, end)))?;
            }
        }
        if let Some(last) = coded {
            send(Made::Sample(self.index, self.sample(last, self.order.frame_count())))?;
        }
        Ok(())
    }

    fn next(&self) -> Result<Option<gst::Sample>, EngineError> {
        loop {
            if let Some(sample) = self.ends.sink.try_pull_sample(LOOK_EVERY) {
                return Ok(Some(sample));
            }
            self.machine.check()?;
            if self.ends.sink.is_eos() {
                return Ok(None);
            }
        }
    }

    /// The next coded picture, at the frame whose time it has.
    fn coded(&self, sample: &gst::Sample) -> Result<Coded, EngineError> {
        let damaged = || engine("the encoder gave a damaged picture");
        let buffer = sample.buffer().ok_or_else(damaged)?;
        let segment = sample.segment().and_then(|segment| segment.downcast_ref::<gst::ClockTime>());
        let time = segment.and_then(|segment| segment.to_running_time(buffer.pts()));
        let frame = time.and_then(|time| frame_at(self.order.video.frame_rate, time.nseconds()));
        let frame = frame.ok_or_else(|| engine("the encoder gave a picture a time of its own"))?;
        let (dts, keyframe) = {
            let mut inside = self.lock();
            (inside.shown.pop_front(), inside.keyframes.remove(&frame))
        };
        let dts = dts.ok_or_else(|| engine("the encoder gave too many pictures"))?;
        let bytes = buffer.map_readable().map_err(|_| damaged())?;
        let (data, is_idr) = nal::sample(&bytes).ok_or_else(damaged)?;
        if is_idr != keyframe {
            let what = if keyframe { "no key frame" } else { "a key frame" };
            return Err(engine(format!("the encoder made {what} of frame {frame}")));
        }
        Ok(Coded { dts, pts: frame, keyframe, data })
    }

    fn sample(&self, coded: Coded, end: u64) -> Sample {
        let frame_ticks = self.order.video.frame_ticks;
        let ticks = |frame: u64| ((self.order.first_frame + frame) * u64::from(frame_ticks)).cast_signed();
        let Coded { dts, pts, keyframe, data } = coded;
        let frames = u32::try_from(end.saturating_sub(dts)).unwrap_or(u32::MAX);
        Sample { dts: ticks(dts), pts: ticks(pts), duration: frames.saturating_mul(frame_ticks), keyframe, data }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A coded picture and its times, in frames of the range.
struct Coded {
    dts: u64,
    pts: u64,
    keyframe: bool,
    data: Bytes,
}

fn configuration(sample: &gst::Sample) -> Result<Bytes, EngineError> {
    let wrong = || engine("the encoder gave no parameter sets");
    let form = sample.caps().and_then(|caps| caps.structure(0)).ok_or_else(wrong)?;
    let data = form.get::<gst::Buffer>("codec_data").map_err(|_| wrong())?;
    let data = data.map_readable().map_err(|_| wrong())?;
    nal::configuration(&data).ok_or_else(wrong)
}
