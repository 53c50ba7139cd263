//! One sound track: decoded, brought to the planned rate and channels, placed on an exact sample count, brought to its
//! loudness, encoded in one run from first sample to last, as AAC-LC and as whatever else is planned.

use ff::format::context::Input;
use ff::{codec, frame};
use ffmpeg_next as ff;
use media_types::loss::joined;
use media_types::{AudioPlan, Loss, LossKind};
use pipeline::{AudioOrder, AudioSummary, EngineError, EngineSink};

use crate::coder::Coder;
use crate::error::{engine, input, is_again_or_end, no_decoder};
use crate::level::Level;
use crate::reader::Reader;
use crate::timeline::Timeline;

/// Decoding begins this many milliseconds before what is wanted: coded sound leans on what came before it.
const PREROLL_MS: i64 = 500;
/// Silence for absent sound is a loss from so many milliseconds on: at the ends, in between, and there in Opus, which leaves out
/// what is silent.
const LEAST_END_MS: u64 = 1000;
const LEAST_GAP_MS: u64 = 100;
const LEAST_OPUS_GAP_MS: u64 = 1000;
/// About what a packet lasts that cannot be decoded.
const PACKET_MS: u64 = 25;
/// Damaged packets whose times are kept.
const MOST_NOTED: usize = 10_000;
/// What lies further before what is wanted is not decoded.
const FAR_S: f64 = 10.0;

pub(crate) fn encode_audio(
    source: Input,
    order: &AudioOrder,
    sink: &mut dyn EngineSink,
) -> Result<AudioSummary, EngineError> {
    let plan = &order.plan;
    let mut decoding = Decoding::open(source, plan)?;
    let coders = (0..).zip(plan.codings()).map(|coding| Coder::open(plan, coding, sink));
    let mut coders = coders.collect::<Result<Vec<_>, _>>()?;
    let mut level = Level::new(order)?;
    let mut line = Timeline::new(plan);
    decoding.skip_to(line.origin_pts());
    decoding.decode(&mut line, &mut |line| {
        level.take(&mut line.planes)?;
        hand_on(&mut level, &mut coders, sink)
    })?;
    line.finish()?;
    level.take(&mut line.planes)?;
    level.finish()?;
    hand_on(&mut level, &mut coders, sink)?;
    coders.into_iter().try_for_each(|coder| coder.finish(sink))?;
    sink.progress(plan.sample_count, plan.sample_count)?;
    let (source, coded) = level.loudness()?;
    Ok(AudioSummary {
        samples: plan.sample_count,
        filled_samples: line.filled + plan.sample_count.saturating_sub(line.placed),
        damaged_packets: decoding.damaged,
        source,
        coded,
        losses: losses(plan, &line, &decoding),
    })
}

/// Where there is no sound: before its first, in gaps and behind its last, and where packets cannot be decoded.
fn losses(plan: &AudioPlan, line: &Timeline, decoding: &Decoding) -> Vec<Loss> {
    let ms = |sample: u64| sample.saturating_mul(1000) / u64::from(plan.sample_rate.max(1));
    let lost = |from_ms, to_ms| Loss { kind: LossKind::SoundSilent, track: None, from_ms, to_ms };
    let end = line.placed..plan.sample_count;
    let silent = line.silences.iter().chain(std::iter::once(&end)).filter(|silence| {
        let at_an_end = silence.start == 0 || silence.end >= plan.sample_count;
        let least_ms = if at_an_end { LEAST_END_MS } else { decoding.least_gap_ms };
        silence.end > silence.start && ms(silence.end - silence.start) >= least_ms
    });
    let damaged = decoding.damaged_at.iter().filter_map(|&pts| u64::try_from(line.ms_of(pts)).ok());
    let damaged =
        damaged.map(|from_ms| lost(from_ms, from_ms + PACKET_MS)).filter(|loss| loss.to_ms <= ms(plan.sample_count));
    joined(silent.map(|silence| lost(ms(silence.start), ms(silence.end))).chain(damaged).collect())
}

/// Gives every encoder what is ready.
fn hand_on(level: &mut Level, coders: &mut [Coder], sink: &mut dyn EngineSink) -> Result<(), EngineError> {
    coders.iter_mut().try_for_each(|coder| coder.take(&level.planes, sink))?;
    level.planes.iter_mut().for_each(Vec::clear);
    Ok(())
}

/// A sound track's packets and their decoder.
pub(crate) struct Decoding {
    reader: Reader,
    time_base: ff::Rational,
    decoder: ff::decoder::Audio,
    packet: ff::Packet,
    decoded: frame::Audio,
    /// Packets that begin before this time are passed over.
    from_pts: i64,
    ended: bool,
    /// Packets that could not be decoded, and when those are heard, as far as there is room for that.
    damaged: u64,
    damaged_at: Vec<i64>,
    /// Silence that is shorter is no loss, in milliseconds.
    least_gap_ms: u64,
}

impl Decoding {
    pub(crate) fn open(source: Input, plan: &AudioPlan) -> Result<Self, EngineError> {
        let missing = || input("input.no_audio", "the planned sound track is not there");
        let reader = Reader::new(source, plan.stream_index, &plan.clock).ok_or_else(missing)?;
        let stream = reader.stream().ok_or_else(missing)?;
        let (time_base, stream_codec) = (stream.time_base(), stream.parameters().id());
        let context =
            codec::Context::from_parameters(stream.parameters()).map_err(engine("preparing the sound decoder"))?;
        let mut decoder = context.decoder();
        decoder.set_packet_time_base(time_base);
        let decoder = decoder.audio().map_err(no_decoder("the sound"))?;
        Ok(Self {
            reader,
            time_base,
            decoder,
            packet: ff::Packet::empty(),
            decoded: frame::Audio::empty(),
            from_pts: i64::MIN,
            ended: false,
            damaged: 0,
            damaged_at: Vec::new(),
            least_gap_ms: if stream_codec == codec::Id::OPUS { LEAST_OPUS_GAP_MS } else { LEAST_GAP_MS },
        })
    }

    /// Goes on a little before `pts`. Where the container cannot seek, what lies between is read, but not decoded.
    pub(crate) fn seek(&mut self, pts: i64) {
        let tick_ms = f64::from(self.time_base) * 1000.0;
        let preroll = if tick_ms > 0.0 { (PREROLL_MS as f64 / tick_ms).ceil() as i64 } else { 0 };
        self.from_pts = pts.saturating_sub(preroll);
        if self.reader.seek(self.from_pts) {
            self.decoder.flush();
            self.ended = false;
        }
    }

    /// Passes over what lies far before `pts`.
    fn skip_to(&mut self, pts: i64) {
        let start = self.reader.stream().map_or(0, |stream| stream.start_time());
        let start = if start == ff::ffi::AV_NOPTS_VALUE { 0 } else { start };
        if pts.saturating_sub(start) as f64 * f64::from(self.time_base) > FAR_S {
            self.seek(pts);
        }
    }

    /// Decodes onto `line` until it is full or the source ends.
    pub(crate) fn decode(
        &mut self,
        line: &mut Timeline,
        take: &mut dyn FnMut(&mut Timeline) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        while !self.ended && !line.full() {
            match self.reader.read(&mut self.packet) {
                Ok(()) if self.is_passed_over() => continue,
                Ok(()) => {
                    let sent = self.decoder.send_packet(&self.packet);
                    self.note(sent.is_err_and(|error| !is_again_or_end(&error)));
                }
                Err(_) => {
                    self.ended = true;
                    // A decoder that refuses to drain has nothing more to give.
                    let _ = self.decoder.send_eof();
                }
            }
            loop {
                match self.decoder.receive_frame(&mut self.decoded) {
                    Ok(()) => line.place(&self.decoded, take)?,
                    Err(error) => {
                        self.note(!is_again_or_end(&error));
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    fn note(&mut self, damaged: bool) {
        self.damaged += u64::from(damaged);
        let time = self.packet.pts().or(self.packet.dts()).filter(|_| damaged && self.damaged_at.len() < MOST_NOTED);
        self.damaged_at.extend(time);
    }

    fn is_passed_over(&self) -> bool {
        !self.reader.is_wanted(&self.packet) || self.packet.pts().is_some_and(|pts| pts < self.from_pts)
    }
}
