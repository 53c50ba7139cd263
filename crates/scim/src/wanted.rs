//! Which attributes an answer has (RFC 7644 §3.9).

use serde_json::{Map, Value};

use crate::schema::{ResourceType, Target};
use crate::{AttributePath, Refusal};

/// The most attributes that a request names.
const MAX_NAMED: usize = 100;

/// The attributes that a client wants, or wants not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    only: Option<Vec<AttributePath>>,
    without: Vec<AttributePath>,
}

impl Wanted {
    /// Those that are named alone, or all but those that are named.
    ///
    /// # Errors
    /// [`InvalidValue`](crate::Fault::InvalidValue) of both, or too many; [`InvalidPath`](crate::Fault::InvalidPath) of what is no name.
    pub fn new<'a>(
        attributes: Option<impl IntoIterator<Item = &'a str>>,
        excluded: Option<impl IntoIterator<Item = &'a str>>,
    ) -> Result<Self, Refusal> {
        if attributes.is_some() && excluded.is_some() {
            return Err(Refusal::value("attributes and excludedAttributes exclude one another"));
        }
        let only = attributes.map(|all| read(all.into_iter())).transpose()?;
        let without = excluded.map(|all| read(all.into_iter())).transpose()?.unwrap_or_default();
        Ok(Self { only, without })
    }

    /// Whether an answer has anything of this attribute, which is of the kind's own schema.
    pub fn has(&self, of: &ResourceType, name: &str) -> bool {
        let is = |path: &AttributePath| {
            of.resolve(path).is_some_and(|to| to.extension.is_none() && to.attribute.name.eq_ignore_ascii_case(name))
        };
        let is_out = self.without.iter().any(|path| path.part.is_none() && is(path));
        !is_out && self.only.as_ref().is_none_or(|only| only.iter().any(is))
    }

    /// What is left of a resource.
    pub fn of(&self, kind: &ResourceType, mut resource: Map<String, Value>) -> Map<String, Value> {
        for path in &self.without {
            if let Some(extension) = kind.whole_extension(path) {
                resource.remove(extension.id);
            } else if let Some(target) = kind.resolve(path).filter(|to| !to.attribute.is_always_returned) {
                leave_out(&mut resource, &target);
            }
        }
        let Some(only) = &self.only else { return resource };
        let mut left: Map<String, Value> =
            ["schemas", "id"].into_iter().filter_map(|name| resource.get_key_value(name)).map(owned).collect();
        for path in only {
            if let Some(extension) = kind.whole_extension(path) {
                left.extend(resource.get_key_value(extension.id).map(owned));
            } else if let Some(target) = kind.resolve(path) {
                take_over(&resource, &mut left, &target);
            }
        }
        left
    }
}

fn owned((name, value): (&String, &Value)) -> (String, Value) {
    (name.clone(), value.clone())
}

fn read<'a>(all: impl Iterator<Item = &'a str>) -> Result<Vec<AttributePath>, Refusal> {
    let named = all.map(str::trim).filter(|name| !name.is_empty()).take(MAX_NAMED + 1);
    let paths = named.map(AttributePath::parse).collect::<Result<Vec<_>, _>>()?;
    if paths.len() > MAX_NAMED {
        return Err(Refusal::value(format!("a request names at most {MAX_NAMED} attributes")));
    }
    Ok(paths)
}

/// The object that holds the attribute, if it is there.
fn holder<'a>(resource: &'a mut Map<String, Value>, target: &Target) -> Option<&'a mut Map<String, Value>> {
    match target.extension {
        Some(extension) => resource.get_mut(extension.id)?.as_object_mut(),
        None => Some(resource),
    }
}

fn leave_out(resource: &mut Map<String, Value>, target: &Target) {
    let Some(holder) = holder(resource, target) else { return };
    let Some(part) = target.part else {
        holder.remove(target.attribute.name);
        return;
    };
    match holder.get_mut(target.attribute.name) {
        Some(Value::Object(object)) => drop(object.remove(part.name)),
        Some(Value::Array(all)) => {
            for object in all.iter_mut().filter_map(Value::as_object_mut) {
                object.remove(part.name);
            }
        }
        _ => {}
    }
}

fn take_over(from: &Map<String, Value>, to: &mut Map<String, Value>, target: &Target) {
    let name = target.attribute.name;
    let (from, to) = match target.extension {
        Some(extension) => {
            let Some(from) = from.get(extension.id).and_then(Value::as_object) else { return };
            let to = to.entry(extension.id).or_insert_with(|| Map::new().into());
            let Some(to) = to.as_object_mut() else { return };
            (from, to)
        }
        None => (from, to),
    };
    let Some(value) = from.get(name) else { return };
    let Some(part) = target.part else {
        to.insert(name.to_owned(), value.clone());
        return;
    };
    let alone = |object: &Value| {
        let part = object.as_object().and_then(|object| object.get_key_value(part.name)).map(owned);
        Value::Object(part.into_iter().collect())
    };
    match (to.get_mut(name), value) {
        // Another part was taken over before.
        (Some(Value::Object(there)), Value::Object(from)) => there.extend(from.get_key_value(part.name).map(owned)),
        (Some(Value::Array(there)), Value::Array(from)) => {
            for (there, from) in there.iter_mut().zip(from) {
                if let (Some(there), Some(from)) = (there.as_object_mut(), from.as_object()) {
                    there.extend(from.get_key_value(part.name).map(owned));
                }
            }
        }
        (Some(_), _) => {}
        (None, Value::Array(all)) => drop(to.insert(name.to_owned(), all.iter().map(alone).collect())),
        (None, one) => drop(to.insert(name.to_owned(), alone(one))),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::USER;
    use serde_json::json;

    const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

    #[test]
    fn an_answer_has_what_is_wanted_and_always_the_id_and_the_schemas() {
        let anna = json!({
            "schemas": ["s"], "id": "usr_1", "userName": "anna", "name": { "givenName": "A", "familyName": "M" },
            "emails": [{ "value": "a@b.c", "type": "work" }, { "value": "d@e.f" }],
            (ENTERPRISE): { "department": "Physics", "division": "Science" },
        });
        let all = "schemas id userName name emails";
        for (only, without, expected) in [
            (Some("userName"), None, json!({ "userName": "anna" })),
            (Some("USERNAME, nope ,title"), None, json!({ "userName": "anna" })),
            (Some(""), None, json!({})),
            (Some("name.givenName,NAME.familyname"), None, json!({ "name": anna["name"] })),
            (Some("emails.value"), None, json!({ "emails": [{ "value": "a@b.c" }, { "value": "d@e.f" }] })),
            (Some("emails.value,emails.type"), None, json!({ "emails": anna["emails"] })),
            (Some(ENTERPRISE), None, json!({ (ENTERPRISE): anna[ENTERPRISE] })),
            (
                Some("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:division"),
                None,
                json!({ (ENTERPRISE): { "division": "Science" } }),
            ),
            (None, Some("id,schemas,emails,name"), json!({ "userName": "anna", (ENTERPRISE): anna[ENTERPRISE] })),
            (
                None,
                Some("name.givenName,emails.type,urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"),
                json!({ "userName": "anna", "name": { "familyName": "M" }, "emails": [{ "value": "a@b.c" }, { "value": "d@e.f" }] }),
            ),
        ] {
            let wanted = Wanted::new(only.map(|all| all.split(',')), without.map(|all| all.split(','))).unwrap();
            let mut left = wanted.of(USER, anna.as_object().unwrap().clone());
            assert_eq!((left.remove("id"), left.remove("schemas")), (Some(json!("usr_1")), Some(json!(["s"]))));
            assert_eq!(Value::Object(left), expected, "{only:?} {without:?}");
        }
        let whole = Wanted::default();
        assert_eq!(Value::Object(whole.of(USER, anna.as_object().unwrap().clone())), anna);
        assert!(all.split(' ').all(|name| whole.has(USER, name)));
        assert!(Wanted::new(Some(["userName"]), Some(["title"])).is_err());
        assert!(Wanted::new(Some(vec!["userName"; MAX_NAMED + 1]), None::<[&str; 0]>).is_err());
        assert!(Wanted::new(Some(["a b"]), None::<[&str; 0]>).is_err());
    }

    #[test]
    fn what_nobody_wants_need_not_be_read() {
        let of = |only: Option<&'static str>, without: Option<&'static str>| {
            Wanted::new(only.map(|all| all.split(',')), without.map(|all| all.split(','))).unwrap()
        };
        assert!(of(Some("emails.value"), None).has(USER, "emails"));
        assert!(!of(Some("userName"), None).has(USER, "emails"));
        assert!(!of(None, Some("EMAILS")).has(USER, "emails"));
        assert!(of(None, Some("emails.value")).has(USER, "emails"));
    }
}
