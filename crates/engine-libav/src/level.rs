//! Decoded sound brought to its loudness: one gain, then the limiter; measured before and after.

use media_types::AudioPlan;
use pipeline::{AudioOrder, EngineError, Loudness};

use crate::limiter::Limiter;
use crate::loudness::Meter;

/// One track on its way from the decoder to the encoder. As many samples come out as go in, each in its place.
pub(crate) struct Level {
    /// What is ready for the encoder.
    pub(crate) planes: Vec<Vec<f32>>,
    source: Meter,
    /// `None` when the sound stays as it is.
    change: Option<Change>,
}

struct Change {
    gain: f32,
    limiter: Limiter,
    coded: Meter,
}

impl Level {
    pub(crate) fn new(order: &AudioOrder) -> Result<Self, EngineError> {
        let plan = &order.plan;
        let change = match &plan.loudness {
            Some(target) => Some(Change::new(plan, order.gain_db, target.max_true_peak_dbtp)?),
            None => None,
        };
        Ok(Self { planes: vec![Vec::new(); plan.channels as usize], source: Meter::new(plan)?, change })
    }

    /// Takes all of `planes`.
    pub(crate) fn take(&mut self, planes: &mut [Vec<f32>]) -> Result<(), EngineError> {
        self.source.add(planes)?;
        let ready = self.planes.first().map_or(0, Vec::len);
        match &mut self.change {
            Some(change) => {
                planes.iter_mut().flatten().for_each(|sample| *sample *= change.gain);
                change.limiter.limit(planes, &mut self.planes);
                change.measure(&self.planes, ready)?;
            }
            None => {
                for (ready, plane) in self.planes.iter_mut().zip(planes.iter()) {
                    ready.extend_from_slice(plane);
                }
            }
        }
        planes.iter_mut().for_each(Vec::clear);
        Ok(())
    }

    /// Brings out what is still held back; nothing may follow.
    pub(crate) fn finish(&mut self) -> Result<(), EngineError> {
        let ready = self.planes.first().map_or(0, Vec::len);
        if let Some(change) = &mut self.change {
            change.limiter.finish(&mut self.planes);
            change.measure(&self.planes, ready)?;
        }
        Ok(())
    }

    /// The source's sound, and what came out.
    pub(crate) fn loudness(&self) -> Result<(Loudness, Loudness), EngineError> {
        let source = self.source.loudness()?;
        let coded = self.change.as_ref().map_or(Ok(source), |change| change.coded.loudness())?;
        Ok((source, coded))
    }
}

impl Change {
    fn new(plan: &AudioPlan, gain_db: f64, max_true_peak_dbtp: f64) -> Result<Self, EngineError> {
        let factor = |db: f64| 10f64.powf(db / 20.0) as f32;
        let ceiling = factor(max_true_peak_dbtp);
        Ok(Self {
            gain: factor(gain_db),
            limiter: Limiter::new(plan.channels as usize, plan.sample_rate, ceiling),
            coded: Meter::new(plan)?,
        })
    }

    /// Measures what came out since there were `ready` samples.
    fn measure(&mut self, planes: &[Vec<f32>], ready: usize) -> Result<(), EngineError> {
        let new: Vec<&[f32]> = planes.iter().map(|plane| &plane[ready..]).collect();
        self.coded.add(&new)
    }
}
