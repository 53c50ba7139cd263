//! How loud sound is: ITU-R BS.1770-4 with the gates of EBU R 128.

use ebur128::{EbuR128, Mode};
use ff::format::context::Input;
use ffmpeg_next as ff;
use media_types::AudioPlan;
use pipeline::{EngineError, Loudness, loudness_windows};

use crate::audio::Decoding;
use crate::timeline::Timeline;

/// Measures sound piece by piece.
pub(crate) struct Meter(EbuR128);

impl Meter {
    pub(crate) fn new(plan: &AudioPlan) -> Result<Self, EngineError> {
        EbuR128::new(plan.channels, plan.sample_rate, Mode::I | Mode::TRUE_PEAK).map(Self).map_err(failed)
    }

    pub(crate) fn add(&mut self, planes: &[impl AsRef<[f32]>]) -> Result<(), EngineError> {
        let planes: Vec<&[f32]> = planes.iter().map(AsRef::as_ref).collect();
        self.0.add_frames_planar_f32(&planes).map_err(failed)
    }

    pub(crate) fn loudness(&self) -> Result<Loudness, EngineError> {
        loudness_of(std::slice::from_ref(self))
    }
}

fn failed(error: ebur128::Error) -> EngineError {
    EngineError::Engine { detail: format!("measuring the sound: {error}") }
}

/// What all that these meters have heard comes to, gated together.
fn loudness_of(meters: &[Meter]) -> Result<Loudness, EngineError> {
    let integrated = EbuR128::loudness_global_multiple(meters.iter().map(|meter| &meter.0)).map_err(failed)?;
    let mut peak = 0f64;
    for Meter(meter) in meters {
        for channel in 0..meter.channels() {
            peak = peak.max(meter.true_peak(channel).map_err(failed)?);
        }
    }
    let hundredths = |value: f64| value.is_finite().then(|| (value * 100.0).round() / 100.0);
    Ok(Loudness { integrated_lufs: hundredths(integrated), true_peak_dbtp: hundredths(20.0 * peak.log10()) })
}

/// Measures the planned sound in the windows of its plan.
pub(crate) fn measure_audio(source: Input, plan: &AudioPlan) -> Result<Loudness, EngineError> {
    let mut decoding = Decoding::open(source, plan)?;
    let mut meters = Vec::new();
    for window in loudness_windows(plan) {
        let mut line = Timeline::part(plan, window.start, window.end - window.start);
        if window.start > 0 {
            decoding.seek(line.origin_pts());
        }
        let mut meter = Meter::new(plan)?;
        let mut take = |line: &mut Timeline| {
            meter.add(&line.planes)?;
            line.planes.iter_mut().for_each(Vec::clear);
            Ok(())
        };
        decoding.decode(&mut line, &mut take)?;
        line.finish()?;
        take(&mut line)?;
        meters.push(meter);
    }
    loudness_of(&meters)
}
