//! What there is to tell people, and how it gets into the box.

use database::{Database, DbError, Tx, args};
use media_types::TenantId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::sql;

/// The most letters of a tenant that wait. Two that are put at the same moment may be one more.
const MAX_WAITING: i64 = 1000;

/// What a letter tells, with what its words need.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "template", rename_all = "snake_case")]
pub enum About {
    /// A link that signs its reader in, where he has asked for it.
    SignIn {
        /// For how long.
        minutes: i64,
    },
    /// A link by which its reader sets a new password.
    Password {
        /// For how long.
        minutes: i64,
    },
    /// His password was changed.
    PasswordChanged,
    /// From now on he proves who he is by something else besides.
    FactorAdded {
        /// By what.
        factor: Factor,
    },
    /// Somebody else acts as him.
    Impersonated,
    /// He no longer does.
    FactorRemoved {
        /// By what.
        factor: Factor,
    },
}

/// What somebody proves who he is by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Factor {
    /// Codes of an authenticator.
    Codes,
    /// A passkey.
    Passkey,
    /// An account at a provider of others.
    Provider,
    /// All of them at once.
    All,
}

impl Factor {
    /// As words of languages choose by it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Codes => "codes",
            Self::Passkey => "passkey",
            Self::Provider => "provider",
            Self::All => "all",
        }
    }
}

impl About {
    /// The name of what it is.
    pub(crate) fn template(&self) -> &'static str {
        match self {
            Self::SignIn { .. } => "sign_in",
            Self::Password { .. } => "password",
            Self::PasswordChanged => "password_changed",
            Self::FactorAdded { .. } => "factor_added",
            Self::Impersonated => "impersonated",
            Self::FactorRemoved { .. } => "factor_removed",
        }
    }
}

/// A link whose last 32 bytes nobody is to know but its reader.
pub struct Link {
    /// All of it before these, which follow in base64url.
    pub begins: String,
    /// The 32 bytes as they are stored: sealed, or not where nothing seals.
    pub secret: Vec<u8>,
    /// Whether they are sealed.
    pub is_wrapped: bool,
}

/// A letter that is about to be put into the box.
pub struct NewLetter<'a> {
    /// Whose person gets it.
    pub tenant: &'a TenantId,
    /// His e-mail address.
    pub recipient: &'a str,
    /// His language (BCP 47). Of those that there are no words in, English is taken.
    pub locale: &'a str,
    /// What it tells.
    pub about: &'a About,
    /// What he is to follow, if anything.
    pub link: Option<Link>,
    /// When it is of no use any more, in milliseconds since 1970.
    pub until_ms: i64,
    /// Now, the same way.
    pub now_ms: i64,
}

/// Puts a letter into the box: it is sent once the transaction is committed, and never if it is not. Whether there was room: of a tenant
/// a thousand wait at most.
///
/// # Errors
/// The database.
pub async fn put(tx: &mut Tx, new: NewLetter<'_>) -> Result<bool, DbError> {
    let NewLetter { tenant, recipient, locale, about, link, until_ms, now_ms } = new;
    let (waiting,): (i64,) = tx.optional(sql::COUNT, args![tenant]).await?.ok_or(DbError::NoRow)?;
    if waiting >= MAX_WAITING {
        tracing::warn!(%tenant, template = about.template(), "too many letters wait: this one is not written");
        return Ok(false);
    }
    let id = format!("let_{}", Uuid::now_v7().simple());
    let vars = serde_json::to_value(about).expect("what a letter tells is plain data, which always has a JSON form");
    let is_wrapped = link.as_ref().is_some_and(|link| link.is_wrapped);
    let (begins, secret) = link.map(|link| (link.begins, link.secret)).unzip();
    let args =
        args![tenant, id, about.template(), locale, recipient, vars, begins, secret, is_wrapped, now_ms, until_ms];
    tx.execute(sql::INSERT, args).await?;
    tx.wake();
    Ok(true)
}

database::row! {
    /// A letter that was given up.
    #[derive(Clone, Debug)]
    pub struct Letter {
        /// Whose person was to get it.
        pub tenant_id: String,
        /// `let_...`; the Message-ID begins with it.
        pub id: String,
        /// The name of what it was about.
        pub template: String,
        /// Where it was to go.
        pub recipient: String,
        /// How often that was tried.
        pub tries: i64,
        /// Why it did not.
        pub error: Option<String>,
        /// When it was written, in milliseconds since 1970.
        pub created_ms: i64,
        /// When it was given up.
        pub updated_ms: i64,
    }
}

/// Removes every letter to this address of a tenant, sent or not: somebody is erased. One that is under way arrives.
///
/// # Errors
/// The database.
pub async fn forget(tx: &mut Tx, tenant: &TenantId, recipient: &str) -> Result<(), DbError> {
    tx.execute(sql::FORGET, args![tenant, recipient]).await.map(drop)
}

/// Letters that were given up of late, of all tenants, the last one first: those before this time and id.
///
/// # Errors
/// The database.
pub async fn given_up(db: &Database, (time_ms, id): (i64, String), limit: u32) -> Result<Vec<Letter>, DbError> {
    db.all(sql::GIVEN_UP, args![time_ms, id, i64::from(limit)]).await
}
