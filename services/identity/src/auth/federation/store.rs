//! Providers, and who people are there, in their tables.

use std::sync::Arc;

use database::Json;
use kernel::{Keyring, Problem, Sealed};
use media_types::TenantId;
use zeroize::Zeroizing;

use super::secret::{self, SealedSecret};

macro_rules! provider_columns {
    () => {
        "id, name, issuer, client_id, data_key, is_wrapped, secret, scopes, domains, provisions, is_enabled, created_by, version,
            created_ms, updated_ms"
    };
}

pub(super) const COUNT: &str = "SELECT COUNT(*) FROM auth_provider WHERE tenant_id = $1";
pub(super) const INSERT: &str = concat!(
    "INSERT INTO auth_provider (tenant_id, id, name, issuer, client_id, data_key, is_wrapped, secret, scopes, domains, provisions,
        is_enabled, created_by, version, created_ms, updated_ms)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 1, $14, $14) RETURNING ",
    provider_columns!()
);
pub(super) const ONE: &str =
    concat!("SELECT ", provider_columns!(), " FROM auth_provider WHERE tenant_id = $1 AND id = $2");
pub(super) const LIST: &str = concat!(
    "SELECT ",
    provider_columns!(),
    " FROM auth_provider WHERE tenant_id = $1 AND (created_ms, id) < ($2, $3) ORDER BY created_ms DESC, id DESC LIMIT $4"
);
pub(super) const OFFERED: &str = concat!(
    "SELECT ",
    provider_columns!(),
    " FROM auth_provider WHERE tenant_id = $1 AND is_enabled ORDER BY created_ms, id LIMIT 40"
);
pub(super) const UPDATE: &str = concat!(
    "UPDATE auth_provider SET name = $4, issuer = $5, client_id = $6, data_key = $7, is_wrapped = $8, secret = $9, scopes = $10,
        domains = $11, provisions = $12, is_enabled = $13, version = version + 1, updated_ms = $14
    WHERE tenant_id = $1 AND id = $2 AND version = $3 RETURNING ",
    provider_columns!()
);
pub(super) const DELETE: &str = "DELETE FROM auth_provider WHERE tenant_id = $1 AND id = $2 AND version = $3";
/// A thousand, in the order of their tenants.
pub(super) const SEALED: &str = "SELECT tenant_id, id, data_key, is_wrapped FROM auth_provider
    WHERE (tenant_id, id) > ($1, $2) AND data_key IS NOT NULL ORDER BY tenant_id, id LIMIT 1000";
/// Only if nobody has changed it meanwhile.
pub(super) const RESEAL: &str = "UPDATE auth_provider SET data_key = $3, is_wrapped = $4
    WHERE tenant_id = $1 AND id = $2 AND data_key = $5";

pub(super) const FORGET_IDENTITIES: &str = "DELETE FROM auth_identity WHERE tenant_id = $1 AND provider_id = $2";
pub(super) const OF_SUBJECT: &str = "SELECT i.user_id FROM auth_identity i
    JOIN user_account u ON u.tenant_id = i.tenant_id AND u.id = i.user_id
    WHERE i.tenant_id = $1 AND i.provider_id = $2 AND i.subject = $3 AND u.state = 'active'";
pub(super) const USED: &str = "UPDATE auth_identity SET last_used_ms = $4
    WHERE tenant_id = $1 AND provider_id = $2 AND subject = $3";
/// Of a person who may sign in.
pub(super) const OF_EMAIL: &str =
    "SELECT id FROM user_account WHERE tenant_id = $1 AND email = $2 AND state = 'active'";
pub(super) const ANYBODY: &str = "SELECT id FROM user_account WHERE tenant_id = $1 AND email = $2";
pub(super) const HAS_IDENTITY: &str =
    "SELECT id FROM auth_identity WHERE tenant_id = $1 AND provider_id = $2 AND user_id = $3 LIMIT 1";
pub(super) const COUNT_IDENTITIES: &str = "SELECT COUNT(*) FROM auth_identity WHERE tenant_id = $1 AND user_id = $2";
pub(super) const LINK: &str =
    "INSERT INTO auth_identity (tenant_id, id, provider_id, subject, user_id, last_used_ms, created_ms)
    VALUES ($1, $2, $3, $4, $5, NULL, $6)";
pub(super) const IDENTITIES: &str = "SELECT i.id, i.provider_id, p.name AS provider_name, i.last_used_ms, i.created_ms
    FROM auth_identity i JOIN auth_provider p ON p.tenant_id = i.tenant_id AND p.id = i.provider_id
    WHERE i.tenant_id = $1 AND i.user_id = $2 ORDER BY i.created_ms, i.id LIMIT 100";
pub(super) const UNLINK: &str = "DELETE FROM auth_identity WHERE tenant_id = $1 AND user_id = $2 AND id = $3";

pub(super) const SWEEP: &str = "DELETE FROM auth_provider_sign_in WHERE expires_ms <= $1";
/// Of a tenant's there are 4096, with the one that is about to be made.
pub(super) const TRIM: &str = "DELETE FROM auth_provider_sign_in WHERE tenant_id = $1 AND state_sha256 NOT IN
    (SELECT state_sha256 FROM auth_provider_sign_in WHERE tenant_id = $1 ORDER BY expires_ms DESC, state_sha256 LIMIT 4095)";
pub(super) const WAIT: &str =
    "INSERT INTO auth_provider_sign_in (tenant_id, state_sha256, provider_id, purpose, bound_sha256, asked, user_id, expires_ms)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
pub(super) const WAITING: &str =
    "SELECT tenant_id, state_sha256, provider_id, purpose, bound_sha256, asked, user_id FROM auth_provider_sign_in
    WHERE state_sha256 = $1 AND expires_ms > $2 LIMIT 1";
/// Whoever deletes it has come back.
pub(super) const TAKE: &str =
    "DELETE FROM auth_provider_sign_in WHERE tenant_id = $1 AND state_sha256 = $2 AND expires_ms > $3";

/// Every statement of providers, for the test that prepares each on both engines.
pub(in crate::auth) const STATEMENTS: &[&str] = &[
    COUNT,
    INSERT,
    ONE,
    LIST,
    OFFERED,
    UPDATE,
    DELETE,
    SEALED,
    RESEAL,
    FORGET_IDENTITIES,
    OF_SUBJECT,
    USED,
    OF_EMAIL,
    ANYBODY,
    HAS_IDENTITY,
    COUNT_IDENTITIES,
    LINK,
    IDENTITIES,
    UNLINK,
    SWEEP,
    TRIM,
    WAIT,
    WAITING,
    TAKE,
];

database::row! {
    /// A provider.
    #[derive(Clone)]
    pub(in crate::auth) struct ProviderRow {
        pub(in crate::auth) id: String,
        pub(in crate::auth) name: String,
        pub(super) issuer: String,
        pub(super) client_id: String,
        data_key: Option<Vec<u8>>,
        is_wrapped: bool,
        secret: Option<Vec<u8>>,
        pub(super) scopes: Json<Vec<String>>,
        pub(super) domains: Json<Vec<String>>,
        pub(super) provisions: bool,
        pub(super) is_enabled: bool,
        pub(super) created_by: String,
        pub(super) version: i64,
        pub(super) created_ms: i64,
        pub(super) updated_ms: i64,
    }
}

impl ProviderRow {
    /// What the tenant is known to it by, as it is stored.
    pub(super) fn sealed(&self) -> Option<SealedSecret> {
        let (bytes, secret) = self.data_key.clone().zip(self.secret.clone())?;
        Some(SealedSecret { data_key: Sealed { bytes, is_wrapped: self.is_wrapped }, secret })
    }

    /// The same in clear.
    pub(super) fn secret(&self, keyring: &Arc<Keyring>) -> Result<Option<Zeroizing<String>>, Problem> {
        self.sealed().map(|sealed| secret::open(keyring, &sealed)).transpose()
    }
}

database::row! {
    /// The key of a secret, as it is stored.
    pub(super) struct SealedRow {
        pub(super) tenant_id: String,
        pub(super) id: String,
        pub(super) data_key: Vec<u8>,
        pub(super) is_wrapped: bool,
    }
}

database::row! {
    /// Who a person is at a provider.
    pub(super) struct IdentityRow {
        pub(super) id: String,
        pub(super) provider_id: String,
        pub(super) provider_name: String,
        pub(super) last_used_ms: Option<i64>,
        pub(super) created_ms: i64,
    }
}

database::row! {
    /// Somebody who was sent to a provider.
    pub(super) struct WaitingRow {
        pub(super) tenant_id: String,
        pub(super) state_sha256: Vec<u8>,
        pub(super) provider_id: String,
        pub(super) purpose: String,
        pub(super) bound_sha256: Vec<u8>,
        pub(super) asked: String,
        pub(super) user_id: Option<String>,
    }
}

/// What a person decides about a provider.
pub(super) struct Settings {
    pub(super) name: String,
    pub(super) issuer: String,
    pub(super) client_id: String,
    pub(super) secret: Option<SealedSecret>,
    pub(super) scopes: Vec<String>,
    pub(super) domains: Vec<String>,
    pub(super) provisions: bool,
    pub(super) is_enabled: bool,
}

/// A provider that is about to be made.
pub(super) struct NewProvider {
    pub(super) tenant: TenantId,
    pub(super) id: String,
    pub(super) settings: Settings,
    pub(super) created_by: String,
    pub(super) now_ms: i64,
}
