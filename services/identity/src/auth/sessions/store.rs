//! Sessions and passwords in their tables.

use database::{DbError, Tx, args};
use kernel::Problem;
use media_types::TenantId;
use serde_json::json;

use super::{tell, tenant_id};
use crate::auth::policy::Rules;
use crate::auth::proof::Proof;

macro_rules! session_columns {
    () => {
        "s.tenant_id, s.id, s.user_id, s.user_agent, s.family_sha256, s.token_sha256, s.methods, s.authenticated_ms, s.expires_ms,
            s.last_used_ms, s.created_ms, s.client_id, s.scope, s.acted_by, s.reason, u.state AS user_state, t.state AS tenant_state
            FROM auth_session s JOIN user_account u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
            JOIN tenant t ON t.tenant_id = s.tenant_id"
    };
}

pub(super) const ACCOUNT: &str =
    "SELECT u.tenant_id, u.id, u.state, p.hash, c.confirmed_ms AS code_since_ms, t.state AS tenant_state
    FROM user_account u JOIN tenant t ON t.tenant_id = u.tenant_id
    LEFT JOIN auth_password p ON p.tenant_id = u.tenant_id AND p.user_id = u.id
    LEFT JOIN auth_totp c ON c.tenant_id = u.tenant_id AND c.user_id = u.id
    WHERE t.slug = $1 AND u.email = $2 LIMIT 1";
/// Of a person who may sign in, how his tenant stands.
pub(super) const STANDING: &str = "SELECT t.state FROM user_account u JOIN tenant t ON t.tenant_id = u.tenant_id
    WHERE u.tenant_id = $1 AND u.id = $2 AND u.state = 'active'";
pub(super) const NAMED: &str = "SELECT tenant_id FROM tenant WHERE slug = $1";
/// An update that changes nothing locks the row on both engines.
pub(in crate::auth) const STAYS: &str =
    "UPDATE user_account SET state = state WHERE tenant_id = $1 AND id = $2 AND state = 'active'";
/// The address that somebody is let in by.
const EMAIL: &str = "SELECT email FROM user_account WHERE tenant_id = $1 AND id = $2";
/// Of whoever is asked for codes.
pub(super) const CODES: &str =
    "SELECT confirmed_ms FROM auth_totp WHERE tenant_id = $1 AND user_id = $2 AND confirmed_ms IS NOT NULL";
pub(super) const PUT_PASSWORD: &str = "INSERT INTO auth_password (tenant_id, user_id, hash, changed_ms)
    VALUES ($1, $2, $3, $4)
    ON CONFLICT (tenant_id, user_id) DO UPDATE SET hash = excluded.hash, changed_ms = excluded.changed_ms";

pub(super) const INSERT: &str = "INSERT INTO auth_session
    (tenant_id, id, user_id, user_agent, family_sha256, token_sha256, methods, authenticated_ms, expires_ms, last_used_ms, created_ms,
        client_id, scope)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11, $12)";
/// Of a person's sessions the 50 stay that were used last.
pub(super) const TRIM: &str = "DELETE FROM auth_session WHERE tenant_id = $1 AND user_id = $2 AND (expires_ms <= $3
    OR id NOT IN (SELECT id FROM auth_session WHERE tenant_id = $1 AND user_id = $2
        ORDER BY last_used_ms DESC, id DESC LIMIT 50))";
pub(in crate::auth) const BY_ID: &str = concat!(
    "SELECT ",
    session_columns!(),
    " WHERE s.id = $1 AND (s.acted_session_id IS NULL OR EXISTS (SELECT 1 FROM auth_session a
        WHERE a.tenant_id = s.tenant_id AND a.id = s.acted_session_id)) LIMIT 1"
);
/// Whoever has the token that holds gets the next one, and nobody else.
pub(super) const TURN: &str = "UPDATE auth_session SET token_sha256 = $4, last_used_ms = $5
    WHERE tenant_id = $1 AND id = $2 AND token_sha256 = $3";
/// What somebody has shown since his session began.
pub(in crate::auth) const PROVE: &str = "UPDATE auth_session SET methods = $4, authenticated_ms = $5
    WHERE tenant_id = $1 AND user_id = $2 AND id = $3";
pub(super) const LIST: &str = concat!(
    "SELECT ",
    session_columns!(),
    " WHERE s.tenant_id = $1 AND s.user_id = $2 AND s.expires_ms > $3 ORDER BY s.last_used_ms DESC, s.id DESC LIMIT 50"
);
pub(super) const END: &str = "DELETE FROM auth_session WHERE tenant_id = $1 AND user_id = $2 AND id = $3";
pub(super) const END_ALL: &str = "DELETE FROM auth_session WHERE tenant_id = $1 AND user_id = $2";
pub(in crate::auth) const END_OTHERS: &str =
    "DELETE FROM auth_session WHERE tenant_id = $1 AND user_id = $2 AND id <> $3";

pub(in crate::auth) const STATEMENTS: &[&str] = &[
    ACCOUNT,
    STANDING,
    NAMED,
    STAYS,
    EMAIL,
    CODES,
    PUT_PASSWORD,
    INSERT,
    TRIM,
    BY_ID,
    TURN,
    PROVE,
    LIST,
    END,
    END_ALL,
    END_OTHERS,
];

database::row! {
    /// A person as he signs in; without a hash he has no password, and without a time no second factor.
    pub(super) struct AccountRow {
        pub(super) tenant_id: String,
        pub(super) id: String,
        pub(super) state: String,
        pub(super) hash: Option<String>,
        pub(super) code_since_ms: Option<i64>,
        pub(super) tenant_state: String,
    }
}

database::row! {
    /// A session, and how those stand whose it is.
    pub(in crate::auth) struct SessionRow {
        pub(in crate::auth) tenant_id: String,
        pub(in crate::auth) id: String,
        pub(in crate::auth) user_id: String,
        pub(super) user_agent: Option<String>,
        pub(super) family_sha256: Vec<u8>,
        pub(in crate::auth) token_sha256: Vec<u8>,
        methods: String,
        authenticated_ms: i64,
        pub(in crate::auth) expires_ms: i64,
        pub(in crate::auth) last_used_ms: i64,
        pub(super) created_ms: i64,
        pub(in crate::auth) client_id: Option<String>,
        pub(in crate::auth) scope: Option<String>,
        pub(super) acted_by: Option<String>,
        pub(super) reason: Option<String>,
        pub(super) user_state: String,
        pub(in crate::auth) tenant_state: String,
    }
}

impl SessionRow {
    /// Whose it is.
    pub(in crate::auth) fn account(&self) -> Result<Account, Problem> {
        Account::stored(&self.tenant_id, &self.user_id)
    }

    /// What its person has shown so far.
    pub(in crate::auth) fn proof(&self) -> Proof {
        Proof::stored(&self.methods, self.authenticated_ms)
    }
}

/// A person whose session it is, or is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::auth) struct Account {
    pub(in crate::auth) tenant: TenantId,
    pub(in crate::auth) user: String,
}

impl Account {
    /// As its columns have it.
    pub(in crate::auth) fn stored(tenant: &str, user: &str) -> Result<Self, Problem> {
        Ok(Self { tenant: tenant_id(tenant)?, user: user.to_owned() })
    }
}

/// A session that is about to begin.
pub(in crate::auth) struct NewSession<'a> {
    pub(in crate::auth) id: &'a str,
    /// What it is begun with, as that calls itself.
    pub(in crate::auth) user_agent: Option<String>,
    pub(in crate::auth) family_sha256: [u8; 32],
    pub(in crate::auth) token_sha256: [u8; 32],
    pub(in crate::auth) expires_ms: i64,
    /// The client that it is of, and the scope that this was given.
    pub(in crate::auth) client: Option<(&'a str, &'a str)>,
    pub(in crate::auth) now_ms: i64,
}

/// Somebody whom a transaction lets in, and has locked for that: whoever suspends him meanwhile, or has codes asked for, ends what begins
/// now, too.
pub(in crate::auth) struct Admitted<'a> {
    account: &'a Account,
    proof: &'a Proof,
    is_enough: bool,
}

/// Lets a person in who may sign in, by what he has shown: of whoever has codes one factor is not enough, and his address is one that his
/// tenant lets in. `None` of anybody else. It comes first in its transaction, so that two never wait for each other.
pub(in crate::auth) async fn admit<'a>(
    tx: &mut Tx,
    account: &'a Account,
    proof: &'a Proof,
) -> Result<Option<Admitted<'a>>, DbError> {
    let Account { tenant, user } = account;
    if tx.execute(STAYS, args![tenant, user]).await? == 0 {
        return Ok(None);
    }
    let codes: Option<(i64,)> = tx.optional(CODES, args![tenant, user]).await?;
    let (rules, email) = (Rules::within(tx, tenant).await?, tx.optional(EMAIL, args![tenant, user]).await?);
    let is_known = email.is_some_and(|(email,): (String,)| rules.admit(&email));
    let is_enough = !rules.needs_second_factor || proof.are_several();
    Ok((is_known && (codes.is_none() || proof.are_several())).then_some(Admitted { account, proof, is_enough }))
}

impl Admitted<'_> {
    pub(in crate::auth) fn account(&self) -> &Account {
        self.account
    }

    pub(in crate::auth) fn proof(&self) -> &Proof {
        self.proof
    }

    /// Whether what was shown is all that the tenant asks for. Otherwise he is in for his own affairs, and no program gets anything of him.
    pub(in crate::auth) fn is_enough(&self) -> bool {
        self.is_enough
    }

    /// Begins a session of the person: the one way in which any begins but those in which somebody else acts as him.
    pub(in crate::auth) async fn begin(&self, tx: &mut Tx, new: NewSession<'_>) -> Result<(), DbError> {
        let Account { tenant, user } = self.account;
        let NewSession { id, user_agent, family_sha256, token_sha256, expires_ms, client, now_ms } = new;
        let (client, scope) = client.unzip();
        let args = args![
            tenant,
            id,
            user,
            user_agent,
            &family_sha256[..],
            &token_sha256[..],
            self.proof.text(),
            self.proof.at_ms,
            expires_ms,
            now_ms,
            client,
            scope
        ];
        tx.execute(INSERT, args).await?;
        tx.execute(TRIM, args![tenant, user, now_ms]).await.map(drop)
    }
}

/// Ends a session of a person; whether it went on.
pub(in crate::auth) async fn end_one(tx: &mut Tx, account: &Account, id: &str) -> Result<bool, DbError> {
    Ok(tx.execute(END, args![&account.tenant, &account.user, id]).await? == 1)
}

/// Ends the session of which something was shown twice that holds once, and tells so.
pub(in crate::auth) async fn end_reused(tx: &mut Tx, account: &Account, id: &str, now_ms: i64) -> Result<(), DbError> {
    if !end_one(tx, account, id).await? {
        return Ok(());
    }
    tracing::warn!(session = %id, "what holds once was shown twice: its session has ended");
    let data = json!({ "id": id, "user_id": account.user });
    tell(tx, &account.tenant, ("session.reused", id), data, now_ms).await
}
