//! Endpoints: made, changed, given new secrets.

use std::sync::Arc;
use std::time::Duration;

use database::{Database, DbError, Tx, args, outbox};
use http_client::{Egress, HttpClient, Limits, PlainHttp, RootsError};
use kernel::{Clock, Cursor, Filters, Keyring, Reader, Sealed, SecretError};
use media_types::TenantId;
use uuid::Uuid;

use crate::model::{DISABLED, ENABLED, EndpointRow, MAX_ENDPOINTS, Reason, SecretsRow};
use crate::signature::SigningSecret;
use crate::{schedule, sql};

/// Bytes of an answer that are kept.
const MAX_ANSWER: usize = 2048;
/// Rows that one step of the rewrapping reads.
const PAGE: i64 = 100;

/// How far events were handed out, as `event_reader` has it.
const READER: &str = "webhook";

/// Deliveries under way at once in one process.
pub(crate) const AT_ONCE: usize = 256;

/// What is configured.
pub struct Options {
    /// What secrets are wrapped under at rest.
    pub keyring: Keyring,
    /// Which machines may be reached.
    pub egress: Egress,
    /// Further certificate authorities, in PEM.
    pub authorities: Option<Vec<u8>>,
    /// How long one attempt may take; no longer than the 15 s of [`Options::default`], after which others take it for dead.
    pub deadline: Duration,
}

impl Default for Options {
    /// Secrets are not wrapped, only public machines are reached.
    fn default() -> Self {
        let (keyring, egress) = (Keyring::default(), Egress::public());
        Self { keyring, egress, authorities: None, deadline: schedule::DEADLINE }
    }
}

/// Webhooks of a database. Cheap to clone.
#[derive(Clone)]
pub struct Webhooks {
    pub(crate) db: Database,
    pub(crate) clock: Clock,
    pub(crate) egress: Egress,
    pub(crate) client: HttpClient,
    pub(crate) reader: Reader,
    keyring: Arc<Keyring>,
}

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// There is no such endpoint.
    #[error("there is no such webhook")]
    NotFound,
    /// It was changed since it was read.
    #[error("the webhook has changed since it was read")]
    Changed,
    /// There are as many as a tenant may have.
    #[error("there are {MAX_ENDPOINTS} webhooks, which is all that one tenant may have")]
    TooMany,
    /// A secret that does not open, or for which there is no randomness.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The database.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// What a person decides about an endpoint.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) url: String,
    pub(crate) description: String,
    pub(crate) events: Filters,
    pub(crate) is_enabled: bool,
}

/// An endpoint with its new secret.
pub(crate) struct Issued {
    pub(crate) endpoint: EndpointRow,
    pub(crate) secret: SigningSecret,
}

impl Webhooks {
    /// Webhooks of `db`, whose events go to no machine that `options.egress` does not permit.
    ///
    /// # Errors
    /// `options.authorities` holds no certificate, or a malformed one.
    pub fn new(db: Database, clock: Clock, options: Options) -> Result<Self, RootsError> {
        let Options { keyring, egress, authorities, deadline } = options;
        let limits = Limits {
            connect: schedule::CONNECT,
            whole: deadline.min(schedule::DEADLINE),
            body_bytes: MAX_ANSWER,
            at_once: AT_ONCE,
            redirects: 0,
            plain_http: PlainHttp::Anywhere,
        };
        let client = HttpClient::guarded(limits, egress.clone(), authorities.as_deref())?;
        Ok(Self { db, clock, egress, client, reader: Reader::new(READER), keyring: Arc::new(keyring) })
    }

    pub(crate) fn now_ms(&self) -> i64 {
        (self.clock)()
    }

    /// A new endpoint, which gets what happens from now on.
    pub(crate) async fn create(&self, tenant: &TenantId, settings: &Settings) -> Result<Issued, WebhookError> {
        let (secret, Sealed { bytes, is_wrapped }) = self.keyring.draw()?;
        let id = format!("whe_{}", Uuid::now_v7().simple());
        let mut tx = self.db.begin().await?;
        // For who hands out events right now, so that none between the two is lost.
        self.reader.stay(&mut tx).await?;
        let head = outbox::head_in(&mut tx).await?;
        let (count,): (i64,) = tx.optional(sql::COUNT_ENDPOINTS, args![tenant]).await?.ok_or(DbError::NoRow)?;
        if count >= MAX_ENDPOINTS {
            return Err(WebhookError::TooMany);
        }
        let Settings { url, description, .. } = settings;
        let events = stored(&settings.events);
        let args = args![tenant, id, url, description, events, head, bytes, is_wrapped, self.now_ms()];
        let endpoint = tx.optional(sql::INSERT_ENDPOINT, args).await?.ok_or(DbError::NoRow)?;
        tx.commit().await?;
        Ok(Issued { endpoint, secret: SigningSecret::new(secret) })
    }

    pub(crate) async fn endpoint(&self, tenant: &TenantId, id: &str) -> Result<EndpointRow, WebhookError> {
        self.db.optional(sql::ENDPOINT, args![tenant, id]).await?.ok_or(WebhookError::NotFound)
    }

    /// Newest first.
    pub(crate) async fn endpoints(
        &self,
        tenant: &TenantId,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Vec<EndpointRow>, WebhookError> {
        let (time_ms, id) = Cursor::below(after);
        Ok(self.db.all(sql::LIST_ENDPOINTS, args![tenant, time_ms, id, i64::from(limit)]).await?)
    }

    /// Changes what `of` was; its failures are forgotten. What a disabled endpoint had yet to get has failed.
    pub(crate) async fn update(
        &self,
        tenant: &TenantId,
        of: &EndpointRow,
        settings: &Settings,
    ) -> Result<EndpointRow, WebhookError> {
        let now_ms = self.now_ms();
        let state = if settings.is_enabled { ENABLED } else { DISABLED };
        let still = of.disabled_reason.clone().filter(|_| of.state == DISABLED);
        let reason = (!settings.is_enabled).then(|| still.unwrap_or_else(|| Reason::Asked.as_str().to_owned()));
        let Settings { url, description, .. } = settings;
        let events = stored(&settings.events);
        let mut tx = self.db.begin().await?;
        let args = args![tenant, &of.id, of.version, url, description, events, state, reason, now_ms];
        let row = tx.optional(sql::UPDATE_ENDPOINT, args).await?.ok_or(WebhookError::Changed)?;
        if !settings.is_enabled {
            tx.execute(sql::GIVE_UP_PENDING, args![tenant, &of.id, now_ms]).await?;
        }
        tx.commit().await?;
        Ok(row)
    }

    /// Removes an endpoint with all its deliveries.
    pub(crate) async fn delete(&self, tenant: &TenantId, of: &EndpointRow) -> Result<(), WebhookError> {
        let mut tx = self.db.begin().await?;
        if tx.execute(sql::DELETE_ENDPOINT, args![tenant, &of.id, of.version]).await? == 0 {
            return Err(WebhookError::Changed);
        }
        Ok(tx.commit().await?)
    }

    /// Gives an endpoint a new secret; the one before signs beside it for `overlap_ms`.
    pub(crate) async fn rotate(&self, tenant: &TenantId, id: &str, overlap_ms: i64) -> Result<Issued, WebhookError> {
        let (secret, Sealed { bytes, is_wrapped }) = self.keyring.draw()?;
        let now_ms = self.now_ms();
        let mut tx = self.db.begin().await?;
        let args = args![tenant, id, bytes, is_wrapped, now_ms.saturating_add(overlap_ms), now_ms];
        let endpoint = tx.optional(sql::ROTATE, args).await?.ok_or(WebhookError::NotFound)?;
        tx.commit().await?;
        Ok(Issued { endpoint, secret: SigningSecret::new(secret) })
    }

    /// Where an endpoint is, and what signs for it now: the current secret first. `None` when it was deleted.
    pub(crate) async fn signing(
        &self,
        tenant: &str,
        id: &str,
    ) -> Result<Option<(String, Result<Vec<SigningSecret>, SecretError>)>, DbError> {
        let Some(row) = self.db.optional::<SecretsRow>(sql::SECRETS, args![tenant, id]).await? else { return Ok(None) };
        let valid = row.previous_until_ms.is_some_and(|until| self.now_ms() < until);
        let (current, previous) = sealed(&row);
        let secrets = [Some(current), previous.filter(|_| valid)].into_iter().flatten();
        let opened = secrets.map(|sealed| self.keyring.open(&sealed).map(SigningSecret::new)).collect();
        Ok(Some((row.url, opened)))
    }

    /// Wraps every secret under the current key; how many were not.
    ///
    /// # Errors
    /// One that does not open, or the database.
    pub async fn rewrap(&self) -> Result<u64, WebhookError> {
        let (mut after, mut changed) = ((String::new(), String::new()), 0);
        loop {
            let page: Vec<SecretsRow> = self.db.all(sql::ALL_SECRETS, args![after.0, after.1, PAGE]).await?;
            let Some(last) = page.last() else { return Ok(changed) };
            after = (last.tenant_id.clone(), last.id.clone());
            let mut tx = self.db.begin().await?;
            for row in &page {
                changed += self.rewrap_one(&mut tx, row).await?;
            }
            tx.commit().await?;
        }
    }

    async fn rewrap_one(&self, tx: &mut Tx, row: &SecretsRow) -> Result<u64, WebhookError> {
        let (current, previous) = sealed(row);
        let both = [(sql::RESEAL, Some(current)), (sql::RESEAL_PREVIOUS, previous)];
        let mut changed = 0;
        for (statement, sealed) in both {
            let Some(sealed) = sealed else { continue };
            if let Some(now) = self.keyring.resealed(&sealed)? {
                let args = args![&row.tenant_id, &row.id, now.bytes, now.is_wrapped, sealed.bytes];
                changed += tx.execute(statement, args).await?;
            }
        }
        Ok(changed)
    }
}

fn sealed(row: &SecretsRow) -> (Sealed, Option<Sealed>) {
    let current = Sealed { bytes: row.secret.clone(), is_wrapped: row.is_wrapped };
    let previous = row.previous_secret.clone();
    (current, previous.map(|bytes| Sealed { bytes, is_wrapped: row.previous_is_wrapped }))
}

fn stored(events: &Filters) -> serde_json::Value {
    events.as_slice().into()
}
