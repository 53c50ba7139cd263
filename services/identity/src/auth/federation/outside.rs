//! What is asked of providers: where everything is (OpenID Connect Discovery §4), their keys, and an ID token for a code.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_client::{Egress, HttpClient, HttpError, Limits, Method, PlainHttp, Request, RootsError, StatusCode, header};
use kernel::Problem;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::{Url, form_urlencoded};

use super::jwk::{self, Algorithm, Jwk};
use crate::auth::codes;

/// How long what a provider says of itself is believed.
const FRESH_MS: i64 = 3_600_000;
/// Keys are looked for again at most so often for the sake of one that is not known.
const AGAIN_MS: i64 = 60_000;
/// Providers that are known at once.
const MOST: usize = 256;
const FORM: &str = "application/x-www-form-urlencoded";
/// Bytes of an answer.
const MAX_ANSWER: usize = 256 << 10;

/// What a provider says of itself (OpenID Connect Discovery §3), as far as it is of use.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Metadata {
    issuer: String,
    pub(super) authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// RFC 9207.
    #[serde(default)]
    pub(super) authorization_response_iss_parameter_supported: bool,
}

/// A provider as it was when it was asked.
pub(super) struct Known {
    pub(super) metadata: Metadata,
    keys: Vec<Jwk>,
    asked_ms: i64,
    keys_asked_ms: i64,
}

/// What a code is changed by.
pub(super) struct Exchange<'a> {
    pub(super) client: &'a str,
    pub(super) secret: Option<&'a str>,
    pub(super) code: &'a str,
    pub(super) redirect_uri: &'a str,
    pub(super) verifier: &'a str,
}

/// Asks providers, at no address that may not be asked. Cheap to clone.
#[derive(Clone)]
pub(in crate::auth) struct Outside {
    http: HttpClient,
    /// For clients that are told something: one that does not listen keeps nobody from signing in.
    told: HttpClient,
    egress: Egress,
    known: Arc<Mutex<HashMap<String, Arc<Known>>>>,
}

impl Outside {
    /// Asks what `egress` permits, by TLS or on this machine, and trusts the authorities of `pem` besides the public ones.
    ///
    /// # Errors
    /// These are none.
    pub(in crate::auth) fn new(egress: Egress, pem: Option<&[u8]>) -> Result<Self, RootsError> {
        let limits = || Limits {
            connect: Duration::from_secs(5),
            whole: Duration::from_secs(10),
            body_bytes: MAX_ANSWER,
            at_once: 16,
            redirects: 0,
            plain_http: PlainHttp::Loopback,
        };
        let http = HttpClient::guarded(limits(), egress.clone(), pem)?;
        let told = HttpClient::guarded(limits(), egress.clone(), pem)?;
        Ok(Self { http, told, egress, known: Arc::default() })
    }

    /// Whether an address may be asked at all, as far as it says that itself.
    pub(super) fn permits(&self, url: &str) -> bool {
        self.http.check_url(url).is_ok() && self.egress.check_url(url).is_ok()
    }

    fn memory(&self) -> MutexGuard<'_, HashMap<String, Arc<Known>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, known: Known) -> Arc<Known> {
        let known = Arc::new(known);
        let mut memory = self.memory();
        if memory.len() >= MOST && !memory.contains_key(&known.metadata.issuer) {
            memory.clear();
        }
        memory.insert(known.metadata.issuer.clone(), Arc::clone(&known));
        known
    }

    /// The provider of this issuer, as it was an hour ago at the latest.
    ///
    /// # Errors
    /// 503 where it does not answer, or says what cannot be.
    pub(super) async fn known(&self, issuer: &str, now_ms: i64) -> Result<Arc<Known>, Problem> {
        let found = self.memory().get(issuer).cloned();
        if let Some(known) = found.filter(|known| (0..FRESH_MS).contains(&(now_ms - known.asked_ms))) {
            return Ok(known);
        }
        let at = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let metadata: Metadata = self.fetched(&at).await?;
        // Whoever answers for another one would sign for it, too (§4.3).
        if metadata.issuer != issuer || !is_fit(&metadata.authorization_endpoint, issuer) {
            return Err(away("the provider says of itself that it is another one, or nowhere"));
        }
        let keys = self.keys(&metadata).await?;
        Ok(self.keep(Known { metadata, keys, asked_ms: now_ms, keys_asked_ms: now_ms }))
    }

    /// The key of a provider that a header means; one that is not known is looked for again, once a minute at most.
    pub(super) async fn key(
        &self,
        known: &Known,
        (kid, algorithm): (Option<&str>, Algorithm),
        now_ms: i64,
    ) -> Result<Option<Jwk>, Problem> {
        let latest = self.memory().get(&known.metadata.issuer).cloned();
        let (keys, asked_ms) =
            latest.as_deref().map_or((&known.keys, known.keys_asked_ms), |latest| (&latest.keys, latest.keys_asked_ms));
        if let Some(key) = jwk::find(keys, kid, algorithm) {
            return Ok(Some(key.clone()));
        }
        if (0..AGAIN_MS).contains(&(now_ms - asked_ms)) {
            return Ok(None);
        }
        let keys = self.keys(&known.metadata).await?;
        let metadata = known.metadata.clone();
        let known = self.keep(Known { metadata, keys, asked_ms: known.asked_ms, keys_asked_ms: now_ms });
        Ok(jwk::find(&known.keys, kid, algorithm).cloned())
    }

    /// Sends somebody a form; the status of the answer.
    ///
    /// # Errors
    /// There is none.
    pub(in crate::auth) async fn post(&self, url: &str, form: String) -> Result<StatusCode, HttpError> {
        let mut request = Request::get(url);
        request.method = Method::POST;
        request.headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(FORM));
        request.body = form.into();
        Ok(self.told.send_for_status(request).await?.status)
    }

    async fn keys(&self, metadata: &Metadata) -> Result<Vec<Jwk>, Problem> {
        let set: serde_json::Value = self.fetched(&metadata.jwks_uri).await?;
        jwk::read(set.to_string().as_bytes()).ok_or_else(|| away("the provider publishes no keys"))
    }

    async fn fetched<T: DeserializeOwned>(&self, url: &str) -> Result<T, Problem> {
        let answer = self.http.send(Request::get(url)).await.map_err(|error| {
            tracing::info!(error = %error, "a provider cannot be asked");
            away("the provider does not answer")
        })?;
        if answer.status != StatusCode::OK {
            return Err(away("the provider does not say where everything is"));
        }
        serde_json::from_slice(&answer.body).map_err(|_| away("what the provider says of itself cannot be read"))
    }

    /// The ID token that a provider gives for a code (OpenID Connect Core §3.1.3); `None` where it gives none.
    ///
    /// # Errors
    /// 503 where it does not answer.
    pub(super) async fn exchanged(&self, metadata: &Metadata, of: Exchange<'_>) -> Result<Option<String>, Problem> {
        #[derive(Deserialize)]
        struct Tokens {
            id_token: String,
        }
        let request = request(metadata, &of)?;
        let answer = self.http.send(request).await.map_err(|error| {
            tracing::info!(error = %error, "a provider cannot be asked");
            away("the provider does not answer")
        })?;
        if answer.status.is_server_error() {
            return Err(away("the provider fails"));
        }
        if answer.status != StatusCode::OK {
            tracing::info!(status = %answer.status, "a provider gives nothing for a code");
            return Ok(None);
        }
        Ok(serde_json::from_slice(&answer.body).ok().map(|Tokens { id_token }| id_token))
    }
}

/// What a provider is asked for tokens by (RFC 6749 §4.1.3).
fn request(metadata: &Metadata, of: &Exchange<'_>) -> Result<Request, Problem> {
    let Exchange { client, secret, code, redirect_uri, verifier } = *of;
    let mut request = Request::get(&metadata.token_endpoint);
    request.method = Method::POST;
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "authorization_code").append_pair("code", code);
    form.append_pair("redirect_uri", redirect_uri).append_pair("code_verifier", verifier);
    let methods = metadata.token_endpoint_auth_methods_supported.as_deref().unwrap_or_default();
    let posts = !methods.is_empty() && !methods.iter().any(|method| method == "client_secret_basic");
    match secret {
        Some(secret) if posts => {
            form.append_pair("client_id", client).append_pair("client_secret", secret);
        }
        Some(secret) => {
            let value = header::HeaderValue::from_str(&basic(client, secret));
            let mut value = value.map_err(|error| Problem::internal(&error))?;
            value.set_sensitive(true);
            request.headers.insert(header::AUTHORIZATION, value);
        }
        None => {
            form.append_pair("client_id", client);
        }
    }
    request.headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(FORM));
    request.headers.insert(header::ACCEPT, header::HeaderValue::from_static("application/json"));
    request.body = form.finish().into();
    Ok(request)
}

/// Both as a form has them (RFC 6749 §2.3.1).
fn basic(client: &str, secret: &str) -> String {
    let plain = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    format!("Basic {}", STANDARD.encode(format!("{}:{}", plain(client), plain(secret))))
}

/// Whether a browser may be sent there: by TLS, unless the provider itself is on this machine.
fn is_fit(address: &str, issuer: &str) -> bool {
    let is_plain = issuer.starts_with("http://");
    Url::parse(address).is_ok_and(|url| url.scheme() == "https" || (is_plain && url.scheme() == "http"))
}

fn away(detail: &str) -> Problem {
    Problem::unavailable(codes::IDENTITY_PROVIDER_UNREACHABLE, detail, 30)
}
