//! What a flag may say. The engine reads a flag's rules as a text that it puts together from them, so nothing may reach it that
//! would read as more than one value: a number has to be a number, and a text may not end the one it stands in.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use chrono::{DateTime, Utc};
use kernel::{Code, text};
use regex::RegexBuilder;
use semver::Version;
use serde::Serialize;
use serde_json::Value;

use super::codes;
use super::evaluate::Evaluator;
use super::model::{Constraint, Content, FlagSegment, Operator, Settings, Strategy, ValueType};
use super::wire::{self, WHOLE};

const MAX_DESCRIPTION: usize = 500;
const MAX_ENVIRONMENTS: usize = 8;
const MAX_STRATEGIES: usize = 16;
const MAX_CONSTRAINTS: usize = 32;
const MAX_VALUES: usize = 1000;
const MAX_VARIANTS: usize = 32;
const MAX_PARENTS: usize = 8;
const MAX_TEXT: usize = 500;
const MAX_PARAMETER: usize = 16 * 1024;
const MAX_BYTES: usize = 64 * 1024;
/// What a compiled regular expression may take up, in bytes.
const MAX_REGEX: usize = 256 * 1024;

/// What is wrong, and where: a JSON pointer below the flag's settings or the segment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) pointer: String,
    pub(crate) code: Code,
    pub(crate) detail: String,
}

type Checked = Result<(), Fault>;

fn fault(pointer: impl Into<String>, code: Code, detail: impl Into<String>) -> Checked {
    Err(Fault { pointer: pointer.into(), code, detail: detail.into() })
}

/// Whether a flag or a segment may be called so.
pub(crate) fn is_key(key: &str) -> bool {
    let mut bytes = key.bytes();
    let begins = bytes.next().is_some_and(|first| first.is_ascii_alphanumeric());
    begins && key.len() <= 100 && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// Whether an environment may be called so.
pub(crate) fn is_environment(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=32).contains(&name.len()) && name.bytes().all(plain)
}

/// Checks a flag as it is to be stored; segments by their names.
pub(crate) fn check(key: &str, content: &Content, segments: &BTreeMap<String, FlagSegment>) -> Checked {
    if !is_key(key) {
        return fault("/key", codes::FLAG_INVALID_KEY, "this is no key of a flag");
    }
    check_description(&content.description)?;
    if content.environments.len() > MAX_ENVIRONMENTS {
        let detail = format!("a flag has at most {MAX_ENVIRONMENTS} environments");
        return fault("/environments", codes::FLAG_INVALID_ENVIRONMENT, detail);
    }
    check_size(content)?;
    for (name, settings) in &content.environments {
        if !is_environment(name) {
            return fault("/environments", codes::FLAG_INVALID_ENVIRONMENT, "this is no name of an environment");
        }
        let inside = |fault: Fault| Fault { pointer: format!("/environments/{name}{}", fault.pointer), ..fault };
        check_settings(key, content.value_type, settings, segments).map_err(inside)?;
        compile(key, name, content, segments).map_err(inside)?;
    }
    Ok(())
}

/// Checks a segment as it is to be stored.
pub(crate) fn check_segment(segment: &FlagSegment) -> Checked {
    check_description(&segment.description)?;
    check_size(segment)?;
    check_constraints(&segment.constraints)
}

fn check_description(description: &str) -> Checked {
    text::check(description, 0..=MAX_DESCRIPTION)
        .or_else(|detail| fault("/description", codes::FLAG_INVALID_DESCRIPTION, detail))
}

fn check_size(content: &impl Serialize) -> Checked {
    let text = serde_json::to_string(content).unwrap_or_default();
    if text.len() > MAX_BYTES {
        return fault("", codes::FLAG_TOO_LARGE, format!("{} bytes are too many", text.len()));
    }
    // Which PostgreSQL does not store.
    if text.contains("\\u0000") {
        return fault("", codes::FLAG_INVALID_VALUE, "a text has a NUL");
    }
    Ok(())
}

fn check_settings(
    key: &str,
    value_type: ValueType,
    settings: &Settings,
    segments: &BTreeMap<String, FlagSegment>,
) -> Checked {
    for (name, value) in [("on_value", &settings.on_value), ("off_value", &settings.off_value)] {
        if let Some(value) = value {
            check_value(&format!("/{name}"), value_type, value)?;
        }
    }
    if settings.strategies.len() > MAX_STRATEGIES {
        let detail = format!("an environment has at most {MAX_STRATEGIES} strategies");
        return fault("/strategies", codes::FLAG_INVALID_STRATEGY, detail);
    }
    for (index, strategy) in settings.strategies.iter().enumerate() {
        let inside = |fault: Fault| Fault { pointer: format!("/strategies/{index}{}", fault.pointer), ..fault };
        check_strategy(value_type, strategy, segments).map_err(inside)?;
    }
    let variants = settings.variants.iter().map(|variant| (variant.name.as_str(), variant.weight, &variant.value));
    check_variants(value_type, variants)?;
    for (index, variant) in settings.variants.iter().enumerate() {
        let named = variant.stickiness.iter().chain(variant.overrides.iter().map(|one| &one.context_name));
        let texts = variant.overrides.iter().flat_map(|one| &one.values);
        if named.chain(texts).any(|text| !is_plain(text)) {
            let detail = "stickiness and overrides are texts without quotes and backslashes";
            return fault(format!("/variants/{index}"), codes::FLAG_INVALID_VARIANTS, detail);
        }
    }
    let keys: BTreeSet<&str> = settings.parents.iter().map(|parent| parent.key.as_str()).collect();
    let fits = settings.parents.len() <= MAX_PARENTS && keys.len() == settings.parents.len() && !keys.contains(key);
    if !fits || !keys.iter().all(|key| is_key(key)) {
        return fault("/parents", codes::FLAG_INVALID_PARENTS, "these are no parents of this flag");
    }
    Ok(())
}

fn check_value(pointer: &str, value_type: ValueType, value: &Value) -> Checked {
    if value_type.fits(value) {
        return Ok(());
    }
    fault(pointer, codes::FLAG_INVALID_VALUE, "the value is of another type than the flag")
}

fn check_variants<'a>(
    value_type: ValueType,
    variants: impl ExactSizeIterator<Item = (&'a str, u32, &'a Value)>,
) -> Checked {
    let refuse = |pointer: String, detail: &str| fault(pointer, codes::FLAG_INVALID_VARIANTS, detail);
    let (count, mut names, mut weights) = (variants.len(), BTreeSet::new(), 0);
    if count > MAX_VARIANTS {
        return refuse("/variants".to_owned(), "there are too many variants");
    }
    for (index, (name, weight, value)) in variants.enumerate() {
        let pointer = format!("/variants/{index}");
        if name.is_empty() || !is_plain(name) || !names.insert(name) {
            return refuse(format!("{pointer}/name"), "a variant has a name of its own");
        }
        if weight > WHOLE {
            return refuse(format!("{pointer}/weight"), "a weight is 0 to 1000");
        }
        weights += weight;
        check_value(&format!("{pointer}/value"), value_type, value)?;
    }
    // Nobody could be given any, and the engine would divide by it.
    if count > 0 && weights == 0 {
        return refuse("/variants".to_owned(), "no variant has any weight");
    }
    Ok(())
}

fn check_strategy(value_type: ValueType, strategy: &Strategy, segments: &BTreeMap<String, FlagSegment>) -> Checked {
    let refuse = |pointer: &str, detail: String| fault(pointer, codes::FLAG_INVALID_STRATEGY, detail);
    // What it needs, and what it may be told besides.
    let (needs, takes): (&[&str], &[&str]) = match strategy.name.as_str() {
        "default" => (&[], &[]),
        "flexibleRollout" => (&["rollout"], &["stickiness", "groupId"]),
        "userWithId" => (&["userIds"], &[]),
        "remoteAddress" => (&["IPs"], &[]),
        "applicationHostname" => (&["hostNames"], &[]),
        "gradualRolloutUserId" | "gradualRolloutSessionId" | "gradualRolloutRandom" => (&["percentage"], &["groupId"]),
        name => return refuse("/name", format!("there is no strategy {name:?}")),
    };
    for needed in needs {
        if !strategy.parameters.contains_key(*needed) {
            return refuse("/parameters", format!("the strategy needs the parameter {needed}"));
        }
    }
    for (name, value) in &strategy.parameters {
        let pointer = format!("/parameters/{name}");
        if !needs.contains(&name.as_str()) && !takes.contains(&name.as_str()) {
            return refuse("/parameters", format!("the strategy takes no parameter {name:?}"));
        }
        if value.len() > MAX_PARAMETER || value.contains(['"', '\\']) || value.contains(char::is_control) {
            return refuse(&pointer, "a parameter has no quotes, backslashes or control characters".to_owned());
        }
        let is_share = ["rollout", "percentage"].contains(&name.as_str());
        if is_share && value.parse::<u8>().ok().filter(|share| *share <= 100 && share.to_string() == *value).is_none() {
            return refuse(&pointer, "a share is a whole number of 0 to 100".to_owned());
        }
        if name == "IPs" && !value.split(',').all(|range| is_range(range.trim())) {
            return refuse(&pointer, "a range is an IP address, or one in CIDR notation".to_owned());
        }
    }
    for (index, name) in strategy.segments.iter().enumerate() {
        if !segments.contains_key(name) {
            return refuse(&format!("/segments/{index}"), format!("there is no segment {name:?}"));
        }
    }
    check_constraints(&strategy.constraints)?;
    let variants = strategy.variants.iter().map(|variant| (variant.name.as_str(), variant.weight, &variant.value));
    check_variants(value_type, variants)
}

fn check_constraints(constraints: &[Constraint]) -> Checked {
    if constraints.len() > MAX_CONSTRAINTS {
        let detail = format!("there are at most {MAX_CONSTRAINTS} constraints");
        return fault("/constraints", codes::FLAG_INVALID_CONSTRAINT, detail);
    }
    for (index, constraint) in constraints.iter().enumerate() {
        let refuse = |(part, detail): (&str, String)| {
            fault(format!("/constraints/{index}{part}"), codes::FLAG_INVALID_CONSTRAINT, detail)
        };
        check_constraint(constraint).or_else(refuse)?;
    }
    Ok(())
}

fn check_constraint(constraint: &Constraint) -> Result<(), (&'static str, String)> {
    use Operator::{
        DateAfter, DateBefore, In, InCidr, NotIn, NumEq, NumGt, NumGte, NumLt, NumLte, Regex, SemverEq, SemverGt,
        SemverGte, SemverLt, SemverLte, StrContains, StrEndsWith, StrStartsWith,
    };
    if constraint.context_name.is_empty() || !is_plain(&constraint.context_name) {
        return Err(("/context_name", "a property is a text without quotes and backslashes".to_owned()));
    }
    let of_list = matches!(constraint.operator, In | NotIn | StrStartsWith | StrEndsWith | StrContains | InCidr);
    if of_list {
        if constraint.value.is_some() {
            return Err(("/value", "the operator compares to values".to_owned()));
        }
        let fits = |value: &String| is_quotable(value) && (constraint.operator != InCidr || is_range(value));
        if constraint.values.len() > MAX_VALUES || !constraint.values.iter().all(fits) {
            return Err(("/values", "there are too many values, or one does not fit the operator".to_owned()));
        }
        // The engine has no empty list but for these two.
        if constraint.values.is_empty() && !matches!(constraint.operator, In | NotIn) {
            return Err(("/values", "the operator needs a value".to_owned()));
        }
        return Ok(());
    }
    if !constraint.values.is_empty() {
        return Err(("/values", "the operator compares to one value".to_owned()));
    }
    let value = constraint.value.as_deref().unwrap_or_default();
    let fits = match constraint.operator {
        NumEq | NumGt | NumGte | NumLt | NumLte => value.parse::<f64>().is_ok_and(f64::is_finite),
        DateAfter | DateBefore => value.parse::<DateTime<Utc>>().is_ok(),
        SemverEq | SemverGt | SemverGte | SemverLt | SemverLte => Version::parse(value).is_ok(),
        Regex => is_quotable(value) && RegexBuilder::new(value).size_limit(MAX_REGEX).build().is_ok(),
        In | NotIn | StrStartsWith | StrEndsWith | StrContains | InCidr => false,
    };
    if fits { Ok(()) } else { Err(("/value", "the value does not fit the operator".to_owned())) }
}

/// A text that stands between quotes as it is.
fn is_plain(text: &str) -> bool {
    text.len() <= MAX_TEXT && !text.contains(['"', '\\']) && !text.contains(char::is_control)
}

/// A text whose quotes the engine escapes: only a backslash at its end would escape the quote behind it.
fn is_quotable(text: &str) -> bool {
    text.len() <= MAX_TEXT && !text.ends_with('\\') && !text.contains(char::is_control)
}

/// An IP address, or a network in CIDR notation.
fn is_range(text: &str) -> bool {
    let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
    let Ok(address) = address.parse::<IpAddr>() else { return false };
    let most = if address.is_ipv4() { 32 } else { 128 };
    bits.is_none_or(|bits| bits.parse::<u8>().is_ok_and(|count| count <= most && count.to_string() == bits))
}

/// Last, whatever the engine itself does not take.
fn compile(key: &str, environment: &str, content: &Content, segments: &BTreeMap<String, FlagSegment>) -> Checked {
    let flags = BTreeMap::from([(key.to_owned(), content.clone())]);
    let evaluator = Evaluator::new(wire::document(environment, &flags, segments), None);
    let unfit = |detail: String| fault("/strategies", codes::FLAG_INVALID_STRATEGY, detail);
    match evaluator.as_ref().map(Evaluator::faults) {
        Ok([]) => Ok(()),
        Ok(faults) => unfit(format!("this cannot be compiled: {}", faults.join("; "))),
        Err(error) => unfit(error.to_string()),
    }
}

#[cfg(test)]
mod tests;
