//! What was found, as text for people and serialised for machines.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::{Rule, Severity};

/// One thing that is wrong in one place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What is broken.
    pub rule: &'static Rule,
    /// How much it matters.
    pub severity: Severity,
    /// URI of the object.
    pub resource: String,
    /// 1-based line in a playlist or manifest.
    pub line: Option<u32>,
    /// Byte position in the object, of a box for instance.
    pub offset: Option<u64>,
    /// What was found and what was expected.
    pub message: String,
}

/// The outcome of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// In the order of resources as they were reached, then of lines and offsets.
    pub findings: Vec<Finding>,
    /// How many more findings each rule had than are listed.
    pub left_out: BTreeMap<&'static str, u64>,
    /// Objects that were fetched.
    pub objects: u64,
    /// Media segments that were read.
    pub segments: u64,
    /// Bytes that were read.
    pub bytes: u64,
    /// What the tracks hold, when [`Options::digests`](crate::Options::digests) asks for it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<TrackSamples>,
}

/// The samples of a track, as far as they were read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TrackSamples {
    /// The track's playlist, or what it is addressed by.
    pub resource: String,
    /// How many.
    pub count: u64,
    /// Lower-case hex BLAKE3 of their bytes in clear, one behind another; `None` where one could not be decrypted.
    pub blake3: Option<String>,
}

impl Report {
    /// How many listed findings have this severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }

    /// Whether any requirement is broken.
    pub fn has_errors(&self) -> bool {
        self.count(Severity::Error) > 0
    }
}

impl fmt::Display for Report {
    /// Findings under their resources, one a line, then a summary.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut resource = "";
        for finding in &self.findings {
            if finding.resource != resource {
                resource = &finding.resource;
                writeln!(f, "{resource}")?;
            }
            let severity = match finding.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Info => "info",
            };
            write!(f, "  {severity:<7} ")?;
            match (finding.line, finding.offset) {
                (Some(line), _) => write!(f, "line {line}: ")?,
                (None, Some(offset)) => write!(f, "byte {offset}: ")?,
                (None, None) => {}
            }
            writeln!(f, "{} [{}; {}]", finding.message, finding.rule.id, finding.rule.clause)?;
        }
        let left_out: u64 = self.left_out.values().sum();
        if left_out > 0 {
            let rules: Vec<String> = self.left_out.iter().map(|(id, count)| format!("{count} of {id}")).collect();
            writeln!(f, "{left_out} findings more: {}", rules.join(", "))?;
        }
        writeln!(
            f,
            "{} errors, {} warnings, {} notes in {} objects ({} segments, {} bytes)",
            self.count(Severity::Error),
            self.count(Severity::Warning),
            self.count(Severity::Info),
            self.objects,
            self.segments,
            self.bytes
        )
    }
}

/// Where a finding lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) resource: &'a str,
    pub(crate) line: Option<u32>,
    pub(crate) offset: Option<u64>,
}

impl<'a> Place<'a> {
    pub(crate) fn of(resource: &'a str) -> Self {
        Self { resource, line: None, offset: None }
    }

    pub(crate) fn line(resource: &'a str, line: u32) -> Self {
        Self { resource, line: Some(line), offset: None }
    }

    pub(crate) fn at(self, offset: u64) -> Self {
        Self { offset: Some(offset), ..self }
    }
}

/// Gathers findings under bounds: a flood of one kind must not hide the others.
#[derive(Debug)]
pub(crate) struct Findings {
    list: Vec<Finding>,
    per_place: BTreeMap<(&'static str, String), usize>,
    per_rule: BTreeMap<&'static str, usize>,
    left_out: BTreeMap<&'static str, u64>,
    limit: usize,
    /// Takes what is not to be told.
    nowhere: Option<Box<Findings>>,
}

impl Findings {
    const PER_PLACE: usize = 5;
    const PER_RULE: usize = 25;

    pub(crate) fn new(limit: usize) -> Self {
        Self {
            list: Vec::new(),
            per_place: BTreeMap::new(),
            per_rule: BTreeMap::new(),
            left_out: BTreeMap::new(),
            limit,
            nowhere: None,
        }
    }

    /// A place for findings that nobody wants.
    pub(crate) fn nowhere(&mut self) -> &mut Findings {
        self.nowhere.get_or_insert_with(|| Box::new(Findings::new(0)))
    }

    pub(crate) fn add(&mut self, rule: &'static Rule, place: Place<'_>, message: impl Into<String>) {
        let total = self.per_rule.entry(rule.id).or_default();
        if self.list.len() >= self.limit || *total >= Self::PER_RULE {
            *self.left_out.entry(rule.id).or_default() += 1;
            return;
        }
        let here = self.per_place.entry((rule.id, place.resource.to_owned())).or_default();
        if *here >= Self::PER_PLACE {
            *self.left_out.entry(rule.id).or_default() += 1;
            return;
        }
        *here += 1;
        *total += 1;
        self.list.push(Finding {
            rule,
            severity: rule.severity,
            resource: place.resource.to_owned(),
            line: place.line,
            offset: place.offset,
            message: message.into(),
        });
    }

    /// The findings so far, grouped by resource in the order in which resources first appear.
    pub(crate) fn report(&self) -> Report {
        let mut order: BTreeMap<&str, usize> = BTreeMap::new();
        for finding in &self.list {
            let next = order.len();
            order.entry(&finding.resource).or_insert(next);
        }
        let mut findings = self.list.clone();
        findings.sort_by_key(|finding| (order.get(finding.resource.as_str()).copied(), finding.line, finding.offset));
        Report { findings, left_out: self.left_out.clone(), ..Report::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::input;

    #[test]
    fn a_flood_of_one_rule_is_counted_and_leaves_room_for_others() {
        let mut findings = Findings::new(100);
        for number in 0..1000 {
            findings.add(input::FETCH, Place::of(&format!("seg-{}.mp4", number % 100)), "not found");
        }
        findings.add(input::UNKNOWN, Place::line("a", 3), "what is this");
        let report = findings.report();
        assert_eq!(report.findings.len(), Findings::PER_RULE + 1);
        assert_eq!(report.left_out["input.fetch"], 1000 - Findings::PER_RULE as u64);
        let text = report.to_string();
        assert!(text.contains("a\n  error   line 3: what is this [input.unknown; "), "{text}");
        assert!(text.contains("975 findings more: 975 of input.fetch"), "{text}");
    }
}
