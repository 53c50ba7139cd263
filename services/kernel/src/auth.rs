//! Who may call a route: the [`Policy`] that each declares, and the [`Guard`] that finds out who asks.

mod known;

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use media_types::TenantId;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use thiserror::Error;

use self::known::Known;
use crate::principal::{Directory, Holder, Principal};
use crate::rate::Meter;
use crate::{Code, Limiter, Maintenance, Permission, Problem, codes, default_tenant};

/// Names the tenant, by its slug, that the holder of the admin token acts for.
pub const TENANT: HeaderName = HeaderName::from_static("lectern-tenant");

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
    fn of(&self, method: &Method) -> Policy {
        let as_get = || self.named(&Method::GET).filter(|_| *method == Method::HEAD);
        let first = || match self {
            Self::All(policy) => Some(*policy),
            Self::Each(each) => each.first().map(|(_, policy)| *policy),
        };
        self.named(method).or_else(as_get).or_else(first).unwrap_or(Policy::Operator)
    }
}

/// A token that could not protect anything.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("an admin token has 16 to 512 printable ASCII characters without spaces")]
pub struct WeakToken;

/// The admin token, or the service token, kept as its hash: it cannot be printed, and is compared in constant time.
#[derive(Clone)]
pub struct AdminToken {
    sha256: [u8; 32],
}

impl AdminToken {
    /// A token of 16 to 512 printable ASCII characters.
    ///
    /// # Errors
    /// [`WeakToken`] when it is shorter, longer, or has other characters.
    pub fn new(token: &str) -> Result<Self, WeakToken> {
        let fine = (16..=512).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic());
        if fine { Ok(Self { sha256: digest(token) }) } else { Err(WeakToken) }
    }

    fn is(&self, candidate: &[u8; 32]) -> bool {
        self.sha256.ct_eq(candidate).into()
    }
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// Finds out who a request is from, and whether it may pass. Cloning it is cheap.
#[derive(Clone)]
pub struct Guard {
    admin: AdminToken,
    service: Option<AdminToken>,
    directory: Option<Arc<dyn Directory>>,
    known: Arc<Known>,
    limiter: Option<Limiter>,
    maintenance: Option<Maintenance>,
}

impl Guard {
    /// A guard that knows the holder of `admin`, and nobody else.
    pub fn new(admin: AdminToken) -> Self {
        Self { admin, service: None, directory: None, known: Arc::default(), limiter: None, maintenance: None }
    }

    /// Knows the holder of `service` too, for what other processes may.
    #[must_use]
    pub fn with_service(self, service: Option<AdminToken>) -> Self {
        Self { service, ..self }
    }

    /// Knows keys, people and tenants too.
    #[must_use]
    pub fn with_directory(self, directory: Arc<dyn Directory>) -> Self {
        Self { directory: Some(directory), ..self }
    }

    /// Counts requests, and refuses those of whoever sends too many.
    #[must_use]
    pub fn with_limiter(self, limiter: Limiter) -> Self {
        Self { limiter: Some(limiter), ..self }
    }

    /// Refuses what is asked of units that are closed.
    #[must_use]
    pub fn with_maintenance(self, maintenance: Option<Maintenance>) -> Self {
        Self { maintenance, ..self }
    }

    /// The same, counting none.
    pub(crate) fn without_limiter(self) -> Self {
        Self { limiter: None, ..self }
    }

    /// What a request is to be counted by.
    pub(crate) fn meter(&self, request: &Request) -> Meter<'_> {
        Meter::new(self.limiter.as_ref(), request)
    }

    /// Who has sent `Authorization: Bearer` (RFC 6750 §2.1). His request is counted, or that of his address where he is nobody.
    ///
    /// # Errors
    /// 401 when nobody that is known, 403 when his tenant is suspended, 404 when he names a tenant that is not there, 429 when he
    /// sends too many.
    pub(crate) async fn principal(&self, headers: &HeaderMap, meter: &mut Meter<'_>) -> Result<Principal, Problem> {
        let Some(token) = bearer(headers) else {
            meter.address()?;
            return Err(missing_token());
        };
        let sha256 = digest(token);
        if self.admin.is(&sha256) {
            return self.operators_tenant(headers).await.map(|tenant| Principal::Operator { tenant });
        }
        if self.service.as_ref().is_some_and(|service| service.is(&sha256)) {
            return Ok(Principal::Service);
        }
        let holder = self.holder(token, &sha256, meter).await?;
        let Holder { principal, is_suspended } = holder.ok_or_else(invalid_token)?;
        let who = kind(&principal);
        if let Some(tenant) = principal.tenant() {
            meter.caller(principal.actor(), tenant)?;
        }
        if is_suspended {
            let detail = format!("the tenant of this {who} is suspended");
            return Err(Problem::new(StatusCode::FORBIDDEN, codes::TENANT_SUSPENDED, detail));
        }
        if headers.contains_key(TENANT) {
            let detail = format!("a {who} belongs to one tenant, and only the admin token may name another");
            return Err(forbidden(detail));
        }
        Ok(principal)
    }

    /// The same, if he may by `policy`.
    ///
    /// # Errors
    /// As [`principal`](Self::principal), and 403 when a key or a person may not.
    async fn admit(&self, policy: Policy, headers: &HeaderMap, meter: &mut Meter<'_>) -> Result<Principal, Problem> {
        if policy == Policy::Public {
            return meter.address().map(|()| Principal::Nobody);
        }
        let principal = self.principal(headers, meter).await?;
        let who = kind(&principal);
        match (policy, &principal) {
            (Policy::Operator | Policy::May(_), Principal::Operator { .. })
            | (Policy::Service, Principal::Service)
            | (Policy::Person, Principal::Person(_)) => Ok(principal),
            (Policy::Person, Principal::Operator { .. } | Principal::Key(_)) => {
                Err(forbidden("this is about the person who asks, and a token of another kind is nobody's"))
            }
            (Policy::May(permission), Principal::Key(_) | Principal::Person(_)) => {
                if principal.grants().is_some_and(|own| own.allows(permission)) {
                    return Ok(principal);
                }
                Err(forbidden(format!("this {who} lacks the permission {permission}")))
            }
            (_, Principal::Key(_) | Principal::Person(_)) => {
                Err(forbidden(format!("this is about the installation, which no {who} may see to")))
            }
            _ => Err(invalid_token()),
        }
    }

    async fn operators_tenant(&self, headers: &HeaderMap) -> Result<TenantId, Problem> {
        let Some(slug) = headers.get(TENANT) else { return Ok(default_tenant()) };
        let found = match (slug.to_str(), &self.directory) {
            (Ok(slug), Some(directory)) => directory.tenant(slug).await?,
            _ => None,
        };
        let detail = "there is no tenant of the name in the header Lectern-Tenant";
        found.ok_or_else(|| Problem::not_found(codes::TENANT_NOT_FOUND, detail))
    }

    async fn holder(&self, token: &str, sha256: &[u8; 32], meter: &mut Meter<'_>) -> Result<Option<Holder>, Problem> {
        if let Some(holder) = self.known.find(sha256) {
            return Ok(Some(holder));
        }
        // Who guesses is stopped before anybody is asked; a key that held a while ago is no guess.
        let is_new = !self.known.remembers(sha256);
        if is_new {
            meter.token()?;
        }
        let Some(directory) = &self.directory else { return Ok(None) };
        // Before it is asked: what it says is as old as the question.
        let asked = tokio::time::Instant::now();
        let found = directory.holder(token).await?;
        match &found {
            Some(holder) => {
                self.known.keep(*sha256, holder.clone(), asked);
                if is_new {
                    meter.token_is_known();
                }
            }
            None => self.known.forget(sha256),
        }
        Ok(found)
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// What refusals call it.
fn kind(principal: &Principal) -> &'static str {
    if matches!(principal, Principal::Person(_)) { "person" } else { "key" }
}

fn forbidden(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, codes::AUTH_FORBIDDEN, detail)
}

fn invalid_token() -> Problem {
    unauthorized(codes::AUTH_INVALID_TOKEN, "the bearer token is not valid here", true)
}

pub(crate) fn missing_token() -> Problem {
    unauthorized(codes::AUTH_MISSING_TOKEN, "this address needs a bearer token", false)
}

fn unauthorized(code: Code, detail: &str, presented: bool) -> Problem {
    // RFC 6750 §3.1: no error attribute when no credentials came at all.
    let challenge =
        if presented { "Bearer realm=\"lectern\", error=\"invalid_token\"" } else { "Bearer realm=\"lectern\"" };
    Problem::new(StatusCode::UNAUTHORIZED, code, detail)
        .header(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
}

/// Whether a key or a session still holds that a request came with, as an argument of handlers whose answers go on for long. The
/// operator's token holds as long as the process lives.
#[derive(Clone, Default)]
pub struct Still(Option<Arc<Came>>);

struct Came {
    guard: Guard,
    policy: Policy,
    headers: HeaderMap,
}

impl Still {
    fn of(gate: &Gate, policy: Policy, request: &Request) -> Self {
        let headers = request.headers().get(header::AUTHORIZATION).cloned().map(|value| (header::AUTHORIZATION, value));
        Self(Some(Arc::new(Came { guard: gate.guard.clone(), policy, headers: headers.into_iter().collect() })))
    }

    /// Whether it does, as it was known two seconds ago at the latest; also while nothing can be said.
    pub async fn holds(&self) -> bool {
        let Some(came) = &self.0 else { return true };
        // The request was counted when it came.
        let admitted = came.guard.admit(came.policy, &came.headers, &mut Meter::idle()).await;
        admitted.map_or_else(|problem| problem.status().is_server_error(), |_| true)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Still {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().cloned().unwrap_or_default())
    }
}

/// A guard at one path.
#[derive(Clone)]
pub(crate) struct Gate {
    pub(crate) guard: Guard,
    pub(crate) rules: Arc<Rules>,
    /// Whose path it is; `None` of what every process answers.
    pub(crate) unit: Option<&'static str>,
}

impl Gate {
    /// Whether it is open for whoever has been let in.
    fn check(&self, request: &Request, principal: &Principal) -> Result<(), Problem> {
        match (&self.guard.maintenance, self.unit) {
            (Some(maintenance), Some(unit)) => maintenance.check(unit, !request.method().is_safe(), principal),
            _ => Ok(()),
        }
    }
}

/// Middleware: lets the request pass, with the [`Principal`] it is from, or refuses it.
pub(crate) async fn admit(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    let policy = gate.rules.of(request.method());
    let mut meter = gate.guard.meter(&request);
    let admitted = gate.guard.admit(policy, request.headers(), &mut meter).await;
    let admitted = admitted.and_then(|principal| gate.check(&request, &principal).map(|()| principal));
    let mut response = match admitted {
        Ok(principal) => {
            if matches!(principal, Principal::Key(_) | Principal::Person(_)) {
                let still = Still::of(&gate, policy, &request);
                request.extensions_mut().insert(still);
            }
            request.extensions_mut().insert(principal);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    };
    meter.tell(response.headers_mut());
    response
}

#[cfg(test)]
mod tests;
