//! Whether a resource is meant by a filter.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::{Map, Value};

use crate::schema::{Attribute, Kind, ResourceType};
use crate::{AttributePath, Filter, Literal, Operator, Refusal, time};

impl Filter {
    /// Refuses a filter that asks for attributes which these resources cannot have, or for an order where there is none.
    ///
    /// # Errors
    /// [`InvalidFilter`](crate::Fault::InvalidFilter).
    pub fn check(&self, of: &ResourceType) -> Result<(), Refusal> {
        self.check_in(Of::Resource(of))
    }

    /// The same of a filter in brackets behind this attribute.
    ///
    /// # Errors
    /// [`InvalidFilter`](crate::Fault::InvalidFilter).
    pub(crate) fn check_values(&self, of: &Attribute) -> Result<(), Refusal> {
        self.check_in(Of::Value(of))
    }

    fn check_in(&self, of: Of<'_>) -> Result<(), Refusal> {
        let unknown = |path: &AttributePath| Refusal::filter(format!("there is no attribute {path}"));
        match self {
            Self::And(all) | Self::Or(all) => all.iter().try_for_each(|one| one.check_in(of)),
            Self::Not(one) => one.check_in(of),
            Self::Present(path) => of.leaf(path).map(|_| ()).ok_or_else(|| unknown(path)),
            Self::Compare(path, operator, _) => {
                let leaf = compared(of.leaf(path).ok_or_else(|| unknown(path))?);
                let has_none = match leaf.kind {
                    Kind::Boolean => !matches!(operator, Operator::Eq | Operator::Ne),
                    Kind::Binary => {
                        matches!(operator, Operator::Gt | Operator::Ge | Operator::Lt | Operator::Le)
                    }
                    Kind::Complex(_) => true,
                    _ => false,
                };
                let detail = || Refusal::filter(format!("values of {path} do not compare by {operator}"));
                if has_none { Err(detail()) } else { Ok(()) }
            }
            Self::Values(path, filter) => match of.leaf(path) {
                Some(leaf) if !leaf.parts().is_empty() => filter.check_in(Of::Value(leaf)),
                Some(_) => Err(Refusal::filter(format!("values of {path} have no parts"))),
                None => Err(unknown(path)),
            },
        }
    }

    /// Whether it means this resource, which was [accepted](crate::accept) and has what the service says of it besides. An attribute
    /// that no resource of the kind has is one without a value.
    pub fn matches(&self, of: &ResourceType, resource: &Map<String, Value>) -> bool {
        self.holds(Place::Resource(of, resource))
    }

    /// Whether it means this one of the attribute's values, as a filter in brackets.
    pub(crate) fn matches_value(&self, of: &Attribute, value: &Value) -> bool {
        self.holds(Place::Value(of, value))
    }

    fn holds(&self, place: Place<'_>) -> bool {
        match self {
            Self::And(all) => all.iter().all(|one| one.holds(place)),
            Self::Or(all) => all.iter().any(|one| one.holds(place)),
            Self::Not(one) => !one.holds(place),
            Self::Present(path) => place.values(path).1.iter().any(|value| !is_nothing(value)),
            Self::Compare(path, operator, literal) => {
                let (leaf, values) = place.values(path);
                let Some(leaf) = leaf else { return is_nothings(*operator, literal) };
                let of = compared(leaf);
                // Of a complex attribute what is compared is its part `value`.
                let is_part = leaf.parts().is_empty();
                let values: Vec<&Value> = values
                    .into_iter()
                    .filter_map(|value| if is_part { Some(value) } else { value.get(of.name) })
                    .collect();
                compare(of, &values, *operator, literal)
            }
            Self::Values(path, filter) => {
                let (leaf, values) = place.values(path);
                leaf.is_some_and(|leaf| values.iter().any(|value| filter.matches_value(leaf, value)))
            }
        }
    }
}

/// What the attributes of a filter are of.
#[derive(Clone, Copy)]
enum Of<'a> {
    Resource(&'a ResourceType),
    Value(&'a Attribute),
}

impl Of<'_> {
    fn leaf(self, path: &AttributePath) -> Option<&'static Attribute> {
        match self {
            Self::Resource(of) => of.resolve(path).map(|target| target.part.unwrap_or(target.attribute)),
            Self::Value(of) if path.urn.is_none() && path.part.is_none() => of.part(&path.name),
            Self::Value(_) => None,
        }
    }
}

/// Where values are looked for.
#[derive(Clone, Copy)]
enum Place<'a> {
    Resource(&'a ResourceType, &'a Map<String, Value>),
    Value(&'a Attribute, &'a Value),
}

impl<'a> Place<'a> {
    /// What a path leads to, if to anything that there can be, and its values.
    fn values(self, path: &AttributePath) -> (Option<&'static Attribute>, Vec<&'a Value>) {
        match self {
            Self::Resource(of, resource) => {
                let Some(target) = of.resolve(path) else { return (None, Vec::new()) };
                let holder = match target.extension {
                    Some(extension) => resource.get(extension.id).and_then(Value::as_object),
                    None => Some(resource),
                };
                let values = spread(holder.and_then(|holder| holder.get(target.attribute.name)));
                match target.part {
                    Some(part) => (Some(part), values.into_iter().filter_map(|value| value.get(part.name)).collect()),
                    None => (Some(target.attribute), values),
                }
            }
            Self::Value(of, value) => {
                let leaf = Of::Value(of).leaf(path);
                (leaf, spread(leaf.and_then(|leaf| value.get(leaf.name))))
            }
        }
    }
}

/// What is compared of an attribute: its part `value`, if it has such parts.
fn compared(leaf: &'static Attribute) -> &'static Attribute {
    leaf.part("value").unwrap_or(leaf)
}

fn spread(value: Option<&Value>) -> Vec<&Value> {
    match value {
        Some(Value::Array(all)) => all.iter().collect(),
        Some(Value::Null) | None => Vec::new(),
        Some(one) => vec![one],
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(object) => object.values().all(is_nothing),
        Value::Array(all) => all.iter().all(is_nothing),
        Value::String(text) => text.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Whether no value at all compares so.
fn is_nothings(operator: Operator, literal: &Literal) -> bool {
    let is_null = *literal == Literal::Null;
    (operator == Operator::Eq && is_null) || (operator == Operator::Ne && !is_null)
}

/// Whether one of the values compares so. `ne` is what `eq` is not, of several values as well.
fn compare(of: &Attribute, values: &[&Value], operator: Operator, literal: &Literal) -> bool {
    match (operator, literal) {
        (Operator::Ne, _) => !compare(of, values, Operator::Eq, literal),
        (Operator::Eq, Literal::Null) => values.is_empty(),
        _ => values.iter().any(|value| compare_one(of, value, operator, literal)),
    }
}

fn compare_one(of: &Attribute, value: &Value, operator: Operator, literal: &Literal) -> bool {
    match (value, literal) {
        (Value::Bool(value), Literal::Boolean(wanted)) => operator == Operator::Eq && value == wanted,
        // As some clients write it.
        (Value::Bool(value), Literal::Text(wanted)) => {
            operator == Operator::Eq && wanted.eq_ignore_ascii_case(if *value { "true" } else { "false" })
        }
        (Value::Number(value), Literal::Number(wanted)) => {
            let order = value.as_f64().zip(wanted.as_f64()).and_then(|(value, wanted)| value.partial_cmp(&wanted));
            order.is_some_and(|order| is_ordered(operator, order))
        }
        (Value::String(value), Literal::Text(wanted)) => match (of.kind, time::ms(value), time::ms(wanted)) {
            (Kind::DateTime, Some(value), Some(wanted)) => is_ordered(operator, value.cmp(&wanted)),
            _ => compare_text(&folded(of, value), operator, &folded(of, wanted)),
        },
        _ => false,
    }
}

fn folded<'a>(of: &Attribute, text: &'a str) -> Cow<'a, str> {
    if of.is_exact { Cow::Borrowed(text) } else { Cow::Owned(text.to_lowercase()) }
}

fn compare_text(value: &str, operator: Operator, wanted: &str) -> bool {
    match operator {
        Operator::Co => value.contains(wanted),
        Operator::Sw => value.starts_with(wanted),
        Operator::Ew => value.ends_with(wanted),
        _ => is_ordered(operator, value.cmp(wanted)),
    }
}

fn is_ordered(operator: Operator, order: Ordering) -> bool {
    match operator {
        Operator::Eq => order.is_eq(),
        Operator::Gt => order.is_gt(),
        Operator::Ge => order.is_ge(),
        Operator::Lt => order.is_lt(),
        Operator::Le => order.is_le(),
        Operator::Ne | Operator::Co | Operator::Sw | Operator::Ew => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::{GROUP, USER};
    use serde_json::json;

    fn anna() -> Map<String, Value> {
        let anna = json!({
            "id": "usr_1", "externalId": "A-7", "userName": "Anna", "active": true, "title": "Teacher",
            "name": { "givenName": "Anna", "familyName": "M\u{fc}ller" },
            "emails": [
                { "value": "anna@x.example", "type": "work", "primary": true },
                { "value": "anna@home.example", "type": "home" },
            ],
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "manager": { "value": "usr_2" } },
            "meta": { "resourceType": "User", "created": "2026-11-21T03:50:00.000Z" },
        });
        anna.as_object().unwrap().clone()
    }

    #[test]
    fn a_filter_means_what_it_says() {
        for (text, expected) in [
            ("userName eq \"ANNA\"", true),
            ("id eq \"USR_1\"", false),
            ("externalId eq \"a-7\"", false),
            ("userName ne \"bob\"", true),
            ("userName sw \"an\" and userName ew \"NA\" and userName co \"nn\"", true),
            ("userName gt \"amy\" and userName le \"anna\"", true),
            ("name.familyName eq \"M\u{dc}LLER\"", true),
            ("title pr and not (nickName pr)", true),
            ("nickName eq null and title ne null", true),
            ("active eq true", true),
            ("active eq \"True\"", true),
            ("active ne true", false),
            ("emails co \"@home\"", true),
            ("emails.value eq \"anna@x.example\"", true),
            ("emails.type eq \"home\" and emails.primary eq true", true),
            ("emails[type eq \"home\" and primary eq true]", false),
            ("emails[type eq \"work\" and value co \"@x\"]", true),
            ("emails[type eq \"work\"].value sw \"anna@home\"", false),
            ("emails[not (type eq \"work\")]", true),
            ("emails.type ne \"home\"", false),
            ("addresses pr or addresses[type eq \"work\"]", false),
            ("urn:ietf:params:scim:schemas:core:2.0:User:userName eq \"anna\"", true),
            ("URN:ietf:params:scim:schemas:extension:enterprise:2.0:user:manager.value eq \"usr_2\"", true),
            ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager eq \"usr_2\"", true),
            ("meta.created ge \"2026-11-21T04:50:00+01:00\" and meta.created lt \"2026-11-21T03:50:01Z\"", true),
            ("meta.resourceType eq \"User\"", true),
        ] {
            let filter = Filter::parse(text).unwrap();
            assert_eq!(filter.check(USER), Ok(()), "{text}");
            assert_eq!(filter.matches(USER, &anna()), expected, "{text}");
            let other = Filter::Not(Box::new(filter));
            assert_eq!(other.matches(USER, &anna()), !expected, "not {text}");
        }
    }

    #[test]
    fn what_cannot_be_asked_is_refused() {
        for text in [
            "user eq \"a\"",
            "emails.word eq \"a\"",
            "emails[word eq \"a\"]",
            "emails[name.givenName eq \"a\"]",
            "title[value eq \"a\"]",
            "active gt true",
            "name eq \"Anna\"",
            "x509Certificates.value gt \"a\"",
            "urn:ietf:params:scim:schemas:core:2.0:Group:displayName eq \"a\"",
        ] {
            let filter = Filter::parse(text).unwrap();
            assert!(filter.check(USER).is_err(), "{text}");
            assert!(!filter.matches(USER, &anna()), "{text}");
        }
        assert!(Filter::parse("members[value eq \"usr_1\"] and displayName pr").unwrap().check(GROUP).is_ok());
    }
}
