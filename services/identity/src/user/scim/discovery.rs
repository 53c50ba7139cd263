//! What the service can do (RFC 7644 §4). It is the same for everybody, and told to anybody.

use axum::response::Response;
use kernel::{ApiPath, Problem, codes as common};
use scim::schema::{ResourceType, SERVICE_PROVIDER_CONFIG, Schema};
use serde_json::{Value, json};

use super::BASE;
use super::answer::{listed, plain};
use super::query::MAX_RESULTS;
use super::views::{ScimDocument, ScimError, ScimList};

/// What the service can do.
#[utoipa::path(
    get, path = "/scim/v2/ServiceProviderConfig", operation_id = "scim_service_provider_config", tag = "scim",
    responses((status = 200, description = "the configuration", body = ScimDocument, content_type = "application/scim+json"))
)]
pub(crate) async fn service_provider_config() -> Response {
    plain(&json!({
        "schemas": [SERVICE_PROVIDER_CONFIG],
        "documentationUri": "/api/docs",
        "patch": { "supported": true },
        "bulk": { "supported": false, "maxOperations": 0, "maxPayloadSize": 0 },
        "filter": { "supported": true, "maxResults": MAX_RESULTS },
        "changePassword": { "supported": false },
        "sort": { "supported": false },
        "etag": { "supported": true },
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "Key",
            "description": "A key of the tenant, as a bearer token.",
            "specUri": "https://www.rfc-editor.org/rfc/rfc6750",
            "primary": true,
        }],
        "meta": { "resourceType": "ServiceProviderConfig", "location": format!("{BASE}/ServiceProviderConfig") },
    }))
}

/// The kinds of resources.
#[utoipa::path(
    get, path = "/scim/v2/ResourceTypes", operation_id = "scim_list_resource_types", tag = "scim",
    responses((status = 200, description = "all of them", body = ScimList, content_type = "application/scim+json"))
)]
pub(crate) async fn resource_types() -> Response {
    whole(ResourceType::ALL.iter().map(|kind| kind_of(kind)).collect())
}

/// One kind of resources.
#[utoipa::path(
    get, path = "/scim/v2/ResourceTypes/{name}", operation_id = "scim_get_resource_type", tag = "scim",
    params(("name" = String, Path, description = "its name")),
    responses(
        (status = 200, description = "the kind", body = ScimDocument, content_type = "application/scim+json"),
        (status = 404, description = "no such kind", body = ScimError),
    )
)]
pub(crate) async fn resource_type(ApiPath(name): ApiPath<String>) -> Result<Response, Problem> {
    let found = ResourceType::ALL.iter().find(|kind| kind.name == name);
    found.map(|kind| plain(&kind_of(kind))).ok_or_else(|| missing("there is no such kind of resources"))
}

/// The schemas of resources.
#[utoipa::path(
    get, path = "/scim/v2/Schemas", operation_id = "scim_list_schemas", tag = "scim",
    responses((status = 200, description = "all of them", body = ScimList, content_type = "application/scim+json"))
)]
pub(crate) async fn schemas() -> Response {
    whole(Schema::ALL.iter().map(|schema| schema_of(schema)).collect())
}

/// One schema.
#[utoipa::path(
    get, path = "/scim/v2/Schemas/{urn}", operation_id = "scim_get_schema", tag = "scim",
    params(("urn" = String, Path, description = "its URN")),
    responses(
        (status = 200, description = "the schema", body = ScimDocument, content_type = "application/scim+json"),
        (status = 404, description = "no such schema", body = ScimError),
    )
)]
pub(crate) async fn schema(ApiPath(urn): ApiPath<String>) -> Result<Response, Problem> {
    let found = Schema::ALL.iter().find(|schema| schema.id.eq_ignore_ascii_case(&urn));
    found.map(|schema| plain(&schema_of(schema))).ok_or_else(|| missing("there is no such schema"))
}

fn kind_of(kind: &ResourceType) -> Value {
    kind.to_json(&format!("{BASE}/ResourceTypes/{}", kind.name))
}

fn schema_of(schema: &Schema) -> Value {
    schema.to_json(&format!("{BASE}/Schemas/{}", schema.id))
}

fn whole(all: Vec<Value>) -> Response {
    listed(all.len(), 1, all)
}

fn missing(detail: &str) -> Problem {
    Problem::not_found(common::HTTP_NOT_FOUND, detail)
}
