//! Sound on the presentation's clock.

use std::ops::Range;

use ff::{ChannelLayout, frame};
use ffmpeg_next as ff;
use media_types::{AudioPlan, time::rescale};
use pipeline::EngineError;

use crate::error::input;

/// Timestamps off by no more than this many milliseconds are the container's rounding, not a gap.
const JITTER_MS: u64 = 40;
/// The same where the source's clock jumped: what lies behind is put where it belongs.
const JUMP_JITTER_MS: u64 = 1;
/// Stretches of silence that are noted.
const MOST_SILENCES: usize = 10_000;
/// Samples of silence made at once.
const SILENCE_PIECE: u64 = 16 * 1024;
/// No two times of a presentation are this many samples apart.
const FARTHEST: i64 = 1 << 48;
/// No sound is this loud, in full scales: what is, or is no number at all, is damage, and becomes silence.
const LOUDEST: f32 = 1e6;

/// Planar samples on the presentation's clock: what is placed here is contiguous from sample 0.
pub(crate) struct Timeline {
    pub(crate) planes: Vec<Vec<f32>>,
    /// Presentation samples placed so far, those already taken included.
    pub(crate) placed: u64,
    /// Silence among them.
    pub(crate) filled: u64,
    /// Where that is, as far as there is room for it.
    pub(crate) silences: Vec<Range<u64>>,
    rate: i64,
    origin_pts: i64,
    tick: (u64, u64),
    limit: u64,
    resampler: Option<Resampler>,
    started: bool,
    /// When the source's clock jumped, in source ticks; the last comes first.
    jumps: Vec<i64>,
}

struct Resampler {
    shape: (ff::format::Sample, u64, u32),
    context: ff::software::resampling::Context,
}

impl Timeline {
    pub(crate) fn new(plan: &AudioPlan) -> Self {
        Self::part(plan, 0, plan.sample_count)
    }

    /// The presentation's samples from `first` on, `count` of them, as a presentation of their own.
    pub(crate) fn part(plan: &AudioPlan, first: u64, count: u64) -> Self {
        let base = plan.source_time_base;
        let origin_pts = plan.part(first, count).origin_pts;
        let mut jumps: Vec<i64> = plan.clock.jumps().filter(|&pts| pts > origin_pts).collect();
        jumps.reverse();
        let tick = (u64::from(base.num.unsigned_abs()).max(1), u64::from(base.den.unsigned_abs()).max(1));
        Self {
            planes: vec![Vec::new(); plan.channels as usize],
            placed: 0,
            filled: 0,
            silences: Vec::new(),
            rate: i64::from(plan.sample_rate),
            origin_pts,
            tick,
            limit: count,
            resampler: None,
            started: false,
            jumps,
        }
    }

    /// Source time of the first sample, in source ticks.
    pub(crate) fn origin_pts(&self) -> i64 {
        self.origin_pts
    }

    /// A source time in milliseconds of the presentation.
    pub(crate) fn ms_of(&self, pts: i64) -> i64 {
        rescale(pts.saturating_sub(self.origin_pts), self.tick.0 * 1000, self.tick.1)
    }

    /// Nothing more fits.
    pub(crate) fn full(&self) -> bool {
        self.placed >= self.limit
    }

    /// Converts a decoded frame and puts it where its time says: gaps become silence, overlaps are cut. Long silence is
    /// handed to `take` piece by piece.
    pub(crate) fn place(
        &mut self,
        decoded: &frame::Audio,
        take: &mut dyn FnMut(&mut Self) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        let held = self.prepare(decoded)?;
        let mut off = self.off(decoded, held);
        let mut cut = 0;
        let jitter_ms = if self.jumped(decoded) { JUMP_JITTER_MS } else { JITTER_MS };
        if !self.started || off.unsigned_abs() * 1000 > jitter_ms * self.rate.unsigned_abs() {
            if self.started {
                // What the resampler holds belongs before the jump.
                self.finish()?;
                let held = self.prepare(decoded)?;
                off = self.off(decoded, held);
            }
            match u64::try_from(off) {
                Ok(gap) => self.silence(gap, take)?,
                Err(_) => cut = usize::try_from(off.unsigned_abs()).unwrap_or(usize::MAX),
            }
        }
        let converted = self.convert(Some(decoded))?;
        let length = converted.first().map_or(0, Vec::len);
        self.started |= length > cut;
        self.append(&converted, cut.min(length));
        take(self)
    }

    /// Whether the frame is the first behind a jump of the clock.
    fn jumped(&mut self, decoded: &frame::Audio) -> bool {
        let waiting = self.jumps.len();
        if let Some(pts) = decoded.pts().or(decoded.timestamp()) {
            while self.jumps.pop_if(|jump| *jump <= pts).is_some() {}
        }
        self.jumps.len() < waiting
    }

    /// How many samples after its place the frame would land now; held within what no presentation exceeds.
    fn off(&self, decoded: &frame::Audio, held: i64) -> i64 {
        let here = self.placed.cast_signed() + held;
        let due = decoded.pts().or(decoded.timestamp()).map(|pts| {
            rescale(pts.saturating_sub(self.origin_pts), self.tick.0 * self.rate.unsigned_abs(), self.tick.1)
        });
        due.map_or(0, |due| due.saturating_sub(here)).clamp(-FARTHEST, FARTHEST)
    }

    /// Makes the resampler fit the frame; answers the output samples it still holds.
    fn prepare(&mut self, decoded: &frame::Audio) -> Result<i64, EngineError> {
        let layout = layout_of(decoded);
        let shape = (decoded.format(), layout.bits(), decoded.rate());
        if self.resampler.as_ref().is_none_or(|resampler| resampler.shape != shape) {
            self.finish()?;
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
        // SAFETY: the pointer is used below only, while the resampler lives.
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
            let sound = |&sample: &f32| if sample.is_nan() || sample.abs() > LOUDEST { 0.0 } else { sample };
            plane.extend(new[skip.min(end)..end].iter().map(sound));
        }
        self.placed += end.saturating_sub(skip) as u64;
    }

    fn silence(
        &mut self,
        samples: u64,
        take: &mut dyn FnMut(&mut Self) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        let mut left = samples.min(self.limit.saturating_sub(self.placed));
        if left > 0 && self.silences.len() < MOST_SILENCES {
            self.silences.push(self.placed..self.placed + left);
        }
        while left > 0 {
            let piece = left.min(SILENCE_PIECE);
            for plane in &mut self.planes {
                plane.resize(plane.len() + piece as usize, 0.0);
            }
            self.placed += piece;
            self.filled += piece;
            left -= piece;
            take(self)?;
        }
        Ok(())
    }

    /// Empties the resampler; the next frame gets a new one.
    pub(crate) fn finish(&mut self) -> Result<(), EngineError> {
        let rest = self.convert(None)?;
        self.append(&rest, 0);
        self.resampler = None;
        Ok(())
    }
}

fn layout_of(decoded: &frame::Audio) -> ChannelLayout {
    let layout = decoded.channel_layout();
    if layout.bits() == 0 { ChannelLayout::default(i32::from(decoded.channels())) } else { layout }
}
