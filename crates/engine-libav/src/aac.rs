//! The AAC encoder: whole blocks in, samples out.

use bytes::Bytes;
use ff::{ChannelLayout, codec, frame};
use ffmpeg_next as ff;
use media_types::{AudioPlan, CodecConfig, Sample};
use pipeline::{EngineError, EngineSink};

use crate::error::{engine, is_again_or_end};

/// Samples per AAC frame.
const FRAME: usize = 1024;

/// One encode, from first sample to last.
pub(crate) struct Track {
    encoder: ff::encoder::audio::Encoder,
    coded: i64,
    taken: u64,
    total: u64,
    rate: u32,
    packet: ff::Packet,
}

impl Track {
    pub(crate) fn open(plan: &AudioPlan, sink: &mut dyn EngineSink) -> Result<Self, EngineError> {
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

    /// Encodes as much of `planes` as makes whole blocks, and takes it away.
    pub(crate) fn encode_whole_frames(
        &mut self,
        planes: &mut [Vec<f32>],
        sink: &mut dyn EngineSink,
    ) -> Result<(), EngineError> {
        let whole = planes.first().map_or(0, Vec::len) / FRAME;
        for index in 0..whole {
            self.encode(planes, index * FRAME, FRAME, sink)?;
        }
        for plane in planes {
            plane.drain(..whole * FRAME);
        }
        Ok(())
    }

    /// Encodes what is left, then silence up to the planned count, then what the encoder still holds.
    pub(crate) fn finish(&mut self, planes: &mut [Vec<f32>], sink: &mut dyn EngineSink) -> Result<(), EngineError> {
        while self.taken < self.total {
            let length = (self.total - self.taken).min(FRAME as u64) as usize;
            for plane in planes.iter_mut() {
                plane.resize(FRAME, 0.0);
            }
            self.encode(planes, 0, length, sink)?;
            planes.iter_mut().for_each(Vec::clear);
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
