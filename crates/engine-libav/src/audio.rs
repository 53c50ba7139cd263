//! One sound track: decoded, brought to the planned rate and channels, placed on an exact sample count, encoded as
//! AAC-LC in one run from first sample to last.

use bytes::Bytes;
use ff::codec::discard::Discard;
use ff::format::context::Input;
use ff::{ChannelLayout, codec, frame};
use ffmpeg_next as ff;
use media_types::{AudioPlan, CodecConfig, Sample, time::rescale};
use pipeline::{AudioOrder, AudioSummary, EngineError, EngineSink};

use crate::error::{engine, input, is_again_or_end};

/// Samples per AAC frame.
const FRAME: usize = 1024;
/// Timestamps off by less than this many milliseconds are the container's rounding, not a gap.
const JITTER_MS: i64 = 40;

pub(crate) fn encode_audio(
    mut source: Input,
    order: &AudioOrder,
    sink: &mut dyn EngineSink,
) -> Result<AudioSummary, EngineError> {
    let plan = &order.plan;
    let mut decoder = open_decoder(&mut source, plan)?;
    let mut track = Track::open(plan, sink)?;
    let mut line = Timeline::new(plan);
    let mut damaged = 0;
    let mut packet = ff::Packet::empty();
    let mut decoded = frame::Audio::empty();
    let mut ended = false;
    while !ended && !line.full() {
        match packet.read(&mut source) {
            Ok(()) if packet.stream() != plan.stream_index as usize => continue,
            Ok(()) => damaged += u64::from(decoder.send_packet(&packet).is_err_and(|error| !is_again_or_end(&error))),
            Err(_) => {
                ended = true;
                // A decoder that refuses to drain has nothing more to give.
                let _ = decoder.send_eof();
            }
        }
        while decoder.receive_frame(&mut decoded).is_ok() {
            line.place(&decoded)?;
            track.encode_whole_frames(&mut line, sink)?;
        }
    }
    line.finish()?;
    track.encode_whole_frames(&mut line, sink)?;
    track.finish(&mut line, sink)?;
    Ok(AudioSummary { samples: plan.sample_count, filled_samples: line.filled, damaged_packets: damaged })
}

fn open_decoder(source: &mut Input, plan: &AudioPlan) -> Result<ff::decoder::Audio, EngineError> {
    let wanted = plan.stream_index as usize;
    for mut stream in source.streams_mut() {
        let discard = if stream.index() == wanted { Discard::Default } else { Discard::All };
        // SAFETY: the stream belongs to the open context; `discard` is a plain field that the demuxer reads.
        unsafe { (*stream.as_mut_ptr()).discard = discard.into() };
    }
    let stream =
        source.stream(wanted).ok_or_else(|| input("input.no_audio", "the planned sound track is not there"))?;
    let context =
        codec::Context::from_parameters(stream.parameters()).map_err(engine("preparing the sound decoder"))?;
    let mut decoder = context.decoder();
    decoder.set_packet_time_base(stream.time_base());
    decoder.audio().map_err(|error| input("input.unsupported_codec", format!("the sound cannot be decoded: {error}")))
}

/// Planar samples on the presentation's clock: what is placed here is contiguous from sample 0.
struct Timeline {
    planes: Vec<Vec<f32>>,
    /// Presentation samples placed so far, those already taken included.
    placed: u64,
    filled: u64,
    rate: i64,
    origin_pts: i64,
    tick: (u64, u64),
    limit: u64,
    resampler: Option<Resampler>,
    started: bool,
}

struct Resampler {
    shape: (ff::format::Sample, u64, u32),
    context: ff::software::resampling::Context,
}

impl Timeline {
    fn new(plan: &AudioPlan) -> Self {
        let base = plan.source_time_base;
        Self {
            planes: vec![Vec::new(); plan.channels as usize],
            placed: 0,
            filled: 0,
            rate: i64::from(plan.sample_rate),
            origin_pts: plan.origin_pts,
            tick: (u64::from(base.num.unsigned_abs()), u64::from(base.den.unsigned_abs()).max(1)),
            limit: plan.sample_count,
            resampler: None,
            started: false,
        }
    }

    fn full(&self) -> bool {
        self.placed >= self.limit
    }

    /// Converts a decoded frame and puts it where its time says: gaps become silence, overlaps are cut.
    fn place(&mut self, decoded: &frame::Audio) -> Result<(), EngineError> {
        let delay = self.prepare(decoded)?;
        let due = decoded.timestamp().or(decoded.pts()).map(|pts| {
            rescale(pts.saturating_sub(self.origin_pts), self.tick.0 * self.rate.unsigned_abs(), self.tick.1)
        });
        let here = self.placed.cast_signed() + delay;
        let off = due.map_or(0, |due| due - here);
        let jump = off.abs() * 1000 > JITTER_MS * self.rate;
        let mut cut = 0;
        if (jump || !self.started) && off > 0 {
            self.silence(off.unsigned_abs());
        } else if (jump || !self.started) && off < 0 {
            cut = usize::try_from(off.unsigned_abs()).unwrap_or(usize::MAX);
        }
        let converted = self.convert(Some(decoded))?;
        let length = converted.first().map_or(0, Vec::len);
        self.started |= length > cut;
        self.append(&converted, cut.min(length));
        Ok(())
    }

    /// Makes the resampler fit the frame; answers the output samples it still holds.
    fn prepare(&mut self, decoded: &frame::Audio) -> Result<i64, EngineError> {
        let layout = layout_of(decoded);
        let shape = (decoded.format(), layout.bits(), decoded.rate());
        if self.resampler.as_ref().is_none_or(|resampler| resampler.shape != shape) {
            let rest = self.convert(None)?;
            self.append(&rest, 0);
            let planar = ff::format::Sample::F32(ff::format::sample::Type::Planar);
            let to = ChannelLayout::default(self.planes.len() as i32);
            let context =
                ff::software::resampling::Context::get(shape.0, layout, shape.2, planar, to, self.rate as u32)
                    .map_err(|error| {
                        input("input.unsupported_audio", format!("the sound cannot be converted: {error}"))
                    })?;
            self.resampler = Some(Resampler { shape, context });
        }
        let Some(resampler) = &mut self.resampler else { return Ok(0) };
        // SAFETY: the resampler is initialised.
        Ok(unsafe { ff::ffi::swr_get_delay(resampler.context.as_mut_ptr(), self.rate) })
    }

    /// Runs the resampler on a frame, or empties it.
    fn convert(&mut self, decoded: Option<&frame::Audio>) -> Result<Vec<Vec<f32>>, EngineError> {
        let channels = self.planes.len();
        let Some(resampler) = &mut self.resampler else { return Ok(vec![Vec::new(); channels]) };
        let samples = decoded.map_or(0, frame::Audio::samples) as i32;
        let context = unsafe { resampler.context.as_mut_ptr() };
        // SAFETY: the resampler is initialised for this frame's shape; the output planes have room for what
        // swr_get_out_samples announces, and the input planes are the frame's own.
        let (planes, made) = unsafe {
            let room = ff::ffi::swr_get_out_samples(context, samples).max(0) as usize;
            let mut planes = vec![vec![0f32; room]; channels];
            let mut out: Vec<*mut u8> = planes.iter_mut().map(|plane| plane.as_mut_ptr().cast()).collect();
            let from =
                decoded.map_or(std::ptr::null_mut(), |frame| (*frame.as_ptr()).extended_data.cast::<*const u8>());
            let made = ff::ffi::swr_convert(context, out.as_mut_ptr(), room as i32, from, samples);
            (planes, made)
        };
        let made = usize::try_from(made)
            .map_err(|_| EngineError::Engine { detail: "converting the sound failed".to_owned() })?;
        Ok(planes
            .into_iter()
            .map(|mut plane| {
                plane.truncate(made);
                plane
            })
            .collect())
    }

    fn append(&mut self, converted: &[Vec<f32>], skip: usize) {
        let length = converted.first().map_or(0, Vec::len);
        let room = usize::try_from(self.limit.saturating_sub(self.placed)).unwrap_or(usize::MAX);
        let end = length.min(skip.saturating_add(room));
        for (plane, new) in self.planes.iter_mut().zip(converted) {
            plane.extend_from_slice(&new[skip.min(end)..end]);
        }
        self.placed += end.saturating_sub(skip) as u64;
    }

    fn silence(&mut self, samples: u64) {
        let samples = samples.min(self.limit.saturating_sub(self.placed));
        for plane in &mut self.planes {
            plane.resize(plane.len() + samples as usize, 0.0);
        }
        self.placed += samples;
        self.filled += samples;
    }

    fn finish(&mut self) -> Result<(), EngineError> {
        let rest = self.convert(None)?;
        self.append(&rest, 0);
        Ok(())
    }
}

fn layout_of(decoded: &frame::Audio) -> ChannelLayout {
    let layout = decoded.channel_layout();
    if layout.bits() == 0 { ChannelLayout::default(i32::from(decoded.channels())) } else { layout }
}

/// The AAC encoder.
struct Track {
    encoder: ff::encoder::audio::Encoder,
    coded: i64,
    taken: u64,
    total: u64,
    rate: u32,
    packet: ff::Packet,
}

impl Track {
    fn open(plan: &AudioPlan, sink: &mut dyn EngineSink) -> Result<Self, EngineError> {
        let found = ff::encoder::find(codec::Id::AAC)
            .ok_or_else(|| EngineError::Engine { detail: "this build of FFmpeg has no AAC encoder".to_owned() })?;
        let mut context = codec::Context::new_with_codec(found);
        context.set_flags(codec::Flags::GLOBAL_HEADER);
        let mut audio = context.encoder().audio().map_err(engine("preparing the AAC encoder"))?;
        audio.set_rate(plan.sample_rate.cast_signed());
        audio.set_format(ff::format::Sample::F32(ff::format::sample::Type::Planar));
        audio.set_channel_layout(ChannelLayout::default(plan.channels.cast_signed()));
        audio.set_bit_rate(plan.bitrate_bps as usize);
        audio.set_time_base(ff::Rational::new(1, plan.sample_rate.cast_signed()));
        let encoder = audio.open_as(found).map_err(engine("opening the AAC encoder"))?;
        // SAFETY: the encoder is open; extradata is valid for its stated size.
        let (config, priming) = unsafe {
            let raw = &*encoder.as_ptr();
            let bytes = if raw.extradata.is_null() {
                &[][..]
            } else {
                std::slice::from_raw_parts(raw.extradata, raw.extradata_size as usize)
            };
            (Bytes::copy_from_slice(bytes), u32::try_from(raw.initial_padding).unwrap_or(0))
        };
        sink.config(0, CodecConfig::Aac(config), priming)?;
        Ok(Self {
            encoder,
            coded: 0,
            taken: 0,
            total: plan.sample_count,
            rate: plan.sample_rate,
            packet: ff::Packet::empty(),
        })
    }

    fn encode_whole_frames(&mut self, line: &mut Timeline, sink: &mut dyn EngineSink) -> Result<(), EngineError> {
        let whole = line.planes.first().map_or(0, Vec::len) / FRAME;
        for index in 0..whole {
            self.encode(&line.planes, index * FRAME, FRAME, sink)?;
        }
        for plane in &mut line.planes {
            plane.drain(..whole * FRAME);
        }
        Ok(())
    }

    /// Encodes what is left, then silence up to the planned count, then what the encoder still holds.
    fn finish(&mut self, line: &mut Timeline, sink: &mut dyn EngineSink) -> Result<(), EngineError> {
        line.filled += self.total.saturating_sub(line.placed);
        while self.taken < self.total {
            let length = (self.total - self.taken).min(FRAME as u64) as usize;
            for plane in &mut line.planes {
                plane.resize(FRAME, 0.0);
            }
            self.encode(&line.planes, 0, length, sink)?;
            line.planes.iter_mut().for_each(Vec::clear);
        }
        self.encoder.send_eof().map_err(engine("encoding the sound"))?;
        self.drain(sink)?;
        sink.progress(self.total, self.total)?;
        Ok(())
    }

    fn encode(
        &mut self,
        planes: &[Vec<f32>],
        from: usize,
        counted: usize,
        sink: &mut dyn EngineSink,
    ) -> Result<(), EngineError> {
        let format = ff::format::Sample::F32(ff::format::sample::Type::Planar);
        let mut block = frame::Audio::new(format, FRAME, ChannelLayout::default(planes.len() as i32));
        block.set_rate(self.rate);
        for (channel, plane) in planes.iter().enumerate() {
            block.plane_mut::<f32>(channel).copy_from_slice(&plane[from..from + FRAME]);
        }
        block.set_pts(Some(self.taken.cast_signed()));
        self.encoder.send_frame(&block).map_err(engine("encoding the sound"))?;
        self.taken += counted as u64;
        self.drain(sink)?;
        if self.coded % 64 == 0 {
            sink.progress(self.taken, self.total)?;
        }
        Ok(())
    }

    fn drain(&mut self, sink: &mut dyn EngineSink) -> Result<(), EngineError> {
        loop {
            match self.encoder.receive_packet(&mut self.packet) {
                Ok(()) => {}
                Err(error) if is_again_or_end(&error) => return Ok(()),
                Err(error) => return Err(engine("encoding the sound")(error)),
            }
            let start = self.coded * FRAME as i64;
            let data = Bytes::copy_from_slice(self.packet.data().unwrap_or_default());
            sink.sample(0, Sample { dts: start, pts: start, duration: FRAME as u32, keyframe: true, data })?;
            self.coded += 1;
        }
    }
}
