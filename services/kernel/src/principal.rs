//! Who a request is from. The guard of its route finds that out once, and its handler takes it as an argument.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use futures::future::BoxFuture;
use media_types::TenantId;

use crate::{Grants, Problem, auth};

/// Who a request is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// Somebody who need not say: the route is public.
    Nobody,
    /// The holder of the admin token, who owns the installation and may everything; here on behalf of a tenant.
    Operator {
        /// Whose resources are meant.
        tenant: TenantId,
    },
    /// Another process of the same installation.
    Service,
    /// The holder of a tenant's key.
    Key(Arc<ApiKey>),
    /// Somebody who has signed in.
    Person(Arc<Person>),
}

/// A key that holds at the moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id, which is no secret.
    pub id: String,
    /// Whose it is.
    pub tenant: TenantId,
    /// What it may.
    pub grants: Grants,
    /// When it ends, if ever, in milliseconds since 1970.
    pub expires_ms: Option<i64>,
}

/// A person whose session goes on at the moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Who it is, which is no secret.
    pub id: String,
    /// Whose it is.
    pub tenant: TenantId,
    /// What the person may at the moment.
    pub grants: Grants,
    /// What of that he may for good, and not for a while only: that he can give to others.
    pub lasting: Grants,
    /// The id of the session.
    pub session: String,
    /// The id of the program that acts for him; `None` in a session of his own.
    pub client: Option<String>,
    /// Who acts as the person, if it is not himself.
    pub acted_by: Option<String>,
    /// When the person has last proved who that is, as the token says; in milliseconds since 1970.
    pub authenticated_ms: i64,
}

impl Principal {
    /// Whose resources the request is about; `None` where it is about nobody's.
    pub fn tenant(&self) -> Option<&TenantId> {
        match self {
            Self::Nobody | Self::Service => None,
            Self::Operator { tenant } => Some(tenant),
            Self::Key(key) => Some(&key.tenant),
            Self::Person(person) => Some(&person.tenant),
        }
    }

    /// The one word that records know it by: `anyone`, `admin`, `service`, or the id of a key or of a person.
    pub fn actor(&self) -> &str {
        match self {
            Self::Nobody => "anyone",
            Self::Operator { .. } => "admin",
            Self::Service => "service",
            Self::Key(key) => &key.id,
            Self::Person(person) => &person.id,
        }
    }

    /// Who acts as the person that it is, if that is somebody else.
    pub fn acted_by(&self) -> Option<&str> {
        match self {
            Self::Person(person) => person.acted_by.as_deref(),
            Self::Nobody | Self::Operator { .. } | Self::Service | Self::Key(_) => None,
        }
    }

    /// The list of what it may; `None` of those who have none.
    pub(crate) fn grants(&self) -> Option<&Grants> {
        match self {
            Self::Key(key) => Some(&key.grants),
            Self::Person(person) => Some(&person.grants),
            Self::Nobody | Self::Operator { .. } | Self::Service => None,
        }
    }

    /// The first entry of `wanted` that it cannot give to anybody, as it lacks that itself, or has it for a while only. The operator
    /// lacks nothing.
    pub fn lacks<'a>(&self, wanted: &'a Grants) -> Option<&'a str> {
        match self {
            Self::Operator { .. } => None,
            Self::Key(key) => key.grants.lacks(wanted),
            Self::Person(person) => person.lasting.lacks(wanted),
            Self::Nobody | Self::Service => wanted.as_slice().first().map(String::as_str),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Principal {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().cloned().unwrap_or(Self::Nobody))
    }
}

/// The tenant whose resources a request is about, as an argument of its handler. Refuses with 401 on routes that ask nobody who
/// he is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant(pub TenantId);

impl<S: Send + Sync> FromRequestParts<S> for Tenant {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let tenant = parts.extensions.get::<Principal>().and_then(Principal::tenant);
        tenant.cloned().map(Self).ok_or_else(auth::missing_token)
    }
}

/// The person who has sent a request, as an argument of handlers of [`Policy::Person`](crate::Policy::Person). Refuses with 401
/// on other routes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Myself(pub Arc<Person>);

impl<S: Send + Sync> FromRequestParts<S> for Myself {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        match parts.extensions.get() {
            Some(Principal::Person(person)) => Ok(Self(Arc::clone(person))),
            _ => Err(auth::missing_token()),
        }
    }
}

/// Whom a token is from, and how his tenant stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// A key or a person.
    pub principal: Principal,
    /// Whether the tenant may do nothing at the moment.
    pub is_suspended: bool,
}

/// Knows keys, people and tenants. What it says of a token counts for up to two seconds.
pub trait Directory: Send + Sync {
    /// Whom this token is from, the secret of a key or the access token of a session; `None` of one that was never made, was
    /// revoked or has expired, and of a person who is suspended.
    ///
    /// # Errors
    /// Nothing can be said at the moment.
    fn holder<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Option<Holder>, Problem>>;

    /// Whether a text has the form of a token that could be known, as far as that can be said without looking for it. A token for
    /// something else need not be looked for.
    fn knows_form(&self, _token: &str) -> bool {
        true
    }

    /// The tenant that is named so, if there is one.
    ///
    /// # Errors
    /// Nothing can be said at the moment.
    fn tenant<'a>(&'a self, slug: &'a str) -> BoxFuture<'a, Result<Option<TenantId>, Problem>>;
}
