//! People and groups, as RFC 7643 §4 has them, and what is told of a service (§5 to §7). Left out is what nobody keeps here:
//! passwords, the groups within a person, and groups within groups.

mod discovery;

use crate::schema::{Attribute, Kind, Mutability, ResourceType, Schema};

/// What every resource has (RFC 7643 §3.1).
pub(crate) const COMMON: &[Attribute] = &[
    Attribute::new("id", "The service's own name for it.").by(Mutability::ReadOnly).exact().always_returned(),
    Attribute::new("externalId", "The client's own name for it.").exact(),
    Attribute::new("meta", "What the service knows of it.").by(Mutability::ReadOnly).of(Kind::Complex(META)),
    Attribute::new("schemas", "The schemas that it has something of.")
        .of(Kind::Reference(&["uri"]))
        .multiple()
        .exact()
        .always_returned(),
];

const META: &[Attribute] = &[
    Attribute::new("resourceType", "What kind of resource it is.").by(Mutability::ReadOnly).exact(),
    Attribute::new("created", "When it was made.").by(Mutability::ReadOnly).of(Kind::DateTime),
    Attribute::new("lastModified", "When it was changed last.").by(Mutability::ReadOnly).of(Kind::DateTime),
    Attribute::new("location", "Its address.").by(Mutability::ReadOnly).of(Kind::Reference(&["uri"])).exact(),
    Attribute::new("version", "Its entity tag.").by(Mutability::ReadOnly).exact(),
];

const PLACES: &[&str] = &["work", "home", "other"];
const DISPLAY: Attribute = Attribute::new("display", "For people.");
const PRIMARY: Attribute = Attribute::new("primary", "Whether it is the preferred one.").of(Kind::Boolean);
const VALUE: Attribute = Attribute::new("value", "The value.");
const TYPE: Attribute = Attribute::new("type", "What it is for.");
/// Of what a directory says of somebody: the value, what it is for, and which is preferred.
const TAGGED: &[Attribute] = &[VALUE, DISPLAY, TYPE, PRIMARY];

const NAME: &[Attribute] = &[
    Attribute::new("formatted", "The whole name."),
    Attribute::new("familyName", "The family name."),
    Attribute::new("givenName", "The given name."),
    Attribute::new("middleName", "Names in between."),
    Attribute::new("honorificPrefix", "Titles in front."),
    Attribute::new("honorificSuffix", "Titles behind."),
];

const ADDRESS: &[Attribute] = &[
    Attribute::new("formatted", "The whole address."),
    Attribute::new("streetAddress", "Street and house."),
    Attribute::new("locality", "Town."),
    Attribute::new("region", "State or canton."),
    Attribute::new("postalCode", "Postal code."),
    Attribute::new("country", "Country, as ISO 3166-1 has it in two letters."),
    TYPE.usually(PLACES),
    PRIMARY,
];

const PERSON: &[Attribute] = &[
    Attribute::new("userName", "What the directory knows the person by.").required().unique(),
    Attribute::new("name", "The parts of the name.").of(Kind::Complex(NAME)),
    Attribute::new("displayName", "The name that is shown."),
    Attribute::new("nickName", "What friends say."),
    Attribute::new("profileUrl", "A page about the person.").of(Kind::Reference(&["external"])).exact(),
    Attribute::new("title", "Such as teacher."),
    Attribute::new("userType", "Such as staff or pupil."),
    Attribute::new("preferredLanguage", "As Accept-Language has it."),
    Attribute::new("locale", "As BCP 47 has it."),
    Attribute::new("timezone", "As the IANA database has it."),
    Attribute::new("active", "Whether the person may sign in.").of(Kind::Boolean),
    Attribute::new("emails", "E-mail addresses: the preferred one is what the person signs in by.")
        .of(Kind::Complex(&[VALUE, DISPLAY, TYPE.usually(PLACES), PRIMARY]))
        .multiple(),
    Attribute::new("phoneNumbers", "Telephone numbers.")
        .of(Kind::Complex(&[
            VALUE,
            DISPLAY,
            TYPE.usually(&["work", "home", "mobile", "fax", "pager", "other"]),
            PRIMARY,
        ]))
        .multiple(),
    Attribute::new("ims", "Addresses of messengers.").of(Kind::Complex(TAGGED)).multiple(),
    Attribute::new("photos", "Pictures.")
        .of(Kind::Complex(&[
            VALUE.of(Kind::Reference(&["external"])).exact(),
            DISPLAY,
            TYPE.usually(&["photo", "thumbnail"]),
            PRIMARY,
        ]))
        .multiple(),
    Attribute::new("addresses", "Where letters go.").of(Kind::Complex(ADDRESS)).multiple(),
    Attribute::new("entitlements", "What the directory says of entitlements; it gives no permission here.")
        .of(Kind::Complex(TAGGED))
        .multiple(),
    Attribute::new("roles", "What the directory says of roles; it gives no permission here.")
        .of(Kind::Complex(TAGGED))
        .multiple(),
    Attribute::new("x509Certificates", "Certificates in DER.")
        .of(Kind::Complex(&[VALUE.of(Kind::Binary).exact(), DISPLAY, TYPE, PRIMARY]))
        .multiple(),
];

const MANAGER: &[Attribute] = &[
    Attribute::new("value", "The id of the manager."),
    Attribute::new("$ref", "The address of the manager.").of(Kind::Reference(&["User"])).exact(),
    Attribute::new("displayName", "The manager's name.").by(Mutability::ReadOnly),
];

const EMPLOYEE: &[Attribute] = &[
    Attribute::new("employeeNumber", "The number that the organisation has for the person."),
    Attribute::new("costCenter", "The cost centre."),
    Attribute::new("organization", "The organisation."),
    Attribute::new("division", "The division."),
    Attribute::new("department", "The department."),
    Attribute::new("manager", "Whom the person reports to.").of(Kind::Complex(MANAGER)),
];

const MEMBER: &[Attribute] = &[
    Attribute::new("value", "The id of the member.").by(Mutability::Immutable).exact(),
    Attribute::new("$ref", "The address of the member.")
        .of(Kind::Reference(&["User"]))
        .by(Mutability::Immutable)
        .exact(),
    Attribute::new("type", "What kind of resource the member is.").by(Mutability::Immutable).usually(&["User"]),
    Attribute::new("display", "The name of the member, which some clients say; it is told with the person.")
        .by(Mutability::ReadOnly),
];

const TEAM: &[Attribute] = &[
    Attribute::new("displayName", "The name that is shown.").required(),
    Attribute::new("members", "Who belongs to it.").of(Kind::Complex(MEMBER)).multiple(),
];

const USER_SCHEMA: &Schema = &Schema {
    id: "urn:ietf:params:scim:schemas:core:2.0:User",
    name: "User",
    description: "A person of the tenant.",
    attributes: PERSON,
};

/// What organisations say of those who work there (RFC 7643 §4.3).
pub const ENTERPRISE_USER: &Schema = &Schema {
    id: "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
    name: "EnterpriseUser",
    description: "What an organisation says of those who work there.",
    attributes: EMPLOYEE,
};

const GROUP_SCHEMA: &Schema = &Schema {
    id: "urn:ietf:params:scim:schemas:core:2.0:Group",
    name: "Group",
    description: "A team of people of the tenant. It gives no permission.",
    attributes: TEAM,
};

/// People (RFC 7643 §4.1).
pub const USER: &ResourceType = &ResourceType {
    name: "User",
    endpoint: "/Users",
    description: "People of the tenant.",
    schema: USER_SCHEMA,
    extensions: &[ENTERPRISE_USER],
    passed_over: &["groups", "password"],
};

/// Teams of people (RFC 7643 §4.2).
pub const GROUP: &ResourceType = &ResourceType {
    name: "Group",
    endpoint: "/Groups",
    description: "Teams of people of the tenant.",
    schema: GROUP_SCHEMA,
    extensions: &[],
    passed_over: &[],
};

impl ResourceType {
    /// Both kinds.
    pub const ALL: &'static [&'static ResourceType] = &[USER, GROUP];
}

impl Schema {
    /// Those of people and groups, and those of what is told of a service.
    pub const ALL: &'static [&'static Schema] = &[
        USER_SCHEMA,
        ENTERPRISE_USER,
        GROUP_SCHEMA,
        discovery::RESOURCE_TYPE,
        discovery::SCHEMA,
        discovery::SERVICE_PROVIDER_CONFIG,
    ];
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn names_are_unique(attributes: &[Attribute]) {
        let names: BTreeSet<String> = attributes.iter().map(|of| of.name.to_ascii_lowercase()).collect();
        assert_eq!(names.len(), attributes.len(), "{names:?}");
        for attribute in attributes {
            names_are_unique(attribute.parts());
            let is_tagged = attribute.part("primary").is_some();
            assert!(!is_tagged || attribute.is_multiple, "{}: of one value none is preferred", attribute.name);
        }
    }

    #[test]
    fn names_are_unique_whatever_their_case_and_every_schema_has_a_document() {
        let ids: BTreeSet<&str> = Schema::ALL.iter().map(|schema| schema.id).collect();
        assert_eq!(ids.len(), Schema::ALL.len());
        for schema in Schema::ALL {
            names_are_unique(schema.attributes);
            let document = schema.to_json("/here");
            assert_eq!(document["attributes"].as_array().map(Vec::len), Some(schema.attributes.len()));
        }
        for kind in ResourceType::ALL {
            assert!(ids.contains(kind.schema.id) && kind.extensions.iter().all(|of| ids.contains(of.id)));
            let own = kind.schema.attributes.iter().chain(COMMON);
            assert!(own.clone().all(|of| !kind.passed_over.contains(&of.name)));
            names_are_unique(&own.copied().collect::<Vec<_>>());
        }
    }
}
