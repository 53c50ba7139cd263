//! Encoders of sound: whole blocks in, samples out.

use bitstream::audio::opus;
use bytes::Bytes;
use ff::{ChannelLayout, codec, frame};
use ffmpeg_next as ff;
use media_types::{AudioCodec, AudioCoding, AudioPlan, CodecConfig, Sample};
use pipeline::{EngineError, EngineSink};

use crate::error::{engine, is_again_or_end};

/// What one encoder wants.
struct Recipe {
    name: &'static str,
    layout: ff::format::sample::Type,
    options: &'static [(&'static str, &'static str)],
    configuration: fn(&[u8]) -> Option<CodecConfig>,
}

const AAC: Recipe = Recipe {
    name: "aac",
    layout: ff::format::sample::Type::Planar,
    options: &[],
    configuration: |header| Some(CodecConfig::Aac(Bytes::copy_from_slice(header))),
};

const OPUS: Recipe = Recipe {
    name: "libopus",
    layout: ff::format::sample::Type::Packed,
    // No packet borrows more than the next one has to spare, so that what is promised of the bitrate holds.
    options: &[("vbr", "constrained"), ("frame_duration", "20"), ("application", "audio")],
    configuration: |header| Some(CodecConfig::Opus(opus::Config::from_head(header)?.to_bytes().into())),
};

impl Recipe {
    fn of(codec: AudioCodec) -> &'static Self {
        match codec {
            AudioCodec::Aac => &AAC,
            AudioCodec::Opus => &OPUS,
        }
    }

    fn format(&self) -> ff::format::Sample {
        ff::format::Sample::F32(self.layout)
    }
}

/// One encode, from first sample to last.
pub(crate) struct Coder {
    recipe: &'static Recipe,
    encoder: ff::encoder::audio::Encoder,
    /// Position in the order.
    track: u32,
    /// Samples of a coded frame.
    frame: usize,
    /// What is not a whole block yet.
    held: Vec<Vec<f32>>,
    coded: i64,
    taken: u64,
    total: u64,
    rate: u32,
    packet: ff::Packet,
}

impl Coder {
    pub(crate) fn open(
        plan: &AudioPlan,
        (track, coding): (u32, AudioCoding),
        sink: &mut dyn EngineSink,
    ) -> Result<Self, EngineError> {
        let recipe = Recipe::of(coding.codec);
        let missing = || EngineError::Engine { detail: format!("this build of FFmpeg has no encoder {}", recipe.name) };
        let found = ff::encoder::find_by_name(recipe.name).ok_or_else(missing)?;
        let mut context = codec::Context::new_with_codec(found);
        context.set_flags(codec::Flags::GLOBAL_HEADER);
        let mut audio = context.encoder().audio().map_err(engine("preparing the sound's encoder"))?;
        audio.set_rate(plan.sample_rate.cast_signed());
        audio.set_format(recipe.format());
        audio.set_channel_layout(ChannelLayout::default(plan.channels.cast_signed()));
        audio.set_bit_rate(coding.bitrate_bps as usize);
        audio.set_time_base(ff::Rational::new(1, plan.sample_rate.cast_signed()));
        let mut options = ff::Dictionary::new();
        recipe.options.iter().for_each(|(key, value)| options.set(key, value));
        let encoder = audio.open_as_with(found, options).map_err(engine("opening the sound's encoder"))?;
        // SAFETY: the encoder is open; extradata is valid for its stated size.
        let (config, priming, frame) = unsafe {
            let raw = &*encoder.as_ptr();
            let bytes = if raw.extradata.is_null() {
                &[][..]
            } else {
                std::slice::from_raw_parts(raw.extradata, raw.extradata_size as usize)
            };
            ((recipe.configuration)(bytes), u32::try_from(raw.initial_padding).unwrap_or(0), raw.frame_size)
        };
        let samples = coding.codec.frame_samples();
        let config = config.filter(|_| u32::try_from(frame) == Ok(samples)).ok_or_else(|| EngineError::Engine {
            detail: format!("{} makes frames of {frame} samples, or says nothing of them", recipe.name),
        })?;
        sink.config(track, config, priming)?;
        Ok(Self {
            recipe,
            encoder,
            track,
            frame: samples as usize,
            held: vec![Vec::new(); plan.channels as usize],
            coded: 0,
            taken: 0,
            total: plan.sample_count,
            rate: plan.sample_rate,
            packet: ff::Packet::empty(),
        })
    }

    /// Takes samples, and encodes as many as make whole blocks.
    pub(crate) fn take(&mut self, planes: &[Vec<f32>], sink: &mut dyn EngineSink) -> Result<(), EngineError> {
        for (held, plane) in self.held.iter_mut().zip(planes) {
            held.extend_from_slice(plane);
        }
        let whole = self.held.first().map_or(0, Vec::len) / self.frame;
        for index in 0..whole {
            self.encode(index * self.frame, self.frame, sink)?;
        }
        for held in &mut self.held {
            held.drain(..whole * self.frame);
        }
        Ok(())
    }

    /// Encodes what is left, then silence up to the planned count, then what the encoder still holds.
    pub(crate) fn finish(mut self, sink: &mut dyn EngineSink) -> Result<(), EngineError> {
        while self.taken < self.total {
            let length = (self.total - self.taken).min(self.frame as u64) as usize;
            for held in &mut self.held {
                held.resize(self.frame, 0.0);
            }
            self.encode(0, length, sink)?;
            self.held.iter_mut().for_each(Vec::clear);
        }
        self.encoder.send_eof().map_err(engine("encoding the sound"))?;
        self.drain(sink)
    }

    /// Encodes the block that is held from `from` on, of which `counted` samples are wanted: an encoder puts out as many
    /// frames as those take behind its delay.
    fn encode(&mut self, from: usize, counted: usize, sink: &mut dyn EngineSink) -> Result<(), EngineError> {
        let channels = self.held.len();
        let mut block = frame::Audio::new(self.recipe.format(), counted, ChannelLayout::default(channels as i32));
        block.set_rate(self.rate);
        for (channel, held) in self.held.iter().enumerate() {
            let samples = &held[from..from + counted];
            match self.recipe.layout {
                ff::format::sample::Type::Planar => block.plane_mut::<f32>(channel).copy_from_slice(samples),
                ff::format::sample::Type::Packed => interleave(&mut block, (channel, channels), samples),
            }
        }
        block.set_pts(Some(self.taken.cast_signed()));
        self.encoder.send_frame(&block).map_err(engine("encoding the sound"))?;
        self.taken += counted as u64;
        self.drain(sink)?;
        // The first encode speaks for all, which go along with it.
        if self.track == 0 && self.coded % 64 == 0 {
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
            let start = self.coded * self.frame as i64;
            let data = Bytes::copy_from_slice(self.packet.data().unwrap_or_default());
            let sample = Sample { dts: start, pts: start, duration: self.frame as u32, keyframe: true, data };
            sink.sample(self.track, sample)?;
            self.coded += 1;
        }
    }
}

/// Writes one channel of a packed block.
fn interleave(block: &mut frame::Audio, (channel, channels): (usize, usize), samples: &[f32]) {
    let places = block.data_mut(0).chunks_exact_mut(4 * channels).map(|place| &mut place[4 * channel..][..4]);
    for (place, sample) in places.zip(samples) {
        place.copy_from_slice(&sample.to_ne_bytes());
    }
}
