//! The keys that sign access tokens. They are the installation's, whose own tenant is the default one.
//!
//! One is current and signs, one is next and is published before it does, so that whoever keeps the published keys for a while has it
//! by then. A retired one is published for as long as tokens that it has signed may hold.

use std::sync::Arc;

use database::{Database, DbError, Tx, args};
use kernel::{Clock, Keyring, Problem, Sealed, SecretError, default_tenant};

use super::codes;
use super::jwt::{Signer, thumbprint};

const CURRENT: &str = "current";
const NEXT: &str = "next";
/// How long a retired key verifies: longer than any token holds.
const KEPT_MS: i64 = 3_600_000;

macro_rules! key_columns {
    () => {
        "kid, state, public_key, secret, is_wrapped, retired_ms, created_ms"
    };
}

const INSERT: &str =
    "INSERT INTO auth_signing_key (tenant_id, kid, state, public_key, secret, is_wrapped, retired_ms, created_ms)
    VALUES ($1, $2, $3, $4, $5, $6, NULL, $7) ON CONFLICT DO NOTHING";
const OF_STATE: &str =
    concat!("SELECT ", key_columns!(), " FROM auth_signing_key WHERE tenant_id = $1 AND state = $2 LIMIT 1");
/// One process rotates at a time: an update that changes nothing locks the row on both engines.
const LOCK: &str = "UPDATE auth_signing_key SET state = state WHERE tenant_id = $1 AND state = 'current' RETURNING kid";
const RETIRE: &str =
    "UPDATE auth_signing_key SET state = 'retired', retired_ms = $2 WHERE tenant_id = $1 AND state = 'current'";
const PROMOTE: &str = "UPDATE auth_signing_key SET state = 'current' WHERE tenant_id = $1 AND state = 'next'";
/// Of retired ones the eight that were retired last stay, for an hour.
const FORGET: &str = "DELETE FROM auth_signing_key WHERE tenant_id = $1 AND state = 'retired' AND (retired_ms < $2
    OR kid NOT IN (SELECT kid FROM auth_signing_key WHERE tenant_id = $1 AND state = 'retired'
        ORDER BY retired_ms DESC, kid LIMIT 8))";
const DROP_ALL: &str = "DELETE FROM auth_signing_key WHERE tenant_id = $1";
/// Those that verify, at most ten.
const LIST: &str = concat!(
    "SELECT ",
    key_columns!(),
    " FROM auth_signing_key WHERE tenant_id = $1 AND (retired_ms IS NULL OR retired_ms >= $2)
        ORDER BY state, created_ms DESC, kid LIMIT 10"
);
/// Only if nobody has changed it meanwhile.
const RESEAL: &str = "UPDATE auth_signing_key SET secret = $3, is_wrapped = $4
    WHERE tenant_id = $1 AND kid = $2 AND secret = $5";

pub(super) const STATEMENTS: &[&str] = &[INSERT, OF_STATE, LOCK, RETIRE, PROMOTE, FORGET, DROP_ALL, LIST, RESEAL];

/// What a retired key has to have been retired after, to verify.
pub(crate) fn kept_since(now_ms: i64) -> i64 {
    now_ms - KEPT_MS
}

database::row! {
    /// A signing key.
    #[derive(Clone)]
    pub(crate) struct SigningKeyRow {
        pub(crate) kid: String,
        pub(crate) state: String,
        pub(crate) public_key: Vec<u8>,
        secret: Vec<u8>,
        is_wrapped: bool,
        pub(crate) retired_ms: Option<i64>,
        pub(crate) created_ms: i64,
    }
}

impl SigningKeyRow {
    fn sealed(&self) -> Sealed {
        Sealed { bytes: self.secret.clone(), is_wrapped: self.is_wrapped }
    }
}

/// Why a signing key, or another secret beside it, is not wrapped anew.
#[derive(Debug, thiserror::Error)]
pub enum SigningKeyError {
    /// It does not open.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The database.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// The signing keys of a database. Cheap to clone.
#[derive(Clone)]
pub(crate) struct SigningKeys {
    db: Database,
    clock: Clock,
    keyring: Arc<Keyring>,
}

impl SigningKeys {
    /// Those of `db`, wrapped by `keyring`. They are made when the first one is needed.
    pub(crate) fn new(db: Database, clock: Clock, keyring: Arc<Keyring>) -> Self {
        Self { db, clock, keyring }
    }

    /// What signs now. It is read anew each time: a key that was retired signs nothing more, in any process.
    pub(super) async fn signer(&self) -> Result<Signer, Problem> {
        let row = self.current().await?;
        let seed = self.keyring.open(&row.sealed()).map_err(|error| Problem::internal(&error))?;
        Ok(Signer::new(&seed))
    }

    /// All that verify.
    pub(super) async fn published(&self) -> Result<Vec<SigningKeyRow>, Problem> {
        self.current().await?;
        Ok(self.db.all(LIST, args![&default_tenant(), kept_since((self.clock)())]).await?)
    }

    async fn current(&self) -> Result<SigningKeyRow, Problem> {
        if let Some(row) = self.db.optional(OF_STATE, args![&default_tenant(), CURRENT]).await? {
            return Ok(row);
        }
        let mut tx = self.db.begin().await?;
        self.fill(&mut tx).await?;
        // Another process may have been first.
        let row = tx.optional(OF_STATE, args![&default_tenant(), CURRENT]).await?.ok_or(DbError::NoRow)?;
        tx.commit().await?;
        Ok(row)
    }

    /// Makes those that are lacking: a current one and a next one.
    async fn fill(&self, tx: &mut Tx) -> Result<(), Problem> {
        let tenant = default_tenant();
        for state in [CURRENT, NEXT] {
            let found: Option<SigningKeyRow> = tx.optional(OF_STATE, args![&tenant, state]).await?;
            if found.is_some() {
                continue;
            }
            let (seed, sealed) = self.keyring.draw().map_err(|error| Problem::internal(&error))?;
            let public_key = *Signer::new(&seed).public_key();
            let Sealed { bytes, is_wrapped } = sealed;
            let (kid, now_ms) = (thumbprint(&public_key), (self.clock)());
            tx.execute(INSERT, args![&tenant, kid, state, &public_key[..], bytes, is_wrapped, now_ms]).await?;
        }
        Ok(())
    }

    /// Lets the next key sign, and makes another next one. A current one that has leaked verifies nothing any more, nor does its next
    /// one, which lay beside it.
    pub(super) async fn rotate(&self, has_leaked: bool) -> Result<(), Problem> {
        self.current().await?;
        let (tenant, now_ms) = (default_tenant(), (self.clock)());
        let mut tx = self.db.begin().await?;
        let locked: Option<(String,)> = tx.optional(LOCK, args![&tenant]).await?;
        if locked.is_none() {
            let detail = "somebody else has just rotated the signing keys";
            return Err(Problem::conflict(codes::SIGNING_KEY_ROTATED, detail).retry_after(1));
        }
        if has_leaked {
            tx.execute(DROP_ALL, args![&tenant]).await?;
        } else {
            tx.execute(RETIRE, args![&tenant, now_ms]).await?;
            tx.execute(PROMOTE, args![&tenant]).await?;
            tx.execute(FORGET, args![&tenant, kept_since(now_ms)]).await?;
        }
        self.fill(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Wraps every signing key under the current key-encryption key; how many were not.
    ///
    /// # Errors
    /// One that does not open, or the database.
    pub(crate) async fn rewrap(&self) -> Result<u64, SigningKeyError> {
        let tenant = default_tenant();
        let all: Vec<SigningKeyRow> = self.db.all(LIST, args![&tenant, i64::MIN]).await?;
        let mut changed = 0;
        for row in all {
            let Some(now) = self.keyring.resealed(&row.sealed())? else { continue };
            let mut tx = self.db.begin().await?;
            let args = args![&tenant, &row.kid, now.bytes, now.is_wrapped, row.secret];
            changed += tx.execute(RESEAL, args).await?;
            tx.commit().await?;
        }
        Ok(changed)
    }
}
