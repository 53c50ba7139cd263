//! What a client may learn of a person, or do for him: scopes (RFC 6749 §3.3). Pure.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::auth::jwt;

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, ToSchema)]
#[schema(as = OAuthScope)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Scope {
    /// Who it is, by the id alone, and that he has just signed in.
    Openid,
    /// His name, his locale and his time zone.
    Profile,
    /// His e-mail address.
    Email,
    /// To do here whatever he may.
    Api,
}

/// All of them.
pub(super) const ALL: [Scope; 4] = [Scope::Openid, Scope::Profile, Scope::Email, Scope::Api];

impl Scope {
    /// As it is written.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Openid => "openid",
            Self::Profile => "profile",
            Self::Email => "email",
            Self::Api => "api",
        }
    }

    /// Whether a text of several has it.
    pub(super) fn is_in(self, scope: &str) -> bool {
        scope.split(' ').any(|word| word == self.as_str())
    }
}

/// Of what is asked for that which may be had; what is not known is passed over (OpenID Connect Core §3.1.2.1). `None` when nothing
/// is left.
pub(super) fn granted(asked: &str, allowed: &[Scope]) -> Option<String> {
    let granted: Vec<_> = ALL.into_iter().filter(|scope| allowed.contains(scope) && scope.is_in(asked)).collect();
    (!granted.is_empty()).then(|| text(&granted))
}

/// Several as they are written together.
pub(super) fn text(scopes: &[Scope]) -> String {
    scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" ")
}

/// Whom access tokens are for of a session of this scope; `None` is one of no client.
pub(in crate::auth) fn audience(scope: Option<&str>) -> &'static str {
    if scope.is_none_or(|scope| Scope::Api.is_in(scope)) { jwt::AUDIENCE } else { jwt::USERINFO }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_gets_what_it_asks_for_and_may_have_and_nothing_else() {
        let some = [Scope::Openid, Scope::Email];
        for (asked, allowed, granted) in [
            ("openid", &ALL[..], Some("openid")),
            ("email openid", &ALL, Some("openid email")),
            ("openid openid", &ALL, Some("openid")),
            ("openid offline_access", &ALL, Some("openid")),
            ("openid api profile", &some, Some("openid")),
            ("api", &some, None),
            ("", &ALL, None),
            ("OPENID apis", &ALL, None),
        ] {
            assert_eq!(super::granted(asked, allowed).as_deref(), granted, "{asked:?}");
        }
    }

    #[test]
    fn only_a_client_with_the_scope_for_it_opens_the_api() {
        assert_eq!(audience(None), jwt::AUDIENCE);
        assert_eq!(audience(Some("openid api")), jwt::AUDIENCE);
        for scope in ["openid", "openid profile email", ""] {
            assert_eq!(audience(Some(scope)), jwt::USERINFO, "{scope}");
        }
    }
}
