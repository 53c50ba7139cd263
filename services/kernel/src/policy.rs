//! Who may call a route: the [`Policy`] that each declares.

use axum::http::Method;

use crate::Permission;

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Anyone.
    Public,
    /// The holder of the admin token: it is about the installation, not about a tenant.
    Operator,
    /// Another process of the same installation: the holder of the service token, and nobody while there is none.
    Service,
    /// Whoever has signed in, whatever he may: it is about himself.
    Person,
    /// Whoever has this permission, and the holder of the admin token.
    May(Permission),
}

/// Who may call each method of a path: one policy for all of them, or one for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rules {
    /// The same for all methods.
    All(Policy),
    /// Each has its own.
    Each(Vec<(Method, Policy)>),
}

impl From<Policy> for Rules {
    fn from(policy: Policy) -> Self {
        Self::All(policy)
    }
}

impl<const N: usize> From<[(Method, Policy); N]> for Rules {
    fn from(each: [(Method, Policy); N]) -> Self {
        Self::Each(each.into())
    }
}

impl Rules {
    /// What was said of this method.
    pub(crate) fn named(&self, method: &Method) -> Option<Policy> {
        match self {
            Self::All(policy) => Some(*policy),
            Self::Each(each) => each.iter().find(|(known, _)| known == method).map(|(_, policy)| *policy),
        }
    }

    /// What holds for this method: of `HEAD` what does for `GET`, and of one that the path does not take what does for its
    /// first, so that a closed path says nothing about itself.
    pub(crate) fn of(&self, method: &Method) -> Policy {
        let as_get = || self.named(&Method::GET).filter(|_| *method == Method::HEAD);
        let first = || match self {
            Self::All(policy) => Some(*policy),
            Self::Each(each) => each.first().map(|(_, policy)| *policy),
        };
        self.named(method).or_else(as_get).or_else(first).unwrap_or(Policy::Operator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: Permission = Permission::new("bell", "read");
    const RING: Permission = Permission::new("bell", "ring");

    #[test]
    fn a_path_without_a_rule_for_a_method_is_as_closed_as_its_first_method() {
        let rules = Rules::from([(Method::GET, Policy::May(READ)), (Method::POST, Policy::May(RING))]);
        for (method, policy) in [
            (Method::GET, Policy::May(READ)),
            (Method::HEAD, Policy::May(READ)),
            (Method::POST, Policy::May(RING)),
            (Method::DELETE, Policy::May(READ)),
        ] {
            assert_eq!(rules.of(&method), policy, "{method}");
        }
        assert_eq!(Rules::from(Policy::Public).of(&Method::DELETE), Policy::Public);
        assert_eq!(Rules::Each(Vec::new()).of(&Method::GET), Policy::Operator, "nothing said is not open");
    }
}
