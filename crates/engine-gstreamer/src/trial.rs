//! Trials: an element of a device is used once it has made, with real media, what was expected of it.
//!
//! That a driver offers an element says little: it may lack the rights, the memory or the generation of chip. So pictures that
//! say their number are coded by the processor, made into a range with the element in question, and decoded by the processor
//! again. `media` makes and reads them.

mod media;

use std::time::{Duration, Instant};

use gstreamer as gst;
use pipeline::{CollectingSink, RangeCheck, SourceCodec, check_range};

use crate::device;
use crate::elements::{Does, Family, Known, candidates};
use crate::graph::Graph;
use crate::plugins;
use crate::profile::{DeviceProfile, software_encoder};
use crate::range::encode_range;
use media::Recording;

/// An element, and what came of its trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// What GStreamer calls it, or the plugin that would have it.
    pub element: &'static str,
    /// How long its trial took, or why it is not used.
    pub outcome: Result<Duration, String>,
}

/// What devices this machine has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceReport {
    /// All that was tried.
    pub tried: Vec<Tried>,
    /// What is used; `None` when the processor does as well.
    pub profile: Option<DeviceProfile>,
}

/// Tries what every family of devices offers, encoders among it if `encoders` are wanted. Takes some seconds where there is one, and next to nothing where there is none.
pub fn find_devices(encoders: bool) -> DeviceReport {
    let mut tried = Vec::new();
    for (family, plugin) in [(Family::Cuda, "nvcodec"), (Family::Va, "va")] {
        if let Some(node) = device::node(family).filter(|_| !device::is_there(family)) {
            tried.push(Tried { element: plugin, outcome: Err(format!("there is no {node}")) });
        } else if let Some(profile) = find(family, encoders, &mut tried) {
            return DeviceReport { tried, profile: Some(profile) };
        }
    }
    DeviceReport { tried, profile: None }
}

const CODECS: [SourceCodec; 4] = [SourceCodec::H264, SourceCodec::Hevc, SourceCodec::Vp9, SourceCodec::Av1];

/// What passes of one family; worth using when it does more than decode, which is the least of the work.
fn find(family: Family, encoders: bool, tried: &mut Vec<Tried>) -> Option<DeviceProfile> {
    let mut profile =
        DeviceProfile { decoders: Vec::new(), scaler: None, encoder: software_encoder(), device: device::name(family) };
    for codec in CODECS {
        let with = |known| DeviceProfile { decoders: vec![known], ..profile.clone() };
        profile.decoders.extend(first(family, Does::Decode(codec), codec, tried, with));
    }
    let codec = CODECS.into_iter().find(|codec| profile.decoder(*codec).is_some())?;
    if family != Family::Software {
        let with = |known| DeviceProfile { scaler: Some(known), ..profile.clone() };
        profile.scaler = first(family, Does::Scale, codec, tried, with);
    }
    let with = |known| DeviceProfile { encoder: known, ..profile.clone() };
    let encoder = if encoders { first(family, Does::Encode, codec, tried, with) } else { None };
    profile.encoder = encoder.unwrap_or(profile.encoder);
    (profile.scaler.is_some() || encoder.is_some()).then_some(profile)
}

/// The first of a family's elements that passes, in the profile that it makes.
fn first(
    family: Family,
    does: Does,
    codec: SourceCodec,
    tried: &mut Vec<Tried>,
    with: impl Fn(&'static Known) -> DeviceProfile,
) -> Option<&'static Known> {
    for known in candidates(family, does) {
        let outcome = attempt(known, codec, &with(known));
        let passed = outcome.is_ok();
        tried.push(Tried { element: known.name, outcome });
        if passed {
            return Some(known);
        }
    }
    None
}

fn attempt(known: &Known, codec: SourceCodec, profile: &DeviceProfile) -> Result<Duration, String> {
    plugins::load(known.plugin)?;
    if gst::ElementFactory::find(known.name).is_none() {
        return Err("no driver offers it".to_owned());
    }
    plugins::prepare(profile)?;
    let recording = Recording::new(codec)?;
    let begun = Instant::now();
    prove(profile, &recording)?;
    Ok(begun.elapsed())
}

/// Makes a range of the recording with a profile and looks at every picture of it.
fn prove(profile: &DeviceProfile, recording: &Recording) -> Result<(), String> {
    let order = media::order();
    let coded = recording.coded();
    let graph = Graph::new(profile, coded.stream(), &order)?;
    let mut sink = CollectingSink::new(2 * media::FRAMES as usize);
    let summary = encode_range(&graph, coded, &order, &mut sink).map_err(|error| error.to_string())?;
    check_range(&order, &summary).map_err(|fault| fault.to_string())?;
    if summary.missing_pictures > 0 {
        return Err(format!("{} pictures were not decoded", summary.missing_pictures));
    }
    let mut check = RangeCheck::new(&order);
    for (track, samples) in &sink.samples {
        samples.iter().try_for_each(|sample| check.sample(*track, sample)).map_err(|fault| fault.to_string())?;
    }
    check.finish().map_err(|fault| fault.to_string())?;
    media::look(&order, &sink)
}

#[cfg(test)]
mod tests;
