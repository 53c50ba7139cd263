//! JSON of what a tenant asks of its people.

use kernel::rfc3339;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Rules;

/// What a tenant asks for from now on; what is absent is as usual.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignInPolicyRequest {
    /// Whether whoever has no second factor is in to add one, and for nothing else; false when absent.
    pub(crate) needs_second_factor: Option<bool>,
    /// Domains of the e-mail addresses of those who are let in; all when absent or empty.
    #[schema(max_items = 50, example = json!(["school.example"]))]
    pub(crate) email_domains: Option<Vec<String>>,
    /// The fewest characters of a new password: 8 to 64, and 8 when absent.
    #[schema(minimum = 8, maximum = 64)]
    pub(crate) min_password_length: Option<i64>,
    /// Seconds for which somebody who signs in is in: 300 to 2592000, which are 30 days, and these when absent.
    #[schema(minimum = 300, maximum = 2592000)]
    pub(crate) session_s: Option<i64>,
    /// Whether people may act as others who may that at all; false when absent.
    pub(crate) allows_impersonation: Option<bool>,
}

/// What a tenant asks of its people when they sign in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignInPolicyView {
    /// Whether whoever has no second factor is in to add one, and for nothing else.
    needs_second_factor: bool,
    /// Domains of the e-mail addresses of those who are let in; all where there are none.
    email_domains: Vec<String>,
    /// The fewest characters of a new password.
    min_password_length: i64,
    /// Seconds for which somebody who signs in is in.
    session_s: i64,
    /// Whether people may act as others.
    allows_impersonation: bool,
    /// RFC 3339; null where nobody has changed it.
    updated_at: Option<String>,
}

impl From<Rules> for SignInPolicyView {
    fn from(rules: Rules) -> Self {
        Self {
            needs_second_factor: rules.needs_second_factor,
            email_domains: rules.domains.0,
            min_password_length: rules.min_password,
            session_s: rules.session_s,
            allows_impersonation: rules.allows_impersonation,
            updated_at: (rules.version > 0).then(|| rfc3339(rules.updated_ms)),
        }
    }
}
