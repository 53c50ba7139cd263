//! The schemas of what is told of a service itself: nobody changes anything of it.

use crate::schema::{self, Attribute, Kind, Mutability, Schema};

const fn told(name: &'static str, description: &'static str) -> Attribute {
    Attribute::new(name, description).by(Mutability::ReadOnly)
}

const SUPPORTED: Attribute = told("supported", "Whether it is there.").of(Kind::Boolean).required();

pub(super) const SERVICE_PROVIDER_CONFIG: &Schema = &Schema {
    id: schema::SERVICE_PROVIDER_CONFIG,
    name: "ServiceProviderConfig",
    description: "What the service can do.",
    attributes: &[
        told("documentationUri", "A page for people.").of(Kind::Reference(&["external"])).exact(),
        told("patch", "Changes of parts.").of(Kind::Complex(&[SUPPORTED])).required(),
        told("bulk", "Several operations in one.")
            .of(Kind::Complex(&[
                SUPPORTED,
                told("maxOperations", "The most operations.").of(Kind::Integer).required(),
                told("maxPayloadSize", "The most bytes.").of(Kind::Integer).required(),
            ]))
            .required(),
        told("filter", "Filters.")
            .of(Kind::Complex(&[
                SUPPORTED,
                told("maxResults", "The most resources of an answer.").of(Kind::Integer).required(),
            ]))
            .required(),
        told("changePassword", "Changes of passwords.").of(Kind::Complex(&[SUPPORTED])).required(),
        told("sort", "Sorted answers.").of(Kind::Complex(&[SUPPORTED])).required(),
        told("etag", "Entity tags.").of(Kind::Complex(&[SUPPORTED])).required(),
        told("authenticationSchemes", "How a client says who it is.")
            .of(Kind::Complex(&[
                told("type", "Which way it is.").required(),
                told("name", "For people.").required(),
                told("description", "For people.").required(),
                told("specUri", "Where it is specified.").of(Kind::Reference(&["external"])).exact(),
                told("documentationUri", "A page for people.").of(Kind::Reference(&["external"])).exact(),
                told("primary", "Whether it is the preferred one.").of(Kind::Boolean),
            ]))
            .multiple()
            .required(),
    ],
};

pub(super) const RESOURCE_TYPE: &Schema = &Schema {
    id: schema::RESOURCE_TYPE,
    name: "ResourceType",
    description: "A kind of resource.",
    attributes: &[
        told("name", "Its name.").required().exact(),
        told("description", "For people."),
        told("endpoint", "Where its resources are.").of(Kind::Reference(&["uri"])).required().exact(),
        told("schema", "What each has.").of(Kind::Reference(&["uri"])).required().exact(),
        told("schemaExtensions", "What each may have besides.")
            .of(Kind::Complex(&[
                told("schema", "The extension.").of(Kind::Reference(&["uri"])).required().exact(),
                told("required", "Whether each has it.").of(Kind::Boolean).required(),
            ]))
            .multiple(),
    ],
};

const SUB_ATTRIBUTES: &[Attribute] = &[
    told("name", "Its name.").required().exact(),
    told("type", "What its values are.").required(),
    told("multiValued", "Whether it has several values.").of(Kind::Boolean).required(),
    told("description", "For people.").exact(),
    told("required", "Whether no resource is without it.").of(Kind::Boolean),
    told("canonicalValues", "Values that are usual.").multiple().exact(),
    told("caseExact", "Whether case counts.").of(Kind::Boolean),
    told("mutability", "Who changes it.").exact(),
    told("returned", "When an answer has it.").exact(),
    told("uniqueness", "Whether two resources may have the same.").exact(),
    told("referenceTypes", "What it leads to.").multiple().exact(),
];

pub(super) const SCHEMA: &Schema = &Schema {
    id: schema::SCHEMA,
    name: "Schema",
    description: "A schema.",
    attributes: &[
        told("name", "For people.").required(),
        told("description", "For people."),
        told("attributes", "Its attributes.")
            .of(Kind::Complex(&[
                told("name", "Its name.").required().exact(),
                told("type", "What its values are.").required(),
                told("multiValued", "Whether it has several values.").of(Kind::Boolean).required(),
                told("description", "For people.").exact(),
                told("required", "Whether no resource is without it.").of(Kind::Boolean),
                told("canonicalValues", "Values that are usual.").multiple().exact(),
                told("caseExact", "Whether case counts.").of(Kind::Boolean),
                told("mutability", "Who changes it.").exact(),
                told("returned", "When an answer has it.").exact(),
                told("uniqueness", "Whether two resources may have the same.").exact(),
                told("referenceTypes", "What it leads to.").multiple().exact(),
                told("subAttributes", "Its own attributes.").of(Kind::Complex(SUB_ATTRIBUTES)).multiple(),
            ]))
            .multiple()
            .required(),
    ],
};
