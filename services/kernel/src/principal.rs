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

impl Principal {
    /// Whose resources the request is about; `None` where it is about nobody's.
    pub fn tenant(&self) -> Option<&TenantId> {
        match self {
            Self::Nobody | Self::Service => None,
            Self::Operator { tenant } => Some(tenant),
            Self::Key(key) => Some(&key.tenant),
        }
    }

    /// The one word that records know it by: `anyone`, `admin`, `service`, or the id of a key.
    pub fn actor(&self) -> &str {
        match self {
            Self::Nobody => "anyone",
            Self::Operator { .. } => "admin",
            Self::Service => "service",
            Self::Key(key) => &key.id,
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

/// A key, and how its tenant stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The key.
    pub key: Arc<ApiKey>,
    /// Whether the tenant may do nothing at the moment.
    pub is_suspended: bool,
}

/// Knows keys and tenants. What it says of a key counts for up to two seconds.
pub trait Directory: Send + Sync {
    /// Whose key this is; `None` of one that was never made, was revoked or has expired.
    ///
    /// # Errors
    /// Nothing can be said at the moment.
    fn key<'a>(&'a self, secret: &'a str) -> BoxFuture<'a, Result<Option<Holder>, Problem>>;

    /// The tenant that is named so, if there is one.
    ///
    /// # Errors
    /// Nothing can be said at the moment.
    fn tenant<'a>(&'a self, slug: &'a str) -> BoxFuture<'a, Result<Option<TenantId>, Problem>>;
}
