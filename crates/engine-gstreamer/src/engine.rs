//! The port, implemented: the device for what it serves, another engine for all else.

use media_types::{AudioPlan, ProbeReport};
use pipeline::{
    AudioOrder, AudioSummary, CodedSource, Engine, EngineError, EngineSink, Loudness, RangeOrder, RangeSummary,
    StillsOrder, StillsSummary, TextOrder, TextSummary, check_range,
};

use crate::graph::Graph;
use crate::held::{Held, Onward};
use crate::plugins;
use crate::profile::DeviceProfile;
use crate::range::encode_range;

/// Makes ranges with a device, and everything else with `software`.
///
/// A stream or an order that the device does not serve falls to `software` whole. So does a range that the device fails at, when
/// the processor encodes: both engines then give one configuration of a track, and ranges of both go into it. A device's own
/// encoder gives another one; there the range fails, and is tried again.
pub struct DeviceEngine<E> {
    software: E,
    profile: DeviceProfile,
    tell: fn(&str),
}

/// Why a range is not the device's.
struct Refused {
    why: String,
    /// How far the caller was told of what was done in vain.
    told: u64,
}

impl<E: Engine + CodedSource> DeviceEngine<E> {
    /// `tell` hears, as one line, of each range that falls to `software`. The profile is [prepared](crate::prepare).
    pub fn new(software: E, profile: DeviceProfile, tell: fn(&str)) -> Self {
        Self { software, profile, tell }
    }

    /// Makes a range with the device; nothing but progress has reached the sink when it is refused.
    fn attempt(
        &mut self,
        order: &RangeOrder,
        sink: &mut dyn EngineSink,
    ) -> Result<Result<RangeSummary, Refused>, EngineError> {
        let refused = |why: String| Ok(Err(Refused { why, told: 0 }));
        let Some(coded) = self.software.coded_pictures(&order.video)? else {
            return refused("its codec or container is none that a device is given".to_owned());
        };
        let graph = match Graph::new(&self.profile, coded.stream(), order) {
            Ok(graph) => graph,
            Err(why) => return refused(why),
        };
        let mut held = Held::new(order, sink);
        let made = encode_range(&graph, coded, order, &mut held);
        if held.is_stopped() {
            return Err(EngineError::Stopped);
        }
        let told = held.told();
        let fault = held.fault();
        let checked = made.map_err(|error| fault.unwrap_or_else(|| error.to_string())).and_then(|summary| {
            // The other engine may know how to decode them.
            if let Some(pts) = summary.first_missing_pts.filter(|_| !self.profile.encodes()) {
                return Err(format!("{} pictures were not decoded, from {pts} on", summary.missing_pictures));
            }
            check_range(order, &summary).and_then(|()| held.finish()).map_err(|fault| fault.to_string())?;
            Ok(summary)
        });
        match checked {
            Err(detail) if self.profile.encodes() => Err(EngineError::Engine { detail }),
            Ok(summary) => {
                held.give()?;
                Ok(Ok(summary))
            }
            Err(why) => Ok(Err(Refused { why, told })),
        }
    }
}

impl<E: Engine + CodedSource> Engine for DeviceEngine<E> {
    fn identity(&self) -> String {
        format!("{} gstreamer-{} {}", self.software.identity(), plugins::version(), self.profile)
    }

    fn probe(&mut self) -> Result<ProbeReport, EngineError> {
        self.software.probe()
    }

    fn encode_range(&mut self, order: &RangeOrder, sink: &mut dyn EngineSink) -> Result<RangeSummary, EngineError> {
        match self.attempt(order, sink)? {
            Ok(summary) => Ok(summary),
            Err(Refused { why, told }) => {
                (self.tell)(&format!("the range from frame {} on is made without a device: {why}", order.first_frame));
                self.software.encode_range(order, &mut Onward { sink, told })
            }
        }
    }

    fn measure_audio(&mut self, plan: &AudioPlan) -> Result<Loudness, EngineError> {
        self.software.measure_audio(plan)
    }

    fn encode_audio(&mut self, order: &AudioOrder, sink: &mut dyn EngineSink) -> Result<AudioSummary, EngineError> {
        self.software.encode_audio(order, sink)
    }

    fn stills(&mut self, order: &StillsOrder, sink: &mut dyn EngineSink) -> Result<StillsSummary, EngineError> {
        self.software.stills(order, sink)
    }

    fn read_text(&mut self, order: &TextOrder, sink: &mut dyn EngineSink) -> Result<TextSummary, EngineError> {
        self.software.read_text(order, sink)
    }
}
