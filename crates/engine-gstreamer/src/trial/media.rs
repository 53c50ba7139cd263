//! Pictures that say their number, coded by the processor and read by it again.

use std::thread;

use bytes::Bytes;
use gstreamer as gst;
use gstreamer_video::prelude::*;
use media_types::{
    CodecConfig, DynamicRange, FrameMap, FrameRate, Rational, Rendition, Rotation, Sample, Shown, Timescale,
    VideoCodec, VideoEncoding,
};
use pipeline::{
    CodedPicture, CodedPictures, CodedStream, CollectingSink, Colours, DecodedPictures, EngineError, RangeOrder,
    SourceCodec, VideoSetup,
};

use crate::clock::{frame_length, frame_time};
use crate::decode::{Decoding, Pictures};
use crate::graph::{Chain, Graph, Step};
use crate::machine::{LOOK_EVERY, Machine, caps};
use crate::picture::Decoded;
use crate::plugins;
use crate::profile::DeviceProfile;

/// Pictures of a recording.
pub(super) const FRAMES: u64 = 30;
const GOP: u32 = 10;
const RATE: FrameRate = FrameRate::new(25, 1).expect("not zero");
/// Source ticks of a picture.
const TICKS: i64 = 3600;
const WIDTH: u32 = 640;
const HEIGHT: u32 = 384;
/// Parts of a picture from left to right: white, black, then the bits of its number.
const CELLS: u32 = 10;
const BLACK: u8 = 32;
const WHITE: u8 = 216;
/// The first frames of the source are only decoded, as before any range but the first.
const SKIPPED: u64 = 4;

/// What is made of a recording: two renditions, one of them smaller.
pub(super) fn order() -> RangeOrder {
    let pictures = (SKIPPED..FRAMES).map(|frame| Shown { source_pts: frame.cast_signed() * TICKS, frames: 1 });
    let rendition = |height: u32| Rendition {
        name: format!("{height}p"),
        width: height * WIDTH / HEIGHT,
        height,
        encoding: VideoEncoding {
            codec: VideoCodec::H264,
            preset: "veryfast".to_owned(),
            crf: 23.0,
            max_bitrate_bps: 4_000_000,
            buffer_bits: 8_000_000,
            tune: None,
            dynamic_range: DynamicRange::Sdr,
        },
        frame_step: 1,
    };
    RangeOrder {
        video: VideoSetup {
            stream_index: 0,
            source_time_base: Rational { num: 1, den: 90_000 },
            clock: Default::default(),
            rotation: Rotation::None,
            deinterlace: false,
            film: None,
            hdr: None,
            frame_rate: RATE,
            timescale: Timescale::NINETY_KHZ,
            frame_ticks: TICKS as u32,
            gop_frames: GOP,
        },
        first_frame: 2 * u64::from(GOP),
        pictures: FrameMap(pictures.collect()),
        renditions: vec![rendition(HEIGHT), rendition(HEIGHT / 2)],
        judge: None,
        careful: false,
    }
}

/// A coded recording.
pub(super) struct Recording {
    stream: CodedStream,
    pictures: Vec<CodedPicture>,
}

impl Recording {
    /// Coded by the processor.
    pub(super) fn new(codec: SourceCodec) -> Result<Self, String> {
        let (plugin, chain) = maker(codec);
        ["coreelements", "videoparsersbad", plugin].into_iter().try_for_each(plugins::load)?;
        let said = |error: EngineError| format!("no recording to try it with: {error}");
        let made = coded_by(&chain).map_err(said)?;
        let form = made.first().and_then(|made| made.caps()).and_then(|caps| caps.structure(0));
        let data = form.and_then(|form| form.get::<gst::Buffer>("codec_data").ok());
        let data = data.and_then(|data| Some(Bytes::copy_from_slice(&data.map_readable().ok()?)));
        let pictures: Vec<CodedPicture> = made.iter().filter_map(picture).collect();
        if pictures.len() as u64 != FRAMES {
            return Err(format!("no recording to try it with: {} pictures of {FRAMES} were coded", pictures.len()));
        }
        Ok(Self { stream: stream(codec, data.unwrap_or_default()), pictures })
    }

    pub(super) fn coded(&self) -> Box<dyn CodedPictures> {
        Box::new(Reader { stream: self.stream.clone(), pictures: self.pictures.clone().into_iter() })
    }
}

struct Reader {
    stream: CodedStream,
    pictures: std::vec::IntoIter<CodedPicture>,
}

impl CodedPictures for Reader {
    fn stream(&self) -> &CodedStream {
        &self.stream
    }

    fn seek_before(&mut self, _: i64) -> Result<(), EngineError> {
        Ok(())
    }

    fn next(&mut self) -> Result<Option<CodedPicture>, EngineError> {
        Ok(self.pictures.next())
    }
}

fn stream(codec: SourceCodec, setup: Bytes) -> CodedStream {
    CodedStream {
        codec,
        setup,
        width: WIDTH,
        height: HEIGHT,
        time_base: Rational { num: 1, den: 90_000 },
        colours: Colours { primaries: 1, transfer: 1, matrix: 1 },
        unusual: None,
    }
}

/// The plugin and the chain that code a recording.
fn maker(codec: SourceCodec) -> (&'static str, Chain) {
    let element = |name, told: &[(&'static str, &str)]| {
        Step::Element(name, told.iter().map(|(name, value)| (*name, (*value).to_owned())).collect())
    };
    let form = |text: &str| Step::Form(text.to_owned());
    match codec {
        SourceCodec::H264 => {
            let told = [("speed-preset", "superfast"), ("bframes", "2"), ("key-int-max", "10"), ("threads", "1")];
            ("x264", vec![element("x264enc", &told), form("video/x-h264, stream-format=avc, alignment=au")])
        }
        SourceCodec::Hevc => {
            let told =
                [("speed-preset", "superfast"), ("key-int-max", "10"), ("option-string", "pools=none:log-level=0")];
            let as_filed = form("video/x-h265, stream-format=hvc1, alignment=au");
            ("x265", vec![element("x265enc", &told), element("h265parse", &[]), as_filed])
        }
        SourceCodec::Vp9 => {
            let told =
                [("deadline", "1"), ("cpu-used", "8"), ("keyframe-max-dist", "10"), ("target-bitrate", "2000000")];
            ("vpx", vec![element("vp9enc", &told), form("video/x-vp9")])
        }
        SourceCodec::Av1 => {
            let told = [("cpu-used", "8"), ("usage-profile", "realtime"), ("keyframe-max-dist", "10")];
            let as_filed = form("video/x-av1, stream-format=obu-stream, alignment=tu");
            ("aom", vec![element("av1enc", &told), element("av1parse", &[]), as_filed])
        }
    }
}

fn coded_by(chain: &Chain) -> Result<Vec<gst::Sample>, EngineError> {
    let machine = Machine::new()?;
    // There is room for all of it, so that nobody waits.
    let ends = machine.add(chain, 2 * FRAMES as u32)?;
    let form = format!(
        "video/x-raw, format=I420, width={WIDTH}, height={HEIGHT}, framerate=25/1, pixel-aspect-ratio=1/1, \
         interlace-mode=progressive, colorimetry=bt709"
    );
    ends.source.set_caps(Some(&caps(&form)?));
    for frame in 0..FRAMES {
        let mut buffer = gst::Buffer::from_slice(drawn(frame));
        if let Some(buffer) = buffer.get_mut() {
            buffer.set_pts(gst::ClockTime::from_nseconds(frame_time(RATE, frame)));
            buffer.set_duration(gst::ClockTime::from_nseconds(frame_length(RATE)));
        }
        if ends.source.push_buffer(buffer).is_err() {
            machine.check()?;
        }
    }
    // What it answers is found out below.
    let _ = ends.source.end_of_stream();
    let mut made = Vec::new();
    loop {
        match ends.sink.try_pull_sample(LOOK_EVERY) {
            Some(sample) => made.push(sample),
            None => machine.check()?,
        }
        if ends.sink.is_eos() {
            return Ok(made);
        }
    }
}

fn picture(sample: &gst::Sample) -> Option<CodedPicture> {
    let buffer = sample.buffer()?;
    let segment = sample.segment()?.downcast_ref::<gst::ClockTime>()?.clone();
    let time = segment.to_running_time(buffer.pts())?.nseconds();
    let frame = (0..FRAMES).find(|frame| frame_time(RATE, *frame).abs_diff(time) < 1_000_000)?;
    let keyframe = !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT);
    let data = Bytes::copy_from_slice(&buffer.map_readable().ok()?);
    Some(CodedPicture { pts: frame.cast_signed() * TICKS, keyframe, data })
}

/// A picture in I420: its number in bright and dark, and a pattern below that moves.
fn drawn(frame: u64) -> Vec<u8> {
    let (width, height) = (WIDTH as usize, HEIGHT as usize);
    let bits: Vec<u8> = (0..WIDTH).map(|x| if is_bright(x * CELLS / WIDTH, frame) { WHITE } else { BLACK }).collect();
    let mut picture = bits.repeat(height / 2);
    for y in 0..height / 2 {
        picture.extend((0..width).map(|x| 60 + ((x + 3 * frame as usize) % 128 / 2 + y / 4) as u8));
    }
    picture.extend(std::iter::repeat_n(128, width * height / 2));
    picture
}

fn is_bright(cell: u32, frame: u64) -> bool {
    cell == 0 || cell > 1 && frame >> (cell - 2) & 1 == 1
}

/// Decodes every rendition of a range, and looks at the number of each picture.
pub(super) fn look(order: &RangeOrder, sink: &CollectingSink) -> Result<(), String> {
    for (track, samples) in &sink.samples {
        let Some((CodecConfig::Avc(record), _)) = sink.configs.get(track) else {
            return Err("the encoder gave no parameter sets".to_owned());
        };
        let numbers = numbers(record, samples).map_err(|error| error.to_string())?;
        let due: Vec<u64> = (SKIPPED..FRAMES).collect();
        if numbers.len() != due.len() {
            return Err(format!("{} pictures of {} come out of what was encoded", numbers.len(), due.len()));
        }
        if let Some((found, due)) = numbers.iter().zip(&due).find(|(found, due)| found != due) {
            return Err(format!("where picture {due} is due, {found} is shown"));
        }
    }
    match sink.samples.len() == order.renditions.len() {
        true => Ok(()),
        false => Err("a rendition is missing".to_owned()),
    }
}

fn numbers(record: &Bytes, samples: &[Sample]) -> Result<Vec<u64>, EngineError> {
    let pictures: Vec<CodedPicture> = samples
        .iter()
        .map(|sample| CodedPicture { pts: sample.pts, keyframe: sample.keyframe, data: sample.data.clone() })
        .collect();
    let stream = stream(SourceCodec::H264, record.clone());
    let profile = DeviceProfile::software();
    let decoder = Graph::new(&profile, &stream, &RangeOrder { renditions: Vec::new(), ..order() });
    let graph = decoder.map_err(crate::machine::engine)?;
    plugins::load("libav").map_err(crate::machine::engine)?;
    let machine = Machine::new()?;
    let first = pictures.first().map_or(0, |picture| picture.pts);
    let decoding = Decoding::new(&machine, &graph, &stream, first)?;
    let reader = Reader { stream, pictures: pictures.into_iter() };
    thread::scope(|scope| {
        scope.spawn(|| decoding.feed(Box::new(reader), first));
        let mut decoded = Pictures { machine: &machine, decoding: decoding.clone(), pixels: 0 };
        let mut read = || {
            let mut numbers = Vec::new();
            while let Some((_, picture)) = decoded.next()? {
                numbers.push(number(&picture));
            }
            Ok(numbers)
        };
        let numbers = read();
        // Whoever still feeds it goes on.
        machine.stop();
        numbers
    })
}

/// The number that a picture says; one that none has when it cannot be read.
fn number(picture: &Decoded) -> u64 {
    let read = || {
        let frame = picture.frame()?;
        let stride = usize::try_from(*frame.plane_stride().first()?).ok()?;
        let (width, height) = (frame.width() as usize, frame.height() as usize);
        let row = frame.plane_data(0).ok()?.get(stride * (height / 4)..)?;
        let level = |cell: u32| {
            let middle = (2 * cell as usize + 1) * width / (2 * CELLS as usize);
            row.get(middle - 2..middle + 2).map(|near| near.iter().map(|grey| u32::from(*grey)).sum::<u32>() / 4)
        };
        let bright = |cell| level(cell).map(|level| level > 124);
        if bright(0) != Some(true) || bright(1) != Some(false) {
            return None;
        }
        (2..CELLS).try_fold(0, |number, cell| Some(number | u64::from(bright(cell)?) << (cell - 2)))
    };
    read().unwrap_or(u64::MAX)
}
