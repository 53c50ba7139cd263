//! From a profile, a stream and an order to lists of elements.
//!
//! One list decodes; what comes out is walked along the frame map by [`pipeline::walk`]; one list per rendition scales and
//! encodes. Between them pictures stay where they are: in the device's memory when what comes next works there.

use media_types::{Rendition, Rotation, VideoCodec};
use pipeline::{CodedStream, RangeOrder, SourceCodec};

use crate::clock::SourceClock;
use crate::elements::{Family, Properties, encoder_format, encoder_properties};
use crate::profile::DeviceProfile;

/// One element of a chain, or what must hold between two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// An element by the name of its factory, and what it is told.
    Element(&'static str, Properties),
    /// The form that media have here, as GStreamer writes caps.
    Form(String),
}

/// Elements one behind the other, from an application's source to an application's sink.
pub(crate) type Chain = Vec<Step>;

/// What a range is made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Graph {
    /// What goes into `decode`.
    pub(crate) coded: String,
    pub(crate) decode: Chain,
    /// One per rendition.
    pub(crate) encode: Vec<Chain>,
    /// The encoder's name.
    pub(crate) encoder: &'static str,
    /// Whether the encoder keeps pictures in the order in which they are shown, so that one can be held.
    pub(crate) may_hold: bool,
}

fn element(name: &'static str, properties: &[(&'static str, &str)]) -> Step {
    Step::Element(name, properties.iter().map(|(name, value)| (*name, (*value).to_owned())).collect())
}

impl Graph {
    /// The graph of an order.
    ///
    /// # Errors
    /// Why the profile does not serve it, as one clause.
    pub(crate) fn new(profile: &DeviceProfile, stream: &CodedStream, order: &RangeOrder) -> Result<Self, String> {
        if order.judge.as_ref().is_some_and(|judge| !judge.may_be_left_out) {
            return Err("renditions are to be judged".to_owned());
        }
        if order.renditions.iter().any(|rendition| rendition.frame_step > 1) {
            return Err("a rendition shows fewer pictures than there are".to_owned());
        }
        if order.careful && !profile.encodes() {
            return Err("it has failed before".to_owned());
        }
        if order.video.deinterlace {
            return Err("its pictures are to be deinterlaced".to_owned());
        }
        if order.video.film.is_some() {
            return Err("its pictures are to be made film again".to_owned());
        }
        if let Some(codec) = order.renditions.iter().map(|one| one.encoding.codec).find(|c| *c != VideoCodec::H264) {
            return Err(format!("renditions of {} are ordered", codec.name()));
        }
        if let Some(unusual) = stream.unusual {
            return Err(unusual.to_owned());
        }
        if SourceClock::new(stream.time_base, 0).is_none() {
            return Err("its clock ticks too fast".to_owned());
        }
        let decoder = profile.decoder(stream.codec).ok_or("its codec has no decoder that passed a trial")?;
        let decoded_in = memory(profile, order.video.rotation);
        Ok(Self {
            coded: coded_form(stream),
            decode: vec![
                element(parser(stream.codec), &[]),
                element(decoder.name, decoder_properties(decoder.name)),
                Step::Form(format!("video/x-raw{}", decoded_in.feature())),
            ],
            encode: order.renditions.iter().map(|one| encode(profile, order, one, decoded_in)).collect(),
            encoder: profile.encoder.name,
            may_hold: profile.encoder.family != Family::Software,
        })
    }
}

/// Where decoded pictures lie: on the device when it scales or encodes them, too. It turns none of them.
fn memory(profile: &DeviceProfile, rotation: Rotation) -> Family {
    let stays = profile.scaler.is_some() && rotation == Rotation::None;
    if stays { profile.family() } else { Family::Software }
}

fn encode(profile: &DeviceProfile, order: &RangeOrder, rendition: &Rendition, decoded_in: Family) -> Chain {
    let name = profile.encoder.name;
    let on_device = decoded_in != Family::Software;
    let mut chain = Chain::new();
    if let Some(direction) = direction(order.video.rotation) {
        chain.push(element("videoflip", &[("video-direction", direction)]));
    }
    match profile.scaler {
        Some(scaler) if on_device => {
            chain.push(element(scaler.name, &[("add-borders", "false")]));
            let stays = profile.encoder.family == decoded_in;
            chain.push(Step::Form(scaled(rendition, "NV12", decoded_in)));
            if !stays {
                chain.push(element(download(decoded_in), &[]));
                chain.push(software_scaler());
                chain.push(Step::Form(scaled(rendition, encoder_format(name), Family::Software)));
            }
        }
        _ => {
            chain.push(software_scaler());
            chain.push(Step::Form(scaled(rendition, encoder_format(name), Family::Software)));
        }
    }
    chain.push(Step::Element(name, encoder_properties(name, &order.video, &rendition.encoding)));
    chain.push(Step::Form("video/x-h264, profile=high".to_owned()));
    chain.push(element("h264parse", &[]));
    chain.push(Step::Form("video/x-h264, stream-format=avc, alignment=au".to_owned()));
    chain
}

/// Bicubic, and to the size as it is: the plan has seen to the shape.
fn software_scaler() -> Step {
    element("videoconvertscale", &[("add-borders", "false"), ("method", "catrom"), ("n-threads", "1")])
}

fn scaled(rendition: &Rendition, format: &str, memory: Family) -> String {
    let Rendition { width, height, .. } = rendition;
    let feature = memory.feature();
    format!("video/x-raw{feature}, format={format}, width={width}, height={height}, pixel-aspect-ratio=1/1")
}

fn download(from: Family) -> &'static str {
    if from == Family::Cuda { "cudadownload" } else { "vapostproc" }
}

fn direction(rotation: Rotation) -> Option<&'static str> {
    Some(match rotation {
        Rotation::None => return None,
        Rotation::Right => "90r",
        Rotation::Half => "180",
        Rotation::Left => "90l",
        Rotation::Mirrored => "horiz",
        Rotation::HalfMirrored => "vert",
        Rotation::RightMirrored => "ul-lr",
        Rotation::LeftMirrored => "ur-ll",
    })
}

fn parser(codec: SourceCodec) -> &'static str {
    match codec {
        SourceCodec::H264 => "h264parse",
        SourceCodec::Hevc => "h265parse",
        SourceCodec::Vp9 => "vp9parse",
        SourceCodec::Av1 => "av1parse",
    }
}

/// The processor's decoders work side by side as those of the other engine do.
fn decoder_properties(name: &str) -> &'static [(&'static str, &'static str)] {
    match name {
        "avdec_h264" | "avdec_h265" => &[("max-threads", "2")],
        "vp9dec" => &[("threads", "2")],
        _ => &[],
    }
}

/// Whether a stream's set-up is a configuration record: those begin with a version, parameter sets with a start code.
pub(crate) fn has_record(stream: &CodedStream) -> bool {
    let version = match stream.codec {
        SourceCodec::H264 | SourceCodec::Hevc => 1,
        SourceCodec::Av1 => 0x81,
        SourceCodec::Vp9 => return false,
    };
    stream.setup.first() == Some(&version)
}

/// What the coded pictures are, but for the record that goes with them.
fn coded_form(stream: &CodedStream) -> String {
    let recorded = has_record(stream);
    let size = format!("width={}, height={}", stream.width, stream.height);
    match stream.codec {
        SourceCodec::H264 if recorded => format!("video/x-h264, stream-format=avc, alignment=au, {size}"),
        SourceCodec::H264 => "video/x-h264, stream-format=byte-stream, alignment=au".to_owned(),
        SourceCodec::Hevc if recorded => format!("video/x-h265, stream-format=hvc1, alignment=au, {size}"),
        SourceCodec::Hevc => "video/x-h265, stream-format=byte-stream, alignment=au".to_owned(),
        SourceCodec::Vp9 => format!("video/x-vp9, alignment=super-frame, {size}"),
        SourceCodec::Av1 => format!("video/x-av1, stream-format=obu-stream, alignment=tu, {size}"),
    }
}

#[cfg(test)]
mod tests;
