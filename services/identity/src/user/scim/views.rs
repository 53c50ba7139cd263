//! What the document says of SCIM's JSON. But for refusals nothing of this is ever made: resources are what their schemas say, and
//! are read by the crate `scim`.

use serde::Serialize;
use utoipa::ToSchema;

/// A refusal (RFC 7644 §3.12).
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ScimError {
    /// The schema of refusals.
    #[schema(value_type = Vec<String>)]
    pub(super) schemas: [&'static str; 1],
    /// The HTTP status, as text.
    pub(super) status: String,
    /// The keyword of the RFC, if it has one for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub(super) scim_type: Option<&'static str>,
    /// What is wrong, and what to do about it.
    pub(super) detail: String,
}

/// A resource, with what was asked for of it. What else there is, `/scim/v2/Schemas` says.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it is documented, and made by its schema")]
pub(crate) struct ScimResource {
    /// The schemas that it has something of.
    schemas: Vec<String>,
    /// The service's own name for it.
    id: String,
}

/// Some resources of those that were asked for (RFC 7644 §3.4.2).
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code, reason = "it is documented, and made by its schema")]
pub(crate) struct ScimList {
    /// The schema of lists.
    schemas: Vec<String>,
    /// How many there are in all.
    total_results: u64,
    /// The number of the first one, from 1.
    start_index: u64,
    /// How many are here.
    items_per_page: u64,
    /// The resources.
    #[schema(rename = "Resources")]
    resources: Vec<ScimDocument>,
}

/// What is told of the service, as RFC 7643 §5 to §7 have it.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it is documented, and made by its schema")]
pub(crate) struct ScimDocument {
    /// The schemas that it is of.
    schemas: Vec<String>,
}

/// A person, as a directory says it. What else there is, `/scim/v2/Schemas` says.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code, reason = "it is documented, and read by its schema")]
pub(crate) struct ScimUser {
    /// The schemas that it has something of.
    #[schema(example = json!(["urn:ietf:params:scim:schemas:core:2.0:User"]))]
    schemas: Vec<String>,
    /// What the directory knows the person by, one among all people of the tenant, in whatever case.
    #[schema(min_length = 1, max_length = 255)]
    user_name: String,
    /// The directory's own name for the person.
    #[schema(max_length = 255)]
    external_id: Option<String>,
    /// The name that is shown.
    display_name: Option<String>,
    /// Whether the person may sign in.
    active: Option<bool>,
    /// Of which the preferred one is what the person signs in by.
    #[schema(max_items = 100)]
    emails: Option<Vec<ScimEmail>>,
}

/// An e-mail address.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it is documented, and read by its schema")]
pub(crate) struct ScimEmail {
    /// The address.
    value: Option<String>,
    /// Such as work.
    #[schema(rename = "type")]
    kind: Option<String>,
    /// Whether it is the preferred one.
    primary: Option<bool>,
}

/// A team of people, as a directory says it.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code, reason = "it is documented, and read by its schema")]
pub(crate) struct ScimGroup {
    /// The schemas that it has something of.
    #[schema(example = json!(["urn:ietf:params:scim:schemas:core:2.0:Group"]))]
    schemas: Vec<String>,
    /// The name that is shown.
    #[schema(min_length = 1, max_length = 200)]
    display_name: String,
    /// The directory's own name for it.
    #[schema(max_length = 255)]
    external_id: Option<String>,
    /// Who belongs to it.
    #[schema(max_items = 10000)]
    members: Option<Vec<ScimMember>>,
}

/// Somebody who belongs to a group.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it is documented, and read by its schema")]
pub(crate) struct ScimMember {
    /// The id of the person.
    value: String,
}

/// Changes of a resource (RFC 7644 §3.5.2).
#[derive(ToSchema)]
#[allow(dead_code, reason = "it is documented, and read by its schema")]
pub(crate) struct ScimPatch {
    /// The schema of changes.
    #[schema(example = json!(["urn:ietf:params:scim:api:messages:2.0:PatchOp"]))]
    schemas: Vec<String>,
    /// One after the other, all of them or none.
    #[schema(rename = "Operations", min_items = 1, max_items = 500)]
    operations: Vec<ScimOperation>,
}

/// One change.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it is documented, and read by its schema")]
pub(crate) struct ScimOperation {
    /// `add`, `remove` or `replace`.
    #[schema(example = "replace")]
    op: String,
    /// What is changed, such as `emails[type eq "work"].value`.
    path: Option<String>,
    /// What it is from now on.
    value: Option<serde_json::Value>,
}

/// A question (RFC 7644 §3.4.3).
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code, reason = "it is documented, and read word by word")]
pub(crate) struct ScimSearch {
    /// The schema of questions.
    #[schema(example = json!(["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]))]
    schemas: Vec<String>,
    /// Which resources are meant.
    #[schema(max_length = 4096)]
    filter: Option<String>,
    /// The attributes that the answer has, all others not.
    attributes: Option<Vec<String>>,
    /// The attributes that the answer has not.
    excluded_attributes: Option<Vec<String>>,
    /// The number of the first one, from 1.
    start_index: Option<i64>,
    /// The most that the answer has, 200 at most.
    count: Option<i64>,
}
