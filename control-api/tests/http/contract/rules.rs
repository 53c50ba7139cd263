//! Two documents: what programs that were written for the kept one can no longer do with the new one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

use super::schema::{Comparison, Way};
use super::shape::resolved;

/// What of a path is an operation (OpenAPI 3.1 §4.8.9).
const METHODS: [&str; 8] = ["delete", "get", "head", "options", "patch", "post", "put", "trace"];
/// How a parameter is written.
const STYLE: [&str; 4] = ["allowReserved", "content", "explode", "style"];
/// What a security scheme is.
const SCHEME: [&str; 4] = ["in", "name", "scheme", "type"];
/// Whoever operates the installation may all that any permission opens, but not what is for these.
const NOT_THE_OPERATORS: [&str; 2] = ["person", "service"];

/// Something that no longer holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Break {
    /// The operation's id, or method and path where it has none, as the kept document says.
    pub(super) operation: String,
    /// What it is about and what became of it.
    pub(super) what: String,
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.operation, self.what)
    }
}

/// All that a client of `kept` relies on and `new` does not have, in the order of the operations' names. Both are whole `OpenAPI`
/// documents; what refers outside them allows anything.
pub(super) fn breaks(kept: &Value, new: &Value) -> Vec<Break> {
    let now = operations(new);
    let mut breaks = BTreeSet::new();
    for (at, was) in operations(kept) {
        let faults = match now.get(&at) {
            Some(is) => Change { kept, new, was, is: *is }.faults(),
            None => vec!["it is gone".to_owned()],
        };
        let (path, method) = at;
        let name = || format!("{} {path}", method.to_uppercase());
        let operation = was.id().map_or_else(name, str::to_owned);
        breaks.extend(faults.into_iter().map(|what| Break { operation: operation.clone(), what }));
    }
    breaks.into_iter().collect()
}

/// An operation in its document.
#[derive(Clone, Copy)]
struct Operation<'a> {
    item: &'a Value,
    operation: &'a Value,
}

impl<'a> Operation<'a> {
    fn id(&self) -> Option<&'a str> {
        self.operation["operationId"].as_str()
    }
}

/// By path and method.
fn operations(document: &Value) -> BTreeMap<(&str, &str), Operation<'_>> {
    let mut operations = BTreeMap::new();
    for (path, item) in members(&document["paths"]) {
        let item = resolved(document, item);
        for (method, operation) in members(item).filter(|(name, _)| METHODS.contains(name)) {
            operations.insert((path, method), Operation { item, operation });
        }
    }
    operations
}

/// An operation, before and now.
struct Change<'a> {
    kept: &'a Value,
    new: &'a Value,
    was: Operation<'a>,
    is: Operation<'a>,
}

impl<'a> Change<'a> {
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.was.id().is_some() && self.is.id() != self.was.id() {
            faults.push(format!("it is called {} now", self.is.id().unwrap_or("nothing")));
        }
        faults.extend(self.security());
        faults.extend(self.parameters());
        faults.extend(self.body());
        faults.extend(self.answers());
        faults
    }

    fn schemas(&self, way: Way, at: &str, was: &'a Value, is: &'a Value) -> Vec<String> {
        Comparison::new(self.kept, self.new, way).faults(at, &[&was["schema"]], &[&is["schema"]])
    }

    /// Each way in has to be one still: to those who may what it asked for, and without asking for more.
    fn security(&self) -> Vec<String> {
        let (was, is) = (demands(self.kept, &self.was), demands(self.new, &self.is));
        let mut faults = Vec::new();
        if !was.iter().all(|was| is.iter().any(|is| asks_no_more(was, is))) {
            let asked: Vec<_> = is.iter().flat_map(BTreeMap::values).flatten().copied().collect();
            faults.push(format!(
                "it asks for {} now",
                if asked.is_empty() { "a token".to_owned() } else { asked.join(", ") }
            ));
        }
        let scheme = |document: &'a Value, name: &str| -> [&'a Value; 4] {
            let scheme = resolved(document, &document["components"]["securitySchemes"][name]);
            SCHEME.map(|of| &scheme[of])
        };
        let schemes: BTreeSet<&str> = was.iter().flat_map(BTreeMap::keys).copied().collect();
        for name in schemes {
            if scheme(self.kept, name) != scheme(self.new, name) {
                faults.push(format!("the security scheme {name} is another one now"));
            }
        }
        faults
    }

    fn parameters(&self) -> Vec<String> {
        let (was, is) = (parameters(self.kept, &self.was), parameters(self.new, &self.is));
        let mut faults = Vec::new();
        for (name, was) in &was {
            let at = format!("{} parameter {}", name.0, name.1);
            let Some(is) = is.get(name) else {
                faults.push(format!("{at} is gone"));
                continue;
            };
            if is_required(is) && !is_required(was) {
                faults.push(format!("{at} is required now"));
            }
            for how in STYLE.into_iter().filter(|how| was[*how] != is[*how]) {
                faults.push(format!("{at} has another {how} now"));
            }
            faults.extend(self.schemas(Way::In, &at, was, is));
        }
        for ((place, name), _) in is.iter().filter(|(name, is)| is_required(is) && !was.contains_key(*name)) {
            faults.push(format!("{place} parameter {name} is new, and required"));
        }
        faults
    }

    fn body(&self) -> Vec<String> {
        let was = resolved(self.kept, &self.was.operation["requestBody"]);
        let is = resolved(self.new, &self.is.operation["requestBody"]);
        if was.is_object() && !is.is_object() {
            return vec!["body is gone".to_owned()];
        }
        let mut faults = Vec::new();
        if is_required(is) && !is_required(was) {
            faults.push("body is required now".to_owned());
        }
        faults.extend(self.contents(Way::In, "body", was, is));
        faults
    }

    fn answers(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for (status, was) in members(&self.was.operation["responses"]) {
            let is = &self.is.operation["responses"][status];
            if !is.is_object() {
                faults.push(format!("{status} is gone"));
                continue;
            }
            let (was, is) = (resolved(self.kept, was), resolved(self.new, is));
            faults.extend(self.contents(Way::Out, status, was, is));
            for (name, was) in members(&was["headers"]) {
                let at = format!("{status} header {name}");
                let is = &is["headers"][name];
                if is.is_object() {
                    let (was, is) = (resolved(self.kept, was), resolved(self.new, is));
                    faults.extend(self.schemas(Way::Out, &at, was, is));
                } else {
                    faults.push(format!("{at} is gone"));
                }
            }
        }
        faults
    }

    /// Of what is sent or answered in each media type.
    fn contents(&self, way: Way, at: &str, was: &'a Value, is: &'a Value) -> Vec<String> {
        let mut faults = Vec::new();
        for (media_type, was) in members(&was["content"]) {
            let is = &is["content"][media_type];
            if is.is_object() {
                faults.extend(self.schemas(way, at, was, is));
            } else {
                faults.push(format!("{at} as {media_type} is gone"));
            }
        }
        faults
    }
}

/// What an operation asks for: in one of these ways, each of the schemes with its scopes.
fn demands<'a>(document: &'a Value, of: &Operation<'a>) -> Vec<BTreeMap<&'a str, BTreeSet<&'a str>>> {
    let listed = of.operation.get("security").unwrap_or(&document["security"]);
    let scopes = |scopes: &'a Value| elements(scopes).filter_map(Value::as_str).collect::<BTreeSet<_>>();
    let ways = elements(listed).map(|way| members(way).map(|(name, asked)| (name, scopes(asked))).collect());
    let ways: Vec<BTreeMap<_, _>> = ways.collect();
    if ways.is_empty() { vec![BTreeMap::new()] } else { ways }
}

/// Whether whoever was let in by one way is let in by another.
fn asks_no_more(was: &BTreeMap<&str, BTreeSet<&str>>, is: &BTreeMap<&str, BTreeSet<&str>>) -> bool {
    is.iter().all(|(scheme, now)| {
        was.get(scheme).is_some_and(|before| {
            let is_the_operators =
                before.contains("operator") && !NOT_THE_OPERATORS.iter().any(|role| now.contains(role));
            is_the_operators || now.is_subset(before)
        })
    })
}

/// By place and name, which in a header is the same in any case. Those of an operation go before those of its path.
fn parameters<'a>(document: &'a Value, of: &Operation<'a>) -> BTreeMap<(&'a str, String), &'a Value> {
    let listed = elements(&of.item["parameters"]).chain(elements(&of.operation["parameters"]));
    let parameters = listed.map(|parameter| resolved(document, parameter)).map(|parameter| {
        let text = |name: &str| parameter[name].as_str().unwrap_or_default();
        let (place, name) = (text("in"), text("name"));
        ((place, if place == "header" { name.to_lowercase() } else { name.to_owned() }), parameter)
    });
    parameters.collect()
}

fn is_required(value: &Value) -> bool {
    value["required"] == true
}

fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

fn elements(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
