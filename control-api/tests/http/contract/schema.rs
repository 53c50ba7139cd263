//! Two schemas: whether what was sent is still taken, and whether what is answered is still what it was.

use std::collections::BTreeSet;

use serde_json::Value;

use super::shape::{Shape, shapes};

/// Which way values go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// To the server: whatever was allowed still is.
    In,
    /// To clients: what comes is what was promised, and all that was promised comes. It may be more.
    Out,
}

/// Keywords that bound something, the type that they are about, and whether the greater of two numbers is the tighter one.
const BOUNDS: [(&str, &str, bool); 10] = [
    ("minimum", "number", true),
    ("exclusiveMinimum", "number", true),
    ("maximum", "number", false),
    ("exclusiveMaximum", "number", false),
    ("minLength", "string", true),
    ("maxLength", "string", false),
    ("minItems", "array", true),
    ("maxItems", "array", false),
    ("minProperties", "object", true),
    ("maxProperties", "object", false),
];

/// A comparison of schemas of two documents.
pub(super) struct Comparison<'a> {
    kept: &'a Value,
    new: &'a Value,
    way: Way,
    /// What is being compared, the outermost first. What comes again inside itself is not compared again: what is found of it is found once.
    under_way: Vec<[Vec<*const Value>; 2]>,
}

impl<'a> Comparison<'a> {
    pub(super) fn new(kept: &'a Value, new: &'a Value, way: Way) -> Self {
        Self { kept, new, way, under_way: Vec::new() }
    }

    /// What of schemas of the kept document, each of which holds, those of the new one break: sentences that begin with the place.
    pub(super) fn faults(&mut self, at: &str, kept: &[&'a Value], new: &[&'a Value]) -> Vec<String> {
        let addresses =
            |schemas: &[&'a Value]| schemas.iter().map(|schema| std::ptr::from_ref(*schema)).collect::<Vec<_>>();
        let pair = [addresses(kept), addresses(new)];
        if self.under_way.contains(&pair) {
            return Vec::new();
        }
        self.under_way.push(pair);
        let (was, is) = (shapes(self.kept, kept), shapes(self.new, new));
        let (narrow, wide) = match self.way {
            Way::In => (&was, &is),
            Way::Out => (&is, &was),
        };
        let mut faults = Vec::new();
        for shape in narrow {
            let candidates = wide.iter().filter(|other| shape.is_among(other));
            let found = candidates.map(|other| match self.way {
                Way::In => self.of_shapes(at, shape, other),
                Way::Out => self.of_shapes(at, other, shape),
            });
            let nearest = found.min_by_key(Vec::len);
            faults.extend(nearest.unwrap_or_else(|| vec![self.foreign(at, shape)]));
        }
        self.under_way.pop();
        faults
    }

    /// Of a type that is not there on the other side.
    fn foreign(&self, at: &str, shape: &Shape<'a>) -> String {
        let kind = shape.kind().map_or_else(|| "any type".to_owned(), |kind| format!("type {kind}"));
        match self.way {
            Way::In => format!("{at} may no longer be of {kind}"),
            Way::Out => format!("{at} may be of {kind} now"),
        }
    }

    fn of_shapes(&mut self, at: &str, was: &Shape<'a>, is: &Shape<'a>) -> Vec<String> {
        let (narrow, mut clauses) = match self.way {
            Way::In => (was, narrowed(was, is)),
            Way::Out => (is, widened(was, is)),
        };
        if narrow.kind() == Some("null") {
            return Vec::new();
        }
        clauses.extend(unread(was, is));
        let mut faults: Vec<String> = clauses.into_iter().map(|clause| format!("{at} {clause}")).collect();
        if narrow.may_be("array") {
            faults.extend(self.faults(&format!("{at}[]"), &was.items(), &is.items()));
        }
        if narrow.may_be("object") {
            faults.extend(match self.way {
                Way::In => self.sent(at, was, is),
                Way::Out => self.answered(at, was, is),
            });
        }
        faults
    }

    /// Of the properties of what is sent.
    fn sent(&mut self, at: &str, was: &Shape<'a>, is: &Shape<'a>) -> Vec<String> {
        let mut faults = Vec::new();
        for name in is.required().difference(&was.required()) {
            faults.push(format!("{at}.{name} is required now"));
        }
        let now = is.properties();
        for (name, before) in was.properties() {
            let within = format!("{at}.{name}");
            match now.get(name) {
                Some(now) => faults.extend(self.faults(&within, &before, now)),
                None if is.is_complete() => faults.push(format!("{within} is gone, and refused")),
                None => faults.extend(self.faults(&within, &before, &is.further())),
            }
        }
        if !is.is_complete() {
            faults.extend(self.faults(&format!("{at}.*"), &was.further(), &is.further()));
        } else if !was.is_complete() {
            faults.push(format!("{at} refuses properties that it does not know now"));
        }
        faults
    }

    /// Of the properties of what is answered.
    fn answered(&mut self, at: &str, was: &Shape<'a>, is: &Shape<'a>) -> Vec<String> {
        let mut faults = Vec::new();
        let (before, now, required) = (was.properties(), is.properties(), is.required());
        for name in was.required() {
            let is_gone = before.contains_key(name) && !now.contains_key(name);
            if !is_gone && !required.contains(name) {
                faults.push(format!("{at}.{name} may be left out now"));
            }
        }
        for (name, before) in &before {
            let within = format!("{at}.{name}");
            match now.get(name) {
                Some(now) => faults.extend(self.faults(&within, before, now)),
                None => faults.push(format!("{within} is gone")),
            }
        }
        if was.further().iter().any(|schema| schema.is_object()) {
            let within = format!("{at}.*");
            if is.is_complete() {
                faults.push(format!("{within} is gone"));
            } else {
                faults.extend(self.faults(&within, &was.further(), &is.further()));
            }
        }
        faults
    }
}

/// What a shape no longer takes that it took, but for what lies in it.
fn narrowed(was: &Shape<'_>, is: &Shape<'_>) -> Vec<String> {
    let mut clauses = Vec::new();
    for (keyword, kind, is_least) in BOUNDS {
        let Some(now) = is.bound(keyword, is_least).filter(|_| was.may_be(kind)) else { continue };
        // Nothing has a length, or a number of members, below 0.
        let always = (is_least && kind != "number").then_some(0.0);
        let before = was.bound(keyword, is_least).or(always);
        if before.is_none_or(|before| if is_least { now > before } else { now < before }) {
            clauses.push(format!("has the tighter {keyword} {now} now"));
        }
    }
    match (was.listed(), is.listed()) {
        (Some(before), Some(now)) => {
            let gone = before.into_iter().filter(|value| !now.contains(value));
            clauses.extend(gone.map(|value| format!("no longer takes {value}")));
        }
        (None, Some(_)) => clauses.push("takes listed values alone now".to_owned()),
        (_, None) => {}
    }
    for keyword in ["multipleOf", "pattern", "uniqueItems"] {
        let mut asked = is.says(keyword).filter(|now| now.as_bool() != Some(false));
        if asked.any(|now| was.says(keyword).all(|before| before != now)) {
            clauses.push(format!("has another {keyword} now"));
        }
    }
    if let Some(default) = was.says("default").next()
        && is.says("default").next() != Some(default)
    {
        clauses.push("has another default now".to_owned());
    }
    if !is_format(format_of(was), format_of(is)) {
        clauses.push("has another format now".to_owned());
    }
    clauses
}

/// What a shape may be now that it was not, but for what lies in it. Words of a list that is not closed may become more; how long and how
/// great something is was never promised.
fn widened(was: &Shape<'_>, is: &Shape<'_>) -> Vec<String> {
    let mut clauses = Vec::new();
    match (was.listed(), is.listed()) {
        (Some(before), Some(now)) if !now.is_empty() && !now.iter().any(|value| before.contains(value)) => {
            clauses.push("has other values now".to_owned());
        }
        (Some(_), None) if was.is_closed() => clauses.push("may be any value now".to_owned()),
        (Some(before), Some(now)) if was.is_closed() => {
            let come = now.into_iter().filter(|value| !before.contains(value));
            clauses.extend(come.map(|value| format!("may be {value} now")));
            if !is.is_closed() {
                clauses.push("is no longer closed".to_owned());
            }
        }
        _ => {}
    }
    if !is_format(format_of(is), format_of(was)) {
        clauses.push("has another format now".to_owned());
    }
    clauses
}

/// Keywords that no rule reads have to stay as they are.
fn unread<'a>(was: &Shape<'a>, is: &Shape<'a>) -> Vec<String> {
    let (before, now) = (was.others(), is.others());
    let gone = before.iter().filter(|said| !now.contains(said));
    let come = now.iter().filter(|said| !before.contains(said));
    let names: BTreeSet<&str> = gone.chain(come).map(|(name, _)| *name).collect();
    names.into_iter().map(|name| format!("has another {name} now")).collect()
}

/// How a text or a number is written; that it is a password changes nothing about it.
fn format_of<'a>(shape: &Shape<'a>) -> Option<&'a str> {
    shape.says("format").filter_map(Value::as_str).find(|format| *format != "password")
}

/// Whether whatever is of one format is of another one too.
fn is_format(one: Option<&str>, other: Option<&str>) -> bool {
    let (Some(one), Some(other)) = (one, other) else { return other.is_none() };
    one == other || matches!((one, other), ("int32", "int64" | "float" | "double") | ("int64" | "float", "double"))
}
