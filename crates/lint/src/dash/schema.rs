//! Order of children, mandatory attributes and types (ISO/IEC 23009-1 §5.3, Annex B).

use super::values;
use super::xml::Element;
use crate::hls::instant;
use crate::report::{Findings, Place};
use crate::rules::dash as rules;

/// What descriptors and common parts come first in an adaptation set or representation (§5.3.7).
macro_rules! common {
    ($($rest:literal),*) => {
        &["FramePacking", "AudioChannelConfiguration", "ContentProtection", "OutputProtection", "EssentialProperty",
          "SupplementalProperty", "InbandEventStream", "Switching", "RandomAccess", "GroupLabel", "Label",
          "ProducerReferenceTime", "ContentPopularityRate", "Resync", $($rest),*]
    };
}

/// Children in their order. Elements of equal rank in a choice are kept apart here, which real documents are, too.
fn children(name: &str) -> Option<&'static [&'static str]> {
    Some(match name {
        "MPD" => &[
            "ProgramInformation",
            "BaseURL",
            "Location",
            "PatchLocation",
            "ServiceDescription",
            "InitializationSet",
            "InitializationGroup",
            "InitializationPresentation",
            "ContentProtection",
            "Period",
            "Metrics",
            "EssentialProperty",
            "SupplementalProperty",
            "UTCTiming",
            "LeapSecondInformation",
        ],
        "Period" => &[
            "BaseURL",
            "SegmentBase",
            "SegmentList",
            "SegmentTemplate",
            "AssetIdentifier",
            "EventStream",
            "ServiceDescription",
            "ContentProtection",
            "AdaptationSet",
            "Subset",
            "SupplementalProperty",
            "EmptyAdaptationSet",
            "GroupLabel",
            "Preselection",
        ],
        "AdaptationSet" => common![
            "Accessibility",
            "Role",
            "Rating",
            "Viewpoint",
            "ContentComponent",
            "BaseURL",
            "SegmentBase",
            "SegmentList",
            "SegmentTemplate",
            "Representation"
        ],
        "Representation" => {
            common![
                "BaseURL",
                "ExtendedBandwidth",
                "SubRepresentation",
                "SegmentBase",
                "SegmentList",
                "SegmentTemplate"
            ]
        }
        "SegmentTemplate" | "SegmentList" => &[
            "FailoverContent",
            "Initialization",
            "RepresentationIndex",
            "SegmentTimeline",
            "BitstreamSwitching",
            "SegmentURL",
        ],
        "SegmentBase" => &["FailoverContent", "Initialization", "RepresentationIndex"],
        "SegmentTimeline" => &["Pattern", "S"],
        _ => return None,
    })
}

#[derive(Clone, Copy)]
enum Kind {
    Unsigned,
    Duration,
    Date,
    Rate,
    Bool,
    Range,
    Text,
    OneOf(&'static [&'static str]),
    /// An integer or a boolean.
    Sap,
}

use Kind::{Bool, Date, Duration, OneOf, Range, Rate, Sap, Text, Unsigned};

/// Name, type and necessity.
fn attributes(name: &str) -> &'static [(&'static str, Kind, bool)] {
    match name {
        "MPD" => &[
            ("profiles", Text, true),
            ("minBufferTime", Duration, true),
            ("type", OneOf(&["static", "dynamic"]), false),
            ("mediaPresentationDuration", Duration, false),
            ("minimumUpdatePeriod", Duration, false),
            ("timeShiftBufferDepth", Duration, false),
            ("suggestedPresentationDelay", Duration, false),
            ("maxSegmentDuration", Duration, false),
            ("availabilityStartTime", Date, false),
            ("availabilityEndTime", Date, false),
            ("publishTime", Date, false),
        ],
        "Period" => &[("start", Duration, false), ("duration", Duration, false)],
        "AdaptationSet" => &[
            ("width", Unsigned, false),
            ("height", Unsigned, false),
            ("maxWidth", Unsigned, false),
            ("maxHeight", Unsigned, false),
            ("maxBandwidth", Unsigned, false),
            ("frameRate", Rate, false),
            ("maxFrameRate", Rate, false),
            ("segmentAlignment", Sap, false),
            ("subsegmentAlignment", Sap, false),
            ("bitstreamSwitching", Bool, false),
            ("startWithSAP", Unsigned, false),
            ("contentType", OneOf(&["video", "audio", "text", "image", "application", "font"]), false),
        ],
        "Representation" => &[
            ("id", Text, true),
            ("bandwidth", Unsigned, true),
            ("width", Unsigned, false),
            ("height", Unsigned, false),
            ("frameRate", Rate, false),
            ("startWithSAP", Unsigned, false),
        ],
        "SegmentTemplate" | "SegmentList" => &[
            ("timescale", Unsigned, false),
            ("duration", Unsigned, false),
            ("startNumber", Unsigned, false),
            ("presentationTimeOffset", Unsigned, false),
        ],
        "SegmentBase" => &[("timescale", Unsigned, false), ("indexRange", Range, false)],
        "Initialization" => &[("range", Range, false)],
        "SegmentURL" => &[("mediaRange", Range, false)],
        "ContentProtection"
        | "Role"
        | "AudioChannelConfiguration"
        | "EssentialProperty"
        | "SupplementalProperty"
        | "UTCTiming" => &[("schemeIdUri", Text, true)],
        _ => &[],
    }
}

impl Kind {
    fn holds(self, text: &str) -> bool {
        let unsigned = |text: &str| text.parse::<u64>().is_ok();
        let boolean = matches!(text, "true" | "false" | "1" | "0");
        match self {
            Unsigned => unsigned(text),
            Duration => values::duration(text).is_some_and(|seconds| seconds >= 0.0),
            // xs:dateTime may leave the zone out.
            Date => instant(text).is_some() || instant(&format!("{text}Z")).is_some(),
            Rate => values::frame_rate(text).is_some(),
            Bool => boolean,
            Range => values::byte_range(text).is_some(),
            Text => true,
            OneOf(words) => words.contains(&text),
            Sap => boolean || unsigned(text),
        }
    }
}

/// Checks an element and what is in it.
pub(super) fn check(element: &Element, resource: &str, findings: &mut Findings) {
    let place = Place::line(resource, element.line);
    for (name, kind, required) in attributes(&element.name) {
        match element.get(name) {
            Some(value) if !kind.holds(value) => {
                findings.add(rules::ATTRIBUTE_VALUE, place, format!("{}@{name} is {value:?}", element.name));
            }
            None if *required => {
                findings.add(rules::ATTRIBUTE_REQUIRED, place, format!("{} has no @{name}", element.name))
            }
            _ => {}
        }
    }
    if let Some(order) = children(&element.name) {
        let mut last = 0;
        for child in element.children.iter().filter(|child| child.prefix == element.prefix) {
            let here = Place::line(resource, child.line);
            match order.iter().position(|name| *name == child.name) {
                None => {
                    findings.add(rules::UNKNOWN_ELEMENT, here, format!("{} has a child {}", element.name, child.name))
                }
                Some(rank) if rank < last => {
                    findings.add(rules::ELEMENT_ORDER, here, format!("{} comes behind {}", child.name, order[last]));
                }
                Some(rank) => last = rank,
            }
        }
    }
    if element.name == "S" {
        for (name, required) in [("d", true), ("t", false), ("n", false)] {
            match element.get(name) {
                Some(value) if value.parse::<u64>().is_err() => {
                    findings.add(rules::ATTRIBUTE_VALUE, place, format!("S@{name} is {value:?}"));
                }
                None if required => findings.add(rules::ATTRIBUTE_REQUIRED, place, "S has no @d"),
                _ => {}
            }
        }
        return;
    }
    for child in element.children.iter().filter(|child| child.prefix == element.prefix) {
        check(child, resource, findings);
    }
}
