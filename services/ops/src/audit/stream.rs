//! Logs on their way to a SIEM: entry after entry from a place that is kept, each at least once, to HTTP or to syslog.
//!
//! - `routes`, `views`: `/api/v1/audit/streams`. `sender`: sends what is due; any process may.
//! - `ocsf`, `syslog`: pure: what is sent.

mod ocsf;
mod routes;
pub(super) mod sender;
mod syslog;
mod views;

use std::net::IpAddr;
use std::time::Duration;

use database::{DbError, Tx, args};
use http_client::{Credential, Egress, HttpClient, Limits, RootsError};
use kernel::Problem;
use media_types::TenantId;

use super::store::{Audit, AuditError};
use super::{codes, sql};

pub(super) use routes::{STREAM, mount};

/// The most streams of a tenant.
const MAX_STREAMS: i64 = 5;
/// How long one delivery may take.
const DEADLINE: Duration = Duration::from_secs(10);
/// What a credential is sealed as.
const CREDENTIAL: &str = "credential";

database::row! {
    /// Who is sent a log.
    #[derive(Clone, Debug)]
    pub(super) struct StreamRow {
        pub(super) tenant_id: String,
        pub(super) id: String,
        pub(super) url: String,
        pub(super) has_personal: bool,
        pub(super) credential: Option<String>,
        pub(super) next_seq: i64,
        pub(super) due_ms: i64,
        pub(super) failures: i64,
        pub(super) last_error: Option<String>,
        pub(super) last_ms: Option<i64>,
        pub(super) created_by: String,
        pub(super) created_ms: i64,
    }
}

/// Where logs may be sent to, and by what.
#[derive(Clone)]
pub(super) struct Outlet {
    egress: Egress,
    client: HttpClient,
}

impl Outlet {
    /// To what `egress` permits; `pem` has further certificate authorities.
    pub(super) fn new(egress: Egress, pem: Option<&[u8]>) -> Result<Self, RootsError> {
        let limits = Limits { whole: DEADLINE, connect: DEADLINE, body_bytes: 4096, ..Limits::default() };
        Ok(Self { client: HttpClient::guarded(limits, egress.clone(), pem)?, egress })
    }

    /// To public machines alone.
    pub(super) fn public() -> Self {
        Self::new(Egress::public(), None).expect("the public authorities are not read from anywhere")
    }

    /// Whether something would be sent there.
    fn check(&self, url: &str) -> Result<(), String> {
        if url.starts_with(syslog::SCHEME) {
            let (host, _) = syslog::target(url).ok_or_else(|| "it is tcp://HOST:PORT".to_owned())?;
            let is_refused = host.parse::<IpAddr>().is_ok_and(|address| !self.egress.permits(address));
            return if is_refused { Err(format!("{host} is no public address")) } else { Ok(()) };
        }
        self.client.check_url(url).map_err(|error| error.to_string())?;
        self.egress.check_url(url).map_err(|error| error.to_string())
    }
}

impl Audit {
    /// Sends logs to those machines alone that `egress` permits, over TLS that the certificate authorities of `pem` vouch for, too.
    ///
    /// # Errors
    /// `pem` holds none, or one that is malformed.
    pub fn sending_to(self, egress: Egress, pem: Option<&[u8]>) -> Result<Self, RootsError> {
        Ok(Self { outlet: Outlet::new(egress, pem)?, ..self })
    }

    async fn streams(&self, tenant: &TenantId) -> Result<Vec<StreamRow>, DbError> {
        self.db.all(sql::STREAMS, args![tenant, MAX_STREAMS]).await
    }

    async fn stream(&self, tenant: &TenantId, id: &str) -> Result<StreamRow, Problem> {
        let row = self.db.optional(sql::STREAM, args![tenant, id]).await?;
        row.ok_or_else(|| Problem::not_found(codes::AUDIT_STREAM_NOT_FOUND, "there is no such stream"))
    }

    /// Ends a stream; its credential goes with it.
    pub(super) async fn end_stream(&self, tenant: &TenantId, id: &str) -> Result<(), Problem> {
        let mut tx = self.db.begin().await?;
        if tx.execute(sql::END_STREAM, args![tenant, id]).await? == 0 {
            return Err(Problem::not_found(codes::AUDIT_STREAM_NOT_FOUND, "there is no such stream"));
        }
        tx.execute(sql::FORGET_SUBJECT, args![tenant, id]).await?;
        Ok(tx.commit().await?)
    }

    /// Makes a stream, whose credential is sealed here.
    pub(super) async fn begin_stream(
        &self,
        tx: &mut Tx,
        mut row: StreamRow,
        credential: Option<String>,
    ) -> Result<StreamRow, AuditError> {
        if let Some(text) = credential {
            row.credential = self.seal_text(tx, (&row.tenant_id, &row.id), CREDENTIAL, &text).await?;
        }
        let StreamRow { tenant_id, id, url, has_personal, credential, next_seq, created_by, created_ms, .. } =
            row.clone();
        let mut args = args![tenant_id, id, url, has_personal, credential, next_seq];
        args.extend(args![row.due_ms, created_by, created_ms]);
        tx.execute(sql::INSERT_STREAM, args).await?;
        Ok(row)
    }

    /// What a stream is authenticated with.
    async fn credential(&self, row: &StreamRow) -> Result<Option<Credential>, AuditError> {
        let Some(sealed) = &row.credential else { return Ok(None) };
        let opened = self.open_text((&row.tenant_id, &row.id), CREDENTIAL, sealed).await?;
        let credential = opened.and_then(|text| Credential::parse(&text).ok());
        credential.map(Some).ok_or(AuditError::Damaged("the credential of a stream does not open"))
    }
}
