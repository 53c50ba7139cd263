//! How SCIM refuses (RFC 7644 §3.12).

use axum::http::StatusCode;
use kernel::{Code, Dialect, Problem, codes as common};
use scim::{Fault, Refusal};

use super::super::codes;
use super::MEDIA_TYPE;
use super::views::ScimError;

/// The schema of a refusal.
pub(super) const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// Exactly what the RFC has: clients written after it refuse what they do not know, and `status` is text there and a number in a problem,
/// so that no object can be both.
pub(super) static DIALECT: Dialect = Dialect { media_type: MEDIA_TYPE, schema: "ScimError", say };

/// The keywords of what is refused with 400 or 409.
const KEYWORDS: [(Code, &str); 13] = [
    (codes::SCIM_INVALID_FILTER, "invalidFilter"),
    (codes::SCIM_INVALID_PATH, "invalidPath"),
    (codes::SCIM_INVALID_SYNTAX, "invalidSyntax"),
    (codes::SCIM_INVALID_VALUE, "invalidValue"),
    (codes::SCIM_MUTABILITY, "mutability"),
    (codes::SCIM_NO_TARGET, "noTarget"),
    (codes::SCIM_TOO_MANY, "tooMany"),
    (codes::USER_EMAIL_TAKEN, "uniqueness"),
    (common::BODY_INCOMPLETE, "invalidSyntax"),
    (common::BODY_INVALID, "invalidSyntax"),
    (common::BODY_MALFORMED, "invalidSyntax"),
    (common::HTTP_INVALID_PATH, "invalidPath"),
    (common::QUERY_INVALID, "invalidValue"),
];

fn say(problem: &Problem) -> (StatusCode, Vec<u8>) {
    // RFC 7644 has 400 for what is understood and wrong.
    let status = match problem.status() {
        StatusCode::UNPROCESSABLE_ENTITY => StatusCode::BAD_REQUEST,
        other => other,
    };
    let keyword = KEYWORDS.iter().find(|(code, _)| code.name() == problem.code()).map(|(_, keyword)| *keyword);
    let error = ScimError {
        schemas: [ERROR],
        status: status.as_u16().to_string(),
        scim_type: keyword,
        detail: format!("{}: {}", problem.detail(), problem.cure()),
    };
    let body = serde_json::to_vec(&error).expect("an error is plain data, which always has a JSON form");
    (status, body)
}

/// What the protocol itself refuses.
pub(super) fn refused(refusal: Refusal) -> Problem {
    let code = match refusal.fault {
        Fault::InvalidFilter => codes::SCIM_INVALID_FILTER,
        Fault::InvalidPath => codes::SCIM_INVALID_PATH,
        Fault::InvalidSyntax => codes::SCIM_INVALID_SYNTAX,
        Fault::InvalidValue => codes::SCIM_INVALID_VALUE,
        Fault::Mutability => codes::SCIM_MUTABILITY,
        Fault::NoTarget => codes::SCIM_NO_TARGET,
    };
    Problem::bad_request(code, refusal.detail)
}

/// A value that nothing here can take.
pub(super) fn invalid(detail: impl Into<String>) -> Problem {
    Problem::bad_request(codes::SCIM_INVALID_VALUE, detail)
}

/// More than is looked at for one request.
pub(super) fn too_many(detail: impl Into<String>) -> Problem {
    Problem::bad_request(codes::SCIM_TOO_MANY, detail)
}
