//! Text that is not in MP4 (DASH-IF Interoperability Points §6.4.5).

use super::Representation;
use crate::dash::Addressing;
use crate::dash::xml::Element;
use crate::report::{Findings, Place};
use crate::rules::dash as rules;

/// It is one file for the whole period, and its times count from the period's start.
pub(super) fn check(path: &[&Element; 3], one: &Representation, resource: &str, findings: &mut Findings) {
    if !matches!(one.mime.as_str(), "text/vtt" | "application/ttml+xml") {
        return;
    }
    let place = Place::line(resource, one.line);
    if let Addressing::Listed { segments, .. } = &one.addressing
        && segments.len() > 1
    {
        let message = format!("{} is divided into {} segments and not one file", one.mime, segments.len());
        findings.add(rules::TEXT_PERIOD, place, message);
    }
    let names = ["SegmentTemplate", "SegmentList", "SegmentBase"];
    let mut levels = path.iter().flat_map(|level| names.iter().filter_map(|name| level.child(name)));
    let offset = levels.find_map(|level| level.get("presentationTimeOffset")).filter(|offset| *offset != "0");
    if let Some(offset) = offset {
        let message = format!("@presentationTimeOffset is {offset}, which clients pass over for {}", one.mime);
        findings.add(rules::TEXT_PERIOD, place, message);
    }
}
