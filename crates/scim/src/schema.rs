//! What a schema says of attributes (RFC 7643 §7), and the documents that tell clients so.

use serde_json::{Map, Value, json};

use crate::AttributePath;

/// The schema of schemas.
pub const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";
/// The schema of kinds of resources.
pub const RESOURCE_TYPE: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
/// The schema of what a service can do.
pub const SERVICE_PROVIDER_CONFIG: &str = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";

/// What values an attribute has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// True or false.
    Boolean,
    /// Bytes, in Base64.
    Binary,
    /// A moment.
    DateTime,
    /// A number without fraction.
    Integer,
    /// An address of something of these kinds.
    Reference(&'static [&'static str]),
    /// Attributes of its own.
    Complex(&'static [Attribute]),
}

/// Who changes an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutability {
    /// The client.
    ReadWrite,
    /// The service alone.
    ReadOnly,
    /// The client, once.
    Immutable,
}

/// An attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// As it is spelled.
    pub name: &'static str,
    /// For people.
    pub description: &'static str,
    /// What its values are.
    pub kind: Kind,
    /// Who changes it.
    pub mutability: Mutability,
    /// Whether it has several values.
    pub is_multiple: bool,
    /// Whether no resource is without it.
    pub is_required: bool,
    /// Whether case counts when values are compared.
    pub is_exact: bool,
    /// Whether no two resources have the same value.
    pub is_unique: bool,
    /// Whether every answer has it.
    pub is_always_returned: bool,
    /// Values that are usual.
    pub usual: &'static [&'static str],
}

impl Attribute {
    /// One with text that a client may set and leave out.
    pub(crate) const fn new(name: &'static str, description: &'static str) -> Self {
        Self {
            name,
            description,
            kind: Kind::Text,
            mutability: Mutability::ReadWrite,
            is_multiple: false,
            is_required: false,
            is_exact: false,
            is_unique: false,
            is_always_returned: false,
            usual: &[],
        }
    }

    pub(crate) const fn of(self, kind: Kind) -> Self {
        Self { kind, ..self }
    }

    pub(crate) const fn multiple(self) -> Self {
        Self { is_multiple: true, ..self }
    }

    pub(crate) const fn required(self) -> Self {
        Self { is_required: true, ..self }
    }

    pub(crate) const fn exact(self) -> Self {
        Self { is_exact: true, ..self }
    }

    pub(crate) const fn unique(self) -> Self {
        Self { is_unique: true, ..self }
    }

    pub(crate) const fn always_returned(self) -> Self {
        Self { is_always_returned: true, ..self }
    }

    pub(crate) const fn by(self, mutability: Mutability) -> Self {
        Self { mutability, ..self }
    }

    pub(crate) const fn usually(self, usual: &'static [&'static str]) -> Self {
        Self { usual, ..self }
    }

    /// Its own attributes.
    pub fn parts(&self) -> &'static [Attribute] {
        match self.kind {
            Kind::Complex(parts) => parts,
            _ => &[],
        }
    }

    /// One of its own, in whatever case it is asked for.
    pub fn part(&self, name: &str) -> Option<&'static Attribute> {
        self.parts().iter().find(|part| part.name.eq_ignore_ascii_case(name))
    }

    fn to_json(self) -> Value {
        let kind = match self.kind {
            Kind::Text => "string",
            Kind::Boolean => "boolean",
            Kind::Binary => "binary",
            Kind::DateTime => "dateTime",
            Kind::Integer => "integer",
            Kind::Reference(_) => "reference",
            Kind::Complex(_) => "complex",
        };
        let mutability = match self.mutability {
            Mutability::ReadWrite => "readWrite",
            Mutability::ReadOnly => "readOnly",
            Mutability::Immutable => "immutable",
        };
        let mut told = json!({
            "name": self.name,
            "type": kind,
            "multiValued": self.is_multiple,
            "description": self.description,
            "required": self.is_required,
            "caseExact": self.is_exact,
            "mutability": mutability,
            "returned": if self.is_always_returned { "always" } else { "default" },
            "uniqueness": if self.is_unique { "server" } else { "none" },
        });
        if !self.usual.is_empty() {
            told["canonicalValues"] = json!(self.usual);
        }
        if let Kind::Reference(kinds) = self.kind {
            told["referenceTypes"] = json!(kinds);
        }
        if let Kind::Complex(parts) = self.kind {
            told["subAttributes"] = parts.iter().map(|part| part.to_json()).collect();
        }
        told
    }
}

/// A schema: attributes under a name of their own.
#[derive(Debug, PartialEq, Eq)]
pub struct Schema {
    /// Its URN.
    pub id: &'static str,
    /// For people.
    pub name: &'static str,
    /// For people.
    pub description: &'static str,
    /// Its attributes, without those that every resource has.
    pub attributes: &'static [Attribute],
}

impl Schema {
    /// One of its attributes, in whatever case it is asked for.
    pub fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        self.attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
    }

    /// The document at `/Schemas/{id}` (RFC 7643 §7), which is to be found at `location`.
    pub fn to_json(&self, location: &str) -> Value {
        let attributes: Value = self.attributes.iter().map(|attribute| attribute.to_json()).collect();
        json!({
            "schemas": [SCHEMA],
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "attributes": attributes,
            "meta": { "resourceType": "Schema", "location": location },
        })
    }
}

/// A kind of resource.
#[derive(Debug, PartialEq, Eq)]
pub struct ResourceType {
    /// Its name, which is its id too.
    pub name: &'static str,
    /// Where its resources are, below the service's own address.
    pub endpoint: &'static str,
    /// For people.
    pub description: &'static str,
    /// What each has.
    pub schema: &'static Schema,
    /// What each may have besides, under the URN of the extension.
    pub extensions: &'static [&'static Schema],
    /// What RFC 7643 has and this service does not keep: passed over when a client says it.
    pub passed_over: &'static [&'static str],
}

/// What a path leads to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    /// The extension that the attribute is of.
    pub(crate) extension: Option<&'static Schema>,
    pub(crate) attribute: &'static Attribute,
    pub(crate) part: Option<&'static Attribute>,
}

impl ResourceType {
    /// The document at `/ResourceTypes/{name}` (RFC 7643 §6), which is to be found at `location`.
    pub fn to_json(&self, location: &str) -> Value {
        let mut told = json!({
            "schemas": [RESOURCE_TYPE],
            "id": self.name,
            "name": self.name,
            "endpoint": self.endpoint,
            "description": self.description,
            "schema": self.schema.id,
            "meta": { "resourceType": "ResourceType", "location": location },
        });
        if !self.extensions.is_empty() {
            let extension = |schema: &&'static Schema| json!({ "schema": schema.id, "required": false });
            told["schemaExtensions"] = self.extensions.iter().map(extension).collect();
        }
        told
    }

    /// The URNs of what a resource has something of.
    pub fn schemas(&self, resource: &Map<String, Value>) -> Value {
        let used = self.extensions.iter().filter(|extension| resource.contains_key(extension.id));
        std::iter::once(self.schema.id).chain(used.map(|extension| extension.id)).collect()
    }

    /// The extension that is called so, in whatever case.
    pub(crate) fn extension(&self, urn: &str) -> Option<&'static Schema> {
        self.extensions.iter().copied().find(|extension| extension.id.eq_ignore_ascii_case(urn))
    }

    /// The extension that a path is the URN of.
    pub(crate) fn whole_extension(&self, path: &AttributePath) -> Option<&'static Schema> {
        self.extension(&path.to_string())
    }

    /// What a path leads to; `None` of what no schema here has.
    pub(crate) fn resolve(&self, path: &AttributePath) -> Option<Target> {
        let (extension, attribute) = match &path.urn {
            Some(urn) if !urn.eq_ignore_ascii_case(self.schema.id) => {
                let extension = self.extension(urn)?;
                (Some(extension), extension.attribute(&path.name)?)
            }
            _ => (None, self.attribute(&path.name)?),
        };
        let part = match &path.part {
            Some(part) => Some(attribute.part(part)?),
            None => None,
        };
        Some(Target { extension, attribute, part })
    }

    fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        let common = || crate::catalogue::COMMON.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name));
        self.schema.attribute(name).or_else(common)
    }
}
