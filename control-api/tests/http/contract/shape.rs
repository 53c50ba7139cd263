//! What a schema allows, as shapes of which a value has one: references are followed, `oneOf`, `anyOf` and lists of types taken
//! apart, `allOf` put together (JSON Schema 2020-12).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

/// References behind one another that are followed; what lies behind more of them allows anything, as what refers to itself does.
const MAX_REFERENCES: usize = 32;

/// Keywords that the rules read.
const READ: &str = "$ref additionalProperties allOf anyOf const default enum exclusiveMaximum exclusiveMinimum format items \
    maxItems maxLength maxProperties maximum minItems minLength minProperties minimum multipleOf oneOf pattern properties required \
    type unevaluatedProperties uniqueItems";
/// Keywords that allow and forbid nothing.
const SAID: &str =
    "$comment deprecated description discriminator example examples externalDocs readOnly title writeOnly";

/// Schemas that hold together; with none of them, anything is allowed.
pub(super) type All<'a> = Vec<&'a Value>;

/// A shape that a value may have: the keywords of schemas that hold together, and the type.
#[derive(Clone, Debug, Default)]
pub(super) struct Shape<'a> {
    parts: Vec<&'a Map<String, Value>>,
    kind: Option<&'a str>,
}

/// The shapes of what all of these schemas allow; none where nothing is allowed.
pub(super) fn shapes<'a>(document: &'a Value, all: &[&'a Value]) -> Vec<Shape<'a>> {
    all.iter().fold(vec![Shape::default()], |shapes, schema| both(&shapes, &of(document, schema, &mut Vec::new())))
}

/// What a reference refers to; `None` of what is none, and of one that leads nowhere or into another document.
pub(super) fn target<'a>(document: &'a Value, reference: &'a Value) -> Option<(&'a str, &'a Value)> {
    let address = reference.get("$ref")?.as_str()?;
    Some((address, document.pointer(address.strip_prefix('#')?)?))
}

/// What a reference stands for, and anything else itself.
pub(super) fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let mut at = value;
    for _ in 0..MAX_REFERENCES {
        let Some((_, referred)) = target(document, at) else { break };
        at = referred;
    }
    at
}

/// `trail` has the references that led here.
fn of<'a>(document: &'a Value, schema: &'a Value, trail: &mut Vec<&'a str>) -> Vec<Shape<'a>> {
    let keywords = match schema {
        Value::Bool(false) => return Vec::new(),
        Value::Object(keywords) => keywords,
        _ => return vec![Shape::default()],
    };
    let mut shapes = own(keywords);
    if let Some((address, referred)) = target(document, schema)
        && trail.len() < MAX_REFERENCES
        && !trail.contains(&address)
    {
        trail.push(address);
        shapes = both(&shapes, &of(document, referred, trail));
        trail.pop();
    }
    for schema in list(keywords, "allOf") {
        shapes = both(&shapes, &of(document, schema, trail));
    }
    for choice in ["anyOf", "oneOf"].into_iter().filter(|choice| keywords.contains_key(*choice)) {
        let any: Vec<_> = list(keywords, choice).flat_map(|schema| of(document, schema, trail)).collect();
        shapes = both(&shapes, &any);
    }
    shapes
}

/// A shape for each type, but for what other schemas say.
fn own(keywords: &Map<String, Value>) -> Vec<Shape<'_>> {
    let kinds: Vec<Option<&str>> = match keywords.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().map(Value::as_str).collect(),
        kind => vec![kind.and_then(Value::as_str)],
    };
    kinds.into_iter().map(|kind| Shape { parts: vec![keywords], kind }).collect()
}

fn both<'a>(left: &[Shape<'a>], right: &[Shape<'a>]) -> Vec<Shape<'a>> {
    left.iter().flat_map(|one| right.iter().filter_map(move |other| one.and(other))).collect()
}

fn list<'a>(keywords: &'a Map<String, Value>, name: &str) -> impl Iterator<Item = &'a Value> {
    keywords.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// The type that a value is of, as JSON Schema names it.
fn is_of(value: &Value, kind: &str) -> bool {
    match value {
        Value::Null => kind == "null",
        Value::Bool(_) => kind == "boolean",
        Value::Number(number) => kind == "number" || (kind == "integer" && !number.is_f64()),
        Value::String(_) => kind == "string",
        Value::Array(_) => kind == "array",
        Value::Object(_) => kind == "object",
    }
}

impl<'a> Shape<'a> {
    fn and(&self, other: &Self) -> Option<Self> {
        let kind = match (self.kind, other.kind) {
            (None, kind) | (kind, None) => kind,
            (Some("integer"), Some("number")) | (Some("number"), Some("integer")) => Some("integer"),
            (one, another) if one == another => one,
            _ => return None,
        };
        let mut parts = self.parts.clone();
        for part in &other.parts {
            if !parts.iter().any(|known| std::ptr::eq(*known, *part)) {
                parts.push(part);
            }
        }
        Some(Self { parts, kind })
    }

    /// The type; `None` of any.
    pub(super) fn kind(&self) -> Option<&'a str> {
        self.kind
    }

    /// Whether values of this type may be of this shape, numbers being of one with whole ones.
    pub(super) fn may_be(&self, kind: &str) -> bool {
        self.kind.is_none_or(|own| own == kind || (own == "integer" && kind == "number"))
    }

    /// Whether the types of this shape are among those of another one.
    pub(super) fn is_among(&self, other: &Self) -> bool {
        match (self.kind, other.kind) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(own), Some(others)) => own == others || (own == "integer" && others == "number"),
        }
    }

    /// What each of the schemas says by a keyword, the outermost first.
    pub(super) fn says(&self, keyword: &str) -> impl Iterator<Item = &'a Value> {
        self.parts.iter().filter_map(move |part| part.get(keyword))
    }

    /// The greatest number that a keyword has, or the least one.
    pub(super) fn bound(&self, keyword: &str, greatest: bool) -> Option<f64> {
        let numbers = self.says(keyword).filter_map(Value::as_f64);
        if greatest { numbers.reduce(f64::max) } else { numbers.reduce(f64::min) }
    }

    /// The only values of this shape, where they are listed.
    pub(super) fn listed(&self) -> Option<Vec<&'a Value>> {
        let constants = self.says("const").map(|only| vec![only]);
        let enums = self.says("enum").filter_map(Value::as_array).map(|values| values.iter().collect::<Vec<_>>());
        let all = constants
            .chain(enums)
            .reduce(|left, right| left.into_iter().filter(|value| right.contains(value)).collect())?;
        Some(all.into_iter().filter(|value| self.kind.is_none_or(|kind| is_of(value, kind))).collect())
    }

    /// Whether the values that are listed will never be more: `x-closed` beside an `enum`, or a `const`.
    pub(super) fn is_closed(&self) -> bool {
        self.says("const").next().is_some() || self.says("x-closed").any(|closed| closed.as_bool() == Some(true))
    }

    /// The names of properties that have to be there.
    pub(super) fn required(&self) -> BTreeSet<&'a str> {
        self.says("required").filter_map(Value::as_array).flatten().filter_map(Value::as_str).collect()
    }

    pub(super) fn properties(&self) -> BTreeMap<&'a str, All<'a>> {
        let mut properties: BTreeMap<_, All<'_>> = BTreeMap::new();
        for (name, schema) in self.says("properties").filter_map(Value::as_object).flatten() {
            properties.entry(name.as_str()).or_default().push(schema);
        }
        properties
    }

    /// What properties are that are not named.
    pub(super) fn further(&self) -> All<'a> {
        self.says("additionalProperties").chain(self.says("unevaluatedProperties")).collect()
    }

    /// Whether properties that are not named are refused.
    pub(super) fn is_complete(&self) -> bool {
        self.further().iter().any(|schema| schema.as_bool() == Some(false))
    }

    /// What the members of a list are.
    pub(super) fn items(&self) -> All<'a> {
        self.says("items").collect()
    }

    /// Keywords that no rule reads.
    pub(super) fn others(&self) -> Vec<(&'a str, &'a Value)> {
        let all = self.parts.iter().flat_map(|part| part.iter()).map(|(name, value)| (name.as_str(), value));
        let is_known = |name: &str| READ.split(' ').chain(SAID.split(' ')).any(|known| known == name);
        all.filter(|(name, _)| !name.starts_with("x-") && !is_known(name)).collect()
    }
}
