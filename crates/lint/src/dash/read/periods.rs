//! How periods follow one another (ISO/IEC 23009-1 §5.3.2).

use crate::dash::xml::Element;
use crate::report::{Findings, Place};
use crate::rules::dash as rules;

/// §5.3.2.4.
const CONTINUITY: &str = "urn:mpeg:dash:period-continuity:2015";
/// Times in different timescales agree to this.
const CLOSE_S: f64 = 0.01;

/// Checks all periods; `seconds` are their lengths.
pub(super) fn check(root: &Element, seconds: &[Option<f64>], resource: &str, findings: &mut Findings) {
    let periods: Vec<&Element> = root.all("Period").collect();
    let is_static = root.get("type") != Some("dynamic");
    for (index, period) in periods.iter().enumerate() {
        for set in period.all("AdaptationSet") {
            for property in set.all("SupplementalProperty").filter(|one| one.get("schemeIdUri") == Some(CONTINUITY)) {
                let earlier = periods[..index].iter().zip(seconds);
                if let Err(message) = goes_on(property.get("value"), earlier, period, set) {
                    findings.add(rules::PERIOD_CONTINUITY, Place::line(resource, property.line), message);
                }
            }
            for one in set.all("Representation").filter(|_| is_static) {
                if let Some(message) = starts_elsewhere(&[period, set, one]) {
                    findings.add(rules::PERIOD_START, Place::line(resource, one.line), message);
                }
            }
        }
    }
}

/// Whether a set goes on from the same set of the period that `id` names.
fn goes_on<'a>(
    id: Option<&str>,
    mut earlier: impl Iterator<Item = (&'a &'a Element, &'a Option<f64>)>,
    period: &Element,
    set: &Element,
) -> Result<(), String> {
    let id = id.unwrap_or_default();
    let (before, length) = earlier
        .find(|(before, _)| !id.is_empty() && before.get("id") == Some(id))
        .ok_or_else(|| format!("there is no earlier period {id:?}"))?;
    let name = set.get("id").unwrap_or_default();
    let twin = before.all("AdaptationSet").find(|other| !name.is_empty() && other.get("id") == Some(name));
    let twin = twin.ok_or_else(|| format!("period {id:?} has no adaptation set {name:?}"))?;
    for one in set.all("Representation") {
        let same = |other: &&Element| other.get("id") == one.get("id");
        let (Some(other), Some(length)) = (twin.all("Representation").find(same), length) else { continue };
        let (stopped, starts) = (offset(&[before, twin, other]) + length, offset(&[period, set, one]));
        if (stopped - starts).abs() > CLOSE_S {
            return Err(format!(
                "representation {:?} starts at media time {starts:.3} s and stopped at {stopped:.3} s",
                one.get("id").unwrap_or_default()
            ));
        }
    }
    Ok(())
}

/// What tells where segments are, innermost first.
fn information<'a>(path: &[&'a Element; 3]) -> Vec<&'a Element> {
    let names = ["SegmentTemplate", "SegmentList", "SegmentBase"];
    path.iter().rev().flat_map(|level| names.iter().filter_map(|name| level.child(name))).collect()
}

fn number(levels: &[&Element], name: &str) -> Option<u64> {
    levels.iter().find_map(|level| level.get(name)).and_then(|text| text.parse().ok())
}

fn scale(levels: &[&Element]) -> f64 {
    number(levels, "timescale").unwrap_or(1).max(1) as f64
}

/// Media time of the period's start in seconds.
fn offset(path: &[&Element; 3]) -> f64 {
    let levels = information(path);
    number(&levels, "presentationTimeOffset").unwrap_or(0) as f64 / scale(&levels)
}

/// Why the first segment of a timeline is not shown at the period's start.
fn starts_elsewhere(path: &[&Element; 3]) -> Option<String> {
    let levels = information(path);
    let first = levels.iter().find_map(|level| level.child("SegmentTimeline"))?.child("S")?;
    let value = |name: &str| first.get(name).and_then(|text| text.parse::<u64>().ok());
    let (time, length) = (value("t").unwrap_or(0) as f64 / scale(&levels), value("d")? as f64 / scale(&levels));
    let start = offset(path);
    (time + length <= start || time >= start + length.max(CLOSE_S)).then(|| {
        format!(
            "the period starts at media time {start:.3} s, its first segment at {time:.3} s and lasts {length:.3} s"
        )
    })
}
