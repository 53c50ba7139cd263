//! A resource as a client has sent it, in the schema's own spelling.

use serde_json::{Map, Value};

use crate::schema::{Attribute, Kind, Mutability, ResourceType, Schema};
use crate::{Refusal, shown};

/// The most values of an attribute.
pub(crate) const MAX_VALUES: usize = 10_000;

/// What a client says of a resource: with the names of the schema, without what nobody sets, what has no value, and `schemas`, which
/// follow from the rest. What no schema has is refused rather than lost.
///
/// # Errors
/// [`InvalidSyntax`](crate::Fault::InvalidSyntax) of another shape or an unknown name, [`InvalidValue`](crate::Fault::InvalidValue) of a
/// value that the attribute does not take, or none where one is required.
pub fn accept(of: &ResourceType, body: &Map<String, Value>) -> Result<Map<String, Value>, Refusal> {
    let mut accepted = Map::new();
    let mut has_schema = false;
    for (name, value) in body {
        if name.eq_ignore_ascii_case("schemas") {
            has_schema = says(value, of.schema);
            continue;
        }
        let (key, value) = if let Some(extension) = of.extension(name) {
            (extension.id, within(extension, value)?)
        } else if let Some(attribute) = of.settable(name)? {
            (attribute.name, normal(attribute, value)?)
        } else {
            continue;
        };
        if let Some(value) = value
            && accepted.insert(key.to_owned(), value).is_some()
        {
            return Err(Refusal::syntax(format!("{key} is there twice")));
        }
    }
    if !has_schema {
        return Err(Refusal::syntax(format!("schemas does not have {}", of.schema.id)));
    }
    complete(of, &accepted)?;
    Ok(accepted)
}

impl ResourceType {
    /// The attribute of this name, without a schema in front; `None` of one that clients say in vain.
    pub(crate) fn settable(&self, name: &str) -> Result<Option<&'static Attribute>, Refusal> {
        let is = |other: &&str| other.eq_ignore_ascii_case(name);
        if self.passed_over.iter().any(&is) || is(&"schemas") {
            return Ok(None);
        }
        let target = self.resolve(&crate::AttributePath::of(name));
        match target.map(|target| target.attribute) {
            None => Err(Refusal::syntax(format!("there is no attribute {}", shown(name)))),
            Some(attribute) => Ok((attribute.mutability != Mutability::ReadOnly).then_some(attribute)),
        }
    }
}

/// That all is there that has to be.
pub(crate) fn complete(of: &ResourceType, resource: &Map<String, Value>) -> Result<(), Refusal> {
    let lacks = |attribute: &&Attribute| attribute.is_required && !resource.contains_key(attribute.name);
    match of.schema.attributes.iter().find(lacks) {
        Some(missing) => Err(Refusal::value(format!("{} is required", missing.name))),
        None => Ok(()),
    }
}

fn says(schemas: &Value, wanted: &Schema) -> bool {
    let is = |one: &Value| one.as_str().is_some_and(|urn| urn.eq_ignore_ascii_case(wanted.id));
    schemas.as_array().is_some_and(|all| all.iter().any(is))
}

/// What is said under the URN of an extension.
pub(crate) fn within(extension: &Schema, value: &Value) -> Result<Option<Value>, Refusal> {
    let refused = || Refusal::syntax(format!("{} is an object", extension.id));
    let object = match value {
        Value::Null => return Ok(None),
        // Some clients say its schema here once more, as of a whole resource.
        Value::Object(object) => object.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("schemas")),
        _ => return Err(refused()),
    };
    parts(object, |name| extension.attribute(name), extension.id)
}

/// The value of an attribute in its normal form; `None` where it has none.
pub(crate) fn normal(attribute: &Attribute, value: &Value) -> Result<Option<Value>, Refusal> {
    if !attribute.is_multiple {
        return single(attribute, value);
    }
    let all = match value {
        Value::Null => return Ok(None),
        Value::Array(all) if all.len() > MAX_VALUES => {
            return Err(Refusal::value(format!("{} has at most {MAX_VALUES} values", attribute.name)));
        }
        Value::Array(all) => all.as_slice(),
        // As some clients send a single one.
        one => std::slice::from_ref(one),
    };
    let mut normal = Vec::with_capacity(all.len());
    for one in all {
        normal.extend(single(attribute, one)?);
    }
    if normal.iter().filter(|one| is_primary(one)).count() > 1 {
        return Err(Refusal::value(format!("of {} one value at most is primary", attribute.name)));
    }
    Ok((!normal.is_empty()).then_some(Value::Array(normal)))
}

pub(crate) fn is_primary(value: &Value) -> bool {
    value.get("primary") == Some(&Value::Bool(true))
}

/// One value in its normal form.
pub(crate) fn single(attribute: &Attribute, value: &Value) -> Result<Option<Value>, Refusal> {
    let name = attribute.name;
    let refused = |what: &str| Refusal::value(format!("{name} is {what}"));
    match (attribute.kind, value) {
        (_, Value::Null) => Ok(None),
        (Kind::Complex(_), Value::Object(object)) => parts(object.iter(), |part| attribute.part(part), name),
        // As some clients say whom they mean.
        (Kind::Complex(_), Value::String(_)) if attribute.part("value").is_some() => {
            parts([(&"value".to_owned(), value)].into_iter(), |part| attribute.part(part), name)
        }
        (Kind::Complex(_), _) => Err(refused("an object")),
        (Kind::Boolean, Value::Bool(_)) => Ok(Some(value.clone())),
        (Kind::Boolean, Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(Some(Value::Bool(true))),
        (Kind::Boolean, Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(Some(Value::Bool(false))),
        (Kind::Boolean, _) => Err(refused("true or false")),
        (Kind::Integer, Value::Number(number)) if number.is_i64() => Ok(Some(value.clone())),
        (Kind::Integer, _) => Err(refused("a whole number")),
        (Kind::Binary, Value::String(text)) if !text.bytes().all(is_base64) => Err(refused("Base64")),
        (Kind::Text | Kind::Binary | Kind::DateTime | Kind::Reference(_), Value::String(text)) => {
            if text.contains('\0') {
                return Err(refused("without NUL"));
            }
            Ok((!text.is_empty()).then(|| value.clone()))
        }
        (Kind::Text | Kind::Binary | Kind::DateTime | Kind::Reference(_), _) => Err(refused("text")),
    }
}

/// The parts of an object in their normal form; `None` where none has a value.
fn parts<'a>(
    object: impl Iterator<Item = (&'a String, &'a Value)>,
    known: impl Fn(&str) -> Option<&'static Attribute>,
    of: &str,
) -> Result<Option<Value>, Refusal> {
    let mut normalised = Map::new();
    for (name, value) in object {
        let part = known(name).ok_or_else(|| Refusal::syntax(format!("{of} has no attribute {}", shown(name))))?;
        if part.mutability == Mutability::ReadOnly {
            continue;
        }
        if let Some(value) = normal(part, value)?
            && normalised.insert(part.name.to_owned(), value).is_some()
        {
            return Err(Refusal::syntax(format!("{} is there twice in {of}", part.name)));
        }
    }
    Ok((!normalised.is_empty()).then_some(Value::Object(normalised)))
}

/// With line breaks, as some encoders make them.
fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/=-_\r\n".contains(&byte)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::{Fault, GROUP, USER};
    use serde_json::json;

    const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

    fn accepted(of: &ResourceType, body: Value) -> Result<Value, Fault> {
        accept(of, body.as_object().unwrap()).map(Value::Object).map_err(|refusal| refusal.fault)
    }

    #[test]
    fn names_get_the_schemas_spelling_and_what_nobody_sets_or_has_no_value_goes() {
        let body = json!({
            "Schemas": [CORE.to_uppercase()], "id": "mine", "META": { "version": "1" }, "groups": [{ "value": "g" }], "Password": "secret",
            "USERNAME": "anna", "title": "", "nickName": null, "Active": "False", "ims": [],
            "name": { "FamilyName": "M", "givenname": null },
            "emails": { "VALUE": "a@b.c", "Primary": "true" },
            "x509certificates": [{ "value": "MII=\n" }],
            "URN:ietf:params:scim:schemas:extension:enterprise:2.0:USER":
                { "schemas": [], "manager": "usr_2", "department": "Physics" },
        });
        let expected = json!({
            "userName": "anna", "active": false, "name": { "familyName": "M" },
            "emails": [{ "value": "a@b.c", "primary": true }], "x509Certificates": [{ "value": "MII=\n" }],
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":
                { "manager": { "value": "usr_2" }, "department": "Physics" },
        });
        assert_eq!(accepted(USER, body), Ok(expected.clone()));
        let mut again = expected.clone();
        again["schemas"] = USER.schemas(expected.as_object().unwrap());
        assert_eq!(again["schemas"], json!([CORE, "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"]));
        assert_eq!(accepted(USER, again), Ok(expected), "its own normal form");
    }

    #[test]
    fn what_the_schema_does_not_have_is_refused_and_never_lost() {
        for (more, fault) in [
            (json!({ "userName": null }), Fault::InvalidValue),
            (json!({ "userName": "" }), Fault::InvalidValue),
            (json!({ "userName": 7 }), Fault::InvalidValue),
            (json!({ "userName": "a\u{0}" }), Fault::InvalidValue),
            (json!({ "username": "twice" }), Fault::InvalidSyntax),
            (json!({ "permissions": ["*"] }), Fault::InvalidSyntax),
            (json!({ "urn:example:2.0:User": {} }), Fault::InvalidSyntax),
            (json!({ "schemas": ["urn:example"] }), Fault::InvalidSyntax),
            (json!({ "schemas": CORE }), Fault::InvalidSyntax),
            (json!({ "active": "yes" }), Fault::InvalidValue),
            (json!({ "name": "Anna" }), Fault::InvalidValue),
            (json!({ "name": { "first": "Anna" } }), Fault::InvalidSyntax),
            (json!({ "emails": [7] }), Fault::InvalidValue),
            (
                json!({ "emails": [{ "value": "a", "primary": true }, { "value": "b", "primary": true }] }),
                Fault::InvalidValue,
            ),
            (json!({ "x509Certificates": [{ "value": "a b" }] }), Fault::InvalidValue),
            (json!({ "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": [] }), Fault::InvalidSyntax),
        ] {
            let mut body = json!({ "schemas": [CORE], "userName": "anna" });
            for (name, value) in more.as_object().unwrap() {
                body[name] = value.clone();
            }
            assert_eq!(accepted(USER, body), Err(fault), "{more}");
        }
        assert_eq!(accepted(USER, json!({ "userName": "anna" })), Err(Fault::InvalidSyntax));
        assert_eq!(accepted(GROUP, json!({ "schemas": [CORE], "displayName": "a" })), Err(Fault::InvalidSyntax));
        let many = json!({ "schemas": [GROUP.schema.id], "displayName": "a", "members": vec!["u"; MAX_VALUES + 1] });
        assert_eq!(accepted(GROUP, many), Err(Fault::InvalidValue));
    }
}
